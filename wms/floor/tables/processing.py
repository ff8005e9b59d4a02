"""Kits, de-kitting and simple processing: bills of components, orders, and what each completion used and made."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

BILL_KINDS = ("kit", "dekit", "process")
DIRECTIONS = ("in", "out")
USE_KINDS = ("used", "waste", "made")
PROCESSING_STATES = ("open", "done", "cancelled")


class Bill(Tenanted, Base):
    """What goes into one batch and what comes out of it, from a day on; a change is a new version."""

    __tablename__ = "bill"
    __table_args__ = (
        UniqueConstraint("tenant_id", "bill_no", "version"),
        one_of("kind", BILL_KINDS),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint("valid_until_on >= valid_from_on", name="days_in_order"),
    )
    id: Mapped[Id]
    bill_no: Mapped[str]
    version: Mapped[int]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str]
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None]
    recorded_at: Mapped[RecordedAt]


class BillLine(Tenanted, Base):
    """An item of a batch. ``waste_per_mille`` of it may be spoilt beyond ``qty`` without a supervisor."""

    __tablename__ = "bill_line"
    __table_args__ = (
        UniqueConstraint("bill_id", "direction", "trade_item_id"),
        one_of("direction", DIRECTIONS),
        CheckConstraint("qty > 0 AND waste_per_mille BETWEEN 0 AND 1000", name="figures_plausible"),
    )
    id: Mapped[Id]
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"))
    direction: Mapped[str]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    qty: Mapped[Qty]
    waste_per_mille: Mapped[int] = mapped_column(server_default="0")


class ProcessingOrder(Tenanted, Base):
    """So many batches of a bill at a work place. ``filing_no``: the business filing (业务申报表) of bonded goods."""

    __tablename__ = "processing_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "order_no"),
        one_of("state", PROCESSING_STATES),
        CheckConstraint("planned > 0 AND done BETWEEN 0 AND planned", name="done_within_planned"),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    order_no: Mapped[str]
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    planned: Mapped[Qty]
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str] = mapped_column(server_default="open")
    filing_no: Mapped[str | None]
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class ProcessingIssue(Tenanted, Base):
    """Bonded goods that were taken into process (account kind in_process) for an order."""

    __tablename__ = "processing_issue"
    __table_args__ = (
        CheckConstraint("qty > 0 AND used_qty BETWEEN 0 AND qty", name="used_within_qty"),
        Index(None, "order_id"),
    )
    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("processing_order.id"))
    from_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
    used_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    recorded_at: Mapped[RecordedAt]


class ProcessingCompletion(Tenanted, Base):
    """Batches that were finished: one posting that consumes and produces."""

    __tablename__ = "processing_completion"
    __table_args__ = (CheckConstraint("batches > 0", name="batches_positive"), Index(None, "order_id"))
    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("processing_order.id"))
    batches: Mapped[Qty]
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class ProcessingUse(Tenanted, Base):
    """Genealogy: which lots a completion used, spoilt and made; every used lot went into every made one."""

    __tablename__ = "processing_use"
    __table_args__ = (
        one_of("kind", USE_KINDS),
        CheckConstraint("qty > 0", name="qty_positive"),
        Index(None, "completion_id"),
        Index(None, "lot_id"),
    )
    id: Mapped[Id]
    completion_id: Mapped[int] = mapped_column(ForeignKey("processing_completion.id"))
    kind: Mapped[str]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
