"""Gate passes (核放单). Field names in comments are those of SAS121."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.filings  # foreign keys name its tables
import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.customs.tables.kinds import (
    BIND_TYPES,
    DIRECTIONS,
    DOCUMENT_KINDS,
    PASS_STATES,
    PASS_TYPES,
    REGISTERED_CLASSES,
    AsWritten,
)
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of


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
    movement_slip_id: Mapped[int | None] = mapped_column(ForeignKey("movement_slip.id"))


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
    slip_line_id: Mapped[int | None] = mapped_column(ForeignKey("movement_slip_line.id"))
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


class GatePassRegistered(Tenanted, Base):
    """Goods that are only registered at the gate (pass type 5): no stock, so no account and no item (GAC 2023-200)."""

    __tablename__ = "gate_pass_registered"
    __table_args__ = (
        UniqueConstraint("gate_pass_id", "line_no"),
        one_of("goods_class", REGISTERED_CLASSES),
        CheckConstraint("qty > 0 AND gross_weight_g > 0", name="amounts_positive"),
    )
    id: Mapped[Id]
    gate_pass_id: Mapped[int] = mapped_column(ForeignKey("gate_pass.id"))
    line_no: Mapped[int]
    goods_class: Mapped[str]
    name: Mapped[str]  # gdsNm
    material_no: Mapped[str | None]  # gdsMtno
    hs_code: Mapped[str | None]  # gdecd
    qty: Mapped[Decimal] = mapped_column(AsWritten)  # dclQty
    unit: Mapped[str]  # dclUnitcd
    gross_weight_g: Mapped[Qty]
