"""Reads for supervisors: work by kind, who does what now, how old stock is, what was done by whom."""



from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.floor.rules.supervision import bucket_of

TASK_COLUMNS = (
    "t.id, s.code AS site, t.kind, t.subject_no, t.state, t.priority, t.qty, t.offered_at, t.taken_at, t.done_at,"
    " t.due_at, t.person_id, p.name_zh AS person_zh, p.name_en AS person_en, c.code AS owner, l.code AS place,"
    " l2.code AS to_place"
)
TASK_JOINS = (
    " FROM task t JOIN site s ON s.id = t.site_id LEFT JOIN person p ON p.id = t.person_id"
    " LEFT JOIN company c ON c.id = t.owner_id LEFT JOIN location l ON l.id = t.location_id"
    " LEFT JOIN location l2 ON l2.id = t.to_location_id"
)


@dataclass(frozen=True)
class TaskRow:
    """A task with the names a screen shows."""

    id: int
    site: str
    kind: str
    subject_no: str
    state: str
    priority: int
    qty: int | None
    offered_at: datetime
    taken_at: datetime | None
    done_at: datetime | None
    due_at: datetime | None
    person_id: int | None
    person_zh: str | None
    person_en: str | None
    owner: str | None
    place: str | None
    to_place: str | None


@dataclass(frozen=True)
class WorkRow:
    """Standing work of one kind: how much waits, how much is being done, how much is late, since when the oldest."""

    kind: str
    n_open: int
    n_taken: int
    n_late: int
    n_urgent: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class AgedRow:
    """Stock of an item and lot at a site: which part of it came in how many days ago (first in, first out)."""

    id: int
    owner: str
    item_code: str
    name_zh: str
    name_en: str
    site: str
    lot_no: str | None
    expires_on: date | None
    bucket: str
    came_on: date | None
    days: int | None
    qty: int


@dataclass(frozen=True)
class DoneRow:
    """What one person did of one kind in an hour or a day: postings, units moved, tasks finished and their seconds."""

    person_id: int | None
    person_zh: str | None
    person_en: str | None
    kind: str
    since: datetime
    n_postings: int
    qty: int
    n_tasks: int
    task_s: int


def task_row(session: Session, task_id: int) -> TaskRow | None:
    """Return one task."""
    row = session.execute(text(f"SELECT {TASK_COLUMNS}{TASK_JOINS} WHERE t.id = :id"), {"id": task_id})
    found = row.mappings().one_or_none()
    return TaskRow(**found) if found else None


def tasks(
    session: Session, *, site: str | None = None, kind: str | None = None, states: tuple[str, ...] = ("open", "taken"),
    person_id: int | None = None, after: int = 0, limit: int = 50, most_urgent: bool = False,
) -> list[TaskRow]:  # fmt: skip
    """Return tasks by id, or the standing ones in the order in which they should be done."""
    order = "t.priority, t.due_at NULLS LAST, t.id" if most_urgent else "t.id"
    sql = (
        f"SELECT {TASK_COLUMNS}{TASK_JOINS} WHERE t.id > :after AND t.state = ANY (:states)"
        " AND (cast(:site AS text) IS NULL OR s.code = :site) AND (cast(:kind AS text) IS NULL OR t.kind = :kind)"
        " AND (cast(:person AS bigint) IS NULL OR t.person_id = :person)"
        f" ORDER BY {order} LIMIT :limit"
    )
    values = {"after": after, "states": list(states), "site": site, "kind": kind, "person": person_id, "limit": limit}
    return [TaskRow(**row) for row in session.execute(text(sql), values).mappings()]


