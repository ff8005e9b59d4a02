"""Reads of parcels: one, a list, how far an order is packed; frozen rows for screens and API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from wms.floor.rules.packing import ChuteRule
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import CartonType, Parcel, ParcelItem, SortRule
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.tables import HandlingUnit

MOST_LINES_SHOWN = 30


@dataclass(frozen=True)
class ParcelRow:
    """A parcel with the names of its parts; weights in g."""

    id: int
    sscc: str
    state: str
    site_code: str
    owner_name_zh: str
    owner_name_en: str
    order_no: str | None
    carton: str
    place: str
    place_kind: str
    carrier: str | None
    route: str | None
    region: str | None
    waybill_no: str | None
    label: dict[str, Any] | None
    expected_weight_g: int | None
    weight_g: int | None
    tolerance_g: int | None
    weight_reason: str | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by_zh: str | None
    closed_by_en: str | None
    sorted_at: datetime | None


def parcels(
    session: Session,
    *,
    state: str | None = None,
    site_code: str | None = None,
    order_no: str | None = None,
    after_id: int = 0,
    limit: int = 50,
    newest: bool = False,
) -> tuple[ParcelRow, ...]:
    """Return parcels in the order they were opened, from behind ``after_id``; ``newest``: the other way round."""
    where: list[ColumnElement[bool]] = [Parcel.id > after_id]
    if state:
        where.append(Parcel.state == state)
    if site_code:
        where.append(func.upper(Site.code) == site_code.upper())
    if order_no:
        where.append(func.upper(OutboundOrder.order_no) == order_no.upper())
    return _rows(session, *where, limit=limit, newest=newest)


def parcel(session: Session, sscc: str) -> ParcelRow | None:
    """Return the parcel with this label."""
    return next(iter(_rows(session, HandlingUnit.sscc == sscc, limit=1)), None)


def _rows(session: Session, *where: ColumnElement[bool], limit: int, newest: bool = False) -> tuple[ParcelRow, ...]:
    closer = aliased(Person)
    query = (
        select(
            Parcel.id, HandlingUnit.sscc, Parcel.state, Site.code, Company.name_zh, Company.name_en,
            OutboundOrder.order_no, CartonType.code, Location.code, Location.kind, Parcel.carrier, Parcel.route,
            Parcel.region, Parcel.waybill_no, Parcel.label, Parcel.expected_weight_g, Parcel.weight_g,
            Parcel.tolerance_g, Parcel.weight_reason, Parcel.opened_at, Parcel.closed_at, closer.name_zh,
            closer.name_en, Parcel.sorted_at,
        )
        .join(HandlingUnit, HandlingUnit.id == Parcel.handling_unit_id)
        .join(Site, Site.id == Parcel.site_id)
        .join(Company, Company.id == Parcel.owner_id)
        .join(CartonType, CartonType.id == Parcel.carton_type_id)
        .join(Location, Location.id == Parcel.location_id)
        .outerjoin(OutboundOrder, OutboundOrder.id == Parcel.order_id)
        .outerjoin(closer, closer.id == Parcel.closed_by)
        .where(*where)
        .order_by(Parcel.id.desc() if newest else Parcel.id)
        .limit(limit)
    )  # fmt: skip
    found: list[list[Any]] = [list(row) for row in session.execute(query)]
    return tuple(ParcelRow(*columns) for columns in found)


@dataclass(frozen=True)
class PlannedRow:
    """A parcel of an order beside the carton that was proposed for it."""

    sscc: str
    state: str
    carton: str
    plan_step: int | None
    planned_carton: str | None


def planned_parcels(session: Session, order_id: int) -> tuple[PlannedRow, ...]:
    """Return the parcels of an order in the order they were opened, those given up left out."""
    rows = session.execute(
        select(HandlingUnit.sscc, Parcel.state, CartonType.code, Parcel.plan_step, Parcel.planned_carton)
        .join(HandlingUnit, HandlingUnit.id == Parcel.handling_unit_id)
        .join(CartonType, CartonType.id == Parcel.carton_type_id)
        .where(Parcel.order_id == order_id, Parcel.state != "void")
        .order_by(Parcel.id)
    )
    return tuple(PlannedRow(*row) for row in rows)


def parcel_of_unit(session: Session, unit_id: int) -> Parcel | None:
    """Return the parcel whose unit this is."""
    found = select(Parcel).where(Parcel.handling_unit_id == unit_id).execution_options(populate_existing=True)
    return session.scalars(found).one_or_none()


def parcel_by_sscc(session: Session, sscc: str) -> Parcel | None:
    """Return the parcel with this label, to be worked on."""
    found = select(Parcel).join(HandlingUnit, HandlingUnit.id == Parcel.handling_unit_id)
    return session.scalars(found.where(HandlingUnit.sscc == sscc)).one_or_none()


def sscc_of(session: Session, row: Parcel) -> str:
    """Return the label of a parcel."""
    return session.get_one(HandlingUnit, row.handling_unit_id).sscc


@dataclass(frozen=True)
class PackedRow:
    """Goods that were put into a parcel and not taken out, and by whom."""

    id: int
    item_code: str
    name_zh: str
    name_en: str
    lot_no: str | None
    qty: int
    from_sscc: str | None
    person_zh: str | None
    person_en: str | None
    packed_at: datetime


PACKED = text("""
    SELECT i.id, t.code AS item_code, t.name_zh, t.name_en, l.lot_no, i.qty, h.sscc AS from_sscc,
           p.name_zh AS person_zh, p.name_en AS person_en, i.packed_at
      FROM parcel_item i JOIN trade_item t ON t.id = i.trade_item_id LEFT JOIN lot l ON l.id = i.lot_id
      LEFT JOIN handling_unit h ON h.id = i.from_unit_id LEFT JOIN person p ON p.id = i.person_id
     WHERE i.parcel_id = :parcel AND i.undone_at IS NULL ORDER BY i.id
