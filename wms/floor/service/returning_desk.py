"""The desk for returns: the return's number, the place, then the goods; GRADE says at once how they are.

Codes GRADE A, GRADE B … stand for the grades of the dated list ``returns.grades``; ``QTY n`` before one grades a part.
"""

import re
from typing import TYPE_CHECKING

from sqlalchemy import select

from wms.catalog import queries as catalog
from wms.catalog.queries import Item
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import inside_queries as reads
from wms.floor import queries
from wms.floor.rules import mistakes, returning
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.service import goods as labels
from wms.floor.service import inside_undo, putting_away
from wms.floor.service import returning as returns
from wms.floor.service.desk import Desk, lot_id
from wms.floor.service.jobs import Job
from wms.floor.service.returning import Arrived, Grade
from wms.floor.tables.returns import Returned, ReturnLine, ReturnNotice
from wms.parties.tables import Location
from wms.stock.tables import Lot

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan

GRADE = re.compile(r"GRADE[ :=-]([A-Za-z0-9_]{1,20})", re.IGNORECASE)
TOLD = {
    "good": N_("%(qty)s × %(item)s graded %(grade)s: good."),
    "repair": N_("%(qty)s × %(item)s graded %(grade)s: on hold for repair."),
    "quarantine": N_("%(qty)s × %(item)s graded %(grade)s: stays in quarantine."),
    "destroy": N_("%(qty)s × %(item)s graded %(grade)s: to be destroyed."),
}


def follow_screen(desk: Desk, scan: "TakeScan", label: Label) -> None:
    """Make the site and the return on the screen the desk's own."""
    putting_away.follow_screen(desk, scan, label)
    if scan.document_no and scan.document_no != desk.context.document_no:
        _choose(desk, scan.document_no)


def _choose(desk: Desk, return_no: str) -> ReturnNotice:
    notice = returns.notice_by_no(desk.session, return_no, lock=True)
    if notice.state == "closed":
        raise returning.ReturnClosed(number=notice.return_no)
    desk.context.document_no, desk.context.site_id, desk.context.pending = notice.return_no, notice.site_id, None
    return notice


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command: a return's number, a place, goods, or a grade."""
    if label.fault is None and label.item_gtin:
        return _goods(desk, label)
    if found := GRADE.fullmatch(label.text.strip()):
        return _grade(desk, found.group(1))
    site_id = desk.context.site_id
    place = queries.location_by_code(desk.session, site_id, label.text) if site_id and label.text else None
    if place is not None:
        return _place(desk, place)
    labels.refuse_unreadable(label)
    notice = _choose(desk, label.text)
    text = N_("Return %(number)s. Scan the place where you put what came back.")
    return Answer(Outcome.OK, "return_chosen", text, {"number": notice.return_no}, None, expects(desk))


def _notice(desk: Desk) -> ReturnNotice:
    if not desk.context.document_no:
        raise returning.NoReturnChosen
    notice = returns.notice_by_no(desk.session, desk.context.document_no, lock=True)
    if notice.state == "closed":
        raise returning.ReturnClosed(number=notice.return_no)
    return notice


def _place(desk: Desk, place: Location) -> Answer:
    notice = _notice(desk)
    if place.kind not in returning.PLACE_KINDS:
        raise returning.NotAReturnPlace(place=place.code, place_kind=place.kind)
    if notice.kind == "import" and not place.is_bonded:
        raise mistakes.NotBonded(item=notice.return_no, place=place.code)
    desk.context.location_id = place.id
    text = N_("At %(place)s. Scan what came back.")
    return Answer(Outcome.OK, "place_chosen", text, {"place": place.code}, None, expects(desk))


def _goods(desk: Desk, label: Label) -> Answer:
    session, notice = desk.session, _notice(desk)
    _refuse_late(desk, notice)
    if desk.context.location_id is None:
        raise returning.NoReturnPlace
    found = labels.owned_item(desk, label, notice.owner_id)
    item, names = found.item, {"zh": found.item.name_zh, "en": found.item.name_en}
    qty = (desk.context.next_qty or label.count or 1) * found.base_qty
    line = _line(desk, notice, item, label, qty)
    lot = _lot(desk, item, label, line)
    place = session.get_one(Location, desk.context.location_id)
    at = desk.event_at
    row = returns.take_in(
        session, notice, Arrived(line, lot, qty, place), key=f"scan:{desk.key}", scan_id=desk.scan_id, at=at,
        device=desk.device,
    )  # fmt: skip
    desk.posting_id = row.posting_id
    desk.context.pending = {"returned": row.id}
    desk.clear_next()
    other_lot = line.lot_id is not None and lot != line.lot_id
    return Answer(
        Outcome.WARN if other_lot else Outcome.OK,
        "returned_other_lot" if other_lot else "returned",
        N_("%(qty)s × %(item)s came back in another lot than was shipped. Scan its GRADE.")
        if other_lot
        else N_("%(qty)s × %(item)s came back. Scan its GRADE, or more goods."),
        {"qty": qty, "item": names},
        expects=expects(desk),
        understood={"kind": "goods", "item": names, "lot_no": label.lot_no, "qty": qty},
        is_undoable=True,
    )


