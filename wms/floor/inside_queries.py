"""Reads inside the warehouse: what lies in a place or on a pallet, what a place can still take, who touched it last."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wms.floor import place_queries
from wms.floor.rules.putaway import BLOCKED_STATUSES, Place
from wms.parties.tables import Location, Person, Site
from wms.stock.rules import AccountKey

Names = dict[str, str]


@dataclass(frozen=True)
class Pile:
    """Stock of one account in a place, with what rules and words need of it. Weight and volume per base unit."""

    account_id: int
    account: AccountKey
    qty: int
    reserved: int
    last_event_at: datetime
    item_code: str
    names: Names
    owner: Names
    gross_weight_g: int
    volume_mm3: int
    unit_value_minor: int
    temperature_class: str
    base_unit: str
    lot_no: str | None
    expires_on: date | None
    sscc: str | None
    place: str
    is_told_apart: bool = False
    since_at: datetime | None = None

    @property
    def is_blocked(self) -> bool:
        return self.account.quality_status in BLOCKED_STATUSES

    @property
    def is_bonded(self) -> bool:
        return self.account.customs_status == "bonded"

    @property
    def free(self) -> int:
        return self.qty - self.reserved


@dataclass(frozen=True)
class Touch:
    """Who moved goods last, when, and where they lie since."""

    person: Names
    at: datetime
    place: str
    document: str | None


_SELECT = """
    SELECT a.id AS account_id, a.kind, a.owner_id, a.trade_item_id, a.site_id, a.location_id, a.lot_id,
           a.handling_unit_id, a.customs_status, a.quality_status, a.book_line_id, b.qty, b.qty_reserved AS reserved,
           b.last_event_at, t.code AS item_code, t.name_zh, t.name_en, c.name_zh AS owner_zh, c.name_en AS owner_en,
           t.gross_weight_g, t.volume_mm3, t.unit_value_minor, t.temperature_class, t.base_unit, l.lot_no, l.expires_on,
           h.sscc, p.code AS place, t.is_serial_controlled OR t.is_catch_weight AS is_told_apart, b.since_at
"""
_JOINED = """
      JOIN balance b ON b.account_id = a.id JOIN trade_item t ON t.id = a.trade_item_id
      JOIN company c ON c.id = a.owner_id JOIN location p ON p.id = a.location_id
      LEFT JOIN lot l ON l.id = a.lot_id LEFT JOIN handling_unit h ON h.id = a.handling_unit_id
     WHERE a.kind = 'location' AND b.qty > 0
