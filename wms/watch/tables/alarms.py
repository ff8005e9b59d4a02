"""Fence sections, cameras and alarms; and the notes (ids only) that wake live pages."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

CAMERA_PLACES = ("gate", "fence", "warehouse", "yard")
ALARM_SOURCES = ("fence", "barrier", "lane", "temperature", "device", "ledger", "webhook")
ALARM_STATES = ("raised", "acknowledged", "dispatched", "closed")


class FenceSection(Tenanted, Base):
    """A section of the fence (围网). ``sensor`` is the device whose alarms belong to it."""

    __tablename__ = "fence_section"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        UniqueConstraint("tenant_id", "sensor"),
        CheckConstraint("height_mm > 0 AND length_mm > 0", name="sizes_positive"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    sensor: Mapped[str]
    height_mm: Mapped[int]
    length_mm: Mapped[int]
    is_armed: Mapped[bool] = mapped_column(server_default=text("true"))


class Camera(Tenanted, Base):
    """A camera with its 20-digit code (devices reference, section 10) and what it looks at."""

    __tablename__ = "camera"
    __table_args__ = (
        UniqueConstraint("tenant_id", "camera_code"),
        one_of("place", CAMERA_PLACES),
        CheckConstraint("camera_code ~ '^[0-9]{20}$'", name="camera_code_digits"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    camera_code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    place: Mapped[str]
    device: Mapped[str | None]
    fence_section_id: Mapped[int | None] = mapped_column(ForeignKey("fence_section.id"))


class Alarm(Tenanted, Base):
    """Something that a person must look at. Nothing closes itself: each step has its person and its time.

    Triggers of one place and kind within 30 s join one alarm; ``trigger_count`` counts them, none is lost by it.
    """

    __tablename__ = "alarm"
    __table_args__ = (
        one_of("source", ALARM_SOURCES),
        one_of("state", ALARM_STATES),
        CheckConstraint("(state = 'raised') = (acknowledged_at IS NULL)", name="acknowledged_has_time"),
        CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged_by_name"),
        CheckConstraint("state <> 'closed' OR (closed_at IS NOT NULL AND cause IS NOT NULL)", name="closed_has_cause"),
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


class LiveNote(Tenanted, Base):
    """One line of the live stream: what kind of row changed, and its id. Content is always read from the table."""

    __tablename__ = "live_note"
    __table_args__ = (Index(None, "tenant_id", "id"),)
    id: Mapped[Id]
    topic: Mapped[str]  # passage, lane, alarm …
    subject_id: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[RecordedAt]
