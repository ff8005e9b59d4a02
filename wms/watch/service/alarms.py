"""Raise, acknowledge and close alarms; wake live pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.record.service import append_leaf
from wms.watch.rules import JOIN_WITHIN, AlarmNotOpen, CauseMissing, UnknownAlarm
from wms.watch.tables import Alarm, Camera, FenceSection, LiveNote

MIN_CAUSE_CHARS = 4


@dataclass(frozen=True)
class NewAlarm:
    """What went wrong, where and when. ``subject`` is the section, lane or device it is about."""

    site_id: int
    source: str
    code: str
    subject: str
    event_at: datetime
    detail: str = ""
    reading_id: int | None = None


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
    announce(session, "alarm", alarm.id)
    return alarm


def _open(session: Session, new: NewAlarm) -> Alarm:
    section = session.scalar(
        select(FenceSection).where(FenceSection.site_id == new.site_id, FenceSection.sensor == new.subject)
    )
    camera_id = section and session.scalar(
        select(Camera.id).where(Camera.fence_section_id == section.id).order_by(Camera.id).limit(1)
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
        fence_section_id=section.id if section else None,
        camera_id=camera_id,
    )
    session.add(alarm)
    return alarm


def acknowledge(session: Session, alarm_id: int, *, person_id: int, at: datetime) -> Alarm:
    """Put a name to an alarm. Raises :class:`UnknownAlarm`, :class:`AlarmNotOpen`."""
    _step(session, alarm_id, "raised", {"state": "acknowledged", "acknowledged_at": at, "acknowledged_by": person_id})
    return _finish(session, alarm_id, "alarm_acknowledged", person_id)


def close(session: Session, alarm_id: int, *, person_id: int, cause: str, at: datetime) -> Alarm:
    """Close an acknowledged alarm with its cause. Raises UnknownAlarm, AlarmNotOpen, CauseMissing."""
    if len(cause.strip()) < MIN_CAUSE_CHARS:
        raise CauseMissing(field="cause")
    values = {"state": "closed", "closed_at": at, "closed_by": person_id, "cause": cause.strip()}
    _step(session, alarm_id, "acknowledged", values)
    return _finish(session, alarm_id, "alarm_closed", person_id)


def _step(session: Session, alarm_id: int, wanted: str, values: dict[str, object]) -> None:
    changed = session.execute(
        update(Alarm)
        .where(Alarm.id == alarm_id, Alarm.state == wanted)
        .values(values)
        .returning(Alarm.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed is None:
        state = session.scalar(select(Alarm.state).where(Alarm.id == alarm_id))
        raise UnknownAlarm(alarm_id=alarm_id) if state is None else AlarmNotOpen(alarm_id=alarm_id, state=state)


def _finish(session: Session, alarm_id: int, kind: str, person_id: int) -> Alarm:
    append_leaf(session, kind, {"alarm_id": alarm_id, "person_id": person_id}, alarm_id)
    announce(session, "alarm", alarm_id)
    return session.scalars(select(Alarm).where(Alarm.id == alarm_id).execution_options(populate_existing=True)).one()
