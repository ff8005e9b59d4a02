"""Reads of handling units: how they stand in one another, what lies in them, and what came from what."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, TextClause, func, select, text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.rules.units import Tree
from wms.parties.tables import Company, Location, Site
from wms.stock.rules import AccountKey
from wms.stock.tables import Account, Balance, HandlingUnit, Lot, Serial


@dataclass(frozen=True)
class UnitRow:
    """A handling unit with its owner's names."""

    id: int
    sscc: str
    kind: str
    owner_id: int
    owner_name_zh: str
    owner_name_en: str
    parent_id: int | None
    parent_sscc: str | None


@dataclass(frozen=True)
class Content:
    """Goods that lie in one unit: their account, how many, and how many of them nobody reserved."""

    unit_id: int | None
    account: AccountKey
    item_code: str
    name_zh: str
    name_en: str
    base_unit: str
    lot_no: str | None
    expires_on: date | None
    site_code: str
    place_code: str
    qty: int
    free_qty: int
    weight_g: int | None
    last_event_at: datetime

    @property
    def names(self) -> dict[str, str]:
        return {"zh": self.name_zh, "en": self.name_en}


@dataclass(frozen=True)
class EventRow:
    """One step in the life of units: nested, moved, split, merged, packed, by whom and when."""

    id: int
    kind: str
    from_sscc: str | None
    to_sscc: str | None
    item_code: str | None
    name_zh: str | None
    name_en: str | None
    lot_no: str | None
    qty: int | None
    place_code: str | None
    posting_id: int | None
    document: str | None
    reason: str | None
    person_zh: str | None
    person_en: str | None
    event_at: datetime
    depth: int = 0


# Every unit above and below the named ones, whole trees.
CLOSURE = text(
    """
    WITH RECURSIVE above AS (
      SELECT id, parent_id FROM handling_unit WHERE id = ANY (:ids)
      UNION SELECT h.id, h.parent_id FROM handling_unit h JOIN above a ON h.id = a.parent_id
    ), below AS (
      SELECT id FROM above
      UNION SELECT h.id FROM handling_unit h JOIN below b ON h.parent_id = b.id
    )
    SELECT h.id, h.parent_id, h.sscc FROM handling_unit h WHERE h.id IN (SELECT id FROM below) ORDER BY h.id
    """
)


def tree_of(session: Session, unit_ids: list[int]) -> Tree:
    """Return the whole trees that the units belong to."""
    rows = session.execute(CLOSURE, {"ids": unit_ids}).all()
    return Tree({row.id: row.parent_id for row in rows}, {row.id: row.sscc for row in rows})


_PARENT = HandlingUnit.__table__.alias("parent")
_UNIT = (
    select(
        HandlingUnit.id,
        HandlingUnit.sscc,
        HandlingUnit.kind,
        HandlingUnit.owner_id,
        Company.name_zh.label("owner_name_zh"),
        Company.name_en.label("owner_name_en"),
        HandlingUnit.parent_id,
        _PARENT.c.sscc.label("parent_sscc"),
    )
    .join(Company, Company.id == HandlingUnit.owner_id)
    .outerjoin(_PARENT, _PARENT.c.id == HandlingUnit.parent_id)
)


def unit_by_sscc(session: Session, sscc: str) -> UnitRow | None:
    """Return the unit with that label; None where there is none or it is not the caller's to see."""
    row = session.execute(_UNIT.where(HandlingUnit.sscc == sscc)).mappings().one_or_none()
    return UnitRow(**row) if row else None


def units(session: Session, *, after_id: int = 0, limit: int = 50, sscc: str | None = None) -> tuple[UnitRow, ...]:
    """Return units by id; ``sscc`` gives those whose number ends so, as people say them aloud."""
    query = _UNIT.where(HandlingUnit.id > after_id)
    if sscc:
        query = query.where(HandlingUnit.sscc.endswith(sscc, autoescape=True))
    rows = session.execute(query.order_by(HandlingUnit.id).limit(limit)).mappings()
    return tuple(UnitRow(**row) for row in rows)


def units_by_id(session: Session, unit_ids: list[int]) -> tuple[UnitRow, ...]:
    """Return the units with these ids."""
    rows = session.execute(_UNIT.where(HandlingUnit.id.in_(unit_ids)).order_by(HandlingUnit.id)).mappings()
    return tuple(UnitRow(**row) for row in rows)


