"""Differences between book and goods: each has somebody who answers for it and a day, until a document explains it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.modes import beijing_day
from wms.customs.reconciling import LineState, reconcile
from wms.customs.tables import BookDifference
from wms.errors import N_, Kind, NotFound, WmsError
from wms.parties import dated
from wms.parties.tables import Person
from wms.record.service import append_leaf
from wms.stock.tables import BookLine


class UnknownDifference(NotFound):
    code = "unknown_difference"
    text = N_("There is no difference %(difference_id)s of an account book.")


class DifferenceClosed(WmsError):
    """Book and goods agree again."""

    code = "difference_closed"
    kind = Kind.CONFLICT
    text = N_("This difference is closed: book and goods agree again.")


class DocumentMissing(WmsError):
    """An explanation names the document it rests on."""

    code = "document_missing"
    kind = Kind.INVALID
    text = N_("An explanation needs its document and its reason.")


@dataclass(frozen=True)
class DifferenceRow:
    """A difference for screens and for the write-off's report; ``qty`` missing on the shelf, in base units."""

    id: int
    book_no: str
    line_no: int
    qty: int
    state: str
    role: str
    person_id: int | None
    person_name_zh: str | None
    person_name_en: str | None
    due_on: date
    reason: str | None
    document: str | None
    found_at: datetime

    def is_late(self, today: date) -> bool:
        """Whether it should have been settled before ``today``."""
        return self.state != "closed" and self.due_on < today


def note(session: Session, at: datetime, book_no: str = "") -> list[DifferenceRow]:
    """Open a difference for each line that differs, follow its amount, close those that agree; return the open ones.

    One whose amount changes after it was explained is open again: its document explains another amount.
    """
    lines = {line.book_line_id: line for line in reconcile(session, book_no)}
    known = session.scalars(
        select(BookDifference)
        .where(BookDifference.state != "closed", BookDifference.book_line_id.in_(lines))
        .with_for_update()
    )
    standing = {one.book_line_id: one for one in known}
    for line in lines.values():
        found = standing.get(line.book_line_id)
        qty = _amount(line)
        if found is not None and qty == 0:
            found.state, found.closed_at = "closed", at
        elif found is not None and qty != found.qty:
            found.qty, found.state = qty, "open"
        elif found is None and qty != 0:
            session.add(_new(session, line, qty, at))
    session.flush()
    return listed(session, book_no)


def _amount(line: LineState) -> int:
    return line.missing + line.unexplained


def _new(session: Session, line: LineState, qty: int, at: datetime) -> BookDifference:
    rule = dated.value(session, "customs.difference", beijing_day(at))
    due_on = beijing_day(at) + timedelta(days=rule["days"])
    return BookDifference(book_line_id=line.book_line_id, qty=qty, role=rule["role"], due_on=due_on, found_at=at)


def listed(session: Session, book_no: str = "") -> list[DifferenceRow]:
    """Return the differences that are not closed, by book and line."""
    query = (
        select(
            BookDifference.id, BookLine.book_no, BookLine.line_no, BookDifference.qty, BookDifference.state,
            BookDifference.role, BookDifference.person_id, Person.name_zh, Person.name_en, BookDifference.due_on,
            BookDifference.reason, BookDifference.document, BookDifference.found_at,
        )
        .join(BookLine, BookLine.id == BookDifference.book_line_id)
        .outerjoin(Person, Person.id == BookDifference.person_id)
        .where(BookDifference.state != "closed")
        .order_by(BookLine.book_no, BookLine.line_no)
    )  # fmt: skip
    if book_no:
        query = query.where(BookLine.book_no == book_no)
    rows: Sequence[Any] = session.execute(query).all()
    return [DifferenceRow(*row) for row in rows]


def assign(session: Session, difference_id: int, person_id: int, due_on: date) -> None:
    """Give a difference to a person and a day. Raises UnknownDifference, DifferenceClosed, NotFound."""
    found = _open(session, difference_id)
    if session.get(Person, person_id) is None:
        raise NotFound(field="person_id", what=str(person_id))
    found.person_id, found.due_on = person_id, due_on
    session.flush()


def explain(session: Session, difference_id: int, document: str, reason: str) -> None:
    """Say which document explains a difference; it stays on the list until the books are put right by that document.

    Raises UnknownDifference, DifferenceClosed, DocumentMissing.
    """
    found = _open(session, difference_id)
    if not document.strip() or not reason.strip():
        raise DocumentMissing(field="document")
    found.document, found.reason, found.state = document.strip(), reason.strip(), "explained"
    session.flush()
    append_leaf(session, "book_difference", {"document": found.document, "qty": found.qty}, difference_id)


def _open(session: Session, difference_id: int) -> BookDifference:
    found = session.get(BookDifference, difference_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownDifference(difference_id=difference_id)
    if found.state == "closed":
        raise DifferenceClosed
    return found
