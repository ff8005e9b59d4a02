"""The receiving desk: what each scan does between the first label of a notice and its closed receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.codes.gs1 import Label
from wms.customs import list_queries
from wms.customs.rules import may_receive
from wms.errors import N_
from wms.floor import queries
from wms.floor.queries import NoticeRow
from wms.floor.rules import mistakes
from wms.floor.rules.answers import Answer, Expect, Outcome, refused
from wms.floor.rules.commands import Command, Verb
from wms.floor.rules.receiving import LotDates, check_lot
from wms.floor.service import closing, goods, inspecting, meat, undoing
from wms.floor.service.counting_in import Placed, count_in
from wms.floor.service.desk import Desk, pending_label
from wms.floor.service.goods import Portion
from wms.floor.service.jobs import Job
from wms.floor.service.telling import expects_in_receiving, progress_of, received
from wms.floor.service.units import Deed
from wms.floor.tables import AdvanceNotice

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan

DOCK_KINDS = frozenset({"dock", "staging", "inspection"})


def choose_notice(desk: Desk, notice_no: str) -> Answer:
    """Make a notice the one that scans count for. Raises UnknownNotice, NoticeClosed, WrongListState (IN-a)."""
    found = queries.notice_by_no(desk.session, notice_no)
    if found is None:
        raise mistakes.UnknownNotice(notice=notice_no[:60])
    return _choose(desk, found)


def follow_screen(desk: Desk, scan: TakeScan, label: Label) -> None:
    """Choose the notice that the screen shows, unless it is chosen already or the scan itself names a notice."""
    notice_no = scan.notice_no
    if notice_no is None:
        return
    chosen = notice_no_of(desk.session, desk.context.notice_id)
    if chosen is not None and chosen.upper() == notice_no.upper():
        return
    if queries.notice_by_no(desk.session, label.text) is None:
        choose_notice(desk, notice_no)


def _choose(desk: Desk, notice: NoticeRow) -> Answer:
    _check_open(desk, notice)
    if desk.context.notice_id != notice.id:
        desk.context.location_id = None
        desk.context.pending = None
        desk.clear_next()
    desk.context.notice_id, desk.context.site_id = notice.id, notice.site_id
    owner = {"zh": notice.owner_name_zh, "en": notice.owner_name_en}
    return Answer(
        Outcome.OK,
        "notice_chosen",
        N_("Receiving %(notice)s for %(owner)s."),
        {"notice": notice.notice_no, "owner": owner},
        expects=expects_in_receiving(desk),
        understood={"kind": "notice", "notice": notice.notice_no},
        progress=progress_of(notice.notice_no, notice.is_blind, queries.notice_lines(desk.session, notice.id)),
    )


def _check_open(desk: Desk, notice: NoticeRow) -> None:
    if notice.state not in {"open", "receiving"}:
        raise mistakes.NoticeClosed(notice=notice.notice_no)
    if notice.verification_list_id is not None:
        may_receive(*list_queries.state_of(desk.session, notice.verification_list_id))


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command: goods, a notice number or a dock, in whatever order they come."""
    if label.fault is None and (label.item_gtin or label.sscc):
        return _goods(desk, label)
    if label.text:
        found = queries.notice_by_no(desk.session, label.text)
        if found is not None:
            return _choose(desk, found)
    if desk.context.site_id is not None and label.text:
        place = queries.location_by_code(desk.session, desk.context.site_id, label.text)
        if place is not None:
            return _dock(desk, place.id, place.code, place.kind)
    goods.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=goods.shown(label))


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    match given.verb:
        case Verb.QTY:
            desk.context.next_qty = given.qty
            if desk.context.pending:
                desk.context.pending = {**desk.context.pending, "qty": given.qty}
            values = {"qty": given.qty}
            return _plain(desk, "quantity_set", N_("The next label counts %(qty)s times."), values)
        case Verb.DAMAGED:
            desk.context.is_damaged = True
            return _plain(desk, "damaged_next", N_("The next goods are received as damaged."))
        case Verb.CONFIRM:
            return _confirm(desk)
        case Verb.UNDO:
            return replace(undoing.undo_receipt(desk, given.text), expects=expects_in_receiving(desk))
        case Verb.BACK:
            return _back(desk)
        case _:
            raise mistakes.NothingToConfirm


def _goods(desk: Desk, label: Label) -> Answer:
    pending = desk.context.pending or {}
    if pending.get("needs") == "dock":
        raise mistakes.DockFirst(label=goods.shown(pending_label(pending)))
    notice = _notice_for(desk, label)
    portions = goods.portions(desk, notice, label)
    is_confirmed = pending.get("needs") == "count" and bool(pending.get("is_expired"))
    desk.context.pending = None
    today = desk.today(notice.time_zone)
    try:
        for portion in portions:
            check_lot(_dates(portion), today, is_expired_confirmed=is_confirmed)
    except mistakes.ExpiredLot as expired:
        desk.keep("confirm", label)
        return refused(expired, (Expect.CONFIRM,))
    if desk.context.location_id is None:
        desk.keep("dock", label, is_expired=is_confirmed)
        return _ask_dock(portions)
    placed = count_in(desk, notice, portions, desk.context.location_id)
    received_goods = [(one.account, one.portion.qty) for one in placed if one.account is not None]
    deed = Deed(f"scan:{desk.key}", desk.event_at, desk.device)
    meat.hold_for_papers(desk.session, notice, received_goods, deed)
    inspecting.set_aside(desk.session, notice, received_goods, deed)
    if notice.state == "open":
        _mark_receiving(desk, notice)
    desk.clear_next()
    return _tell(desk, notice, placed)