WORK = text(
    "SELECT t.kind, count(*) FILTER (WHERE t.state = 'open') AS n_open,"
    " count(*) FILTER (WHERE t.state = 'taken') AS n_taken, count(*) FILTER (WHERE t.due_at < now()) AS n_late,"
    " count(*) FILTER (WHERE t.priority <= 2) AS n_urgent,"
    " min(t.offered_at) FILTER (WHERE t.state = 'open') AS oldest_at FROM task t JOIN site s ON s.id = t.site_id"
    " WHERE t.state IN ('open', 'taken') AND (cast(:site AS text) IS NULL OR s.code = :site)"
    " GROUP BY t.kind ORDER BY t.kind"
)


def work(session: Session, site: str | None = None) -> list[WorkRow]:
    """Return standing work by kind."""
    return [WorkRow(**row) for row in session.execute(WORK, {"site": site}).mappings()]


# A layer is what one posting added to an owner's item and lot at a site, moves inside the site left out; the stock of
# today is what came in last. A posting that was undone, and what undid it, brought nothing.
AGED = text(
    "WITH stock AS ("
    "  SELECT a.owner_id, a.trade_item_id, a.lot_id, a.site_id, sum(b.qty)::bigint AS qty"
    "    FROM balance b JOIN account a ON a.id = b.account_id"
    "   WHERE b.qty > 0 AND a.kind = 'location' AND (cast(:site AS text) IS NULL OR a.site_id ="
    "         (SELECT id FROM site WHERE tenant_id = app_tenant() AND code = :site))"
    "     AND (cast(:owner AS bigint) IS NULL OR a.owner_id = :owner)"
    "   GROUP BY 1, 2, 3, 4"
    "), came AS ("
    "  SELECT s.owner_id, s.trade_item_id, s.lot_id, s.site_id, e.posting_id, e.event_at, sum(e.qty)::bigint AS qty"
    "    FROM stock s JOIN account a ON a.owner_id = s.owner_id AND a.trade_item_id = s.trade_item_id"
    "     AND a.lot_id IS NOT DISTINCT FROM s.lot_id AND a.site_id = s.site_id AND a.kind = 'location'"
    "    JOIN entry e ON e.account_id = a.id JOIN posting p ON p.id = e.posting_id"
    "   WHERE p.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses_id = p.id)"
    "   GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(e.qty) > 0"
    "), layer AS ("
    "  SELECT *, sum(qty) OVER (PARTITION BY owner_id, trade_item_id, lot_id, site_id"
    "                           ORDER BY event_at DESC, posting_id DESC) - qty AS newer FROM came"
    "), part AS ("
    "  SELECT s.owner_id, s.trade_item_id, s.lot_id, s.site_id, l.event_at,"
    "         least(l.qty, greatest(s.qty - l.newer, 0))::bigint AS qty"
    "    FROM stock s JOIN layer l ON l.owner_id = s.owner_id AND l.trade_item_id = s.trade_item_id"
    "     AND l.lot_id IS NOT DISTINCT FROM s.lot_id AND l.site_id = s.site_id WHERE l.newer < s.qty"
    ") SELECT c.code AS owner, t.code AS item_code, t.name_zh, t.name_en, x.code AS site, lot.lot_no, lot.expires_on,"
    "  (p.event_at AT TIME ZONE x.time_zone)::date AS came_on, sum(p.qty)::bigint AS qty"
    "  FROM part p JOIN company c ON c.id = p.owner_id JOIN trade_item t ON t.id = p.trade_item_id"
    "  JOIN site x ON x.id = p.site_id LEFT JOIN lot ON lot.id = p.lot_id"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 5, 6, 8"
)


def ageing(
    session: Session, today: date, bounds: list[int], *, site: str | None = None, owner_id: int | None = None
) -> list[AgedRow]:
    """Return today's stock by when it came in; the ledger's newest arrivals are what is still there."""
    rows = session.execute(AGED, {"site": site, "owner": owner_id}).mappings()
    return [
        AgedRow(
            id=n, days=(today - row["came_on"]).days, bucket=bucket_of((today - row["came_on"]).days, bounds), **row
        )
        for n, row in enumerate(rows, 1)
    ]


