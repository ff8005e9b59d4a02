"""Bonded goods become free exactly when the document that allows it exists, whichever door is tried."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.build import make_person, make_shelf, now, number
from tests.wms.gate.world import World, balance, crossing, make_pass, make_world, seen_of
from wms.customs import freeing, list_queries, status_rules, verification_lists
from wms.customs import verify as customs_verify
from wms.customs.gate_pass_rules import MoreThanDeclared
from wms.errors import WmsError
from wms.floor.rules.ownership import BondedKeepsOwner
from wms.floor.rules.repacking import Wanted
from wms.floor.service import changing_status
from wms.floor.service.changing_status import Agreement, Goods
from wms.floor.service.units import Deed
from wms.gate.service import decide_passage
from wms.parties.tables import Company, Location
from wms.stock import ledger
from wms.stock.rules import BookShelfDiffer, LeavesWithoutPass


def goods(session: Session, world: World, qty: int) -> Goods:
    place = session.get_one(Location, world.shelf.location_id)
    return Goods(world.shelf.owner_id, place, Wanted(world.shelf.trade_item_id, qty))


def deed(document: str | None) -> Deed:
    return Deed(f"d{number()}", now(), None, reason="测试", document=document)


def free(session: Session, world: World, qty: int, document: str | None = None) -> int:
    document = document or world.listed.list_no
    return changing_status.change_customs(session, goods(session, world, qty), "free", deed(document))


def release(session: Session, world: World, at: datetime | None, mode: str = "5000") -> None:
    world.listed.entry_released_at, world.listed.trade_mode = at, mode
    session.flush()


def test_second_line_goods_become_free_by_their_released_list(session: Session) -> None:
    world = make_world(session, declared=10)
    free(session, world, 4)
    (row,) = list_queries.lines(session, world.listed.id)
    assert (row.on_passes_qty, row.passed_qty, row.freed_qty) == (4, 4, 4)
    assert (balance(session, "book", world.shelf), balance(session, "deduction_pending", world.shelf)) == (6, 4)
    free(session, world, 6)
    verification_lists.book(session, world.listed.id, "booked", now())
    assert balance(session, "deduction_pending", world.shelf) == 0
    assert list(customs_verify.findings(session)) == []


def test_not_before_its_release(session: Session) -> None:
    world = make_world(session, declared=10)
    release(session, world, None)
    with pytest.raises(status_rules.StatusDocumentNotReleased):
        free(session, world, 4)


def test_not_more_than_the_list_declares(session: Session) -> None:
    world = make_world(session, declared=10)
    make_pass(session, world, qty=8, state="applied")
    with pytest.raises((MoreThanDeclared, WmsError)):
        free(session, world, 3)


def test_not_by_a_list_of_other_goods(session: Session) -> None:
    world, other = make_world(session, declared=10), make_world(session, declared=10)
    with pytest.raises(status_rules.StatusDocumentUnknown):
        free(session, world, 1, other.listed.list_no)
    other.listed.owner_id = world.shelf.owner_id
    session.flush()
    with pytest.raises(freeing.NotOnList):
        free(session, world, 1, other.listed.list_no)


def test_0_7_pickup_of_1210_goods_with_an_unreleased_list_is_refused(session: Session) -> None:
    world = make_world(session, declared=10)
    release(session, world, None, "1210")
    with pytest.raises(status_rules.StatusDocumentNotReleased):
        free(session, world, 1)


def test_0_7_released_1210_goods_leave_as_parcels_by_the_gate_not_over_the_counter(session: Session) -> None:
    world = make_world(session, declared=10)
    release(session, world, now(), "1210")
    with pytest.raises(status_rules.StatusChangesAtGate):
        free(session, world, 1)


@pytest.mark.parametrize("door", ["gate", "owner", "ledger_out", "ledger_status"])
def test_without_a_released_list_no_door_lets_bonded_goods_go(session: Session, door: str) -> None:
    world = make_world(session, declared=10)
    release(session, world, None, "1210")
    doors: dict[str, Any] = {
        "gate": (lambda: at_the_gate(session, world), None),
        "owner": (lambda: to_another_owner(session, world), BondedKeepsOwner),
        "ledger_out": (lambda: post(session, world.shelf.bonded, world.shelf.customer), LeavesWithoutPass),
        "ledger_status": (lambda: post(session, world.shelf.bonded, world.shelf.free), BookShelfDiffer),
    }
    act, refusal = doors[door]
    if refusal is None:
        assert act() == "not_released"
    else:
        with pytest.raises((refusal, BookShelfDiffer)):
            act()
    assert balance(session, "book", world.shelf) == 10


def at_the_gate(session: Session, world: World) -> str | None:
    gate_pass = make_pass(session, world, qty=5)
    return decide_passage(session, crossing(world.lane, seen_of(gate_pass))).hold_code


def to_another_owner(session: Session, world: World) -> object:
    other = make_shelf(session)
    make_person(session, session.get_one(Company, other.owner_id), "supervisor")
    return changing_status.give(session, goods(session, world, 1), other.owner_id, Agreement("a", "b"), deed(None))


def post(session: Session, source: ledger.AccountKey, target: ledger.AccountKey) -> object:
    lines = ledger.moved(source, target, 1)
    return ledger.post(session, ledger.Posting(f"x{number()}", "adjustment", now(), lines))
