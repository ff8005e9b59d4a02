"""Retail parcels at the doors of the floor: none is closed, loaded or put behind a pass before customs let it go."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.parcels.guard import (
    Leaving,
    ParcelHeld,
    ParcelNotDeclared,
    ParcelNotReleased,
    refuse_unreleased,
)
from wms.floor.tables.loading import LoadUnit, VehicleLoad
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel
from wms.stock.tables import HandlingUnit


def refuse_held_parcels(session: Session, unit_ids: Collection[int], order_ids: Collection[int] = ()) -> None:
    """Raise what forbids the parcels among these units, and goods picked for these orders, to leave."""
    found = session.execute(
        select(
            HandlingUnit.sscc, Parcel.owner_id, OutboundOrder.order_no, Parcel.waybill_no, OutboundOrder.trade_mode,
            OutboundOrder.kind, OutboundOrder.customs_status,
        )
        .join(Parcel, Parcel.handling_unit_id == HandlingUnit.id)
        .outerjoin(OutboundOrder, OutboundOrder.id == Parcel.order_id)
        .where(Parcel.handling_unit_id.in_(unit_ids), Parcel.state != "void")
        .order_by(Parcel.id)
    )  # fmt: skip
    parcels = [Leaving(*row[:5], is_retail=row.kind == "parcel" and row.customs_status == "bonded") for row in found]
    known = {one.order_no for one in parcels}
    of_orders = session.execute(
        select(
            OutboundOrder.order_no, OutboundOrder.owner_id, OutboundOrder.trade_mode, OutboundOrder.kind,
            OutboundOrder.customs_status,
        ).where(OutboundOrder.id.in_(order_ids))
    )  # fmt: skip
    parcels += [
        Leaving(row.order_no, row.owner_id, row.order_no, None, row.trade_mode,
                is_retail=row.kind == "parcel" and row.customs_status == "bonded")
        for row in of_orders
        if row.order_no not in known
    ]  # fmt: skip
    refuse_unreleased(session, parcels)


def refuse_held_on_load(session: Session, load_id: int) -> None:
    """As :func:`refuse_held_parcels`, for everything that stands on a vehicle."""
    standing = select(LoadUnit.handling_unit_id).where(
        LoadUnit.load_id == load_id, LoadUnit.handling_unit_id.is_not(None), LoadUnit.unloaded_at.is_(None)
    )
    refuse_held_parcels(session, [unit_id for unit_id in session.scalars(standing) if unit_id is not None])


def has_held_parcels(session: Session, gate_pass_id: int) -> bool:
    """Whether on the load of a gate pass stands a parcel that may not leave any more: detained after it was loaded."""
    load_ids = session.scalars(
        select(VehicleLoad.id).where(VehicleLoad.gate_pass_id == gate_pass_id, VehicleLoad.state != "void")
    )
    try:
        for load_id in load_ids.all():
            refuse_held_on_load(session, load_id)
    except (ParcelNotReleased, ParcelNotDeclared, ParcelHeld):
        return True
    return False
