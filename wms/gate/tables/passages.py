"""Visits and passages, and each reading of a passage with why it was used or not."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from wms.customs.tables import DIRECTIONS
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

VISIT_STATES = ("queued", "inside", "left", "gone")
PASSAGE_STATES = ("open", "held", "released", "passed", "turned_back")


class Visit(Tenanted, Base):
    """A vehicle's stay, from its arrival at the gate (or the passage that brought it in) to the one that let it out.

    ``queued_at`` is when it announced itself, ``arrived_at`` when it came in. Of one vehicle at a site at most one
    visit is queued or inside.
    """

    __tablename__ = "visit"
    __table_args__ = (
        one_of("state", VISIT_STATES),
        CheckConstraint("weigh_in_g > 0 AND weigh_out_g > 0", name="weights_positive"),
        Index("uq_visit_inside", "site_id", "plate", unique=True, postgresql_where=text("state = 'inside'")),
        Index("ix_visit_here", "site_id", "plate", postgresql_where=text("state IN ('queued', 'inside')")),
        Index("uq_visit_queued", "site_id", "plate", unique=True, postgresql_where=text("state = 'queued'")),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    plate: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="inside")
    queued_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    arrived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    left_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    weigh_in_g: Mapped[int | None] = mapped_column(BigInteger)
    weigh_out_g: Mapped[int | None] = mapped_column(BigInteger)
    overstay_alarmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Passage(Tenanted, Base):
    """One crossing of one lane. ``seq_no`` (20 characters at most, SEQ_NO) names it for good."""

    __tablename__ = "passage"
    __table_args__ = (
        UniqueConstraint("tenant_id", "seq_no"),
        one_of("direction", DIRECTIONS),
        one_of("state", PASSAGE_STATES),
        CheckConstraint("length(seq_no) BETWEEN 1 AND 20", name="seq_no_length"),
        CheckConstraint("weight_g > 0", name="weight_positive"),
        CheckConstraint("(state = 'held') <= (hold_code IS NOT NULL)", name="held_has_code"),
        CheckConstraint("state = 'open' OR decided_at IS NOT NULL", name="decided_has_time"),
        CheckConstraint("state <> 'passed' OR passed_at IS NOT NULL", name="passed_has_time"),
        Index(None, "tenant_id", "lane_id", "opened_at"),
        Index(None, "tenant_id", "opened_at"),
        Index(None, "tenant_id", "plate"),
    )
    id: Mapped[Id]
    seq_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    lane_id: Mapped[int] = mapped_column(ForeignKey("lane.id"))
    direction: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    hold_code: Mapped[str | None]
    plate: Mapped[str | None]
    plate_confidence_permille: Mapped[int] = mapped_column(server_default="0")
    trailer_plate: Mapped[str | None]
    containers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    opened_at: Mapped[Instant]
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    passed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # the vehicle has left the lane
    goods_refusal: Mapped[str | None]  # why the ledger refused the goods of a vehicle that did pass
    recorded_at: Mapped[RecordedAt]


class PassageReading(Tenanted, Base):
    """A reading that belongs to a passage. ``why`` is a code: voted, outvoted, plateau, unstable, late, replayed …"""

    __tablename__ = "passage_reading"
    __table_args__ = (UniqueConstraint("passage_id", "reading_id"),)
    id: Mapped[Id]
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"))
    reading_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    device: Mapped[str]
    was_used: Mapped[bool]
    why: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    event_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
