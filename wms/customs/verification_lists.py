"""Use cases of the verification list (核注清单): draw up, declare, take customs' answers, book.

The steps follow the messages INV101 out, INV201 and INV211 back (customs reference, 1.3). Each step moves the state by
a conditional update, so that two answers at once cannot both win.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from wms.codes import customs_numbers
from wms.customs import accounts, list_queries, modes, promises, rules, transits, write_off_due
from wms.customs.tables import AccountBook, VerificationLine, VerificationList
from wms.errors import N_
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey
from wms.stock.tables import BookLine


@dataclass(frozen=True)
class ListLine:
    """Goods of a new list: as declared, in customs' unit, and the same in base units."""

    book_line_id: int
    declared_qty: Decimal
    customs_unit: str
    declared_base_qty: int
    unit_price_minor: int = 0
    currency: str = "CNY"


@dataclass(frozen=True)
class DrawUpList:
    """A new verification list: ``direction`` I adds to the book, E deducts from it."""

    internal_no: str
    book_no: str
    owner_id: int
    direction: str
    trade_mode: str
    lines: tuple[ListLine, ...]
    list_type: str = "0"


def draw_up(session: Session, command: DrawUpList) -> int:
    """Store a draft list and return its id. Raises BadDocumentNumber, LineNotOfBook, ListWithoutLines."""
    book = list_queries.book_by_no(session, command.book_no)
    if book is None:
        raise rules.BadDocumentNumber(field="book_no", number=command.book_no, document=N_("account book"))
    if not command.lines:
        raise rules.ListWithoutLines(number=command.internal_no)
    drafted = VerificationList(
        internal_no=command.internal_no,
        account_book_id=book.id,
        owner_id=command.owner_id,
        direction=command.direction,
        trade_mode=command.trade_mode,
        list_type=command.list_type,
    )
    session.add(drafted)
    session.flush()
    for line_no, line in enumerate(command.lines, 1):
        session.add(_line(session, drafted.id, line_no, line, book))
    session.flush()
    return drafted.id


def _line(session: Session, list_id: int, line_no: int, line: ListLine, book: AccountBook) -> VerificationLine:
    of_book = session.get(BookLine, line.book_line_id)
    if of_book is None or of_book.book_no != book.book_no:
        raise rules.LineNotOfBook(line_no=line_no, book_no=book.book_no)
    return VerificationLine(
        verification_list_id=list_id, line_no=line_no, trade_item_id=of_book.trade_item_id, **vars(line)
    )


def declare(session: Session, list_id: int, at: datetime) -> None:
    """Mark a list as sent to customs (INV101) under a trade mode that holds on that day.

    Raises WrongListState, ListWithoutLines, UnknownTradeMode, TradeModeClosed, WriteOffOverdue.
    """
    row = list_queries.list_row(session, list_id)
    modes.allowed(session, row.trade_mode, row.direction, modes.beijing_day(at))
    write_off_due.check(session, row.book_no, modes.beijing_day(at))
    _step(session, list_id, "declared", declared_at=at)


def pre_deduct(session: Session, list_id: int, list_no: str, at: datetime) -> None:
    """Take customs' approval (INV201, manageResult 4) with the list's number; outward, promise its goods on the book.

    Raises BadDocumentNumber, WrongListState, BookShort.
    """
    parsed = customs_numbers.parse_verification_list(list_no)
    if parsed is None or parsed.direction != list_queries.list_row(session, list_id).direction:
        raise rules.BadDocumentNumber(field="list_no", number=list_no, document=N_("verification list"))
    _step(session, list_id, "pre_deducted", list_no=list_no, pre_deducted_at=at)
    promise_lines(session, list_id)


def promise_lines(session: Session, list_id: int) -> None:
    """Pre-deduct what an outward list has not let out yet. Its key is list number + line + change count: once each.

    Raises BookShort.
    """
    facts = list_queries.facts(session, list_id)
    if facts.direction != "E":
        return
    for row in sorted(list_queries.lines(session, list_id), key=lambda row: row.book_line_id):
        left = row.declared_base_qty - row.passed_qty
        if left <= 0:
            continue
        wanted = promises.Wanted(row.line_no, row.owner_id, row.trade_item_id, row.book_line_id, left)
        key = f"prevd:{facts.number}:{row.line_no}:{facts.change_count}"
        made = promises.promise(session, key, wanted, facts.number)
        session.execute(update(VerificationLine).where(VerificationLine.id == row.id).values(promise_id=made))


