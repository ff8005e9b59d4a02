"""Goods under customs' supervision on their way between two customs districts (转关)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.books  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

TRANSIT_STATES = ("applied", "approved", "arrived", "void")


class CustomsTransit(Tenanted, Base):
    """A transit declaration: the goods of one list, sealed, on one vehicle, to another customs office by a time."""

    __tablename__ = "customs_transit"
    __table_args__ = (
        UniqueConstraint("tenant_id", "internal_no"),
        UniqueConstraint("tenant_id", "transit_no"),
        one_of("state", TRANSIT_STATES),
        CheckConstraint("office_from ~ '^[0-9]{4}$' AND office_to ~ '^[0-9]{4}$'", name="offices_shape"),
        CheckConstraint("office_from <> office_to", name="changes_office"),
        CheckConstraint("state NOT IN ('approved', 'arrived') OR transit_no IS NOT NULL", name="numbered"),
        CheckConstraint("(state = 'arrived') = (arrived_at IS NOT NULL)", name="arrived_has_time"),
        Index(
            "uq_customs_transit_living", "verification_list_id", unique=True,
            postgresql_where=text("state <> 'void'"),
        ),
    )  # fmt: skip
    id: Mapped[Id]
    internal_no: Mapped[str]
    transit_no: Mapped[str | None]  # 转关单号
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    verification_list_id: Mapped[int] = mapped_column(ForeignKey("verification_list.id"))
    office_from: Mapped[str]
    office_to: Mapped[str]
    vehicle_plate: Mapped[str]
    seal_no: Mapped[str]
    due_at: Mapped[Instant]
    state: Mapped[str] = mapped_column(server_default="applied")
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    arrived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    arrival_document: Mapped[str | None]
    reason: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]
