"""Periodic write-off (核销) of an account book: a report that explains every change by its document; customs decides.

Goods and book are those at the end of the period, summed from entries; nothing in the report is typed in by hand.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.customs import differences, list_queries
from wms.customs.clock import BEIJING
from wms.customs.modes import beijing_day
from wms.customs.rules import BadDocumentNumber
from wms.customs.tables import VerificationList, WriteOff
from wms.errors import N_, Kind, NotFound, WmsError
from wms.record.rules import digest
from wms.record.service import append_leaf

# Per book line: the book before and after the period, the goods at its end, and what is missing.
SUMS = text(
    """
    SELECT l.id, l.line_no, t.code,
           coalesce(sum(e.qty) FILTER (WHERE a.kind IN ('book', 'deduction_pending') AND e.event_at < :since),
                    0)::bigint,
           coalesce(sum(e.qty) FILTER (WHERE a.kind IN ('book', 'deduction_pending')), 0)::bigint,
           coalesce(sum(e.qty) FILTER (WHERE a.kind = 'deduction_pending'), 0)::bigint,
           coalesce(sum(e.qty) FILTER (WHERE a.kind = 'not_yet_booked'), 0)::bigint,
           coalesce(sum(e.qty) FILTER (WHERE a.customs_status = 'bonded' AND k.side = 'physical' AND k.in_identity
                                         AND a.kind <> 'discrepancy'), 0)::bigint,
           coalesce(sum(e.qty) FILTER (WHERE a.customs_status = 'bonded' AND a.kind = 'discrepancy'), 0)::bigint
      FROM book_line l JOIN trade_item t ON t.id = l.trade_item_id
      LEFT JOIN account a ON a.book_line_id = l.id LEFT JOIN account_kind k ON k.kind = a.kind
      LEFT JOIN entry e ON e.account_id = a.id AND e.event_at < :until
     WHERE l.tenant_id = app_tenant() AND l.book_no = :book_no GROUP BY l.id, l.line_no, t.code ORDER BY l.line_no
    """
)
# What changed the book in the period, by document.
MOVES = text(
    """
    SELECT a.book_line_id, p.kind, p.source_doc, sum(e.qty)::bigint
      FROM book_line l JOIN account a ON a.book_line_id = l.id AND a.kind IN ('book', 'deduction_pending')
      JOIN entry e ON e.account_id = a.id AND e.event_at >= :since AND e.event_at < :until
      JOIN posting p ON p.id = e.posting_id
     WHERE l.tenant_id = app_tenant() AND l.book_no = :book_no GROUP BY 1, 2, 3 HAVING sum(e.qty) <> 0 ORDER BY 1, 2, 3
    """
)


class UnknownWriteOff(NotFound):
    code = "unknown_write_off"
    text = N_("There is no write-off %(number)s.")


class DifferencesOpen(WmsError):
    """A book is settled when each of its differences is explained by a document."""

    code = "differences_open"
    text = N_("%(count)s lines of account book %(book_no)s differ without an explanation, first line %(line_no)s.")


class BadPeriod(WmsError):
    """The period is not over, ends before it begins, or was written off already."""

    code = "bad_write_off_period"
    kind = Kind.INVALID
    text = N_("The period %(from_on)s to %(until_on)s cannot be written off: %(rule)s")


class WriteOffOpen(WmsError):
    """One settlement of a book at a time."""

    code = "write_off_open"
    kind = Kind.CONFLICT
    text = N_("Write-off %(number)s of this account book is not answered yet.")


class WriteOffDecided(WmsError):
    """Customs has answered."""

    code = "write_off_decided"
    kind = Kind.CONFLICT
    text = N_("Write-off %(number)s is %(state)s and takes no other answer.")


def draw_up(session: Session, book_no: str, from_on: date, until_on: date, at: datetime) -> WriteOff:
    """Draw up the write-off of a period (both days included).

    Raises BadDocumentNumber, BadPeriod, WriteOffOpen, DifferencesOpen.
    """
    book = list_queries.book_by_no(session, book_no)
    if book is None:
        raise BadDocumentNumber(field="book_no", number=book_no, document=N_("account book"))
    session.execute(text("SELECT 1 FROM account_book WHERE id = :id FOR NO KEY UPDATE"), {"id": book.id})
    _check_period(session, book.id, from_on, until_on, beijing_day(at))
    standing = differences.note(session, at, book_no)
    unexplained = [one for one in standing if one.state != "explained"]
    if unexplained:
        raise DifferencesOpen(count=len(unexplained), book_no=book_no, line_no=unexplained[0].line_no)
    report = _report(session, book_no, from_on, until_on, standing)
    made = WriteOff(
        write_off_no=f"WR-{book_no}-{until_on:%Y%m%d}-{at:%H%M%S%f}", account_book_id=book.id, from_on=from_on,
        until_on=until_on, report=report, report_hash=digest(report), drawn_up_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    made.write_off_no = document_no("WR", made.id)
    session.flush()
    append_leaf(session, "write_off", {"no": made.write_off_no, "report": made.report_hash.hex()}, made.id)
    return made


def _check_period(session: Session, book_id: int, from_on: date, until_on: date, today: date) -> None:
    rule = None
    if until_on < from_on:
        rule = N_("it ends before it begins")
    elif until_on >= today:
        rule = N_("it is not over")
    accepted = select(func.max(WriteOff.until_on)).where(
        WriteOff.account_book_id == book_id, WriteOff.state == "accepted"
    )
    last = session.scalar(accepted)
    if last is not None and from_on <= last:
        rule = N_("part of it was written off already")
    if rule is not None:
        raise BadPeriod(field="until_on", from_on=from_on.isoformat(), until_on=until_on.isoformat(), rule=rule)
    waiting = session.scalars(
        select(WriteOff).where(WriteOff.account_book_id == book_id, WriteOff.state.in_(("drawn_up", "declared")))
    ).first()
    if waiting is not None:
        raise WriteOffOpen(number=waiting.write_off_no)


def _report(
    session: Session, book_no: str, from_on: date, until_on: date, standing: list[differences.DifferenceRow]
) -> dict[str, Any]:  # fmt: skip
    values = {"book_no": book_no, "since": _start(from_on), "until": _start(until_on + timedelta(days=1))}
    moves: dict[int, list[dict[str, Any]]] = {}
    for line_id, kind, document, qty in session.execute(MOVES, values):
        moves.setdefault(line_id, []).append({"kind": kind, "document": document, "qty": qty})
    explained = {one.line_no: one for one in standing}
    lines = []
    for line_id, line_no, item, opening, closing, pending, waiting, goods, missing in session.execute(SUMS, values):
        one = explained.get(line_no)
        lines.append(
            {
                "line_no": line_no, "item": item, "opening": opening, "closing": closing, "pending": pending,
                "not_yet_booked": waiting, "goods": goods, "missing": missing,
                "unexplained": closing - pending + waiting - goods - missing, "by_document": moves.get(line_id, []),
                "difference": {"document": one.document, "reason": one.reason, "qty": one.qty} if one else None,
            }
        )  # fmt: skip
    return {
        "book_no": book_no, "from_on": from_on.isoformat(), "until_on": until_on.isoformat(), "lines": lines,
    }  # fmt: skip


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, BEIJING)


def declare(session: Session, number: str) -> WriteOff:
    """Mark a write-off as sent to customs. Raises UnknownWriteOff, WriteOffDecided."""
    found = _locked(session, number, ("drawn_up",))
    found.state = "declared"
    session.flush()
    return found


def decide(session: Session, number: str, at: datetime, *, is_accepted: bool) -> int:
    """Take customs' answer; accepted, the lists booked in the period are written off. Returns how many.

    Raises UnknownWriteOff, WriteOffDecided.
    """
    found = _locked(session, number, ("drawn_up", "declared"))
    found.state, found.decided_at = ("accepted" if is_accepted else "refused"), at
    session.flush()
    append_leaf(session, "write_off_decided", {"no": number, "state": found.state}, found.id)
    if not is_accepted:
        return 0
    settled = session.execute(
        update(VerificationList)
        .where(
            VerificationList.account_book_id == found.account_book_id, VerificationList.state == "booked",
            VerificationList.booked_at >= _start(found.from_on),
            VerificationList.booked_at < _start(found.until_on + timedelta(days=1)),
        )
        .values(state="written_off")
        .returning(VerificationList.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    session.expire_all()
    return len(settled)


def by_no(session: Session, number: str) -> WriteOff:
    """Return a write-off. Raises UnknownWriteOff."""
    found = session.scalars(select(WriteOff).where(WriteOff.write_off_no == number)).one_or_none()
    if found is None:
        raise UnknownWriteOff(number=number)
    return found


def _locked(session: Session, number: str, states: tuple[str, ...]) -> WriteOff:
    found = session.get_one(WriteOff, by_no(session, number).id, with_for_update=True, populate_existing=True)
    if found.state not in states:
        raise WriteOffDecided(number=number, state=found.state)
    return found


def plain(found: WriteOff) -> dict[str, Any]:
    """Return a write-off as screens and the API show it."""
    names = ("write_off_no", "from_on", "until_on", "state", "report")
    return {name: getattr(found, name) for name in names} | {"report_hash": found.report_hash.hex()}


def listed(session: Session, book_id: int) -> list[WriteOff]:
    """Return the write-offs of a book, the newest first."""
    of_book = select(WriteOff).where(WriteOff.account_book_id == book_id).order_by(WriteOff.id.desc())
    return list(session.scalars(of_book))