def serials_of(session: Session, accounts: list[AccountKey]) -> dict[str, list[str]]:
    """Return the serial numbers that lie in accounts, by the accounts' dimensions."""
    rows = session.execute(
        select(Account.dimensions, Serial.serial_no)
        .join(Serial, Serial.account_id == Account.id)
        .where(Account.dimensions.in_([key.dimensions for key in accounts]))
        .order_by(Serial.serial_no)
    )
    found: dict[str, list[str]] = {}
    for dimensions, serial_no in rows:
        found.setdefault(dimensions, []).append(serial_no)
    return found


def contents(session: Session, unit_ids: list[int]) -> tuple[Content, ...]:
    """Return what lies in the named units themselves, good stock before held stock."""
    return _contents(session, Account.handling_unit_id.in_(unit_ids))


def loose(session: Session, location_id: int, owner_id: int) -> tuple[Content, ...]:
    """Return what of an owner lies at a place outside any unit, good stock before held stock."""
    return _contents(
        session,
        Account.location_id == location_id,
        Account.owner_id == owner_id,
        Account.handling_unit_id.is_(None),
    )


def _contents(session: Session, *where: ColumnElement[bool]) -> tuple[Content, ...]:
    rows = session.execute(
        select(
            Account,
            TradeItem.code,
            TradeItem.name_zh,
            TradeItem.name_en,
            TradeItem.base_unit,
            Lot.lot_no,
            Lot.expires_on,
            Site.code,
            Location.code,
            Balance.qty,
            Balance.qty - Balance.qty_reserved,
            Balance.weight_g,
            Balance.last_event_at,
        )
        .join(Balance, Balance.account_id == Account.id)
        .join(TradeItem, TradeItem.id == Account.trade_item_id)
        .join(Location, Location.id == Account.location_id)
        .join(Site, Site.id == Location.site_id)
        .outerjoin(Lot, Lot.id == Account.lot_id)
        .where(Account.kind == "location", Balance.qty > 0, *where)
        .order_by(Account.quality_status, Account.id)
    )
    return tuple(Content(account.handling_unit_id, key_of(account), *rest) for account, *rest in rows)


def key_of(account: Account) -> AccountKey:
    """Return the dimensions of an account row."""
    return AccountKey(
        account.kind,
        account.owner_id,
        account.trade_item_id,
        account.site_id,
        account.location_id,
        account.lot_id,
        account.handling_unit_id,
        account.customs_status,
        account.quality_status,
        account.book_line_id,
    )


EVENT = """
    SELECT e.id, e.kind, f.sscc AS from_sscc, t.sscc AS to_sscc, i.code AS item_code, i.name_zh, i.name_en, l.lot_no,
           e.qty, p.code AS place_code, e.posting_id, e.document, e.reason, n.name_zh AS person_zh,
           n.name_en AS person_en, e.event_at, x.depth
      FROM found x JOIN unit_event e ON e.id = x.id
      LEFT JOIN handling_unit f ON f.id = e.from_unit_id LEFT JOIN handling_unit t ON t.id = e.to_unit_id
      LEFT JOIN trade_item i ON i.id = e.trade_item_id LEFT JOIN lot l ON l.id = e.lot_id
      LEFT JOIN location p ON p.id = e.location_id LEFT JOIN person n ON n.id = e.person_id
     ORDER BY x.depth, e.id LIMIT :limit
"""
# Goods went over; the other kinds change only how units stand in one another.
OF_GOODS = "e.qty IS NOT NULL"
# A step counts only if it was not later than the one it leads to: what came in afterwards is no ancestor.
UP = text(
    f"""
    WITH RECURSIVE line AS (
      SELECT e.id, e.from_unit_id AS unit_id, e.trade_item_id, e.lot_id, 1 AS depth FROM unit_event e
       WHERE e.to_unit_id = :unit_id AND {OF_GOODS}
      UNION
      SELECT e.id, e.from_unit_id, e.trade_item_id, e.lot_id, g.depth + 1 FROM line g JOIN unit_event e
          ON e.to_unit_id = g.unit_id AND e.id < g.id AND {OF_GOODS} AND e.trade_item_id = g.trade_item_id
         AND e.lot_id IS NOT DISTINCT FROM g.lot_id
       WHERE g.depth < 50
    ), found AS (SELECT id, min(depth) AS depth FROM line GROUP BY id)
    {EVENT}"""  # noqa: S608 - our own constants
)
DOWN = text(
    f"""
    WITH RECURSIVE line AS (
      SELECT e.id, e.to_unit_id AS unit_id, e.trade_item_id, e.lot_id, 1 AS depth FROM unit_event e
       WHERE e.from_unit_id = :unit_id AND {OF_GOODS}
      UNION
      SELECT e.id, e.to_unit_id, e.trade_item_id, e.lot_id, g.depth + 1 FROM line g JOIN unit_event e
          ON e.from_unit_id = g.unit_id AND e.id > g.id AND {OF_GOODS} AND e.trade_item_id = g.trade_item_id
         AND e.lot_id IS NOT DISTINCT FROM g.lot_id
       WHERE g.depth < 50
    ), found AS (SELECT id, min(depth) AS depth FROM line GROUP BY id)
    {EVENT}"""  # noqa: S608 - our own constants
)
OF_UNIT = text(
    f"WITH found AS (SELECT id, 0 AS depth FROM unit_event"  # noqa: S608 - our own constants
    f" WHERE from_unit_id = :unit_id OR to_unit_id = :unit_id ORDER BY id DESC LIMIT :limit) {EVENT}"
)
OF_LOT = text(
    f"WITH found AS (SELECT id, 0 AS depth FROM unit_event"  # noqa: S608 - our own constants
    f" WHERE lot_id = :lot_id ORDER BY id LIMIT :limit) {EVENT}"
)
MOST_EVENTS = 500


