"""Customs documents: account books, verification lists (核注清单) and gate passes (核放单).

Quantities that customs wrote are kept as written, numeric(19,5); ledger quantities are integers of the base unit.
Field names in comments are those of INV101 and SAS121.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

DIRECTIONS = ("I", "E")
LIST_STATES = ("draft", "declared", "pre_deducted", "booked", "written_off", "returned", "deleted")
PASS_TYPES = ("1", "2", "3", "4", "5", "6")
BIND_TYPES = ("1", "2", "3")
PASS_STATES = ("draft", "applied", "approved", "passed_first", "passed", "deleted", "void")
DOCUMENT_KINDS = ("1", "2", "3")
AsWritten = Numeric(19, 5)


class AccountBook(Tenanted, Base):
    """An electronic account book (账册) of one zone enterprise; 12 characters, e.g. ``T4912W000001``."""

    __tablename__ = "account_book"
    __table_args__ = (
        UniqueConstraint("tenant_id", "book_no"),
        CheckConstraint("book_no ~ '^[A-Z][0-9]{4}[A-Z][0-9]{6}$'", name="book_no_shape"),
    )
    id: Mapped[Id]
    book_no: Mapped[str]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None]


class VerificationList(Tenanted, Base):
    """A verification list: what is added to (I) or deducted from (E) an account book."""

    __tablename__ = "verification_list"
    __table_args__ = (
        UniqueConstraint("tenant_id", "internal_no"),
        UniqueConstraint("tenant_id", "list_no"),
        one_of("direction", DIRECTIONS),
        one_of("state", LIST_STATES),
        CheckConstraint("list_no ~ '^QD[0-9]{6}[IE][0-9]{9}$'", name="list_no_shape"),
    )
    id: Mapped[Id]
    internal_no: Mapped[str]  # etpsInnerInvtNo
    list_no: Mapped[str | None]  # bondInvtNo
    account_book_id: Mapped[int] = mapped_column(ForeignKey("account_book.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    direction: Mapped[str]  # impexpMarkcd
    trade_mode: Mapped[str]  # supvModecd
    list_type: Mapped[str] = mapped_column(server_default="0")  # invtType
    state: Mapped[str] = mapped_column(server_default="draft")
    change_count: Mapped[int] = mapped_column(server_default="0")  # chgTmsCnt
    entry_no: Mapped[str | None]  # 报关单号
    declared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    pre_deducted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # prevdTime
    entry_released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    booked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # formalVrfdedTime
    recorded_at: Mapped[RecordedAt]


class VerificationLine(Tenanted, Base):
    """A line of a verification list. Invariant: ``passed_qty ≤ on_passes_qty ≤ declared_base_qty`` (customs, 1.3)."""

    __tablename__ = "verification_line"
    __table_args__ = (
        UniqueConstraint("verification_list_id", "line_no"),
        CheckConstraint("declared_qty > 0 AND declared_base_qty > 0", name="declared_positive"),
        CheckConstraint("0 <= passed_qty AND passed_qty <= on_passes_qty", name="passed_within_passes"),
        CheckConstraint("on_passes_qty <= declared_base_qty", name="passes_within_declared"),
        CheckConstraint("booked_qty BETWEEN 0 AND declared_base_qty", name="booked_within_declared"),
    )
    id: Mapped[Id]
    verification_list_id: Mapped[int] = mapped_column(ForeignKey("verification_list.id"))
    line_no: Mapped[int]  # gdsSeqno
    book_line_id: Mapped[int] = mapped_column(ForeignKey("book_line.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    declared_qty: Mapped[Decimal] = mapped_column(AsWritten)  # dclQty, in customs_unit
    customs_unit: Mapped[str]
    declared_base_qty: Mapped[Qty]
    on_passes_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")  # passportUsedQty
    passed_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")  # actlPassQty
    booked_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unit_price_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    currency: Mapped[str] = mapped_column(server_default="CNY")


class GatePass(Tenanted, Base):
    """A gate pass: lets one vehicle with named goods through a gate once. Weights in grams (customs, 1.5)."""

    __tablename__ = "gate_pass"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "internal_no"),
        UniqueConstraint("tenant_id", "pass_no"),
        one_of("direction", DIRECTIONS),
        one_of("pass_type", PASS_TYPES),
        one_of("bind_type", BIND_TYPES),
        one_of("state", PASS_STATES),
        CheckConstraint("pass_no ~ '^Z[0-9]{4}[IE][0-9]{18}$'", name="pass_no_shape"),
        CheckConstraint(
            "total_weight_g = vehicle_weight_g + frame_weight_g + container_weight_g + goods_gross_weight_g",
            name="total_weight",
        ),
        CheckConstraint("vehicle_weight_g > 0 AND goods_gross_weight_g >= 0", name="weights_positive"),
        CheckConstraint("state NOT IN ('approved','passed_first','passed') OR pass_no IS NOT NULL", name="numbered"),
        Index("ix_gate_pass_open", "tenant_id", "vehicle_plate", postgresql_where=text("state = 'approved'")),
    )
    id: Mapped[Id]
    internal_no: Mapped[str]  # etpsPreentNo
    pass_no: Mapped[str | None]  # passportNo
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    direction: Mapped[str]  # ioTypecd
    pass_type: Mapped[str]  # passportTypecd
    bind_type: Mapped[str]  # bindTypecd
    state: Mapped[str] = mapped_column(server_default="draft")
    is_double_gate: Mapped[bool] = mapped_column(server_default=text("false"))
    vehicle_plate: Mapped[str]
    trailer_plate: Mapped[str | None]
    e_plate: Mapped[str | None]  # vehicleIcNo
    container_no: Mapped[str | None]
    seal_no: Mapped[str | None]
    vehicle_weight_g: Mapped[Qty]
    frame_weight_g: Mapped[int] = mapped_column(BigInteger, server_default="0")
    container_weight_g: Mapped[int] = mapped_column(BigInteger, server_default="0")
    goods_gross_weight_g: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total_weight_g: Mapped[Qty]
    goods_class: Mapped[str] = mapped_column(server_default="general")
    control_order: Mapped[str | None]  # inspect, detain, stop
    valid_from_at: Mapped[Instant]
    valid_until_at: Mapped[Instant]
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    passed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class GatePassDocument(Tenanted, Base):
    """A document that stands behind a gate pass (rltTbTypecd 1 list, 2 movement slip, 3 bill of lading)."""

    __tablename__ = "gate_pass_document"
    __table_args__ = (
        UniqueConstraint("gate_pass_id", "document_kind", "document_no"),
        one_of("document_kind", DOCUMENT_KINDS),
    )
    id: Mapped[Id]
    gate_pass_id: Mapped[int] = mapped_column(ForeignKey("gate_pass.id"))
    document_kind: Mapped[str]
    document_no: Mapped[str]
    verification_list_id: Mapped[int | None] = mapped_column(ForeignKey("verification_list.id"))


class GatePassLine(Tenanted, Base):
    """Goods named on a gate pass, in base units, and the ledger account they lie in while they wait to leave.

    ``transit_site_id``: they travel to this site of the house's own, not to a customer.
    """

    __tablename__ = "gate_pass_line"
    __table_args__ = (
        UniqueConstraint("gate_pass_id", "line_no"),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("passed_qty BETWEEN 0 AND qty", name="passed_within_qty"),
    )
    id: Mapped[Id]
    gate_pass_id: Mapped[int] = mapped_column(ForeignKey("gate_pass.id"))
    line_no: Mapped[int]  # passportSeqNo
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    verification_line_id: Mapped[int | None] = mapped_column(ForeignKey("verification_line.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
    passed_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    gross_weight_g: Mapped[Qty]
    transit_site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))


class GatePassGoods(Tenanted, Base):
    """The accounts in which the goods of a pass line wait to leave: one for each lot that was loaded for it."""

    __tablename__ = "gate_pass_goods"
    __table_args__ = (CheckConstraint("qty > 0 AND gross_weight_g >= 0", name="amounts_positive"),)
    gate_pass_line_id: Mapped[int] = mapped_column(ForeignKey("gate_pass_line.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    qty: Mapped[Qty]
    gross_weight_g: Mapped[Qty]
