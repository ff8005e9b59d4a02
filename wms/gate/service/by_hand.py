"""What officers do at a barrier themselves: close it, lock a lane, open it again for use, note an opening by hand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from wms.gate.rules.refusals import (
    AlarmNoted,
    NoBarrier,
    NoPicture,
    OpenedInFuture,
    ReasonTooShort,
    UnknownLane,
    UnknownOpening,
)
from wms.gate.service.barrier import stop_queued
from wms.gate.service.controls import hold_decisions
from wms.gate.service.orders import order_down, standing_lock
from wms.gate.service.releasing import MIN_REASON_CHARS, require_officer
from wms.gate.tables import BarrierCommand, Lane, ManualOpening, Passage
from wms.record.service import append_leaf
from wms.watch.service import announce
from wms.watch.tables import Alarm

NEAR = timedelta(minutes=10)  # how far the noted time may lie from the alarm that it explains
CODE = "opened_without_release"


@dataclass(frozen=True)
class NoteOpening:
    """A barrier was opened by hand at ``opened_at``; ``picture`` is its address in the recorder."""

    lane_id: int
    officer_id: int
    cause: str
    memo: str
    picture: str
    opened_at: datetime
    at: datetime
    picture_sha256: str | None = None
    alarm_id: int | None = None


def lower_barrier(
    session: Session, lane_id: int, *, officer_id: int, reason: str, locked: bool, at: datetime
) -> BarrierCommand:
    """Close a lane's barrier; ``locked``: it stays down and the lane is out of use until it is unlocked.

    A lift that is queued when the lane is locked is not sent any more; one that was sent is followed by the lock.
    Closing ends no lock that stands, an officer's or a control order's: the controller is told to lock again.

    Raises NotAnOfficer, ReasonTooShort, UnknownLane, NoBarrier.
    """
    if locked:
        hold_decisions(session)
    lane = _lane(session, lane_id, officer_id, reason)
    if locked:
        stop_queued(session, lane, at)
    stands = None if locked else standing_lock(session, lane)
    decided_by = stands or f"person:{officer_id}"
    command = order_down(session, lane, locked=locked or stands is not None, decided_by=decided_by, at=at)
    if command is None:
        raise NoBarrier(lane=lane.code)
    if locked:
        lane.is_open = False
    _record(session, "lane_locked" if locked else "barrier_closed", lane, officer_id, reason)
    return command


def unlock_lane(session: Session, lane_id: int, *, officer_id: int, reason: str, at: datetime) -> BarrierCommand | None:
    """Put a locked lane into use again; its barrier stays down, and its controller obeys commands to open again.

    Raises NotAnOfficer, ReasonTooShort, UnknownLane.
    """
    lane = _lane(session, lane_id, officer_id, reason)
    lane.is_open = True
    _record(session, "lane_unlocked", lane, officer_id, reason)
    return order_down(session, lane, locked=False, decided_by=f"person:{officer_id}", at=at)


def note_opening(session: Session, command: NoteOpening) -> ManualOpening:
    """Record who opened a barrier by hand, why and with which picture; the alarm that told of it is named.

    The alarm is not closed by it: somebody settles it. Raises NotAnOfficer, ReasonTooShort, NoPicture, OpenedInFuture,
    UnknownLane, UnknownOpening, AlarmNoted.
    """
    lane = _lane(session, command.lane_id, command.officer_id, command.memo)
    if not command.picture.strip():
        raise NoPicture(field="picture")
    if command.opened_at > command.at:
        raise OpenedInFuture(field="opened_at")
    alarm = _alarm_of(session, lane, command)
    row = ManualOpening(
        lane_id=lane.id,
        officer_id=command.officer_id,
        cause=command.cause,
        memo=command.memo.strip(),
        picture=command.picture.strip(),
        picture_sha256=command.picture_sha256,
        passage_id=_passage_at(session, lane.id, command.opened_at),
        alarm_id=alarm.id if alarm else None,
        opened_at=command.opened_at,
    )
    session.add(row)
    session.flush()
    told = {"lane": lane.code, "cause": row.cause, "memo": row.memo, "picture": row.picture}
    append_leaf(session, "manual_opening", told | {"officer_id": row.officer_id, "opened_at": row.opened_at}, row.id)
    announce(session, "lane", lane.id)
    return row


def _passage_at(session: Session, lane_id: int, at: datetime) -> int | None:
    """Who stood in the lane then; it may be noted when somebody else does."""
    return session.scalar(
        select(Passage.id)
        .where(
            Passage.lane_id == lane_id,
            Passage.opened_at <= at,
            or_(Passage.closed_at.is_(None), Passage.closed_at >= at),
        )
        .order_by(Passage.opened_at.desc())
        .limit(1)
    )


def _alarm_of(session: Session, lane: Lane, command: NoteOpening) -> Alarm | None:
    """The alarm that the opening raised: the one that is named, else the nearest one of the lane that nobody noted."""
    of_lane = select(Alarm).where(Alarm.site_id == lane.site_id, Alarm.subject == lane.code, Alarm.code == CODE)
    if command.alarm_id is not None:
        alarm = session.scalar(of_lane.where(Alarm.id == command.alarm_id))
        if alarm is None:
            raise UnknownOpening(alarm_id=command.alarm_id)
        if session.scalar(select(ManualOpening.id).where(ManualOpening.alarm_id == alarm.id)) is not None:
            raise AlarmNoted
        return alarm
    noted = select(ManualOpening.alarm_id).where(ManualOpening.alarm_id.is_not(None))
    return session.scalars(
        of_lane.where(
            Alarm.event_at.between(command.opened_at - NEAR, command.opened_at + NEAR), Alarm.id.not_in(noted)
        )
        .order_by(func.abs(func.extract("epoch", Alarm.event_at - command.opened_at)), Alarm.id.desc())
        .limit(1)
    ).first()


def _lane(session: Session, lane_id: int, officer_id: int, reason: str) -> Lane:
    require_officer(session, officer_id)
    if len(reason.strip()) < MIN_REASON_CHARS:
        raise ReasonTooShort(field="reason")
    lane = session.scalar(
        select(Lane).where(Lane.id == lane_id).with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    if lane is None:
        raise UnknownLane(lane=lane_id)
    return lane


def _record(session: Session, kind: str, lane: Lane, officer_id: int, reason: str) -> None:
    append_leaf(session, kind, {"lane": lane.code, "officer_id": officer_id, "reason": reason.strip()}, lane.id)
    announce(session, "lane", lane.id)
