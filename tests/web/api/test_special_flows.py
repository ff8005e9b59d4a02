"""Meat from abroad and transit over HTTP: from the first paper to goods that may go, each mistake its own answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import build
from tests.web.api.test_account_books import Zone
from tests.web.api.test_inbound import post, see
from tests.web.api.test_units import code_of
from tests.web.conftest import Doorman
from tests.wms.customs.test_meat import BEEF, TODAY, plant
from tests.wms.floor.world import World, build_world
from wms.catalog.tables import TradeItem
from wms.customs import list_queries
from wms.db import Database, Scope
from wms.stock.verify import run as verify


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        made = build_world(session)
        session.get_one(TradeItem, made.meat.id).hs_code = BEEF
        plant(session, "AU-0648")
        return made


def permit(doorman: Doorman, world: World, **changes: Any) -> Any:
    given = {
        "permit_no": f"AQ{build.number()}", "owner": world.owner.code, "item": world.meat.code, "country": "601",
        "quota_g": 3_000_000, "valid_from_on": (TODAY - timedelta(days=9)).isoformat(),
        "valid_until_on": (TODAY + timedelta(days=9)).isoformat(),
    }  # fmt: skip
    return post(doorman, "/import-permits", given | changes)


def batch(doorman: Doorman, list_no: str, world: World, permit_no: str, **changes: Any) -> Any:
    given = {
        "list_no": list_no, "item": world.meat.code, "lot_no": "L1", "permit_no": permit_no, "plant_no": "AU-0648",
        "health_certificate_no": "HC-77", "health_certificate_on": (TODAY - timedelta(days=5)).isoformat(),
        "weight_g": 2_000_000,
    }  # fmt: skip
    return post(doorman, "/meat-batches", given | changes)


def test_meat_waits_for_customs_certificate_over_http(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        list_no = list_queries.state_of(session, world.list_id)[0]
    number = permit(doorman, world).get_json()["permit_no"]
    assert code_of(permit(doorman, world, permit_no=number)) == "import_permit_exists"
    made = batch(doorman, list_no, world, number)
    assert made.status_code == 201, made.text
    batch_no = made.get_json()["batch_no"]
    assert see(doorman, "/import-permits").get_json()[0]["left_g"] == 1_000_000
    assert code_of(batch(doorman, list_no, world, number)) == "meat_batch_exists"
    assert code_of(batch(doorman, list_no, world, number, lot_no="L2", plant_no="XX")) == "plant_not_registered"
    line = {"item": world.meat.code, "qty": 100, "lot_no": "L1", "expires_on": world.expires_on.isoformat()}
    said = post(doorman, f"/notices/{world.notice_no}/receive", {"dock": "DOCK-1", "lines": [line]}, "clerk")
    assert said.status_code == 201, said.text
    [waiting] = see(doorman, "/meat-batches?waiting=true").get_json()
    assert (waiting["batch_no"], waiting["held_qty"], waiting["state"]) == (batch_no, 100, "announced")
    [hold] = see(doorman, "/holds").get_json()
    lifted = post(
        doorman, f"/holds/{hold['id']}/lift", {"to_status": "good", "reason": "looks fine"}, "supervisor"
    )
    assert code_of(lifted) == "held_for_papers", lifted.text
    path = f"/meat-batches/{batch_no}"
    assert code_of(post(doorman, f"{path}/certificate", {"certificate_no": "43"})) == "meat_batch_in_state"
    failed = post(doorman, f"{path}/inspection", {"result": "failed"}, "customs_officer")
    assert code_of(failed) == "inspection_note_missing"
    said = post(doorman, f"{path}/inspection", {"result": "passed", "note": "-19 °C"}, "customs_officer")
    assert said.get_json()["state"] == "inspected"
    said = post(doorman, f"{path}/certificate", {"certificate_no": "430026000123"}, "customs_officer").get_json()
    assert (said["state"], said["held_qty"], said["entry_certificate_no"]) == ("certified", 0, "430026000123")
    assert see(doorman, path).get_json()["state"] == "certified"
    assert code_of(post(doorman, f"{path}/void", {"reason": "late"})) == "meat_batch_in_state"
    assert verify(database, scope) == []


def test_a_transit_is_declared_approved_and_confirmed_over_http(
    database: Database, scope: Scope, doorman: Doorman
) -> None:
    zone = Zone(database, scope, doorman)
    internal_no = zone.new_list().get_json()["internal_no"]
    given = {
        "internal_no": f"ZG{build.number()}", "list_no": internal_no, "office_from": "3105", "office_to": "4902",
        "plate": "湘F12345", "seal_no": "S7",
    }  # fmt: skip
    assert code_of(zone.post("/customs-transits", given)) == "bad_transit"  # the list is a draft
    zone.post(f"/verification-lists/{internal_no}/answers", {"answer": "declared"})
    made = zone.post("/customs-transits", given)
    assert made.status_code == 201, made.text
    assert code_of(zone.post("/customs-transits", given | {"internal_no": "X"})) == "transit_exists"
    path = f"/customs-transits/{given['internal_no']}/answers"
    assert code_of(zone.post(path, {"answer": "arrived", "document": "D"})) == "transit_in_state"
    number = f"ZGD{build.number()}"
    assert zone.post(path, {"answer": "approved", "transit_no": number}).get_json()["state"] == "approved"
    [shown] = zone.get("/customs-transits").get_json()
    assert (shown["transit_no"], shown["is_late"], shown["list_no"]) == (number, False, internal_no)
    said = zone.post(f"/customs-transits/{number}/answers", {"answer": "arrived", "document": "4902-1"}).get_json()
    assert (said["state"], said["arrival_document"]) == ("arrived", "4902-1")
    assert datetime.fromisoformat(said["arrived_at"]) <= datetime.now(UTC)
    assert code_of(zone.post(path, {"answer": "void", "reason": "late"})) == "transit_in_state"
