"""Cartons, parcels, sorting and loads over HTTP: from a picked tote to a shipped vehicle, and a proof that differs."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.leaving import Yard, build_yard, now, of_kind, state_of
from tests.wms.floor.loads import file_pass
from tests.wms.gate.world import new_plate
from wms.db import Database, Scope


@pytest.fixture
def yard(database: Database, scope: Scope) -> Yard:
    with database.unit_of_work(scope) as session:
        return build_yard(session)


class Desk:
    """One caller of the API."""

    def __init__(self, doorman: Doorman, role: str = "supervisor") -> None:
        self.client, self.headers = doorman.app.test_client(), doorman.token(role) | {"Accept-Language": "en"}

    def post(self, path: str, body: Any = None, method: str = "POST", key: str | None = None) -> Any:
        headers = self.headers | {"Idempotency-Key": key or f"key-{build.number()}"}
        return self.client.open(f"/api/v1/{path}", method=method, headers=headers, json=body or {})

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers=self.headers)


@pytest.fixture
def desk(doorman: Doorman) -> Desk:
    return Desk(doorman)


def test_an_order_is_packed_sorted_loaded_and_shipped(
    desk: Desk, yard: Yard, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        order_id, number, tote = yard.picked_order(session, (yard.tea, 2), consignee_region="HN")
        site = yard.site.code
    proposed = desk.post("cartonise", {"order": number}).get_json()
    assert [one["carton"] for one in proposed["cartons"]] == ["P11"]
    assert (proposed["left_out"], proposed["gap_permille"]) == ([], 0)
    opened = desk.post("parcels", {"site": site, "place": "PACK-1", "carton": "P11", "order": number})
    assert opened.status_code == 201, opened.text
    sscc = opened.get_json()["sscc"]
    wrong = desk.post(f"parcels/{sscc}/items", {"from_unit": tote.sscc, "item": yard.tea.code, "qty": 3})
    assert (wrong.status_code, wrong.get_json()["type"]) == (409, "urn:dongting:problem:too_many_for_order")
    packed = desk.post(f"parcels/{sscc}/items", {"from_unit": tote.sscc, "item": yard.tea.code, "qty": 2})
    assert packed.get_json()["items"][0]["qty"] == 2
    light = desk.post(f"parcels/{sscc}/close", {"weight_g": 560})
    assert light.get_json()["type"].endswith("parcel_too_light")
    assert f"1 × {yard.tea.code}" in light.get_json()["detail"]
    closed = desk.post(f"parcels/{sscc}/close", {"weight_g": 1060, "carrier": "SF", "waybill_no": "SF-1"})
    assert closed.get_json()["state"] == "closed"
    rule = {"site": site, "chute": "CH-N", "carrier": "SF", "valid_from_on": now().date().isoformat()}
    assert desk.post("sort-rules", rule).status_code == 201
    assert desk.get(f"parcels/{sscc}/chute").get_json()["chute"] == "CH-N"
    assert desk.post(f"parcels/{sscc}/sort", {"chute": "CH-S"}).get_json()["type"].endswith("wrong_chute")
    assert desk.post(f"parcels/{sscc}/sort", {"chute": "CH-N"}).get_json()["place"] == "CH-N"
    plate = new_plate()
    load = desk.post("loads", {"site": site, "vehicle_plate": plate, "dock": "DOCK-1", "carrier": "SF"}).get_json()
    path = f"loads/{load['load_no']}"
    assert desk.post(f"{path}/units", {"sscc": sscc}).get_json()["unit_count"] == 1
    assert desk.post(f"{path}/units", {"sscc": sscc}).get_json()["type"].endswith("already_loaded")
    assert desk.post(f"{path}/close", {"seal_no": "S1"}).get_json()["closed"] is True
    key = f"key-{build.number()}"
    shipped = [desk.post(f"{path}/depart", key=key) for _ in range(2)]
    assert [one.get_json()["state"] for one in shipped] == ["departed", "departed"]
    assert shipped[1].headers["Idempotent-Replayed"] == "true"
    assert desk.get(path).get_json()["units"][0]["sscc"] == sscc
    assert desk.get(f"parcels/{sscc}").get_json()["state"] == "shipped"
    assert desk.get(f"parcels?order={number}").get_json()[0]["waybill_no"] == "SF-1"
    with database.unit_of_work(scope) as session:
        assert state_of(session, order_id) == "shipped"
        assert of_kind(session, "customer", yard.tea) == 2


def test_the_proof_of_a_bonded_load_names_each_difference(desk: Desk, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        zone = build_yard(session, "bonded")
        plate = new_plate()
        gate_pass = file_pass(session, zone, {zone.tea.id: 5, zone.cup.id: 1}, plate)
        tote = zone.tote(session, (zone.tea, 4))
    opened = desk.post("loads", {"site": zone.site.code, "vehicle_plate": plate})
    path = f"loads/{opened.get_json()['load_no']}"
    assert desk.get(f"{path}/proof").status_code == 404
    assert desk.post(f"{path}/units", {"sscc": tote.sscc}).get_json()["type"].endswith("needs_pass")
    assert desk.post(f"{path}/pass", {"gate_pass": "HF-NONE"}).status_code == 404
    assert desk.post(f"{path}/pass", {"gate_pass": gate_pass.internal_no}).get_json()["pass_state"] == "applied"
    assert desk.post(f"{path}/units", {"sscc": tote.sscc}).get_json()["unit_count"] == 1
    closed = desk.post(f"{path}/close", {})
    assert (closed.status_code, closed.get_json()["closed"], closed.get_json()["state"]) == (200, False, "open")
    proof = desk.get(f"{path}/proof").get_json()
    assert [(line["pass_qty"], line["loaded_qty"], line["difference"]) for line in proof["lines"]] == [
        (5, 4, -1),
        (1, 0, -1),
    ]
    assert (proof["verdict"], proof["leaf_id"], len(proof["leaf_hash"])) == (
        "differs", closed.get_json()["proof"]["leaf_id"], 64,
    )  # fmt: skip
    assert proof["units"][0]["sscc"] == tote.sscc
    assert desk.post(f"{path}/prove").get_json()["verdict"] == "differs"
    assert desk.post(f"{path}/depart").get_json()["type"].endswith("leaves_by_gate")
    assert desk.post(f"{path}/unload", {"sscc": tote.sscc}).get_json()["unit_count"] == 0
    assert desk.post(f"{path}/void").get_json()["state"] == "void"


def test_the_carton_catalogue_is_dated_and_starts_with_the_shipped_list(desk: Desk, yard: Yard) -> None:
    shipped = desk.get("carton-types").get_json()
    assert len(shipped) == 12
    assert all(one["source"] for one in shipped)
    new = {
        "code": "BOX-X", "name_zh": "试", "name_en": "Trial", "length_mm": 100, "width_mm": 100, "height_mm": 100,
        "max_weight_g": 500, "tare_g": 20, "cost_minor": 10, "valid_from_on": "2026-01-01", "source": "a test",
    }  # fmt: skip
    assert desk.post("carton-types", new).status_code == 201
    assert desk.post("carton-types", new).get_json()["type"].endswith("carton_exists")
    assert desk.post("carton-types", new | {"length_mm": 0}).status_code == 422
    assert len(desk.get("carton-types").get_json()) == 13
    assert desk.post("carton-types/box-x/end", {"until_on": "2026-06-30"}).status_code == 200
    assert len(desk.get("carton-types?on=2026-07-01").get_json()) == 12
    assert desk.post("carton-types/nope/end", {"until_on": "2026-06-30"}).status_code == 404
    owner, item = yard.owner.code, yard.tea.code
    rule = {"owner": owner, "item": item, "is_fragile": True, "keep_apart_class": "food"}
    assert desk.post("pack-rules", rule, "PUT").get_json()["is_fragile"] is True
    other = {"owner": owner, "item": yard.cup.code, "keep_apart_class": "smelling"}
    assert desk.post("pack-rules", other, "PUT").status_code == 200
    goods = [{"item": item, "qty": 1}, {"item": yard.cup.code, "qty": 1}]
    found = desk.post("cartonise", {"owner": owner, "goods": goods}).get_json()
    assert len(found["cartons"]) == 2, "food lies apart from what smells"
    assert desk.post("cartonise", {"order": "NONE"}).status_code == 404
    many = desk.post("cartonise", {"owner": owner, "goods": [{"item": item, "qty": 500}]})
    assert many.get_json()["type"].endswith("too_many_pieces")


def test_a_parcel_is_split_undone_reopened_and_closed_on_a_supervisors_word(
    desk: Desk, doorman: Doorman, yard: Yard, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        tote = yard.tote(session, (yard.tea, 3))
    where = {"site": yard.site.code, "place": "PACK-1", "owner": yard.owner.code}
    sscc = desk.post("parcels", {**where, "carton": "P5"}).get_json()["sscc"]
    path = f"parcels/{sscc}"
    assert desk.post("parcels", {**where, "carton": "P99"}).get_json()["type"].endswith("unknown_carton")
    assert desk.post("parcels", {**where, "carton": "P5", "place": "NO"}).status_code == 404
    assert desk.post("parcels", {**where, "carton": "P5", "site": "NO"}).status_code == 404
    packed = desk.post(f"{path}/items", {"from_unit": tote.sscc, "item": yard.tea.code, "qty": 3}).get_json()
    split = desk.post(f"{path}/split", {"carton": "P6", "goods": [{"item": yard.tea.code, "qty": 1}]})
    assert (split.status_code, split.get_json()["items"][0]["qty"]) == (201, 1)
    rejoined = split.get_json()
    undone = desk.post(f"parcels/{rejoined['sscc']}/undo", {"id": rejoined["items"][0]["id"]})
    assert undone.get_json()["items"] == []
    assert desk.post(f"parcels/{rejoined['sscc']}/void").get_json()["state"] == "void"
    assert desk.post(f"{path}/undo", {"id": 10**9}).status_code == 404
    said = {"weight_g": 5000, "reason": "with a gift"}
    assert Desk(doorman, "clerk").post(f"{path}/close-anyway", said).status_code == 403
    assert desk.post(f"{path}/close-anyway", said).get_json()["weight_reason"] == "with a gift"
    assert desk.post(f"{path}/reopen").get_json()["state"] == "open"
    assert desk.post(f"{path}/undo", {"id": packed["items"][0]["id"]}).get_json()["items"] == []
    assert desk.get("parcels/000000000000000000").status_code == 404
    assert desk.get("sort-rules").get_json() == []
    assert desk.post("sort-rules/999/end", {"until_on": "2026-01-01"}).status_code == 404


def test_loose_goods_and_bad_vehicles_over_http(desk: Desk, yard: Yard, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        yard.put(session, yard.cup, yard.dock, 4)
    site = yard.site.code
    assert desk.post("loads", {"site": site, "vehicle_plate": "?"}).get_json()["field"] == "vehicle_plate"
    assert desk.post("loads", {"site": "NO", "vehicle_plate": new_plate()}).status_code == 404
    path = f"loads/{desk.post('loads', {'site': site, 'vehicle_plate': new_plate()}).get_json()['load_no']}"
    goods = {"place": "DOCK-1", "owner": yard.owner.code, "item": yard.cup.code, "qty": 3}
    assert desk.post(f"{path}/loose", goods | {"qty": 5}).get_json()["type"].endswith("not_enough_loose")
    assert desk.post(f"{path}/loose", goods | {"place": "NO"}).status_code == 404
    assert desk.post(f"{path}/loose", goods | {"item": "NO"}).status_code == 404
    assert desk.post(f"{path}/loose", goods).get_json()["units"][0]["qty"] == 3
    assert desk.post(f"{path}/close").get_json()["closed"] is True
    assert desk.post(f"{path}/reopen").get_json()["state"] == "open"
    assert desk.get("loads/LD00000000").status_code == 404
    assert desk.get(f"loads?site={site}&state=open").get_json()[0]["vehicle_plate"]


def test_the_pages_show_loads_parcels_and_the_proof(doorman: Doorman, database: Database, scope: Scope) -> None:
    desk = Desk(doorman)
    with database.unit_of_work(scope) as session:
        zone = build_yard(session, "bonded")
        plate = new_plate()
        gate_pass = file_pass(session, zone, {zone.tea.id: 2}, plate)
        tote = zone.tote(session, (zone.tea, 1))
    opened = desk.post("loads", {"site": zone.site.code, "vehicle_plate": plate, "gate_pass": gate_pass.internal_no})
    number = opened.get_json()["load_no"]
    desk.post(f"loads/{number}/units", {"sscc": tote.sscc})
    desk.post(f"loads/{number}/close")
    made = desk.post("parcels", {"site": zone.site.code, "place": "PACK-1", "carton": "P5", "owner": zone.owner.code})
    browser = doorman.browser("supervisor", locale="en")
    shown = browser.get(f"/desk/loads/{number}").text
    assert "The vehicle does not hold what its pass says." in shown
    assert tote.sscc in shown
    assert plate in browser.get("/desk/loads?state=open").text
    assert made.get_json()["sscc"] in browser.get("/desk/parcels").text
    assert "Nothing was packed" in browser.get(f"/desk/parcels/{made.get_json()['sscc']}").text
    assert number in browser.get("/desk/loads.csv").text
    assert browser.get("/desk/parcels.csv").status_code == 200
    assert browser.get("/desk/loads/LD00000000").status_code == 404
