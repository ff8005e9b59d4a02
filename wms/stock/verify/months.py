"""Closed months stay as they were closed (I9): their count and their hash over the leaves are computed again."""

# ruff: noqa: S608 - the statements are put together from constants of this package alone

from wms.errors import N_
from wms.stock.verify.findings import Check

# What each closing covers, from the end of the one before it, in Beijing time, and what is found there now.
FOUND = """
WITH closing AS (
  SELECT month_on, totals, totals_hash, recorded_at,
         coalesce((lag(month_on) OVER (ORDER BY month_on) + interval '1 month') AT TIME ZONE 'Asia/Shanghai',
                  '-infinity') AS since,
         (month_on + interval '1 month') AT TIME ZONE 'Asia/Shanghai' AS until
    FROM period_close
), wrong AS (
  SELECT c.month_on, c.recorded_at, c.since, c.until, (c.totals ->> 'postings')::bigint AS closed, x.postings AS found
    FROM closing c CROSS JOIN LATERAL (
      SELECT count(*) AS postings,
             sha256(coalesce(string_agg(l.hash, ''::bytea ORDER BY l.subject_id), ''::bytea)) AS hash
        FROM posting p
        LEFT JOIN leaf l ON l.tenant_id = p.tenant_id AND l.kind = 'posting' AND l.subject_id = p.id
       WHERE p.event_at >= c.since AND p.event_at < c.until) x
   WHERE (c.totals ->> 'postings')::bigint IS DISTINCT FROM x.postings OR c.totals_hash <> x.hash
)"""

CHECKS = (
    Check(
        "I9",
        N_("The closed month is not as it was: %(closed)s postings then, %(found)s now, or their record differs."),
        f"{FOUND} SELECT 'month ' || to_char(month_on, 'YYYY-MM') AS place, closed, found FROM wrong ORDER BY month_on",
    ),
    # Asked only of months that differ: a clock may step back, the order of the closing lock may not.
    Check(
        "I9",
        N_("The posting was recorded at %(recorded_at)s, after its month had been closed."),
        f"{FOUND} SELECT 'posting ' || p.id AS place, p.recorded_at FROM wrong w JOIN posting p"
        " ON p.event_at >= w.since AND p.event_at < w.until AND p.recorded_at > w.recorded_at ORDER BY p.id",
    ),
)
