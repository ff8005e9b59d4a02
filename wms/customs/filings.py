"""Use cases of business filings: file, approve, refuse, end. What moves under one is counted under its lock."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs import filing_rules as rules
from wms.customs import list_queries
from wms.customs.modes import beijing_day
from wms.customs.rules import BadDocumentNumber, LineNotOfBook
from wms.customs.tables import BusinessFiling, BusinessFilingLine, MovementSlip
from wms.errors import N_
from wms.parties import dated
from wms.record.service import append_leaf
from wms.stock.tables import BookLine


def file_filing(session: Session, new: rules.NewFiling) -> BusinessFiling:
    """Send a business filing to customs. Raises BadFiling, BadDocumentNumber, LineNotOfBook."""
    rules.check_filing(new)
    if (new.kind, new.direction) == (rules.DISPLAY, "E"):
        rules.check_display(new, **dated.value(session, "customs.display", new.valid_from_on))
    book = list_queries.book_by_no(session, new.book_no)
    if book is None:
        raise BadDocumentNumber(field="book_no", number=new.book_no, document=N_("account book"))
    filed = BusinessFiling(
        internal_no=new.internal_no, owner_id=new.owner_id, account_book_id=book.id, kind=new.kind,
        direction=new.direction, valid_from_on=new.valid_from_on, valid_until_on=new.valid_until_on,
        guarantee_minor=new.guarantee_minor,
    )  # fmt: skip
    session.add(filed)
    session.flush()
    ids: dict[int, int] = {}
    # Materials first: a product points at its material's row.
    for line_no, line in sorted(enumerate(new.lines, 1), key=lambda pair: pair[1].role == "product"):
        of_book = session.get(BookLine, line.book_line_id)
        if of_book is None or of_book.book_no != new.book_no:
            raise LineNotOfBook(line_no=line_no, book_no=new.book_no)
        made = BusinessFilingLine(
            business_filing_id=filed.id, line_no=line_no, role=line.role, trade_item_id=of_book.trade_item_id,
            book_line_id=of_book.id, ceiling_qty=line.ceiling_qty, unit_value_minor=line.unit_value_minor,
            material_line_id=ids.get(line.material_line_no or 0), material_per_mille=line.material_per_mille,
        )  # fmt: skip
        session.add(made)
        session.flush()
        ids[line_no] = made.id
    return filed


def approve(session: Session, number: str, filing_no: str, at: datetime) -> BusinessFiling:
    """Take customs' approval with its number; said twice under the same number, it stands. Raises FilingNotInState."""
    filed = locked(session, number)
    if filed.state == "approved" and filed.filing_no == filing_no:
        return filed
    _check_state(filed, "declared")
    filed.state, filed.filing_no, filed.approved_at = "approved", filing_no, at
    session.flush()
    append_leaf(session, "business_filing", {"no": filing_no, "state": "approved"}, filed.id)
    return filed


def refuse(session: Session, number: str) -> BusinessFiling:
    """Take customs' refusal. Raises FilingNotInState."""
    filed = locked(session, number)
    _check_state(filed, "declared")
    filed.state = "refused"
    session.flush()
    return filed


def end(session: Session, number: str) -> BusinessFiling:
    """End a filing: nothing moves under it any more; its guarantee is free when no slip is open.

    Raises FilingNotInState, SlipNotInState (a slip is open or what left was not declared).
    """
    filed = locked(session, number)
    _check_state(filed, "approved")
    living = session.scalars(
        select(MovementSlip).where(
            MovementSlip.business_filing_id == filed.id, MovementSlip.state.in_(("applied", "approved", "passed")),
            (MovementSlip.state != "passed") | (MovementSlip.direction == filed.direction),
        )
    ).first()  # fmt: skip
    if living is not None:
        raise rules.SlipNotInState(
            number=living.slip_no or living.internal_no, state=living.state, wanted="collected, returned, void"
        )
    filed.state = "ended"
    session.flush()
    append_leaf(session, "business_filing", {"no": filed.filing_no, "state": "ended"}, filed.id)
    return filed


def check_valid(filed: BusinessFiling, at: datetime) -> None:
    """Raise FilingNotInState or FilingNotValid unless goods may move under the filing now."""
    _check_state(filed, "approved")
    on = beijing_day(at)
    if not filed.valid_from_on <= on <= filed.valid_until_on:
        raise rules.FilingNotValid(
            number=filed.filing_no, from_on=filed.valid_from_on.isoformat(), until_on=filed.valid_until_on.isoformat(),
            on=on.isoformat(),
        )  # fmt: skip


def check_processing(session: Session, number: str, owner_id: int, book_line_id: int | None, at: datetime) -> None:
    """Refuse to process bonded goods unless the filing allows it: simple processing, of these goods, on this day.

    Raises UnknownFiling, FilingNotInState, FilingNotValid, FilingNotForThis.
    """
    filed = by_no(session, number)
    check_valid(filed, at)
    broken = None
    if filed.kind != rules.PROCESSING:
        broken = N_("it is not for simple processing")
    elif filed.owner_id != owner_id:
        broken = N_("it is of another owner")
    elif book_line_id not in {line.book_line_id for line in lines_of(session, filed.id).values()}:
        broken = N_("none of its lines names these goods")
    if broken is not None:
        raise rules.FilingNotForThis(field="filing_no", number=filed.filing_no, rule=broken)


def _check_state(filed: BusinessFiling, wanted: str) -> None:
    if filed.state != wanted:
        raise rules.FilingNotInState(number=filed.filing_no or filed.internal_no, state=filed.state, wanted=wanted)


def lines_of(session: Session, filing_id: int) -> dict[int, BusinessFilingLine]:
    """Return the lines of a filing by their number."""
    rows = session.scalars(select(BusinessFilingLine).where(BusinessFilingLine.business_filing_id == filing_id))
    return {row.line_no: row for row in rows}


def by_no(session: Session, number: str) -> BusinessFiling:
    """Return a filing by customs' number or our own. Raises UnknownFiling."""
    named = (BusinessFiling.filing_no == number) | (BusinessFiling.internal_no == number)
    found = session.scalars(select(BusinessFiling).where(named).order_by(BusinessFiling.id)).first()
    if found is None:
        raise rules.UnknownFiling(number=number)
    return found


def locked(session: Session, number: str) -> BusinessFiling:
    """Return a filing with its row locked and fresh. Raises UnknownFiling."""
    return session.get_one(
        BusinessFiling, by_no(session, number).id, with_for_update={"key_share": True}, populate_existing=True
    )
