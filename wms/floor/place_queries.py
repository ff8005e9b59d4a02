"""Reads for put-away: what waits at the docks, where it lies, and what the places of a site hold."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, select, text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.rules.pieces import Control
from wms.floor.rules.putaway import BLOCKED_STATUSES, Place
from wms.floor.tables import PutAway, PutAwayTask
from wms.parties.tables import Location, Person, Site
from wms.stock.rules import AccountKey
from wms.stock.tables import Account, Balance, HandlingUnit, Lot


@dataclass(frozen=True)
class Waiting:
    """Goods of one put-away task; weight and volume per base unit."""

    task_id: int
    site_id: int
    from_location_id: int
    from_code: str
    owner_id: int
    trade_item_id: int
    name_zh: str
    name_en: str
    lot_id: int | None
    lot_no: str | None
    handling_unit_id: int | None
    sscc: str | None
    is_blocked: bool
    left_qty: int
    gross_weight_g: int
    volume_mm3: int
    temperature_class: str
    velocity_class: str | None
    is_bonded: bool
    is_serial_controlled: bool
    is_catch_weight: bool

    @property
    def names(self) -> dict[str, str]:
        return {"zh": self.name_zh, "en": self.name_en}

    @property
    def control(self) -> Control:
        return Control(self.names, self.is_serial_controlled, self.is_catch_weight)


@dataclass(frozen=True)
class Lying:
    """Stock in one account that may be taken."""

    account: AccountKey
    free_qty: int
    last_event_at: datetime


@dataclass(frozen=True)
class Put:
    """Who put a pallet where, and when."""

    place: str
    person: dict[str, str]
    put_at: datetime


def site_id_of(session: Session, code: str) -> int | None:
    """Return the id of the site with that code."""
    return session.scalar(select(Site.id).where(func.upper(Site.code) == code.strip().upper()))


def waiting(session: Session, site_id: int, limit: int = 50) -> tuple[Waiting, ...]:
    """Return the open tasks of a site, oldest first."""
    return _waiting(session, site_id, limit=limit)


def waiting_task(session: Session, site_id: int, task_id: int) -> Waiting | None:
    """Return one task of a site while it is open."""
    return next(iter(_waiting(session, site_id, PutAwayTask.id == task_id)), None)


def waiting_pallet(session: Session, site_id: int, sscc: str) -> tuple[Waiting, ...]:
    """Return the open tasks of a pallet at a site."""
    return _waiting(session, site_id, HandlingUnit.sscc == sscc)


def waiting_items(session: Session, site_id: int, item_ids: list[int]) -> tuple[Waiting, ...]:
    """Return the open tasks of items at a site: loose goods first, then good before blocked ones, then the oldest."""
    return _waiting(session, site_id, PutAwayTask.trade_item_id.in_(item_ids))


def _waiting(session: Session, site_id: int, *where: ColumnElement[bool], limit: int = 200) -> tuple[Waiting, ...]:
    bonded = (
        select(Account.id)
        .join(Balance, Balance.account_id == Account.id)
        .where(*_at_dock(), Account.customs_status == "bonded", Balance.qty > 0)
        .exists()
    )
    rows = session.execute(
        select(
            PutAwayTask.id.label("task_id"),
            PutAwayTask.site_id,
            PutAwayTask.from_location_id,
            Location.code.label("from_code"),
            PutAwayTask.owner_id,
            PutAwayTask.trade_item_id,
            TradeItem.name_zh,
            TradeItem.name_en,
            PutAwayTask.lot_id,
            Lot.lot_no,
            PutAwayTask.handling_unit_id,
            HandlingUnit.sscc,
            PutAwayTask.is_blocked,
            (PutAwayTask.qty - PutAwayTask.done_qty).label("left_qty"),
            TradeItem.gross_weight_g,
            TradeItem.volume_mm3,
            TradeItem.temperature_class,
            TradeItem.velocity_class,
            bonded.label("is_bonded"),
            TradeItem.is_serial_controlled,
            TradeItem.is_catch_weight,
        )
        .join(Location, Location.id == PutAwayTask.from_location_id)
        .join(TradeItem, TradeItem.id == PutAwayTask.trade_item_id)
        .outerjoin(Lot, Lot.id == PutAwayTask.lot_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == PutAwayTask.handling_unit_id)
        .where(PutAwayTask.state == "open", PutAwayTask.site_id == site_id, *where)
        .order_by(PutAwayTask.handling_unit_id.is_not(None), PutAwayTask.is_blocked, PutAwayTask.id)
        .limit(limit)
    )
    return tuple(Waiting(**row) for row in rows.mappings())


def _at_dock() -> tuple[ColumnElement[bool], ...]:
    return (
        Account.kind == "location",
        Account.location_id == PutAwayTask.from_location_id,
        Account.trade_item_id == PutAwayTask.trade_item_id,
        Account.lot_id.is_not_distinct_from(PutAwayTask.lot_id),
        Account.handling_unit_id.is_not_distinct_from(PutAwayTask.handling_unit_id),
    )


def lying(session: Session, task: Waiting) -> tuple[Lying, ...]:
    """Return where the goods of a task lie: good ones before held ones, nothing that is promised elsewhere."""
    blocked = Account.quality_status.in_(BLOCKED_STATUSES)
    rows = session.execute(
        select(Account, Balance.qty - Balance.qty_reserved, Balance.last_event_at)
        .join(Balance, Balance.account_id == Account.id)
        .where(
            Account.kind == "location",
            Account.location_id == task.from_location_id,
            Account.owner_id == task.owner_id,
            Account.trade_item_id == task.trade_item_id,
            Account.lot_id.is_not_distinct_from(task.lot_id),
            Account.handling_unit_id.is_not_distinct_from(task.handling_unit_id),
            blocked if task.is_blocked else ~blocked,
            Balance.qty > Balance.qty_reserved,
        )
        .order_by(Account.quality_status, Account.id)
    )
    return tuple(Lying(key_of(account), free, last) for account, free, last in rows)


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


HOLDS = """
      LEFT JOIN LATERAL (
        SELECT sum(coalesce(b.weight_g, b.qty * i.gross_weight_g))::bigint AS weight_g,
               sum(b.qty * i.volume_mm3)::bigint AS volume_mm3, sum(b.qty)::bigint AS count,
               array_agg(DISTINCT a.trade_item_id) AS item_ids, array_agg(DISTINCT a.lot_id) AS lot_ids,
               array_agg(DISTINCT a.owner_id) AS owner_ids
          FROM account a JOIN balance b ON b.account_id = a.id JOIN trade_item i ON i.id = a.trade_item_id
         WHERE a.location_id = l.id AND a.kind = 'location' AND b.qty > 0) u ON true
