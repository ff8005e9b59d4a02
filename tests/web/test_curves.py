"""Trade-off curves in the browser and by API: ask, watch, compare, and what is refused."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from routing.curves import run_curve
from tests.web.conftest import Doorman
from tests.wms.freight.builders import make_consignments
from wms.db import Database, Scope

Csrf = Callable[..., str]


@pytest.fixture
def names(database: Database, scope: Scope) -> list[str]:
    with database.unit_of_work(scope) as session:
        return make_consignments(session, 3, volume_cm3=3_000_000, value_minor=50_000_000)


def ask(client: FlaskClient, csrf: Csrf, *weightings: str, seconds: str = "50") -> str:
    given = [("csrf_token", csrf(client, "/plan/curves")), ("idempotency_key", str(uuid4())), ("seconds", seconds)]
    form = MultiDict([*given, ("weeks", "4"), *(("weighting", one) for one in weightings)])
    said = client.post("/plan/curves", data=form)
    assert said.status_code in {302, 422}, said.text
    return said.headers["Location"] if said.status_code == 302 else said.text


def test_a_planner_asks_watches_and_compares(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, names: list[str]
) -> None:
    planner = doorman.browser("planner")
    assert "/plan/curves" in planner.get("/plan").text
    page = planner.get("/plan/curves").text
    assert "time counts 20 times" in page
    where = ask(planner, csrf, "20-1")
    curve_id = int(where.rpartition("/")[2])
    waiting = planner.get(where).text
    assert "0 of 2 plans are made" in waiting
    assert "HX-Redirect" not in planner.get(f"{where}/progress?seen=0").headers
    run_curve(database, curve_id=curve_id, tenant_id=scope.tenant_id)
    assert planner.get(f"{where}/progress?seen=0").headers["HX-Redirect"] == where
    page = planner.get(where).text
    for text in ("the cheapest", "the fastest", "the cleanest", "All points answer one snapshot:", "Money against time",
                 "as the rules say", "time counts 20 times", 'class="spot', "Proven bound",
                 "beside point 1"):  # fmt: skip
        assert text in page
    assert "plans are made" not in page
    assert f"Trade-off curve {curve_id}" in page
    assert f'href="{where}"' in planner.get("/plan/curves").text
    chinese = doorman.browser("planner", locale="zh").get(where).text
    assert "最省钱" in chinese
    assert "时间计 20 倍" in chinese


def test_a_plan_of_a_curve_leads_back_to_it_and_can_be_accepted(
    doorman: Doorman, client: FlaskClient, csrf: Csrf, database: Database, scope: Scope, names: list[str]
) -> None:
    planner = doorman.browser("planner")
    where = ask(planner, csrf, "20-1")
    run_curve(database, curve_id=int(where.rpartition("/")[2]), tenant_id=scope.tenant_id)
    head = doorman.token("planner")
    found = client.get("/api/v1/plans", headers=head).get_json()
    page = planner.get(f"/plan/{found[0]['id']}").text
    assert f'href="{where}"' in page
    assert "Accept and book" in page


def test_a_form_with_no_or_an_unknown_weighting_is_refused(doorman: Doorman, csrf: Csrf, names: list[str]) -> None:
    planner = doorman.browser("planner")
    for given, said in (((), "choose at least one"), (("9-9",), "9-9")):
        assert said in ask(planner, csrf, *given)
    assert "50, 150, 300" in ask(planner, csrf, "20-1", seconds="7")


def test_the_api_asks_shows_and_lists(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, names: list[str]
) -> None:
    head = doorman.token("planner")
    body = {"seconds": 10, "weightings": [{"time": 1000}]}
    said = client.post("/api/v1/plan-curves", json=body, headers=head | {"Idempotency-Key": "c1"})
    assert said.status_code == 202, said.text
    assert said.headers["Location"] == said.json["status"]
    again = client.post("/api/v1/plan-curves", json=body, headers=head | {"Idempotency-Key": "c1"})
    assert again.json["id"] == said.json["id"]
    asked = client.get(said.json["status"], headers=head).json
    assert [(one["weights"], one["takes"], one["plan"]["state"]) for one in asked["plans"]] == [
        ({"time": 1, "carbon": 1}, None, "queued"), ({"time": 1000, "carbon": 1}, None, "queued"),
    ]  # fmt: skip
    run_curve(database, curve_id=said.json["id"], tenant_id=scope.tenant_id)
    plain, fast = client.get(said.json["status"], headers=head).json["plans"]
    assert fast["takes"]["mean_h"] < plain["takes"]["mean_h"]
    assert fast["takes"]["weighted_bound_minor"] <= fast["takes"]["weighted_objective_minor"]
    assert (plain["takes"]["beaten"], plain["takes"]["left_behind"]) == (False, 0)
    assert fast["plan"]["snapshot_sha256"] == plain["plan"]["snapshot_sha256"]
    listed = client.get("/api/v1/plan-curves", headers=head).json
    assert [row["id"] for row in listed] == [said.json["id"]]
    plans = client.get("/api/v1/plans", headers=head).json
    assert {row["curve_id"] for row in plans} == {said.json["id"]}


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": 9}, {"weeks": 13}, {"weightings": []}, {"weightings": [{"time": 0}]}, {"weightings": [{"cost": 2}]}],
)
def test_the_api_names_a_wrong_field(doorman: Doorman, client: FlaskClient, wrong: dict[str, object]) -> None:
    said = client.post("/api/v1/plan-curves", json=wrong, headers=doorman.token("planner") | {"Idempotency-Key": "k"})
    assert said.status_code == 422
    assert said.json["field"].startswith(next(iter(wrong)))


def test_too_many_weightings_are_refused_with_their_number(
    doorman: Doorman, client: FlaskClient, names: list[str]
) -> None:
    body = {"weightings": [{"time": k} for k in range(2, 12)]}
    said = client.post("/api/v1/plan-curves", json=body, headers=doorman.token("planner") | {"Idempotency-Key": "k"})
    assert (said.status_code, said.json["type"]) == (422, "urn:dongting:problem:too_many_weightings")
    assert "11" in said.json["detail"]
