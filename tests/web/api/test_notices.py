"""Advance notices over HTTP."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.world import World, build_world
from wms.db import Database, Scope


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session)


def send(doorman: Doorman, body: dict[str, Any], role: str = "declarant") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().post("/api/v1/notices", headers=headers, json=body)


def body(world: World, **given: Any) -> dict[str, Any]:
    return {
        "notice_no": f"N-{build.number()}",
        "site": world.site.code,
        "owner": world.owner.code,
        "trade_mode": "0110",
        "lines": [{"item": world.cream.code, "qty": 2, "unit": "carton"}, {"item": world.milk.code, "qty": 5}],
    } | given


def test_announces_goods_in_any_of_their_units(doorman: Doorman, world: World) -> None:
    said = send(doorman, body(world))
    assert said.status_code == 201
    assert [line["expected_qty"] for line in said.get_json()["lines"]] == [24, 5]
    assert said.get_json()["state"] == "open"


def test_shows_a_notice_whatever_the_case_of_its_number(doorman: Doorman, world: World) -> None:
    client, headers = doorman.app.test_client(), doorman.token("clerk")
    said = client.get(f"/api/v1/notices/{world.notice_no.lower()}", headers=headers)
    assert said.get_json()["verification_list"].startswith("QD")
    assert len(said.get_json()["lines"]) == 3


def test_lists_by_site_and_state_in_pages(doorman: Doorman, world: World) -> None:
    for _ in range(2):
        send(doorman, body(world))
    client, headers = doorman.app.test_client(), doorman.token("clerk")
    first = client.get(f"/api/v1/notices?site={world.site.code}&state=open&limit=2", headers=headers)
    assert len(first.get_json()) == 2
    assert 'rel="next"' in first.headers["Link"]
    assert client.get("/api/v1/notices?state=received", headers=headers).get_json() == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"trade_mode": "1210"}, "needs_verification_list"),
        ({"trade_mode": "12"}, "invalid_field"),
        ({"lines": []}, "invalid_field"),
        ({"site": "NOWHERE"}, "not_found"),
        ({"owner": "NOBODY"}, "not_found"),
        ({"lines": [{"item": "NOTHING", "qty": 1}]}, "not_owners_item"),
        ({"lines": [{"item": "X", "qty": 0}]}, "invalid_field"),
        ({"lines": [{"item": "X", "qty": 1.5}]}, "invalid_field"),
        ({"verification_list": "QD000000I000000000"}, "unknown_verification_list"),
    ],
)
def test_refuses_what_cannot_be(doorman: Doorman, world: World, fault: dict[str, Any], code: str) -> None:
    said = send(doorman, body(world) | fault)
    assert said.status_code in {404, 422}
    assert said.get_json()["type"].endswith(f":{code}")


def test_refuses_a_unit_the_item_is_not_packed_in(doorman: Doorman, world: World) -> None:
    said = send(doorman, body(world, lines=[{"item": world.milk.code, "qty": 1, "unit": "carton"}]))
    assert said.get_json()["type"].endswith(":unknown_unit")


def test_refuses_a_broken_pallet_number(doorman: Doorman, world: World) -> None:
    said = send(doorman, body(world, lines=[{"item": world.milk.code, "qty": 1, "sscc": "0" * 17 + "1"}]))
    assert said.get_json()["type"].endswith(":bad_notice_line")


def test_refuses_a_number_twice(doorman: Doorman, world: World) -> None:
    announced = body(world)
    assert send(doorman, announced).status_code == 201
    again = send(doorman, announced)
    assert (again.status_code, again.get_json()["type"].rpartition(":")[2]) == (409, "notice_exists")


def test_refuses_bonded_goods_that_the_list_does_not_name(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        soap = build.make_item(session, world.owner)
    lines = [{"item": soap.code, "qty": 1}]
    said = send(doorman, body(world, trade_mode="1210", verification_list=f"INV-{world.notice_no[4:]}", lines=lines))
    assert said.get_json()["type"].endswith(":not_on_verification_list")
