"""Trade items: what the goods are, how they are packed and how customs knows them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Qty, Tenanted
from wms.parties.tables import TEMPERATURE_CLASSES, VELOCITY_CLASSES, one_of


class TradeItem(Tenanted, Base):
    """A trade item of one owner. Stock is counted in ``base_unit``, the smallest unit that is ever handled."""

    __tablename__ = "trade_item"
    __table_args__ = (
        UniqueConstraint("tenant_id", "owner_id", "code"),
        UniqueConstraint("tenant_id", "owner_id", "gtin"),
        one_of("temperature_class", TEMPERATURE_CLASSES),
        one_of("velocity_class", VELOCITY_CLASSES),
        CheckConstraint("length_mm > 0 AND width_mm > 0 AND height_mm > 0", name="edges_positive"),
        CheckConstraint("gross_weight_g >= 0 AND volume_mm3 >= 0 AND unit_value_minor >= 0", name="sizes_positive"),
        Index(None, "tenant_id", "gtin"),
        # Goods whose pieces the ledger tells apart; few, so that all others pass it by after one look.
        Index("ix_trade_item_pieces", "tenant_id", postgresql_where=text("is_serial_controlled OR is_catch_weight")),
    )
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    code: Mapped[str]
    gtin: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    base_unit: Mapped[str] = mapped_column(server_default="piece")
    hs_code: Mapped[str | None]
    record_no: Mapped[str | None]
    customs_unit: Mapped[str | None]
    country_of_origin: Mapped[str | None]
    temperature_class: Mapped[str] = mapped_column(server_default="ambient")
    gross_weight_g: Mapped[Qty]
    volume_mm3: Mapped[int] = mapped_column(BigInteger)
    unit_value_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    currency: Mapped[str] = mapped_column(server_default="CNY")
    is_lot_controlled: Mapped[bool] = mapped_column(server_default=text("false"))
    is_expiry_controlled: Mapped[bool] = mapped_column(server_default=text("false"))
    is_serial_controlled: Mapped[bool] = mapped_column(server_default=text("false"))
    is_catch_weight: Mapped[bool] = mapped_column(server_default=text("false"))
    length_mm: Mapped[int | None]
    width_mm: Mapped[int | None]
    height_mm: Mapped[int | None]
    velocity_class: Mapped[str | None]


class PackagingLevel(Tenanted, Base):
    """A packaging of a trade item: a carton of 12, a pallet of 480. ``base_qty`` is exact, in base units."""

    __tablename__ = "packaging_level"
    __table_args__ = (
        UniqueConstraint("trade_item_id", "unit"),
        Index(None, "tenant_id", "gtin"),
        CheckConstraint("base_qty > 0", name="base_qty_positive"),
    )
    id: Mapped[Id]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    unit: Mapped[str]
    gtin: Mapped[str | None]
    base_qty: Mapped[Qty]
