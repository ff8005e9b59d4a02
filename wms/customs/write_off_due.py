"""When the next write-off (核销) of each account book is due, and what follows when it is overdue.

How often, how long before it is reminded of, and whether an overdue book takes new declarations is dated data
(``customs.write_off_months``, ``customs.write_off_rule``).
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.customs.tables import AccountBook, WriteOff
from wms.errors import N_, WmsError
from wms.parties import dated

OPEN = ("drawn_up", "declared")


class WriteOffOverdue(WmsError):
    """A book that was not settled in time takes no new declaration, where the rule of the day says so."""

    code = "write_off_overdue"
    text = N_(
        "Account book %(book_no)s was to be written off by %(due_on)s: until that is drawn up, it takes no new"
        " declaration."
    )


@dataclass(frozen=True)
class Due:
    """The next write-off of a book: from which day it must explain the book, and until when it is to be drawn up.

    ``state``: later, soon (to be reminded of), late, or waiting for customs' answer.
    """

    book_id: int
    book_no: str
    site_id: int
    from_on: date
    due_on: date
    state: str


def months_after(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of its month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def due(session: Session, today: date, book_no: str = "") -> list[Due]:
    """Return the next write-off of each living book, the earliest first; ``book_no``: of that one only."""
    months = int(dated.value(session, "customs.write_off_months", today))
    remind = timedelta(days=int(dated.value(session, "customs.write_off_rule", today)["remind_days"]))
    last = dict(_by_book(session, ("accepted",)))
    waiting = dict(_by_book(session, OPEN))
    query = select(AccountBook).where(
        AccountBook.valid_from_on <= today,
        (AccountBook.valid_until_on.is_(None)) | (AccountBook.valid_until_on >= today),
    )
    if book_no:
        query = query.where(AccountBook.book_no == book_no)
    found = []
    for book in session.scalars(query):
        from_on = last[book.id] + timedelta(days=1) if book.id in last else book.valid_from_on
        due_on = months_after(from_on, months)
        state = "late" if today > due_on else "soon" if today > due_on - remind else "later"
        if book.id in waiting:
            state = "waiting"
        found.append(Due(book.id, book.book_no, book.site_id, from_on, due_on, state))
    return sorted(found, key=lambda one: (one.due_on, one.book_no))


def _by_book(session: Session, states: tuple[str, ...]) -> list[tuple[int, date]]:
    rows = session.execute(
        select(WriteOff.account_book_id, func.max(WriteOff.until_on))
        .where(WriteOff.state.in_(states))
        .group_by(WriteOff.account_book_id)
    )
    return [(book_id, until_on) for book_id, until_on in rows]


def check(session: Session, book_no: str, today: date) -> None:
    """Refuse a new declaration for an overdue book where the rule of the day says so. Raises WriteOffOverdue."""
    if not dated.value(session, "customs.write_off_rule", today)["refuses_declarations"]:
        return
    late = [one for one in due(session, today, book_no) if one.state == "late"]
    if late:
        raise WriteOffOverdue(book_no=late[0].book_no, due_on=late[0].due_on.isoformat())