def _refuse_late(desk: Desk, notice: ReturnNotice) -> None:
    today = desk.today(reads.site_by_id(desk.session, notice.site_id).time_zone)
    if notice.back_until_on is not None and today > notice.back_until_on:
        days = returns.days_of(desk.session, notice.kind, notice.released_on).back
        raise returning.BackTooLate(number=notice.return_no, until=notice.back_until_on.isoformat(), days=days)


def _line(desk: Desk, notice: ReturnNotice, item: Item, label: Label, qty: int) -> ReturnLine:
    lines = [pair for pair in returns.progress(desk.session, notice.id) if pair[0].trade_item_id == item.id]
    names = {"zh": item.name_zh, "en": item.name_en}
    if not lines:
        raise returning.NotInReturn(item=names, number=notice.return_no)
    lot_no = label.lot_no
    named = desk.session.scalar(select(Lot.id).where(Lot.trade_item_id == item.id, Lot.lot_no == lot_no))
    fitting = sorted(lines, key=lambda pair: (pair[0].lot_id != named, pair[0].line_no))
    left = sum(line.expected_qty - back for line, back in lines)
    for line, back in fitting:
        if line.expected_qty - back >= qty:
            return line
    raise returning.TooManyBack(item=names, left=left, number=notice.return_no, wanted=qty)


def _lot(desk: Desk, item: Item, label: Label, line: ReturnLine) -> int | None:
    if label.lot_no:
        return lot_id(desk.session, item.id, label.lot_no, label.last_use_on, label.produced_on)
    if line.lot_id is not None:
        return line.lot_id
    if item.is_lot_controlled:
        raise mistakes.LotMissing(item={"zh": item.name_zh, "en": item.name_en})
    return None


def _grade(desk: Desk, grade: str) -> Answer:
    number = (desk.context.pending or {}).get("returned")
    row = desk.session.get(Returned, number, with_for_update=True) if number else None
    if row is None:
        raise returning.NothingToGrade
    qty = desk.context.next_qty or row.qty - row.graded_qty
    command = Grade(f"scan:{desk.key}", row.id, grade, qty, desk.event_at, device=desk.device)
    made = returns.grade(desk.session, command)
    desk.posting_id = made.posting_id
    desk.clear_next()
    line = desk.session.get_one(ReturnLine, row.return_line_id)
    item = catalog.item(desk.session, line.trade_item_id)
    names = {"zh": item.name_zh, "en": item.name_en} if item else "-"
    values = {"qty": qty, "item": names, "grade": made.grade}
    return Answer(
        Outcome.OK, "graded", TOLD[made.result], values, None, expects(desk), is_undoable=made.posting_id is not None
    )


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    match given.verb:
        case Verb.QTY:
            desk.context.next_qty = given.qty or 1
            text = N_("The next label counts %(qty)s times.")
            return Answer(Outcome.OK, "quantity_set", text, {"qty": given.qty}, None, expects(desk))
        case Verb.UNDO:
            return _undo(desk, given.text)
        case Verb.BACK:
            desk.clear_next()
            desk.context.location_id = desk.context.document_no = desk.context.pending = None
            return Answer(Outcome.OK, "return_left", N_("The return is no longer chosen."), expects=expects(desk))
        case Verb.CONFIRM | Verb.DONE:
            return _close(desk)
        case _:
            raise mistakes.NothingToConfirm


def _undo(desk: Desk, key: str | None) -> Answer:
    scan = inside_undo.last_posted(desk, key)
    posting_id = inside_undo.reverse(desk, scan)
    returns.take_back(desk.session, posting_id, desk.event_at)
    desk.context.pending = None
    text = N_("Undone: the last step of the return is taken back.")
    return Answer(Outcome.OK, "return_undone", text, {"key": scan.key}, None, expects(desk))


def _close(desk: Desk) -> Answer:
    notice = _notice(desk)
    missing = sum(line.expected_qty - back for line, back in returns.progress(desk.session, notice.id))
    if missing and (desk.context.pending or {}).get("needs") != "close":
        desk.context.pending = {"needs": "close"}
        text = N_("%(missing)s of return %(number)s did not come. Scan CONFIRM again to close it.")
        values = {"missing": missing, "number": notice.return_no}
        return Answer(Outcome.WARN, "return_short", text, values, None, (Expect.CONFIRM, Expect.GOODS))
    returns.close(desk.session, notice.return_no, desk.event_at)
    desk.context.location_id = desk.context.document_no = desk.context.pending = None
    text = N_("Return %(number)s is closed.")
    return Answer(Outcome.OK, "return_closed", text, {"number": notice.return_no}, None, expects(desk))


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the desk for returns."""
    if not desk.context.document_no:
        return (Expect.TASK,)
    if desk.context.location_id is None:
        return (Expect.PLACE,)
    return (Expect.GOODS, Expect.CONFIRM)


JOB = Job("return", follow_screen, command, step, expects)
