"""Reads of account books and verification lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.customs.rules import LineFacts, LineNotOfBook, ListFacts, UnknownList
from wms.customs.tables import AccountBook, VerificationLine, VerificationList
from wms.stock.rules import AccountKey
from wms.stock.tables import Account, Balance, BookLine, Posting, StockHold


@dataclass(frozen=True)
class ListLineRow:
    """A line of a list with the owner of its goods; quantities in base units."""

    id: int
    line_no: int
    owner_id: int
    trade_item_id: int
    book_line_id: int
    declared_base_qty: int
    passed_qty: int
    booked_qty: int
    on_passes_qty: int = 0
    freed_qty: int = 0
    promise_id: int | None = None


@dataclass(frozen=True)
class ListRow:
    """A verification list for screens."""

    id: int
    internal_no: str
    list_no: str | None
    book_no: str
    owner_id: int
    direction: str
    trade_mode: str
    state: str
    booked_at: datetime | None


@dataclass(frozen=True)
class Held:
    """Goods on hold in one place: the account, and how much of it nobody reserved."""

    account: AccountKey
    free_qty: int


def book_by_no(session: Session, book_no: str) -> AccountBook | None:
    """Return the account book with that number."""
    return session.scalars(select(AccountBook).where(AccountBook.book_no == book_no)).one_or_none()


def book_line(session: Session, book_no: str, line_no: int, place: int) -> BookLine:
    """Return a line of a book by its number; ``place`` names the caller's line. Raises LineNotOfBook."""
    found = session.scalars(
        select(BookLine).where(BookLine.book_no == book_no, BookLine.line_no == line_no)
    ).one_or_none()
    if found is None:
        raise LineNotOfBook(field=f"lines.{place}.book_line", line_no=place, book_no=book_no)
    return found


def list_row(session: Session, list_id: int) -> ListRow:
    """Return one list. Raises UnknownList."""
    found = session.execute(
        select(
            VerificationList.id,
            VerificationList.internal_no,
            VerificationList.list_no,
            AccountBook.book_no,
            VerificationList.owner_id,
            VerificationList.direction,
            VerificationList.trade_mode,
            VerificationList.state,
            VerificationList.booked_at,
        )
        .join(AccountBook, AccountBook.id == VerificationList.account_book_id)
        .where(VerificationList.id == list_id)
    ).one_or_none()
    if found is None:
        raise UnknownList(number=list_id)
    return ListRow(*found)


def list_id_of(session: Session, number: str) -> int:
    """Return the id of the list with customs' number or our internal one. Raises UnknownList."""
    found = session.scalars(
        select(VerificationList.id).where(
            (VerificationList.list_no == number) | (VerificationList.internal_no == number)
        )
    ).first()
    if found is None:
        raise UnknownList(number=number)
    return found


def lines(session: Session, list_id: int) -> tuple[ListLineRow, ...]:
    """Return the lines of a list in their order."""
    rows = session.execute(
        select(
            VerificationLine.id,
            VerificationLine.line_no,
            VerificationList.owner_id,
            VerificationLine.trade_item_id,
            VerificationLine.book_line_id,
            VerificationLine.declared_base_qty,
            VerificationLine.passed_qty,
            VerificationLine.booked_qty,
            VerificationLine.on_passes_qty,
            VerificationLine.freed_qty,
            VerificationLine.promise_id,
        )
        .join(VerificationList, VerificationList.id == VerificationLine.verification_list_id)
        .where(VerificationLine.verification_list_id == list_id)
        .order_by(VerificationLine.line_no)
    )
    return tuple(ListLineRow(*row) for row in rows)


def facts_for_update(session: Session, list_id: int) -> ListFacts:
    """Return what the rules ask of a list, with its row locked until the transaction ends. Raises UnknownList."""
    session.execute(select(VerificationList.id).where(VerificationList.id == list_id).with_for_update(key_share=True))
    return facts(session, list_id)


def facts(session: Session, list_id: int) -> ListFacts:
    """Return what the rules ask of a list. Raises UnknownList."""
    found = session.get(VerificationList, list_id, populate_existing=True)
    if found is None:
        raise UnknownList(number=list_id)
    awaiting = _awaiting(session, list_id, "not_yet_booked" if found.direction == "I" else "deduction_pending")
    of_lines = tuple(
        LineFacts(row.line_no, row.declared_base_qty, row.passed_qty, awaiting.get(row.book_line_id, 0))
        for row in lines(session, list_id)
    )
    number = found.list_no or found.internal_no
    return ListFacts(number, found.state, found.direction, found.entry_released_at, of_lines, found.change_count)


def state_of(session: Session, list_id: int) -> tuple[str, str]:
    """Return number and state of a list. Raises UnknownList."""
    row = list_row(session, list_id)
    return row.list_no or row.internal_no, row.state


