"""Returns: announced, taken in by scan, graded piece by piece, closed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.customs import accounts
from wms.floor import inside_queries as reads
from wms.floor.rules import returning
from wms.floor.rules.returning import Days
from wms.floor.service import differences, tasks
from wms.floor.service.inside_people import current_person
from wms.floor.service.tasks import NewTask
from wms.floor.tables.returns import Returned, ReturnGrade, ReturnLine, ReturnNotice
from wms.parties import dated
from wms.parties.tables import Location
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Line, Posting
from wms.stock.rules import ShortInPast, ShortStock
from wms.stock.tables import Account, Lot


@dataclass(frozen=True)
class ReturnLineIn:
    """Goods that should come back, in base units; the lot that was shipped where the sender knows it."""

    trade_item_id: int
    qty: int
    lot_no: str | None = None


@dataclass(frozen=True)
class NewReturn:
    """A return to be announced. ``kind`` import or export crosses the border and needs the day of release."""

    return_no: str
    site_id: int
    owner_id: int
    lines: tuple[ReturnLineIn, ...]
    applied_on: date
    kind: str = "domestic"
    order_no: str | None = None
    customer: str | None = None
    released_on: date | None = None


@dataclass(frozen=True)
class Grade:
    """An inspector's finding on ``qty`` base units of goods that came back by one scan."""

    key: str
    returned_id: int
    grade: str
    qty: int
    at: datetime
    note: str | None = None
    device: str | None = None


def announce(session: Session, new: NewReturn) -> ReturnNotice:
    """Announce a return.

    Raises ReturnExists, ReleaseDayMissing, AppliedBeforeRelease, AppliedTooLate, MoreThanShipped.
    """
    _refuse_again(session, new.return_no)
    until = None
    if new.kind != "domestic":
        until = returning.check_crossing(new.released_on, new.applied_on, days_of(session, new.kind, new.released_on))
    made = ReturnNotice(
        return_no=new.return_no,
        site_id=new.site_id,
        owner_id=new.owner_id,
        kind=new.kind,
        order_no=new.order_no,
        customer=new.customer,
        released_on=new.released_on,
        applied_on=new.applied_on,
        back_until_on=until,
        requested_by=current_person(session),
        state="open",
    )
    session.add(made)
    session.flush()
    for line_no, line in enumerate(new.lines, 1):
        shipped = _shipped(session, new, line.trade_item_id)
        _refuse_more(session, new, line_no, line, shipped)
        session.add(
            ReturnLine(
                return_id=made.id,
                line_no=line_no,
                trade_item_id=line.trade_item_id,
                expected_qty=line.qty,
                lot_id=_lot(session, line, shipped),
            )
        )
    session.flush()
    tasks.offer(session, NewTask(new.site_id, "return", made.id, made.return_no, owner_id=new.owner_id))
    return made


def days_of(session: Session, kind: str, released_on: date | None) -> Days:
    """Return the limits that held on the day of release."""
    if released_on is None:
        raise returning.ReleaseDayMissing(field="released_on")
    return Days(
        int(dated.value(session, "returns.apply_days", released_on, kind)),
        int(dated.value(session, "returns.back_days", released_on, kind)),
    )


def _refuse_again(session: Session, return_no: str) -> None:
    known = session.scalars(select(ReturnNotice).where(ReturnNotice.return_no == return_no)).one_or_none()
    if known is not None:
        raise returning.ReturnExists(
            field="return_no",
            number=return_no,
            person=reads.person_names(session, known.requested_by),
            at=known.recorded_at.isoformat(timespec="minutes"),
        )


_SHIPPED = text(
    "SELECT o.lot_id, sum(-e.qty)::bigint AS qty FROM posting p JOIN entry e ON e.posting_id = p.id"
    " JOIN account o ON o.id = e.account_id WHERE p.source_doc = :order AND o.trade_item_id = :item"
    " AND o.owner_id = :owner AND o.kind NOT IN ('customer', 'supplier', 'adjustment', 'transformation')"
    " AND EXISTS (SELECT 1 FROM entry c JOIN account a ON a.id = c.account_id"
    "   WHERE c.posting_id = p.id AND a.kind = 'customer')"
    " AND EXISTS (SELECT 1 FROM account_kind k WHERE k.kind = o.kind AND k.side = 'physical')"
    " GROUP BY o.lot_id HAVING sum(-e.qty) > 0"
)


