"""Consignments, their pieces, bookings, legs, milestones, and what accepted plans have taken of each departure."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, Minor, RecordedAt, Tenanted
from wms.freight.rules import EVENTS, KINDS, MODES, STATES
from wms.freight.rules.milestones import SOURCES
from wms.parties.tables import TEMPERATURE_CLASSES, one_of


class Consignment(Tenanted, Base):
    """Goods of one owner that travel together, whole. ``version`` grows with each change that a plan must know of."""

    __tablename__ = "consignment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "consignment_no"),
        one_of("state", STATES),
        one_of("temperature_class", TEMPERATURE_CLASSES),
        CheckConstraint("volume_cm3 >= 0 AND weight_g >= 0 AND value_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("due_at > ready_at", name="due_after_ready"),
        CheckConstraint("latest_at >= due_at", name="latest_after_due"),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority_range"),
        Index(None, "tenant_id", "state"),
        Index(None, "owner_id"),
        Index(None, "forwarder_id"),
    )
    id: Mapped[Id]
    consignment_no: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    forwarder_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    goods_name: Mapped[str] = mapped_column(server_default="")
    origin: Mapped[str]
    destination: Mapped[str]
    trade_mode: Mapped[str]
    temperature_class: Mapped[str] = mapped_column(server_default="ambient")
    dangerous_class: Mapped[str] = mapped_column(server_default="none")
    volume_cm3: Mapped[int] = mapped_column(BigInteger)
    weight_g: Mapped[int] = mapped_column(BigInteger)
    value_minor: Mapped[Minor]
    currency: Mapped[str] = mapped_column(server_default="CNY")
    ready_at: Mapped[Instant]
    due_at: Mapped[Instant]
    latest_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    must_go: Mapped[bool] = mapped_column(server_default=text("false"))
    priority: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="open")
    version: Mapped[int] = mapped_column(server_default="1")
    recorded_at: Mapped[RecordedAt]


class ConsignmentPiece(Tenanted, Base):
    """``count`` equal pieces of a consignment with their outer sides; ``weight_g`` is that of one."""

    __tablename__ = "consignment_piece"
    __table_args__ = (
        CheckConstraint(
            "count > 0 AND length_mm > 0 AND width_mm > 0 AND height_mm > 0 AND weight_g > 0", name="sizes_positive"
        ),
    )
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    length_mm: Mapped[int]
    width_mm: Mapped[int]
    height_mm: Mapped[int]
    weight_g: Mapped[int] = mapped_column(BigInteger)


class TransportBooking(Tenanted, Base):
    """A consignment booked: in which box of which plan, what it costs its owner. Appended when a plan is accepted; it
    ends when another plan takes that one's place.
    """

    __tablename__ = "transport_booking"
    __table_args__ = (
        Index(
            "uq_transport_booking_live", "tenant_id", "consignment_id", unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "consignment_id"),
        Index(None, "plan_id"),
    )  # fmt: skip
    id: Mapped[Id]
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"))
    plan_id: Mapped[int] = mapped_column(BigInteger)
    box_no: Mapped[str]
    equipment: Mapped[str]
    segment: Mapped[str]
    share_minor: Mapped[Minor]
    total_minor: Mapped[Minor]
    currency: Mapped[str] = mapped_column(server_default="CNY")
    recorded_at: Mapped[RecordedAt]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by_plan_id: Mapped[int | None] = mapped_column(BigInteger)


class TransportLeg(Tenanted, Base):
    """One departure of a booking, in order."""

    __tablename__ = "transport_leg"
    __table_args__ = (one_of("mode", MODES), Index(None, "departure"))
    booking_id: Mapped[int] = mapped_column(ForeignKey("transport_booking.id"), primary_key=True)
    leg_no: Mapped[int] = mapped_column(primary_key=True)
    departure: Mapped[str]
    service: Mapped[str]
    mode: Mapped[str]
    origin: Mapped[str]
    destination: Mapped[str]
    depart_at: Mapped[Instant]
    arrive_at: Mapped[Instant]


class Milestone(Tenanted, Base):
    """When something was planned (PLN), is expected (EST), was asked for (REQ) or happened (ACT). Never edited."""

    __tablename__ = "milestone"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("event", EVENTS),
        one_of("source", SOURCES),
        Index(None, "consignment_id"),
    )
    id: Mapped[Id]
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"))
    leg_no: Mapped[int | None]
    event: Mapped[str]
    kind: Mapped[str]
    place: Mapped[str]
    event_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    source: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class AllotmentUse(Tenanted, Base):
    """What an accepted plan has taken of our allotment on a departure, in TEU or kg, until it gives it back."""

    __tablename__ = "allotment_use"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"), one_of("unit", ("teu", "kg")))
    plan_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    departure: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    given_back_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
