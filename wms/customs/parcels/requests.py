"""Use cases after release, or instead of it: cancel a declaration, take goods back, restore tax and quota."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.customs.clock import BEIJING
from wms.customs.parcels import notices
from wms.customs.parcels.declaring import locked
from wms.customs.parcels.receiving import give_back
from wms.customs.parcels.rules import notices as notice_rules
from wms.customs.parcels.rules import requests as rules
from wms.customs.parcels.rules import states
from wms.customs.parcels.rules.limits import in_fen
from wms.customs.parcels.rules.requests import Line, ReturnLine, WayBack
from wms.customs.tables.parcels import ParcelDeclaration, ParcelLine, ParcelRequest, RetailWaybill
from wms.parties import dated
from wms.record.service import append_leaf

IMPORT, EXPORT = "parcel.import_return", "parcel.export_return"
RETURN_MODES = "parcel.return_modes"
CENT = Decimal("0.01")
RELEASED = ("released", "cleared")


def ask_to_cancel(session: Session, declaration_id: int, reason: str, at: datetime) -> ParcelRequest:
    """Ask customs to cancel a declaration (CEB623, CEB605); until it answers the parcel may not leave.

    One that was never sent is cancelled at once. Raises NotCancellable, AlreadyAsked.
    """
    row = locked(session, [declaration_id])[0]
    if row.state in ("cancelled", "cleared", "shipped_back"):
        raise states.NotCancellable(number=row.cop_no, state=states.WORDS[row.state])
    _refuse_second(session, row)
    asked = _ask(session, row, "cancel", reason, at)
    if row.state in ("draft", "rejected", "returned"):
        give_back(session, row)
        row.state, row.cancelled_at = "cancelled", at
        asked.state, asked.decided_at = "completed", at
    session.flush()
    return asked


def ask_to_return(
    session: Session, declaration_id: int, lines: Sequence[ReturnLine], reason: str, at: datetime,
    way: WayBack | None = None,
) -> ParcelRequest:  # fmt: skip
    """Apply for the return of goods (CEB625, CEB213), whole or in part; ``way`` tells how goods of an export come back.

    Raises NotReturnable, ReturnTooLate, UnknownReturnLine, ReturnTooMuch, AlreadyAsked, BadDocument, FromChina.
    """
    row = locked(session, [declaration_id])[0]
    if row.state not in RELEASED or row.released_at is None:
        raise rules.NotReturnable(number=row.cop_no, state=states.WORDS[row.state])
    _refuse_second(session, row)
    day = row.released_at.astimezone(BEIJING).date()
    if row.direction == "I":
        apply_days, back_days, _same = rules.periods(dated.value(session, IMPORT, day))
    else:
        apply_days = back_days = int(dated.value(session, EXPORT, day)["within_days"])
    rules.check_time(row.cop_no or "", row.released_at, at, apply_days)
    rules.check_lines(lines, _original(session, row))
    head = _way_back(session, row, way, at) if row.direction == "E" and way is not None else {}
    asked = _ask(session, row, "return", reason, at)
    asked.head = head
    asked.lines = [{"line_no": one.line_no, "gcode": one.gcode, "qty": f"{one.qty:f}"} for one in lines]
    asked.back_by_at = row.released_at + timedelta(days=back_days)
    session.flush()
    return asked


def _way_back(session: Session, row: ParcelDeclaration, way: WayBack, at: datetime) -> dict[str, str]:
    waybill = session.get_one(RetailWaybill, row.waybill_id)
    original = {
        "logistics_code": row.logistics_code, "logistics_name": waybill.logistics_name, "waybill_no": row.waybill_no
    }  # fmt: skip
    modes = dated.value(session, RETURN_MODES, at.astimezone(BEIJING).date())
    return rules.way_back(way, original, modes, row.trade_mode)


def goods_back(session: Session, request_id: int, area: str, at: datetime) -> ParcelRequest:
    """Take note that goods of an approved return are back in ``area``: tax and quota of an import are restored.

    Raises RequestNotOpen, BackTooLate, BackElsewhere; NotDecided while customs has not agreed to an export's tally.
    """
    declaration_id = session.get_one(ParcelRequest, request_id).declaration_id
    row = locked(session, [declaration_id])[0]
    asked = session.get_one(ParcelRequest, request_id, with_for_update=True, populate_existing=True)
    if asked.kind != "return" or asked.state != "approved":
        raise rules.RequestNotOpen(number=row.cop_no)
    if asked.back_by_at is not None and at > asked.back_by_at:
        raise rules.BackTooLate(number=row.cop_no, until=asked.back_by_at.isoformat(timespec="minutes"))
    _check_area(session, row, area)
    _check_tally(session, asked)
    _restore(session, row, asked)
    asked.state, asked.back_at, asked.back_in = "completed", at, area
    session.flush()
    body = {"declaration_id": row.id, "request_id": asked.id, "area": area, "at": at, "tax": asked.tax_restored,
            "quota_minor": asked.quota_restored_minor}  # fmt: skip
    append_leaf(session, "parcel_returned", body, row.id)
    return asked


def _check_area(session: Session, row: ParcelDeclaration, area: str) -> None:
    if row.direction != "I" or row.released_at is None:
        return
    day = row.released_at.astimezone(BEIJING).date()
    _apply, _back, same_area = rules.periods(dated.value(session, IMPORT, day))
    wanted = str(row.head.get("area_code") or row.head.get("loct_no") or row.head["customs_code"])
    if same_area and area != wanted:
        raise rules.BackElsewhere(field="area", number=row.cop_no, wanted=wanted, found=area)


def _check_tally(session: Session, asked: ParcelRequest) -> None:
    tally = notices.tally_of(session, asked.id)
    if tally is not None and tally.state != "approved":
        raise notice_rules.NotDecided(number=tally.number)


def _restore(session: Session, row: ParcelDeclaration, asked: ParcelRequest) -> None:
    """Write off tax and quota of what came back; several returns of one line sum to what was levied, to the cent."""
    tax, value = Decimal(0), Decimal(0)
    for one in sorted(asked.lines, key=lambda one: int(one["line_no"])):
        line = session.get_one(ParcelLine, (row.id, one["line_no"]), populate_existing=True)
        before, after = line.returned_qty, line.returned_qty + Decimal(one["qty"])
        for levied in (line.duty, line.consumption_tax, line.vat):
            tax += rules.share(levied, before, after, line.qty, CENT)
        value += rules.share(line.taxable, before, after, line.qty, CENT)
        session.execute(
            update(ParcelLine)
            .where(ParcelLine.declaration_id == row.id, ParcelLine.line_no == line.line_no)
            .values(returned_qty=after)
        )
    if row.direction == "I":
        is_whole = all(line.returned_qty == line.qty for line in _lines(session, row))
        asked.quota_restored_minor = give_back(session, row, None if is_whole else in_fen(value))
        asked.tax_restored = tax
        row.tax_restored += tax


def _lines(session: Session, row: ParcelDeclaration) -> Sequence[ParcelLine]:
    query = select(ParcelLine).where(ParcelLine.declaration_id == row.id).order_by(ParcelLine.line_no)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _original(session: Session, row: ParcelDeclaration) -> dict[int, Line]:
    """Lines of the original list, with what is bespoken by returns that are approved and not back yet."""
    waiting: dict[int, Decimal] = {}
    for lines in session.scalars(
        select(ParcelRequest.lines).where(
            ParcelRequest.declaration_id == row.id, ParcelRequest.kind == "return", ParcelRequest.state == "approved"
        )
    ):
        for one in lines:
            waiting[one["line_no"]] = waiting.get(one["line_no"], Decimal(0)) + Decimal(one["qty"])
    return {
        line.line_no: Line(line.gcode, line.qty, line.returned_qty + waiting.get(line.line_no, Decimal(0)))
        for line in _lines(session, row)
    }


def _refuse_second(session: Session, row: ParcelDeclaration) -> None:
    standing = select(ParcelRequest.id).where(ParcelRequest.declaration_id == row.id, ParcelRequest.state == "applied")
    if session.scalar(standing.limit(1)) is not None:
        raise rules.AlreadyAsked(number=row.cop_no)


def _ask(session: Session, row: ParcelDeclaration, kind: str, reason: str, at: datetime) -> ParcelRequest:
    asked = ParcelRequest(declaration_id=row.id, kind=kind, reason=reason, applied_at=at)
    session.add(asked)
    session.flush()
    asked.cop_no = document_no("PR", asked.id)
    append_leaf(session, f"parcel_{kind}_asked", {"declaration_id": row.id, "reason": reason, "at": at}, row.id)
    session.refresh(asked)
    return asked
