"""The yard: appointments in slots with a capacity, the steps of a visit, and barriers that were opened by hand."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

APPOINTMENT_STATES = ("booked", "arrived", "cancelled", "no_show")
PURPOSES = ("deliver", "collect", "both")
STEPS = ("queue", "lane_in", "parking", "dock", "inspection", "lane_out")
OPENING_CAUSES = ("fire", "medical", "barrier_fault", "power", "maintenance", "officer_order")


class AppointmentSlot(Tenanted, Base):
    """A slot of a site that somebody has booked in; ``capacity`` is what held when its first booking was made."""

    __tablename__ = "appointment_slot"
    __table_args__ = (
        UniqueConstraint("site_id", "from_at"),
        CheckConstraint("booked BETWEEN 0 AND capacity", name="not_overbooked"),
        CheckConstraint("until_at > from_at", name="ends_after_it_begins"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    from_at: Mapped[Instant]
    until_at: Mapped[Instant]
    capacity: Mapped[int]
    booked: Mapped[int] = mapped_column(server_default="0")


class Appointment(Tenanted, Base):
    """A vehicle that a firm has announced for a slot. Its firm sees it, other firms do not."""

    __tablename__ = "appointment"
    __table_args__ = (
        one_of("state", APPOINTMENT_STATES),
        one_of("purpose", PURPOSES),
        CheckConstraint("(state = 'arrived') <= (visit_id IS NOT NULL)", name="arrived_has_visit"),
        CheckConstraint("(state = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_has_time"),
        Index("uq_appointment_of_slot", "slot_id", "plate", unique=True, postgresql_where=text("state = 'booked'")),
        Index(None, "tenant_id", "plate", postgresql_where=text("state = 'booked'")),
        Index(None, "slot_id"),
        Index(None, "visit_id"),
    )
    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    slot_id: Mapped[int] = mapped_column(ForeignKey("appointment_slot.id"))
    plate: Mapped[str]
    purpose: Mapped[str]
    reference: Mapped[str | None]  # the firm's own number: a gate pass, an order
    state: Mapped[str] = mapped_column(server_default="booked")
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    booked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    booked_at: Mapped[Instant]
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancel_reason: Mapped[str | None]


class VisitStep(Tenanted, Base):
    """Where a vehicle of a visit was, from when to when. Of one visit at most one step is open."""

    __tablename__ = "visit_step"
    __table_args__ = (
        one_of("kind", STEPS),
        CheckConstraint("until_at >= from_at", name="ends_after_it_begins"),
        Index("uq_visit_step_open", "visit_id", unique=True, postgresql_where=text("until_at IS NULL")),
        Index(None, "visit_id"),
    )
    id: Mapped[Id]
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    kind: Mapped[str]
    place: Mapped[str] = mapped_column(server_default="")
    passage_id: Mapped[int | None] = mapped_column(ForeignKey("passage.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    from_at: Mapped[Instant]
    until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class ManualOpening(Tenanted, Base):
    """A barrier that was opened by hand: by which officer, why, and what the camera saw. Never edited."""

    __tablename__ = "manual_opening"
    __table_args__ = (
        one_of("cause", OPENING_CAUSES),
        CheckConstraint("length(btrim(memo)) >= 4", name="has_memo"),
        CheckConstraint("length(btrim(picture)) > 0", name="has_picture"),
        CheckConstraint("picture_sha256 ~ '^[0-9a-f]{64}$'", name="hash_shape"),
        UniqueConstraint("alarm_id"),
    )
    id: Mapped[Id]
    lane_id: Mapped[int] = mapped_column(ForeignKey("lane.id"))
    officer_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    cause: Mapped[str]
    memo: Mapped[str]
    picture: Mapped[str]  # its address in the recorder; the picture stays there
    picture_sha256: Mapped[str | None]
    passage_id: Mapped[int | None] = mapped_column(ForeignKey("passage.id"))
    alarm_id: Mapped[int | None] = mapped_column(BigInteger)  # the opening that no command explained
    opened_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
