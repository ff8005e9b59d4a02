"""The firm's trucks, plans of rounds from request to acceptance, what a plan does with each order, rounds driven."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables
import wms.freight.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Minor, RecordedAt, Tenanted

STATES = ("queued", "running", "solved", "infeasible", "failed", "accepted", "cancelled")
LIVE = text("booked_at IS NOT NULL AND ended_at IS NULL")


class FleetTruck(Tenanted, Base):
    """A truck with its home; hours in minutes after midnight of the day in Beijing. ``company_id``: whose it is; empty:
    the operator's. Withdrawn ones stay, with who and why.
    """

    __tablename__ = "fleet_truck"
    __table_args__ = (
        CheckConstraint("payload_g > 0 AND volume_cm3 > 0", name="holds_something"),
        CheckConstraint("start_min >= 0 AND start_min < end_min AND end_min <= 1440", name="hours_in_order"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_reason IS NULL)", name="withdrawn_with_reason"),
        Index(
            "uq_fleet_truck_plate", "tenant_id", "plate", unique=True, postgresql_where=text("withdrawn_at IS NULL")
        ),
    )  # fmt: skip
    id: Mapped[Id]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    plate: Mapped[str]
    kind: Mapped[str]
    depot: Mapped[str]
    payload_g: Mapped[int] = mapped_column(BigInteger)
    volume_cm3: Mapped[int] = mapped_column(BigInteger)
    pallets: Mapped[int | None]
    fixed_minor: Mapped[Minor]
    km_minor: Mapped[Minor]
    hour_minor: Mapped[Minor]
    speed_km_h: Mapped[int]
    start_min: Mapped[int]
    end_min: Mapped[int]
    shift_s: Mapped[int]
    trips: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    recorded_at: Mapped[RecordedAt]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_reason: Mapped[str | None]


class RoundPlan(Tenanted, Base):
    """Rounds of one day from request to acceptance. ``problem`` is frozen with the request.

    ``orders``: what was asked for, one entry an order (before places were united); ``fleet``: kind → its trucks.
    """

    __tablename__ = "round_plan"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="state_known"),
        CheckConstraint("source IN ('desk', 'upload')", name="source_known"),
        CheckConstraint("bound_minor <= cost_minor", name="bound_below_cost"),
        Index(None, "tenant_id", "requested_at"),
    )
    id: Mapped[Id]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[RecordedAt]
    name: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="queued")
    source: Mapped[str]
    mode: Mapped[str]
    hub: Mapped[str]
    day_on: Mapped[date]
    seconds_limit: Mapped[int]
    work_limit: Mapped[int | None]
    seed: Mapped[int] = mapped_column(BigInteger)
    snapshot_sha256: Mapped[str]
    problem: Mapped[dict[str, Any]] = mapped_column(JSONB)
    orders: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    fleet: Mapped[dict[str, Any]] = mapped_column(JSONB)
    document: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    fault: Mapped[str | None]
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    bound_minor: Mapped[int | None] = mapped_column(BigInteger)
    gap_ppm: Mapped[int | None]
    alone_minor: Mapped[int | None] = mapped_column(BigInteger)
    rounds: Mapped[int | None]
    unserved: Mapped[int | None]
    solver: Mapped[str | None]
    elapsed_ms: Mapped[int | None]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cancel_reason: Mapped[str | None]


class RoundOrder(Tenanted, Base):
    """What a plan does with one order: the round that serves it, when and at which share, or why it is left out.

    A consignment and an outbound order of the books is on one live round at most.
    """

    __tablename__ = "round_order"
    __table_args__ = (
        CheckConstraint("(round_no IS NULL) = (reason IS NOT NULL)", name="served_or_reason"),
        Index(
            "uq_round_order_consignment", "tenant_id", "consignment_id", "kind", unique=True, postgresql_where=LIVE
        ),
        Index("uq_round_order_order", "tenant_id", "order_id", unique=True, postgresql_where=LIVE),
    )  # fmt: skip
    plan_id: Mapped[int] = mapped_column(ForeignKey("round_plan.id"), primary_key=True)
    order_no: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    consignment_id: Mapped[int | None] = mapped_column(ForeignKey("consignment.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_order.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    forwarder_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    owner: Mapped[str]
    round_no: Mapped[str | None]
    plate: Mapped[str | None]
    place: Mapped[str]
    arrive_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    leave_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    share_minor: Mapped[int | None] = mapped_column(BigInteger)
    alone_minor: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None]
    values: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    booked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RoundTruck(Tenanted, Base):
    """A round that a truck drives, from acceptance to its cancellation. A truck drives one live round a day."""

    __tablename__ = "round_truck"
    __table_args__ = (
        Index(
            "uq_round_truck_day", "tenant_id", "truck_id", "day_on", unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip
    plan_id: Mapped[int] = mapped_column(ForeignKey("round_plan.id"), primary_key=True)
    round_no: Mapped[str] = mapped_column(primary_key=True)
    truck_id: Mapped[int | None] = mapped_column(ForeignKey("fleet_truck.id"))
    plate: Mapped[str]
    day_on: Mapped[date]
    leave_at: Mapped[Instant]
    back_at: Mapped[Instant]
    booked_at: Mapped[Instant]
    booked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    end_reason: Mapped[str | None]
