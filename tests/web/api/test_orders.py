"""Orders over HTTP: taken in, changed, promised stock, cancelled; each mistake named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.outbound import Hall, build_hall
from wms.db import Database, Scope
from wms.parties import dated


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.put(session, made.tea, made.bins[0], 30)
        return made


def call(doorman: Doorman, method: str, path: str, body: Any = None, role: str = "supervisor") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, json=body)


def body(hall: Hall, **given: Any) -> dict[str, Any]:
    return {
        "order_no": f"SO-{build.number()}",
        "site": hall.site.code,
        "owner": hall.owner.code,
        "trade_mode": "0110",
        "lines": [{"item": hall.tea.code, "qty": 2, "unit": "carton"}, {"item": hall.beef.code, "qty": 3}],
    } | given


def test_takes_in_an_order_in_any_unit_and_promises_what_is_there(doorman: Doorman, hall: Hall) -> None:
    order = body(hall)
    said = call(doorman, "POST", "/orders", order)
    assert said.status_code == 201
    assert [line["ordered_qty"] for line in said.get_json()["lines"]] == [24, 3]
    done = call(doorman, "POST", f"/orders/{order['order_no']}/allocate").get_json()
    assert (done["lines"], done["lines_met"], done["lines_short"], done["qty"]) == (2, 1, 1, 24)
    assert done["order"]["state"] == "part_allocated"
    assert [(one["place"], one["qty"]) for one in done["order"]["promises"]] == [("B-1-1", 24)]
    back = call(doorman, "POST", f"/orders/{order['order_no']}/deallocate").get_json()
    assert (back["state"], back["allocated_qty"]) == ("open", 0)


def test_a_repeat_of_the_same_deed_gets_the_first_answer(doorman: Doorman, hall: Hall) -> None:
    order = body(hall)
    call(doorman, "POST", "/orders", order)
    path = f"/orders/{order['order_no']}/allocate"
    headers = doorman.token("supervisor") | {"Idempotency-Key": "allocate-once-1"}
    first, again = (doorman.app.test_client().post(f"/api/v1{path}", headers=headers) for _ in range(2))
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json() == first.get_json()


def test_promises_to_several_orders_the_urgent_one_first(doorman: Doorman, hall: Hall) -> None:
    late, urgent = (body(hall, lines=[{"item": hall.tea.code, "qty": 20}], priority=priority) for priority in (5, 1))
    for order in (late, urgent):
        call(doorman, "POST", "/orders", order)
    done = call(doorman, "POST", "/allocations", {"orders": [late["order_no"], urgent["order_no"]]}).get_json()
    assert (done["lines_met"], done["qty"]) == (1, 30)
    assert call(doorman, "GET", f"/orders/{urgent['order_no'].lower()}").get_json()["state"] == "allocated"


def test_changes_and_cancels_before_release_and_lists_by_state(doorman: Doorman, hall: Hall) -> None:
    order = body(hall)
    call(doorman, "POST", "/orders", order)
    changed = call(
        doorman, "PATCH", f"/orders/{order['order_no']}", {"priority": 1, "lines": [{"item": hall.tea.code, "qty": 1}]}
    ).get_json()
    assert (changed["priority"], changed["ordered_qty"], changed["line_count"]) == (1, 1, 1)
    gone = call(doorman, "POST", f"/orders/{order['order_no']}/cancel", {"reason": "customer"})
    assert gone.get_json()["state"] == "cancelled"
    again = call(doorman, "POST", f"/orders/{order['order_no']}/cancel", {"reason": "customer"})
    assert (again.status_code, again.get_json()["type"].rpartition(":")[2]) == (409, "order_not_cancellable")
    listed = call(doorman, "GET", f"/orders?site={hall.site.code}&state=cancelled").get_json()
    assert [one["order_no"] for one in listed] == [order["order_no"]]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"lines": []}, "invalid_field"),
        ({"trade_mode": "12"}, "invalid_field"),
        ({"priority": 10}, "invalid_field"),
        ({"site": "NOWHERE"}, "not_found"),
        ({"owner": "NOBODY"}, "not_found"),
        ({"trade_mode": "1210", "customs_status": "free"}, "wrong_customs_status"),
        ({"ship_by_at": "2099-01-01T00:00:00+08:00"}, "ships_too_far_ahead"),
        ({"lines": [{"item": "NOTHING", "qty": 1}]}, "not_owners_item"),
        ({"lines": [{"item": "X", "qty": 0}]}, "invalid_field"),
        ({"lines": [{"item": "X", "qty": 1.5}]}, "invalid_field"),
        ({"lines": [{"item": "X", "qty": 1, "countries": ["Narnia"]}]}, "bad_order_line"),
        ({"lines": [{"item": "X", "qty": 1, "strategy": "best"}]}, "invalid_field"),
    ],
)
def test_names_what_cannot_be(doorman: Doorman, hall: Hall, fault: dict[str, Any], code: str) -> None:
    said = call(doorman, "POST", "/orders", body(hall) | fault)
    assert said.status_code in {404, 422}
    assert said.get_json()["type"].endswith(f":{code}"), said.get_json()


def test_refuses_a_unit_the_item_is_not_packed_in_and_a_number_that_is_taken(doorman: Doorman, hall: Hall) -> None:
    order = body(hall)
    unpacked = body(hall, lines=[{"item": hall.beef.code, "qty": 1, "unit": "carton"}])
    assert call(doorman, "POST", "/orders", unpacked).get_json()["type"].endswith(":unknown_unit")
    call(doorman, "POST", "/orders", order)
    assert call(doorman, "POST", "/orders", order).get_json()["type"].endswith(":order_exists")


def test_bonded_goods_are_not_sent_from_a_site_outside_the_zone(
    doorman: Doorman, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        outside = build_hall(session, "ordinary")
    said = call(doorman, "POST", "/orders", body(outside, trade_mode="1210"))
    assert said.get_json()["type"].endswith(":wrong_customs_status")


def test_only_an_order_found_wholly_short_is_put_back(doorman: Doorman, hall: Hall) -> None:
    order = body(hall)
    call(doorman, "POST", "/orders", order)
    said = call(doorman, "POST", f"/orders/{order['order_no']}/back-order")
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (409, "order_not_short")
    assert "Only an order that was found wholly short" in said.get_json()["detail"]
    assert call(doorman, "POST", "/orders/SO-NONE/back-order").status_code == 404


def test_how_far_ahead_an_order_may_ship_is_dated_data(
    doorman: Doorman, hall: Hall, database: Database, scope: Scope
) -> None:
    day = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    said = call(doorman, "POST", "/orders", body(hall, ship_by_at=day))
    assert said.get_json()["type"].rpartition(":")[2] == "ships_too_far_ahead"
    with database.unit_of_work(scope) as session:
        dated.enter(session, "order.ahead_days", 500, valid_from_on=datetime.now(UTC).date(), source="our own rule")
    assert call(doorman, "POST", "/orders", body(hall, ship_by_at=day)).status_code == 201
