"""Cartons, parcels and what was packed into them by whom; how goods want to be packed; which chute takes which parcel.

Stock itself is counted in the ledger alone: a parcel's contents are what its handling unit's accounts hold.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables.orders
import wms.floor.tables.scans  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

PARCEL_STATES = ("open", "closed", "loaded", "shipped", "void")


class CartonType(Tenanted, Base):
    """A carton of the catalogue from a day on: inner size in mm, most weight of contents and tare in g, cost."""

    __tablename__ = "carton_type"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code", "valid_from_on"),
        CheckConstraint("length_mm > 0 AND width_mm > 0 AND height_mm > 0", name="size_positive"),
        CheckConstraint("max_weight_g > 0 AND tare_g >= 0 AND cost_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("valid_until_on >= valid_from_on", name="valid_in_order"),
        CheckConstraint("length(btrim(source)) > 0", name="has_source"),
    )
    id: Mapped[Id]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    length_mm: Mapped[int]
    width_mm: Mapped[int]
    height_mm: Mapped[int]
    max_weight_g: Mapped[Qty]
    tare_g: Mapped[Qty]
    cost_minor: Mapped[Qty]
    currency: Mapped[str] = mapped_column(server_default="CNY")
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None]
    source: Mapped[str]


class PackRule(Tenanted, Base):
    """How an item wants to lie in a carton, and the class that may be kept apart from others."""

    __tablename__ = "pack_rule"
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"), primary_key=True)
    this_side_up: Mapped[bool] = mapped_column(server_default=text("false"))
    is_fragile: Mapped[bool] = mapped_column(server_default=text("false"))
    keep_apart_class: Mapped[str | None]


class Parcel(Tenanted, Base):
    """A carton that is packed for one order (or for one owner): its weight as computed and as weighed, and its way.

    ``label`` is what a label printer needs. ``tolerance_g`` is what applied when it was weighed. ``plan_step`` and
    ``planned_carton`` say which carton of the order's plan it stands for; the packer may have taken another.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        UniqueConstraint("handling_unit_id"),
        one_of("state", PARCEL_STATES),
        CheckConstraint("weight_g > 0 AND expected_weight_g >= 0", name="weights_positive"),
        CheckConstraint("state IN ('open', 'void') OR closed_at IS NOT NULL", name="closed_has_time"),
        Index(None, "order_id"),
        Index(None, "owner_id"),
        Index(None, "tenant_id", "site_id", "state"),
        Index(
            "uq_parcel_waybill", "tenant_id", "carrier", "waybill_no", unique=True,
            postgresql_where=text("waybill_no IS NOT NULL AND state <> 'void'"),
        ),
    )  # fmt: skip
    id: Mapped[Id]
    handling_unit_id: Mapped[int] = mapped_column(ForeignKey("handling_unit.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_order.id"))
    carton_type_id: Mapped[int] = mapped_column(ForeignKey("carton_type.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    state: Mapped[str] = mapped_column(server_default="open")
    carrier: Mapped[str | None]
    route: Mapped[str | None]
    region: Mapped[str | None]
    waybill_no: Mapped[str | None]
    label: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    expected_weight_g: Mapped[int | None] = mapped_column(BigInteger)
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    tolerance_g: Mapped[int | None] = mapped_column(BigInteger)
    weight_reason: Mapped[str | None]
    sorted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sorted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[RecordedAt]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    plan_step: Mapped[int | None]
    planned_carton: Mapped[str | None]


class PackPlan(Tenanted, Base):
    """The cartons that were proposed for an order: a list in packing order, with what lies where in each (mm, g)."""

    __tablename__ = "pack_plan"
    __table_args__ = (
        UniqueConstraint("order_id"),
        CheckConstraint("bound_minor >= 0 AND bound_minor <= cost_minor", name="bound_within_cost"),
    )
    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("outbound_order.id"))
    cartons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    left_out: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    cost_minor: Mapped[int] = mapped_column(BigInteger)
    bound_minor: Mapped[int] = mapped_column(BigInteger)
    is_proven: Mapped[bool]
    planned_at: Mapped[Instant]


class ParcelItem(Tenanted, Base):
    """Goods put into a parcel by one scan, from which unit, and the posting that says so. Undone ones stay, marked."""

    __tablename__ = "parcel_item"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty_positive"),
        Index(None, "parcel_id"),
        Index(None, "from_unit_id", "trade_item_id"),
        Index(None, "scan_id"),
    )
    id: Mapped[Id]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"))
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    from_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    qty: Mapped[Qty]
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device: Mapped[str | None]
    packed_at: Mapped[Instant]
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SortRule(Tenanted, Base):
    """Which chute takes parcels of a carrier, route and region; empty does not limit. The most exact one wins."""

    __tablename__ = "sort_rule"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "site_id", "carrier", "route", "region", "valid_from_on", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint("valid_until_on >= valid_from_on", name="valid_in_order"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    carrier: Mapped[str | None]
    route: Mapped[str | None]
    region: Mapped[str | None]
    chute_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None]
