"""Undo: a compensating posting. What was posted stays posted; its mirror image is posted beside it."""

from typing import Any

from sqlalchemy import Select, select, text, update
from sqlalchemy.orm import Session

from wms.errors import N_
from wms.floor import queries
from wms.floor.rules import mistakes
from wms.floor.rules.answers import Answer, Outcome
from wms.floor.rules.putaway import BLOCKED_STATUSES
from wms.floor.service import meat, uncrossing, uninspecting
from wms.floor.service.desk import Desk
from wms.floor.service.telling import progress_of
from wms.floor.service.units import Deed
from wms.floor.tables import AdvanceNotice, PutAway, PutAwayTask, ReceiptLine, Scan
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, SerialElsewhere, ShortInPast, ShortStock, WeightLeft


def undo_receipt(desk: Desk, key: str | None) -> Answer:
    """Take back what the device counted in last, or with the scan ``key``.

    What was set aside for inspection of it is no longer set aside.
    Raises NothingToUndo, NoticeClosed, LotDecided, HoldEnded, MovedSince.
    """
    if desk.context.pending and key is None:
        desk.context.pending = None
        desk.clear_next()
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."))
    scan = _last_standing(desk.session, desk, key, _RECEIVED)
    lines = list(
        desk.session.scalars(select(ReceiptLine).where(ReceiptLine.scan_id == scan.id, ReceiptLine.undone_at.is_(None)))
    )
    notice_id = lines[0].notice_id
    desk.session.get_one(AdvanceNotice, notice_id, with_for_update={"key_share": True}, populate_existing=True)
    notice = queries.notice(desk.session, notice_id)
    if notice.state == "received":
        raise mistakes.NoticeClosed(notice=notice.notice_no)
    deed = Deed(f"scan:{desk.key}", desk.event_at, desk.device)
    uninspecting.take_back(desk.session, notice, scan, lines, deed)
    meat.take_back(desk.session, notice, lines, deed)
    _reverse(desk, scan)
    for line in lines:
        line.undone_at = desk.event_at
        if line.posting_id is not None:
            _want_fewer(desk.session, line)
    desk.session.flush()
    uninspecting.count_again(desk.session, notice, lines, deed)
    qty = sum(line.qty for line in lines)
    return Answer(
        Outcome.OK,
        "undone",
        N_("Undone: %(qty)s taken back."),
        {"qty": qty, "key": scan.key},
        progress=progress_of(notice.notice_no, notice.is_blind, queries.notice_lines(desk.session, notice.id)),
    )


def undo_put_away(desk: Desk, key: str | None) -> Answer:
    """Take goods back to the dock that the device put away last, or with the scan ``key``.

    What a cross-dock promised to orders is given back. Raises NothingToUndo, OnPickList, MovedSince.
    """
    if desk.context.pending and key is None:
        desk.context.pending = None
        desk.clear_next()
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."))
    scan = _last_standing(desk.session, desk, key, _PUT)
    moves = list(desk.session.scalars(select(PutAway).where(PutAway.scan_id == scan.id, PutAway.undone_at.is_(None))))
    tasks = sorted({move.task_id for move in moves})  # locked first, as who puts away does
    desk.session.execute(
        select(PutAwayTask.id).where(PutAwayTask.id.in_(tasks)).order_by(PutAwayTask.id).with_for_update()
    )
    uncrossing.give_back(desk.session, scan)
    _reverse(desk, scan)
    for move in moves:
        move.undone_at = desk.event_at
        _want_again(desk.session, move)
    desk.session.flush()
    values = {"qty": sum(move.qty for move in moves), "key": scan.key}
    return Answer(Outcome.OK, "undone", N_("Undone: %(qty)s taken back."), values)


_RECEIVED = select(ReceiptLine.scan_id).where(ReceiptLine.undone_at.is_(None))
_PUT = select(PutAway.scan_id).where(PutAway.undone_at.is_(None))


def _last_standing(session: Session, desk: Desk, key: str | None, standing: Select[Any]) -> Scan:
    query = select(Scan).where(Scan.device == desk.device, Scan.undone_at.is_(None), Scan.id.in_(standing))
    if key is not None:
        query = query.where(Scan.key == key)
    found = session.scalars(query.order_by(Scan.id.desc()).limit(1)).one_or_none()
    if found is None:
        raise mistakes.NothingToUndo
    return found


def _reverse(desk: Desk, scan: Scan) -> None:
    scan.undone_at = desk.event_at
    if scan.posting_id is None:
        return
    at = max(desk.event_at, desk.last_event_of(scan.posting_id))
    try:
        posted = ledger.reverse(desk.session, f"scan:{desk.key}", scan.posting_id, reason="undone by scan", event_at=at)
    except (ShortStock, ShortInPast, AlreadyReversed, SerialElsewhere, WeightLeft) as refusal:
        raise mistakes.MovedSince from refusal
    desk.posting_id = posted.posting_id


def _want_fewer(session: Session, line: ReceiptLine) -> None:
    """Lower the put-away task of goods that are taken back; a task with nothing left ends."""
    session.execute(
        update(PutAwayTask)
        .where(
            PutAwayTask.state == "open",
            PutAwayTask.from_location_id == line.location_id,
            PutAwayTask.trade_item_id == line.trade_item_id,
            PutAwayTask.lot_id.is_not_distinct_from(line.lot_id),
            PutAwayTask.handling_unit_id.is_not_distinct_from(line.handling_unit_id),
            PutAwayTask.is_blocked == (line.quality_status in BLOCKED_STATUSES),
        )
        .values(
            qty=text("greatest(qty - :taken, done_qty, 1)").bindparams(taken=line.qty),
            state=text(
                "CASE WHEN qty - :gone > done_qty THEN 'open' WHEN done_qty > 0 THEN 'done' ELSE 'void' END"
            ).bindparams(gone=line.qty),
        )
    )


def _want_again(session: Session, move: PutAway) -> None:
    """Open the task again, or hand the goods to the task that was opened for the same goods meanwhile."""
    task = session.get_one(PutAwayTask, move.task_id, with_for_update=True, populate_existing=True)
    task.done_qty -= move.qty
    if task.state == "open":
        return
    other = session.scalars(
        select(PutAwayTask)
        .where(
            PutAwayTask.state == "open",
            PutAwayTask.from_location_id == task.from_location_id,
            PutAwayTask.trade_item_id == task.trade_item_id,
            PutAwayTask.lot_id.is_not_distinct_from(task.lot_id),
            PutAwayTask.handling_unit_id.is_not_distinct_from(task.handling_unit_id),
            PutAwayTask.is_blocked == task.is_blocked,
        )
        .with_for_update()
    ).one_or_none()
    if other is None:
        task.state = "open"
        return
    other.qty += move.qty
    if task.done_qty == 0:
        task.state = "void"
    else:
        task.qty = task.done_qty
