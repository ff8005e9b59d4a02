"""Reads of returns for lists and screens."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class ReturnRow:
    """A return and how far it is; base units."""

    id: int
    return_no: str
    site: str
    owner_zh: str
    owner_en: str
    kind: str
    state: str
    order_no: str | None
    customer: str | None
    released_on: date | None
    applied_on: date
    back_until_on: date | None
    expected_qty: int
    returned_qty: int
    ungraded_qty: int
    closed_at: datetime | None


@dataclass(frozen=True)
class ReturnedRow:
    """Goods that came back by one scan, and their grades."""

    id: int
    line_no: int
    item: str
    name_zh: str
    name_en: str
    lot_no: str | None
    place: str
    qty: int
    graded_qty: int
    received_at: datetime
    grades: list[dict[str, Any]]


_RETURNS = """
    SELECT r.id, r.return_no, s.code AS site, c.name_zh AS owner_zh, c.name_en AS owner_en, r.kind, r.state, r.order_no,
           r.customer, r.released_on, r.applied_on, r.back_until_on, l.expected_qty, coalesce(b.qty, 0) AS returned_qty,
           coalesce(b.qty - b.graded, 0) AS ungraded_qty, r.closed_at
      FROM return_notice r JOIN site s ON s.id = r.site_id JOIN company c ON c.id = r.owner_id
      JOIN LATERAL (SELECT sum(expected_qty)::bigint AS expected_qty FROM return_line WHERE return_id = r.id) l ON true
      LEFT JOIN LATERAL (SELECT sum(qty)::bigint AS qty, sum(graded_qty)::bigint AS graded FROM returned
                          WHERE return_id = r.id AND undone_at IS NULL) b ON true
     WHERE r.id > :after AND (cast(:state AS text) IS NULL OR r.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site) AND (cast(:number AS text) IS NULL OR r.return_no = :number)
     ORDER BY r.id LIMIT :limit
"""
_RETURNED = """
    SELECT g.id, n.line_no, t.code AS item, t.name_zh, t.name_en, lot.lot_no, l.code AS place, g.qty, g.graded_qty,
           g.received_at, coalesce(x.grades, '[]') AS grades
      FROM returned g JOIN return_line n ON n.id = g.return_line_id JOIN trade_item t ON t.id = n.trade_item_id
      JOIN account a ON a.id = g.account_id JOIN location l ON l.id = a.location_id LEFT JOIN lot ON lot.id = g.lot_id
      LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('grade', q.grade, 'result', q.result, 'qty', q.qty, 'note', q.note)
                         ORDER BY q.id) AS grades
          FROM return_grade q WHERE q.returned_id = g.id
           AND NOT EXISTS (SELECT 1 FROM posting p WHERE p.reverses_id = q.posting_id)) x ON true
     WHERE g.return_id = :return_id AND g.undone_at IS NULL ORDER BY g.id
"""


def returns(session: Session, **given: Any) -> list[ReturnRow]:
    """Return returns by id; ``given``: after, state, site (code), number, limit."""
    bound = {"after": 0, "state": None, "site": None, "number": None, "limit": 50} | given
    return [ReturnRow(**row) for row in session.execute(text(_RETURNS), bound).mappings()]


def returned(session: Session, return_id: int) -> list[ReturnedRow]:
    """Return what came back, scan by scan."""
    return [ReturnedRow(**row) for row in session.execute(text(_RETURNED), {"return_id": return_id}).mappings()]
