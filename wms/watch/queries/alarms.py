"""Reads of the watch: open alarms with their place, and the notes of the live stream."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from wms.parties.tables import Person
from wms.watch.tables import Alarm, Camera, FenceSection, LiveNote

OVERLAP_NOTES = 200
OVERLAP = timedelta(seconds=30)


@dataclass(frozen=True)
class AlarmRow:
    """An alarm as a page shows it; names of persons are None while nobody has acted."""

    id: int
    source: str
    code: str
    subject: str
    detail: str
    state: str
    event_at: datetime
    raised_at: datetime
    last_trigger_at: datetime
    trigger_count: int
    section_zh: str | None
    section_en: str | None
    camera_code: str | None
    acknowledged_at: datetime | None
    acknowledged_by_zh: str | None
    acknowledged_by_en: str | None
    closed_at: datetime | None
    cause: str | None


@dataclass(frozen=True)
class Note:
    """One line of the live stream."""

    id: int
    topic: str
    subject_id: int


def alarms(session: Session, *, only_open: bool = True, after: int = 0, limit: int = 50) -> list[AlarmRow]:
    """Alarms, the newest first; ``after`` continues below the alarm with that id."""
    by = aliased(Person)
    wanted = (
        select(
            Alarm.id, Alarm.source, Alarm.code, Alarm.subject, Alarm.detail, Alarm.state, Alarm.event_at,
            Alarm.raised_at, Alarm.last_trigger_at, Alarm.trigger_count, FenceSection.name_zh, FenceSection.name_en,
            Camera.camera_code, Alarm.acknowledged_at, by.name_zh, by.name_en, Alarm.closed_at, Alarm.cause,
        )
        .outerjoin(FenceSection, FenceSection.id == Alarm.fence_section_id)
        .outerjoin(Camera, Camera.id == Alarm.camera_id)
        .outerjoin(by, by.id == Alarm.acknowledged_by)
        .order_by(Alarm.id.desc())
        .limit(limit)
    )  # fmt: skip
    if only_open:
        wanted = wanted.where(Alarm.state.not_in(("closed", "reviewed")))
    if after:
        wanted = wanted.where(Alarm.id < after)
    return [AlarmRow(*cast("Any", row)) for row in session.execute(wanted)]


def count_raised(session: Session) -> int:
    """How many alarms nobody has put a name to."""
    return session.scalar(select(func.count()).select_from(Alarm).where(Alarm.state == "raised")) or 0


def notes_after(session: Session, last_id: int, *, limit: int = 1_000) -> list[Note]:
    """Notes after ``last_id``, and recent ones shortly before it: ids commit out of order, so some may be new."""
    recent = and_(LiveNote.id > last_id - OVERLAP_NOTES, LiveNote.recorded_at > func.now() - OVERLAP)
    wanted = (
        select(LiveNote.id, LiveNote.topic, LiveNote.subject_id)
        .where(or_(LiveNote.id > last_id, recent))
        .order_by(LiveNote.id)
        .limit(limit)
    )
    return [Note(*row) for row in session.execute(wanted)]


def last_note_id(session: Session) -> int:
    """The highest id of a note, 0 when there is none."""
    return session.scalar(select(func.max(LiveNote.id))) or 0
