"""Scans as received with the answer each got, and what a scanning device is in the middle of."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

OUTCOMES = ("ok", "warn", "stop")
JOBS = ("receive", "put_away", "move", "pick", "pack", "sort", "load", "count", "return", "units")


class Scan(Tenanted, Base):
    """One scan as received, and the answer it got. Applied once: key, and device + boot + sequence, are unique (I7)."""

    __tablename__ = "scan"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        UniqueConstraint("tenant_id", "device", "boot", "seq"),
        one_of("outcome", OUTCOMES),
        CheckConstraint("seq >= 0", name="seq_not_negative"),
        CheckConstraint("length(code) <= 500 AND length(key) <= 255", name="lengths"),
        Index(None, "tenant_id", "device", "id"),
    )
    id: Mapped[Id]
    key: Mapped[str]
    device: Mapped[str]
    boot: Mapped[str]
    seq: Mapped[int] = mapped_column(BigInteger)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    code: Mapped[str]
    symbology: Mapped[str | None]
    job: Mapped[str]
    occurred_at: Mapped[Instant]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class ScanContext(Tenanted, Base):
    """What a device is in the middle of: the place and the goods it named last, and what it still has to say."""

    __tablename__ = "scan_context"
    __table_args__ = (one_of("job", JOBS),)
    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default=text("app_tenant()"))
    device: Mapped[str] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("advance_notice.id"))
    document_no: Mapped[str | None]
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    next_qty: Mapped[int | None] = mapped_column(BigInteger)
    is_damaged: Mapped[bool] = mapped_column(server_default=text("false"))
    pending: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    changed_at: Mapped[Instant] = mapped_column(server_default=text("now()"))
