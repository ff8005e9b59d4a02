"""Reads of inspection plans, inspections and holds."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.tables import AdvanceNotice, Inspection, InspectionPlan
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.tables import HandlingUnit, Lot, StockHold


@dataclass(frozen=True)
class PlanRow:
    """An inspection plan with the codes that a person knows."""

    id: int
    owner: str | None
    item: str | None
    supplier: str | None
    sampling: str
    share_permille: int | None
    sample_table: str | None
    holds_lot: bool
    valid_from_on: date
    valid_until_on: date | None
    source: str


@dataclass(frozen=True)
class InspectionRow:
    """An inspection with the names a screen shows."""

    id: int
    inspection_no: str
    state: str
    site: str
    notice_no: str
    item: str
    name_zh: str
    name_en: str
    lot_no: str | None
    place: str
    lot_qty: int
    sample_qty: int
    accept_max: int
    defects: int | None
    grade: str | None
    note: str | None
    pictures: list[Any]
    decided_zh: str | None
    decided_en: str | None
    decided_at: datetime | None


@dataclass(frozen=True)
class HoldRow:
    """A hold with the names a screen shows."""

    id: int
    state: str
    reason: str
    site: str
    owner: str
    item: str
    name_zh: str
    name_en: str
    lot_no: str | None
    sscc: str | None
    qty: int
    note: str | None
    document: str | None
    placed_at: datetime
    to_status: str | None
    release_reason: str | None
    released_at: datetime | None


def plans(session: Session, *, after_id: int = 0, limit: int = 50) -> list[PlanRow]:
    """Return inspection plans by id."""
    plan = InspectionPlan
    rows = session.execute(
        select(
            plan.id, Company.code, TradeItem.code, plan.supplier, plan.sampling, plan.share_permille, plan.sample_table,
            plan.holds_lot, plan.valid_from_on, plan.valid_until_on, plan.source,
        )
        .outerjoin(Company, Company.id == plan.owner_id)
        .outerjoin(TradeItem, TradeItem.id == plan.trade_item_id)
        .where(plan.id > after_id)
        .order_by(plan.id)
        .limit(limit)
    )  # fmt: skip
    return [PlanRow(*tuple(row)) for row in rows]


def inspections(
    session: Session, *, after_id: int = 0, limit: int = 50, state: str | None = None, inspection_id: int | None = None
) -> list[InspectionRow]:
    """Return inspections by id."""
    one = Inspection
    query = (
        select(
            one.id, one.inspection_no, one.state, Site.code, AdvanceNotice.notice_no, TradeItem.code, TradeItem.name_zh,
            TradeItem.name_en, Lot.lot_no, Location.code, one.lot_qty, one.sample_qty, one.accept_max, one.defects,
            one.grade, one.note, one.pictures, Person.name_zh, Person.name_en, one.decided_at,
        )
        .join(Site, Site.id == one.site_id)
        .join(AdvanceNotice, AdvanceNotice.id == one.notice_id)
        .join(TradeItem, TradeItem.id == one.trade_item_id)
        .join(Location, Location.id == one.location_id)
        .outerjoin(Lot, Lot.id == one.lot_id)
        .outerjoin(Person, Person.id == one.decided_by)
        .where(one.id > after_id)
        .order_by(one.id)
        .limit(limit)
    )  # fmt: skip
    if state:
        query = query.where(one.state == state)
    if inspection_id is not None:
        query = query.where(one.id == inspection_id)
    return [InspectionRow(*tuple(row)) for row in session.execute(query)]


def holds(
    session: Session, *, after_id: int = 0, limit: int = 50, state: str | None = None, hold_id: int | None = None
) -> list[HoldRow]:
    """Return holds by id."""
    one = StockHold
    query = (
        select(
            one.id, one.state, one.reason, Site.code, Company.code, TradeItem.code, TradeItem.name_zh,
            TradeItem.name_en, Lot.lot_no, HandlingUnit.sscc, one.qty, one.note, one.document, one.placed_at,
            one.to_status, one.release_reason, one.released_at,
        )
        .join(Site, Site.id == one.site_id)
        .join(Company, Company.id == one.owner_id)
        .join(TradeItem, TradeItem.id == one.trade_item_id)
        .outerjoin(Lot, Lot.id == one.lot_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == one.handling_unit_id)
        .where(one.id > after_id)
        .order_by(one.id)
        .limit(limit)
    )  # fmt: skip
    if state:
        query = query.where(one.state == state)
    if hold_id is not None:
        query = query.where(one.id == hold_id)
    return [HoldRow(*tuple(row)) for row in session.execute(query)]


def plain(row: Any) -> dict[str, Any]:
    """Return a row with its days and instants as text."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in vars(row).items()}
