"""The planning desk in the browser and by API: ask, watch, read, accept; who may do what and sees what."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from routing import desk
from tests.build import make_company
from tests.web.conftest import Cast, Doorman
from tests.wms.freight.builders import READY, form, make_consignments
from wms.db import Database, Scope
from wms.freight import queries
from wms.freight.service import amend, announce

Csrf = Callable[..., str]


@pytest.fixture
def names(database: Database, scope: Scope) -> list[str]:
    with database.unit_of_work(scope) as session:
        return make_consignments(session, 5, volume_cm3=11_000_000)


def made(database: Database, scope: Scope, company_id: int | None = None) -> int:
    asker = (
        scope if company_id is None else Scope(scope.tenant_id, role="planner", company_id=company_id, sees_all=False)
    )
    with database.unit_of_work(asker) as session:
        plan_id = desk.request_plan(session, seconds=5, company_id=company_id)
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id, company_id=company_id)
    return plan_id


def post(client: FlaskClient, csrf: Csrf, path: str, key: str, **values: object) -> str:
    said = client.post(path, data={"csrf_token": csrf(client, "/plan"), "idempotency_key": key, **values})
    assert said.status_code == 302, said.text
    return said.headers["Location"]


def test_asking_answers_at_once_with_the_page_that_watches(doorman: Doorman, csrf: Csrf, names: list[str]) -> None:
    planner = doorman.browser("planner")
    assert "5</b>" in planner.get("/plan").text
    where = post(planner, csrf, "/plan", "k1", seconds=15, weeks=4)
    assert post(planner, csrf, "/plan", "k1", seconds=15, weeks=4) == where
    page = planner.get(where).text
    assert "Waiting for a worker" in page
    assert 'hx-trigger="news, every 5s"' in page


def test_a_made_plan_shows_its_figures_and_accepting_books_it(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, names: list[str]
) -> None:
    plan_id = made(database, scope)
    planner = doorman.browser("planner")
    page = planner.get(f"/plan/{plan_id}").text
    assert "proven bound" in page
    assert "Accept and book" in page
    assert names[0] in planner.get(f"/plan/{plan_id}?view=goods").text
    assert planner.get(f"/plan/{plan_id}/progress").headers["HX-Redirect"] == f"/plan/{plan_id}"
    assert post(planner, csrf, f"/plan/{plan_id}/acceptance", "a1") == f"/plan/{plan_id}"
    page = planner.get(f"/plan/{plan_id}").text
    assert "5 consignments are booked." in page
    assert "Accept and book" not in page
    with database.unit_of_work(scope) as session:
        assert queries.count_open(session) == 0


def test_a_stale_plan_is_refused_on_the_page_with_its_reason(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, names: list[str]
) -> None:
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        row = queries.consignment(session, names[1])
        assert row is not None
        amend(session, form(row.owner_id, consignment_no=names[1], weight_g=1))
    planner = doorman.browser("planner", locale="zh")
    post(planner, csrf, f"/plan/{plan_id}/acceptance", "a1")
    page = planner.get(f"/plan/{plan_id}").text
    assert f"已过期：此后有 1 票货物变更，其中包括 {names[1]}" in page


def test_who_stays_behind_is_shown_with_reason_and_advice(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        make_consignments(session, 1)
        make_consignments(session, 1, due_at=READY + timedelta(days=1), latest_at=READY + timedelta(days=2))
    plan_id = made(database, scope)
    english = doorman.browser("planner").get(f"/plan/{plan_id}?view=left").text
    assert "too late: best arrival" in english
    assert "Allow delivery" in english
    chinese = doorman.browser("planner", locale="zh").get(f"/plan/{plan_id}?view=left").text
    assert "到达过晚" in chinese
    assert "允许推迟" in chinese


def test_a_plan_with_no_feasible_service_names_what_stands_against_it(
    doorman: Doorman, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        make_consignments(session, 2, destination="DEXXX")
    page = doorman.browser("planner").get(f"/plan/{made(database, scope)}").text
    assert "no plan is possible" in page
    assert "DEXXX is no place of this network." in page


def test_the_api_answers_202_and_leads_to_the_plan(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, names: list[str]
) -> None:
    head = doorman.token("planner")
    said = client.post("/api/v1/plans", json={"seconds": 5}, headers=head | {"Idempotency-Key": "p1"})
    assert said.status_code == 202
    assert said.headers["Location"] == said.json["status"]
    assert client.get(said.headers["Location"], headers=head).json["state"] == "queued"
    assert client.get(said.headers["Location"] + "/document", headers=head).status_code == 404
    desk.run_plan(database, plan_id=said.json["id"], tenant_id=scope.tenant_id)
    found = client.get(said.headers["Location"], headers=head).json
    assert found["state"] == "solved"
    assert 0 < found["bound_minor"] <= found["cost_minor"]
    document = client.get(said.headers["Location"] + "/document", headers=head).json
    assert document["snapshot_sha256"] == found["snapshot_sha256"]
    for key in ("a1", "a2"):
        done = client.post(said.headers["Location"] + "/acceptance", json={}, headers=head | {"Idempotency-Key": key})
        assert (done.status_code, done.json["booked"]) == (200, 5)
    one = client.get(f"/api/v1/consignments/{names[0]}", headers=head).json
    assert one["state"] == "booked"
    assert one["booking"]["legs"]
    assert {row["kind"] for row in one["milestones"]} == {"PLN"}


@pytest.mark.parametrize("wrong", [{"seconds": 4}, {"seconds": "30"}, {"weeks": 0}, {"hours": 1}])
def test_the_api_names_a_wrong_field(doorman: Doorman, client: FlaskClient, wrong: dict[str, object]) -> None:
    said = client.post("/api/v1/plans", json=wrong, headers=doorman.token("planner") | {"Idempotency-Key": "k"})
    assert said.status_code == 422
    assert said.json["field"] == next(iter(wrong))


def test_nothing_to_plan_is_refused(doorman: Doorman, client: FlaskClient) -> None:
    said = client.post("/api/v1/plans", json={}, headers=doorman.token("planner") | {"Idempotency-Key": "k"})
    assert (said.status_code, said.json["type"]) == (409, "urn:dongting:problem:nothing_to_plan")


def test_consignments_are_announced_listed_amended_and_cancelled(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        owner = make_company(session, "owner_of_goods").code
    head = doorman.token("planner")
    body = {
        "consignment_no": "YY-1", "owner": owner, "origin": "CNCLJ", "destination": "DEHAM", "trade_mode": "0110",
        "volume_cm3": 2_000_000, "weight_g": 300_000, "value_minor": 5_000_000, "ready_at": READY.isoformat(),
        "due_at": (READY + timedelta(days=60)).isoformat(),
        "pieces": [{"count": 2, "length_mm": 800, "width_mm": 600, "height_mm": 500, "weight_g": 100_000}],
    }  # fmt: skip
    assert client.post("/api/v1/consignments", json=body, headers=head | {"Idempotency-Key": "1"}).status_code == 201
    twice = client.post("/api/v1/consignments", json=body, headers=head | {"Idempotency-Key": "2"})
    assert twice.json["type"] == "urn:dongting:problem:consignment_exists"
    bad = client.post("/api/v1/consignments", json=body | {"volume_cm3": -1}, headers=head | {"Idempotency-Key": "3"})
    assert (bad.status_code, bad.json["field"]) == (422, "volume_cm3")
    changed = client.put(
        "/api/v1/consignments/YY-1", json=body | {"weight_g": 400_000}, headers=head | {"Idempotency-Key": "4"}
    )
    assert changed.json["version"] == 2
    assert [one["weight_g"] for one in client.get("/api/v1/consignments?state=open", headers=head).json] == [400_000]
    assert (
        client.delete("/api/v1/consignments/YY-1", headers=head | {"Idempotency-Key": "5"}).json["state"] == "cancelled"
    )


def test_a_firm_plans_and_accepts_its_own_goods_only(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, cast: Cast, names: list[str]
) -> None:
    with database.unit_of_work(scope) as session:
        owner = make_company(session, "owner_of_goods")
        announce(session, form(owner.id, consignment_no="MINE", forwarder_id=cast.firm_id))
    everybody = made(database, scope)
    firm = doorman.browser("planner", company_id=cast.firm_id)
    listed = firm.get("/plan").text
    assert "MINE" in listed
    assert names[0] not in listed
    assert firm.get(f"/plan/{everybody}").status_code == 404
    own = made(database, scope, cast.firm_id)
    assert "MINE" in firm.get(f"/plan/{own}?view=goods").text
    post(firm, csrf, f"/plan/{own}/acceptance", "a1")
    assert "1 consignments are booked." in firm.get(f"/plan/{own}").text
    booked = firm.get("/plan?state=booked").text
    assert "MINE" in booked
    assert "B0001" in booked


def test_only_planners_start_and_accept_plans(
    doorman: Doorman, database: Database, scope: Scope, names: list[str]
) -> None:
    plan_id = made(database, scope)
    officer = doorman.browser("customs_officer")
    assert "Accept and book" not in officer.get(f"/plan/{plan_id}").text
    assert officer.post(f"/plan/{plan_id}/acceptance").status_code in {400, 403}


@pytest.mark.parametrize(("width", "height", "locale"), [(1440, 900, "zh"), (390, 844, "en")])
def test_a_plan_is_readable_in_a_browser_without_a_script_error(
    doorman: Doorman, chromium: Browser, live_server: str, database: Database, scope: Scope, names: list[str],
    width: int, height: int, locale: str,
) -> None:  # fmt: skip
    plan_id = made(database, scope)
    context = doorman.page_context(
        chromium, live_server, "planner", locale=locale, viewport={"width": width, "height": height}
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    for view in ("boxes", "goods", "left", "legs"):
        page.goto(f"{live_server}/plan/{plan_id}?view={view}")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.locator(".plan-map .routes path").count() >= 1
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.querySelector('.plan-map .land').getBBox().width") > 1000
    assert said == []
    context.close()
