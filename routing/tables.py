"""Stored plans: the request with its progress, the answer with its bound, boxes, assignments and who stays behind."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.freight.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Minor, RecordedAt, Tenanted

STATES = ("queued", "running", "solved", "infeasible", "failed", "accepted", "superseded")


class StoredCurve(Tenanted, Base):
    """A trade-off curve that somebody asked for: its plans (``StoredPlan.curve_id``) answer one snapshot.

    ``company_id`` as in a plan. ``seconds_limit``: of all its plans together.
    """

    __tablename__ = "plan_curve"
    __table_args__ = (CheckConstraint("seconds_limit > 0", name="seconds_positive"),)
    id: Mapped[Id]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[RecordedAt]
    seconds_limit: Mapped[int]
    weeks: Mapped[int]
    seed: Mapped[int]


class StoredPlan(Tenanted, Base):
    """A plan from request to acceptance. ``company_id``: the firm that asked for its own goods; empty: the operator,
    for all.

    ``replaces_id``: the plan that this one repairs after what ``happened`` (events, what is frozen); ``comparison``
    holds what broke, before and after. ``effort``: a limit of work in place of the seconds. ``stop_asked_at``: somebody
    wants the search to end with what there is.

    ``curve_id``: the trade-off curve that it belongs to; ``weighting``: by how much time and carbon counted more, and
    once it is made what it takes (``tradeoff.Point``).

    ``emergency``: it serves relief goods first; the places that were closed.

    ``versions`` maps consignment numbers to [id, version] at the snapshot; acceptance compares them.
    """

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="state_known"),
        CheckConstraint("bound_minor <= objective_minor", name="bound_below_objective"),
        Index(None, "tenant_id", "requested_at"),
        CheckConstraint("(curve_id IS NULL) = (weighting IS NULL)", name="curve_has_weighting"),
        Index(None, "replaces_id"),
        Index(None, "curve_id"),
    )
    id: Mapped[Id]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[RecordedAt]
    state: Mapped[str] = mapped_column(server_default="queued")
    stage: Mapped[str] = mapped_column(server_default="queued")
    progress_permille: Mapped[int] = mapped_column(server_default="0")
    seconds_limit: Mapped[int]
    weeks: Mapped[int]
    seed: Mapped[int]
    snapshot_sha256: Mapped[str | None]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    versions: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    document: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    fault: Mapped[str | None]
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    objective_minor: Mapped[int | None] = mapped_column(BigInteger)
    bound_minor: Mapped[int | None] = mapped_column(BigInteger)
    gap_ppm: Mapped[int | None]
    saving_minor: Mapped[int | None] = mapped_column(BigInteger)
    saving_permille: Mapped[int | None]
    solver: Mapped[str | None]
    elapsed_ms: Mapped[int | None]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"))
    happened: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    comparison: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    handed_over_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    curve_id: Mapped[int | None] = mapped_column(ForeignKey("plan_curve.id"))
    weighting: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    emergency: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    effort: Mapped[int | None]
    stop_asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    stop_asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class StoredProgress(Tenanted, Base):
    """What was known of a plan at a moment of its making; costs before the boxes are loaded may still rise."""

    __tablename__ = "plan_progress"
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    step_no: Mapped[int] = mapped_column(primary_key=True)
    told_at: Mapped[RecordedAt]
    stage: Mapped[str]
    permille: Mapped[int]
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    bound_minor: Mapped[int | None] = mapped_column(BigInteger)


class StoredPart(Tenanted, Base):
    """A part of a plan's work that any worker may take: written down as compressed JSON, with who has it until when.

    ``weight``: how hard it looks; ``ends_at``: when its stage shall end (empty: a limit of work). Input and answer are
    forgotten once the plan is made.
    """

    __tablename__ = "plan_part"
    __table_args__ = (CheckConstraint("state IN ('waiting', 'taken', 'done')", name="state_known"),)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    part_no: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    weight: Mapped[int] = mapped_column(BigInteger)
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    input: Mapped[bytes | None] = mapped_column(LargeBinary)
    input_sha256: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    worker: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    taken_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    fault: Mapped[str | None]


class StoredBox(Tenanted, Base):
    """One box, pallet or loose bill of a plan. Firms read the share of their own goods, not the box."""

    __tablename__ = "plan_box"
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    box_no: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    equipment: Mapped[str]
    segment: Mapped[str]
    load_class: Mapped[str]
    volume_cm3: Mapped[int] = mapped_column(BigInteger)
    weight_g: Mapped[int] = mapped_column(BigInteger)
    volume_permille: Mapped[int]
    weight_permille: Mapped[int]
    price_minor: Mapped[Minor]


class StoredAssignment(Tenanted, Base):
    """Where a consignment goes under a plan and what it costs its owner."""

    __tablename__ = "plan_assignment"
    __table_args__ = (Index(None, "consignment_id"),)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    consignment_no: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    forwarder_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    box_no: Mapped[str]
    equipment: Mapped[str]
    segment: Mapped[str]
    deliver_at: Mapped[Instant]
    late_s: Mapped[int]
    share_minor: Mapped[Minor]
    total_minor: Mapped[Minor]
    alone_minor: Mapped[Minor]


class StoredUnserved(Tenanted, Base):
    """A consignment that a plan leaves behind: the reason's code and the values of its sentence."""

    __tablename__ = "plan_unserved"
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    consignment_no: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    forwarder_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    reason: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
