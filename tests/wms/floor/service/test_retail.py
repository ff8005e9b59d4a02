"""Retail parcels at the doors of the floor: none leaves before customs let it go, whichever door is tried."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import LET_GO_AT, sale
from tests.wms.floor.leaving import Yard, build_yard, by
from tests.wms.floor.loads import file_pass, packed, refused, sscc_of, truck
from tests.wms.gate.world import new_plate
from wms.customs.parcels import requests
from wms.customs.parcels.guard import ParcelHeld, ParcelNotDeclared, ParcelNotReleased
from wms.customs.tables import GatePass
from wms.customs.tables.parcels import RetailOrder
from wms.errors import WmsError
from wms.floor.service import departing, loading
from wms.floor.tables.loading import VehicleLoad
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel
from wms.gate.service.facts import pass_facts


@pytest.fixture
def zone(session: Session) -> Yard:
    return build_yard(session, "bonded")


def loaded_on(session: Session, zone: Yard) -> tuple[VehicleLoad, Parcel, str]:
    """A vehicle with a pass for one piece, and a packed retail parcel with its order's number."""
    plate = new_plate()
    gate_pass = file_pass(session, zone, {zone.tea.id: 1}, plate)
    load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no, carrier="SF")
    parcel, order_id = packed(session, zone, kind="parcel")
    return load, parcel, session.get_one(OutboundOrder, order_id).order_no


def declare(session: Session, zone: Yard, order_no: str) -> int:
    """The declaration of the floor's order, declared and not answered."""
    made = world.declared(session, world.Sale(order_no))
    row = world.row(session, made)
    row.owner_id = session.get_one(RetailOrder, row.order_id).owner_id = zone.owner.id
    session.flush()
    return made


def put_on(session: Session, load: VehicleLoad, parcel: Parcel) -> Callable[[], object]:
    return lambda: loading.put_on(session, load.id, sscc_of(session, parcel), by())


def test_a_retail_parcel_without_a_declaration_is_not_loaded(session: Session, zone: Yard) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    refusal = refused(session, put_on(session, load, parcel))
    assert isinstance(refusal, ParcelNotDeclared)
    assert order_no in str(refusal)


@pytest.mark.parametrize("code", ["2", "120", "300", "399", "500", "100", "501", "502", "503", "599", "700"])
def test_out_a_a_parcel_is_loaded_only_when_customs_let_it_go(session: Session, zone: Yard, code: str) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    made = declare(session, zone, order_no)
    world.receipt(session, made, code)
    assert isinstance(refused(session, put_on(session, load, parcel)), ParcelNotReleased)


def test_out_a_what_customs_let_go_is_loaded_and_its_load_closes(session: Session, zone: Yard) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    world.receipt(session, declare(session, zone, order_no), "800")
    put_on(session, load, parcel)()
    assert departing.close_load(session, load.id, by()).is_closed


def test_out_b_a_parcel_that_is_being_cancelled_stays(session: Session, zone: Yard) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    made = declare(session, zone, order_no)
    world.receipt(session, made, "800")
    requests.ask_to_cancel(session, made, "buyer withdrew", LET_GO_AT)
    assert isinstance(refused(session, put_on(session, load, parcel)), ParcelHeld)
    world.receipt(session, made, "399", kind="CEB624")
    assert isinstance(refused(session, put_on(session, load, parcel)), ParcelNotReleased)


def test_out_c_a_parcel_on_hold_stays(session: Session, zone: Yard) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    made = declare(session, zone, order_no)
    world.receipt(session, made, "800")
    world.row(session, made).is_on_hold = True
    session.flush()
    assert isinstance(refused(session, put_on(session, load, parcel)), ParcelHeld)


@pytest.mark.parametrize("code", ["501", "700"])
def test_a_parcel_that_is_detained_on_the_vehicle_keeps_its_load_open(session: Session, zone: Yard, code: str) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    made = declare(session, zone, order_no)
    world.receipt(session, made, "800")
    put_on(session, load, parcel)()
    world.receipt(session, made, code, hours=2)
    refusal: WmsError = refused(session, lambda: departing.close_load(session, load.id, by()))
    assert isinstance(refusal, ParcelNotReleased)


def test_a_parcel_that_is_detained_when_its_load_is_closed_is_held_at_the_gate(session: Session, zone: Yard) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    made = declare(session, zone, order_no)
    world.receipt(session, made, "800")
    put_on(session, load, parcel)()
    departing.close_load(session, load.id, by())
    gate_pass = session.get_one(GatePass, load.gate_pass_id)
    assert pass_facts(session, gate_pass, 0, 1).control_order is None
    world.receipt(session, made, "501", hours=2)
    assert pass_facts(session, gate_pass, 0, 1).control_order == "detain"


def test_a_pallet_is_not_loaded_for_the_sake_of_one_parcel_in_it(session: Session, zone: Yard) -> None:
    load, parcel, order_no = loaded_on(session, zone)
    declare(session, zone, order_no)
    pallet = build.make_handling_unit(session, zone.owner)
    session.get_one(build.HandlingUnit, parcel.handling_unit_id).parent_id = pallet.id
    session.flush()
    refusal = refused(session, lambda: loading.put_on(session, load.id, pallet.sscc, by()))
    assert isinstance(refusal, ParcelNotReleased)


def test_the_waybill_finds_the_declaration_where_the_order_does_not(session: Session, zone: Yard) -> None:
    load, parcel, _order_no = loaded_on(session, zone)
    one = sale()
    made = world.declared(session, one)
    parcel.waybill_no = one.waybill_no
    session.flush()
    assert isinstance(refused(session, put_on(session, load, parcel)), ParcelNotReleased)
    world.receipt(session, made, "800")
    put_on(session, load, parcel)()
