"""Closed months: which are, who closed them, and which may be closed next."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.stock import ledger
from wms.stock.rules import MonthNotOver

LEGAL_TIME = ZoneInfo("Asia/Shanghai")  # months are those of Beijing time: law, not data
SHOWN = 12
CLOSED = text(
    "SELECT (extract(year FROM c.month_on) * 100 + extract(month FROM c.month_on))::int AS id, c.month_on,"
    " (c.totals ->> 'postings')::bigint AS postings, encode(c.totals_hash, 'hex') AS totals_sha256,"
    " p.name_zh AS person_name_zh, p.name_en AS person_name_en, c.recorded_at"
    " FROM period_close c LEFT JOIN person p ON p.id = c.person_id"
    " WHERE (extract(year FROM c.month_on) * 100 + extract(month FROM c.month_on)) > :after"
    " ORDER BY c.month_on LIMIT :limit"
)
OPEN = text(
    "SELECT month::date FROM generate_series(stock_month(clock_timestamp()) - make_interval(months => :shown),"
    " stock_month(clock_timestamp()) - interval '1 month', interval '1 month') AS month"
    " WHERE month > coalesce((SELECT max(month_on) FROM period_close WHERE tenant_id = app_tenant()), '-infinity')"
    " ORDER BY month"
)
IS_CLOSED = text("SELECT stock_month_is_closed(:at)")


@dataclass(frozen=True)
class ClosedMonth:
    """A month into which nothing is posted any more; it closed all before it too. ``id`` is like 202610."""

    id: int
    month_on: date
    postings: int
    totals_sha256: str
    person_name_zh: str | None
    person_name_en: str | None
    recorded_at: datetime


def closed(session: Session, after: int = 0, limit: int = 500) -> list[ClosedMonth]:
    """Return the closed months, the oldest first."""
    rows = session.execute(CLOSED, {"after": after, "limit": limit}).mappings()
    return [ClosedMonth(**row) for row in rows]


def open_ones(session: Session) -> list[date]:
    """Return the first days of months that are over and not closed yet, at most a year back."""
    return list(session.execute(OPEN, {"shown": SHOWN}).scalars())


def close(session: Session, month_on: date) -> dict[str, Any]:
    """Close a month and all before it, for good. Raises MonthNotOver, PeriodClosed."""
    if month_on.day != 1:
        raise MonthNotOver(field="month", month_on=month_on.isoformat())
    ledger.close_month(session, month_on)
    return {"month": f"{month_on:%Y-%m}"}


def is_closed(session: Session, at: datetime) -> bool:
    """Whether the month of an instant is closed."""
    return bool(session.execute(IS_CLOSED, {"at": at}).scalar_one())
