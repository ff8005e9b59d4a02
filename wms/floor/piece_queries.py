"""Reads of single pieces: in which account a serial number lies, and what an item's pieces are told apart by."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.rules.pieces import Control
from wms.stock.rules import AccountKey


@dataclass(frozen=True)
class SerialSpot:
    """Where one number lies: its account and the place of that; no place: it left the house."""

    serial: str
    account_id: int
    dimensions: str
    site_id: int | None
    location_id: int | None
    lot_id: int | None
    handling_unit_id: int | None
    quality_status: str
    place: str | None


_SPOTS = text(
    "SELECT r.serial_no AS serial, a.id AS account_id, a.dimensions, a.site_id, p.id AS location_id,"
    " a.lot_id, a.handling_unit_id, a.quality_status, p.code AS place"
    " FROM serial r JOIN account a ON a.id = r.account_id LEFT JOIN location p ON p.id = a.location_id"
    " WHERE r.trade_item_id = :item AND r.serial_no = ANY (:serials)"
)
_HELD = text(
    "SELECT coalesce(sum(b.qty), 0)::bigint AS held, coalesce(sum(b.weight_g), 0)::bigint AS held_g"
    " FROM balance b JOIN account a ON a.id = b.account_id WHERE a.dimensions = ANY (:dimensions)"
)

_HELD_IN = text(
    "SELECT b.qty AS held, coalesce(b.weight_g, 0) AS held_g"
    " FROM pick_line k JOIN allocation n ON n.id = k.allocation_id JOIN balance b ON b.account_id = n.account_id"
    " WHERE k.id = :id"
)


def spots(session: Session, trade_item_id: int, serials: Collection[str]) -> dict[str, SerialSpot]:
    """Return where serial numbers of an item lie; numbers that nobody knows are left out."""
    rows = session.execute(_SPOTS, {"item": trade_item_id, "serials": sorted(serials)}).mappings()
    return {row["serial"]: SerialSpot(**row) for row in rows}


def held(session: Session, accounts: Collection[AccountKey]) -> tuple[int, int]:
    """Return the pieces and grams that accounts hold together."""
    row = session.execute(_HELD, {"dimensions": [one.dimensions for one in accounts]}).one()
    return int(row.held), int(row.held_g)


def held_in(session: Session, pick_line_id: int) -> tuple[int, int]:
    """Return the pieces and grams of the account that a pick line takes from."""
    row = session.execute(_HELD_IN, {"id": pick_line_id}).one()
    return int(row.held), int(row.held_g)


def control_of(session: Session, trade_item_id: int) -> Control:
    """Return by what the pieces of an item are told apart."""
    item = session.get_one(TradeItem, trade_item_id)
    names = {"zh": item.name_zh, "en": item.name_en}
    return Control(names, item.is_serial_controlled, item.is_catch_weight)
