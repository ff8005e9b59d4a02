"""The stock of everything at an instant of the past, as known at any moment; and the checkpoints that make it fast.

``stock_at`` in :mod:`wms.stock.queries` reads a page by the history of each account, which is right for a few accounts.
Here the whole warehouse is read at once: from the nearest of the present balances, a checkpoint or nothing at all, by
adding or taking away what lies between (``past.sql`` says why that is exact). A backdated posting changes no row that
was written before, and no answer for a ``known_at`` before it was recorded (I15).
"""

# ruff: noqa: S608 - the statements are put together from constants and field names of this file alone

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.stock.queries import Stock

SUMS = (
    "stock_sums_at(:instant, cast(:known_at AS timestamptz),"
    " EXISTS (SELECT 1 FROM account_kind WHERE is_virtual AND kind = ANY (:kinds)))"
)
DIMENSIONS = (
    "owner_id", "trade_item_id", "site_id", "location_id", "lot_id", "handling_unit_id", "customs_status",
    "quality_status", "book_line_id",
)  # fmt: skip
BY_ITEM = ("owner_id", "trade_item_id", "site_id", "customs_status", "quality_status")
LEAST_POSTINGS = 25_000  # between two checkpoints: fewer are added up in no time
SETTLED = timedelta(hours=1)  # most of what happened before an instant is recorded an hour after it


class AccountThen(NamedTuple):
    """The stock of one account at an instant, in base units."""

    account_id: int
    qty: int


@dataclass(frozen=True)
class TotalThen:
    """A sum at an instant, in base units; a dimension that was not asked for is None."""

    qty: int
    owner_id: int | None = None
    trade_item_id: int | None = None
    site_id: int | None = None
    location_id: int | None = None
    lot_id: int | None = None
    handling_unit_id: int | None = None
    customs_status: str | None = None
    quality_status: str | None = None
    book_line_id: int | None = None


def everything_at(
    session: Session, instant: datetime, stock: Stock | None = None, *, known_at: datetime | None = None
) -> list[AccountThen]:
    """Every account with stock as of ``instant`` (event time), as known at ``known_at`` (None: now), by account id.

    Not a page: all rows. A million entries give about a hundred thousand.
    """
    where, values = (stock or Stock()).where()
    # Two arrays instead of a hundred thousand rows: the reader takes two thirds of the time.
    sql = (
        "SELECT array_agg(x.account_id ORDER BY x.account_id), array_agg(x.qty ORDER BY x.account_id)"
        f" FROM {SUMS} x JOIN account a ON a.id = x.account_id WHERE {where}"
    )
    found = session.execute(text(sql), {**values, "instant": instant, "known_at": known_at}).one()
    return list(map(AccountThen, found[0] or (), found[1] or ()))


def totals_at(
    session: Session, instant: datetime, stock: Stock | None = None, *, by: tuple[str, ...] = BY_ITEM,
    known_at: datetime | None = None,
) -> list[TotalThen]:  # fmt: skip
    """The same, summed by the dimensions ``by`` (some of :data:`DIMENSIONS`), in their order."""
    if not by or not set(by) <= set(DIMENSIONS):
        raise ValueError(f"stock is summed by some of {', '.join(DIMENSIONS)}, not by {', '.join(by) or 'nothing'}")
    where, values = (stock or Stock()).where()
    names = ", ".join(f"a.{name}" for name in by)
    sql = (
        f"SELECT sum(x.qty)::bigint AS qty, {names} FROM {SUMS} x JOIN account a ON a.id = x.account_id"
        f" WHERE {where} GROUP BY {names} HAVING sum(x.qty) <> 0 ORDER BY {names}"
    )
    rows = session.execute(text(sql), {**values, "instant": instant, "known_at": known_at})
    return [TotalThen(row[0], **dict(zip(by, row[1:], strict=True))) for row in rows]


def make_checkpoint(session: Session, event_before: datetime, recorded_until: datetime | None = None) -> int | None:
    """Write the sums of all events before an instant; its id, or None where it must wait (or stands already).

    To be called in a transaction that has not written anything: it waits for the postings of others to end.
    """
    known = recorded_until or event_before + SETTLED
    values = {"before": event_before, "known": known}
    made: int | None = session.execute(text("SELECT stock_make_checkpoint(:before, :known)"), values).scalar_one()
    return made


def next_checkpoint_at(session: Session, now: datetime) -> datetime | None:
    """The instant that the next checkpoint is due for; None while too few postings came after the last.

    The distance grows with the number of accounts, so that the sums never take more room than the entries.
    """
    last = session.execute(
        text("SELECT event_before, accounts FROM stock_checkpoint ORDER BY event_before DESC LIMIT 1")
    ).one_or_none()
    after, accounts = (last.event_before, last.accounts) if last else (None, 0)
    due: datetime | None = session.execute(
        text(
            "SELECT event_at FROM posting WHERE tenant_id = app_tenant() AND event_at <= :until"
            " AND event_at >= coalesce(cast(:after AS timestamptz), '-infinity')"
            " ORDER BY event_at OFFSET :postings LIMIT 1"
        ),
        {"after": after, "until": now - SETTLED, "postings": max(LEAST_POSTINGS, accounts)},
    ).scalar_one_or_none()
    return None if due is None or due == after else due