def _shipped(session: Session, new: NewReturn, item_id: int) -> dict[int | None, int]:
    """Return how much of an item left with the order, by lot; nothing where the order is not known here."""
    if new.order_no is None:
        return {}
    rows = session.execute(_SHIPPED, {"order": new.order_no, "item": item_id, "owner": new.owner_id})
    return {row.lot_id: row.qty for row in rows}


def _refuse_more(
    session: Session, new: NewReturn, line_no: int, line: ReturnLineIn, shipped: dict[int | None, int]
) -> None:  # fmt: skip
    went = sum(shipped.values())
    back = session.scalar(
        select(func.coalesce(func.sum(ReturnLine.expected_qty), 0))
        .join(ReturnNotice, ReturnNotice.id == ReturnLine.return_id)
        .where(
            ReturnNotice.order_no == new.order_no,
            ReturnNotice.owner_id == new.owner_id,
            ReturnLine.trade_item_id == line.trade_item_id,
        )
    )
    if went and int(back or 0) + line.qty > went:
        item = catalog.item(session, line.trade_item_id)
        names = {"zh": item.name_zh, "en": item.name_en} if item else "-"
        raise returning.MoreThanShipped(
            field=f"lines.{line_no}",
            line_no=line_no,
            item=names,
            shipped=went - int(back or 0),
            order=new.order_no,
            wanted=line.qty,
        )


def _lot(session: Session, line: ReturnLineIn, shipped: dict[int | None, int]) -> int | None:
    """Return the lot that comes back: the one that was named, else the only one that was shipped."""
    if line.lot_no is not None:
        return session.scalar(
            select(Lot.id).where(Lot.trade_item_id == line.trade_item_id, Lot.lot_no == line.lot_no)
        )
    return next(iter(shipped)) if len(shipped) == 1 else None


def notice_by_no(session: Session, return_no: str, *, lock: bool = False) -> ReturnNotice:
    """Return a return by its number. Raises UnknownReturn."""
    query = select(ReturnNotice).where(func.upper(ReturnNotice.return_no) == return_no.strip().upper())
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise returning.UnknownReturn(number=return_no)
    return found


@dataclass(frozen=True)
class Arrived:
    """Goods in hand: ``qty`` base units of a line's item and their lot, put down in a place."""

    line: ReturnLine
    lot_id: int | None
    qty: int
    place: Location


def take_in(
    session: Session, notice: ReturnNotice, goods: Arrived, *, key: str, scan_id: int, at: datetime, device: str
) -> Returned:
    """Post goods that came back into quarantine status, until somebody grades them. The notice's row is locked.

    Raises NoBookLineForReturn and what the ledger refuses.
    """
    account, lines = _incoming(session, notice, goods)
    posted = ledger.post(session, Posting(key, "return", at, lines, notice.return_no, device=device))
    made = Returned(
        return_id=notice.id,
        return_line_id=goods.line.id,
        scan_id=scan_id,
        lot_id=goods.lot_id,
        account_id=account_ids(session, {account})[account],
        qty=goods.qty,
        graded_qty=0,
        posting_id=posted.posting_id,
        person_id=current_person(session),
        received_at=at,
    )
    session.add(made)
    notice.state = "receiving"
    session.flush()
    tasks.offer(
        session,
        NewTask(
            notice.site_id,
            "inspect",
            notice.id,
            notice.return_no,
            owner_id=notice.owner_id,
            location_id=goods.place.id,
        ),
    )
    return made


def _incoming(session: Session, notice: ReturnNotice, goods: Arrived) -> tuple[AccountKey, tuple[Line, ...]]:
    item_id = goods.line.trade_item_id
    shelf = AccountKey(
        "location", notice.owner_id, item_id, notice.site_id, goods.place.id, goods.lot_id, quality_status="quarantine"
    )
    customer = AccountKey("customer", notice.owner_id, item_id)
    if notice.kind != "import":
        return shelf, ledger.moved(customer, shelf, goods.qty)
    book_line_id = session.scalar(
        select(Account.book_line_id)
        .where(
            Account.owner_id == notice.owner_id,
            Account.trade_item_id == item_id,
            Account.customs_status == "bonded",
            Account.kind == "location",
        )
        .order_by(Account.lot_id.is_not_distinct_from(goods.lot_id).desc(), Account.id.desc())
        .limit(1)
    )
    if book_line_id is None:
        item = catalog.item(session, item_id)
        names = {"zh": item.name_zh, "en": item.name_en} if item else "-"
        raise returning.NoBookLineForReturn(item=names)
    shelf = replace(shelf, customs_status="bonded", book_line_id=book_line_id)
    books = accounts.enter_books(notice.owner_id, item_id, book_line_id, goods.qty)
    return shelf, (*ledger.moved(customer, shelf, goods.qty), *books)


