"""Raise alarms and take them step by step to their review; wake live pages. Nothing closes itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.record.service import append_leaf
from wms.watch.rules import (
    JOIN_WITHIN,
    AlarmNotOpen,
    CauseMissing,
    NobodySent,
    OutcomeUnknown,
    ReviewedBySettler,
    UnknownAlarm,
)
from wms.watch.rules.alarms import OUTCOMES
from wms.watch.service.clips import want_for_section
from wms.watch.tables import Alarm, Camera, FenceSection, LiveNote

MIN_CAUSE_CHARS = 4


@dataclass(frozen=True)
class NewAlarm:
    """What went wrong, where and when. ``subject`` is the section, lane or device it is about.

    ``section_id``: the section of the fence, where the caller knows it; else it is looked up by its sensor.
    """

    site_id: int
    source: str
    code: str
    subject: str
    event_at: datetime
    detail: str = ""
    reading_id: int | None = None
    section_id: int | None = None


def announce(session: Session, topic: str, subject_id: int) -> None:
    """Note that a row changed; after commit every live page is woken with the note's id."""
    session.add(LiveNote(topic=topic, subject_id=subject_id))
    session.flush()


def raise_alarm(session: Session, new: NewAlarm, join_within: timedelta = JOIN_WITHIN) -> Alarm:
    """Open an alarm, or join the open one of the same source, code and subject that was triggered within 30 s.

    ``join_within``: another span, where one cause tells again and again for longer.
    """
    joined = session.scalar(
        select(Alarm)
        .where(
            Alarm.state == "raised",
            Alarm.site_id == new.site_id,
            Alarm.source == new.source,
            Alarm.code == new.code,
            Alarm.subject == new.subject,
            Alarm.last_trigger_at >= new.event_at - join_within,
        )
        .order_by(Alarm.id.desc())
        .limit(1)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if joined is not None:
        joined.trigger_count += 1
        joined.last_trigger_at = max(joined.last_trigger_at, new.event_at)
        joined.detail = new.detail or joined.detail
    alarm = joined or _open(session, new)
    session.flush()
    if alarm.fence_section_id is not None:
        want_for_section(session, alarm.id, alarm.fence_section_id, alarm.event_at, alarm.last_trigger_at)
    announce(session, "alarm", alarm.id)
    return alarm


def _open(session: Session, new: NewAlarm) -> Alarm:
    section_id = new.section_id or session.scalar(
        select(FenceSection.id).where(FenceSection.site_id == new.site_id, FenceSection.sensor == new.subject)
    )
    camera_id = section_id and session.scalar(
        select(Camera.id).where(Camera.fence_section_id == section_id).order_by(Camera.id).limit(1)
    )
    alarm = Alarm(
        site_id=new.site_id,
        source=new.source,
        code=new.code,
        subject=new.subject,
        detail=new.detail,
        reading_id=new.reading_id,
        event_at=new.event_at,
        last_trigger_at=new.event_at,
        fence_section_id=section_id,
        camera_id=camera_id,
    )
    session.add(alarm)
    return alarm


def acknowledge(session: Session, alarm_id: int, *, person_id: int, at: datetime) -> Alarm:
    """Put a name to an alarm. Raises :class:`UnknownAlarm`, :class:`AlarmNotOpen`."""
    values = {"state": "acknowledged", "acknowledged_at": at, "acknowledged_by": person_id}
    _step(session, alarm_id, ("raised",), values)
    return _finish(session, alarm_id, "alarm_acknowledged", person_id)


def dispatch(session: Session, alarm_id: int, *, person_id: int, to: str, at: datetime) -> Alarm:
    """Send somebody (``to``, in words) to an acknowledged alarm. Raises UnknownAlarm, AlarmNotOpen, NobodySent."""
    if not to.strip():
        raise NobodySent(field="to")
    values = {
        "state": "dispatched",
        "dispatched_at": at,
        "dispatched_by": person_id,
        "dispatched_to": to.strip()[:200],
    }
    _step(session, alarm_id, ("acknowledged",), values)
    return _finish(session, alarm_id, "alarm_dispatched", person_id)


def close(
    session: Session, alarm_id: int, *, person_id: int, cause: str, at: datetime, outcome: str | None = None
) -> Alarm:
    """Settle an acknowledged alarm with its cause, and whether it was real, false or a test.

    Raises UnknownAlarm, AlarmNotOpen, CauseMissing, OutcomeUnknown.
    """
    if len(cause.strip()) < MIN_CAUSE_CHARS:
        raise CauseMissing(field="cause")
    _check_outcome(outcome)
    values = {"state": "closed", "closed_at": at, "closed_by": person_id, "cause": cause.strip(), "outcome": outcome}
    _step(session, alarm_id, ("acknowledged", "dispatched"), values)
    return _finish(session, alarm_id, "alarm_closed", person_id)


def review(
    session: Session, alarm_id: int, *, person_id: int, note: str, at: datetime, outcome: str | None = None
) -> Alarm:
    """Another person than who settled it agrees, or says what it was instead (``outcome``).

    Raises UnknownAlarm, AlarmNotOpen, CauseMissing, OutcomeUnknown, ReviewedBySettler.
    """
    if len(note.strip()) < MIN_CAUSE_CHARS:
        raise CauseMissing(field="note")
    _check_outcome(outcome)
    settled = session.execute(select(Alarm.closed_by, Alarm.state).where(Alarm.id == alarm_id)).one_or_none()
    if settled is not None and settled.state == "closed" and settled.closed_by == person_id:
        raise ReviewedBySettler(alarm_id=alarm_id)
    values = {"state": "reviewed", "reviewed_at": at, "reviewed_by": person_id, "review_note": note.strip()}
    _step(session, alarm_id, ("closed",), values | ({"outcome": outcome} if outcome else {}))
    return _finish(session, alarm_id, "alarm_reviewed", person_id)


def _check_outcome(outcome: str | None) -> None:
    if outcome is not None and outcome not in OUTCOMES:
        raise OutcomeUnknown(field="outcome", outcome=outcome)


def _step(session: Session, alarm_id: int, wanted: tuple[str, ...], values: dict[str, object]) -> None:
    changed = session.execute(
        update(Alarm)
        .where(Alarm.id == alarm_id, Alarm.state.in_(wanted))
        .values(values)
        .returning(Alarm.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed is None:
        state = session.scalar(select(Alarm.state).where(Alarm.id == alarm_id))
        raise UnknownAlarm(alarm_id=alarm_id) if state is None else AlarmNotOpen(alarm_id=alarm_id, state=state)


def _finish(session: Session, alarm_id: int, kind: str, person_id: int) -> Alarm:
    alarm = session.scalars(select(Alarm).where(Alarm.id == alarm_id).execution_options(populate_existing=True)).one()
    said = {"cause": alarm.cause, "outcome": alarm.outcome, "to": alarm.dispatched_to, "note": alarm.review_note}
    told = {name: value for name, value in said.items() if value is not None}
    append_leaf(session, kind, {"alarm_id": alarm_id, "person_id": person_id} | told, alarm_id)
    announce(session, "alarm", alarm_id)
    return alarm
