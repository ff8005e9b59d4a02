"""Reads of waves and pick lists: how far they are, their lines in walking order, and where their stops stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.parties import dated

REACH_MM = 1_500  # how far beyond the last bay a cross-aisle is taken to run, where nobody entered it


@dataclass(frozen=True)
class WaveRow:
    """A wave with how far it is: lines and base units asked, picked and short over all its lists."""

    id: int
    wave_no: str
    state: str
    method: str
    site_code: str
    rule: Mapping[str, Any]
    to_place: str | None
    orders: int
    lists: int
    lists_done: int
    lines: int
    lines_done: int
    qty: int
    picked_qty: int
    short_qty: int
    recorded_at: datetime
    released_at: datetime | None
    ended_at: datetime | None

    @property
    def done_permille(self) -> int:
        return (self.picked_qty + self.short_qty) * 1000 // self.qty if self.qty else 0


@dataclass(frozen=True)
class ListRow:
    """A pick list: who is on it, how far it is, how long its way is and how much longer other orders would be."""

    id: int
    list_no: str
    state: str
    method: str
    zone: str | None
    site_id: int
    site_code: str
    wave_no: str | None
    to_location_id: int
    to_place: str
    priority: int
    person_zh: str | None
    person_en: str | None
    lines: int
    lines_done: int
    qty: int
    picked_qty: int
    short_qty: int
    route_mm: int | None
    item_order_mm: int | None
    s_shape_mm: int | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def saved_permille(self) -> int | None:
        """How much of the way in the list's own order is saved."""
        if not self.item_order_mm or self.route_mm is None:
            return None
        return (self.item_order_mm - self.route_mm) * 1000 // self.item_order_mm


@dataclass(frozen=True)
class ListLineRow:
    """One line of a pick list with everything a picker must know of it; base units."""

    id: int
    seq: int
    slot: int
    state: str
    order_no: str
    order_line_id: int
    owner_id: int
    location_id: int
    place: str
    trade_item_id: int
    item_code: str
    name_zh: str
    name_en: str
    base_unit: str
    is_catch_weight: bool
    lot_id: int | None
    lot_no: str | None
    expires_on: date | None
    from_handling_unit_id: int | None
    from_sscc: str | None
    is_whole_unit: bool
    qty: int
    picked_qty: int
    short_qty: int
    handling_unit_id: int | None
    sscc: str | None

    @property
    def left_qty(self) -> int:
        return self.qty - self.picked_qty - self.short_qty

    @property
    def names(self) -> dict[str, str]:
        return {"zh": self.name_zh, "en": self.name_en}


@dataclass(frozen=True)
class StopRow:
    """A place that a list visits, on the floor."""

    location_id: int
    aisle: str
    x_mm: int | None
    y_mm: int | None


@dataclass(frozen=True)
class FloorPlan:
    """Where aisles can be changed at a site, and where a round starts and ends; millimetres."""

    cross_y_mm: tuple[int, ...]
    x_mm: int
    y_mm: int


WAVES = """
    SELECT w.id, w.wave_no, w.state, w.method, s.code AS site_code, w.rule, p.code AS to_place, w.recorded_at,
           w.released_at, w.ended_at, o.orders, k.lists, k.lists_done, n.*
      FROM {page} w
      JOIN site s ON s.id = w.site_id
      LEFT JOIN location p ON p.id = w.to_location_id
      CROSS JOIN LATERAL (SELECT count(*)::int AS orders FROM outbound_order WHERE wave_id = w.id) o
      CROSS JOIN LATERAL (
        SELECT count(*)::int AS lists, count(*) FILTER (WHERE state IN ('done', 'void'))::int AS lists_done
          FROM pick_list WHERE wave_id = w.id) k
      CROSS JOIN LATERAL (
        SELECT count(*)::int AS lines, count(*) FILTER (WHERE l.state <> 'open')::int AS lines_done,
               coalesce(sum(l.qty), 0)::bigint AS qty, coalesce(sum(l.picked_qty), 0)::bigint AS picked_qty,
               coalesce(sum(l.short_qty), 0)::bigint AS short_qty
          FROM pick_line l JOIN pick_list k ON k.id = l.pick_list_id
         WHERE k.wave_id = w.id AND l.state <> 'void') n
     ORDER BY w.id {order}
"""
LISTS = """
    SELECT k.id, k.list_no, k.state, k.method, k.zone, k.site_id, s.code AS site_code, w.wave_no, k.to_location_id,
           p.code AS to_place, k.priority, h.name_zh AS person_zh, h.name_en AS person_en, k.route_mm, k.item_order_mm,
           k.s_shape_mm, k.started_at, k.ended_at, n.*
      FROM {page} k
      JOIN site s ON s.id = k.site_id
      JOIN location p ON p.id = k.to_location_id
      LEFT JOIN wave w ON w.id = k.wave_id
      LEFT JOIN person h ON h.id = k.person_id
      CROSS JOIN LATERAL (
        SELECT count(*)::int AS lines, count(*) FILTER (WHERE state <> 'open')::int AS lines_done,
               coalesce(sum(qty), 0)::bigint AS qty, coalesce(sum(picked_qty), 0)::bigint AS picked_qty,
               coalesce(sum(short_qty), 0)::bigint AS short_qty
          FROM pick_line WHERE pick_list_id = k.id AND state <> 'void') n
     ORDER BY k.id
"""
LINES = text("""
    SELECT k.id, k.seq, k.slot, k.state, o.order_no, k.order_line_id, k.owner_id, k.location_id, p.code AS place,
           k.trade_item_id, i.code AS item_code, i.name_zh, i.name_en, i.base_unit, i.is_catch_weight, k.lot_id,
           t.lot_no, t.expires_on, k.from_handling_unit_id, f.sscc AS from_sscc, k.is_whole_unit, k.qty, k.picked_qty,
           k.short_qty, k.handling_unit_id, h.sscc
      FROM pick_line k
      JOIN order_line l ON l.id = k.order_line_id
      JOIN outbound_order o ON o.id = l.order_id
      JOIN location p ON p.id = k.location_id
      JOIN trade_item i ON i.id = k.trade_item_id
      LEFT JOIN lot t ON t.id = k.lot_id
      LEFT JOIN handling_unit f ON f.id = k.from_handling_unit_id
      LEFT JOIN handling_unit h ON h.id = k.handling_unit_id
     WHERE k.pick_list_id = :list AND k.state <> 'void'
     ORDER BY k.seq, k.id
""")
STOPS = text("""
    SELECT p.id AS location_id, coalesce(p.aisle::text, 'x' || p.x_mm) AS aisle, p.x_mm, p.y_mm
      FROM location p JOIN (
        SELECT location_id, min(seq) AS seq FROM pick_line WHERE pick_list_id = :list AND state = 'open'
         GROUP BY location_id) k ON k.location_id = p.id
     ORDER BY k.seq
""")
HALL = text("""
    SELECT s.code, p.x_mm, p.y_mm, b.lowest, b.highest, b.leftmost
      FROM pick_list k JOIN site s ON s.id = k.site_id JOIN location p ON p.id = k.to_location_id
      CROSS JOIN LATERAL (SELECT min(y_mm) AS lowest, max(y_mm) AS highest, min(x_mm) AS leftmost FROM location
                           WHERE site_id = k.site_id AND kind IN ('bin', 'shop_floor')) b
     WHERE k.id = :list
""")


