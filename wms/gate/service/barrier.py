"""The life of a barrier command: sent once, answered step by step, never repeated (devices reference, section 7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.gate.service.orders import forget_unlocking
from wms.gate.service.passing import confirm_passage, locked_passage
from wms.gate.tables import BarrierCommand, Lane, LaneState, Passage, Release
from wms.watch.service import NewAlarm, announce, raise_alarm

ANSWERS_WITHIN = timedelta(seconds=3)
OPENS_WITHIN = timedelta(seconds=8)  # from "accepted" to the limit switch
READ_WITHIN = OPENS_WITHIN + timedelta(seconds=10)  # the longest that an answer may lie unread
ORDER = ("queued", "sent", "accepted", "opened", "passed", "closed")
UNDER_WAY = ("sent", "accepted", "opened", "passed")


@dataclass(frozen=True)
class CommandStep:
    """A controller's answer: accepted, opened, passed, closed or refused, at the server's time ``at``."""

    cmd_id: UUID
    device: str
    result: str
    at: datetime
    reason: str | None = None


def command_due(session: Session, sites: Collection[int], limit: int = 50) -> list[BarrierCommand]:
    """Queued commands of these sites, oldest first, locked; another worker's are passed over."""
    wanted = (
        select(BarrierCommand)
        .join(Lane, Lane.id == BarrierCommand.lane_id)
        .where(BarrierCommand.state == "queued", Lane.site_id.in_(sites))
        .order_by(BarrierCommand.id)
        .limit(limit)
        .with_for_update(of=BarrierCommand, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(wanted))


def expire_or_send(session: Session, command: BarrierCommand, now: datetime) -> bool:
    """Mark the command ``sent`` (True) or, at its expiry or later, ``expired``: then it is never sent."""
    if now >= command.expires_at:
        _fail(session, command, "expired", "command_expired", now)
        return False
    command.state, command.sent_at = "sent", now
    session.flush()
    return True


def fail_silent(session: Session, sites: Collection[int], now: datetime, unread: Collection[str] = ()) -> int:
    """Commands without an answer in time become faults with an alarm; returns how many.

    ``unread`` are devices of which something that came in time is not read yet: silence is what was not said, not what
    was not heard. They are waited for ten seconds longer.
    """
    waited_for = and_(BarrierCommand.device.in_(unread), BarrierCommand.sent_at > now - READ_WITHIN)
    silent = list(
        session.scalars(
            select(BarrierCommand)
            .join(Lane, Lane.id == BarrierCommand.lane_id)
            .where(
                Lane.site_id.in_(sites),
                not_(waited_for),
                or_(
                    and_(BarrierCommand.state == "sent", BarrierCommand.sent_at <= now - ANSWERS_WITHIN),
                    and_(
                        BarrierCommand.state == "accepted",
                        BarrierCommand.action == "open",  # a lock that is accepted has nothing more to say
                        BarrierCommand.accepted_at <= now - OPENS_WITHIN,
                    ),
                ),
            )
            .with_for_update(of=BarrierCommand, skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
    for command in silent:
        _fail(session, command, "fault", "barrier_fault", now)
        set_barrier(session, command.lane_id, "fault", now)
    return len(silent)


def record_result(session: Session, step: CommandStep) -> str:
    """Write one answer and draw its consequence; returns ``applied``, ``repeated`` or ``unknown``.

    Answers may come doubled and out of order: each is kept once under its own time, and the command's state never
    goes back. ``passed`` confirms the passage also after a fault: the vehicle is gone, whatever we thought.
    """
    command = session.scalar(
        select(BarrierCommand)
        .where(BarrierCommand.cmd_id == step.cmd_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if command is None or command.device != step.device:
        return "unknown"
    if step.result == "refused":
        if command.state in ("refused", "closed"):
            return "repeated"
        command.fault = step.reason
        _fail(session, command, "refused", "barrier_refused", step.at)
        return "applied"
    if step.result not in ORDER[2:] or getattr(command, f"{step.result}_at") is not None:
        return "repeated"
    _advance(session, command, step)
    return "applied"


def _advance(session: Session, command: BarrierCommand, step: CommandStep) -> None:
    setattr(command, f"{step.result}_at", step.at)
    was_lost = command.state in ("fault", "expired")
    if not was_lost and ORDER.index(step.result) > ORDER.index(command.state):
        command.state = step.result
    session.flush()
    if was_lost and step.result == "opened":
        _alarm(session, command, "opened_after_fault", step.at)
    passage_id = _passage_id(session, command)
    if step.result == "passed" and passage_id is not None:
        confirm_passage(session, passage_id, passed_at=step.at)
    if step.result == "closed" and command.passed_at is None and not was_lost and _is_granted(session, command):
        _lapse(session, command, "not_passed", step.at)
    if passage_id is not None:
        announce(session, "passage", passage_id)


def stop_queued(session: Session, lane: Lane, at: datetime) -> None:
    """The lane is locked: what is queued to open it is never sent, and its vehicle is held again."""
    queued = session.scalars(
        select(BarrierCommand)
        .where(BarrierCommand.lane_id == lane.id, BarrierCommand.action == "open", BarrierCommand.state == "queued")
        .order_by(BarrierCommand.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for command in queued:
        if command.state == "queued":
            command.fault = "lane_locked"
            forget_unlocking(session, command)
            _fail(session, command, "expired", "command_expired", at)


def latest_command(session: Session, device: str, at: datetime) -> BarrierCommand | None:
    """The last command to open that a controller was sent and has not been through with.

    One that was sent too long before ``at`` to open anything any more, and did not, is not meant.
    """
    return session.scalars(
        select(BarrierCommand)
        .where(
            BarrierCommand.device == device,
            BarrierCommand.action == "open",
            BarrierCommand.sent_at.is_not(None),
            BarrierCommand.closed_at.is_(None),
            BarrierCommand.state.not_in(("refused", "expired")),
            or_(BarrierCommand.opened_at.is_not(None), BarrierCommand.sent_at >= at - READ_WITHIN),
        )
        .order_by(BarrierCommand.id.desc())
        .limit(1)
    ).first()


def _is_granted(session: Session, command: BarrierCommand) -> bool:
    """Whether the command's release still waits for its vehicle (the exit loop may have seen it pass)."""
    release = session.get(Release, command.release_id) if command.release_id else None
    return release is not None and release.state == "granted"


def _passage_id(session: Session, command: BarrierCommand) -> int | None:
    return session.scalar(select(Release.passage_id).where(Release.id == command.release_id))


def _fail(session: Session, command: BarrierCommand, state: str, code: str, at: datetime) -> None:
    command.state = state
    command.fault = command.fault or code
    session.flush()
    _lapse(session, command, code, at)


def _lapse(session: Session, command: BarrierCommand, code: str, at: datetime) -> None:
    """The release is spent without a passage: the vehicle is held again, and only a new decision can open."""
    release = session.get(Release, command.release_id) if command.release_id else None
    if release is not None and release.state == "granted":
        release.state, release.lapsed_because = "lapsed", code
        passage = locked_passage(session, release.passage_id)
        if passage.state == "released":
            passage.state, passage.hold_code = "held", code
        session.flush()
        announce(session, "passage", passage.id)
    _alarm(session, command, code, at)


def _alarm(session: Session, command: BarrierCommand, code: str, at: datetime) -> None:
    lane = session.get_one(Lane, command.lane_id)
    raise_alarm(session, NewAlarm(lane.site_id, "barrier", code, lane.code, at, detail=command.fault or ""))


def set_barrier(session: Session, lane_id: int, state: str, at: datetime) -> None:
    """Write what the barrier's sensors say; a reading older than the one held changes nothing."""
    session.execute(
        insert(LaneState)
        .values(lane_id=lane_id, barrier=state, barrier_at=at)
        .on_conflict_do_update(
            index_elements=["lane_id"],
            set_={"barrier": state, "barrier_at": at},
            where=or_(LaneState.barrier_at.is_(None), LaneState.barrier_at <= at),
        )
    )
    announce(session, "lane", lane_id)


def barrier_seen(session: Session, lane: Lane, state: str, at: datetime) -> bool:
    """Keep the barrier's state; an opening that no command under way explains is an alarm. True when it was alarmed."""
    set_barrier(session, lane.id, state, at)
    if state not in ("opening", "open"):
        return False
    if _is_explained(session, lane, at):
        return False
    _alarm_opening(session, lane, state, at)
    return True


def opening_unknown(session: Session, lane: Lane, state: str, cmd_id: str, at: datetime) -> bool:
    """As :func:`barrier_seen` for a state that is told late: it moves nothing. A command that is named explains it."""
    if state not in ("opening", "open"):
        return False
    known = select(BarrierCommand.id).where(
        BarrierCommand.lane_id == lane.id, BarrierCommand.action == "open", BarrierCommand.sent_at.is_not(None)
    )
    try:
        named = session.scalars(known.where(BarrierCommand.cmd_id == UUID(cmd_id))).first() if cmd_id else None
    except ValueError:
        named = None
    if named is not None or (not cmd_id and _is_explained(session, lane, at)):
        return False
    _alarm_opening(session, lane, state, at)
    return True


def _alarm_opening(session: Session, lane: Lane, state: str, at: datetime) -> None:
    raise_alarm(session, NewAlarm(lane.site_id, "barrier", "opened_without_release", lane.code, at, detail=state))


def _is_explained(session: Session, lane: Lane, at: datetime) -> bool:
    explained = session.scalars(
        select(BarrierCommand.id).where(
            BarrierCommand.lane_id == lane.id,
            BarrierCommand.action == "open",  # one to close explains no opening
            or_(
                BarrierCommand.state.in_(UNDER_WAY),
                BarrierCommand.closed_at >= at - ANSWERS_WITHIN,
                and_(BarrierCommand.state == "fault", BarrierCommand.sent_at >= at - 2 * OPENS_WITHIN),
            ),
        )
    ).first()
    return explained is not None


def set_link(session: Session, lane: Lane, *, is_linked: bool) -> None:
    """The barrier's controller came or went; without a link the barrier counts as closed, its state as unknown."""
    values = {"is_linked": is_linked} | ({} if is_linked else {"barrier": "unknown"})
    session.execute(
        insert(LaneState)
        .values(lane_id=lane.id, **values)
        .on_conflict_do_update(index_elements=["lane_id"], set_=values)
    )
    announce(session, "lane", lane.id)


def current_passage(session: Session, lane_id: int) -> Passage | None:
    """The passage that stands in the lane now."""
    return session.scalar(
        select(Passage).join(LaneState, LaneState.passage_id == Passage.id).where(LaneState.lane_id == lane_id)
    )


def forget_zero(session: Session, lane_id: int, *, was_zero: bool) -> None:
    """Note whether the scale has shown zero since the last weight that was used."""
    session.execute(
        update(LaneState)
        .where(LaneState.lane_id == lane_id)
        .values(scale_was_zero=was_zero)
        .execution_options(synchronize_session=False)
    )
