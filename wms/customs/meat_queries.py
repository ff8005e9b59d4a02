"""Reads of meat from abroad for screens and the API: each batch with its papers and what of it is on hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs.meat_rules import HOLD_WORD
from wms.customs.tables import ImportPermit, MeatBatch, VerificationList
from wms.stock.tables import StockHold

WAITING = ("announced", "inspected")


@dataclass(frozen=True)
class BatchRow:
    """A batch with its papers; ``held_qty`` in base units, weights in grams."""

    id: int
    batch_no: str
    list_no: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    lot_no: str | None
    permit_no: str
    permit_until_on: date
    permit_left_g: int
    country: str
    plant_no: str
    health_certificate_no: str
    health_certificate_on: date
    weight_g: int
    state: str
    inspection_note: str | None
    entry_certificate_no: str | None
    certified_at: datetime | None
    held_qty: int


def _query() -> Select[*tuple[Any, ...]]:
    number = func.coalesce(VerificationList.list_no, VerificationList.internal_no)
    held = (
        select(cast(func.coalesce(func.sum(StockHold.qty), 0), BigInteger))
        .where(
            StockHold.state == "open", StockHold.trade_item_id == MeatBatch.trade_item_id,
            StockHold.document == HOLD_WORD + number + " " + func.coalesce(MeatBatch.lot_no, "-"),
        )
        .correlate(MeatBatch, VerificationList)
        .scalar_subquery()
    )  # fmt: skip
    return (
        select(
            MeatBatch.id, MeatBatch.batch_no, number, TradeItem.code, TradeItem.name_zh, TradeItem.name_en,
            MeatBatch.lot_no, ImportPermit.permit_no, ImportPermit.valid_until_on,
            ImportPermit.quota_g - ImportPermit.used_g, ImportPermit.country, MeatBatch.plant_no,
            MeatBatch.health_certificate_no, MeatBatch.health_certificate_on, MeatBatch.weight_g, MeatBatch.state,
            MeatBatch.inspection_note, MeatBatch.entry_certificate_no, MeatBatch.certified_at, held,
        )
        .join(VerificationList, VerificationList.id == MeatBatch.verification_list_id)
        .join(TradeItem, TradeItem.id == MeatBatch.trade_item_id)
        .join(ImportPermit, ImportPermit.id == MeatBatch.permit_id)
        .order_by(MeatBatch.id)
    )  # fmt: skip


def batches(session: Session, *, after: int = 0, limit: int = 100, waiting: bool = False) -> list[BatchRow]:
    """Return batches by id; ``waiting``: only those whose certificate is missing."""
    query = _query().where(MeatBatch.id > after).limit(limit)
    if waiting:
        query = query.where(MeatBatch.state.in_(WAITING))
    return _rows(session, query)


def ended(session: Session, limit: int) -> list[BatchRow]:
    """Return batches that wait for nothing any more, the newest first."""
    query = _query().where(MeatBatch.state.not_in(WAITING)).order_by(None).order_by(MeatBatch.id.desc())
    return _rows(session, query.limit(limit))


def _rows(session: Session, query: Select[Any]) -> list[BatchRow]:
    rows: Sequence[Any] = session.execute(query).all()
    return [BatchRow(*row) for row in rows]


def one(session: Session, batch_id: int) -> BatchRow:
    """Return one batch."""
    row: Any = session.execute(_query().where(MeatBatch.id == batch_id)).one()
    return BatchRow(*row)
