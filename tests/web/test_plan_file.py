"""Consignments from a file by those who announce them; plans with delays planned for and a canal open."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from routing import desk
from routing.tables import StoredPlan
from tests import build
from tests.web.api.test_consignment_lists import book, row
from tests.web.conftest import Doorman
from tests.web.test_plan import Csrf, post
from tests.web.uploads import form_with
from tests.wms.freight.builders import make_consignments
from wms.db import Database, Scope
from wms.freight import queries
from wms.parties.tables import Company


@pytest.fixture
def owner(database: Database, scope: Scope) -> Company:
    with database.unit_of_work(scope) as session:
        return build.make_company(session, "owner_of_goods")


def send(doorman: Doorman, role: str, content: bytes, **query: Any) -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en"}
    form = form_with(content, "goods.xlsx")
    return doorman.app.test_client().post("/api/v1/consignments/file", headers=headers, query_string=query, **form)


def test_a_planner_announces_a_file_and_each_bad_row_is_named(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    number = f"HB{build.number()}"
    bad = book([row(owner, number), row(owner, number + "B", weight_kg="1.2345")], [])
    said = send(doorman, "planner", bad)
    assert said.status_code == 422
    assert [(one["row"], one["field"], one["code"]) for one in said.get_json()["errors"]] == [
        (3, "weight_kg", "too_fine")
    ]
    good = book([row(owner, number)], [])
    assert send(doorman, "planner", good, dry_run=True).get_json()["would_take"] == 1
    assert send(doorman, "planner", good).status_code == 201
    assert send(doorman, "planner", good).headers["Idempotent-Replayed"] == "true"
    assert send(doorman, "auditor", good).status_code == 403
    with database.unit_of_work(scope) as session:
        assert queries.consignment(session, number) is not None


def test_the_page_checks_first_and_announces_then(doorman: Doorman, csrf: Csrf, owner: Company) -> None:
    number = f"HB{build.number()}"
    planner = doorman.browser("planner")

    def sent(content: bytes, deed: str) -> Any:
        data = {"csrf_token": csrf(planner, "/plan/file"), "deed": deed, "idempotency_key": f"f{build.number()}"}
        return planner.post("/plan/file", data=data | {"file": (io.BytesIO(content), "goods.xlsx")})

    assert "2 rows" not in sent(book([row(owner, number)], []), "check").text
    said = sent(book([row(owner, number), row(owner, number)], []), "enter")
    assert said.status_code == 422
    assert f"There is already a consignment {number}." in said.text
    assert "1 rows read, 1 entered." in sent(book([row(owner, number)], []), "enter").text
    assert "起运地" in planner.get("/plan/file").text
    assert sent(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "check").status_code == 422


def test_a_plan_may_be_wished_with_delays_and_a_canal_open(
    doorman: Doorman, client: FlaskClient, csrf: Csrf, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        make_consignments(session, 2, volume_cm3=11_000_000)
    planner = doorman.browser("planner")
    assert "closed (Cape)" in planner.get("/plan").text
    where = post(planner, csrf, "/plan", f"w{build.number()}", seconds=15, weeks=4, quantile=80, suez="open")
    plan_id = int(where.rpartition("/")[2])
    with database.unit_of_work(scope) as session:
        args = session.execute(
            text("SELECT args FROM procrastinate_jobs WHERE (args->>'plan_id')::bigint = :id"), {"id": plan_id}
        ).scalar_one()
    given = args if isinstance(args, dict) else json.loads(args)
    assert given["wishes"] == {"quantile": 80, "canals": {"suez": "open"}}
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id, wishes=given["wishes"])
    with database.unit_of_work(scope) as session:
        kept = session.get(StoredPlan, plan_id)
        assert kept is not None
        assert kept.problem is not None
        assert (kept.state, kept.problem["options"]["quantile"]) == ("solved", 80)
        assert kept.problem["network"]["canals"]["suez"] == "open"
    assert "of delay planned" in planner.get(f"/plan/{plan_id}?view=legs").text
    head = doorman.token("planner")
    said = client.post(
        "/api/v1/plans", json={"quantile": 95, "suez": "open"}, headers=head | {"Idempotency-Key": f"q{plan_id}"}
    )
    assert said.status_code == 202
    for wrong in ({"quantile": 40}, {"suez": "ajar"}):
        said = client.post("/api/v1/plans", json=wrong, headers=head | {"Idempotency-Key": f"r{plan_id}"})
        assert (said.status_code, said.json["field"]) == (422, next(iter(wrong)))
