"""Received goods that orders wait for: to the cross-dock zone and promised at once, planned or as chance has it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests import build
from tests.wms.floor.world import Scanner, World, at, build_world
from tests.wms.stock.test_races import all_at_once
from web import waving
from wms.db import Database, Scope
from wms.floor.rules.notices import LineIn
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.waves import WaveRule
from wms.floor.service import cross_docking, notices, waves
from wms.floor.service.notices import Announce
from wms.floor.service.orders import PlaceOrder, place_order
from wms.floor.tables import OrderLine, OutboundOrder
from wms.parties.tables import Site
from wms.stock.verify import run as verify


@pytest.fixture
def plain(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        world = build_world(session, mode="0110")
        lane = build.make_location(session, session.get_one(Site, world.site.id), code="XD-1")
        lane.zone = "XD"
        lane.pick_sequence = 1_000_000
        return world


def order(database: Database, scope: Scope, world: World, qty: int, item_code: str | None = None) -> str:
    number = f"SO-{build.number()}"
    line = OrderLineIn(item_code or world.cream.code, qty)
    with database.unit_of_work(scope) as session:
        command = PlaceOrder(number, world.site.id, world.owner.id, "0110", (line,))
        place_order(session, command, datetime.now(UTC))
    return number


def guns(database: Database, scope: Scope, world: World) -> tuple[Scanner, Scanner]:
    clerk = Scope(scope.tenant_id, world.person.id, "clerk")
    return Scanner(database, clerk, world).at_dock(), Scanner(database, clerk, world, job="put_away")


def promised(database: Database, scope: Scope, number: str) -> tuple[str, int]:
    with database.unit_of_work(scope) as session:
        found = session.execute(
            select(OutboundOrder.state, OrderLine.allocated_qty)
            .join(OrderLine, OrderLine.order_id == OutboundOrder.id)
            .where(OutboundOrder.order_no == number)
        ).one()
        return found[0], found[1]


def test_goods_that_an_order_waits_for_go_to_the_cross_dock_zone_and_are_promised(
    database: Database, scope: Scope, plain: World
) -> None:
    number = order(database, scope, plain, 6)
    receives, puts = guns(database, scope, plain)
    receives.scan("QTY 10")
    receives.scan(plain.cream.gtin or "")
    with database.unit_of_work(scope) as session:
        wait = cross_docking.wanted(session, plain.site.id, plain.owner.id, plain.cream.id, "free")
        assert wait is not None
        assert (wait.qty, wait.order_nos) == (6, (number,))
        [(task, found)] = cross_docking.waiting_at_docks(session, plain.site.id)
        assert (task.left_qty, found.qty) == (10, 6)
    told = puts.scan(plain.cream.gtin or "")
    assert (told.code, told.values["place"], told.values["qty"]) == ("cross_dock", "XD-1", 6)
    assert told.values["orders"] == number
    done = puts.scan("XD-1")
    assert (done.code, done.values["lines"], done.values["left"]) == ("cross_docked", 1, 4)
    assert promised(database, scope, number) == ("allocated", 6)
    rest = puts.scan(plain.cream.gtin or "")
    assert rest.code == "place_suggested"
    assert rest.values["place"] != "XD-1"
    assert verify(database, scope) == []


def test_the_clerk_may_store_the_goods_all_the_same(database: Database, scope: Scope, plain: World) -> None:
    order(database, scope, plain, 6)
    receives, puts = guns(database, scope, plain)
    receives.scan("QTY 6")
    receives.scan(plain.cream.gtin or "")
    puts.scan(plain.cream.gtin or "")
    assert puts.scan("A-1").code == "put_away"


def test_goods_that_lie_on_the_shelf_already_are_stored(database: Database, scope: Scope, plain: World) -> None:
    receives, puts = guns(database, scope, plain)
    receives.scan("QTY 10")
    receives.scan(plain.cream.gtin or "")
    puts.scan(plain.cream.gtin or "")
    puts.scan("A-1")
    order(database, scope, plain, 6)
    receives.scan("QTY 5")
    receives.scan(plain.cream.gtin or "")
    assert puts.scan(plain.cream.gtin or "").code == "place_suggested"


def test_goods_announced_for_an_order_go_to_it_also_when_the_shelf_has_some(
    database: Database, scope: Scope, plain: World
) -> None:
    receives, puts = guns(database, scope, plain)
    receives.scan("QTY 10")
    receives.scan(plain.cream.gtin or "")
    puts.scan(plain.cream.gtin or "")
    puts.scan("A-1")
    number, notice_no = order(database, scope, plain, 6), f"N-{build.number()}"
    with database.unit_of_work(scope) as session:
        line = LineIn(plain.cream.code, 6, order_no=number)
        notices.announce(session, Announce(notice_no, plain.site.id, plain.owner.id, "0110", (line,)))
    receives.scan("dock-1", notice_no=notice_no)
    receives.scan("QTY 6", notice_no=notice_no)
    receives.scan(plain.cream.gtin or "", notice_no=notice_no)
    told = puts.scan(plain.cream.gtin or "")
    assert (told.code, told.values["orders"]) == ("cross_dock", number)
    puts.scan("XD-1")
    assert promised(database, scope, number) == ("allocated", 6)


def test_a_pallet_goes_across_only_whole(database: Database, scope: Scope, plain: World) -> None:
    order(database, scope, plain, 40, plain.meat.code)
    receives, puts = guns(database, scope, plain)
    receives.scan(plain.pallet_label())
    assert puts.scan(plain.pallet_label()).code == "place_suggested"
    puts.scan("BACK")
    order(database, scope, plain, 60, plain.meat.code)
    assert puts.scan(plain.pallet_label()).code == "cross_dock"


def test_a_cross_dock_is_undone_with_its_promises(database: Database, scope: Scope, plain: World) -> None:
    number = order(database, scope, plain, 6)
    receives, puts = guns(database, scope, plain)
    receives.scan("QTY 10")
    receives.scan(plain.cream.gtin or "")
    puts.scan(plain.cream.gtin or "")
    crossed = puts.scan("XD-1")
    assert (crossed.code, crossed.is_undoable) == ("cross_docked", True)
    assert puts.scan("UNDO").code == "undone"
    assert promised(database, scope, number) == ("open", 0)
    with database.unit_of_work(scope) as session:
        assert at(session, plain, plain.dock) == 10
        [(task, _)] = cross_docking.waiting_at_docks(session, plain.site.id)
        assert task.left_qty == 10
    assert [puts.scan(one).code for one in (plain.cream.gtin or "", "XD-1")] == ["cross_dock", "cross_docked"]
    assert promised(database, scope, number) == ("allocated", 6)
    assert verify(database, scope) == []


def test_a_cross_dock_that_stands_on_a_pick_list_is_not_undone(database: Database, scope: Scope, plain: World) -> None:
    number = order(database, scope, plain, 6)
    receives, puts = guns(database, scope, plain)
    with database.unit_of_work(scope) as session:
        build.make_location(session, session.get_one(Site, plain.site.id), kind="packing", code="PACK-1")
    receives.scan("QTY 6")
    receives.scan(plain.cream.gtin or "")
    puts.scan(plain.cream.gtin or "")
    puts.scan("XD-1")
    with database.unit_of_work(scope) as session:
        made = waves.gather(session, plain.site.id, "discrete", WaveRule())
        waving.release(session, made.wave_no, f"k-{made.wave_no}", datetime.now(UTC), to_place=None)
    refused = puts.scan("UNDO")
    assert (refused.code, refused.values["order"]) == ("on_pick_list", number)
    assert promised(database, scope, number)[1] == 6
    assert verify(database, scope) == []


def test_of_two_who_bring_goods_for_one_order_at_once_one_crosses(
    database: Database, scope: Scope, plain: World
) -> None:
    number = order(database, scope, plain, 10, plain.milk.code)
    receives, one = guns(database, scope, plain)
    other = Scanner(database, one.scope, plain, job="put_away")
    for lot in ("L1", "L2"):
        receives.scan("QTY 10")
        receives.scan(plain.label(plain.milk, lot))
    told = [gun.scan(plain.label(plain.milk, lot)).code for gun, lot in ((one, "L1"), (other, "L2"))]
    assert told == ["cross_dock", "cross_dock"]
    codes = all_at_once([lambda: one.scan("XD-1").code, lambda: other.scan("XD-1").code])
    assert sorted(codes) == ["cross_docked", "other_place"]
    assert promised(database, scope, number) == ("allocated", 10)
    assert verify(database, scope) == []
