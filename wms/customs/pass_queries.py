"""Reads of gate passes for tracking and reports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs.tables import GatePass, GatePassLine
from wms.parties.tables import Company, Site


@dataclass(frozen=True)
class PassLineRow:
    """Goods on a pass, in base units."""

    line_no: int
    item_code: str
    name_zh: str
    name_en: str
    base_unit: str
    qty: int
    passed_qty: int


@dataclass(frozen=True)
class PassRow:
    """A gate pass with its goods."""

    id: int
    internal_no: str
    pass_no: str | None
    direction: str
    state: str
    vehicle_plate: str
    container_no: str | None
    total_weight_g: int
    valid_from_at: datetime
    valid_until_at: datetime
    approved_at: datetime | None
    site_code: str
    site_name_zh: str
    site_name_en: str
    owner_name_zh: str
    owner_name_en: str
    lines: tuple[PassLineRow, ...]


def find_pass(session: Session, number: str) -> PassRow | None:
    """Return the pass with this customs' or internal number; None where there is none or it is not the caller's."""
    query = (
        select(
            GatePass.id, GatePass.internal_no, GatePass.pass_no, GatePass.direction, GatePass.state,
            GatePass.vehicle_plate, GatePass.container_no, GatePass.total_weight_g, GatePass.valid_from_at,
            GatePass.valid_until_at, GatePass.approved_at, Site.code, Site.name_zh, Site.name_en, Company.name_zh,
            Company.name_en,
        )
        .join(Site, Site.id == GatePass.site_id)
        .join(Company, Company.id == GatePass.owner_id)
        .where(or_(GatePass.pass_no == number, GatePass.internal_no == number))
        .order_by(GatePass.id)
        .limit(1)
    )  # fmt: skip
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    columns: list[Any] = [*row, _lines(session, row[0])]
    return PassRow(*columns)


def _lines(session: Session, pass_id: int) -> tuple[PassLineRow, ...]:
    query = (
        select(
            GatePassLine.line_no, TradeItem.code, TradeItem.name_zh, TradeItem.name_en, TradeItem.base_unit,
            GatePassLine.qty, GatePassLine.passed_qty,
        )
        .join(TradeItem, TradeItem.id == GatePassLine.trade_item_id)
        .where(GatePassLine.gate_pass_id == pass_id)
        .order_by(GatePassLine.line_no)
    )  # fmt: skip
    return tuple(PassLineRow(*row) for row in session.execute(query))
