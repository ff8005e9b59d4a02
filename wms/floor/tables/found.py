"""Goods that nobody can name: where each was found, where it stands, who decides, and what became of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

FOUND_STATES = ("open", "received", "returned", "to_destroy", "destroyed")


class FoundGoods(Tenanted, Base):
    """Goods found without label or notice. They are no stock: nothing here is an account of the ledger.

    ``pieces`` is what was counted by eye. ``responsible_id`` decides until ``decide_by_on``. Received, they became
    stock by a receipt (``posting_id``); returned or destroyed they left as what they were.
    """

    __tablename__ = "found_goods"
    __table_args__ = (
        UniqueConstraint("tenant_id", "found_no"),
        one_of("state", FOUND_STATES),
        CheckConstraint("pieces > 0", name="pieces_positive"),
        CheckConstraint("length(btrim(description)) >= 3", name="is_described"),
        CheckConstraint("(state = 'received') = (posting_id IS NOT NULL)", name="received_has_posting"),
        CheckConstraint("state <> 'returned' OR handed_to IS NOT NULL", name="returned_to_somebody"),
        CheckConstraint(
            "state <> 'destroyed' OR (witness_one IS NOT NULL AND witness_two IS NOT NULL"
            " AND certificate_hash IS NOT NULL)",
            name="destroyed_under_witness",
        ),
        CheckConstraint(
            "witness_one <> witness_two AND witness_one <> decided_by AND witness_two <> decided_by",
            name="three_people",
        ),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_has_time"),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    found_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    description: Mapped[str]
    pieces: Mapped[int]
    note: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="open")
    found_at: Mapped[Instant]
    found_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decide_by_on: Mapped[date]
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None]
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("advance_notice.id"))
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    handed_to: Mapped[str | None]
    document_no: Mapped[str | None]
    method: Mapped[str | None]
    witness_one: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    witness_two: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    certificate: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    certificate_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class FoundPhoto(Tenanted, Base):
    """A picture of found goods, named by its content."""

    __tablename__ = "found_photo"
    __table_args__ = (
        UniqueConstraint("found_goods_id", "sha256"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_shape"),
        one_of("media_type", ("image/jpeg", "image/png", "image/webp")),
    )
    id: Mapped[Id]
    found_goods_id: Mapped[int] = mapped_column(ForeignKey("found_goods.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
