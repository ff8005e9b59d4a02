"""Quality over HTTP: plans, verdicts, holds, changes of status and owner."""

from typing import Any

import pytest

from tests import build
from tests.web.api.test_inbound import post, see
from tests.web.conftest import Doorman
from tests.wms.floor.world import World, build_world
from wms.db import Database, Scope
from wms.stock.verify import run as verify


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session, mode="0110")


def received(doorman: Doorman, world: World) -> None:
    lines = [
        {"item": world.meat.code, "qty": 100, "lot_no": "L1", "expires_on": world.expires_on.isoformat(),
         "sscc": world.pallet},
        {"item": world.cream.code, "qty": 10},
    ]  # fmt: skip
    said = post(doorman, f"/notices/{world.notice_no}/receive", {"dock": "DOCK-1", "lines": lines}, "clerk")
    assert said.status_code == 201, said.get_json()


def code_of(said: Any) -> str:
    return str(said.get_json()["type"]).rpartition(":")[2]


def test_a_plan_sets_units_aside_and_the_verdict_releases_them(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    plan = {
        "owner": world.owner.code, "item": world.meat.code, "sampling": "table",
        "sample_table": "quality.sample_table.level_ii_aql_2_5", "source": "contract", "valid_from_on": "2026-01-01",
    }  # fmt: skip
    assert post(doorman, "/inspection-plans", plan, "supervisor").status_code == 201
    assert see(doorman, "/inspection-plans").get_json()[0]["item"] == world.meat.code
    received(doorman, world)
    [waiting] = see(doorman, "/inspections?state=open").get_json()
    assert (waiting["sample_qty"], waiting["accept_max"], waiting["lot_no"]) == (20, 1, "L1")
    wrong = post(doorman, f"/inspections/{waiting['id']}/verdict", {"defects": 21}, "clerk")
    assert code_of(wrong) == "more_defects_than_units"
    bare = post(doorman, f"/inspections/{waiting['id']}/verdict", {"defects": 0, "result": "failed"}, "clerk")
    assert code_of(bare) == "verdict_needs_reason"
    body = {"defects": 0, "grade": "A", "pictures": ["ab" * 32]}
    said = post(doorman, f"/inspections/{waiting['id']}/verdict", body, "clerk").get_json()
    assert (said["state"], said["grade"], said["pictures"]) == ("passed", "A", ["ab" * 32])
    assert see(doorman, f"/inspections/{waiting['id']}").get_json()["state"] == "passed"
    again = post(doorman, f"/inspections/{waiting['id']}/verdict", body, "clerk")
    assert (again.status_code, code_of(again)) == (409, "inspection_decided")
    assert verify(database, scope) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"sampling": "share"},
        {"sampling": "table"},
        {"sampling": "share", "share_permille": 0},
        {"sampling": "share", "share_permille": 10, "valid_from_on": "2026-02-01", "valid_until_on": "2026-01-01"},
    ],
)
def test_refuses_a_plan_that_cannot_be(doorman: Doorman, fault: dict[str, Any]) -> None:
    assert code_of(post(doorman, "/inspection-plans", {"source": "x"} | fault, "supervisor")) == "invalid_field"


def test_refuses_a_plan_with_a_table_that_is_not_there(doorman: Doorman) -> None:
    plan = {"source": "x", "sampling": "table", "sample_table": "quality.sample_table.none"}
    assert code_of(post(doorman, "/inspection-plans", plan, "supervisor")) == "no_dated_value"


def test_a_hold_is_placed_by_reason_and_released_with_one(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    received(doorman, world)
    where = {"site": world.site.code, "owner": world.owner.code, "item": world.meat.code}
    body = where | {"lot_no": "L1", "cause": "recall", "reason": "supplier called", "document": "RC-1"}
    [hold] = post(doorman, "/holds", body, "supervisor").get_json()["holds"]
    assert (hold["qty"], hold["sscc"], hold["document"]) == (100, world.pallet, "RC-1")
    assert code_of(post(doorman, "/holds", body, "supervisor")) == "nothing_to_hold"
    bare = post(doorman, f"/holds/{hold['id']}/lift", {}, "supervisor")
    assert code_of(bare) == "invalid_field"
    said = post(doorman, f"/holds/{hold['id']}/lift", {"reason": "false alarm"}, "supervisor").get_json()
    assert (said["state"], said["to_status"], said["release_reason"]) == ("released", "good", "false alarm")
    assert [row["state"] for row in see(doorman, "/holds").get_json()] == ["released"]
    assert verify(database, scope) == []


def test_status_and_owner_change_where_goods_lie(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    received(doorman, world)
    with database.unit_of_work(scope) as session:
        other = build.make_company(session, "owner_of_goods")
        build.make_item(session, other, gtin=world.cream.gtin)
    lying = {
        "site": world.site.code, "place": "DOCK-1", "owner": world.owner.code,
        "goods": {"item": world.cream.code, "qty": 2},
    }  # fmt: skip
    quality = post(doorman, "/status-changes/quality", lying | {"to_status": "damaged", "reason": "wet"}, "supervisor")
    assert quality.status_code == 201
    bonded = post(doorman, "/status-changes/customs", lying | {"to_status": "bonded"}, "supervisor")
    assert code_of(bonded) == "enters_by_list"
    export = post(doorman, "/status-changes/customs", lying | {"to_status": "export", "document": "E1"}, "declarant")
    assert export.status_code == 201
    give = lying | {"to_owner": other.code, "giver_agreement": "sale 17"}
    assert code_of(post(doorman, "/owner-changes", give, "supervisor")) == "agreement_missing"
    done = post(doorman, "/owner-changes", give | {"taker_agreement": "order 4711"}, "supervisor")
    assert (done.status_code, done.get_json()["change_no"][:2]) == (201, "OC")
    assert verify(database, scope) == []
