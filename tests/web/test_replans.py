"""Something happened to an accepted plan: by page and API from the event to moved bookings."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from routing import desk
from routing.plan import Plan
from routing.replan.desk import accept_in_place, run_replan
from routing.tables import StoredPlan
from tests.routing.stored import plan_of, successor
from tests.routing.test_desk import planned
from tests.web.conftest import Doorman
from tests.wms.freight.builders import make_consignments
from web.pages.replans import _broken
from wms.db import Database, Scope
from wms.freight import queries

Csrf = Callable[..., str]


@pytest.fixture
def live(database: Database, scope: Scope) -> int:
    """An accepted plan of three consignments."""
    with database.unit_of_work(scope) as session:
        make_consignments(session, 3, volume_cm3=9_000_000)
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        desk.accept_plan(session, plan_id)
    return plan_id


def post(client: FlaskClient, csrf: Csrf, path: str, **values: object) -> TestResponse:
    key = f"form-{uuid4()}"
    return client.post(path, data={"csrf_token": csrf(client, "/plan"), "idempotency_key": key, **values})


def work(database: Database, scope: Scope, plan_id: int) -> None:
    run_replan(database, plan_id=plan_id, tenant_id=scope.tenant_id)


def test_a_planner_says_what_happened_compares_and_accepts(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, live: int
) -> None:
    departure = plan_of(database, scope, live).legs[0].departure
    planner = doorman.browser("planner")
    page = planner.get(f"/plan/{live}/repairs")
    assert page.status_code == 200
    assert departure in page.text
    assert f"/plan/{live}/repairs" in planner.get(f"/plan/{live}").text
    asked = post(planner, csrf, f"/plan/{live}/repairs", kind="cancelled", departure=departure)
    assert asked.status_code == 302
    found = re.search(r"/plan/(\d+)$", asked.headers["Location"])
    assert found is not None
    made = int(found[1])
    work(database, scope, made)
    shown = planner.get(f"/plan/{made}/repairs").text
    for text in ("Before and after", "is cancelled", "Who moved and why", "its departure is cancelled", "Owners",
                 f"Accept in place of plan {live}"):  # fmt: skip
        assert text in shown
    assert "之前费用" in doorman.browser("planner", locale="zh").get(f"/plan/{made}/repairs").text
    assert f"/plan/{made}/repairs" in planner.get(f"/plan/{live}/repairs").text
    done = post(planner, csrf, f"/plan/{made}/replacement")
    assert done.status_code == 302
    assert "superseded" in planner.get(f"/plan/{live}").text
    with database.unit_of_work(scope) as session:
        rows = queries.consignments(session, state="booked")
        assert {one.plan_id for one in queries.bookings(session, [row.id for row in rows]).values()} == {made}


def test_a_form_without_what_its_event_needs_comes_back_with_the_field(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, live: int
) -> None:
    planner = doorman.browser("planner")
    departure = plan_of(database, scope, live).legs[0].departure
    for form, said in (
        ({"kind": "flood"}, "kind"),
        ({"kind": "delay", "departure": departure, "hours": "soon"}, "hours"),
        ({"kind": "cancelled", "departure": ""}, "departure"),
        ({"kind": "closed", "place": "KZALS", "from_at": "", "until_at": ""}, "from_at"),
    ):
        answer = post(planner, csrf, f"/plan/{live}/repairs", **form)
        text = answer.text if answer.status_code != 302 else planner.get(answer.headers["Location"]).text
        assert said in text


def test_the_api_repairs_compares_and_replaces(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope, live: int
) -> None:
    bearer = doorman.token("planner")
    departure = plan_of(database, scope, live).legs[0].departure
    body: dict[str, Any] = {"events": [{"kind": "cancelled", "departure": departure}], "seconds": 3}
    address = f"/api/v1/plans/{live}/replans"
    said = client.post(address, json=body, headers={**bearer, "Idempotency-Key": "replan-1"})
    assert said.status_code == 202, said.text
    made = said.get_json()["id"]
    again = client.post(address, json=body, headers={**bearer, "Idempotency-Key": "replan-1"})
    assert again.get_json()["id"] == made
    work(database, scope, made)
    listed = client.get(address, headers=bearer).get_json()
    assert [(row["id"], row["replaces_id"], row["state"]) for row in listed] == [(made, live, "solved")]
    compared = client.get(f"/api/v1/plans/{made}/comparison", headers=bearer).get_json()
    assert compared["replaces_id"] == live
    assert compared["comparison"]["breaks"][0]["code"] == "cancelled"
    assert compared["comparison"]["comparison"]["after"]["go"] == 3
    assert client.get(f"/api/v1/plans/{live}/comparison", headers=bearer).get_json()["comparison"] is None
    done = client.post(f"/api/v1/plans/{made}/replacement", headers={**bearer, "Idempotency-Key": "replan-2"})
    assert (done.status_code, done.get_json()["booked"]) == (200, 3)
    late = client.post(address, json=body, headers={**bearer, "Idempotency-Key": "replan-3"})
    assert (late.status_code, late.get_json()["type"].rpartition(":")[2]) == (409, "nothing_to_repair")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": []}, "events"),
        ({"events": [{"kind": "flood"}]}, "events.0.kind"),
        ({"events": [{"kind": "delay", "departure": "X@1"}]}, "events.0.delay.hours"),
        ({"events": [{"kind": "cancelled", "departure": "X@1"}]}, "events.0.cancelled.departure"),
        ({"events": [{"kind": "cancelled", "departure": "X@1", "hours": -1}]}, "events.0.hours"),
        ({"events": [{"kind": "new", "consignment": "NOBODY"}]}, "events.0.new.consignment"),
    ],
)
def test_a_bad_event_is_refused_by_field(
    doorman: Doorman, client: FlaskClient, live: int, body: dict[str, Any], field: str
) -> None:
    headers = {**doorman.token("planner"), "Idempotency-Key": "replan-bad"}
    said = client.post(f"/api/v1/plans/{live}/replans", json=body, headers=headers)
    assert said.status_code in {400, 422}
    assert field in said.text


def test_a_bad_event_is_refused_in_the_readers_language(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope, live: int
) -> None:
    planner = doorman.browser("planner", locale="zh")
    for form, said in (
        ({"kind": "cancelled", "departure": "BOAT@20260304T1200"}, "BOAT 不是此网络的航线或班列"),
        ({"kind": "late", "consignment": "NOBODY", "ready_at": "2026-03-05T08:00"}, "NOBODY 不是此方案的货物"),
        ({"kind": "new", "consignment": "NOBODY"}, "NOBODY 不是待运货物"),
        ({"kind": "closed", "place": "KZALS", "from_at": "", "until_at": ""}, "必须是带时差的时刻"),
    ):
        answer = post(planner, csrf, f"/plan/{live}/repairs", **form)
        assert answer.status_code == 302
        assert said in planner.get(answer.headers["Location"]).text


def test_a_stranded_box_is_opened_on_the_page(
    doorman: Doorman, client: FlaskClient, csrf: Csrf, database: Database, scope: Scope, live: int
) -> None:
    with database.unit_of_work(scope) as session:
        base = session.get_one(StoredPlan, live)
        first = next(iter(base.versions or {}))
        box = next(one.box for one in Plan.model_validate(base.document).assignments if one.consignment == first)
        made = successor(session, base, stranded=(first,)).id
        accept_in_place(session, made)
    planner = doorman.browser("planner")
    page = planner.get(f"/plan/{made}/repairs").text
    assert "Closed boxes that no departure takes" in page
    address = f"/plan/{live}/boxes/{box}/opening"
    assert f'action="{address}"' in page
    assert "say why" in post(planner, csrf, address, reason=" ").text
    done = post(planner, csrf, address, reason="the border stays closed")
    assert done.status_code == 302
    page = planner.get(f"/plan/{made}/repairs").text
    assert f"Open again: {first}." in page
    assert "Closed boxes that no departure takes" not in page
    head = doorman.token("planner") | {"Idempotency-Key": "open-1"}
    said = client.post(f"/api/v1/plans/{live}/boxes/{box}/opening", json={"reason": "once more"}, headers=head)
    assert (said.status_code, said.json["type"].rpartition(":")[2]) == (409, "nothing_stranded")


def test_what_breaks_is_told_in_the_readers_time_and_harmless(app: APIFlask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        values = {"segment": "<b>S", "arrives": "2026-12-01T10:00:00Z", "planned": "2026-11-30T17:30:00Z"}
        said = _broken("later", values)
    assert said == (
        '&lt;b&gt;S arrives <time datetime="2026-12-01T10:00:00Z">2026-12-01 18:00</time> instead of '
        '<time datetime="2026-11-30T17:30:00Z">2026-12-01 01:30</time>.'
    )
