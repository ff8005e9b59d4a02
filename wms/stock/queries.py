"""Reads of the ledger for screens, API and reports: frozen rows, quantities in base units, instants in UTC.

What a firm's scope may not see is not there (row-level security). Lists page by key: give the last row's
``account_id`` as ``after``.
"""

# ruff: noqa: S608 - the statements are put together from constants and field names of this file alone

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.errors import N_, Kind, WmsError

PAGE = 100
LARGEST_PAGE = 1_000
LONG_AGO, FAR = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)  # the finest step of an instant

ACCOUNT = (
    "a.id AS account_id, a.kind, a.owner_id, a.trade_item_id, a.site_id, a.location_id, a.lot_id, a.handling_unit_id,"
    " a.customs_status, a.quality_status, a.book_line_id"
)
NAMES = (
    " t.code AS item_code, t.gtin, t.name_zh AS item_name_zh, t.name_en AS item_name_en, t.base_unit,"
    " s.code AS site_code, p.code AS location_code, lot.lot_no, lot.expires_on, h.sscc"
)
JOINED = (
    " JOIN trade_item t ON t.id = a.trade_item_id LEFT JOIN site s ON s.id = a.site_id"
    " LEFT JOIN location p ON p.id = a.location_id LEFT JOIN lot ON lot.id = a.lot_id"
    " LEFT JOIN handling_unit h ON h.id = a.handling_unit_id"
)


class PageTooLarge(WmsError):
    """More rows were asked for than one answer holds."""

    code = "page_too_large"
    kind = Kind.INVALID
    text = N_("A page holds from 1 to %(most)s rows, not %(wanted)s.")


@dataclass(frozen=True)
class Stock:
    """Which stock is meant; what is None does not limit. ``kinds`` are account kinds."""

    owner_id: int | None = None
    trade_item_id: int | None = None
    site_id: int | None = None
    location_id: int | None = None
    lot_id: int | None = None
    handling_unit_id: int | None = None
    book_line_id: int | None = None
    customs_statuses: tuple[str, ...] | None = None
    quality_statuses: tuple[str, ...] | None = None
    kinds: tuple[str, ...] = ("location",)

    def where(self) -> tuple[str, dict[str, Any]]:
        """The condition on account ``a`` and its values."""
        lists = {"kinds": "kind", "customs_statuses": "customs_status", "quality_statuses": "quality_status"}
        parts, values = ["true"], {}
        for field in fields(self):
            wanted = getattr(self, field.name)
            if wanted is None:
                continue
            listed = lists.get(field.name)
            parts.append(f"a.{listed} = ANY (:{field.name})" if listed else f"a.{field.name} = :{field.name}")
            values[field.name] = list(wanted) if listed else wanted
        return " AND ".join(parts), values


@dataclass(frozen=True)
class OnHand:
    """Stock of one account with the names of its parts. ``available`` is what nobody reserved."""

    account_id: int
    kind: str
    owner_id: int
    trade_item_id: int
    site_id: int | None
    location_id: int | None
    lot_id: int | None
    handling_unit_id: int | None
    customs_status: str
    quality_status: str
    book_line_id: int | None
    qty: int
    qty_reserved: int
    last_event_at: datetime
    item_code: str
    gtin: str | None
    item_name_zh: str
    item_name_en: str
    base_unit: str
    site_code: str | None
    location_code: str | None
    lot_no: str | None
    expires_on: date | None
    sscc: str | None

    @property
    def available(self) -> int:
        return self.qty - self.qty_reserved


