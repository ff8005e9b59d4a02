"""Looking for a place among tens of thousands: each look reads a bounded number of places, however large the site.

Free places are looked for along the way through the warehouse. Where the nearest one was last seen is kept in this
process, as a hint and no more: every place is asked of the database before it is named. Behind the hint a few places
are asked again on each look, so that one that was emptied since is found soon.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, or_, select, text
from sqlalchemy.orm import Session

from wms.db import tenant_of
from wms.floor.place_queries import COLUMNS, HOLDS, STOCK, place_of
from wms.floor.rules.putaway import Goods, Place, Strategy
from wms.floor.tables import PutAwayRule
from wms.parties import dated

WINDOW, SWEPT, FOUND = 600, 200, 20  # places looked at ahead of the hint, behind it, and named at most
FULL_AGAIN_S = 30.0  # a site without any free place is not searched whole more often than this

STORED = "l.kind IN ('bin', 'shop_floor')"  # as the index says it
WAY = "coalesce(l.pick_sequence::bigint, l.id)"
BASE = (
    f"l.site_id = :site_id AND {STORED} AND l.temperature_class = :temperature_class AND l.is_bonded = :is_bonded"
    f" AND {WAY} >= :since AND {WAY} < :until"
)
NARROWED = (
    " AND (cast(:velocity AS text) IS NULL OR l.velocity_class = :velocity)"
    " AND (cast(:zone AS text) IS NULL OR l.zone = :zone)"
    " AND (l.zone IS DISTINCT FROM :kept_zone OR l.zone = :zone)"
)
# Places along the way that are free, and the last one looked at.
FREE = text(
    f"""
    WITH seen AS (SELECT l.* FROM location l WHERE {BASE}{NARROWED} ORDER BY {WAY} LIMIT :most),
         open AS (SELECT l.* FROM seen l WHERE NOT EXISTS ({STOCK}) ORDER BY {WAY} LIMIT :found)
    SELECT s.last, s.n, {COLUMNS} FROM (SELECT max({WAY}) AS last, count(*) AS n FROM seen l) s
      LEFT JOIN open l ON true {HOLDS} ORDER BY sequence"""  # noqa: S608 - our own constants
)
ALONG = text(
    f"""
    WITH l AS (SELECT l.* FROM location l WHERE {BASE}{NARROWED} ORDER BY {WAY} LIMIT :most)
    SELECT (SELECT max({WAY}) FROM l) AS last, (SELECT count(*) FROM l) AS n, {COLUMNS} FROM l {HOLDS}
     ORDER BY sequence"""  # noqa: S608 - our own constants
)
# Where the same goods lie, by the way past them.
SAME = text(
    f"""
    SELECT {COLUMNS} FROM (
      SELECT l.* FROM location l
       WHERE l.id IN (SELECT a.location_id FROM account a JOIN balance b ON b.account_id = a.id
                       WHERE a.tenant_id = app_tenant() AND a.owner_id = :owner_id AND a.trade_item_id = :item_id
                         AND a.kind = 'location' AND a.site_id = :site_id AND b.qty > 0
                         AND (cast(:lot_id AS bigint) IS NULL OR a.lot_id = :lot_id))
         AND {STORED} AND l.temperature_class = :temperature_class AND l.is_bonded = :is_bonded
         AND l.zone IS DISTINCT FROM :kept_zone
       ORDER BY {WAY} LIMIT :found) l {HOLDS} ORDER BY sequence"""  # noqa: S608 - our own constants
)
QUARANTINE = text(
    f"SELECT {COLUMNS} FROM (SELECT l.* FROM location l WHERE l.site_id = :site_id AND l.kind = 'quarantine'"  # noqa: S608
    f" AND l.temperature_class = :temperature_class AND l.is_bonded = :is_bonded ORDER BY {WAY} LIMIT :most) l {HOLDS}"
    " ORDER BY sequence"
)
ONE = text(f"SELECT {COLUMNS} FROM location l {HOLDS} WHERE l.id = :location_id AND l.is_bonded = :is_bonded")  # noqa: S608
FAR = 2**62


@dataclass
class Hint:
    """Where free places were last seen: none before ``low``; what is before it was looked at again up to ``swept``."""

    low: int = 0
    swept: int = 0
    along: int = 0
    full_at: float = -FULL_AGAIN_S


_hints: WeakKeyDictionary[Engine, dict[tuple[Any, ...], Hint]] = WeakKeyDictionary()


class Search:
    """The looks of one suggestion; what a strategy found is kept for the next one that asks the same."""

    def __init__(self, session: Session, site_id: int, goods: Goods, kept_zone: str | None = None) -> None:
        """``kept_zone`` is kept free for another purpose: only who asks for it by name finds its places."""
        self.session, self.site_id, self.goods, self.kept_zone = session, site_id, goods, kept_zone or ""

    def look(self, strategy: Strategy, bonded: bool) -> Iterable[Place]:
        """Return the places that a strategy considers, nearest first."""
        if self.goods.is_blocked:
            return self._rows(QUARANTINE, is_bonded=bonded, most=FOUND * 3)
        looks: dict[str, Callable[[], Iterable[Place]]] = {
            "fixed": lambda: self._rows(ONE, is_bonded=bonded, location_id=strategy.location_id),
            "same_lot": lambda: self._rows(SAME, is_bonded=bonded, lot_id=self.goods.lot_id, found=FOUND),
            "same_item": lambda: self._rows(SAME, is_bonded=bonded, lot_id=None, found=FOUND),
            "velocity": lambda: self._as_often(bonded),
            "zone": lambda: [*self._free(bonded, zone=strategy.zone), *self._along(bonded, zone=strategy.zone)],
            "empty": lambda: self._free(bonded),
            "beside": lambda: self._beside(bonded),
            "any": lambda: self._along(bonded),
        }
        return looks[strategy.name]()

    def _as_often(self, bonded: bool) -> list[Place]:
        velocity = self.goods.velocity_class
        return self._free(bonded, velocity=velocity) if velocity else []

    def _beside(self, bonded: bool) -> list[Place]:
        return [place for place in self._along(bonded) if self.goods.trade_item_id not in place.item_ids]

    def _rows(self, query: Any, **values: Any) -> list[Place]:
        goods = self.goods
        given = {
            "site_id": self.site_id,
            "temperature_class": goods.temperature_class,
            "owner_id": goods.owner_id,
            "item_id": goods.trade_item_id,
            "kept_zone": self.kept_zone,
            **values,
        }
        return [place_of(row) for row in self.session.execute(query, given).mappings()]

    def _hint(self, *key: Any) -> Hint:
        bind = self.session.get_bind()
        engine = bind.engine if isinstance(bind, Connection) else bind
        of_engine = _hints.setdefault(engine, {})
        return of_engine.setdefault((tenant_of(self.session), self.site_id, self.goods.temperature_class, *key), Hint())

    def _free(self, bonded: bool, *, zone: str | None = None, velocity: str | None = None) -> list[Place]:
        hint = self._hint(bonded, zone, velocity)
        ways = {"is_bonded": bonded, "zone": zone, "velocity": velocity}
        behind, swept = self._window(FREE, ways, hint.swept, hint.low, SWEPT)
        hint.swept = swept + 1 if swept is not None and not behind else 0
        found, last = self._window(FREE, ways, hint.low, FAR, WINDOW)
        if not found and last is not None and time.monotonic() - hint.full_at > FULL_AGAIN_S:
            found, _ = self._window(FREE, ways, 0, FAR, FAR)
            if not found:
                hint.full_at = time.monotonic()
        if behind or found:
            hint.low = (behind or found)[0].sequence
        return [*behind, *found]

    def _along(self, bonded: bool, *, zone: str | None = None) -> list[Place]:
        """Places in the order of the way, with what lies there; the next look goes on where this one found no room."""
        hint = self._hint(bonded, zone, "along")
        ways = {"is_bonded": bonded, "zone": zone, "velocity": None}
        found, last = self._window(ALONG, ways, hint.along, FAR, SWEPT)
        hint.along = 0 if last is None or len(found) < SWEPT else last + 1 if all(map(_is_full, found)) else hint.along
        return found

    def _window(
        self, query: Any, ways: dict[str, Any], since: int, until: int, most: int
    ) -> tuple[list[Place], int | None]:
        values = {
            "site_id": self.site_id,
            "temperature_class": self.goods.temperature_class,
            "since": since,
            "until": until,
            "most": most,
            "found": FOUND,
            "kept_zone": self.kept_zone,
            **ways,
        }
        rows = self.session.execute(query, values).mappings().all()
        last = rows[0]["last"] if rows else None
        return [place_of(row) for row in rows if row["id"] is not None], last


def _is_full(place: Place) -> bool:
    limits = (
        (place.max_weight_g, place.used_weight_g),
        (place.max_volume_mm3, place.used_volume_mm3),
        (place.max_count, place.used_count),
    )
    return any(most is not None and used >= most for most, used in limits)


def strategies(session: Session, site_id: int, goods: Goods, customs_status: str, on: date) -> tuple[Strategy, ...]:
    """Return the strategies for goods on a day: rules that describe them, by priority, then the house's own order."""
    rule = PutAwayRule
    described = (
        (rule.site_id, site_id),
        (rule.owner_id, goods.owner_id),
        (rule.trade_item_id, goods.trade_item_id),
        (rule.temperature_class, goods.temperature_class),
        (rule.customs_status, customs_status),
        (rule.velocity_class, goods.velocity_class),
    )
    rows = session.execute(
        select(rule.strategy, rule.location_id, rule.zone)
        .where(
            *(or_(column.is_(None), column == value) for column, value in described),
            rule.valid_from_on <= on,
            or_(rule.valid_until_on.is_(None), rule.valid_until_on >= on),
        )
        .order_by(rule.priority, rule.id)
    )
    own = dated.value(session, "putaway.strategies", on)
    return (*(Strategy(*row) for row in rows), *(Strategy(name) for name in own))
