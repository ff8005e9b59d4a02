"""Goods that turn up or are missing, as ledger lines; and the cases of bonded ones until customs knows of them.

Free goods go against the adjustment account. Bonded goods go against the discrepancy account of their book line, which
is a term of the identity of book and shelf: the book itself changes only when the case is settled under a customs
document. Each case has somebody responsible and a last day.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.customs import accounts
from wms.floor.rules import adjusting
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.inside_people import require_supervisor
from wms.floor.tables.counts import DiscrepancyCase, DiscrepancySettlement
from wms.parties import dated
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line, Posting
from wms.stock.tables import Account


@dataclass(frozen=True)
class Off:
    """By how much the stock of one account is off, in base units: missing goods are negative."""

    account: AccountKey
    qty: int


@dataclass(frozen=True)
class Settle:
    """Settle ``qty`` of a case: found again (in ``place_id``), or written off or declared under a customs document."""

    key: str
    case_no: str
    kind: str
    qty: int
    at: datetime
    place_id: int | None = None
    customs_doc_no: str | None = None


def lines_of(off: Off) -> tuple[Line, Line]:
    """Return the ledger lines that put an account right."""
    account = off.account
    if account.customs_status == "bonded":
        assert account.book_line_id is not None
        assert account.site_id is not None
        other = accounts.missing_goods(account.owner_id, account.trade_item_id, account.book_line_id, account.site_id)
    else:
        other = AccountKey("adjustment", account.owner_id, account.trade_item_id)
    return ledger.moved(other, account, off.qty) if off.qty > 0 else ledger.moved(account, other, -off.qty)


def open_cases(session: Session, offs: list[Off], posting_id: int, source_doc: str, today: date) -> None:
    """Open a case for each bonded line of a posting; goods that turn up settle cases of missing ones first."""
    days = dated.value(session, "discrepancy.settle_days", today)
    for off in offs:
        if off.account.customs_status != "bonded":
            continue
        left = off.qty - _found_again(session, off, posting_id) if off.qty > 0 else off.qty
        if left != 0:
            _open(session, off.account, left, posting_id, source_doc, today + timedelta(days=int(days)))


def _open(
    session: Session, account: AccountKey, qty: int, posting_id: int, source_doc: str, due_on: date
) -> None:  # fmt: skip
    number: int = session.execute(text("SELECT nextval('discrepancy_case_id_seq')")).scalar_one()
    session.execute(
        insert(DiscrepancyCase).values(
            id=number,
            case_no=document_no("DC", number),
            site_id=account.site_id,
            owner_id=account.owner_id,
            trade_item_id=account.trade_item_id,
            lot_id=account.lot_id,
            book_line_id=account.book_line_id,
            qty=qty,
            source_doc=source_doc,
            posting_id=posting_id,
            responsible_id=APP_PERSON,
            due_on=due_on,
        )
    )


def _found_again(session: Session, off: Off, posting_id: int) -> int:
    """Settle open cases of the same goods by what turned up, oldest first; returns how much they took."""
    query = (
        select(DiscrepancyCase)
        .where(
            DiscrepancyCase.state == "open",
            DiscrepancyCase.qty < 0,
            DiscrepancyCase.book_line_id == off.account.book_line_id,
            DiscrepancyCase.owner_id == off.account.owner_id,
            DiscrepancyCase.site_id == off.account.site_id,
        )
        .order_by(DiscrepancyCase.id)
        .with_for_update()
    )
    left = off.qty
    for case in session.scalars(query):
        taken = min(left, -case.qty - case.settled_qty)
        if taken > 0:
            _settled(session, case, "found", taken, posting_id, None)
            left -= taken
    return off.qty - left


def _settled(
    session: Session, case: DiscrepancyCase, kind: str, qty: int, posting_id: int, customs_doc_no: str | None
) -> None:  # fmt: skip
    case.settled_qty += qty
    if case.settled_qty == abs(case.qty):
        case.state = "settled"
    session.flush()
    session.execute(
        insert(DiscrepancySettlement).values(
            case_id=case.id,
            kind=kind,
            qty=qty,
            customs_doc_no=customs_doc_no,
            posting_id=posting_id,
            person_id=APP_PERSON,
        )
    )


def settle(session: Session, command: Settle) -> DiscrepancyCase:
    """Settle a case, wholly or in part, by a supervisor.

    Raises UnknownCase, SupervisorOnly, CaseSettled, WrongSettlement, CustomsDocumentMissing, and what posting raises.
    """
    case = session.scalars(
        select(DiscrepancyCase).where(DiscrepancyCase.case_no == command.case_no).with_for_update()
    ).one_or_none()
    if case is None:
        raise adjusting.UnknownCase(case=command.case_no)
    require_supervisor(session, case.site_id)
    adjusting.check_settlement(
        case.case_no, case.qty, abs(case.qty) - case.settled_qty, command.kind, command.qty, command.customs_doc_no
    )
    lines = _shelf_lines(session, case, command) if command.kind == "found" else _book_lines(session, case, command.qty)
    posting = Posting(
        f"case:{command.key}", "discrepancy_settled", command.at, tuple(lines), case.case_no, command.customs_doc_no
    )
    posting_id = ledger.post(session, posting).posting_id
    _settled(session, case, command.kind, command.qty, posting_id, command.customs_doc_no)
    return case


def _shelf_lines(session: Session, case: DiscrepancyCase, command: Settle) -> tuple[Line, Line]:
    place = session.get(Location, command.place_id) if command.place_id else None
    if place is None or not place.is_bonded or place.site_id != case.site_id:
        raise adjusting.FoundWhere(case=case.case_no)
    shelf = AccountKey(
        "location",
        case.owner_id,
        case.trade_item_id,
        case.site_id,
        place.id,
        case.lot_id,
        customs_status="bonded",
        book_line_id=case.book_line_id,
    )
    return lines_of(Off(shelf, command.qty))


def _book_lines(session: Session, case: DiscrepancyCase, qty: int) -> tuple[Line, ...]:
    lost = accounts.missing_goods(case.owner_id, case.trade_item_id, case.book_line_id, case.site_id)
    adjusted = AccountKey("adjustment", case.owner_id, case.trade_item_id)
    if case.qty < 0:
        out = ledger.moved(lost, adjusted, qty)
        return (*out, *leave_books(session, case.owner_id, case.trade_item_id, case.book_line_id, qty))
    enter = accounts.enter_books(case.owner_id, case.trade_item_id, case.book_line_id, qty)
    booked = accounts.book(case.owner_id, case.trade_item_id, case.book_line_id, qty)
    return (*ledger.moved(adjusted, lost, qty), *enter, *booked)


_BOOKED = text(
    "SELECT a.kind, b.qty FROM account a JOIN balance b ON b.account_id = a.id"
    " WHERE a.book_line_id = :line AND a.kind IN ('book', 'not_yet_booked') AND a.owner_id = :owner"
)


def leave_books(session: Session, owner_id: int, item_id: int, book_line_id: int, qty: int) -> tuple[Line, ...]:
    """Return the book-side lines by which ``qty`` base units leave the account book: booked goods first."""
    found = session.execute(_BOOKED, {"line": book_line_id, "owner": owner_id})
    there = {kind: int(held) for kind, held in found}
    booked = min(qty, there.get("book", 0))
    source = accounts.book_side("customs_source", owner_id, item_id, book_line_id)
    parts = (("book", booked), ("not_yet_booked", qty - booked))
    return tuple(
        line
        for kind, part in parts
        if part > 0
        for line in ledger.moved(accounts.book_side(kind, owner_id, item_id, book_line_id), source, part)
    )


def key_of(session: Session, account_id: int) -> AccountKey:
    """Return the dimensions of an account that is known by id."""
    account = session.get_one(Account, account_id)
    return AccountKey(**{name: getattr(account, name) for name in AccountKey.__dataclass_fields__})
