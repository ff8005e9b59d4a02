"""Lanes with their devices, the vehicle register, the blacklist and the dated weight tolerances."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wms.customs.tables import DIRECTIONS
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

LANE_KINDS = ("goods", "passenger", "temporary")
BARRIER_STATES = ("closed", "opening", "open", "closing", "fault", "unknown")
VEHICLE_KINDS = ("goods", "passenger")


class Lane(Tenanted, Base):
    """A lane of a gate. ``stage`` 0 is a single gate, 1 and 2 are the gates of a double gate.

    Its devices name it in the device register (``code``); ``barrier_device`` is the one that commands go to.
    """

    __tablename__ = "lane"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        one_of("direction", DIRECTIONS),
        one_of("kind", LANE_KINDS),
        CheckConstraint("stage BETWEEN 0 AND 2", name="stage_known"),
        CheckConstraint("decide_within_ms BETWEEN 500 AND 60000", name="decide_within"),
        CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,10}$'", name="code_shape"),
        UniqueConstraint("tenant_id", "barrier_device"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]  # CHNL_NO
    name_zh: Mapped[str]
    name_en: Mapped[str]
    direction: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="goods")
    stage: Mapped[int] = mapped_column(server_default="0")
    is_open: Mapped[bool] = mapped_column(server_default=text("true"))
    needs_container: Mapped[bool] = mapped_column(server_default=text("false"))
    needs_weight: Mapped[bool] = mapped_column(server_default=text("true"))
    needs_tag: Mapped[bool] = mapped_column(server_default=text("false"))
    needs_customs_answer: Mapped[bool] = mapped_column(server_default=text("false"))
    has_loops: Mapped[bool] = mapped_column(server_default=text("true"))
    decide_within_ms: Mapped[int] = mapped_column(server_default="8000")
    gap_ms: Mapped[int] = mapped_column(server_default="20000")
    scale_division_g: Mapped[int] = mapped_column(BigInteger, server_default="20000")
    barrier_device: Mapped[str | None]


class LaneState(Tenanted, Base):
    """What the lane's sensors last said. The barrier's state comes from its limit switches, never from a command."""

    __tablename__ = "lane_state"
    __table_args__ = (one_of("barrier", BARRIER_STATES),)
    lane_id: Mapped[int] = mapped_column(ForeignKey("lane.id"), primary_key=True)
    barrier: Mapped[str] = mapped_column(server_default="unknown")
    barrier_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_linked: Mapped[bool] = mapped_column(server_default=text("false"))
    scale_was_zero: Mapped[bool] = mapped_column(server_default=text("true"))  # since the last frozen weight
    passage_id: Mapped[int | None] = mapped_column(BigInteger)
    from_exit_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # the exit of the empty lane


class LaneRule(Tenanted, Base):
    """Parameters of a lane from an instant on, with their source; never edited. Before the first row the lane's own."""

    __tablename__ = "lane_rule"
    __table_args__ = (
        UniqueConstraint("lane_id", "valid_from_at"),
        CheckConstraint("decide_within_ms BETWEEN 500 AND 60000", name="decide_within"),
        CheckConstraint("customs_within_ms BETWEEN 500 AND 60000", name="customs_within"),
        CheckConstraint("gap_ms > 0 AND settle_ms > 0 AND stable_ms > 0", name="spans_positive"),
        CheckConstraint("scale_division_g > 0 AND tag_margin_cdb >= 0", name="limits_positive"),
        CheckConstraint(
            "min_confidence_permille BETWEEN 1 AND 1000 AND sure_permille BETWEEN 1 AND 1000", name="permille"
        ),
        CheckConstraint("length(btrim(source)) > 0", name="has_source"),
    )
    id: Mapped[Id]
    lane_id: Mapped[int] = mapped_column(ForeignKey("lane.id"))
    valid_from_at: Mapped[Instant]
    needs_container: Mapped[bool]
    needs_weight: Mapped[bool]
    needs_tag: Mapped[bool]
    needs_seal: Mapped[bool]
    needs_customs_answer: Mapped[bool]
    decide_within_ms: Mapped[int]
    customs_within_ms: Mapped[int]
    gap_ms: Mapped[int]
    settle_ms: Mapped[int]
    stable_ms: Mapped[int]
    scale_division_g: Mapped[int] = mapped_column(BigInteger)
    tag_antennas: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    tag_margin_cdb: Mapped[int]
    min_confidence_permille: Mapped[int]
    sure_permille: Mapped[int]
    source: Mapped[str]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class Vehicle(Tenanted, Base):
    """The register of vehicles that customs knows. ``tag`` is the number of the e-plate (电子车牌)."""

    __tablename__ = "vehicle"
    __table_args__ = (
        UniqueConstraint("tenant_id", "plate"),
        UniqueConstraint("tenant_id", "tag"),
        one_of("kind", VEHICLE_KINDS),
        CheckConstraint("tare_g >= 0", name="tare_positive"),
    )
    id: Mapped[Id]
    plate: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="goods")
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    tag: Mapped[str | None]
    tare_g: Mapped[int] = mapped_column(BigInteger, server_default="0")
    is_registered: Mapped[bool] = mapped_column(server_default=text("true"))
    registered_until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Blacklist(Tenanted, Base):
    """A plate that must not pass, from and until when and why."""

    __tablename__ = "blacklist"
    __table_args__ = (
        Index(None, "tenant_id", "plate"),
        CheckConstraint("length(btrim(reason)) > 0", name="has_reason"),
        CheckConstraint("(ended_by IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
    )
    id: Mapped[Id]
    plate: Mapped[str]
    reason: Mapped[str]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    from_at: Mapped[Instant]
    until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    end_reason: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]


class WeightTolerance(Tenanted, Base):
    """How far a weight may be off, dated; the row that names lane and goods class wins over one that does not."""

    __tablename__ = "weight_tolerance"
    __table_args__ = (
        CheckConstraint("share_bp BETWEEN 0 AND 10000 AND absolute_g >= 0", name="limits_positive"),
        UniqueConstraint("tenant_id", "lane_id", "goods_class", "valid_from_at", postgresql_nulls_not_distinct=True),
    )
    id: Mapped[Id]
    lane_id: Mapped[int | None] = mapped_column(ForeignKey("lane.id"))
    goods_class: Mapped[str | None]
    share_bp: Mapped[int] = mapped_column(server_default="500")
    absolute_g: Mapped[Qty] = mapped_column(BigInteger, server_default="100000")
    unweighed_may_pass: Mapped[bool] = mapped_column(server_default=text("false"))
    source: Mapped[str] = mapped_column(server_default="")
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    valid_from_at: Mapped[Instant]
    valid_until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