"""
COLUMNS = """
    l.id, l.code, l.kind, l.temperature_class, l.is_bonded, coalesce(l.pick_sequence::bigint, l.id) AS sequence,
    l.max_weight_g, l.max_volume_mm3, l.max_count, l.mixes_items, l.mixes_lots, l.mixes_owners, l.zone,
    l.velocity_class, coalesce(u.weight_g, 0) AS used_weight_g, coalesce(u.volume_mm3, 0) AS used_volume_mm3,
    coalesce(u.count, 0) AS used_count, u.item_ids, u.lot_ids, u.owner_ids
"""
STOCK = """
    SELECT FROM account a JOIN balance b ON b.account_id = a.id
     WHERE a.location_id = l.id AND a.kind = 'location' AND b.qty > 0
"""
ONE = text(f"SELECT {COLUMNS} FROM location l {HOLDS} WHERE l.id = :location_id")  # noqa: S608 - our own constants


def place(session: Session, location_id: int) -> Place:
    """Return one place with what it holds, of whatever kind it is."""
    return place_of(session.execute(ONE, {"location_id": location_id}).mappings().one())


PLACE_FIELDS = frozenset(field.name for field in fields(Place))


def place_of(row: RowMapping) -> Place:
    """Return a row of COLUMNS as the rules see it."""
    given: dict[str, Any] = {name: value for name, value in row.items() if name in PLACE_FIELDS}
    given["item_ids"] = frozenset(given["item_ids"] or ())
    given["lot_ids"] = frozenset(given["lot_ids"] or ()) - {None}
    given["owner_ids"] = frozenset(given["owner_ids"] or ())
    return Place(**given)


def put_away_pallet(session: Session, sscc: str) -> Put | None:
    """Return who put the pallet away last."""
    row = session.execute(
        select(Location.code, Person.name_zh, Person.name_en, PutAway.put_at)
        .join(PutAwayTask, PutAwayTask.id == PutAway.task_id)
        .join(HandlingUnit, HandlingUnit.id == PutAwayTask.handling_unit_id)
        .join(Location, Location.id == PutAway.location_id)
        .outerjoin(Person, Person.id == PutAway.person_id)
        .where(HandlingUnit.sscc == sscc, PutAway.undone_at.is_(None))
        .order_by(PutAway.id.desc())
        .limit(1)
    ).one_or_none()
    return Put(row[0], {"zh": row[1] or "-", "en": row[2] or "-"}, row[3]) if row else None
