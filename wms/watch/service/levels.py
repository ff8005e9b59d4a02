"""Service levels of alarms: each step that is overdue is told once, upwards; nothing is closed by it."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.parties.dated import value
from wms.record.service import append_leaf
from wms.watch.rules import StepDue, StepTimes, steps_due
from wms.watch.service.alarms import announce
from wms.watch.tables import Alarm, AlarmOverdue

LEVELS = "watch.service_level"
MOST_ALARMS = 2_000


def levels_of(session: Session, source: str, on: date) -> dict[str, int]:
    """Seconds by step for alarms of a source on a day (dated data)."""
    found: dict[str, int] = value(session, LEVELS, on, source)
    return found


def times_of(alarm: Alarm) -> StepTimes:
    """When the steps of an alarm were taken."""
    return StepTimes(
        alarm.source, alarm.raised_at, alarm.acknowledged_at, alarm.dispatched_at, alarm.closed_at, alarm.reviewed_at
    )


def due_of(session: Session, alarm: Alarm, now: datetime) -> tuple[StepDue, ...]:
    """Each step of an alarm against the levels of the day on which it was raised."""
    return steps_due(times_of(alarm), levels_of(session, alarm.source, alarm.raised_at.date()), now)


def escalate(session: Session, now: datetime) -> int:
    """Note each step of each unfinished alarm that is overdue, once; every live page is told. Returns how many."""
    waiting = session.scalars(
        select(Alarm)
        .where(Alarm.state != "reviewed", Alarm.source.in_(("fence", "video", "patrol")))
        .order_by(Alarm.id.desc())
        .limit(MOST_ALARMS)
    ).all()
    told = 0
    for alarm in waiting:
        for step in due_of(session, alarm, now):
            if step.taken_at is None and step.late_s > 0:
                told += _tell(session, alarm, step, now)
    return told


def _tell(session: Session, alarm: Alarm, step: StepDue, now: datetime) -> int:
    made = session.scalar(
        insert(AlarmOverdue)
        .values(alarm_id=alarm.id, step=step.step, due_at=step.due_at, found_at=now)
        .on_conflict_do_nothing(index_elements=["alarm_id", "step"])
        .returning(AlarmOverdue.id)
    )
    if made is None:
        return 0
    append_leaf(session, "alarm_overdue", {"alarm_id": alarm.id, "step": step.step, "due_at": step.due_at}, alarm.id)
    announce(session, "alarm", alarm.id)
    return 1
