"""What site and carrier tell customs about parcels: taken in, arrived, consolidated, departed, delivered, tallied."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.parcels  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

NOTICE_KINDS = ("warehouse_in", "arrival", "master_list", "departure", "delivery", "tally")
NOTICE_STATES = ("told", "stored", "approved", "refused")


class ParcelNotice(Tenanted, Base):
    """A notice (CEB711, 507, 607, 509, 513, 215). ``number`` is ours, of a delivery carrier and waybill.

    ``status`` is the last receipt code that moved it; ``head`` what its message says besides. One that customs refused
    may be told again.
    """

    __tablename__ = "parcel_notice"
    __table_args__ = (
        one_of("kind", NOTICE_KINDS),
        one_of("state", NOTICE_STATES),
        CheckConstraint("(kind = 'tally') = (request_id IS NOT NULL)", name="tally_of_request"),
        CheckConstraint("(state IN ('approved', 'refused')) = (decided_at IS NOT NULL)", name="decided_has_time"),
        Index(None, "tenant_id", "kind", "number"),
        Index(None, "request_id"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    number: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="told")
    status: Mapped[str | None]
    info: Mapped[str | None]  # returnInfo of the receipt that moved it last
    pre_no: Mapped[str | None]
    carrier_code: Mapped[str]
    head: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("parcel_request.id"))
    told_at: Mapped[Instant]
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class ParcelNoticeLine(Tenanted, Base):
    """A waybill in a notice; its declaration where there is one by then."""

    __tablename__ = "parcel_notice_line"
    __table_args__ = (
        UniqueConstraint("notice_id", "waybill_no"),
        Index(None, "declaration_id"),
        Index(None, "tenant_id", "waybill_no"),
    )
    notice_id: Mapped[int] = mapped_column(ForeignKey("parcel_notice.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)  # gnum
    waybill_no: Mapped[str]
    declaration_id: Mapped[int | None] = mapped_column(ForeignKey("parcel_declaration.id"))
