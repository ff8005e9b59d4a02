"""Checkpoints against entries (I15): each must be the one before it, plus what it counts more and minus what less.

So the whole history is read once for all checkpoints together, and none is believed for another's sake but the first,
which is counted from nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from wms.errors import N_
from wms.stock.queries import LONG_AGO
from wms.stock.verify.findings import MOST, Finding, and_more

DIFFERS = N_("The checkpoint says %(checkpoint)s of account %(account_id)s, its entries sum to %(entries)s.")
FOREIGN = N_("The checkpoint gives account %(account_id)s to company %(sum_owner)s, it belongs to %(account_owner)s.")

ORDERED = text(
    "SELECT id, event_before, recorded_until, through_posting_id FROM stock_checkpoint ORDER BY event_before, id"
)
# In one set and not in the other: the signs of past.sql, with the older checkpoint for the starting point.
COMPARE = text(
    "WITH expected AS ("
    " SELECT x.account_id, sum(x.qty) AS qty FROM ("
    "  SELECT account_id, qty FROM stock_checkpoint_sum WHERE checkpoint_id = :older"
    "  UNION ALL"
    "  SELECT account_id, qty * ((event_at < :before AND recorded_at <= :until AND posting_id <= :through)::int"
    "   - (event_at < :older_before AND recorded_at <= :older_until AND posting_id <= :older_through)::int)"
    "  FROM entry WHERE event_at >= least(:before, :older_before) AND event_at < greatest(:before, :older_before)"
    "  UNION ALL"
    "  SELECT account_id, qty * ((recorded_at <= :until AND posting_id <= :through)::int"
    "   - (recorded_at <= :older_until AND posting_id <= :older_through)::int)"
    "  FROM entry WHERE event_at < least(:before, :older_before)"
    "   AND (recorded_at > least(:until, :older_until) OR posting_id > least(:through, :older_through))"
    " ) x GROUP BY x.account_id HAVING sum(x.qty) <> 0)"
    " SELECT coalesce(s.account_id, e.account_id) AS account_id, coalesce(s.qty, 0) AS checkpoint,"
    " coalesce(e.qty, 0)::bigint AS entries"
    " FROM (SELECT account_id, qty FROM stock_checkpoint_sum WHERE checkpoint_id = :id) s"
    " FULL JOIN expected e ON e.account_id = s.account_id WHERE coalesce(s.qty, 0) <> coalesce(e.qty, 0)"
    " ORDER BY 1 LIMIT :most"
)
OWNERS = text(
    "SELECT s.checkpoint_id, s.account_id, s.owner_id AS sum_owner, a.owner_id AS account_owner"
    " FROM stock_checkpoint_sum s LEFT JOIN account a ON a.id = s.account_id"
    " WHERE a.owner_id IS DISTINCT FROM s.owner_id ORDER BY 1, 2 LIMIT :most"
)


def checkpoint_findings(session: Session) -> Iterator[Finding]:
    """What is wrong with the checkpoints, at most :data:`MOST` of each. To throw one away changes no answer."""
    older = {"older": 0, "older_before": LONG_AGO, "older_until": LONG_AGO, "older_through": 0}
    for row in session.execute(ORDERED).all():
        bounds = {"before": row.event_before, "until": row.recorded_until, "through": row.through_posting_id}
        found = session.execute(COMPARE, {**bounds, **older, "id": row.id, "most": MOST + 1}).all()
        yield from _told(found, DIFFERS, row.id)
        older = {"older": row.id, **{f"older_{name}": value for name, value in bounds.items()}}
    foreign = session.execute(OWNERS, {"most": MOST + 1}).all()
    yield from _told(foreign, FOREIGN)


def _told(rows: Sequence[Row[Any]], said: str, checkpoint_id: int | None = None) -> Iterator[Finding]:
    for row in rows[:MOST]:
        values = dict(row._mapping)
        where = f"checkpoint {values.pop('checkpoint_id', checkpoint_id)}"
        yield Finding("I15", where, said, values)
    if len(rows) > MOST:
        yield and_more("I15")
