"""Goods that come back on a movement slip come back in the lots that they left in."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.build import now, number
from tests.wms.customs.test_slips import approved, filing, on_pass, through
from tests.wms.gate.world import World, make_world
from wms.catalog.tables import TradeItem
from wms.customs import slips, verify
from wms.customs.gate_passes import move_loaded_to_waiting, take_back_from_waiting
from wms.customs.slip_lots import LotMissing, LotNotOut
from wms.customs.tables import MovementSlip
from wms.stock import ledger
from wms.stock.queries import Stock, on_hand
from wms.stock.rules import AccountKey


def lots_of(session: Session, world: World, *lots: int) -> list[AccountKey]:
    """Put the world's goods into lots of so many pieces each, where they lie."""
    item = session.get_one(TradeItem, world.shelf.trade_item_id)
    accounts = []
    for qty in lots:
        account = replace(world.shelf.bonded, lot_id=build.make_lot(session, item).id)
        lines = ledger.moved(world.shelf.bonded, account, qty)
        ledger.post(session, ledger.Posting(f"lot{number()}", "relabel", now(), lines))
        accounts.append(account)
    return accounts


def left_in_lots(session: Session, world: World, parts: list[tuple[AccountKey, int]]) -> tuple[MovementSlip, str]:
    """A slip by which goods of these lots left, and the number of its filing."""
    filed = filing(session, world)
    qty = sum(one for _, one in parts)
    slip = approved(session, filed, qty)
    gate_pass = on_pass(session, world, slip, qty)
    gate_pass.state = "applied"
    session.flush()
    take_back_from_waiting(session, gate_pass.id, reason="loaded anew", at=now())
    move_loaded_to_waiting(session, gate_pass.id, {1: parts}, key=f"w{number()}", event_at=now())
    gate_pass.state = "approved"
    session.flush()
    assert through(session, world, gate_pass) is None
    return slips.by_no(session, slip.internal_no), filed.filing_no or ""


def back(session: Session, world: World, out: MovementSlip, qty: int) -> MovementSlip:
    from wms.customs import filings
    from wms.customs.tables import BusinessFiling

    filed = session.get_one(BusinessFiling, out.business_filing_id)
    assert filings.by_no(session, filed.internal_no).id == filed.id
    slip = approved(session, filed, qty, direction="I", returns=(out.slip_no or "", 1))
    assert through(session, world, on_pass(session, world, slip, qty, "I")) is None
    return slips.by_no(session, slip.internal_no)


def put_back(session: Session, slip: MovementSlip, placed: AccountKey, qty: int) -> None:
    slips.take_back(session, slips.TakeBack(f"tb{number()}", slip.slip_no or "", 1, placed, qty, now()))


def on_shelf(session: Session, world: World) -> dict[int | None, int]:
    rows = on_hand(session, Stock(trade_item_id=world.shelf.trade_item_id, location_id=world.shelf.location_id))
    return {row.lot_id: row.qty for row in rows}


def test_goods_that_left_in_one_lot_come_back_in_it(session: Session) -> None:
    world = make_world(session, declared=50)
    (first,) = lots_of(session, world, 20)
    out, _ = left_in_lots(session, world, [(first, 15)])
    put_back(session, back(session, world, out, 10), world.shelf.bonded, 10)
    assert on_shelf(session, world)[first.lot_id] == 15
    assert list(verify.findings(session)) == []


def test_of_several_lots_somebody_says_which_came_back_and_no_more_than_left(session: Session) -> None:
    world = make_world(session, declared=100)
    first, second, third = lots_of(session, world, 20, 10, 5)
    out, _ = left_in_lots(session, world, [(first, 12), (second, 8)])
    slip = back(session, world, out, 20)
    with pytest.raises(LotMissing):
        put_back(session, slip, world.shelf.bonded, 5)
    with pytest.raises(LotNotOut, match="0 left on this slip"):
        put_back(session, slip, third, 1)
    put_back(session, slip, second, 6)
    with pytest.raises(LotNotOut, match="2 left on this slip"):
        put_back(session, slip, second, 3)
    put_back(session, slip, second, 2)
    put_back(session, slip, world.shelf.bonded, 12)  # only the first lot is still out
    assert on_shelf(session, world) == {None: 65, first.lot_id: 20, second.lot_id: 10, third.lot_id: 5}
    assert list(verify.findings(session)) == []


def test_goods_without_lots_come_back_without(session: Session) -> None:
    world = make_world(session, declared=50)
    out, _ = left_in_lots(session, world, [(world.shelf.bonded, 10)])
    put_back(session, back(session, world, out, 10), world.shelf.bonded, 10)
    assert on_shelf(session, world) == {None: 50}
