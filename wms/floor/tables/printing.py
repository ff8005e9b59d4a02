"""Printers, and what waits to be printed. The bytes are made when printing is asked for: paper says what was true."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

import wms.parties.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, RecordedAt, Tenanted
from wms.parties.tables import one_of

PRINTER_KINDS = ("zpl", "pdf")
PRINT_STATES = ("queued", "printed", "failed")


class Printer(Tenanted, Base):
    """A printer that takes its language on a raw socket (port 9100). ``dots_per_mm``: 8 is 203 dpi, 12 is 300 dpi."""

    __tablename__ = "printer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        one_of("kind", PRINTER_KINDS),
        CheckConstraint("port BETWEEN 1 AND 65535", name="port_range"),
        CheckConstraint("dots_per_mm IN (6, 8, 12, 24)", name="dots_known"),
    )
    id: Mapped[Id]
    name: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    host: Mapped[str]
    port: Mapped[int] = mapped_column(server_default="9100")
    dots_per_mm: Mapped[int] = mapped_column(server_default="8")
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))


class PrintJob(Tenanted, Base):
    """A document for a printer: queued, printed, or failed after the last try."""

    __tablename__ = "print_job"
    __table_args__ = (
        one_of("state", PRINT_STATES),
        CheckConstraint("(state = 'printed') = (printed_at IS NOT NULL)", name="printed_has_time"),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        Index(None, "tenant_id", "printer_id", "id"),
    )
    id: Mapped[Id]
    printer_id: Mapped[int] = mapped_column(ForeignKey("printer.id"))
    title: Mapped[str]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary, nullable=False))
    state: Mapped[str] = mapped_column(server_default="queued")
    tries: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    printed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
