"""Order a barrier to move, or to stay down: one row, five seconds to live, made in the transaction of its cause.

Each stands in the record, so that nobody can add a command to a passage, or take one away, unseen.
"""

import secrets
import uuid
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from wms.gate.tables import BarrierCommand, Lane, Release
from wms.record.service import append_leaf

LIVES_FOR = timedelta(seconds=5)
BY_CONTROL = "control:"  # who decided, with the number of the control order
DOWN = text("barrier_command.action <> 'open'")  # in these letters: the index of such commands
# The last command of each lane that its controller may have obeyed to keep the arm down. A lock without an answer may
# have been obeyed, and counts; a close without one may not have been, and ends nothing.
LAST_DOWN = (
    select(BarrierCommand.lane_id, BarrierCommand.action, BarrierCommand.decided_by)
    .join(Lane, and_(Lane.id == BarrierCommand.lane_id, Lane.barrier_device == BarrierCommand.device))
    .where(
        DOWN,
        BarrierCommand.state.not_in(("expired", "refused")),
        or_(BarrierCommand.action == "lock", BarrierCommand.state != "fault"),
    )
    .ext(distinct_on(BarrierCommand.lane_id))
    .order_by(BarrierCommand.lane_id, BarrierCommand.id.desc())
)


def order_open(
    session: Session, release: Release, lane: Lane, *, decided_by: str, at: datetime
) -> BarrierCommand | None:
    """Queue the one command of a release; None where the lane has no barrier that can be commanded.

    A lock that a control order put on the arm ends with it: the lift is of who may go, and a lock for one vehicle does
    not stay for all that follow. A lock by an officer is not touched; its lane lifts nothing until it is unlocked.
    """
    if lane.is_open and (standing_lock(session, lane) or "").startswith(BY_CONTROL):
        _order(session, lane, "close", None, decided_by, at)
    return _order(session, lane, "open", release.id, decided_by, at)


def order_down(session: Session, lane: Lane, *, locked: bool, decided_by: str, at: datetime) -> BarrierCommand | None:
    """Queue a command to close, or to close and stay locked until a later close; it needs no release.

    None where the lane has no barrier that can be commanded.
    """
    return _order(session, lane, "lock" if locked else "close", None, decided_by, at)


def forget_unlocking(session: Session, command: BarrierCommand) -> None:
    """A command to open is never sent: neither is the one before it that was to end the lock of a control order."""
    session.execute(
        update(BarrierCommand)
        .where(
            BarrierCommand.lane_id == command.lane_id,
            BarrierCommand.action == "close",
            BarrierCommand.state == "queued",
            BarrierCommand.decided_by == command.decided_by,
            BarrierCommand.issued_at == command.issued_at,
        )
        .values(state="expired", fault=command.fault)
    )


def standing_lock(session: Session, lane: Lane) -> str | None:
    """Who decided the lock that the lane's arm is under, None where none stands."""
    last = session.execute(LAST_DOWN.where(BarrierCommand.lane_id == lane.id).limit(1)).first()
    return last.decided_by if last is not None and last.action == "lock" else None


def lanes_kept_down(session: Session) -> frozenset[int]:
    """The lanes whose arm is under the lock of a control order."""
    found = session.execute(LAST_DOWN)
    return frozenset(row.lane_id for row in found if row.action == "lock" and row.decided_by.startswith(BY_CONTROL))


def _order(
    session: Session, lane: Lane, action: str, release_id: int | None, decided_by: str, at: datetime
) -> BarrierCommand | None:
    if lane.barrier_device is None:
        return None
    command = BarrierCommand(
        cmd_id=uuid.uuid4(),
        release_id=release_id,
        lane_id=lane.id,
        device=lane.barrier_device,
        action=action,
        nonce=secrets.token_hex(16),
        decided_by=decided_by,
        issued_at=at,
        expires_at=at + LIVES_FOR,
    )
    session.add(command)
    session.flush()
    told = {
        "cmd_id": str(command.cmd_id), "action": action, "lane": lane.code, "device": command.device,
        "release_id": release_id, "decided_by": decided_by, "issued_at": at, "expires_at": command.expires_at,
    }  # fmt: skip
    append_leaf(session, "barrier_command", told, command.id)
    return command