def on_hand(session: Session, stock: Stock, *, after: int = 0, limit: int = PAGE) -> list[OnHand]:
    """Accounts with stock now, by account id, from behind account ``after``. Raises :class:`PageTooLarge`."""
    where, values = stock.where()
    # The page is cut before the names are joined: behind row-level security the planner expects one row and would
    # join and sort every account first (10,000 pallets: 85 ms instead of 419 ms).
    of_owner = "" if stock.owner_id is None else " AND b.owner_id = :owner_id"  # its own index, in the page's order
    sql = (
        f"WITH page AS MATERIALIZED (SELECT {ACCOUNT}, a.id, b.qty, b.qty_reserved, b.last_event_at"
        " FROM balance b JOIN account a ON a.id = b.account_id"
        f" WHERE b.qty > 0 AND b.account_id > :after AND {where}{of_owner} ORDER BY b.account_id LIMIT :limit)"
        f" SELECT {ACCOUNT}, a.qty, a.qty_reserved, a.last_event_at,{NAMES} FROM page a{JOINED} ORDER BY a.id"
    )
    rows = session.execute(text(sql), {**values, "after": after, "limit": _page(limit)})
    return [OnHand(*row) for row in rows]  # in the order of its fields: a page of mappings takes as long as its query


def available(session: Session, stock: Stock) -> int:
    """How many base units of good stock nobody has reserved."""
    where, values = stock.where()
    sql = (
        "SELECT coalesce(sum(b.qty - b.qty_reserved), 0)::bigint FROM balance b JOIN account a ON a.id = b.account_id"
        f" WHERE a.quality_status = 'good' AND {where}"
    )
    return int(session.execute(text(sql), values).scalar_one())


@dataclass(frozen=True)
class StockThen:
    """Stock of one account at an instant."""

    account_id: int
    kind: str
    owner_id: int
    trade_item_id: int
    site_id: int | None
    location_id: int | None
    lot_id: int | None
    handling_unit_id: int | None
    customs_status: str
    quality_status: str
    book_line_id: int | None
    qty: int


def stock_at(
    session: Session, instant: datetime, stock: Stock, *, known_at: datetime | None = None, after: int = 0,
    limit: int = PAGE,
) -> list[StockThen]:  # fmt: skip
    """The stock as of ``instant`` (event time), as it was known at ``known_at`` (recording time; None: now).

    A posting that was backdated later counts from its event on, but not for a ``known_at`` before it was recorded: what
    was answered then is answered again (I15).
    """
    where, values = stock.where()
    sql = (
        f"SELECT {ACCOUNT}, x.qty FROM account a CROSS JOIN LATERAL (SELECT sum(e.qty)::bigint AS qty FROM entry e"
        " WHERE e.account_id = a.id AND e.event_at <= :instant AND e.recorded_at <= :known_at) x"
        f" WHERE x.qty <> 0 AND a.id > :after AND {where} ORDER BY a.id LIMIT :limit"
    )
    bound = {"instant": instant, "known_at": known_at or FAR, "after": after, "limit": _page(limit)}
    return [StockThen(**row) for row in session.execute(text(sql), {**values, **bound}).mappings()]


@dataclass(frozen=True)
class CardRow:
    """One movement on a stock card: ``qty`` signed, ``balance`` of all accounts of the card after it."""

    posting_id: int
    account_id: int
    kind: str
    source_doc: str | None
    reason: str | None
    person_id: int | None
    device: str | None
    reverses_id: int | None
    event_at: datetime
    recorded_at: datetime
    qty: int
    balance: int


@dataclass(frozen=True)
class Card:
    """A stock card: stock before the first row, the movements by event time; ``next_since`` where more may follow."""

    opening_qty: int
    rows: tuple[CardRow, ...]
    next_since: datetime | None