EXPIRING = text(
    "SELECT c.code AS owner, t.code AS item_code, t.name_zh, t.name_en, s.code AS site, lot.lot_no, lot.expires_on,"
    " sum(b.qty)::bigint AS qty FROM balance b JOIN account a ON a.id = b.account_id AND a.kind = 'location'"
    " JOIN company c ON c.id = a.owner_id JOIN trade_item t ON t.id = a.trade_item_id JOIN site s ON s.id = a.site_id"
    " LEFT JOIN lot ON lot.id = a.lot_id"
    " WHERE b.qty > 0 AND (t.is_expiry_controlled OR lot.expires_on IS NOT NULL)"
    " AND (cast(:site AS text) IS NULL OR s.code = :site)"
    " AND (cast(:owner AS bigint) IS NULL OR a.owner_id = :owner)"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY lot.expires_on NULLS FIRST, 1, 2, 5, 6"
)


def expiring(
    session: Session, today: date, bounds: list[int], *, site: str | None = None, owner_id: int | None = None
) -> list[AgedRow]:
    """Return stock that expires, soonest first; ``days`` are those left, below zero where it has expired."""
    found = []
    for n, row in enumerate(session.execute(EXPIRING, {"site": site, "owner": owner_id}).mappings(), 1):
        left = (row["expires_on"] - today).days if row["expires_on"] else None
        found.append(AgedRow(id=n, came_on=None, days=left, bucket=bucket_of(left, bounds), **row))
    return found


DONE = (
    "WITH posted AS ("
    " SELECT p.person_id, p.kind, date_trunc(:step, p.event_at AT TIME ZONE :zone) AS since, count(*) AS n_postings,"
    "  coalesce(sum(m.qty), 0)::bigint AS qty FROM posting p"
    "  CROSS JOIN LATERAL (SELECT sum(e.qty) AS qty FROM entry e JOIN account a ON a.id = e.account_id"
    "   JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical'"
    "   WHERE e.posting_id = p.id AND e.qty > 0) m"
    "  WHERE p.event_at >= :since AND p.event_at < :until AND p.person_id IS NOT NULL"
    "  AND (cast(:site AS text) IS NULL OR EXISTS (SELECT 1 FROM entry e JOIN account a ON a.id = e.account_id"
    "   JOIN site s ON s.id = a.site_id WHERE e.posting_id = p.id AND s.code = :site))"
    "  GROUP BY 1, 2, 3"
    "), worked AS ("
    " SELECT t.person_id, t.kind, date_trunc(:step, t.done_at AT TIME ZONE :zone) AS since, count(*) AS n_tasks,"
    "  coalesce(sum(extract(epoch FROM t.done_at - t.taken_at)), 0)::bigint AS task_s FROM task t"
    "  JOIN site s ON s.id = t.site_id"
    "  WHERE t.state = 'done' AND t.done_at >= :since AND t.done_at < :until AND t.person_id IS NOT NULL"
    "  AND (cast(:site AS text) IS NULL OR s.code = :site) GROUP BY 1, 2, 3"
    ") SELECT person_id, p.name_zh AS person_zh, p.name_en AS person_en, kind, since AT TIME ZONE :zone AS since,"
    "  coalesce(n_postings, 0) AS n_postings, coalesce(qty, 0) AS qty, coalesce(n_tasks, 0) AS n_tasks,"
    "  coalesce(task_s, 0) AS task_s"
    "  FROM posted FULL JOIN worked USING (person_id, kind, since) JOIN person p ON p.id = person_id"
    "  ORDER BY since, person_id, kind"
)


def productivity(
    session: Session, since: datetime, until: datetime, zone: str, *, step: str = "hour", site: str | None = None
) -> list[DoneRow]:
    """Return what each person did of each kind from ``since`` to ``until``, by hour or day of the clock of ``zone``."""
    values: dict[str, Any] = {"since": since, "until": until, "zone": zone, "step": step, "site": site}
    return [DoneRow(**row) for row in session.execute(text(DONE), values).mappings()]