def came_from(session: Session, unit_id: int) -> tuple[EventRow, ...]:
    """Return the steps by which the goods of a unit came into it, back through every unit they came from."""
    return _events(session, UP, unit_id=unit_id)


def went_to(session: Session, unit_id: int) -> tuple[EventRow, ...]:
    """Return the steps by which goods left a unit, on through every unit they went to."""
    return _events(session, DOWN, unit_id=unit_id)


def life_of(session: Session, unit_id: int) -> tuple[EventRow, ...]:
    """Return everything that was done to a unit, oldest first."""
    return _events(session, OF_UNIT, unit_id=unit_id)


def life_of_lot(session: Session, lot_id: int) -> tuple[EventRow, ...]:
    """Return every unit-to-unit step of a lot, oldest first."""
    return _events(session, OF_LOT, lot_id=lot_id)


def _events(session: Session, query: TextClause, **values: int) -> tuple[EventRow, ...]:
    rows = session.execute(query, {**values, "limit": MOST_EVENTS}).mappings()
    return tuple(EventRow(**row) for row in rows)


@dataclass(frozen=True)
class LastMove:
    """Who set a unit down where, and when."""

    place_code: str
    person: dict[str, str]
    event_at: datetime


MOVED_LAST = text(
    """
    SELECT l.code AS place_code, n.name_zh, n.name_en, p.event_at
      FROM account a JOIN entry e ON e.account_id = a.id JOIN posting p ON p.id = e.posting_id
      JOIN location l ON l.id = a.location_id LEFT JOIN person n ON n.id = p.person_id
     WHERE a.handling_unit_id = ANY (:ids) AND a.kind = 'location' AND e.qty > 0
     ORDER BY p.id DESC LIMIT 1
    """
)


def last_move(session: Session, unit_ids: list[int]) -> LastMove | None:
    """Return the posting that brought goods of the units where they lie now."""
    row = session.execute(MOVED_LAST, {"ids": unit_ids}).one_or_none()
    return LastMove(row[0], {"zh": row[1] or "-", "en": row[2] or "-"}, row[3]) if row else None


def location_in(session: Session, site_id: int, code: str) -> Location | None:
    """Return the place of a site with that code, however its letters are written."""
    where = func.upper(Location.code) == code.strip().upper()
    return session.scalars(select(Location).where(Location.site_id == site_id, where).limit(1)).one_or_none()


IN_UNIT = text(
    """
    WITH RECURSIVE inner_unit AS (
      SELECT id, sscc FROM handling_unit WHERE sscc = :sscc
      UNION SELECT h.id, h.sscc FROM handling_unit h JOIN inner_unit i ON h.parent_id = i.id
    ) SELECT sscc FROM inner_unit
    """
)


def ssccs_in(session: Session, sscc: str) -> frozenset[str]:
    """Return the label of a unit and of every unit that stands in it, at any depth."""
    return frozenset(session.execute(IN_UNIT, {"sscc": sscc}).scalars()) | {sscc}
