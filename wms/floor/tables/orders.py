"""Orders of goods that leave: what an owner wants sent, the waves they are worked in, and the stock promised to them.

Quantities are base units. Nothing here says who the goods go to: a name and a region for the label at most.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

ORDER_KINDS = ("sales", "parcel")
ORDER_STATES = (
    "open", "part_allocated", "allocated", "released", "picking", "picked", "packed", "loaded", "shipped", "short",
    "cancelled",
)  # fmt: skip
SHIP_POLICIES = ("complete", "partial")
WAVE_STATES = ("planned", "released", "picking", "picked", "cancelled")
METHODS = ("discrete", "batch", "cluster", "zone")
ALLOCATION_STATES = ("open", "picked", "void")


class Wave(Tenanted, Base):
    """Orders that are worked together: by which rule they were gathered, how they are picked, where the goods go."""

    __tablename__ = "wave"
    __table_args__ = (
        UniqueConstraint("tenant_id", "wave_no"),
        one_of("state", WAVE_STATES),
        one_of("method", METHODS),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    wave_no: Mapped[str | None]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    method: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)
    to_location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class OutboundOrder(Tenanted, Base):
    """An order of an owner at a site: when and how it leaves, what its goods must be, and how far it is.

    ``priority`` runs from 0 (now) to 9. ``customs_status`` is that of the goods asked for.
    """

    __tablename__ = "outbound_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "order_no"),
        one_of("kind", ORDER_KINDS),
        one_of("state", ORDER_STATES),
        one_of("ship_policy", SHIP_POLICIES),
        one_of("customs_status", ("free", "bonded")),
        CheckConstraint("trade_mode ~ '^[0-9]{4}$'", name="trade_mode_shape"),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority_range"),
        CheckConstraint("(state = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_has_time"),
        Index(None, "tenant_id", "site_id", "state", "ship_by_at"),
        Index(None, "wave_id"),
        Index(None, "owner_id"),
    )
    id: Mapped[Id]
    order_no: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="sales")
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    state: Mapped[str] = mapped_column(server_default="open")
    priority: Mapped[int] = mapped_column(server_default="5")
    ship_by_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    carrier: Mapped[str | None]
    service: Mapped[str | None]
    route: Mapped[str | None]
    chute: Mapped[str | None]
    trade_mode: Mapped[str]
    customs_status: Mapped[str]
    ship_policy: Mapped[str] = mapped_column(server_default="partial")
    consignee_name: Mapped[str | None]
    consignee_region: Mapped[str | None]
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("wave.id"))
    recorded_at: Mapped[RecordedAt]
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    picked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cancel_reason: Mapped[str | None]


class OrderLine(Tenanted, Base):
    """Goods of an order. ``unit_qty`` of ``unit`` is what was asked, ``ordered_qty`` the same in base units.

    ``allocated_qty`` is promised or picked; ``short_qty`` was looked for and will not be sent.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "line_no"),
        CheckConstraint("ordered_qty > 0 AND unit_qty > 0", name="ordered_positive"),
        CheckConstraint(
            "allocated_qty >= 0 AND picked_qty >= 0 AND short_qty >= 0 AND picked_qty <= allocated_qty"
            " AND allocated_qty + short_qty <= ordered_qty",
            name="parts_within_order",
        ),
        CheckConstraint("min_life_days >= 0", name="min_life_not_negative"),
        Index(None, "trade_item_id"),
    )
    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("outbound_order.id"))
    line_no: Mapped[int]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    unit: Mapped[str]
    unit_qty: Mapped[Qty]
    ordered_qty: Mapped[Qty]
    allocated_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    picked_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    short_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    min_life_days: Mapped[int] = mapped_column(server_default="0")
    lot_nos: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    countries: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    strategy: Mapped[str | None]


class Allocation(Tenanted, Base):
    """Stock of one account promised to an order line; its reservation stands in the ledger.

    ``qty`` = still promised + ``picked_qty`` + ``void_qty``; open while something is still promised.
    """

    __tablename__ = "allocation"
    __table_args__ = (
        UniqueConstraint("reservation_id"),
        one_of("state", ALLOCATION_STATES),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("picked_qty >= 0 AND void_qty >= 0 AND picked_qty + void_qty <= qty", name="parts_within_qty"),
        CheckConstraint("(state = 'open') = (picked_qty + void_qty < qty)", name="open_while_promised"),
        Index(None, "order_line_id"),
        Index("ix_allocation_open", "account_id", postgresql_where=text("state = 'open'")),
    )
    id: Mapped[Id]
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservation.id"))
    qty: Mapped[Qty]
    picked_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    void_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    is_whole_unit: Mapped[bool] = mapped_column(server_default=text("false"))
    state: Mapped[str] = mapped_column(server_default="open")
    recorded_at: Mapped[RecordedAt]


class ItemSubstitute(Tenanted, Base):
    """What an owner accepts instead of an item, from and until when; pre-approved ones need no supervisor.

    ``per_qty`` units of the substitute stand for one unit of the item.
    """

    __tablename__ = "item_substitute"
    __table_args__ = (
        UniqueConstraint("trade_item_id", "substitute_item_id", "valid_from_on"),
        CheckConstraint("trade_item_id <> substitute_item_id", name="not_itself"),
        CheckConstraint("per_qty > 0", name="per_qty_positive"),
        CheckConstraint("valid_until_on >= valid_from_on", name="valid_in_order"),
    )
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    substitute_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    per_qty: Mapped[int] = mapped_column(BigInteger, server_default="1")
    is_preapproved: Mapped[bool] = mapped_column(server_default=text("false"))
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None]
