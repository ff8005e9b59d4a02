"""Adjustments: a document with a reason raises or lowers stock; above a limit a second person agrees first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.codes.numbers import document_no
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import adjusting
from wms.floor.rules.adjusting import Limit
from wms.floor.rules.moving import ReservedFor
from wms.floor.service import differences
from wms.floor.service.differences import Off
from wms.floor.service.inside_people import current_person, require_supervisor
from wms.floor.tables.adjustments import Adjustment, AdjustmentLine
from wms.parties import dated
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Posting
from wms.stock.tables import Account, BookLine, HandlingUnit, Lot


@dataclass(frozen=True)
class AdjustLine:
    """By how much goods in a place are off, in base units. Statuses may be left out where only one fits."""

    location_id: int
    trade_item_id: int
    qty: int
    lot_no: str | None = None
    sscc: str | None = None
    customs_status: str | None = None
    quality_status: str | None = None
    book_line: tuple[str, int] | None = None


@dataclass(frozen=True)
class Adjust:
    """An adjustment of a site. ``document_no`` is the number on the paper; ``at`` when it became known."""

    document_no: str
    site_id: int
    reason: str
    lines: tuple[AdjustLine, ...]
    at: datetime
    now: datetime
    note: str | None = None


def adjust(session: Session, command: Adjust) -> Adjustment:
    """Enter an adjustment: posted at once within the limit, else it waits for a second person.

    Raises NoAdjustmentLines, UnknownAdjustmentReason, WrongSign, DocumentBooked, StatusUnclear, NothingLikeIt,
    BookLineUnclear, ReservedFor and what the ledger refuses (a closed month above all: post it with today's date).
    """
    reasons = dated.value(session, "adjust.reasons", command.now.date())
    adjusting.check_reason(command.reason, reasons, [line.qty for line in command.lines])
    _refuse_again(session, command.document_no)
    offs = [_off(session, line_no, line) for line_no, line in enumerate(command.lines, 1)]
    value = sum(abs(off.qty) * _value_of(session, off.account) for off in offs)
    made = _write(session, command, offs, value)
    limit = Limit(**dated.value(session, "adjust.limit", command.now.date()))
    if limit.holds(made.qty, value):
        _post(session, made, offs, command.now)
    return made


def approve(session: Session, adjustment_no: str, now: datetime) -> Adjustment:
    """Post a waiting adjustment as its second person.

    Raises UnknownAdjustment, AlreadyDecided, SupervisorOnly, RequesterMayNotApprove and what the ledger refuses.
    """
    made = _waiting(session, adjustment_no, now)
    lines = session.scalars(
        select(AdjustmentLine).where(AdjustmentLine.adjustment_id == made.id).order_by(AdjustmentLine.line_no)
    )
    _post(session, made, [Off(differences.key_of(session, line.account_id), line.qty) for line in lines], now)
    return made


def reject(session: Session, adjustment_no: str, now: datetime) -> Adjustment:
    """Turn a waiting adjustment down. Raises what :func:`approve` raises of persons."""
    made = _waiting(session, adjustment_no, now)
    made.state = "rejected"
    session.flush()
    return made


def _waiting(session: Session, adjustment_no: str, now: datetime) -> Adjustment:
    made = session.scalars(
        select(Adjustment).where(Adjustment.adjustment_no == adjustment_no.strip().upper()).with_for_update()
    ).one_or_none()
    if made is None:
        raise adjusting.UnknownAdjustment(adjustment=adjustment_no)
    if made.state != "waiting":
        who = reads.person_names(session, made.decided_by or made.requested_by)
        at = (made.decided_at or made.recorded_at).isoformat(timespec="minutes")
        raise adjusting.AlreadyDecided(document=made.adjustment_no, person=who, at=at)
    person_id = require_supervisor(session, made.site_id)
    if person_id == made.requested_by:
        raise adjusting.RequesterMayNotApprove(document=made.adjustment_no)
    made.decided_by, made.decided_at = person_id, now
    return made


def _refuse_again(session: Session, paper_no: str) -> None:
    known = session.scalars(select(Adjustment).where(Adjustment.document_no == paper_no)).one_or_none()
    if known is not None:
        raise adjusting.DocumentBooked(
            field="document",
            document=paper_no,
            adjustment=known.adjustment_no,
            person=reads.person_names(session, known.requested_by),
            at=known.recorded_at.isoformat(timespec="minutes"),
        )


def _off(session: Session, line_no: int, line: AdjustLine) -> Off:
    here = [
        pile
        for pile in reads.piles_at(session, [line.location_id])
        if pile.account.trade_item_id == line.trade_item_id
        and (line.lot_no is None or pile.lot_no == line.lot_no)
        and pile.sscc == line.sscc
        and line.customs_status in {None, pile.account.customs_status}
        and line.quality_status in {None, pile.account.quality_status}
    ]
    if len(here) > 1:
        raise adjusting.StatusUnclear(
            field=f"lines.{line_no}", line_no=line_no, item=here[0].names, place=here[0].place
        )
    if here:
        _refuse_reserved(session, here[0], line.qty)
        return Off(here[0].account, line.qty)
    if line.qty < 0:
        item, place = catalog.item(session, line.trade_item_id), session.get_one(Location, line.location_id)
        name = {"zh": item.name_zh, "en": item.name_en} if item else "-"
        raise adjusting.NothingLikeIt(field=f"lines.{line_no}", line_no=line_no, item=name, place=place.code)
    return Off(_new_account(session, line), line.qty)


def _refuse_reserved(session: Session, pile: Pile, qty: int) -> None:
    if qty < 0 and pile.free < -qty <= pile.qty:
        document = reads.holder(session, pile.account_id)
        raise ReservedFor(item=pile.names, place=pile.place, reserved=pile.reserved, document=document)


def _new_account(session: Session, line: AdjustLine) -> AccountKey:
    item, place = catalog.item(session, line.trade_item_id), session.get_one(Location, line.location_id)
    assert item is not None
    lot = session.scalar(select(Lot.id).where(Lot.trade_item_id == item.id, Lot.lot_no == line.lot_no))
    unit = session.scalar(select(HandlingUnit.id).where(HandlingUnit.sscc == line.sscc)) if line.sscc else None
    key = AccountKey(
        "location", item.owner_id, item.id, place.site_id, place.id, lot, unit, line.customs_status or "free",
        line.quality_status or "good",
    )  # fmt: skip
    if key.customs_status != "bonded":
        return key
    return replace(key, book_line_id=_book_line(session, line, {"zh": item.name_zh, "en": item.name_en}))


def _book_line(session: Session, line: AdjustLine, item: dict[str, str]) -> int:
    if line.book_line is not None:
        book_no, number = line.book_line
        found = session.scalar(select(BookLine.id).where(BookLine.book_no == book_no, BookLine.line_no == number))
    else:
        found = session.scalar(
            select(Account.book_line_id)
            .where(Account.trade_item_id == line.trade_item_id, Account.book_line_id.is_not(None))
            .order_by(Account.id.desc())
            .limit(1)
        )
    if found is None:
        raise adjusting.BookLineUnclear(item=item)
    return found


_VALUE = text("SELECT unit_value_minor FROM trade_item WHERE id = :id")


def _value_of(session: Session, account: AccountKey) -> int:
    value: int = session.execute(_VALUE, {"id": account.trade_item_id}).scalar_one()
    return value


def _write(session: Session, command: Adjust, offs: Sequence[Off], value: int) -> Adjustment:
    number: int = session.execute(text("SELECT nextval('adjustment_id_seq')")).scalar_one()
    ids = account_ids(session, {off.account for off in offs})
    made = Adjustment(
        id=number,
        adjustment_no=document_no("AJ", number),
        document_no=command.document_no,
        site_id=command.site_id,
        reason_code=command.reason,
        note=command.note,
        qty=sum(abs(off.qty) for off in offs),
        value_minor=value,
        event_at=command.at,
        requested_by=current_person(session),
        state="waiting",
    )
    session.add(made)
    session.flush()
    session.execute(
        insert(AdjustmentLine),
        [
            {"adjustment_id": number, "line_no": line_no, "account_id": ids[off.account], "qty": off.qty}
            for line_no, off in enumerate(offs, 1)
        ],
    )
    return made


def _post(session: Session, made: Adjustment, offs: Sequence[Off], now: datetime) -> None:
    lines = tuple(line for off in offs for line in differences.lines_of(off))
    posting = Posting(
        f"adjustment:{made.id}", "adjustment", made.event_at, lines, made.adjustment_no, made.reason_code
    )
    made.posting_id, made.state = ledger.post(session, posting).posting_id, "posted"
    session.flush()
    differences.open_cases(session, list(offs), made.posting_id, made.adjustment_no, now.date())
