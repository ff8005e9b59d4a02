"""Emergency: ranks, the plan that serves them, by page and API; who may do what, and what is refused."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from routing.emergency_desk import run_emergency
from routing.tables import StoredPlan
from tests.routing.stored import plan_of
from tests.web.conftest import Cast, Doorman
from tests.wms.freight.builders import make_consignments
from wms.db import Database, Scope
from wms.freight import queries

Csrf = Callable[..., str]


@pytest.fixture
def names(database: Database, scope: Scope) -> list[str]:
    with database.unit_of_work(scope) as session:
        return make_consignments(session, 3, volume_cm3=2_000_000, destination="DEDUI")


def post(client: FlaskClient, csrf: Csrf, path: str, **values: object) -> TestResponse:
    keys = {"csrf_token": csrf(client, "/plan/emergency"), "idempotency_key": f"form-{uuid4()}"}
    return client.post(path, data={**keys, **values})


def test_a_planner_ranks_closes_a_place_and_gets_the_plan(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, names: list[str]
) -> None:
    planner = doorman.browser("planner")
    assert "/plan/emergency" in planner.get("/plan").text
    assert "No open consignment has a rank." in planner.get("/plan/emergency").text
    for name, rank in ((names[1], 1), (names[2], 2)):
        assert post(planner, csrf, "/plan/emergency/priority", consignment=name, priority=rank).status_code == 302
    page = planner.get("/plan/emergency").text.partition("Who comes first")[2]
    assert page.index(names[1]) < page.index(names[2])
    assert names[0] not in page
    asked = post(planner, csrf, "/plan/emergency", seconds=30, weeks=4, closed=["CNCSD"])
    assert asked.status_code == 302
    plan_id = int(asked.headers["Location"].rpartition("/")[2])
    run_emergency(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    shown = planner.get(f"/plan/{plan_id}").text
    for words in ("Emergency: relief goods by rank", "Closed places", "price of the emergency", "Accept and book"):
        assert words in shown
    plan = plan_of(database, scope, plan_id)
    assert [(one.priority, one.go) for one in plan.ranks] == [(1, 1), (2, 1)]
    ready = {one.consignment: one.deliver_at for one in plan.assignments}
    assert ready[names[1]] <= ready[names[0]]
    assert all(segment.stuffing_place != "CNCSD" for segment in plan.segments)
    assert "应急：各级别救灾物资" in doorman.browser("planner", locale="zh").get(f"/plan/{plan_id}").text
    assert post(planner, csrf, f"/plan/{plan_id}/acceptance").status_code == 302
    with database.unit_of_work(scope) as session:
        assert len(queries.consignments(session, state="booked")) == 3


def test_the_api_ranks_and_plans(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, names: list[str]
) -> None:
    head = doorman.token("planner")
    address = f"/api/v1/consignments/{names[0]}/priority"
    for key, version in (("r1", 2), ("r2", 2)):  # the same rank again changes nothing
        said = client.put(address, json={"priority": 1}, headers=head | {"Idempotency-Key": key})
        assert (said.status_code, said.json["version"]) == (200, version)
    assert client.get(f"/api/v1/consignments/{names[0]}", headers=head).json["priority"] == 1
    wanted = {"seconds": 10, "quantile": 80}
    said = client.post("/api/v1/emergency-plans", json=wanted, headers=head | {"Idempotency-Key": "e1"})
    assert said.status_code == 202, said.text
    for _ in range(2):  # again: it has its answer
        run_emergency(database, plan_id=said.json["id"], tenant_id=scope.tenant_id, wishes={"quantile": 80})
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, said.json["id"])
        job = text("SELECT args FROM procrastinate_jobs WHERE lock = :lock")
        args = session.execute(job, {"lock": f"plan-{row.id}"}).scalar_one()
        assert args["wishes"]["quantile"] == (row.problem or {})["options"]["quantile"] == 80
    row = client.get(said.headers["Location"], headers=head).json
    assert (row["state"], row["emergency"]) == ("solved", {"closed": []})
    document = client.get(said.headers["Location"] + "/document", headers=head).json
    assert [one["go"] for one in document["ranks"]] == [1]


def test_what_cannot_be_is_refused_by_name(doorman: Doorman, client: FlaskClient, csrf: Csrf, names: list[str]) -> None:
    head = doorman.token("planner")

    def ask(body: dict[str, object]) -> TestResponse:
        return client.post("/api/v1/emergency-plans", json=body, headers=head | {"Idempotency-Key": str(uuid4())})

    assert ask({}).json["type"].endswith(":nothing_comes_first")
    address = f"/api/v1/consignments/{names[0]}/priority"
    assert client.put(address, json={"priority": 10}, headers=head | {"Idempotency-Key": "r"}).status_code == 422
    client.put(address, json={"priority": 9}, headers=head | {"Idempotency-Key": "s"})
    refused = ask({"closed": ["ATLANTIS"]})
    assert (refused.status_code, refused.json["type"].rpartition(":")[2]) == (422, "not_a_place_of_services")
    assert "ATLANTIS" in refused.json["detail"]
    planner = doorman.browser("planner")
    assert "CNCLJ" in post(planner, csrf, "/plan/emergency", seconds=30, weeks=4, closed=["ATLANTIS"]).text
    assert post(planner, csrf, "/plan/emergency/priority", consignment=names[0], priority="first").status_code == 422
    post(planner, csrf, "/plan/emergency/priority", consignment="NOBODY", priority=1)
    assert "There is no consignment NOBODY." in planner.get("/plan/emergency").text
    post(planner, csrf, "/plan/emergency/priority", consignment=names[0], priority=11)
    assert "this is 11" in planner.get("/plan/emergency").text


def test_a_firm_gives_no_rank_not_even_to_its_own_goods(
    doorman: Doorman, client: FlaskClient, cast: Cast, names: list[str]
) -> None:
    head = doorman.token("planner", company_id=cast.firm_id) | {"Idempotency-Key": "f"}
    assert (
        client.put(f"/api/v1/consignments/{names[0]}/priority", json={"priority": 1}, headers=head).status_code == 403
    )
    assert client.post("/api/v1/emergency-plans", json={}, headers=head).status_code == 403
    assert "/plan/emergency" not in doorman.browser("planner", company_id=cast.firm_id).get("/plan").text
