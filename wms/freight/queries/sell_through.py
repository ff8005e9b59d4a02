"""Sell-through: what came to each warehouse abroad and was sold there, by site, country or region and by period."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.errors import N_, Kind, WmsError

GROUPS, PERIODS = ("site", "country", "region"), ("all", "month", "week")
MOST_DAYS = 1_100
# One row for each site, item and period. A posting that delivers counts as sold what left the site by it; one that
# goods came by (from a supplier or out of transit) counts as received; days are those of each site.
MOVED = text(
    """
    WITH here AS (
      SELECT s.id, s.code, s.time_zone, left(coalesce(s.unlocode, '??'), 2) AS country FROM site s
       WHERE s.kind = 'overseas' AND (cast(:site AS text) IS NULL OR s.code = :site)
    ), move AS (
      SELECT a.site_id, a.owner_id, a.trade_item_id, e.posting_id,
             (min(e.event_at) AT TIME ZONE min(h.time_zone))::date AS day, sum(e.qty)::bigint AS qty
        FROM here h JOIN account a ON a.site_id = h.id AND a.kind IN ('location', 'in_process', 'declared_not_left')
        JOIN entry e ON e.account_id = a.id
       WHERE e.event_at < (cast(:until AS date)::timestamp AT TIME ZONE h.time_zone)
         AND (cast(:owner_id AS bigint) IS NULL OR a.owner_id = :owner_id)
       GROUP BY a.site_id, a.owner_id, a.trade_item_id, e.posting_id HAVING sum(e.qty) <> 0
    ), told AS (
      SELECT m.*, EXISTS (
               SELECT 1 FROM entry x JOIN account xa ON xa.id = x.account_id WHERE x.posting_id = m.posting_id
                  AND xa.kind = 'customer' AND xa.trade_item_id = m.trade_item_id) AS is_sale,
             EXISTS (
               SELECT 1 FROM entry x JOIN account xa ON xa.id = x.account_id WHERE x.posting_id = m.posting_id
                  AND xa.kind IN ('supplier', 'in_transit') AND xa.trade_item_id = m.trade_item_id) AS is_coming
        FROM move m
    )
    SELECT h.code AS site, h.country, c.code AS owner_code, t.code AS item_code, t.name_zh, t.name_en, t.base_unit,
           CASE :period WHEN 'all' THEN cast(:since AS date) ELSE greatest(
             date_trunc(:period, greatest(o.day, cast(:since AS date))::timestamp)::date, cast(:since AS date))
             END AS period_on,
           coalesce(sum(o.qty) FILTER (WHERE o.day < :since), 0)::bigint AS before_qty,
           coalesce(sum(o.qty) FILTER (WHERE o.day >= :since AND o.is_coming AND NOT o.is_sale), 0)::bigint
             AS received_qty,
           coalesce(-sum(o.qty) FILTER (WHERE o.day >= :since AND o.is_sale), 0)::bigint AS sold_qty,
           coalesce(sum(o.qty) FILTER (WHERE o.day >= :since AND NOT o.is_coming AND NOT o.is_sale), 0)::bigint
             AS other_qty
      FROM told o JOIN here h ON h.id = o.site_id JOIN company c ON c.id = o.owner_id
      JOIN trade_item t ON t.id = o.trade_item_id
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 3, 4, 8
    """
)


class BadPeriod(WmsError):
    code = "bad_sales_period"
    kind = Kind.INVALID
    text = N_("The period from %(since)s until %(until)s is empty or longer than %(most)s days.")


@dataclass(frozen=True)
class SellThrough:
    """One item at one place in one period. ``permille``: sold of what there was (opening and received).

    ``cover_weeks_tenths``: how long the closing stock lasts as it was sold; None where nothing was sold.
    """

    place: str
    owner_code: str
    item_code: str
    name_zh: str
    name_en: str
    base_unit: str
    period_on: date
    days: int
    opening_qty: int
    received_qty: int
    sold_qty: int
    other_qty: int
    closing_qty: int
    permille: int | None
    cover_weeks_tenths: int | None


def sell_through(
    session: Session, *, since: date, until: date, by: str, period: str, regions: Mapping[str, str],
    owner_id: int | None = None, site: str | None = None,
) -> list[SellThrough]:  # fmt: skip
    """Rows by place, owner, item and period; ``until`` is the first day after. Raises BadPeriod."""
    if not 0 < (until - since).days <= MOST_DAYS:
        raise BadPeriod(field="until", since=since.isoformat(), until=until.isoformat(), most=MOST_DAYS)
    bound = {"since": since, "until": until, "period": period, "owner_id": owner_id, "site": site}
    sums: dict[tuple[str, ...], dict[date, list[int]]] = {}
    for row in session.execute(MOVED, bound):
        place = {"site": row.site, "country": row.country, "region": regions.get(row.country, row.country)}[by]
        key = (place, row.owner_code, row.item_code, row.name_zh, row.name_en, row.base_unit)
        found = sums.setdefault(key, {}).setdefault(row.period_on, [0, 0, 0, 0])
        for i, qty in enumerate((row.before_qty, row.received_qty, row.sold_qty, row.other_qty)):
            found[i] += qty
    return [one for key, periods in sorted(sums.items()) for one in _rows(key, periods, until)]


def _rows(key: tuple[str, ...], periods: Mapping[date, list[int]], until: date) -> list[SellThrough]:
    """Each period opens with what the one before it closed with."""
    rows: list[SellThrough] = []
    place, owner_code, item_code, name_zh, name_en, base_unit = key
    days_on = sorted(periods)
    opening = 0
    for i, period_on in enumerate(days_on):
        before, received, sold, other = periods[period_on]
        opening += before
        ends = days_on[i + 1] if i + 1 < len(days_on) else until
        days = (ends - period_on).days
        closing = opening + received - sold + other
        there = opening + received
        rows.append(
            SellThrough(
                place, owner_code, item_code, name_zh, name_en, base_unit, period_on, days, opening, received, sold,
                other, closing,
                permille=sold * 1000 // there if there > 0 else None,
                cover_weeks_tenths=closing * days * 10 // (sold * 7) if sold > 0 else None,
            )
        )  # fmt: skip
        opening = closing
    return [row for row in rows if row.opening_qty or row.received_qty or row.sold_qty or row.other_qty]
