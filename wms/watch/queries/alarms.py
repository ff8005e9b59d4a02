"""Reads of the watch: open alarms with their place, and the notes of the live stream."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from wms.parties.tables import Person
from wms.watch.tables import Alarm, Camera, FenceSection, LiveNote

UNPLACED = text("SELECT id FROM live_note WHERE place IS NULL LIMIT 1")
ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtextextended('dongting live ' || app_tenant(), 0))")
# A named query is computed once; a mere subselect may be computed anew for each row that it is joined to, out of order.
PLACE = text(
    """
    WITH due AS MATERIALIZED (
        SELECT id, nextval('live_place_seq') AS place
        FROM (SELECT id FROM live_note WHERE place IS NULL ORDER BY id) AS in_order
    )
    UPDATE live_note SET place = due.place FROM due WHERE live_note.id = due.id
    RETURNING live_note.id
    """
)


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
    """One line of the live stream; ``id`` is its place."""

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


def place_notes(session: Session) -> int:
    """Give places to the notes that were committed since; return how many. One process after the other does this.

    Ids commit out of order; places never do: the lock is held until its numbers are committed.
    """
    if session.execute(UNPLACED).scalar() is None:
        return 0
    session.execute(ONE_AFTER_THE_OTHER)
    return len(session.execute(PLACE).all())


def notes_after(session: Session, last: int, *, limit: int = 1_000) -> list[Note]:
    """Notes after the place ``last``, in their order."""
    wanted = (
        select(LiveNote.place, LiveNote.topic, LiveNote.subject_id)
        .where(LiveNote.place > last)
        .order_by(LiveNote.place)
        .limit(limit)
    )
    return [Note(*cast("Any", row)) for row in session.execute(wanted)]


def last_note_id(session: Session) -> int:
    """The highest place of a note, 0 when there is none."""
    return session.scalar(select(func.max(LiveNote.place))) or 0


def first_note_id(session: Session) -> int:
    """The lowest place of a note that is still kept, 0 when there is none."""
    return session.scalar(select(func.min(LiveNote.place))) or 0