def _notice_for(desk: Desk, label: Label) -> NoticeRow:
    """Return the chosen notice, or the one that announces the pallet in hand; locked, so that clerks count in turn."""
    if desk.context.notice_id is None and label.sscc:
        found = queries.notice_with_sscc(desk.session, label.sscc)
        if found is not None:
            _choose(desk, found)
    if desk.context.notice_id is None:
        raise mistakes.NoNotice
    desk.session.get_one(
        AdvanceNotice, desk.context.notice_id, with_for_update={"key_share": True}, populate_existing=True
    )
    notice = queries.notice(desk.session, desk.context.notice_id)
    _check_open(desk, notice)
    return notice


def _dates(portion: Portion) -> LotDates:
    item = portion.item
    names = {"zh": item.name_zh, "en": item.name_en}
    return LotDates(names, item.is_lot_controlled, item.is_expiry_controlled, portion.lot_no, portion.expires_on)


def _ask_dock(portions: list[Portion]) -> Answer:
    first = portions[0]
    return Answer(
        Outcome.OK,
        "dock_wanted",
        N_("%(qty)s × %(item)s. Now scan the dock where it stands."),
        {"qty": sum(one.qty for one in portions), "item": first.names},
        expects=(Expect.DOCK,),
        understood={"kind": "goods", "item": first.names, "lot_no": first.lot_no},
    )


def _dock(desk: Desk, place_id: int, code: str, kind: str) -> Answer:
    if kind not in DOCK_KINDS:
        raise mistakes.WrongPlace(place=code, place_kind=kind)
    desk.context.location_id = place_id
    if (desk.context.pending or {}).get("needs") == "dock":
        return _resume(desk)
    answer = _plain(desk, "dock_chosen", N_("Receiving at %(place)s. Scan the goods."), {"place": code})
    return replace(answer, understood={"kind": "place", "place": code})


def _resume(desk: Desk) -> Answer:
    pending = desk.take_pending()
    if pending.get("is_expired") or pending["needs"] == "confirm":
        desk.context.pending = {"needs": "count", "is_expired": True}
    return _goods(desk, pending_label(pending))


def _confirm(desk: Desk) -> Answer:
    needs = (desk.context.pending or {}).get("needs")
    if needs == "confirm":
        return _resume(desk)
    if desk.context.notice_id is None:
        raise mistakes.NothingToConfirm
    desk.session.get_one(AdvanceNotice, desk.context.notice_id, with_for_update={"key_share": True})
    notice = queries.notice(desk.session, desk.context.notice_id)
    _check_open(desk, notice)
    return closing.ask_or_close(desk, notice)


def _back(desk: Desk) -> Answer:
    """Take back the last thing said: goods in hand, then the dock, then the notice."""
    context = desk.context
    desk.clear_next()
    if context.pending:
        context.pending = None
        return _plain(desk, "put_down", N_("Put down. Nothing was booked."))
    if context.location_id is not None:
        context.location_id = None
        return _plain(desk, "dock_left", N_("The dock is no longer chosen."))
    context.notice_id = context.site_id = None
    return _plain(desk, "notice_left", N_("The notice is no longer chosen."))


def _mark_receiving(desk: Desk, notice: NoticeRow) -> None:
    desk.session.execute(
        update(AdvanceNotice)
        .where(AdvanceNotice.id == notice.id, AdvanceNotice.state == "open")
        .values(state="receiving", started_at=desk.event_at)
    )


def _tell(desk: Desk, notice: NoticeRow, placed: list[Placed]) -> Answer:
    lines = queries.notice_lines(desk.session, notice.id)
    answer = received(placed, {line.id: line for line in lines}, notice.is_blind)
    progress = progress_of(notice.notice_no, notice.is_blind, lines)
    return replace(answer, expects=expects_in_receiving(desk), progress=progress)


def _plain(desk: Desk, code: str, text: str, values: Mapping[str, object] | None = None) -> Answer:
    return Answer(Outcome.OK, code, text, values or {}, expects=expects_in_receiving(desk))


def notice_no_of(session: Session, notice_id: int | None) -> str | None:
    """Return the number of the chosen notice."""
    return session.scalar(select(AdvanceNotice.notice_no).where(AdvanceNotice.id == notice_id)) if notice_id else None


JOB = Job("receive", follow_screen, command, step, expects_in_receiving)
