"""Reads of the catalogue: one item with its packagings, and what a scanned GTIN means."""

from dataclasses import dataclass

from sqlalchemy import RowMapping, literal, select, union_all
from sqlalchemy.orm import Session

from wms.catalog.rules import Packaging
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.codes import gs1_keys
from wms.parties.tables import Company


@dataclass(frozen=True)
class Item:
    """A trade item as screens and rules need it. Weight in grams, volume in mm³, per base unit."""

    id: int
    owner_id: int
    owner_name_zh: str
    owner_name_en: str
    code: str
    gtin: str | None
    name_zh: str
    name_en: str
    base_unit: str
    temperature_class: str
    gross_weight_g: int
    volume_mm3: int
    is_lot_controlled: bool
    is_expiry_controlled: bool
    is_serial_controlled: bool = False
    is_catch_weight: bool = False


@dataclass(frozen=True)
class ScannedItem:
    """An item found by a GTIN: one scan of it means ``base_qty`` base units in the packaging ``unit``."""

    item: Item
    unit: str
    base_qty: int


_COLUMNS = (
    TradeItem.id,
    TradeItem.owner_id,
    Company.name_zh.label("owner_name_zh"),
    Company.name_en.label("owner_name_en"),
    TradeItem.code,
    TradeItem.gtin,
    TradeItem.name_zh,
    TradeItem.name_en,
    TradeItem.base_unit,
    TradeItem.temperature_class,
    TradeItem.gross_weight_g,
    TradeItem.volume_mm3,
    TradeItem.is_lot_controlled,
    TradeItem.is_expiry_controlled,
    TradeItem.is_serial_controlled,
    TradeItem.is_catch_weight,
)
_JOINED = select(*_COLUMNS).join(Company, Company.id == TradeItem.owner_id)


def _item(row: RowMapping) -> Item:
    return Item(**{name.key: row[name.key] for name in _COLUMNS})


def items_by_gtin(session: Session, gtin: str) -> tuple[ScannedItem, ...]:
    """Return every item whose base unit or packaging carries the GTIN, however many digits it was filed with.

    More than one owner may trade the same goods; the caller knows whose goods it expects.
    """
    spellings = gs1_keys.gtin_spellings(gtin)
    as_base = select(TradeItem.id, TradeItem.base_unit.label("unit"), literal(1).label("base_qty"))
    as_pack = select(PackagingLevel.trade_item_id, PackagingLevel.unit, PackagingLevel.base_qty)
    hits = union_all(
        as_base.where(TradeItem.gtin.in_(spellings)), as_pack.where(PackagingLevel.gtin.in_(spellings))
    ).subquery()
    rows = session.execute(
        select(*_COLUMNS, hits.c.unit, hits.c.base_qty)
        .join(hits, hits.c.id == TradeItem.id)
        .join(Company, Company.id == TradeItem.owner_id)
        .order_by(TradeItem.id, hits.c.base_qty)
    )
    return tuple(ScannedItem(_item(row), row["unit"], row["base_qty"]) for row in rows.mappings())


def item(session: Session, item_id: int) -> Item | None:
    """Return one trade item, None when there is none that the caller may see."""
    found = session.execute(_JOINED.where(TradeItem.id == item_id)).mappings().one_or_none()
    return _item(found) if found else None


def item_by_code(session: Session, owner_id: int, code: str) -> Item | None:
    """Return the trade item that an owner files under its own code."""
    found = (
        session.execute(_JOINED.where(TradeItem.owner_id == owner_id, TradeItem.code == code)).mappings().one_or_none()
    )
    return _item(found) if found else None


def packagings(session: Session, item_id: int) -> tuple[Packaging, ...]:
    """Return the units an item is counted in, smallest first; the base unit is always among them."""
    base = session.execute(select(TradeItem.base_unit, TradeItem.gtin).where(TradeItem.id == item_id)).one()
    levels = session.execute(
        select(PackagingLevel.unit, PackagingLevel.base_qty, PackagingLevel.gtin)
        .where(PackagingLevel.trade_item_id == item_id)
        .order_by(PackagingLevel.base_qty)
    )
    return (Packaging(base[0], 1, base[1]), *(Packaging(*row) for row in levels))