def stock_card(
    session: Session, stock: Stock, *, since: datetime | None = None, until: datetime | None = None, limit: int = PAGE
) -> Card:
    """Every movement of ``stock`` with ``since`` ≤ event < ``until``, oldest first, with the running balance.

    Page by :attr:`Card.next_since`; rows of one instant are never parted, so a page may exceed ``limit``.
    """
    where, values = stock.where()
    bound = {"since": since or LONG_AGO, "until": until or FAR, "limit": _page(limit)}
    before = (
        "SELECT coalesce(sum(e.qty), 0)::bigint FROM entry e JOIN account a ON a.id = e.account_id"
        f" WHERE e.event_at < :since AND {where}"
    )
    opening = int(session.execute(text(before), {**values, **bound}).scalar_one())
    sql = (
        "SELECT e.posting_id, e.account_id, p.kind, p.source_doc, p.reason, p.person_id, p.device, p.reverses_id,"
        " e.event_at, e.recorded_at, e.qty"
        " FROM entry e JOIN account a ON a.id = e.account_id JOIN posting p ON p.id = e.posting_id"
        f" WHERE e.event_at >= :since AND e.event_at < :until AND {where}"
        " ORDER BY e.event_at FETCH FIRST :limit ROWS WITH TIES"
    )
    found = session.execute(text(sql), {**values, **bound}).mappings()
    rows, balance = [], opening
    for row in sorted(found, key=lambda row: (row["event_at"], row["posting_id"], row["account_id"])):
        balance += row["qty"]
        rows.append(CardRow(**row, balance=balance))
    return Card(opening, tuple(rows), rows[-1].event_at + TICK if len(rows) >= limit else None)


@dataclass(frozen=True)
class BookAgainstShelf:
    """One line of an account book: every term of I4. ``difference`` is zero unless the database was damaged."""

    book_line_id: int
    book_no: str
    line_no: int
    trade_item_id: int
    book: int
    not_yet_booked: int
    deduction_pending: int
    shelf: int
    in_transit: int
    in_process: int
    declared_not_left: int
    discrepancy: int

    @property
    def difference(self) -> int:
        """(book + not yet booked) − (shelf + in transit + in process + declared, not left + discrepancy)."""
        physical = self.shelf + self.in_transit + self.in_process + self.declared_not_left + self.discrepancy
        return self.book + self.not_yet_booked - physical


TERMS: Mapping[str, str] = {
    "book": "book",
    "not_yet_booked": "not_yet_booked",
    "deduction_pending": "deduction_pending",
    "shelf": "location",
    "in_transit": "in_transit",
    "in_process": "in_process",
    "declared_not_left": "declared_not_left",
    "discrepancy": "discrepancy",
}


def book_against_shelf(
    session: Session, book_no: str, *, after_line_no: int = 0, limit: int = PAGE
) -> list[BookAgainstShelf]:
    """The lines of an account book beside what lies on the shelf and on its way, by line number.

    Counted from the entries, not from the balances: two ways to be wrong would have to agree. Shelf terms are bonded
    goods only.
    """
    terms = ", ".join(
        f"coalesce(sum(e.qty) FILTER (WHERE a.kind = '{kind}'), 0)::bigint AS {term}" for term, kind in TERMS.items()
    )
    sql = (
        "WITH line AS (SELECT id, book_no, line_no, trade_item_id FROM book_line"
        " WHERE book_no = :book_no AND line_no > :after ORDER BY line_no LIMIT :limit)"
        f" SELECT l.id AS book_line_id, l.book_no, l.line_no, l.trade_item_id, {terms} FROM line l"
        " LEFT JOIN (account a JOIN account_kind k ON k.kind = a.kind JOIN entry e ON e.account_id = a.id)"
        " ON a.book_line_id = l.id AND (k.side = 'book' OR a.customs_status = 'bonded')"
        " GROUP BY l.id, l.book_no, l.line_no, l.trade_item_id ORDER BY l.line_no"
    )
    rows = session.execute(text(sql), {"book_no": book_no, "after": after_line_no, "limit": _page(limit)})
    return [BookAgainstShelf(**row) for row in rows.mappings()]


def _page(limit: int) -> int:
    if not 1 <= limit <= LARGEST_PAGE:
        raise PageTooLarge(most=LARGEST_PAGE, wanted=limit)
    return limit
