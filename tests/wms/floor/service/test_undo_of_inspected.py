"""A receipt that was set aside for inspection is undone by compensating postings, or refused with the reason."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests.wms.floor.service.test_quality import decide, inspections, plan, shelf
from tests.wms.floor.world import Scanner, World, build_world
from wms.db import Database, Scope
from wms.floor.service import holding
from wms.floor.service.units import Deed
from wms.floor.tables import Inspection, Task
from wms.stock.tables import StockHold
from wms.stock.verify import run as verify


@pytest.fixture
def plain(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session, mode="0110")


@pytest.fixture
def gun(database: Database, scope: Scope, plain: World) -> Scanner:
    return Scanner(database, Scope(scope.tenant_id, plain.person.id, "clerk"), plain).at_dock()


def open_holds(database: Database, scope: Scope) -> list[int]:
    with database.unit_of_work(scope) as session:
        return list(session.scalars(select(StockHold.qty).where(StockHold.state == "open").order_by(StockHold.id)))


def test_a_receipt_set_aside_for_inspection_is_undone_and_made_anew(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.meat.id)
    assert gun.scan(plain.pallet_label()).code == "received"
    assert shelf(database, scope, plain) == {("Beef", "good"): 80, ("Beef", "hold"): 20}
    assert gun.scan("UNDO").code == "undone"
    assert shelf(database, scope, plain) == {}
    assert open_holds(database, scope) == []
    [inspection] = inspections(database, scope)
    assert inspection.state == "void"
    with database.unit_of_work(scope) as session:
        assert set(session.scalars(select(Task.state).where(Task.kind == "inspect"))) == {"void"}
    assert gun.scan(plain.pallet_label()).code == "received"
    [inspection] = inspections(database, scope)
    assert (inspection.state, inspection.lot_qty, inspection.sample_qty) == ("open", 100, 20)
    assert shelf(database, scope, plain) == {("Beef", "good"): 80, ("Beef", "hold"): 20}
    assert decide(database, scope, inspection, 0).state == "passed"
    assert shelf(database, scope, plain) == {("Beef", "good"): 100}
    assert verify(database, scope) == []


def test_what_is_left_of_the_lot_is_sampled_again(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.milk.id, share_permille=100)
    for qty in (10, 20):
        gun.scan(f"QTY {qty}")
        assert gun.scan(plain.label(plain.milk)).code in {"received", "received_over"}
    assert open_holds(database, scope) == [1, 2]
    assert gun.scan("UNDO").code == "undone"
    assert open_holds(database, scope) == [1]
    [inspection] = inspections(database, scope)
    assert (inspection.lot_qty, inspection.sample_qty) == (10, 1)
    gun.scan("QTY 10")
    gun.scan(plain.label(plain.milk))
    assert sum(open_holds(database, scope)) == 2
    assert verify(database, scope) == []


def test_it_is_not_undone_after_the_verdict(database: Database, scope: Scope, gun: Scanner, plain: World) -> None:
    plan(database, scope, plain, trade_item_id=plain.meat.id)
    gun.scan(plain.pallet_label())
    [inspection] = inspections(database, scope)
    decide(database, scope, inspection, 0)
    refused = gun.scan("UNDO")
    assert (refused.code, refused.values["inspection"]) == ("lot_decided", inspection.inspection_no)
    assert shelf(database, scope, plain) == {("Beef", "good"): 100}


def test_it_is_not_undone_after_its_hold_was_ended(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.meat.id)
    gun.scan(plain.pallet_label())
    with database.unit_of_work(scope) as session:
        hold_id = session.scalars(select(StockHold.id)).one()
        holding.release(session, hold_id, "good", Deed("r", datetime.now(UTC)))
    assert gun.scan("UNDO").code == "hold_ended"


def test_goods_that_went_on_keep_the_receipt(database: Database, scope: Scope, gun: Scanner, plain: World) -> None:
    plan(database, scope, plain, trade_item_id=plain.cream.id, share_permille=100)
    gun.scan("QTY 10")
    gun.scan(plain.cream.gtin or "")
    puts = Scanner(database, gun.scope, plain, job="put_away")
    assert [puts.scan(one).code for one in (plain.cream.gtin or "", "A-1")][-1] == "put_away"
    refused = gun.scan("UNDO")
    assert refused.code == "moved_since"
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(Inspection.state)).all() == ["open"]
    assert verify(database, scope) == []


def test_bonded_goods_set_aside_are_undone(database: Database, scope: Scope, world: World) -> None:
    plan(database, scope, world, trade_item_id=world.meat.id)
    clerk = Scope(scope.tenant_id, world.person.id, "clerk")
    gun = Scanner(database, clerk, world).at_dock()
    assert gun.scan(world.pallet_label()).code == "received"
    assert open_holds(database, scope) == [20]
    assert gun.scan("UNDO").code == "undone"
    assert open_holds(database, scope) == []
    assert shelf(database, scope, world) == {}
    assert verify(database, scope) == []
