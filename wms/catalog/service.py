"""Use cases of the catalogue: file a trade item, add a packaging, count in another unit."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from wms.catalog import queries, rules
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.codes import gs1_keys


@dataclass(frozen=True)
class FileItem:
    """A new trade item of one owner. Weight in grams, volume in mm³, value in minor units, all per base unit."""

    owner_id: int
    code: str
    name_zh: str
    name_en: str
    gross_weight_g: int
    volume_mm3: int
    gtin: str | None = None
    base_unit: str = "piece"
    hs_code: str | None = None
    record_no: str | None = None
    temperature_class: str = "ambient"
    unit_value_minor: int = 0
    currency: str = "CNY"
    is_lot_controlled: bool = False
    is_expiry_controlled: bool = False
    is_serial_controlled: bool = False
    is_catch_weight: bool = False
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    velocity_class: str | None = None
    packagings: tuple[rules.Packaging, ...] = ()


def file_item(session: Session, command: FileItem) -> int:
    """Store a trade item with its packagings and return its id.

    Raises BadGtin, BadHsCode, ImplausibleSize, GtinTaken.
    """
    numbers = rules.ItemNumbers(command.code, command.gtin, command.hs_code, command.gross_weight_g, command.volume_mm3)
    rules.check_item(numbers)
    if command.gtin:
        _refuse_taken(session, command.owner_id, command.gtin)
    values = {name: value for name, value in vars(command).items() if name != "packagings"}
    item = TradeItem(**values)
    session.add(item)
    session.flush()
    for packaging in command.packagings:
        add_packaging(session, item.id, packaging)
    return item.id


def add_packaging(session: Session, item_id: int, packaging: rules.Packaging) -> None:
    """Store a packaging of an item. Raises UnknownItem, BadGtin, GtinTaken."""
    item = queries.item(session, item_id)
    if item is None:
        raise rules.UnknownItem(number=item_id)
    if packaging.gtin:
        if not gs1_keys.is_gtin(packaging.gtin):
            raise rules.BadGtin(field="gtin", gtin=packaging.gtin)
        _refuse_taken(session, item.owner_id, packaging.gtin)
    session.add(
        PackagingLevel(trade_item_id=item_id, unit=packaging.unit, gtin=packaging.gtin, base_qty=packaging.base_qty)
    )
    session.flush()


def base_units(session: Session, item_id: int, qty: int | Decimal, unit: str) -> int:
    """Return a quantity of some unit of the item in base units, exactly. Raises UnknownUnit, InexactConversion."""
    item = queries.item(session, item_id)
    if item is None:
        raise rules.UnknownItem(number=item_id)
    packaging = rules.packaging_of(unit, queries.packagings(session, item_id), item.code)
    return rules.in_base_units(qty, packaging)


def _refuse_taken(session: Session, owner_id: int, gtin: str) -> None:
    for found in queries.items_by_gtin(session, gtin):
        if found.item.owner_id == owner_id:
            raise rules.GtinTaken(field="gtin", gtin=gtin, item=found.item.code)