def grade(session: Session, command: Grade) -> ReturnGrade:
    """Give returned goods their grade, and by it the status in which they go on.

    Raises NothingToGrade, UnknownGrade, TooManyToGrade, MovedBeforeGraded.
    """
    row = session.scalars(
        select(Returned).where(Returned.id == command.returned_id, Returned.undone_at.is_(None)).with_for_update()
    ).one_or_none()
    if row is None:
        raise returning.NothingToGrade
    grades = dated.value(session, "returns.grades", command.at.date())
    result = returning.result_of(command.grade, grades)
    left = row.qty - row.graded_qty
    if not 0 < command.qty <= left:
        raise returning.TooManyToGrade(field="qty", left=left, wanted=command.qty)
    notice = session.get_one(ReturnNotice, row.return_id)
    posting_id = _regrade(session, notice, row, command, result)
    row.graded_qty += command.qty
    made = ReturnGrade(
        returned_id=row.id,
        grade=command.grade.upper(),
        result=result,
        qty=command.qty,
        note=command.note,
        posting_id=posting_id,
        person_id=current_person(session),
    )
    session.add(made)
    session.flush()
    if ungraded(session, notice.id) == 0:
        tasks.finish(session, "inspect", notice.id)
    return made


def _regrade(
    session: Session, notice: ReturnNotice, row: Returned, command: Grade, result: str
) -> int | None:  # fmt: skip
    waiting = differences.key_of(session, row.account_id)
    quality = returning.QUALITY_OF[result]
    if quality == "good" and waiting.customs_status == "bonded":
        quality = "hold"  # good when the list that declares its return is booked (IN-g)
    if quality == waiting.quality_status:
        return None
    lines = ledger.moved(waiting, replace(waiting, quality_status=quality), command.qty)
    here = {pile.account: pile for pile in reads.piles_in(session, [row.account_id])}
    at = max([command.at, *(pile.last_event_at for pile in here.values())])
    reason = f"{command.grade.upper()}: {result}"
    posting = Posting(command.key, "return_grade", at, lines, notice.return_no, reason, command.device)
    try:
        return ledger.post(session, posting).posting_id
    except (ShortStock, ShortInPast) as refusal:
        raise returning.MovedBeforeGraded from refusal


def ungraded(session: Session, return_id: int) -> int:
    """Return how many returned base units nobody has graded yet."""
    left = session.scalar(
        select(func.coalesce(func.sum(Returned.qty - Returned.graded_qty), 0)).where(
            Returned.return_id == return_id, Returned.undone_at.is_(None)
        )
    )
    return int(left or 0)


def progress(session: Session, return_id: int) -> Sequence[tuple[ReturnLine, int]]:
    """Return each line with how much of it came back."""
    back = (
        select(func.coalesce(func.sum(Returned.qty), 0))
        .where(Returned.return_line_id == ReturnLine.id, Returned.undone_at.is_(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(ReturnLine, back).where(ReturnLine.return_id == return_id).order_by(ReturnLine.line_no)
    )
    return [(line, int(qty)) for line, qty in rows]


def close(session: Session, return_no: str, at: datetime) -> ReturnNotice:
    """End a return: everything that came back is graded; what did not come stays on record as missing.

    Raises UnknownReturn, ReturnClosed, UngradedLeft.
    """
    notice = notice_by_no(session, return_no, lock=True)
    if notice.state == "closed":
        raise returning.ReturnClosed(number=notice.return_no)
    if left := ungraded(session, notice.id):
        raise returning.UngradedLeft(left=left)
    notice.state, notice.closed_at = "closed", at
    session.flush()
    tasks.finish(session, "return", notice.id)
    lines: list[dict[str, Any]] = [
        {"line": line.line_no, "expected": line.expected_qty, "back": back}
        for line, back in progress(session, notice.id)
    ]
    append_leaf(session, "return_closed", {"return": notice.return_no, "lines": lines}, notice.id)
    return notice


def take_back(session: Session, posting_id: int, at: datetime) -> None:
    """Put right what a reversed posting of this area had changed beside the ledger."""
    row = session.scalars(select(Returned).where(Returned.posting_id == posting_id)).one_or_none()
    if row is not None:
        row.undone_at = at
    graded = session.scalars(select(ReturnGrade).where(ReturnGrade.posting_id == posting_id)).one_or_none()
    if graded is not None:
        session.get_one(Returned, graded.returned_id).graded_qty -= graded.qty
    session.flush()