def waves(
    session: Session, *, site: str | None = None, state: str | None = None, wave_no: str | None = None, after: int = 0,
    limit: int = 50, newest_first: bool = False,
) -> list[WaveRow]:  # fmt: skip
    """Return waves by id from behind ``after`` (``newest_first``: from before it, or the newest)."""
    given = {"site": site, "state": state, "wave_no": wave_no.strip() if wave_no else None}
    conditions = {
        "site": "site_id IN (SELECT id FROM site WHERE upper(code) = upper(:site))",
        "state": "state = :state",
        "wave_no": "upper(wave_no) = upper(:wave_no)",
    }
    where = "".join(f" AND {conditions[name]}" for name, value in given.items() if value is not None)
    if newest_first:
        where += " AND (:after = 0 OR id < :after)"
    else:
        where += " AND id > :after"
    order = "DESC" if newest_first else ""
    page = f"(SELECT * FROM wave WHERE true{where} ORDER BY id {order} LIMIT :limit)"  # noqa: S608 - our own words
    values = {**{name: value for name, value in given.items() if value is not None}, "after": after, "limit": limit}
    rows = session.execute(text(WAVES.format(page=page, order=order)), values)
    return [WaveRow(**row) for row in rows.mappings()]


def wave_by_no(session: Session, wave_no: str) -> WaveRow | None:
    """Return the wave with that number, however its letters are written."""
    return next(iter(waves(session, wave_no=wave_no, limit=1)), None)


def pick_lists(
    session: Session, *, site: str | None = None, state: str | None = None, wave: str | None = None,
    list_no: str | None = None, after: int = 0, limit: int = 50,
) -> list[ListRow]:  # fmt: skip
    """Return pick lists by id from behind ``after``."""
    given = {"site": site, "state": state, "wave": wave, "list_no": list_no.strip() if list_no else None}
    conditions = {
        "site": "site_id IN (SELECT id FROM site WHERE upper(code) = upper(:site))",
        "state": "state = :state",
        "wave": "wave_id IN (SELECT id FROM wave WHERE upper(wave_no) = upper(:wave))",
        "list_no": "upper(list_no) = upper(:list_no)",
    }
    where = "".join(f" AND {conditions[name]}" for name, value in given.items() if value is not None)
    page = f"(SELECT * FROM pick_list WHERE id > :after{where} ORDER BY id LIMIT :limit)"  # noqa: S608 - our own words
    values = {**{name: value for name, value in given.items() if value is not None}, "after": after, "limit": limit}
    rows = session.execute(text(LISTS.format(page=page)), values)
    return [ListRow(**row) for row in rows.mappings()]


def list_by_no(session: Session, list_no: str) -> ListRow | None:
    """Return the pick list with that number, however its letters are written."""
    return next(iter(pick_lists(session, list_no=list_no, limit=1)), None)


def list_lines(session: Session, list_id: int) -> list[ListLineRow]:
    """Return the lines of a pick list in walking order, withdrawn ones left out."""
    return [ListLineRow(**row) for row in session.execute(LINES, {"list": list_id}).mappings()]


def stops(session: Session, list_id: int) -> list[StopRow]:
    """Return the places that a list still visits, each once, in the list's present order."""
    return [StopRow(**row) for row in session.execute(STOPS, {"list": list_id}).mappings()]


def floor_plan(session: Session, list_id: int, on: date) -> FloorPlan | None:
    """Return the floor that a list is walked on; None where nobody entered where the places of its site stand.

    Cross-aisles are dated data of the site (``picking.cross_aisles_mm``); where there are none, one is taken to run in
    front of the first bay and one behind the last.
    """
    hall = session.execute(HALL, {"list": list_id}).one()
    if hall.lowest is None:
        return None
    entered = dated.value(session, "picking.cross_aisles_mm", on, hall.code)
    crosses = tuple(int(one) for one in entered) if entered else (hall.lowest - REACH_MM, hall.highest + REACH_MM)
    return FloorPlan(
        crosses, hall.leftmost if hall.x_mm is None else hall.x_mm, crosses[0] if hall.y_mm is None else hall.y_mm
    )
