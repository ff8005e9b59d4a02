"""Alarms with each step of their life, and the notes (ids only) that wake live pages."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

ALARM_SOURCES = ("fence", "barrier", "lane", "temperature", "device", "ledger", "webhook", "video", "patrol")
ALARM_STATES = ("raised", "acknowledged", "dispatched", "closed", "reviewed")
ALARM_STEPS = ("acknowledge", "dispatch", "settle", "review")
OUTCOMES = ("real", "false", "test")


class Alarm(Tenanted, Base):
    """Something that a person must look at. Nothing closes itself: each step has its person and its time.

    Raised → acknowledged → dispatched (where somebody goes) → closed with its cause → reviewed by another person.
    Triggers of one place and kind within 30 s join one alarm; ``trigger_count`` counts them, none is lost by it.
    ``outcome``: whether it was real, false or a test, as who settled it says; a review may say otherwise.
    """

    __tablename__ = "alarm"
    __table_args__ = (
        one_of("source", ALARM_SOURCES),
        one_of("state", ALARM_STATES),
        CheckConstraint("(state = 'raised') = (acknowledged_at IS NULL)", name="acknowledged_has_time"),
        CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged_by_name"),
        one_of("outcome", OUTCOMES),
        CheckConstraint("state <> 'closed' OR (closed_at IS NOT NULL AND cause IS NOT NULL)", name="closed_has_cause"),
        CheckConstraint(
            "(dispatched_at IS NULL) = (dispatched_by IS NULL)"
            " AND (state <> 'dispatched' OR (dispatched_at IS NOT NULL AND length(btrim(dispatched_to)) > 0))",
            name="dispatched_by_name",
        ),
        CheckConstraint(
            "(state = 'reviewed') = (reviewed_at IS NOT NULL) AND (reviewed_at IS NULL) = (reviewed_by IS NULL)"
            " AND (state <> 'reviewed' OR (cause IS NOT NULL AND closed_at IS NOT NULL))",
            name="reviewed_by_name",
        ),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by IS DISTINCT FROM closed_by", name="reviewer_not_settler"),
        CheckConstraint("trigger_count > 0", name="trigger_count_positive"),
        Index("ix_alarm_open", "tenant_id", "source", "subject", postgresql_where=text("state = 'raised'")),
        Index(None, "tenant_id", "site_id", "raised_at"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    source: Mapped[str]
    code: Mapped[str]
    subject: Mapped[str]  # section, lane or device
    detail: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="raised")
    fence_section_id: Mapped[int | None] = mapped_column(ForeignKey("fence_section.id"))
    camera_id: Mapped[int | None] = mapped_column(ForeignKey("camera.id"))
    reading_id: Mapped[int | None] = mapped_column(BigInteger)
    event_at: Mapped[Instant]
    raised_at: Mapped[RecordedAt]
    last_trigger_at: Mapped[Instant]
    trigger_count: Mapped[int] = mapped_column(server_default="1")
    acknowledged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cause: Mapped[str | None]
    outcome: Mapped[str | None]
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dispatched_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    dispatched_to: Mapped[str | None]  # who goes there: a name, a patrol
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reviewed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    review_note: Mapped[str | None]


class AlarmOverdue(Tenanted, Base):
    """A step of an alarm that was not taken within its service level; told once, kept for good."""

    __tablename__ = "alarm_overdue"
    __table_args__ = (UniqueConstraint("alarm_id", "step"), one_of("step", ALARM_STEPS))
    id: Mapped[Id]
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"))
    step: Mapped[str]
    due_at: Mapped[Instant]
    found_at: Mapped[Instant]


class LiveNote(Tenanted, Base):
    """One line of the live stream: what kind of row changed, and its id. Content is always read from the table.

    ``place`` is given once the note is committed, one after the other: whoever has seen a place has seen all below it.
    """

    __tablename__ = "live_note"
    __table_args__ = (
        Index(None, "tenant_id", "place"),
        Index("ix_live_note_unplaced", "id", postgresql_where=text("place IS NULL")),
    )
    id: Mapped[Id]
    topic: Mapped[str]  # passage, lane, alarm …
    subject_id: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[RecordedAt]
    place: Mapped[int | None] = mapped_column(BigInteger)
