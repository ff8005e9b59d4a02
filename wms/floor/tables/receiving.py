"""Advance notices, receipts and their differences, put-away.

What stands in these tables explains the ledger; stock itself is counted in the ledger alone. Quantities are base units.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables
import wms.floor.tables.scans  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of
from wms.stock.tables import QUALITY_STATUSES

NOTICE_KINDS = ("announced", "blind")
NOTICE_STATES = ("open", "receiving", "received", "cancelled")
DIFFERENCE_KINDS = ("over", "short", "damaged", "wrong_item", "wrong_lot", "expired")
PUT_AWAY_STATES = ("open", "done", "void")


class AdvanceNotice(Tenanted, Base):
    """What a supplier or declarant says will arrive, for whom, where and under which customs documents.

    A receipt of kind "blind" was announced by nobody: goods arrived, with a delivery note at most. ``is_blind``: who
    counts does not see how many are expected.
    """

    __tablename__ = "advance_notice"
    __table_args__ = (
        UniqueConstraint("tenant_id", "notice_no"),
        one_of("state", NOTICE_STATES),
        one_of("kind", NOTICE_KINDS),
        CheckConstraint("kind <> 'blind' OR verification_list_id IS NULL", name="blind_is_ordinary"),
        CheckConstraint("trade_mode ~ '^[0-9]{4}$'", name="trade_mode_shape"),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    notice_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_mode: Mapped[str]
    verification_list_id: Mapped[int | None] = mapped_column(ForeignKey("verification_list.id"))
    state: Mapped[str] = mapped_column(server_default="open")
    expected_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(server_default="announced")
    is_blind: Mapped[bool] = mapped_column(server_default=text("false"))
    delivery_no: Mapped[str | None]
    supplier: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]


class NoticeLine(Tenanted, Base):
    """Goods announced: an item, how many base units, and where known their lot, expiry and pallet label.

    ``order_line_id`` is the order that they are meant for: they go to staging and not to a bin.
    """

    __tablename__ = "notice_line"
    __table_args__ = (
        UniqueConstraint("notice_id", "line_no"),
        CheckConstraint("expected_qty > 0", name="expected_positive"),
        CheckConstraint("weight_g > 0", name="weight_positive"),
        CheckConstraint("sscc ~ '^[0-9]{18}$'", name="sscc_digits"),
        Index(None, "tenant_id", "sscc"),
    )
    id: Mapped[Id]
    notice_id: Mapped[int] = mapped_column(ForeignKey("advance_notice.id"))
    line_no: Mapped[int]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    expected_qty: Mapped[Qty]
    lot_no: Mapped[str | None]
    expires_on: Mapped[date | None]
    sscc: Mapped[str | None]
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"))
    verification_line_id: Mapped[int | None] = mapped_column(ForeignKey("verification_line.id"))


class ReceiptLine(Tenanted, Base):
    """Goods counted in by one scan, or by a list, and the posting that says so. Undone lines stay, marked as such."""

    __tablename__ = "receipt_line"
    __table_args__ = (
        one_of("quality_status", QUALITY_STATUSES),
        CheckConstraint("qty > 0", name="qty_positive"),
        Index(None, "notice_id"),
        # Two clerks, one pallet: the second cannot count it in again. A mixed pallet has a line for each item and lot.
        Index(
            "uq_receipt_line_standing",
            "notice_id",
            "handling_unit_id",
            "trade_item_id",
            "lot_id",
            unique=True,
            postgresql_where=text("handling_unit_id IS NOT NULL AND undone_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    id: Mapped[Id]
    notice_id: Mapped[int] = mapped_column(ForeignKey("advance_notice.id"))
    notice_line_id: Mapped[int | None] = mapped_column(ForeignKey("notice_line.id"))
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    quality_status: Mapped[str]
    qty: Mapped[Qty]
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    received_at: Mapped[Instant]
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Difference(Tenanted, Base):
    """What a closed receipt found otherwise than announced: recorded, never refused. ``qty`` is signed, base units."""

    __tablename__ = "difference"
    __table_args__ = (one_of("kind", DIFFERENCE_KINDS), Index(None, "notice_id"))
    id: Mapped[Id]
    notice_id: Mapped[int] = mapped_column(ForeignKey("advance_notice.id"))
    notice_line_id: Mapped[int | None] = mapped_column(ForeignKey("notice_line.id"))
    kind: Mapped[str]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_no: Mapped[str | None]
    expected_qty: Mapped[Qty]
    found_qty: Mapped[Qty]
    qty: Mapped[Qty]
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    recorded_at: Mapped[RecordedAt]


class PutAwayTask(Tenanted, Base):
    """Goods at a dock that want a place. It names goods, not an account: booking a list changes their hold meanwhile.

    ``is_blocked`` goods (damaged, expired, in quarantine) go to a place of their own kind.
    """

    __tablename__ = "put_away_task"
    __table_args__ = (
        one_of("state", PUT_AWAY_STATES),
        CheckConstraint("qty > 0 AND done_qty BETWEEN 0 AND qty", name="done_within_qty"),
        Index(
            "uq_put_away_task_open",
            "from_location_id",
            "trade_item_id",
            "lot_id",
            "handling_unit_id",
            "is_blocked",
            unique=True,
            postgresql_where=text("state = 'open'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    from_location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    is_blocked: Mapped[bool] = mapped_column(server_default=text("false"))
    qty: Mapped[Qty]
    done_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str] = mapped_column(server_default="open")
    recorded_at: Mapped[RecordedAt]


class PutAway(Tenanted, Base):
    """One move of a task's goods to a place; where which strategy wanted it to go, and why it went elsewhere."""

    __tablename__ = "put_away"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint(
            "suggested_location_id IS NULL OR suggested_location_id = location_id OR override_reason IS NOT NULL",
            name="override_has_reason",
        ),
        Index(None, "task_id"),
    )
    id: Mapped[Id]
    task_id: Mapped[int] = mapped_column(ForeignKey("put_away_task.id"))
    scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    suggested_location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    strategy: Mapped[str | None]
    override_reason: Mapped[str | None]
    qty: Mapped[Qty]
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    put_at: Mapped[Instant]
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
