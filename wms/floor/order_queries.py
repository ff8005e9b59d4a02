"""Reads of orders: the heads with how far they are, their lines, and where the promised goods lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class OrderRow:
    """An order with the names a screen shows and the sums of its lines in base units."""

    id: int
    order_no: str
    kind: str
    state: str
    site_id: int
    site_code: str
    owner_id: int
    owner_code: str
    owner_name_zh: str
    owner_name_en: str
    priority: int
    ship_by_at: datetime | None
    carrier: str | None
    service: str | None
    route: str | None
    chute: str | None
    trade_mode: str
    customs_status: str
    ship_policy: str
    consignee_name: str | None
    consignee_region: str | None
    wave_no: str | None
    recorded_at: datetime
    picked_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    line_count: int
    ordered_qty: int
    allocated_qty: int
    picked_qty: int
    short_qty: int


@dataclass(frozen=True)
class OrderLineRow:
    """A line with its item; quantities in base units, ``unit_qty`` of ``unit`` as it was asked."""

    id: int
    line_no: int
    trade_item_id: int
    item_code: str
    name_zh: str
    name_en: str
    base_unit: str
    unit: str
    unit_qty: int
    ordered_qty: int
    allocated_qty: int
    picked_qty: int
    short_qty: int
    min_life_days: int
    lot_nos: list[str] | None
    countries: list[str] | None
    strategy: str | None


@dataclass(frozen=True)
class PromiseRow:
    """Stock promised to a line: where it lies and how much of it is still to be picked."""

    line_no: int
    place: str
    lot_no: str | None
    expires_on: date | None
    sscc: str | None
    state: str
    qty: int
    picked_qty: int
    void_qty: int
    is_whole_unit: bool


ORDER = """
    SELECT o.id, o.order_no, o.kind, o.state, o.site_id, s.code AS site_code, o.owner_id, c.code AS owner_code,
           c.name_zh AS owner_name_zh, c.name_en AS owner_name_en, o.priority, o.ship_by_at, o.carrier, o.service,
           o.route, o.chute, o.trade_mode, o.customs_status, o.ship_policy, o.consignee_name, o.consignee_region,
           w.wave_no, o.recorded_at, o.picked_at, o.cancelled_at, o.cancel_reason, l.*
      FROM {page} o
      JOIN site s ON s.id = o.site_id
      JOIN company c ON c.id = o.owner_id
      LEFT JOIN wave w ON w.id = o.wave_id
      CROSS JOIN LATERAL (
        SELECT count(*)::int AS line_count, coalesce(sum(ordered_qty), 0)::bigint AS ordered_qty,
               coalesce(sum(allocated_qty), 0)::bigint AS allocated_qty,
               coalesce(sum(picked_qty), 0)::bigint AS picked_qty, coalesce(sum(short_qty), 0)::bigint AS short_qty
          FROM order_line WHERE order_id = o.id) l
     ORDER BY o.id
"""
CONDITIONS: Mapping[str, str] = {
    "site": "site_id IN (SELECT id FROM site WHERE upper(code) = upper(:site))",
    "owner": "owner_id IN (SELECT id FROM company WHERE upper(code) = upper(:owner))",
    "state": "state = :state",
    "carrier": "carrier = :carrier",
    "wave": "wave_id IN (SELECT id FROM wave WHERE wave_no = :wave)",
    "order_no": "upper(order_no) = upper(:order_no)",
    "id": "id = :id",
}


def orders(session: Session, *, after: int = 0, limit: int = 50, **given: Any) -> list[OrderRow]:
    """Return orders from behind row ``after``, filtered by any of :data:`CONDITIONS`."""
    chosen = {name: value for name, value in given.items() if value is not None}
    where = "".join(f" AND {CONDITIONS[name]}" for name in chosen)
    # The page is cut before anything is joined: behind row-level security the planner would join all orders first.
    page = f"(SELECT * FROM outbound_order WHERE id > :after{where} ORDER BY id LIMIT :limit)"  # noqa: S608 - our own words
    rows = session.execute(text(ORDER.format(page=page)), {**chosen, "after": after, "limit": limit})
    return [OrderRow(**row) for row in rows.mappings()]


def order_by_no(session: Session, order_no: str) -> OrderRow | None:
    """Return the order with that number, however its letters are written."""
    return next(iter(orders(session, limit=1, order_no=order_no.strip())), None)


def order_lines(session: Session, order_id: int) -> list[OrderLineRow]:
    """Return the lines of an order."""
    rows = session.execute(
        text(
            "SELECT l.id, l.line_no, l.trade_item_id, i.code AS item_code, i.name_zh, i.name_en, i.base_unit, l.unit,"
            " l.unit_qty, l.ordered_qty, l.allocated_qty, l.picked_qty, l.short_qty, l.min_life_days, l.lot_nos,"
            " l.countries, l.strategy FROM order_line l JOIN trade_item i ON i.id = l.trade_item_id"
            " WHERE l.order_id = :order ORDER BY l.line_no"
        ),
        {"order": order_id},
    )
    return [OrderLineRow(**row) for row in rows.mappings()]


def promises(session: Session, order_id: int) -> list[PromiseRow]:
    """Return what was promised to an order and from where, line by line."""
    rows = session.execute(
        text(
            "SELECT l.line_no, p.code AS place, t.lot_no, t.expires_on, h.sscc, a.state, a.qty, a.picked_qty,"
            " a.void_qty, a.is_whole_unit FROM order_line l JOIN allocation a ON a.order_line_id = l.id"
            " JOIN account c ON c.id = a.account_id JOIN location p ON p.id = c.location_id"
            " LEFT JOIN lot t ON t.id = c.lot_id LEFT JOIN handling_unit h ON h.id = c.handling_unit_id"
            " WHERE l.order_id = :order ORDER BY l.line_no, a.id"
        ),
        {"order": order_id},
    )
    return [PromiseRow(**row) for row in rows.mappings()]
