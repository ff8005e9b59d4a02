"""What billing reads of the ledger: stock at the end of each day on the site's clock, touches, and lines traced back.

Everything is read as it was known at an instant, so that the same period gives the same figures again.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.floor.rules.billing import GoodsDay, PalletDay, Touch, days_of
from wms.floor.rules.snapshots import Snapshot
from wms.parties import dated

# Changes of an owner's stock by day of the site's clock; what was before the period is one sum on the day before it.
CHANGES = text(
    "SELECT a.site_id, a.trade_item_id, a.lot_id, t.temperature_class, t.gross_weight_g, t.volume_mm3,"
    " t.is_catch_weight, (e.event_at AT TIME ZONE s.time_zone)::date AS on_day, e.posting_id,"
    " sum(e.qty)::bigint AS qty, coalesce(sum(e.weight_g), 0)::bigint AS weight_g"
    " FROM account a JOIN entry e ON e.account_id = a.id JOIN posting p ON p.id = e.posting_id"
    " JOIN site s ON s.id = a.site_id JOIN trade_item t ON t.id = a.trade_item_id"
    " WHERE a.tenant_id = app_tenant() AND a.owner_id = :owner AND a.kind = 'location' AND e.recorded_at <= :known_at"
    " AND p.reverses_id IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses_id = p.id AND r.recorded_at <= :known_at)"
    " AND e.event_at < cast(:until AS date) + interval '2 days'"
    " AND (e.event_at AT TIME ZONE s.time_zone)::date <= :until"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING sum(e.qty) <> 0 OR coalesce(sum(e.weight_g), 0) <> 0"
    " ORDER BY 1, 2, 3 NULLS FIRST, 8, 9"
)
PALLETS = text(
    "SELECT a.site_id, a.handling_unit_id, t.temperature_class, (e.event_at AT TIME ZONE s.time_zone)::date AS on_day,"
    " sum(e.qty)::bigint AS qty FROM account a JOIN entry e ON e.account_id = a.id"
    " JOIN posting p ON p.id = e.posting_id JOIN site s ON s.id = a.site_id"
    " JOIN trade_item t ON t.id = a.trade_item_id"
    " WHERE a.tenant_id = app_tenant() AND a.owner_id = :owner AND a.kind = 'location'"
    " AND a.handling_unit_id IS NOT NULL AND e.recorded_at <= :known_at"
    " AND p.reverses_id IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses_id = p.id AND r.recorded_at <= :known_at)"
    " AND e.event_at < cast(:until AS date) + interval '2 days'"
    " AND (e.event_at AT TIME ZONE s.time_zone)::date <= :until"
    " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
)
# A posting that was undone by then, and what undid it, is nobody's work; above, its goods were never there.
TOUCHES = (
    "SELECT p.id AS posting_id, p.kind, p.event_at, p.source_doc, w.site_id, w.qty, w.weight_g, w.n_units"
    " FROM posting p CROSS JOIN LATERAL (SELECT max(a.site_id) AS site_id, max(s.time_zone) AS time_zone,"
    "   coalesce(sum(e.qty) FILTER (WHERE e.qty > 0), 0)::bigint AS qty,"
    "   coalesce(sum(coalesce(e.weight_g, e.qty * t.gross_weight_g)) FILTER (WHERE e.qty > 0), 0)::bigint AS weight_g,"
    "   count(DISTINCT a.handling_unit_id) AS n_units"
    "   FROM entry e JOIN account a ON a.id = e.account_id JOIN account_kind k ON k.kind = a.kind"
    "   JOIN trade_item t ON t.id = a.trade_item_id LEFT JOIN site s ON s.id = a.site_id"
    "  WHERE e.posting_id = p.id AND e.owner_id = :owner AND k.side = 'physical' HAVING count(*) > 0) w"
    " WHERE p.tenant_id = app_tenant() AND p.recorded_at <= :known_at AND p.reverses_id IS NULL"
    " AND p.event_at >= cast(:since AS date) - interval '2 days'"
    " AND p.event_at < cast(:until AS date) + interval '2 days'"
    " AND (p.event_at AT TIME ZONE coalesce(w.time_zone, :house_zone))::date BETWEEN :since AND :until"
    " AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses_id = p.id AND r.recorded_at <= :known_at)"
)
EXTRAS = text(
    "SELECT service, site_id, sum(times)::bigint FROM service_done WHERE owner_id = :owner AND done_on BETWEEN :since"
    " AND :until AND recorded_at <= :known_at GROUP BY 1, 2 ORDER BY 1, 2"
)
LONGEST_FREE = 366


@dataclass(frozen=True)
class Span:
    """Whose stock, from which day to which (both included), as it was known at an instant."""

    owner_id: int
    since: date
    until: date
    known_at: datetime

    def values(self) -> dict[str, Any]:
        """Return it as parameters of the statements here."""
        return {"owner": self.owner_id, "since": self.since, "until": self.until, "known_at": self.known_at}


def goods_days(session: Session, span: Span, free_days: int = 0) -> Iterator[GoodsDay]:
    """Yield each item and lot at each site at the end of each day; ``free_days``: how far back arrivals are told."""
    groups: dict[tuple[Any, ...], list[tuple[date, int]]] = defaultdict(list)
    grams: dict[tuple[Any, ...], list[tuple[date, int]]] = defaultdict(list)
    for row in session.execute(CHANGES, span.values()):
        groups[tuple(row[:7])].append((row.on_day, row.qty))
        if row.is_catch_weight:
            grams[tuple(row[:7])].append((row.on_day, row.weight_g))
    depth = min(free_days, LONGEST_FREE)
    for key, changes in groups.items():
        site_id, _item, _lot, temperature, weight_g, volume_mm3, _weighed = key
        weighed = {on: (g, came) for on, g, came in _at_day_ends(grams.get(key, []), span, depth)}
        for on, qty, came in _at_day_ends(changes, span, depth):
            net_g, came_g = weighed.get(on, (None, ()))
            yield GoodsDay(on, site_id, temperature, qty, weight_g, volume_mm3, came, net_g, came_g)


def _at_day_ends(
    changes: list[tuple[date, int]], span: Span, depth: int
) -> Iterator[tuple[date, int, tuple[int, ...]]]:
    """Yield (day, units at its end, arrivals of that day and of ``depth`` − 1 days before) where anything is left."""
    by_day: dict[date, int] = defaultdict(int)
    arrived: dict[date, int] = defaultdict(int)
    for on, qty in changes:
        by_day[on] += qty
        arrived[on] += max(0, qty)
    held = sum(qty for on, qty in by_day.items() if on < span.since)
    for on in days_of(span.since, span.until):
        held += by_day.get(on, 0)
        if held > 0:
            yield on, held, tuple(arrived.get(on - timedelta(days=n), 0) for n in range(depth))


def pallet_days(session: Session, span: Span) -> Iterator[PalletDay]:
    """Yield each pallet at each site at the end of each day, once for each temperature class that lies on it."""
    groups: dict[tuple[int, int, str], list[tuple[date, int]]] = defaultdict(list)
    for row in session.execute(PALLETS, span.values()):
        groups[row[0], row[1], row[2]].append((row[3], row[4]))
    for (site_id, unit_id, temperature), changes in groups.items():
        came_on = changes[0][0]
        for on, _qty, _came in _at_day_ends(changes, span, 0):
            yield PalletDay(on, site_id, temperature, unit_id, (on - came_on).days)


def _with_zone(session: Session, span: Span) -> dict[str, Any]:
    """Add the clock that tells the day of what was posted at no site."""
    return span.values() | {"house_zone": dated.house_zone(session, span.until)}


def touches(session: Session, span: Span) -> list[Touch]:
    """Return every posting that touched the owner's goods in the period and was not undone."""
    rows = session.execute(text(TOUCHES), _with_zone(session, span)).mappings()
    names = ("posting_id", "kind", "site_id", "qty", "weight_g", "n_units")
    return [Touch(**{name: row[name] for name in names}) for row in rows]