""")


def packed_items(session: Session, parcel_id: int) -> tuple[PackedRow, ...]:
    """Return what was packed into a parcel, in the order it was packed."""
    return tuple(PackedRow(**row) for row in session.execute(PACKED, {"parcel": parcel_id}).mappings())


ORDER_LINES = text("""
    SELECT l.line_no, t.name_zh, t.name_en, l.picked_qty AS expected_qty, t.id AS item_id
      FROM order_line l JOIN trade_item t ON t.id = l.trade_item_id
     WHERE l.order_id = :order AND l.picked_qty > 0 ORDER BY l.line_no
""")


def progress_of(session: Session, order_id: int) -> Mapping[str, Any]:
    """Return what was picked for an order and what of it is packed, line by line, for the screen."""
    packed: dict[int, int] = {
        item: int(qty)
        for item, qty in session.execute(
            select(ParcelItem.trade_item_id, func.sum(ParcelItem.qty))
            .join(Parcel, Parcel.id == ParcelItem.parcel_id)
            .where(Parcel.order_id == order_id, ParcelItem.undone_at.is_(None))
            .group_by(ParcelItem.trade_item_id)
        )
    }
    total = sum(packed.values())
    lines = []
    for row in session.execute(ORDER_LINES, {"order": order_id}).all():
        part = min(packed.get(row.item_id, 0), row.expected_qty)
        packed[row.item_id] = packed.get(row.item_id, 0) - part
        item = {"zh": row.name_zh, "en": row.name_en}
        lines.append(
            {
                "line_no": row.line_no, "item": item, "lot_no": None, "expected_qty": row.expected_qty,
                "received_qty": part,
            }
        )  # fmt: skip
    order_no = session.scalar(select(OutboundOrder.order_no).where(OutboundOrder.id == order_id))
    expected = sum(line["expected_qty"] for line in lines)
    return {"notice": order_no, "expected_qty": expected, "received_qty": total, "lines": lines[:MOST_LINES_SHOWN]}


def chute_rules(session: Session, site_id: int, on: date) -> list[ChuteRule]:
    """Return the sorting rules of a site that hold on a day, oldest first."""
    rows = session.execute(
        select(SortRule.chute_id, SortRule.carrier, SortRule.route, SortRule.region)
        .where(SortRule.site_id == site_id, SortRule.valid_from_on <= on)
        .where(or_(SortRule.valid_until_on.is_(None), SortRule.valid_until_on >= on))
        .order_by(SortRule.valid_from_on.desc(), SortRule.id.desc())
    )
    return [ChuteRule(*row) for row in rows]


@dataclass(frozen=True)
class SortRuleRow:
    """A sorting rule with the names of its places."""

    id: int
    site: str
    carrier: str | None
    route: str | None
    region: str | None
    chute: str
    valid_from_on: date
    valid_until_on: date | None


def sort_rules(session: Session, *, after_id: int = 0, limit: int = 50) -> tuple[SortRuleRow, ...]:
    """Return sorting rules by id."""
    rows = session.execute(
        select(
            SortRule.id, Site.code, SortRule.carrier, SortRule.route, SortRule.region, Location.code,
            SortRule.valid_from_on, SortRule.valid_until_on,
        )
        .join(Site, Site.id == SortRule.site_id)
        .join(Location, Location.id == SortRule.chute_id)
        .where(SortRule.id > after_id)
        .order_by(SortRule.id)
        .limit(limit)
    )  # fmt: skip
    return tuple(SortRuleRow(*row) for row in rows)
