"""What was sold where and what it says: demand by day, lead times as they really were, stock and goods on the way."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import pstdev

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.freight.rules.demand import Day
from wms.freight.rules.replenish import LeadTime

LEAST_TRANSFERS = 5  # fewer say less than the dated value

# Goods of a site that went to customers, by the site's day: what left its accounts in postings that delivered. A
# reversal counts on its own day, with the other sign.
SOLD = text(
    """
    SELECT a.trade_item_id, (e.event_at AT TIME ZONE s.time_zone)::date AS day, -sum(e.qty)::bigint AS qty
      FROM account a JOIN site s ON s.id = a.site_id
      JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical' AND NOT k.is_virtual
      JOIN entry e ON e.account_id = a.id
     WHERE a.site_id = :site_id AND a.owner_id = :owner_id AND a.trade_item_id = ANY (:items)
       AND e.event_at >= (cast(:since AS date)::timestamp AT TIME ZONE s.time_zone)
       AND e.event_at < (cast(:until AS date)::timestamp AT TIME ZONE s.time_zone)
       AND EXISTS (SELECT 1 FROM entry c JOIN account ca ON ca.id = c.account_id
                    WHERE c.posting_id = e.posting_id AND ca.kind = 'customer' AND ca.trade_item_id = a.trade_item_id)
     GROUP BY a.trade_item_id, day HAVING sum(e.qty) <> 0
    """
)
CHANGES = text(
    """
    SELECT a.trade_item_id, (e.event_at AT TIME ZONE s.time_zone)::date AS day, sum(e.qty)::bigint AS qty
      FROM account a JOIN site s ON s.id = a.site_id JOIN entry e ON e.account_id = a.id
     WHERE a.kind = 'location' AND a.quality_status = 'good' AND a.site_id = :site_id AND a.owner_id = :owner_id
       AND a.trade_item_id = ANY (:items)
       AND e.event_at < (cast(:until AS date)::timestamp AT TIME ZONE s.time_zone)
     GROUP BY a.trade_item_id, day
    """
)
STOCK = text(
    """
    SELECT a.trade_item_id, coalesce(sum(b.qty), 0)::bigint AS qty,
           coalesce(sum(b.qty - b.qty_reserved), 0)::bigint AS free
      FROM account a JOIN balance b ON b.account_id = a.id LEFT JOIN lot ON lot.id = a.lot_id
     WHERE a.kind = 'location' AND a.quality_status = 'good' AND a.site_id = :site_id AND a.owner_id = :owner_id
       AND a.trade_item_id = ANY (:items) AND b.qty > 0 AND (lot.expires_on IS NULL OR lot.expires_on >= :today)
     GROUP BY a.trade_item_id
    """
)
# On the way: in transit already, and drawn up but not departed.
ON_THE_WAY = text(
    """
    SELECT l.trade_item_id, sum(CASE WHEN f.state IN ('open', 'loaded') THEN l.qty
                                     ELSE l.departed_qty - l.arrived_qty - l.short_qty END)::bigint AS qty
      FROM transfer f JOIN transfer_line l ON l.transfer_id = f.id
     WHERE f.to_site_id = :site_id AND f.owner_id = :owner_id AND f.turned_back_at IS NULL
       AND f.state IN ('open', 'loaded', 'in_transit', 'arriving') AND l.trade_item_id = ANY (:items)
     GROUP BY l.trade_item_id
    """
)
TOOK = text(
    """
    SELECT extract(epoch FROM f.arrived_at - f.departed_at)::bigint AS took_s FROM transfer f
     WHERE f.from_site_id = :from_id AND f.to_site_id = :to_id AND f.mode = :mode AND f.arrived_at IS NOT NULL
       AND f.turned_back_at IS NULL AND f.departed_at >= cast(:since AS date) ORDER BY f.id
    """
)
PACKS = text("SELECT trade_item_id, unit, base_qty FROM packaging_level WHERE trade_item_id = ANY (:items)")
# Ways on which an owner's goods were sent to a site, or were proposed to be.
WAYS = text(
    """
    SELECT DISTINCT owner_id, from_site_id, to_site_id, mode FROM (
      SELECT owner_id, from_site_id, to_site_id, mode FROM transfer WHERE departed_at IS NOT NULL
      UNION ALL SELECT owner_id, from_site_id, to_site_id, mode FROM proposal_run) known
      JOIN site s ON s.id = to_site_id AND s.kind = 'overseas'
     ORDER BY owner_id, from_site_id, to_site_id, mode
    """
)
DAY_S = 86_400


@dataclass(frozen=True)
class Held:
    """Stock of an item at a site: all that is good, and what of it nobody has reserved."""

    qty: int = 0
    free: int = 0


def demand(
    session: Session, owner_id: int, site_id: int, items: Sequence[int], *, since: date, until: date
) -> dict[int, list[Day]]:
    """The days of each item from its first stock or sale on, ``since`` ≤ day < ``until``, the oldest first."""
    bound = {"owner_id": owner_id, "site_id": site_id, "items": list(items), "since": since, "until": until}
    sold: dict[int, dict[date, int]] = defaultdict(dict)
    for row in session.execute(SOLD, bound):
        sold[row.trade_item_id][row.day] = row.qty
    changes: dict[int, dict[date, int]] = defaultdict(dict)
    for row in session.execute(CHANGES, bound):
        changes[row.trade_item_id][row.day] = row.qty
    return {item: _days_of(sold[item], changes[item], since, until) for item in items}


def _days_of(sold: dict[date, int], changes: dict[date, int], since: date, until: date) -> list[Day]:
    known = [*sold, *changes]
    if not known:
        return []
    stock = sum(qty for day, qty in changes.items() if day < since)
    days: list[Day] = []
    day = max(since, min(known))
    while day < until:
        morning = stock
        stock += changes.get(day, 0)
        days.append(Day(max(sold.get(day, 0), 0), was_in_stock=morning > 0 or stock > 0))
        day += timedelta(days=1)
    return days


def stock(session: Session, owner_id: int, site_id: int, items: Sequence[int], today: date) -> dict[int, Held]:
    """Good stock of each item at a site that is not out of date."""
    bound = {"owner_id": owner_id, "site_id": site_id, "items": list(items), "today": today}
    found = {row.trade_item_id: Held(row.qty, row.free) for row in session.execute(STOCK, bound)}
    return {item: found.get(item, Held()) for item in items}


def on_the_way(session: Session, owner_id: int, site_id: int, items: Sequence[int]) -> dict[int, int]:
    """What transfers bring to a site, departed or still to depart."""
    bound = {"owner_id": owner_id, "site_id": site_id, "items": list(items)}
    return {row.trade_item_id: row.qty for row in session.execute(ON_THE_WAY, bound)}


def observed_lead_time(session: Session, from_id: int, to_id: int, mode: str, since: date) -> LeadTime | None:
    """How long transfers of a way really took; None where there are too few to say."""
    took = list(session.scalars(TOOK, {"from_id": from_id, "to_id": to_id, "mode": mode, "since": since}))
    if len(took) < LEAST_TRANSFERS:
        return None
    mean_md = sum(took) * 1000 // len(took) // DAY_S
    deviation_md = int(pstdev(took) * 1000) // DAY_S
    return LeadTime(mean_md, deviation_md, f"{len(took)} transfers")


def ways(session: Session) -> list[tuple[int, int, int, str]]:
    """Ways to warehouses overseas that are in use: (owner, from, to, mode); the newest mode of each pair alone."""
    found: dict[tuple[int, int, int], str] = {}
    for row in session.execute(WAYS):
        found[row.owner_id, row.from_site_id, row.to_site_id] = row.mode
    return [(*pair, mode) for pair, mode in found.items()]


def packs(session: Session, items: Sequence[int]) -> dict[int, dict[str, int]]:
    """Base units of each packaging of each item."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for row in session.execute(PACKS, {"items": list(items)}):
        found[row.trade_item_id][row.unit] = row.base_qty
    return found
