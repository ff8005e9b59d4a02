"""Order a barrier to open, or to stay down: one row, five seconds to live, made in the transaction of its cause."""

import secrets
import uuid
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from wms.gate.tables import BarrierCommand, Lane, Release

LIVES_FOR = timedelta(seconds=5)


def order_open(
    session: Session, release: Release, lane: Lane, *, decided_by: str, at: datetime
) -> BarrierCommand | None:
    """Queue the one command of a release; None where the lane has no barrier that can be commanded."""
    if lane.barrier_device is None:
        return None
    command = BarrierCommand(
        cmd_id=uuid.uuid4(),
        release_id=release.id,
        lane_id=lane.id,
        device=lane.barrier_device,
        action="open",
        nonce=secrets.token_hex(16),
        decided_by=decided_by,
        issued_at=at,
        expires_at=at + LIVES_FOR,
    )
    session.add(command)
    session.flush()
    return command


def order_lock(session: Session, lane: Lane, *, decided_by: str, at: datetime) -> BarrierCommand | None:
    """Queue the command to keep the arm down (or bring it down while nobody is under it)."""
    if lane.barrier_device is None:
        return None
    command = BarrierCommand(
        cmd_id=uuid.uuid4(),
        lane_id=lane.id,
        device=lane.barrier_device,
        action="lock",
        nonce=secrets.token_hex(16),
        decided_by=decided_by,
        issued_at=at,
        expires_at=at + LIVES_FOR,
    )
    session.add(command)
    session.flush()
    return command
