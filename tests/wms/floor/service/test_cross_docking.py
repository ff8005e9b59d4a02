"""Received goods that orders wait for: to the cross-dock zone and promised at once, planned or as chance has it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from tests import build
from tests.wms.floor.world import Scanner, World, build_world
from wms.db import Database, Scope
from wms.floor.rules.notices import LineIn
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service import cross_docking, notices
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
