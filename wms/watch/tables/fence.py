"""The fence: zones, sections with their sensors and where they stand on the plan, every edge, arming, patrols."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

ROUND_STATES = ("open", "done", "missed")


class FenceZone(Tenanted, Base):
    """A part of a site that a fence goes round: the zone itself, a yard, an inspection area."""

    __tablename__ = "fence_zone"
    __table_args__ = (UniqueConstraint("site_id", "code"),)
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]


class FenceSection(Tenanted, Base):
    """A section of the fence (围网). ``sensor`` is the device whose alarms belong to it; ``fence_sensor`` names more.

    ``path`` is where it stands on the plan of its site: x, y, x, y … in decimetres, x to the east, y to the south.
    """

    __tablename__ = "fence_section"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        UniqueConstraint("tenant_id", "sensor"),
        CheckConstraint("height_mm > 0 AND length_mm > 0", name="sizes_positive"),
        CheckConstraint("cardinality(path) % 2 = 0 AND cardinality(path) <> 2", name="path_in_pairs"),
        CheckConstraint(
            "mesh_mm2 > 0 AND post_gap_mm > 0 AND barbed_rows >= 0 AND strip_inside_mm >= 0 AND strip_outside_mm >= 0",
            name="figures_positive",
        ),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    zone_id: Mapped[int | None] = mapped_column(ForeignKey("fence_zone.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    sensor: Mapped[str]
    height_mm: Mapped[int]
    length_mm: Mapped[int]
    mesh_mm2: Mapped[int | None]
    post_gap_mm: Mapped[int | None]
    barbed_rows: Mapped[int | None]
    strip_inside_mm: Mapped[int | None]
    strip_outside_mm: Mapped[int | None]
    path: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))
    is_armed: Mapped[bool] = mapped_column(server_default=text("true"))


class FenceSensor(Tenanted, Base):
    """A further sensor of a section; ``part`` is what the device itself calls the section ("" for all it says)."""

    __tablename__ = "fence_sensor"
    __table_args__ = (UniqueConstraint("tenant_id", "device", "part"), Index(None, "section_id"))
    id: Mapped[Id]
    section_id: Mapped[int] = mapped_column(ForeignKey("fence_section.id"))
    device: Mapped[str]
    part: Mapped[str] = mapped_column(server_default="")


class FenceSwitch(Tenanted, Base):
    """A section was armed or disarmed: by whom, and why. Appended, never edited."""

    __tablename__ = "fence_switch"
    __table_args__ = (
        CheckConstraint("length(btrim(reason)) >= 4", name="has_reason"),
        Index(None, "section_id", "at"),
    )
    id: Mapped[Id]
    section_id: Mapped[int] = mapped_column(ForeignKey("fence_section.id"))
    is_armed: Mapped[bool]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]


class FenceSignal(Tenanted, Base):
    """One edge as a sensor sent it, once each: the alarming one and the clearing one, armed or not. Never edited.

    ``is_live`` False: it came late, replayed, retained or with a wrong clock. ``alarm_id``: what it raised or joined.
    """

    __tablename__ = "fence_signal"
    __table_args__ = (
        UniqueConstraint("tenant_id", "reading_id"),
        Index(None, "section_id", "id"),
        Index(None, "alarm_id"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    section_id: Mapped[int | None] = mapped_column(ForeignKey("fence_section.id"))
    reading_id: Mapped[int] = mapped_column(BigInteger)
    device: Mapped[str]
    is_alarm: Mapped[bool]
    rule: Mapped[str]
    object_class: Mapped[str | None]
    is_live: Mapped[bool]
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    was_armed: Mapped[bool]
    event_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[Instant]
    alarm_id: Mapped[int | None] = mapped_column(ForeignKey("alarm.id"))
    recorded_at: Mapped[RecordedAt]


class PatrolRoute(Tenanted, Base):
    """A round along the fence: every ``every_s`` from ``first_at``, to be finished within ``within_s``."""

    __tablename__ = "patrol_route"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        CheckConstraint("every_s >= 60 AND within_s >= 60 AND within_s <= every_s", name="times_sound"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    first_at: Mapped[Instant]
    every_s: Mapped[int]
    within_s: Mapped[int]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))


class PatrolCheckpoint(Tenanted, Base):
    """A place on a round where the patrol reads a tag or says that it was there; ``x_dm``, ``y_dm`` on the plan."""

    __tablename__ = "patrol_checkpoint"
    __table_args__ = (UniqueConstraint("route_id", "code"), Index(None, "route_id", "place_no"))
    id: Mapped[Id]
    route_id: Mapped[int] = mapped_column(ForeignKey("patrol_route.id"))
    place_no: Mapped[int]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    x_dm: Mapped[int | None]
    y_dm: Mapped[int | None]


class PatrolRound(Tenanted, Base):
    """One round that is due. ``missed``: its time is over and a checkpoint was not visited; it stays so."""

    __tablename__ = "patrol_round"
    __table_args__ = (
        UniqueConstraint("route_id", "due_at"),
        one_of("state", ROUND_STATES),
        Index("ix_patrol_round_open", "due_until_at", postgresql_where=text("state = 'open'")),
    )
    id: Mapped[Id]
    route_id: Mapped[int] = mapped_column(ForeignKey("patrol_route.id"))
    due_at: Mapped[Instant]
    due_until_at: Mapped[Instant]
    state: Mapped[str] = mapped_column(server_default="open")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PatrolVisit(Tenanted, Base):
    """Somebody was at a checkpoint; ``finding`` is what was not in order ("" for nothing). Appended, never edited."""

    __tablename__ = "patrol_visit"
    __table_args__ = (UniqueConstraint("round_id", "checkpoint_id"),)
    id: Mapped[Id]
    round_id: Mapped[int] = mapped_column(ForeignKey("patrol_round.id"))
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("patrol_checkpoint.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[Instant]
    finding: Mapped[str] = mapped_column(server_default="")
    recorded_at: Mapped[RecordedAt]