def give_back_promises(session: Session, list_id: int) -> None:
    """End the pre-deduction of a list: what is left of its promises stands on the book for others again."""
    promises.give_back(session, [row.promise_id for row in list_queries.lines(session, list_id)])


def send_back(session: Session, list_id: int) -> None:
    """Take customs' return of a declared list (退单); it may be declared again. Raises WrongListState."""
    _step(session, list_id, "returned", declared_at=None)


def release_entry(session: Session, list_id: int, entry_no: str | None, at: datetime) -> None:
    """Note that the declaration behind the list is released: the first of the two conditions of booking."""
    facts = list_queries.facts_for_update(session, list_id)
    if facts.state not in {"declared", "pre_deducted"}:
        raise rules.wrong_state(facts, "pre_deducted")
    session.execute(
        update(VerificationList).where(VerificationList.id == list_id).values(entry_released_at=at, entry_no=entry_no)
    )
    _record(session, list_id, "entry_released", at)


def book(session: Session, list_id: int, key: str, at: datetime, change_count: int | None = None) -> int | None:
    """Take customs' booking (INV211) of a list and post it.

    Inward: what was received moves from not-yet-booked to the book, and as many units on the shelf lose their hold and
    may be sold. Outward: what passed the gate and was deducted provisionally is deducted for good. Returns the
    posting's id, None when the list was booked before under the same key, or under the ``change_count`` (chgTmsCnt)
    that the message names.
    Raises EntryNotReleased, GoodsNotThroughGate, GoodsNotCounted, TransitNotArrived, WrongListState.
    """
    facts = list_queries.facts_for_update(session, list_id)
    is_settled = facts.state in {"booked", "written_off"}
    if is_settled and (list_queries.was_posted(session, key) or facts.change_count == change_count):
        return None
    rules.check_booking(facts)
    transits.check_booking(session, list_id, facts.number)
    lines = [
        line
        for row in list_queries.lines(session, list_id)
        for line in (_booked_in(session, row) if facts.direction == "I" else _booked_out(row))
    ]
    posted = ledger.post(session, ledger.Posting(key, "list_booked", at, tuple(lines), source_doc=facts.number))
    session.execute(
        update(VerificationLine)
        .where(VerificationLine.verification_list_id == list_id)
        .values(booked_qty=VerificationLine.declared_base_qty)
    )
    give_back_promises(session, list_id)
    _step(session, list_id, "booked", booked_at=at)
    return posted.posting_id


def _booked_in(session: Session, row: list_queries.ListLineRow) -> list[ledger.Line]:
    booked = accounts.book(row.owner_id, row.trade_item_id, row.book_line_id, row.declared_base_qty)
    return [*booked, *_lift_hold(session, row.book_line_id, row.declared_base_qty)]


def _booked_out(row: list_queries.ListLineRow) -> tuple[ledger.Line, ...]:
    return accounts.deduct_formally(row.owner_id, row.trade_item_id, row.book_line_id, row.declared_base_qty)


def _lift_hold(session: Session, book_line_id: int, qty: int) -> list[ledger.Line]:
    """Lines that turn held goods of a book line good, up to ``qty``; what was received above the list stays held."""
    lines: list[ledger.Line] = []
    for held in list_queries.held_accounts(session, book_line_id):
        taken = min(qty, held.free_qty)
        if taken > 0:
            lines += ledger.moved(held.account, _good(held.account), taken)
            qty -= taken
    return lines


def _good(account: AccountKey) -> AccountKey:
    return AccountKey(**{**vars(account), "quality_status": "good"})


def remove(session: Session, list_id: int, change_count: int) -> None:
    """Mark a list deleted (删单); customs agreed, or never had it. Raises WrongListState."""
    _step(session, list_id, "deleted", change_count=change_count)


def _step(session: Session, list_id: int, to_state: str, **columns: Any) -> None:
    facts = list_queries.facts_for_update(session, list_id)
    rules.check_step(facts, to_state)
    moved = session.execute(
        update(VerificationList)
        .where(VerificationList.id == list_id, VerificationList.state == facts.state)
        .values(state=to_state, **columns)
    )
    assert moved.rowcount == 1  # type: ignore[attr-defined]  # the row is locked by facts_for_update
    _record(session, list_id, to_state, next(iter(columns.values())) if columns else None)


def _record(session: Session, list_id: int, step: str, at: object) -> None:
    append_leaf(session, "verification_list", {"list_id": list_id, "step": step, "at": str(at)}, list_id)
