"""Reads of quarantines and destructions for lists and screens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class QuarantineRow:
    """Goods set aside, and what became of them; base units."""

    id: int
    quarantine_no: str
    site: str
    place: str
    item: str
    name_zh: str
    name_en: str
    lot_no: str | None
    qty: int
    reason: str
    state: str
    put_by_zh: str | None
    put_by_en: str | None
    recorded_at: datetime
    decision: str | None
    decided_at: datetime | None


@dataclass(frozen=True)
class DestructionRow:
    """A destruction and how far it is; base units."""

    id: int
    destruction_no: str
    site: str
    state: str
    reason: str
    method: str
    customs_doc_no: str | None
    requested_by_zh: str | None
    requested_by_en: str | None
    witnesses: int
    qty: int
    recorded_at: datetime
    destroyed_at: datetime | None
    posting_id: int | None
    certificate: dict[str, Any] | None
    sha256: str | None


_QUARANTINES = """
    SELECT q.id, q.quarantine_no, s.code AS site, l.code AS place, t.code AS item, t.name_zh, t.name_en, lot.lot_no,
           q.qty, q.reason, q.state, m.name_zh AS put_by_zh, m.name_en AS put_by_en, q.recorded_at, q.decision,
           q.decided_at
      FROM quarantine q JOIN site s ON s.id = q.site_id JOIN account a ON a.id = q.account_id
      JOIN location l ON l.id = a.location_id JOIN trade_item t ON t.id = a.trade_item_id
      LEFT JOIN lot ON lot.id = a.lot_id LEFT JOIN person m ON m.id = q.put_by
     WHERE q.id > :after AND (cast(:state AS text) IS NULL OR q.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site)
       AND (cast(:number AS text) IS NULL OR q.quarantine_no = :number) ORDER BY q.id LIMIT :limit
"""
_DESTRUCTIONS = """
    SELECT d.id, d.destruction_no, s.code AS site, d.state, d.reason, d.method, d.customs_doc_no,
           m.name_zh AS requested_by_zh, m.name_en AS requested_by_en,
           (d.witness_one IS NOT NULL)::int + (d.witness_two IS NOT NULL)::int AS witnesses, x.qty, d.recorded_at,
           d.destroyed_at, d.posting_id, d.certificate, encode(d.certificate_hash, 'hex') AS sha256
      FROM destruction d JOIN site s ON s.id = d.site_id LEFT JOIN person m ON m.id = d.requested_by
      JOIN LATERAL (SELECT sum(n.qty)::bigint AS qty FROM destruction_line n WHERE n.destruction_id = d.id) x ON true
     WHERE d.id > :after AND (cast(:state AS text) IS NULL OR d.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site)
       AND (cast(:number AS text) IS NULL OR d.destruction_no = :number) ORDER BY d.id LIMIT :limit
"""
_BOUND = {"after": 0, "state": None, "site": None, "number": None, "limit": 50}


def quarantines(session: Session, **given: Any) -> list[QuarantineRow]:
    """Return quarantines by id; ``given``: after, state, site (code), number, limit."""
    return [QuarantineRow(**row) for row in session.execute(text(_QUARANTINES), _BOUND | given).mappings()]


def destructions(session: Session, **given: Any) -> list[DestructionRow]:
    """Return destructions by id; ``given``: after, state, site (code), number, limit."""
    return [DestructionRow(**row) for row in session.execute(text(_DESTRUCTIONS), _BOUND | given).mappings()]
