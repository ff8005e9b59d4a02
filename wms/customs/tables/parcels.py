"""Retail parcels: the three documents as they came and as they hold, the declaration with its tax, customs' receipts.

Amounts are yuan (or the document's currency) as written, numeric(19,5). Whatever tells who a person is stands sealed
(wms.parties.private); ``…_index`` are blind indexes: equal where the values are.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.buyers
import wms.parties.tables  # noqa: F401 - foreign keys name its tables
from wms.customs.tables.kinds import DIRECTIONS, AsWritten
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

RETAIL_KINDS = ("order", "payment", "waybill")
OUTCOMES = ("taken", "amended", "repeated", "older", "deleted", "refused")
MATCHES = ("waiting", "differs", "agrees")
DECLARATION_STATES = (
    "draft", "declared", "returned", "rejected", "released", "cleared", "detained", "shipped_back", "cancelled",
)  # fmt: skip


class RetailDocument(Tenanted, Base):
    """A document as it came, each time it came; kept whatever became of it. ``body_sealed`` goes with retention."""

    __tablename__ = "retail_document"
    __table_args__ = (
        one_of("kind", RETAIL_KINDS),
        one_of("outcome", OUTCOMES),
        Index(None, "tenant_id", "kind", "number"),
        Index(None, "tenant_id", "recorded_at"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    number: Mapped[str]  # issuer and number, as in RetailOrder, RetailPayment and RetailWaybill
    guid: Mapped[str]
    app_at: Mapped[Instant]  # appTime
    outcome: Mapped[str]
    reason: Mapped[str | None]
    body_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    recorded_at: Mapped[RecordedAt]


class RetailOrder(Tenanted, Base):
    """An order (订单, CEB311 or CEB303) as its newest message says. ``lines`` holds goods, nothing personal."""

    __tablename__ = "retail_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "ebp_code", "order_no"),
        one_of("direction", DIRECTIONS),
        one_of("match", MATCHES),
        Index(None, "tenant_id", "order_no"),
        Index(None, "tenant_id", "phone_index"),
        Index(None, "tenant_id", "address_index"),
        Index(None, "tenant_id", "consignee_index"),
        Index(None, "tenant_id", "buyer_name_index"),
        Index(None, "buyer_id"),
        Index("ix_retail_order_differs", "tenant_id", "id", postgresql_where=text("match = 'differs'")),
    )
    id: Mapped[Id]
    direction: Mapped[str]
    ebp_code: Mapped[str]
    ebp_name: Mapped[str]
    ebc_code: Mapped[str]
    ebc_name: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    order_no: Mapped[str]
    order_type: Mapped[str]
    app_at: Mapped[Instant]
    content_index: Mapped[bytes] = mapped_column(LargeBinary)
    goods_value: Mapped[Decimal] = mapped_column(AsWritten)
    freight: Mapped[Decimal] = mapped_column(AsWritten)
    discount: Mapped[Decimal] = mapped_column(AsWritten)
    tax_total: Mapped[Decimal] = mapped_column(AsWritten)
    paid: Mapped[Decimal] = mapped_column(AsWritten)  # acturalPaid
    currency: Mapped[str]
    buyer_id: Mapped[int | None] = mapped_column(ForeignKey("buyer.id"))
    buyer_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    buyer_name_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    buyer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # name, telephone
    consignee_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    consignee_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    match: Mapped[str] = mapped_column(server_default="waiting")
    mismatches: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    matched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class RetailPayment(Tenanted, Base):
    """A payment (支付凭证, CEB411) or receipt of money (收款单, CEB403)."""

    __tablename__ = "retail_payment"
    __table_args__ = (
        UniqueConstraint("tenant_id", "pay_code", "transaction_no"),
        Index(None, "tenant_id", "ebp_code", "order_no"),
    )
    id: Mapped[Id]
    pay_code: Mapped[str]
    pay_name: Mapped[str]
    transaction_no: Mapped[str]  # payTransactionId, payNo
    ebp_code: Mapped[str]
    order_no: Mapped[str]
    app_at: Mapped[Instant]
    content_index: Mapped[bytes] = mapped_column(LargeBinary)
    amount: Mapped[Decimal] = mapped_column(AsWritten)  # amountPaid, charge
    currency: Mapped[str]
    payer_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    payer_name_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    payer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    payer_name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    recorded_at: Mapped[RecordedAt]


class RetailWaybill(Tenanted, Base):
    """A waybill (运单, CEB511 or CEB505).

    A carrier may use a number again after some months (customs reference, 2.5 rule 1): then the earlier one is retired.
    """

    __tablename__ = "retail_waybill"
    __table_args__ = (
        Index(
            "uq_retail_waybill_in_use", "tenant_id", "logistics_code", "waybill_no", unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
        Index(None, "tenant_id", "order_no"),
        CheckConstraint("gross_weight >= 0 AND pack_count > 0", name="amounts_positive"),
    )  # fmt: skip
    id: Mapped[Id]
    logistics_code: Mapped[str]
    logistics_name: Mapped[str]
    waybill_no: Mapped[str]
    order_no: Mapped[str | None]
    app_at: Mapped[Instant]
    content_index: Mapped[bytes] = mapped_column(LargeBinary)
    freight: Mapped[Decimal] = mapped_column(AsWritten)
    insured_fee: Mapped[Decimal] = mapped_column(AsWritten)
    currency: Mapped[str]
    gross_weight: Mapped[Decimal] = mapped_column(AsWritten)  # kg
    pack_count: Mapped[int]
    consignee_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    consignee_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # appTime of the number's next use
    recorded_at: Mapped[RecordedAt]


class ParcelDeclaration(Tenanted, Base):
    """A parcel declaration (清单, CEB621 or CEB603). ``status`` is the last receipt code that moved it.

    ``taxable`` and taxes in yuan; ``quota_minor`` in fen of ``quota_year``; ``head`` what the message says besides.
    """

    __tablename__ = "parcel_declaration"
    __table_args__ = (
        UniqueConstraint("tenant_id", "cop_no"),
        one_of("direction", DIRECTIONS),
        one_of("state", DECLARATION_STATES),
        CheckConstraint("(state IN ('released', 'cleared')) <= (released_at IS NOT NULL)", name="released_has_time"),
        CheckConstraint("quota_restored_minor BETWEEN 0 AND quota_minor", name="restored_within_quota"),
        Index("uq_parcel_declaration_order", "order_id", unique=True, postgresql_where=text("state <> 'cancelled'")),
        Index(None, "tenant_id", "order_no"),
        Index(None, "tenant_id", "waybill_no", "logistics_code"),
        Index(None, "tenant_id", "invt_no"),
        Index("ix_parcel_declaration_pre_no", "tenant_id", "pre_no", postgresql_where=text("pre_no IS NOT NULL")),
        Index(None, "tenant_id", "state", "id"),
        Index(None, "buyer_id", "quota_year"),
        Index(None, "owner_id"),
    )
    id: Mapped[Id]
    direction: Mapped[str]
    cop_no: Mapped[str | None]
    pre_no: Mapped[str | None]
    invt_no: Mapped[str | None]
    order_id: Mapped[int] = mapped_column(ForeignKey("retail_order.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("retail_payment.id"))
    waybill_id: Mapped[int | None] = mapped_column(ForeignKey("retail_waybill.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    buyer_id: Mapped[int | None] = mapped_column(ForeignKey("buyer.id"))
    trade_mode: Mapped[str]
    ebp_code: Mapped[str]
    order_no: Mapped[str]
    logistics_code: Mapped[str]
    waybill_no: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="draft")
    status: Mapped[str | None]  # returnStatus
    is_on_hold: Mapped[bool] = mapped_column(server_default=text("false"))
    taxable: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    duty: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    consumption_tax: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    vat: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    tax_restored: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    is_levied_in_full: Mapped[bool] = mapped_column(server_default=text("false"))
    quota_year: Mapped[int | None]
    quota_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quota_restored_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    head: Mapped[dict[str, Any]] = mapped_column(JSONB)
    declared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class ParcelLine(Tenanted, Base):
    """A line of a parcel declaration, with what is levied on it and how much came back."""

    __tablename__ = "parcel_line"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("returned_qty BETWEEN 0 AND qty", name="returned_within_qty"),
    )
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)  # gnum
    item_no: Mapped[str | None]
    record_no: Mapped[str | None]  # itemRecordNo
    gcode: Mapped[str]
    gname: Mapped[str]
    gmodel: Mapped[str]
    country: Mapped[str]
    qty: Mapped[Decimal] = mapped_column(AsWritten)
    unit: Mapped[str]
    qty1: Mapped[Decimal] = mapped_column(AsWritten)
    unit1: Mapped[str]
    qty2: Mapped[Decimal | None] = mapped_column(AsWritten)
    unit2: Mapped[str | None]
    price: Mapped[Decimal] = mapped_column(AsWritten)
    total_price: Mapped[Decimal] = mapped_column(AsWritten)
    taxable: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    duty: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    consumption_tax: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    vat: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    returned_qty: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")


class ParcelReceipt(Tenanted, Base):
    """A receipt of customs for a parcel's document, kept whether or not it moved anything."""

    __tablename__ = "parcel_receipt"
    __table_args__ = (Index(None, "declaration_id"),)
    id: Mapped[Id]
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"))
    message_kind: Mapped[str]  # CEB622, CEB624, CEB626 …
    status: Mapped[str]
    info: Mapped[str]
    returned_at: Mapped[Instant]  # returnTime
    has_moved: Mapped[bool]
    recorded_at: Mapped[RecordedAt]


class ParcelRequest(Tenanted, Base):
    """What is asked of customs after a declaration: cancel it (CEB623, CEB605), take goods back (CEB625, CEB213).

    ``lines`` of a return: ``{"line_no": 1, "qty": "1"}``; ``head`` of an export's return: the way that the goods come
    back (:class:`wms.customs.parcels.rules.requests.WayBack`). What a return gives back stands here when it is given.
    """

    __tablename__ = "parcel_request"
    __table_args__ = (
        UniqueConstraint("tenant_id", "cop_no"),
        one_of("kind", ("cancel", "return")),
        one_of("state", ("applied", "approved", "refused", "completed", "expired")),
        Index(None, "declaration_id"),
    )
    id: Mapped[Id]
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"))
    kind: Mapped[str]
    cop_no: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="applied")
    status: Mapped[str | None]
    reason: Mapped[str]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    head: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    applied_at: Mapped[Instant]
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    back_by_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    back_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    back_in: Mapped[str | None]  # customs area or supervised site the goods came back to
    tax_restored: Mapped[Decimal] = mapped_column(AsWritten, server_default="0")
    quota_restored_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    recorded_at: Mapped[RecordedAt]
