"""Loading on a real database: by scan onto a vehicle, proved against its pass, out by a posting or through the gate."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.leaving import (
    Yard,
    at_place,
    build_yard,
    by,
    now,
    of_kind,
    state_of,
)
from tests.wms.floor.loads import drive_out, file_pass, packed, refused, sscc_of, truck
from tests.wms.gate.world import new_box, new_plate
from wms.customs.gate_passes import approve_pass
from wms.db import Database, Scope
from wms.floor import loading_queries
from wms.floor.load_verify import findings as floor_findings
from wms.floor.rules import loading as rules
from wms.floor.service import departing, loading, opening_loads, packing, sorting, unloading
from wms.floor.service.loading import LooseGoods
from wms.floor.service.opening_loads import NewLoad
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.tables.loading import VehicleLoad
from wms.floor.tables.orders import OutboundOrder
from wms.parties.tables import Location
from wms.record.tables import Leaf
from wms.stock.tables import Balance, HandlingUnit, Posting
from wms.stock.verify import run as verify
from wms.stock.verify import snapshot


@pytest.fixture
def yard(session: Session) -> Yard:
    return build_yard(session)


def test_a_parcel_is_sorted_loaded_and_shipped_and_its_goods_leave_the_ledger(session: Session, yard: Yard) -> None:
    sorting.add_rule(session, sorting.NewSortRule(yard.site.id, yard.north.id, now().date(), carrier="SF"))
    parcel, order_id = packed(session, yard, 2)
    sorting.put_into_chute(session, parcel.id, yard.north.id, by())
    assert at_place(session, yard.north) == 2
    load = truck(session, yard, carrier="SF")
    loading.put_on(session, load.id, sscc_of(session, parcel), by())
    assert state_of(session, order_id) == "loaded"
    vehicle = session.get_one(Location, load.location_id)
    assert (vehicle.kind, at_place(session, vehicle)) == ("vehicle", 2)
    with pytest.raises(rules.LoadInState):
        departing.depart(session, load.id, by())
    closing = departing.close_load(session, load.id, by(), seal_no="S1")
    assert (closing.is_closed, closing.load.seal_no) == (True, "S1")
    departing.depart(session, load.id, by())
    assert (of_kind(session, "customer", yard.tea), at_place(session, vehicle)) == (2, 0)
    assert state_of(session, order_id) == "shipped"
    session.refresh(parcel)
    assert parcel.state == "shipped"
    kinds = [row[0] for row in session.execute(select(Posting.kind).order_by(Posting.id)) if row[0] != "receipt"]
    assert kinds == ["pack", "sort", "load", "ship"]
    assert session.scalars(select(func.count()).select_from(Leaf).where(Leaf.kind == "load_departed")).one() == 1


def test_the_most_exact_sorting_rule_wins_and_the_wrong_chute_is_refused(session: Session, yard: Yard) -> None:
    today = now().date()
    new = sorting.NewSortRule
    sorting.add_rule(session, new(yard.site.id, yard.north.id, today))
    rule = sorting.add_rule(session, new(yard.site.id, yard.south.id, today, region="HN"))
    assert refused(session, lambda: sorting.add_rule(session, new(yard.site.id, yard.north.id, today))).code == (
        "sort_rule_exists"
    )
    assert refused(session, lambda: sorting.add_rule(session, new(yard.site.id, yard.dock.id, today))).code == (
        "not_a_chute"
    )
    parcel, _ = packed(session, yard, consignee_region="hn")
    other, _ = packed(session, yard, consignee_region="JX")
    named, _ = packed(session, yard, consignee_region="HN", chute="CH-N")
    put = sorting.put_into_chute
    assert sorting.chute_for(session, parcel, today).id == yard.south.id
    assert sorting.chute_for(session, other, today).id == yard.north.id
    assert sorting.chute_for(session, named, today).id == yard.north.id
    wrong = refused(session, lambda: put(session, parcel.id, yard.north.id, by()))
    assert (wrong.code, wrong.values["right"]) == ("wrong_chute", "CH-S")
    put(session, parcel.id, yard.south.id, by())
    again = refused(session, lambda: put(session, parcel.id, yard.south.id, by()))
    assert (again.code, again.values["chute"]) == ("already_sorted", "CH-S")
    sorting.end_rule(session, rule, today)
    assert sorting.chute_for(session, parcel, today + timedelta(days=1)).id == yard.north.id


def test_a_pallet_comes_with_all_that_stands_in_it(session: Session, yard: Yard) -> None:
    pallet = build.make_handling_unit(session, yard.owner)
    cartons = [yard.tote(session, (yard.tea, 3)) for _ in range(2)]
    for carton in cartons:
        carton.parent_id = pallet.id
    session.flush()
    load = truck(session, yard)
    loaded = loading.put_on(session, load.id, pallet.sscc, by())
    assert (loaded.qty, loaded.unit_count) == (6, 3)
    told = refused(session, lambda: loading.put_on(session, load.id, cartons[0].sscc, by()))
    assert (told.code, told.values["plate"]) == ("already_loaded", load.vehicle_plate)
    assert (
        refused(session, lambda: unloading.take_off(session, load.id, cartons[0].sscc, by())).code == "goes_with_parent"
    )
    unloading.take_off(session, load.id, pallet.sscc, by())
    assert (at_place(session, yard.packing), len(loading_queries.units_on(session, load.id))) == (6, 0)
    loading.put_on(session, load.id, cartons[0].sscc, by())
    session.refresh(cartons[0])
    assert cartons[0].parent_id is None
    unloading.take_off(session, load.id, cartons[0].sscc, by(), yard.dock.id)
    assert at_place(session, yard.dock) == 3


def test_each_loading_mistake_has_its_own_message(session: Session, yard: Yard) -> None:
    load = truck(session, yard, carrier="SF", stops=("HN", "HB"))
    other = truck(session, yard)

    def code(sscc: str, where: VehicleLoad = load) -> str:
        return refused(session, lambda: loading.put_on(session, where.id, sscc, by())).code

    assert code("000000000000000000") == "unknown_load_unit"
    assert code(build.make_handling_unit(session, yard.owner).sscc) == "empty_unit"
    held = yard.tote(session)
    yard.put(session, yard.tea, yard.dock, 1, held, quality_status="hold")
    assert code(held.sscc) == "loaded_unit_on_hold"
    opened = packing.open_parcel(session, OpenParcel(yard.packing.id, yard.owner.id, "P5"), by())
    packing.put_in(session, PutIn(opened.id, yard.tote(session, (yard.tea, 1)).id, yard.tea.id, 1), by())
    assert code(sscc_of(session, opened)) == "not_packed_yet"
    assert code(sscc_of(session, packed(session, yard, carrier="YTO")[0])) == "wrong_vehicle"
    assert code(sscc_of(session, packed(session, yard, consignee_region="GD")[0])) == "wrong_stop"
    cancelled, order_id = packed(session, yard, consignee_region="HN")
    session.execute(
        update(OutboundOrder).where(OutboundOrder.id == order_id).values(state="cancelled", cancelled_at=now())
    )
    assert code(sscc_of(session, cancelled)) == "order_is_cancelled"
    good, _ = packed(session, yard, consignee_region="HN")
    loading.put_on(session, load.id, sscc_of(session, good), by())
    told = refused(session, lambda: loading.put_on(session, other.id, sscc_of(session, good), by()))
    assert (told.code, told.values["load"]) == ("already_loaded", load.load_no)
    assert refused(session, lambda: unloading.take_off(session, other.id, sscc_of(session, good), by())).code == (
        "not_on_load"
    )
    departing.close_load(session, load.id, by())
    assert code(sscc_of(session, good)) == "load_not_open"


def test_goods_for_an_early_stop_are_loaded_last(session: Session, yard: Yard) -> None:
    load = truck(session, yard, stops=("HN", "HB"))
    order = [("HB", False), ("HN", False), ("HB", True)]
    for region, in_the_way in order:
        parcel, _ = packed(session, yard, consignee_region=region)
        assert loading.put_on(session, load.id, sscc_of(session, parcel), by()).is_in_the_way is in_the_way


def test_opening_a_load_refuses_what_cannot_be(session: Session, yard: Yard) -> None:
    load = truck(session, yard)

    def code(**given: object) -> str:
        return refused(session, lambda: truck(session, yard, **given)).code

    assert code(plate="TRUCK") == "bad_vehicle"
    assert code(container_no="ABCU1234567") == "bad_vehicle"
    assert code(trailer_plate="?") == "bad_vehicle"
    assert code(plate=load.vehicle_plate) == "second_load"
    assert refused(
        session, lambda: opening_loads.open_load(session, NewLoad(yard.site.id, new_plate(), "PACK-1"))
    ).code == "not_a_dock"  # fmt: skip
    loading.put_on(session, load.id, yard.tote(session, (yard.tea, 1)).sscc, by())
    assert refused(session, lambda: departing.void_load(session, load.id)).code == "load_not_empty"
    assert truck(session, yard, container_no=new_box()).container_no
    empty = truck(session, yard)
    assert refused(session, lambda: departing.close_load(session, empty.id, by())).code == "empty_load"
    departing.void_load(session, empty.id)
    assert truck(session, yard, plate=empty.vehicle_plate).state == "open"
    yard.put(session, yard.tea, session.get_one(Location, empty.location_id), 1)
    departing.void_load(session, session.scalars(select(VehicleLoad.id).order_by(VehicleLoad.id.desc())).first() or 0)
    assert code(plate=empty.vehicle_plate) == "vehicle_not_empty"


def test_loose_goods_are_loaded_by_quantity_and_reversed(session: Session, yard: Yard) -> None:
    yard.put(session, yard.tea, yard.dock, 5)
    load = truck(session, yard)
    loaded = loading.put_on_loose(session, load.id, LooseGoods(yard.dock.id, (yard.tea.id,), 3), by())
    assert at_place(session, yard.dock) == 2
    short = refused(
        session, lambda: loading.put_on_loose(session, load.id, LooseGoods(yard.dock.id, (yard.tea.id,), 3), by())
    )
    assert (short.code, short.values["left"]) == ("not_enough_loose", 2)
    unloading.take_off_row(session, load, loaded.row, by())
    assert at_place(session, yard.dock) == 5
    for _ in range(2):
        yard.put(session, yard.cup, yard.dock, 1, lot_id=build.make_lot(session, yard.cup).id)
    mixed = refused(
        session, lambda: loading.put_on_loose(session, load.id, LooseGoods(yard.dock.id, (yard.cup.id,), 1), by())
    )
    assert mixed.code == "lot_wanted"


def test_an_ordinary_load_reopens_and_can_be_changed_before_it_leaves(session: Session, yard: Yard) -> None:
    parcel, order_id = packed(session, yard)
    load = truck(session, yard)
    loading.put_on(session, load.id, sscc_of(session, parcel), by())
    departing.close_load(session, load.id, by(), seal_no="S1")
    departing.reopen_load(session, load.id, by())
    unloading.take_off(session, load.id, sscc_of(session, parcel), by())
    assert state_of(session, order_id) == "packed"
    assert refused(session, lambda: departing.reopen_load(session, load.id, by())).code == "load_in_state"


def test_the_ledger_verifies_after_a_day_of_leaving(fresh_database: Database) -> None:
    scope = Scope.system(1)
    with fresh_database.unit_of_work(scope) as session:
        zone = build_yard(session, "bonded")
        plate = new_plate()
        gate_pass = file_pass(session, zone, {zone.tea.id: 6}, plate)
        load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
        loading.put_on(session, load.id, zone.tote(session, (zone.tea, 6)).sscc, by())
        departing.close_load(session, load.id, by())
        approve_pass(session, gate_pass.id, at=now())
        drive_out(session, zone, gate_pass)
    assert verify(fresh_database, scope) == []
    with snapshot(fresh_database, scope) as session:
        assert list(floor_findings(session)) == []
    with fresh_database.unit_of_work(scope) as session:
        assert session.scalars(select(func.sum(Balance.qty)).where(Balance.qty > 0)).one()
        assert session.scalars(select(HandlingUnit.id)).all()
