"""A plan while it is made: its page keeps itself up to date, and a planner may stop it; nobody else's plan."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect

from routing import desk
from routing.desk_progress import Known, tell
from routing.tables import StoredPart, StoredPlan
from tests.web.conftest import Cast, Doorman
from wms.db import Database, Scope

Csrf = Callable[..., str]
WAIT_MS = 60_000


@pytest.fixture
def plan_id(database: Database, scope: Scope) -> int:
    """A plan of the operator that is being made."""
    return running(database, scope)


def running(database: Database, scope: Scope, company_id: int | None = None) -> int:
    with database.unit_of_work(scope) as session:
        row = StoredPlan(seconds_limit=30, weeks=4, seed=1, state="running", company_id=company_id)
        session.add(row)
        session.flush()
        tell(session, row.id, Known("bound", 300, 1_234_500, 1_000_000))
        session.add(
            StoredPart(plan_id=row.id, part_no=1, kind="bound", weight=1, input_sha256="", state="done", worker="a:1:2")
        )
        session.add(StoredPart(plan_id=row.id, part_no=2, kind="bound", weight=1, input_sha256=""))
        return row.id


def test_the_page_shows_cost_bound_gap_stages_and_parts(doorman: Doorman, plan_id: int) -> None:
    page = doorman.browser("planner").get(f"/plan/{plan_id}").text
    assert "12,345.00" in page
    assert "10,000.00" in page
    assert "19.00" in page
    assert "1 of 2 parts done, by 1 worker processes" in page
    assert "polyline" in page
    chinese = doorman.browser("planner", locale="zh").get(f"/plan/{plan_id}/progress").text
    assert "已完成 1/2 份，由 1 个后台进程承担" in chinese
    assert "求证最优下界" in chinese


def test_a_planner_stops_a_plan_once(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, plan_id: int
) -> None:
    planner = doorman.browser("planner")
    assert "Stop and keep the best" in planner.get(f"/plan/{plan_id}").text
    form = {"csrf_token": csrf(planner, "/plan"), "idempotency_key": "s1"}
    said = planner.post(f"/plan/{plan_id}/stop", data=form)
    assert (said.status_code, said.headers["Location"]) == (302, f"/plan/{plan_id}")
    page = planner.get(f"/plan/{plan_id}").text
    assert "Stop and keep the best" not in page
    assert "The search ends with the best plan so far" in page
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, plan_id)
        assert row.stop_asked_at is not None
        assert row.stop_asked_by is not None


def test_the_api_tells_progress_and_stops(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, plan_id: int
) -> None:
    head = doorman.token("planner")
    found = client.get(f"/api/v1/plans/{plan_id}/progress", headers=head).json
    assert found["steps"][0]["gap_ppm"] == 189_956
    assert found["parts"] == [{"kind": "bound", "count": 2, "done": 1, "workers": 1}]
    said = client.post(f"/api/v1/plans/{plan_id}/stop", json={}, headers=head | {"Idempotency-Key": "1"})
    assert (said.status_code, said.json["state"]) == (200, "running")
    desk.fail(database, scope, plan_id, "a fault")
    again = client.post(f"/api/v1/plans/{plan_id}/stop", json={}, headers=head | {"Idempotency-Key": "2"})
    assert (again.status_code, again.json["type"]) == (409, "urn:dongting:problem:nothing_to_stop")


def test_a_firm_stops_its_own_plan_and_no_other(
    doorman: Doorman, client: FlaskClient, csrf: Csrf, database: Database, scope: Scope, cast: Cast, plan_id: int
) -> None:
    own = running(database, scope, cast.firm_id)
    head = doorman.token("planner", cast.firm_id)
    refused = client.post(f"/api/v1/plans/{plan_id}/stop", json={}, headers=head | {"Idempotency-Key": "1"})
    assert refused.status_code == 404
    assert client.get(f"/api/v1/plans/{plan_id}/progress", headers=head).status_code == 404
    assert client.post(f"/api/v1/plans/{own}/stop", json={}, headers=head | {"Idempotency-Key": "2"}).status_code == 200
    with database.unit_of_work(scope) as session:
        assert session.get_one(StoredPlan, plan_id).stop_asked_at is None
    page = doorman.browser("planner", company_id=cast.firm_id).get(f"/plan/{own}").text
    assert "every 1s" in page  # the live stream is the operator's
    assert "plan.js" not in page


def test_only_planners_stop_plans(doorman: Doorman, plan_id: int) -> None:
    officer = doorman.browser("customs_officer")
    assert "Stop and keep the best" not in officer.get(f"/plan/{plan_id}").text
    assert officer.post(f"/plan/{plan_id}/stop").status_code in {400, 403}


@pytest.mark.parametrize(("width", "height", "locale"), [(1440, 900, "zh"), (390, 844, "en")])
def test_the_page_keeps_itself_up_to_date_and_leaves_when_the_plan_is_there(
    doorman: Doorman, chromium: Browser, live_server: str, database: Database, scope: Scope, plan_id: int,
    width: int, height: int, locale: str,
) -> None:  # fmt: skip
    context = doorman.page_context(
        chromium, live_server, "planner", locale=locale, viewport={"width": width, "height": height}
    )
    page = context.new_page()
    page.goto(f"{live_server}/plan/{plan_id}")
    expect(page.locator("#progress .plan-figures")).to_contain_text("12,345.00")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    with database.unit_of_work(scope) as session:
        tell(session, plan_id, Known("search", 700, 1_111_100, 1_050_000))
    expect(page.locator("#progress .plan-figures")).to_contain_text("11,111.00", timeout=WAIT_MS)
    desk.fail(database, scope, plan_id, "no solver")
    expect(page.locator("pre.code")).to_have_text("no solver", timeout=WAIT_MS)
    context.close()
