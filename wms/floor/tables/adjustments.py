"""Adjustments of stock by document: who asked, why, and who agreed where the limit asks for a second person."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables.scans  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

ADJUSTMENT_STATES = ("waiting", "posted", "rejected")


class Adjustment(Tenanted, Base):
    """A document that raises or lowers stock. ``document_no`` is the paper's own number: it can be booked once."""

    __tablename__ = "adjustment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "adjustment_no"),
        UniqueConstraint("tenant_id", "document_no"),
        one_of("state", ADJUSTMENT_STATES),
        CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="approver_not_requester"),
        CheckConstraint("(state = 'posted') = (posting_id IS NOT NULL)", name="posted_has_posting"),
        CheckConstraint("state <> 'rejected' OR decided_at IS NOT NULL", name="rejected_has_time"),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    adjustment_no: Mapped[str]
    document_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    state: Mapped[str] = mapped_column(server_default="waiting")
    reason_code: Mapped[str]
    note: Mapped[str | None]
    qty: Mapped[Qty]
    value_minor: Mapped[int] = mapped_column(BigInteger)
    event_at: Mapped[Instant]
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    recorded_at: Mapped[RecordedAt]


class AdjustmentLine(Tenanted, Base):
    """By how much one account is raised (``qty`` > 0) or lowered, in base units."""

    __tablename__ = "adjustment_line"
    __table_args__ = (UniqueConstraint("adjustment_id", "line_no"), CheckConstraint("qty <> 0", name="qty_not_zero"))
    id: Mapped[Id]
    adjustment_id: Mapped[int] = mapped_column(ForeignKey("adjustment.id"))
    line_no: Mapped[int]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
