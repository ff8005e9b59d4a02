"""Waves and pick lists over HTTP: gathered, released with a short way, shown, called off."""

from typing import Any

import pytest

from tests.web.api.test_orders import body, call
from tests.web.conftest import Doorman
from tests.wms.floor.outbound import Hall, build_hall
from web import waving
from wms.db import Database, Scope


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        for place in made.bins:
            made.put(session, made.tea, place, 10)
        return made


def ordered(doorman: Doorman, hall: Hall, *quantities: int, **given: Any) -> list[str]:
    numbers = []
    for qty in quantities:
        order = body(hall, lines=[{"item": hall.tea.code, "qty": qty}], **given)
        assert call(doorman, "POST", "/orders", order).status_code == 201
        numbers.append(order["order_no"])
    return numbers


def test_from_orders_to_pick_lists_with_a_short_way(doorman: Doorman, hall: Hall) -> None:
    ordered(doorman, hall, 10, 10, 10, 10)
    wave = call(doorman, "POST", "/waves", {"site": hall.site.code, "method": "cluster"})
    assert wave.status_code == 201
    wave_no = wave.get_json()["wave_no"]
    released = call(doorman, "POST", f"/waves/{wave_no}/start", {}).get_json()
    assert (released["state"], released["lines"], released["left_behind"]) == ("released", 4, 0)
    (head,) = released["pick_lists"]
    shown = call(doorman, "GET", f"/pick-lists/{head['list_no']}").get_json()
    assert [line["slot"] for line in shown["lines"]] == [1, 2, 3, 4] or len(shown["lines"]) == 4
    assert shown["route_mm"] <= shown["item_order_mm"]
    assert shown["to_place"] == "PACK-1"
    listed = call(doorman, "GET", f"/pick-lists?site={hall.site.code}&state=open").get_json()
    assert [one["list_no"] for one in listed] == [head["list_no"]]
    again = call(doorman, "POST", f"/waves/{wave_no}/start", {})
    assert again.get_json()["type"].endswith(":wave_not_open")
    off = call(doorman, "POST", f"/waves/{wave_no}/cancel").get_json()
    assert off["state"] == "cancelled"


def test_gathers_the_orders_that_are_named(doorman: Doorman, hall: Hall) -> None:
    first, _ = ordered(doorman, hall, 1, 1)
    wave = call(doorman, "POST", "/waves", {"site": hall.site.code, "orders": [first]}).get_json()
    assert [one["order_no"] for one in wave["order_nos"]] == [first]
    listed = call(doorman, "GET", f"/waves?site={hall.site.code}&state=planned").get_json()
    assert [one["wave_no"] for one in listed] == [wave["wave_no"]]


def test_a_large_wave_is_left_to_a_job(doorman: Doorman, hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waving, "AT_ONCE_LINES", 1)
    ordered(doorman, hall, 1, 1)
    wave_no = call(doorman, "POST", "/waves", {"site": hall.site.code}).get_json()["wave_no"]
    said = call(doorman, "POST", f"/waves/{wave_no}/start", {}).get_json()
    assert said["job_id"] > 0
    assert call(doorman, "GET", f"/waves/{wave_no}").get_json()["state"] == "planned"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"site": "NOWHERE"}, 404, "not_found"),
        ({"method": "magic"}, 422, "invalid_field"),
        ({"max_orders": 0}, 422, "invalid_field"),
        ({"orders": ["SO-NOBODY"]}, 404, "not_found"),
        ({"carrier": "NOBODY"}, 409, "no_orders_for_wave"),
    ],
)
def test_names_what_cannot_be(doorman: Doorman, hall: Hall, fault: dict[str, Any], status: int, code: str) -> None:
    ordered(doorman, hall, 1)
    said = call(doorman, "POST", "/waves", {"site": hall.site.code} | fault)
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (status, code)


def test_names_a_place_that_cannot_take_totes(doorman: Doorman, hall: Hall) -> None:
    ordered(doorman, hall, 1)
    wave_no = call(doorman, "POST", "/waves", {"site": hall.site.code}).get_json()["wave_no"]
    said = call(doorman, "POST", f"/waves/{wave_no}/start", {"to_place": "B-1-1"})
    assert said.get_json()["type"].endswith(":other_packing_place")
    assert call(doorman, "GET", "/waves/WV99999999").status_code == 404
    assert call(doorman, "GET", "/pick-lists/PL99999999").status_code == 404
