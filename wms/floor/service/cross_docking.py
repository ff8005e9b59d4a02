"""Cross-docking: received goods that open orders wait for go to the cross-dock zone and are promised to them at once.

The zone is one of bins near the docks (dated value ``crossdock.zone``), so that picking finds the goods like any other.
Planned: the line of the notice names the order. Otherwise as chance has it: orders want more than lies on the shelves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from wms.floor import place_queries
from wms.floor.place_queries import Waiting
from wms.floor.place_search import Search
from wms.floor.rules.putaway import Goods, Place, Strategy, may_take
from wms.floor.service import allocating
from wms.floor.service.allocating import Only
from wms.parties import dated
from wms.stock.accounts import account_ids
from wms.stock.rules import AccountKey

MOST_ORDERS = 20
LACKING = """
    SELECT o.id, o.order_no, l.ordered_qty - l.allocated_qty - l.short_qty AS qty
      FROM order_line l JOIN outbound_order o ON o.id = l.order_id
     WHERE o.state IN ('open', 'part_allocated') AND l.ordered_qty > l.allocated_qty + l.short_qty
"""
# Most urgent first, as allocation takes them.
URGENT = " ORDER BY o.priority, o.ship_by_at NULLS LAST, o.id LIMIT :most"
OPPORTUNISTIC = text(
    f"{LACKING} AND l.trade_item_id = :item_id AND o.site_id = :site_id AND o.owner_id = :owner_id"
    f" AND o.customs_status = :status{URGENT}"
)
PLANNED = text(
    f"{LACKING} AND l.id IN (SELECT n.order_line_id FROM notice_line n"  # noqa: S608 - our own constants
    " JOIN receipt_line r ON r.notice_line_id = n.id"
    " WHERE n.order_line_id IS NOT NULL AND r.undone_at IS NULL AND r.trade_item_id = :item_id"
    f" AND r.location_id = :dock_id AND r.lot_id IS NOT DISTINCT FROM :lot_id){URGENT}"
)
ON_SHELF = text(
    "SELECT coalesce(sum(b.qty - b.qty_reserved), 0)::bigint FROM account a JOIN balance b ON b.account_id = a.id"
    " JOIN location l ON l.id = a.location_id AND l.kind IN ('bin', 'shop_floor')"
    " WHERE a.tenant_id = app_tenant() AND a.owner_id = :owner_id AND a.trade_item_id = :item_id"
    " AND a.kind = 'location' AND a.site_id = :site_id AND a.customs_status = :status AND a.quality_status = 'good'"
)

LOCK_ORDERS = text("SELECT id FROM outbound_order WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE")


@dataclass(frozen=True)
class Wait:
    """Orders that wait for goods: how many base units more than the shelves have, and which orders."""

    qty: int
    order_ids: tuple[int, ...]
    order_nos: tuple[str, ...]
    is_planned: bool = False


@dataclass(frozen=True)
class CrossDock:
    """Where goods go for orders that wait: ``qty`` base units of them."""

    place: Place
    qty: int
    wait: Wait


def wanted(session: Session, site_id: int, owner_id: int, trade_item_id: int, status: str) -> Wait | None:
    """Return which open orders want more of an item than lies on the shelves of a site; None where none does."""
    values = {"site_id": site_id, "owner_id": owner_id, "item_id": trade_item_id, "status": status}
    found = _orders(session, OPPORTUNISTIC, **values)
    if found is None:
        return None
    lacking = found.qty - int(session.execute(ON_SHELF, values).scalar_one())
    return Wait(lacking, found.order_ids, found.order_nos) if lacking > 0 else None


def _orders(session: Session, query: TextClause, **values: Any) -> Wait | None:
    rows = session.execute(query, {**values, "most": MOST_ORDERS}).all()
    if not rows:
        return None
    return Wait(
        sum(row.qty for row in rows), tuple(dict.fromkeys(row.id for row in rows)),
        tuple(dict.fromkeys(row.order_no for row in rows)),
    )  # fmt: skip


def waits_for(session: Session, waiting: Waiting) -> Wait | None:
    """Return the orders that goods at a dock are meant for by their notice, else those that happen to want them."""
    planned = _orders(
        session, PLANNED, item_id=waiting.trade_item_id, dock_id=waiting.from_location_id, lot_id=waiting.lot_id
    )
    if planned is not None:
        return Wait(planned.qty, planned.order_ids, planned.order_nos, is_planned=True)
    status = "bonded" if waiting.is_bonded else "free"
    return wanted(session, waiting.site_id, waiting.owner_id, waiting.trade_item_id, status)


def suggest(session: Session, waiting: Waiting, goods: Goods, on: date) -> CrossDock | None:
    """Return where goods go for waiting orders, None where they are stored.

    Goods on hold are promised to nobody; a pallet goes only whole, so orders must want all of it.
    """
    if goods.is_blocked:
        return None
    wait = waits_for(session, waiting)
    if wait is None:
        return None
    good = sum(
        one.free_qty for one in place_queries.lying(session, waiting) if one.account.quality_status == "good"
    )
    qty = min(goods.qty, wait.qty, good)
    if qty <= 0 or (waiting.handling_unit_id is not None and qty < goods.qty):
        return None
    zone = str(dated.value(session, "crossdock.zone", on))
    look = Search(session, waiting.site_id, goods).look
    places = (place for bonded in (goods.is_bonded, True) for place in look(Strategy("zone", zone=zone), bonded))
    place = next((one for one in places if may_take(goods, one)), None)
    return CrossDock(place, qty, wait) if place is not None else None


def lock_orders(session: Session, wait: Wait) -> None:
    """Lock the orders that wait, before any stock: everybody locks documents first."""
    session.execute(LOCK_ORDERS, {"ids": sorted(wait.order_ids)})


def promise(session: Session, key: str, wait: Wait, accounts: Sequence[AccountKey], now: datetime) -> int:
    """Promise goods that came to the cross-dock zone to the orders that wait for them; return lines that were met."""
    ids = frozenset(account_ids(session, set(accounts)).values())
    done = allocating.allocate(session, f"xd:{key}", list(wait.order_ids), now, only=Only(none_but=ids))
    return done.lines_met


def waiting_at_docks(session: Session, site_id: int, limit: int = 200) -> list[tuple[Waiting, Wait]]:
    """Return the goods at a site's docks that orders wait for."""
    tasks = [one for one in place_queries.waiting(session, site_id, limit) if not one.is_blocked]
    found = ((task, waits_for(session, task)) for task in tasks)
    return [(task, wait) for task, wait in found if wait is not None]

