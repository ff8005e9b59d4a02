"""Inspection of parcels (查验): lanes of the centres, orders, each parcel under one, its steps and pictures."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.parcels
import wms.parties.tables  # noqa: F401 - foreign keys name its tables
from wms.customs.inspection_rules import MADE_BY, METHODS, MODES, OUTCOMES, STATES
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

STEPS = ("ordered", "started", "xray", "unpack", "customs", "lifted")


class InspectionLane(Tenanted, Base):
    """A line of an inspection centre, for parcels of one trade mode."""

    __tablename__ = "inspection_lane"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        one_of("mode", MODES),
        CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,20}$'", name="code_shape"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    mode: Mapped[str]
    has_xray: Mapped[bool] = mapped_column(server_default=text("true"))
    is_open: Mapped[bool] = mapped_column(server_default=text("true"))


class InspectionOrder(Tenanted, Base):
    """Why parcels are inspected: an officer's order with customs' number, the random rule, or customs' receipt 500.

    ``rule`` of a random order: share in basis points, seed and day, so that the draw can be made again.
    """

    __tablename__ = "inspection_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "order_no"),
        one_of("made_by", MADE_BY),
        CheckConstraint("(made_by = 'rule') = (rule IS NOT NULL)", name="rule_told"),
        Index(None, "tenant_id", "ordered_at"),
    )
    id: Mapped[Id]
    order_no: Mapped[str]
    made_by: Mapped[str]
    customs_no: Mapped[str | None]
    reason: Mapped[str]
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ordered_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]


class ParcelInspection(Tenanted, Base):
    """One parcel under one order. While it is not cleared its declaration is on hold, and no door lets it go."""

    __tablename__ = "parcel_inspection"
    __table_args__ = (
        one_of("state", STATES),
        one_of("method", METHODS),
        Index(
            "uq_parcel_inspection_live", "declaration_id", unique=True, postgresql_where=text("state <> 'cleared'")
        ),
        Index(None, "order_id"),
        Index("ix_parcel_inspection_open", "tenant_id", "id", postgresql_where=text("state <> 'cleared'")),
        CheckConstraint("state IN ('waiting', 'cleared') OR lane_id IS NOT NULL", name="examined_on_lane"),
    )  # fmt: skip
    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("inspection_order.id"))
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"))
    state: Mapped[str] = mapped_column(server_default="waiting")
    lane_id: Mapped[int | None] = mapped_column(ForeignKey("inspection_lane.id"))
    method: Mapped[str | None]  # of the last result
    is_suspicious: Mapped[bool] = mapped_column(server_default=text("false"))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class InspectionStep(Tenanted, Base):
    """What was done, by whom, with what words; only ever appended."""

    __tablename__ = "inspection_step"
    __table_args__ = (one_of("step", STEPS), one_of("outcome", OUTCOMES), Index(None, "inspection_id"))
    id: Mapped[Id]
    inspection_id: Mapped[int] = mapped_column(ForeignKey("parcel_inspection.id"))
    step: Mapped[str]
    outcome: Mapped[str | None]
    words: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]


class InspectionPicture(Tenanted, Base):
    """A picture of the X-ray or of what was unpacked, known by the hash of its bytes; never edited."""

    __tablename__ = "inspection_picture"
    __table_args__ = (
        UniqueConstraint("inspection_id", "sha256"),
        CheckConstraint("length(sha256) = 32", name="hash_length"),
        CheckConstraint("media_type IN ('image/jpeg', 'image/png')", name="media_known"),
    )
    id: Mapped[Id]
    inspection_id: Mapped[int] = mapped_column(ForeignKey("parcel_inspection.id"))
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]


class InspectionDraw(Tenanted, Base):
    """Each parcel is drawn once: whether the random rule took it, and by which share, seed and day."""

    __tablename__ = "inspection_draw"
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"), primary_key=True)
    is_taken: Mapped[bool]
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)
    drawn_at: Mapped[Instant]