def touched(session: Session, span: Span, kind: str, site_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the postings behind a handling line."""
    sql = (
        f"{TOUCHES} AND p.kind = :kind AND w.site_id IS NOT DISTINCT FROM :site ORDER BY p.event_at, p.id LIMIT :limit"
    )
    values = _with_zone(session, span) | {"kind": kind, "site": site_id, "limit": limit}
    return [dict(row) for row in session.execute(text(sql), values).mappings()]


def extras(session: Session, span: Span) -> list[tuple[str, int, int]]:
    """Return extra services of the period as (service, site, times)."""
    return [(row[0], row[1], row[2]) for row in session.execute(EXTRAS, span.values())]


# What a snapshot did not see, exactly: who else was at work then, in this database or beside it, does not matter. The
# plain comparison is for the index.
UNKNOWN = "{0} >= :since_xid AND NOT pg_visible_in_snapshot({0}::text::xid8, cast(:known AS pg_snapshot))"
OF_POSTING, OF_ROW = UNKNOWN.format("p.transaction_id"), UNKNOWN.format("transaction_id")
# The earliest day on which something counts that became known since: postings at their event, reversals at that of what
# they reverse, services on their day, rate cards on their first day. Two days more than any clock differs from UTC.
EARLIEST = text(
    "SELECT min(day) FROM ("  # noqa: S608 - our own constants
    " SELECT min(least(p.event_at, r.event_at))::date - 2 AS day FROM posting p"
    "   LEFT JOIN posting r ON r.id = p.reverses_id"
    f"  WHERE p.tenant_id = app_tenant() AND {OF_POSTING}"
    "    AND (p.reverses_id IS NOT NULL OR p.event_at < cast(:latest AS date) + interval '3 days')"
    "    AND EXISTS (SELECT 1 FROM entry e WHERE e.posting_id = p.id AND e.owner_id = :owner)"
    f" UNION ALL SELECT min(done_on) FROM service_done WHERE owner_id = :owner AND {OF_ROW}"
    f" UNION ALL SELECT min(valid_from_on) FROM rate_card WHERE owner_id = :owner AND {OF_ROW}) found"
)


def earliest_change(session: Session, owner_id: int, known: Snapshot, latest: date) -> date | None:
    """Return the first day, up to ``latest``, that may count otherwise than was known then; None: nothing changed."""
    values = {"owner": owner_id, "since_xid": known.since, "known": str(known), "latest": latest}
    found: date | None = session.execute(EARLIEST, values).scalar_one()
    return found


MOVED = text(
    "SELECT p.id AS posting_id, p.kind, p.event_at, p.source_doc, sum(e.qty)::bigint AS qty"
    " FROM posting p JOIN entry e ON e.posting_id = p.id JOIN account a ON a.id = e.account_id"
    " JOIN site s ON s.id = a.site_id"
    " WHERE p.tenant_id = app_tenant() AND e.owner_id = :owner AND a.kind = 'location' AND a.site_id = :site"
    " AND p.recorded_at <= :known_at AND (p.event_at AT TIME ZONE s.time_zone)::date <= :until"
    " GROUP BY p.id HAVING sum(e.qty) <> 0 ORDER BY p.event_at DESC, p.id DESC LIMIT :limit"
)


def moved(session: Session, span: Span, site_id: int, limit: int) -> list[dict[str, Any]]:
    """Return the postings that made a site's stock of the owner what it was at the end of the period, newest first."""
    return [dict(row) for row in session.execute(MOVED, span.values() | {"site": site_id, "limit": limit}).mappings()]
