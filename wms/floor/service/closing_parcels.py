"""A parcel is weighed and closed, opened again, or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.floor import leaving_queries as units
from wms.floor.leaving_queries import Content
from wms.floor.rules import packing as rules
from wms.floor.rules.packing import Part, Weighing
from wms.floor.service import order_progress, tasks
from wms.floor.service.acting import By
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.packing import locked, sscc_of
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import CartonType, Parcel
from wms.parties import dated
from wms.stock.tables import HandlingUnit

TOLERANCE = "packing.weight_tolerance"


@dataclass(frozen=True)
class Closed:
    """A parcel that was weighed and closed."""

    parcel: Parcel
    weighing: Weighing


def close_parcel(
    session: Session,
    parcel_id: int,
    by: By,
    *,
    weight_g: int,
    carrier: str | None = None,
    waybill_no: str | None = None,
    weight_reason: str | None = None,
) -> Closed:
    """Weigh and close a parcel; ``weight_reason`` lets one pass whose weight is off (a supervisor's word, recorded).

    Raises ParcelClosed, EmptyParcel, CartonOverloaded, BadWeight, TooLight or TooHeavy with what may be the cause,
    WaybillTaken.
    """
    parcel = locked(session, parcel_id)
    label = sscc_of(session, parcel.handling_unit_id)
    if parcel.state != "open":
        raise rules.ParcelClosed(sscc=label, state=parcel.state)
    if weight_g <= 0:
        raise rules.BadWeight(weight=weight_g)
    inside = units.contents(session, [parcel.handling_unit_id])
    if not inside:
        raise rules.EmptyParcel(sscc=label)
    weighing = _weigh(session, parcel, inside, weight_g, by)
    if weight_reason is None:
        rules.refuse_weight(weighing)
    parcel.carrier = carrier or parcel.carrier
    _set_waybill(session, parcel, waybill_no)
    parcel.expected_weight_g, parcel.weight_g, parcel.tolerance_g = weighing.expected_g, weight_g, weighing.tolerance_g
    parcel.weight_reason = None if weighing.is_right else weight_reason
    parcel.state, parcel.closed_at = "closed", by.at
    parcel.closed_by = session.scalar(select(APP_PERSON))
    parcel.label = _label(session, parcel, label, inside)
    session.flush()
    after_close(session, parcel)
    return Closed(parcel, weighing)


def _weigh(session: Session, parcel: Parcel, inside: Sequence[Content], weight_g: int, by: By) -> Weighing:
    kind = session.get_one(CartonType, parcel.carton_type_id)
    parts = [Part(one.item_code, one.qty, one.weight_g // one.qty) for one in inside]
    content_g = sum(one.weight_g for one in inside)
    if content_g > kind.max_weight_g:
        raise rules.CartonOverloaded(carton=kind.code, most_g=kind.max_weight_g, content_g=content_g)
    allowed: dict[str, int] = dated.value(session, TOLERANCE, by.at.date(), kind.code)
    return rules.weigh(kind.tare_g, parts, weight_g, permille=int(allowed["permille"]), least_g=int(allowed["least_g"]))


def _set_waybill(session: Session, parcel: Parcel, waybill_no: str | None) -> None:
    if waybill_no is None:
        return
    rival = session.execute(
        select(HandlingUnit.sscc)
        .join(Parcel, Parcel.handling_unit_id == HandlingUnit.id)
        .where(
            Parcel.waybill_no == waybill_no,
            Parcel.carrier.is_not_distinct_from(parcel.carrier),
            Parcel.state != "void",
            Parcel.id != parcel.id,
        )
        .limit(1)
    ).scalar_one_or_none()
    if rival is not None:
        raise rules.WaybillTaken(field="waybill_no", waybill=waybill_no, carrier=parcel.carrier or "-", sscc=rival)
    parcel.waybill_no = waybill_no


def _label(session: Session, parcel: Parcel, sscc: str, inside: Sequence[Content]) -> dict[str, Any]:
    """What a label printer needs: element strings for the barcodes, and the words beside them."""
    order = session.get(OutboundOrder, parcel.order_id) if parcel.order_id else None
    kind = session.get_one(CartonType, parcel.carton_type_id)
    return {
        "sscc": sscc,
        "elements": [["00", sscc], ["330", f"{parcel.weight_g // 1000 if parcel.weight_g else 0:06d}"]],
        "carrier": parcel.carrier,
        "waybill_no": parcel.waybill_no,
        "route": parcel.route,
        "region": parcel.region,
        "order_no": order.order_no if order else None,
        "consignee": order.consignee_name if order else None,
        "carton": kind.code,
        "weight_g": parcel.weight_g,
        "items": [{"code": one.item_code, "qty": one.qty, "lot_no": one.lot_no} for one in inside],
    }


def after_close(session: Session, parcel: Parcel) -> None:
    """Offer the sorting of a closed parcel, and let its order follow."""
    number = document_no("PC", parcel.id)
    tasks.offer(
        session,
        tasks.NewTask(
            parcel.site_id, "sort", parcel.id, number, owner_id=parcel.owner_id, location_id=parcel.location_id
        ),
    )
    if parcel.order_id is not None:
        order_progress.advance(session, [parcel.order_id])
        if session.scalar(select(OutboundOrder.state).where(OutboundOrder.id == parcel.order_id)) != "picked":
            tasks.finish(session, "pack", parcel.order_id)


def reopen_parcel(session: Session, parcel_id: int) -> Parcel:
    """Open a closed parcel again: its weight and label no longer hold. Raises ParcelNotClosed, ParcelElsewhere."""
    parcel = locked(session, parcel_id)
    if parcel.state != "closed":
        raise rules.ParcelNotClosed(sscc=sscc_of(session, parcel.handling_unit_id), state=parcel.state)
    parcel.state, parcel.closed_at, parcel.closed_by = "open", None, None
    parcel.weight_g = parcel.expected_weight_g = parcel.tolerance_g = parcel.label = parcel.weight_reason = None
    parcel.sorted_at = parcel.sorted_by = None
    session.flush()
    tasks.void_task(session, "sort", parcel.id)
    if parcel.order_id is not None:
        order_progress.advance(session, [parcel.order_id])
    return parcel


def void_parcel(session: Session, parcel_id: int) -> Parcel:
    """Give up a parcel that holds nothing. Raises ParcelClosed, ParcelElsewhere."""
    parcel = locked(session, parcel_id)
    label = sscc_of(session, parcel.handling_unit_id)
    if parcel.state != "open" or units.contents(session, [parcel.handling_unit_id]):
        raise rules.ParcelClosed(sscc=label, state=parcel.state)
    parcel.state = "void"
    session.flush()
    return parcel
