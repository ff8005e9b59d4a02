"""Pre-deduction as a promise of the ledger: what a document will take from an account book is reserved on the book.

The account book line then reads as customs writes it (customs reference, 1.2): ``book`` is what stands in the account
``book`` and in ``deduction_pending``, ``prevdRedcQty`` is what is reserved or pending, and
``available = book − prevdRedcQty`` is what nobody reserved. The database holds ``0 ≤ reserved ≤ book`` by its CHECK.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs import accounts
from wms.errors import N_, Kind, WmsError
from wms.stock import ledger
from wms.stock.rules import NotAvailable
from wms.stock.tables import Account, Balance, Reservation

FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)  # a pre-deduction ends by customs' word, not by time


class BookShort(WmsError):
    """The book line has less left than the document wants to deduct: available = book − pre-deducted ≥ 0."""

    code = "book_short"
    kind = Kind.CONFLICT
    text = N_(
        "Line %(line_no)s wants %(wanted)s, the account book line has %(available)s that nobody pre-deducted."
    )


@dataclass(frozen=True)
class Wanted:
    """What one document line pre-deducts: base units of one book line of one owner."""

    line_no: int
    owner_id: int
    trade_item_id: int
    book_line_id: int
    qty: int


def promise(session: Session, key: str, wanted: Wanted, document: str) -> int:
    """Reserve ``wanted`` on its book line and return the reservation's id; a repeat of the key gives the first answer.

    Raises BookShort.
    """
    book = accounts.book_side("book", wanted.owner_id, wanted.trade_item_id, wanted.book_line_id)
    try:
        return ledger.reserve(session, ledger.Reserve(key, book, wanted.qty, FOR_EVER, document)).reservation_id
    except NotAvailable as short:
        available = short.values.get("available", 0)
        raise BookShort(line_no=wanted.line_no, wanted=wanted.qty, available=available) from None


def give_back(session: Session, promise_ids: list[int | None]) -> None:
    """Give back what is left of these promises."""
    held = sorted(one for one in promise_ids if one is not None)
    if held:
        ledger.void(session, held)


def open_qty(session: Session, promise_id: int | None) -> tuple[int | None, int]:
    """Return the account of a promise and how much of it is still held; (None, 0) where there is none."""
    row = session.execute(
        select(Reservation.account_id, Reservation.qty_open).where(
            Reservation.id == promise_id, Reservation.state == "held"
        )
    ).one_or_none()
    return (row[0], row[1]) if row else (None, 0)


def unpromised(session: Session, book_line_id: int) -> int:
    """Return how many base units of a book line no document has pre-deducted."""
    rows = session.execute(
        select(Balance.qty - Balance.qty_reserved)
        .join(Account, Account.id == Balance.account_id)
        .where(Account.kind == "book", Account.book_line_id == book_line_id)
    ).scalars()
    return sum(rows)