"""
_PILES = f"{_SELECT} FROM account a {_JOINED} AND "
_ORDER = " ORDER BY a.quality_status, l.expires_on NULLS LAST, a.id"
_AT = text(f"{_PILES} a.location_id = ANY (:ids) {_ORDER}")
_AT_OF_ITEMS = text(
    f"{_SELECT} FROM unnest(cast(:ids AS bigint[]), cast(:items AS bigint[])) AS w(location_id, trade_item_id)"
    f" JOIN account a ON a.location_id = w.location_id AND a.trade_item_id = w.trade_item_id {_JOINED} {_ORDER}"
)
_OF_UNITS = text(f"{_PILES} a.handling_unit_id = ANY (:ids) {_ORDER}")
_OF_ITEMS = text(f"{_PILES} a.trade_item_id = ANY (:ids) AND a.site_id = :site_id {_ORDER}")
_OF_ACCOUNTS = text(f"{_PILES} a.id = ANY (:ids) {_ORDER}")


def piles_at(session: Session, location_ids: Collection[int]) -> list[Pile]:
    """Return what lies in places: good stock before held and blocked, earlier expiry first."""
    return _piles(session.execute(_AT, {"ids": sorted(location_ids)}))


def piles_of_items_at(session: Session, pairs: Collection[tuple[int, int]]) -> list[Pile]:
    """Return what lies of certain items in certain places; ``pairs`` are (place, item)."""
    wanted = sorted(pairs)
    given = {"ids": [place for place, _ in wanted], "items": [item for _, item in wanted]}
    return _piles(session.execute(_AT_OF_ITEMS, given)) if wanted else []


def piles_on(session: Session, unit_ids: Collection[int]) -> list[Pile]:
    """Return what stands on handling units (not on units nested in them: see :func:`nested`)."""
    return _piles(session.execute(_OF_UNITS, {"ids": sorted(unit_ids)})) if unit_ids else []


def piles_of(session: Session, site_id: int, item_ids: Collection[int]) -> list[Pile]:
    """Return where items lie in a site."""
    return _piles(session.execute(_OF_ITEMS, {"ids": sorted(item_ids), "site_id": site_id})) if item_ids else []


def piles_in(session: Session, account_ids: Collection[int]) -> list[Pile]:
    """Return the stock of accounts that are known by id."""
    return _piles(session.execute(_OF_ACCOUNTS, {"ids": sorted(account_ids)})) if account_ids else []


def _piles(rows: Any) -> list[Pile]:
    return [_pile(dict(row)) for row in rows.mappings()]


def _pile(row: dict[str, Any]) -> Pile:
    account = AccountKey(**{name: row.pop(name) for name in AccountKey.__dataclass_fields__})
    names = {"zh": row.pop("name_zh"), "en": row.pop("name_en")}
    owner = {"zh": row.pop("owner_zh"), "en": row.pop("owner_en")}
    return Pile(account=account, names=names, owner=owner, **row)


_NESTED = text(
    "WITH RECURSIVE tree AS (SELECT id, id AS root, parent_id FROM handling_unit WHERE id = ANY (:ids)"
    " UNION ALL SELECT h.id, t.root, t.parent_id FROM handling_unit h JOIN tree t ON h.parent_id = t.id)"
    " CYCLE id SET is_cycle USING path"
    " SELECT root, id FROM tree WHERE NOT is_cycle ORDER BY root, id"
)


def nested(session: Session, unit_ids: Collection[int]) -> dict[int, list[int]]:
    """Return each unit with itself and every unit that stands in it, however deep."""
    found: dict[int, list[int]] = {}
    for root, unit_id in session.execute(_NESTED, {"ids": sorted(unit_ids)}):
        found.setdefault(root, []).append(unit_id)
    return found


_PLACES = text(
    f"SELECT {place_queries.COLUMNS} FROM location l {place_queries.HOLDS} WHERE l.id = ANY (:ids)"  # noqa: S608
)
_LOCK = text(
    "SELECT id FROM location WHERE id = ANY (:ids) AND (max_weight_g IS NOT NULL OR max_volume_mm3 IS NOT NULL"
    " OR max_count IS NOT NULL OR NOT mixes_items OR NOT mixes_lots OR NOT mixes_owners) ORDER BY id FOR NO KEY UPDATE"
)


def places(session: Session, location_ids: Collection[int]) -> dict[int, Place]:
    """Return places with what they hold. Those with limits are locked, so that two movers cannot overfill one."""
    lock_limited(session, location_ids)
    return places_now(session, location_ids)


def places_now(session: Session, location_ids: Collection[int]) -> dict[int, Place]:
    """Return places with what they hold at this moment, without a lock."""
    rows = session.execute(_PLACES, {"ids": sorted(location_ids)}).mappings()
    return {row["id"]: place_queries.place_of(row) for row in rows}


def lock_limited(session: Session, location_ids: Collection[int]) -> list[int]:
    """Lock the places that have limits, in ascending order, until the transaction ends; returns their ids."""
    return list(session.execute(_LOCK, {"ids": sorted(location_ids)}).scalars())


def location_ids(session: Session, site_id: int, codes: Collection[str]) -> dict[str, int]:
    """Return the places of a site by code in capitals, however the letters of ``codes`` are written.

    Codes as they are filed are found by their index; only what is left is looked for whatever its case.
    """
    wanted = {code.strip() for code in codes}
    found = _places_by(session, site_id, Location.code, wanted)
    left = {code.upper() for code in wanted} - set(found)
    return found | _places_by(session, site_id, func.upper(Location.code), left) if left else found


def _places_by(session: Session, site_id: int, column: Any, codes: Collection[str]) -> dict[str, int]:
    query = select(Location.code, Location.id).where(Location.site_id == site_id, column.in_(sorted(codes)))
    return {code.upper(): location_id for code, location_id in session.execute(query)}


_LAST = text(
    "SELECT p.event_at, p.person_id, p.source_doc, e.account_id FROM entry e JOIN posting p ON p.id = e.posting_id"
    " WHERE e.account_id = ANY (:ids) ORDER BY e.posting_id DESC LIMIT 1"
)
_ACCOUNTS_OF_UNIT = text(
    "SELECT a.id FROM account a WHERE a.handling_unit_id = ANY (:ids) AND a.kind = 'location'"
)
_WHERE = text(
    "SELECT l.code FROM entry e JOIN entry o ON o.posting_id = e.posting_id AND o.qty > 0"
    " JOIN account a ON a.id = o.account_id JOIN location l ON l.id = a.location_id"
    " WHERE e.account_id = :id AND e.posting_id = (SELECT max(posting_id) FROM entry WHERE account_id = :id) LIMIT 1"
)


def last_touch(session: Session, account_ids: Sequence[int]) -> Touch | None:
    """Return who changed one of these accounts last, and where the goods went."""
    row = session.execute(_LAST, {"ids": list(account_ids)}).one_or_none()
    if row is None:
        return None
    place = session.execute(_WHERE, {"id": row.account_id}).scalar_one_or_none()
    return Touch(person_names(session, row.person_id), row.event_at, place or "-", row.source_doc)


def last_touch_of_unit(session: Session, unit_ids: Collection[int]) -> Touch | None:
    """Return who moved a unit, or anything on it, last."""
    accounts = session.execute(_ACCOUNTS_OF_UNIT, {"ids": sorted(unit_ids)}).scalars()
    return last_touch(session, list(accounts))


_HOLDER = text(
    "SELECT source_doc FROM reservation WHERE account_id = :id AND state = 'held' ORDER BY id LIMIT 1"
)


def holder(session: Session, account_id: int) -> str:
    """Return the document to which stock of an account is promised."""
    return session.execute(_HOLDER, {"id": account_id}).scalar_one_or_none() or "-"


def person_names(session: Session, person_id: int | None) -> Names:
    """Return a person's names; a dash where nobody is known."""
    person = session.get(Person, person_id) if person_id else None
    return {"zh": person.name_zh, "en": person.name_en} if person else {"zh": "-", "en": "-"}


def site_by_id(session: Session, site_id: int) -> Site:
    """Return a site that is known to exist."""
    return session.get_one(Site, site_id)


def by_code(found: Mapping[str, int], code: str) -> int | None:
    """Return the place that :func:`location_ids` found for a code."""
    return found.get(code.strip().upper())
