"""Reads of processing: orders, and which lots went into which."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class OrderRow:
    """A processing order and how far it is, in batches."""

    id: int
    order_no: str
    site: str
    place: str
    bill_no: str
    version: int
    kind: str
    owner_zh: str
    owner_en: str
    planned: int
    done: int
    state: str
    filing_no: str | None


@dataclass(frozen=True)
class BillRow:
    """A version of a bill with its items."""

    id: int
    bill_no: str
    version: int
    kind: str
    owner: str
    valid_from_on: date
    valid_until_on: date | None
    lines: list[dict[str, Any]]


@dataclass(frozen=True)
class KinRow:
    """A lot that went into another, or came out of it; base units."""

    order_no: str
    item: str
    name_zh: str
    name_en: str
    lot_id: int | None
    lot_no: str | None
    kind: str
    qty: int


_ORDERS = """
    SELECT o.id, o.order_no, s.code AS site, l.code AS place, b.bill_no, b.version, b.kind, c.name_zh AS owner_zh,
           c.name_en AS owner_en, o.planned, o.done, o.state, o.filing_no
      FROM processing_order o JOIN bill b ON b.id = o.bill_id JOIN site s ON s.id = o.site_id
      JOIN location l ON l.id = o.location_id JOIN company c ON c.id = b.owner_id
     WHERE o.id > :after AND (cast(:state AS text) IS NULL OR o.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site) AND (cast(:number AS text) IS NULL OR o.order_no = :number)
     ORDER BY o.id LIMIT :limit
"""
_BILLS = """
    SELECT b.id, b.bill_no, b.version, b.kind, c.code AS owner, b.valid_from_on, b.valid_until_on, x.lines
      FROM bill b JOIN company c ON c.id = b.owner_id
      JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('item', t.code, 'direction', n.direction, 'qty', n.qty,
                                     'waste_per_mille', n.waste_per_mille) ORDER BY n.id) AS lines
                      FROM bill_line n JOIN trade_item t ON t.id = n.trade_item_id WHERE n.bill_id = b.id) x ON true
     WHERE b.id > :after AND (cast(:number AS text) IS NULL OR b.bill_no = :number) ORDER BY b.id LIMIT :limit
"""
_KIN = """
    SELECT o.order_no, t.code AS item, t.name_zh, t.name_en, k.lot_id, lot.lot_no, k.kind, sum(k.qty)::bigint AS qty
      FROM processing_use u JOIN processing_use k ON k.completion_id = u.completion_id
      JOIN processing_completion d ON d.id = u.completion_id JOIN processing_order o ON o.id = d.order_id
      JOIN trade_item t ON t.id = k.trade_item_id LEFT JOIN lot ON lot.id = k.lot_id
     WHERE u.lot_id = :lot_id AND u.kind = ANY (:own) AND k.kind = ANY (:kin)
     GROUP BY o.order_no, t.code, t.name_zh, t.name_en, k.lot_id, lot.lot_no, k.kind ORDER BY o.order_no, t.code, k.kind
"""


def orders(session: Session, **given: Any) -> list[OrderRow]:
    """Return processing orders by id; ``given``: after, state, site (code), number, limit."""
    bound = {"after": 0, "state": None, "site": None, "number": None, "limit": 50} | given
    return [OrderRow(**row) for row in session.execute(text(_ORDERS), bound).mappings()]


def bills(session: Session, **given: Any) -> list[BillRow]:
    """Return versions of bills by id; ``given``: after, number (of the bill), limit."""
    bound = {"after": 0, "number": None, "limit": 50} | given
    return [BillRow(**row) for row in session.execute(text(_BILLS), bound).mappings()]


def made_of(session: Session, lot_id: int) -> list[KinRow]:
    """Return what a lot was made of."""
    given = {"lot_id": lot_id, "own": ["made"], "kin": ["used"]}
    return [KinRow(**row) for row in session.execute(text(_KIN), given).mappings()]


def went_into(session: Session, lot_id: int) -> list[KinRow]:
    """Return what was made of a lot."""
    given = {"lot_id": lot_id, "own": ["used"], "kin": ["made"]}
    return [KinRow(**row) for row in session.execute(text(_KIN), given).mappings()]
