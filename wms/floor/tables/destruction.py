"""Quarantine and destruction: goods set aside, and goods destroyed under the eyes of two witnesses."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of
from wms.stock.tables import QUALITY_STATUSES

QUARANTINE_STATES = ("open", "decided")
DESTRUCTION_STATES = ("requested", "approved", "destroyed", "rejected")


class Quarantine(Tenanted, Base):
    """Goods set aside in quarantine status with a reason, until somebody else decides what becomes of them."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("tenant_id", "quarantine_no"),
        one_of("state", QUARANTINE_STATES),
        one_of("decision", QUALITY_STATUSES),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("decided_by IS NULL OR decided_by <> put_by", name="decided_by_another"),
        CheckConstraint("(state = 'decided') = (decision IS NOT NULL)", name="decided_has_decision"),
    )
    id: Mapped[Id]
    quarantine_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    put_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class Destruction(Tenanted, Base):
    """A request to destroy goods, its approval, two witnesses who are not the requester, and the certificate's hash."""

    __tablename__ = "destruction"
    __table_args__ = (
        UniqueConstraint("tenant_id", "destruction_no"),
        one_of("state", DESTRUCTION_STATES),
        CheckConstraint("approved_by IS NULL OR approved_by <> requested_by", name="approver_not_requester"),
        CheckConstraint(
            "witness_one IS DISTINCT FROM requested_by OR witness_one IS NULL", name="first_witness_not_requester"
        ),
        CheckConstraint(
            "witness_two IS DISTINCT FROM requested_by OR witness_two IS NULL", name="second_witness_not_requester"
        ),
        CheckConstraint("witness_one <> witness_two", name="two_witnesses"),
        CheckConstraint(
            "state <> 'destroyed' OR (witness_one IS NOT NULL AND witness_two IS NOT NULL AND approved_by IS NOT NULL"
            " AND posting_id IS NOT NULL AND certificate_hash IS NOT NULL)",
            name="destroyed_under_witness",
        ),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    destruction_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    state: Mapped[str] = mapped_column(server_default="requested")
    reason: Mapped[str]
    method: Mapped[str]
    customs_doc_no: Mapped[str | None]
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    witness_one: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    witness_two: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    destroyed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    certificate: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    certificate_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    leaf_id: Mapped[int | None] = mapped_column(BigInteger)
    recorded_at: Mapped[RecordedAt]


class DestructionLine(Tenanted, Base):
    """Goods to be destroyed; they are reserved for it, so that nobody takes them away meanwhile."""

    __tablename__ = "destruction_line"
    __table_args__ = (CheckConstraint("qty > 0", name="qty_positive"), Index(None, "destruction_id"))
    id: Mapped[Id]
    destruction_id: Mapped[int] = mapped_column(ForeignKey("destruction.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservation.id"))
