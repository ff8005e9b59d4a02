"""What handling units hold, where they stand, and what lies loose: frozen rows, quantities in base units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, select, text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.place_queries import key_of
from wms.parties.tables import Company, Location, Person
from wms.stock.rules import AccountKey
from wms.stock.tables import Account, Balance, HandlingUnit, Lot


@dataclass(frozen=True)
class Content:
    """Stock of one account with the names of its parts."""

    account: AccountKey
    account_id: int
    qty: int
    free_qty: int
    last_event_at: datetime
    item_code: str
    name_zh: str
    name_en: str
    gross_weight_g: int
    own_weight_g: int | None
    lot_no: str | None
    sscc: str | None
    place: str

    @property
    def weight_g(self) -> int:
        """Grams of the whole: as kept piece by piece, else by the item's own weight."""
        return self.own_weight_g if self.own_weight_g is not None else self.qty * self.gross_weight_g

    @property
    def names(self) -> dict[str, str]:
        return {"zh": self.name_zh, "en": self.name_en}


@dataclass(frozen=True)
class Unit:
    """A handling unit and the one it stands on."""

    id: int
    sscc: str
    kind: str
    owner_id: int
    parent_id: int | None


TREE = text(
    "WITH RECURSIVE tree AS ("
    " SELECT id, sscc, kind, owner_id, parent_id, 0 AS depth FROM handling_unit WHERE id = :unit_id"
    " UNION ALL SELECT h.id, h.sscc, h.kind, h.owner_id, h.parent_id, t.depth + 1 FROM handling_unit h"
    " JOIN tree t ON h.parent_id = t.id WHERE t.depth < 20)"
    " SELECT id, sscc, kind, owner_id, parent_id FROM tree ORDER BY depth, id"
)


def unit_by_sscc(session: Session, sscc: str, *, lock: bool = False) -> Unit | None:
    """Return the unit with this label; ``lock``: rivals who want the same unit wait until this transaction ends."""
    query = select(HandlingUnit).where(HandlingUnit.sscc == sscc)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = session.scalars(query).one_or_none()
    return Unit(found.id, found.sscc, found.kind, found.owner_id, found.parent_id) if found else None


def tree(session: Session, unit_id: int) -> tuple[Unit, ...]:
    """Return a unit and everything that stands in it, outermost first."""
    return tuple(Unit(**row) for row in session.execute(TREE, {"unit_id": unit_id}).mappings())


def contents(session: Session, unit_ids: Sequence[int]) -> tuple[Content, ...]:
    """Return what lies in these units, by account."""
    return _contents(session, Account.handling_unit_id.in_(unit_ids))


def loose(session: Session, location_id: int, item_ids: Sequence[int]) -> tuple[Content, ...]:
    """Return good stock of items that lies in a place in no unit."""
    return _contents(
        session,
        Account.location_id == location_id,
        Account.handling_unit_id.is_(None),
        Account.trade_item_id.in_(item_ids),
        Account.quality_status == "good",
    )


def lying_at(session: Session, location_id: int) -> tuple[Content, ...]:
    """Return everything that lies in a place, in units or loose."""
    return _contents(session, Account.location_id == location_id)


def _contents(session: Session, *where: ColumnElement[bool]) -> tuple[Content, ...]:
    rows = session.execute(
        select(
            Account, Balance.qty, (Balance.qty - Balance.qty_reserved).label("free"), Balance.last_event_at,
            TradeItem.code, TradeItem.name_zh, TradeItem.name_en, TradeItem.gross_weight_g, Balance.weight_g,
            Lot.lot_no, HandlingUnit.sscc, Location.code,
        )
        .join(Balance, Balance.account_id == Account.id)
        .join(TradeItem, TradeItem.id == Account.trade_item_id)
        .join(Location, Location.id == Account.location_id)
        .outerjoin(Lot, Lot.id == Account.lot_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == Account.handling_unit_id)
        .where(Account.kind == "location", Balance.qty > 0, *where)
        .order_by(Account.id)
    )  # fmt: skip
    found: list[list[Any]] = [[key_of(row[0]), row[0].id, *row[1:]] for row in rows]
    return tuple(Content(*columns) for columns in found)


def person_names(session: Session, person_id: int | None) -> dict[str, str]:
    """Return a person's name in both languages."""
    found = session.get(Person, person_id) if person_id else None
    return {"zh": found.name_zh, "en": found.name_en} if found else {"zh": "-", "en": "-"}


def company_names(session: Session, company_id: int) -> dict[str, str]:
    """Return a company's name in both languages."""
    found = session.get_one(Company, company_id)
    return {"zh": found.name_zh, "en": found.name_en}


@dataclass(frozen=True)
class PieceRow:
    """Base units of an item that want a carton; sizes in mm are None where nobody measured."""

    item_id: int
    item_code: str
    qty: int
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    weight_g: int
    temperature_class: str
    this_side_up: bool
    is_fragile: bool
    keep_apart_class: str | None


PIECES = """
    SELECT i.id AS item_id, i.code AS item_code, g.qty, i.length_mm, i.width_mm, i.height_mm,
           i.gross_weight_g AS weight_g, i.temperature_class, coalesce(r.this_side_up, false) AS this_side_up,
           coalesce(r.is_fragile, false) AS is_fragile, r.keep_apart_class
      FROM (%s) g JOIN trade_item i ON i.id = g.trade_item_id LEFT JOIN pack_rule r ON r.trade_item_id = i.id
     ORDER BY i.id
"""
IN_UNITS = text(
    PIECES % "SELECT a.trade_item_id, sum(b.qty)::bigint AS qty FROM account a JOIN balance b ON b.account_id = a.id"
    " WHERE a.handling_unit_id = ANY (:unit_ids) AND b.qty > 0 GROUP BY a.trade_item_id"
)
OF_ORDER = text(
    PIECES % "SELECT trade_item_id, sum(CASE WHEN picked_qty > 0 THEN picked_qty ELSE ordered_qty END)::bigint AS qty"
    " FROM order_line WHERE order_id = :order_id GROUP BY trade_item_id"
)
OF_ITEMS = text(
    PIECES % "SELECT item AS trade_item_id, sum(qty)::bigint AS qty"
    " FROM unnest(cast(:items AS bigint[]), cast(:qtys AS bigint[])) AS u(item, qty) GROUP BY item"
)


def pieces_in_units(session: Session, unit_ids: Sequence[int]) -> tuple[PieceRow, ...]:
    """Return what lies in units, item by item, as cartons want to know it."""
    return _pieces(session.execute(IN_UNITS, {"unit_ids": list(unit_ids)}).mappings())


def pieces_of_order(session: Session, order_id: int) -> tuple[PieceRow, ...]:
    """Return what an order sends, item by item: what was picked, else what was ordered."""
    return _pieces(session.execute(OF_ORDER, {"order_id": order_id}).mappings())


def pieces_of_items(session: Session, goods: Sequence[tuple[int, int]]) -> tuple[PieceRow, ...]:
    """Return named goods, (item, base units), as cartons want to know them."""
    bound = {"items": [item for item, _ in goods], "qtys": [qty for _, qty in goods]}
    return _pieces(session.execute(OF_ITEMS, bound).mappings())


def _pieces(rows: Any) -> tuple[PieceRow, ...]:
    each: list[RowMapping] = list(rows)
    return tuple(PieceRow(**row) for row in each)


def location_of(session: Session, site_id: int, code: str) -> Location | None:
    """Return the place of a site with that code, however its letters are written."""
    same = func.upper(Location.code) == code.strip().upper()
    return session.scalars(select(Location).where(Location.site_id == site_id, same).limit(1)).one_or_none()
