"""The report of a receipt: what was counted of each item, lot and quality, by whom, from when to when."""

from typing import Any

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.tables import ReceiptLine
from wms.parties.tables import Person
from wms.stock.tables import HandlingUnit, Lot


def of(session: Session, notice_id: int) -> dict[str, Any]:
    """Return ``counted`` (by item, lot and quality), ``counters`` (by person) and ``set_aside`` (nothing posted)."""
    standing = (ReceiptLine.notice_id == notice_id, ReceiptLine.undone_at.is_(None))
    total = cast(func.sum(ReceiptLine.qty), BigInteger)
    counted = session.execute(
        select(
            TradeItem.code.label("item"),
            Lot.lot_no,
            ReceiptLine.quality_status,
            total.label("qty"),
            cast(func.sum(ReceiptLine.weight_g), BigInteger).label("weight_g"),
            func.count(func.distinct(HandlingUnit.id)).label("units"),
        )
        .join(TradeItem, TradeItem.id == ReceiptLine.trade_item_id)
        .outerjoin(Lot, Lot.id == ReceiptLine.lot_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == ReceiptLine.handling_unit_id)
        .where(*standing)
        .group_by(TradeItem.code, Lot.lot_no, ReceiptLine.quality_status)
        .order_by(TradeItem.code, Lot.lot_no, ReceiptLine.quality_status)
    ).mappings()
    counters = session.execute(
        select(
            Person.name_zh,
            Person.name_en,
            func.count().label("counts"),
            func.min(ReceiptLine.received_at).label("first_at"),
            func.max(ReceiptLine.received_at).label("last_at"),
        )
        .outerjoin(Person, Person.id == ReceiptLine.person_id)
        .where(*standing)
        .group_by(Person.id)
        .order_by(func.min(ReceiptLine.received_at))
    ).mappings()
    aside = session.scalar(select(total).where(*standing, ReceiptLine.posting_id.is_(None)))
    return {
        "counted": [dict(row) for row in counted],
        "counters": [
            {**row, "first_at": row["first_at"].isoformat(), "last_at": row["last_at"].isoformat()} for row in counters
        ],
        "set_aside_qty": int(aside or 0),
    }
