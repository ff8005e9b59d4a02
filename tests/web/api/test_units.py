"""Handling units and put-away rules over HTTP."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.service.test_units import Hall
from wms.db import Database, Scope
from wms.stock.verify import run as verify


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    return Hall(database, scope)


def send(doorman: Doorman, path: str, body: dict[str, Any], role: str = "clerk") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().post(f"/api/v1{path}", headers=headers, json=body)


def see(doorman: Doorman, path: str) -> Any:
    headers = doorman.token("clerk") | {"Accept-Language": "en"}
    return doorman.app.test_client().get(f"/api/v1{path}", headers=headers).get_json()


def code_of(said: Any) -> str:
    return str(said.get_json()["type"]).rpartition(":")[2]


def test_a_pallet_is_labelled_filled_nested_moved_split_and_traced(doorman: Doorman, hall: Hall) -> None:
    cage = send(doorman, "/units", {"owner": hall.owner.code, "kind": "roll"}).get_json()["sscc"]
    pallet = hall.pallet(10)
    assert send(doorman, f"/units/{pallet}/nest", {"into": cage}).status_code == 200
    moved = send(doorman, f"/units/{cage}/move", {"site": hall.site.code, "to": "A-1", "seen_at": "DOCK-1"})
    assert moved.get_json()["places"] == ["A-1"]
    assert moved.get_json()["units"][0]["goods"][0]["qty"] == 10
    lines = [{"item": hall.item.code, "qty": 4}]
    carton = send(doorman, f"/units/{pallet}/split", {"lines": lines, "kind": "carton", "reason": "order"})
    assert (carton.status_code, carton.get_json()["kind"]) == (201, "carton")
    sscc = carton.get_json()["sscc"]
    up = see(doorman, f"/units/{sscc}/genealogy?way=up")
    assert [(row["kind"], row["from_sscc"], row["qty"], row["reason"]) for row in up] == [("split", pallet, 4, "order")]
    assert [row["to_sscc"] for row in see(doorman, f"/units/{pallet}/genealogy?way=down")] == [sscc]
    kinds = [row["kind"] for row in see(doorman, f"/units/{pallet}/genealogy")]
    assert kinds == ["nested", "split"]
    send(doorman, f"/units/{pallet}/merge", {"units": [sscc]})
    assert see(doorman, f"/units/{pallet}")["goods"][0]["qty"] == 10
    assert verify(hall.database, hall.scope) == []


def test_goods_go_over_out_and_in_again(doorman: Doorman, hall: Hall) -> None:
    one, other = hall.pallet(10), hall.pallet()
    lines = [{"item": hall.item.code, "qty": 3}]
    assert send(doorman, f"/units/{one}/repack", {"into": other, "lines": lines}).get_json()["goods"][0]["qty"] == 3
    assert send(doorman, f"/units/{one}/unpack", {}).get_json()["goods"] == []
    packed = send(
        doorman, f"/units/{other}/pack", {"site": hall.site.code, "place": "DOCK-1", "lines": lines}
    ).get_json()
    assert sum(goods["qty"] for goods in packed["goods"]) == 6
    assert send(doorman, f"/units/{other}/take-out", {}).status_code == 409


def test_a_repeat_gets_the_first_answer(doorman: Doorman, hall: Hall) -> None:
    pallet = hall.pallet(10)
    headers = doorman.token("clerk") | {"Idempotency-Key": f"key-{build.number()}"}
    body = {"lines": [{"item": hall.item.code, "qty": 4}]}
    client = doorman.app.test_client()
    first, again = (client.post(f"/api/v1/units/{pallet}/split", headers=headers, json=body) for _ in range(2))
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert hall.holds(pallet) == {"DOCK-1": 6}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("nest", {"into": "0" * 18}, "unknown_handling_unit"),
        ("nest", {"into": "12"}, "invalid_field"),
        ("move", {"site": "NOWHERE", "to": "A-1"}, "not_found"),
        ("split", {"lines": [{"item": "NOTHING", "qty": 1}]}, "not_found"),
        ("split", {"lines": []}, "invalid_field"),
        ("take-out", {}, "unit_not_nested"),
        ("merge", {"units": ["SELF"]}, "same_unit"),
    ],
)
def test_each_mistake_has_its_own_answer(
    doorman: Doorman, hall: Hall, path: str, body: dict[str, Any], code: str
) -> None:
    pallet = hall.pallet(2)
    given = {"units": [pallet]} if body == {"units": ["SELF"]} else body
    assert code_of(send(doorman, f"/units/{pallet}/{path}", given)) == code


def test_refuses_a_unit_that_leaves_a_fraction_or_that_the_item_has_not(doorman: Doorman, hall: Hall) -> None:
    pallet = hall.pallet(2)
    lines = [{"item": hall.item.code, "qty": 1, "unit": "carton"}]
    assert code_of(send(doorman, f"/units/{pallet}/split", {"lines": lines})) == "unknown_unit"


def test_the_place_of_goods_is_suggested_with_its_reason(doorman: Doorman, hall: Hall) -> None:
    query = f"site={hall.site.code}&owner={hall.owner.code}&item={hall.item.code}&qty=5"
    said = see(doorman, f"/put-away/suggestion?{query}")
    assert said == {"place": "A-1", "strategy": "empty", "why": "it is the nearest free place"}
    rule = {
        "priority": 5, "strategy": "fixed", "site": hall.site.code, "owner": hall.owner.code, "item": hall.item.code,
        "place": "A-1", "valid_from_on": "2026-01-01",
    }  # fmt: skip
    made = send(doorman, "/put-away/rules", rule, "supervisor")
    assert made.status_code == 201
    assert see(doorman, f"/put-away/suggestion?{query}")["strategy"] == "fixed"
    assert see(doorman, "/put-away/rules")[0]["place"] == "A-1"
    until = {"valid_until_on": "2026-01-02"}
    ended = send(doorman, f"/put-away/rules/{made.get_json()['id']}/end", until, "supervisor")
    assert ended.status_code == 200
    assert see(doorman, f"/put-away/suggestion?{query}")["strategy"] == "empty"


@pytest.mark.parametrize(
    "fault", [{"strategy": "fixed"}, {"strategy": "zone"}, {"strategy": "empty", "zone": "A"}, {"strategy": "luck"}]
)
def test_refuses_a_rule_without_what_its_strategy_needs(doorman: Doorman, hall: Hall, fault: dict[str, Any]) -> None:
    assert code_of(send(doorman, "/put-away/rules", {"priority": 1} | fault, "supervisor")) == "invalid_field"
