"""Pick faces with their limits, and the replenishments that fill them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables.scans  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

REPLENISHMENT_STATES = ("open", "done", "void")
REPLENISHMENT_REASONS = ("min", "demand")


class PickFace(Tenanted, Base):
    """A place from which an item is picked: below ``min_qty`` it is filled up to ``max_qty``, in whole multiples."""

    __tablename__ = "pick_face"
    __table_args__ = (
        UniqueConstraint("location_id", "trade_item_id"),
        CheckConstraint("0 <= min_qty AND min_qty < max_qty", name="min_below_max"),
        CheckConstraint("multiple_qty > 0", name="multiple_positive"),
        Index(None, "trade_item_id"),
    )
    id: Mapped[Id]
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    min_qty: Mapped[Qty]
    max_qty: Mapped[Qty]
    multiple_qty: Mapped[int] = mapped_column(BigInteger, server_default="1")


class Replenishment(Tenanted, Base):
    """Goods on their way to a pick face; at most one stands open for each."""

    __tablename__ = "replenishment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "replenishment_no"),
        one_of("state", REPLENISHMENT_STATES),
        one_of("reason", REPLENISHMENT_REASONS),
        Index("uq_replenishment_open", "pick_face_id", unique=True, postgresql_where=text("state = 'open'")),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    replenishment_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    pick_face_id: Mapped[int] = mapped_column(ForeignKey("pick_face.id"))
    reason: Mapped[str]
    needed_qty: Mapped[Qty]
    state: Mapped[str] = mapped_column(server_default="open")
    source_doc: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]


class ReplenishmentLine(Tenanted, Base):
    """A part of it out of one account, which is reserved for it."""

    __tablename__ = "replenishment_line"
    __table_args__ = (
        one_of("state", REPLENISHMENT_STATES),
        CheckConstraint("qty > 0 AND done_qty BETWEEN 0 AND qty", name="done_within_qty"),
        Index(None, "replenishment_id"),
    )
    id: Mapped[Id]
    replenishment_id: Mapped[int] = mapped_column(ForeignKey("replenishment.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservation.id"))
    qty: Mapped[Qty]
    done_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str] = mapped_column(server_default="open")


class ReplenishmentMove(Tenanted, Base):
    """What one scan carried to the pick face."""

    __tablename__ = "replenishment_move"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty_positive"),
        Index(None, "line_id"),
        Index(None, "posting_id"),
    )
    id: Mapped[Id]
    line_id: Mapped[int] = mapped_column(ForeignKey("replenishment_line.id"))
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    qty: Mapped[Qty]
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
