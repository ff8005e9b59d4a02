"""Reads of pick faces and replenishments for lists and screens."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class FaceRow:
    """A pick face with its limits, what lies there and what is on its way; base units."""

    id: int
    site: str
    place: str
    owner: str
    item: str
    name_zh: str
    name_en: str
    min_qty: int
    max_qty: int
    multiple_qty: int
    qty: int
    incoming: int


@dataclass(frozen=True)
class ReplenishmentRow:
    """A part of a replenishment: from where, to where, how much of it is done."""

    id: int
    replenishment_no: str
    site: str
    state: str
    reason: str
    item: str
    name_zh: str
    name_en: str
    lot_no: str | None
    sscc: str | None
    from_place: str
    to_place: str
    qty: int
    done_qty: int
    line_state: str


_FACES = """
    SELECT f.id, s.code AS site, l.code AS place, c.code AS owner, t.code AS item, t.name_zh, t.name_en, f.min_qty,
           f.max_qty, f.multiple_qty, coalesce(x.qty, 0) AS qty, coalesce(y.qty, 0) AS incoming
      FROM pick_face f JOIN location l ON l.id = f.location_id JOIN site s ON s.id = l.site_id
      JOIN trade_item t ON t.id = f.trade_item_id JOIN company c ON c.id = t.owner_id
      LEFT JOIN LATERAL (SELECT sum(b.qty)::bigint AS qty FROM account a JOIN balance b ON b.account_id = a.id
        WHERE a.location_id = f.location_id AND a.trade_item_id = f.trade_item_id AND a.kind = 'location') x ON true
      LEFT JOIN LATERAL (SELECT sum(n.qty - n.done_qty)::bigint AS qty FROM replenishment_line n
        JOIN replenishment r ON r.id = n.replenishment_id
        WHERE r.pick_face_id = f.id AND n.state = 'open') y ON true
     WHERE f.id > :after AND (cast(:site AS text) IS NULL OR s.code = :site) ORDER BY f.id LIMIT :limit
"""
_LINES = """
    SELECT n.id, r.replenishment_no, s.code AS site, r.state, r.reason, t.code AS item, t.name_zh, t.name_en,
           lot.lot_no, h.sscc, l.code AS from_place, p.code AS to_place, n.qty, n.done_qty, n.state AS line_state
      FROM replenishment_line n JOIN replenishment r ON r.id = n.replenishment_id JOIN site s ON s.id = r.site_id
      JOIN pick_face f ON f.id = r.pick_face_id JOIN location p ON p.id = f.location_id
      JOIN account a ON a.id = n.account_id JOIN location l ON l.id = a.location_id
      JOIN trade_item t ON t.id = a.trade_item_id LEFT JOIN lot ON lot.id = a.lot_id
      LEFT JOIN handling_unit h ON h.id = a.handling_unit_id
     WHERE n.id > :after AND (cast(:state AS text) IS NULL OR n.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site)
       AND (cast(:number AS text) IS NULL OR r.replenishment_no = :number) ORDER BY n.id LIMIT :limit
"""


def faces(session: Session, *, after: int = 0, site: str | None = None, limit: int = 50) -> list[FaceRow]:
    """Return pick faces by id."""
    bound = {"after": after, "site": site, "limit": limit}
    return [FaceRow(**row) for row in session.execute(text(_FACES), bound).mappings()]


def replenishments(session: Session, **given: Any) -> list[ReplenishmentRow]:
    """Return parts of replenishments by id; ``given``: after, state (of the part), site, number, limit."""
    bound = {"after": 0, "state": None, "site": None, "number": None, "limit": 50} | given
    return [ReplenishmentRow(**row) for row in session.execute(text(_LINES), bound).mappings()]