def _awaiting(session: Session, list_id: int, kind: str) -> dict[int, int]:
    of_list = select(VerificationLine.book_line_id).where(VerificationLine.verification_list_id == list_id)
    rows = session.execute(
        select(Account.book_line_id, func.sum(Balance.qty))
        .join(Balance, Balance.account_id == Account.id)
        .where(Account.kind == kind, Account.book_line_id.in_(of_list))
        .group_by(Account.book_line_id)
    )
    return {book_line_id: int(qty) for book_line_id, qty in rows if book_line_id is not None}


def held_accounts(session: Session, book_line_id: int) -> tuple[Held, ...]:
    """Return where goods of a book line lie on hold, oldest account first, without what is held for another reason."""
    rows = session.execute(
        select(
            Account.kind,
            Account.owner_id,
            Account.trade_item_id,
            Account.site_id,
            Account.location_id,
            Account.lot_id,
            Account.handling_unit_id,
            Account.customs_status,
            Account.quality_status,
            Account.book_line_id,
            (Balance.qty - Balance.qty_reserved).label("free_qty"),
        )
        .join(Balance, Balance.account_id == Account.id)
        .where(
            Account.book_line_id == book_line_id,
            Account.kind == "location",
            Account.quality_status == "hold",
            Balance.qty > Balance.qty_reserved,
        )
        .order_by(Account.id)
    )
    found = [Held(AccountKey(*row[:10]), row[10]) for row in rows]
    kept, units = _held_for_other_reasons(session, {one.account.trade_item_id for one in found})
    stays: dict[AccountKey, int] = {}
    # What is held by name stays where it was held; where it was packed over since, as many of the lot stay.
    for one in sorted(found, key=lambda one: one.account.handling_unit_id not in units):
        key = (one.account.site_id, one.account.trade_item_id, one.account.lot_id)
        stays[one.account] = min(one.free_qty, kept.get(key, 0))
        kept[key] = kept.get(key, 0) - stays[one.account]
    lifted = (Held(one.account, one.free_qty - stays[one.account]) for one in found)
    return tuple(one for one in lifted if one.free_qty)


def _held_for_other_reasons(
    session: Session, item_ids: set[int]
) -> tuple[dict[tuple[int | None, int, int | None], int], set[int | None]]:
    """Return how many units of (site, item, lot) are on hold by name (inspection, recall …), and on which pallets."""
    rows = session.execute(
        select(StockHold.site_id, StockHold.trade_item_id, StockHold.lot_id, StockHold.handling_unit_id, StockHold.qty)
        .where(StockHold.state == "open", StockHold.trade_item_id.in_(item_ids))
    )  # fmt: skip
    kept: dict[tuple[int | None, int, int | None], int] = {}
    units: set[int | None] = set()
    for site_id, item_id, lot_id, unit_id, qty in rows:
        kept[site_id, item_id, lot_id] = kept.get((site_id, item_id, lot_id), 0) + qty
        units.add(unit_id)
    return kept, units


def good_at(session: Session, book_line_id: int, location_id: int) -> tuple[Held, ...]:
    """Return good goods of a book line at a place that nobody reserved, oldest account first."""
    rows = session.execute(
        select(
            Account.kind, Account.owner_id, Account.trade_item_id, Account.site_id, Account.location_id, Account.lot_id,
            Account.handling_unit_id, Account.customs_status, Account.quality_status, Account.book_line_id,
            Balance.qty - Balance.qty_reserved,
        )
        .join(Balance, Balance.account_id == Account.id)
        .where(
            Account.book_line_id == book_line_id, Account.kind == "location", Account.quality_status == "good",
            Account.customs_status == "bonded", Account.location_id == location_id, Balance.qty > Balance.qty_reserved,
        )
        .order_by(Account.id)
    )  # fmt: skip
    found: Sequence[Any] = rows.all()
    return tuple(Held(AccountKey(*row[:10]), row[10]) for row in found)


def held_grams(session: Session, accounts: Sequence[AccountKey]) -> list[tuple[int, int]]:
    """Return how many base units, and how many grams of them, each account holds: of catch-weight goods."""
    rows = session.execute(
        select(Account.dimensions, Balance.qty, func.coalesce(Balance.weight_g, 0))
        .join(Balance, Balance.account_id == Account.id)
        .where(Account.dimensions.in_([account.dimensions for account in accounts]))
    )
    found = {dimensions: (qty, grams) for dimensions, qty, grams in rows}
    return [found.get(account.dimensions, (0, 0)) for account in accounts]


def booked_qty(session: Session, book_line_id: int) -> int:
    """Return how many base units of a book line stand in the book now."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Balance.qty), 0))
            .join(Account, Account.id == Balance.account_id)
            .where(Account.kind == "book", Account.book_line_id == book_line_id)
        )
        or 0
    )


def was_posted(session: Session, key: str) -> bool:
    """Whether a posting stands under the key."""
    return session.scalar(select(Posting.id).where(Posting.idem_key == key)) is not None
