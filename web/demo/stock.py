"""Ten thousand handling units on their shelves: drawn first, then posted through the ledger like any receipt.

Bonded goods come in arrivals: each has one verification list, a lot for each item, and book lines. They are received on
hold and become saleable when their list is booked.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from web.demo.bulk import insert_rows
from web.demo.goods import Item
from wms.codes.gs1_keys import make_sscc
from wms.customs import accounts
from wms.errors import WmsError
from wms.stock.ledger import AccountKey, Line, Posting, post_many
from wms.stock.tables import BookLine, HandlingUnit, Lot

SSCC_PREFIX = "9524306"
BATCH = 500
OLDEST_DAYS, NEWEST_DAYS = 88, 4
# site, handling unit, how many, categories that lie there
SHARES = (
    ("CLJ-B1", "pallet", 1100, ("cosmetics", "infant", "health")),
    ("CLJ-B1", "carton", 5400, ("cosmetics", "infant", "health")),
    ("CLJ-F1", "pallet", 1300, ("meat",)),
    ("CLJ-W1", "pallet", 700, ("ceramics", "tea", "textiles")),
    ("OW-DUI", "carton", 350, ("ceramics", "tea", "textiles")),
    ("OW-LAX", "carton", 350, ("ceramics", "textiles")),
    ("OW-OSA", "carton", 350, ("ceramics", "tea")),
    ("OW-SYD", "carton", 350, ("ceramics", "textiles")),
    ("YY-O2O", "carton", 100, ("cosmetics",)),
)
BONDED_SITES = {"CLJ-B1": 30, "CLJ-F1": 4}  # items that one arrival brings


@dataclass(frozen=True)
class Unit:
    """A handling unit that stands in a place with ``qty`` base units of one item."""

    sscc: str
    kind: str
    item: Item
    site: str
    place: str
    qty: int
    lot_no: str | None
    produced_on: date | None
    expires_on: date | None
    received_at: datetime
    arrival: int | None  # number of the bonded arrival that brought it

    @property
    def weight_g(self) -> int:
        """Gross weight of the goods in it."""
        return self.qty * self.item.gross_weight_g


def draw_units(seed: int, items: Sequence[Item], places: Sequence[Mapping[str, Any]], today: date) -> list[Unit]:
    """All handling units; the same seed and day give the same units."""
    rng = random.Random(f"dongting-stock-{seed}")  # noqa: S311 - synthetic data, no secret
    rows = [draw for share in SHARES for draw in _draw_share(rng, share, items, places)]
    arrivals = _arrivals(rows)
    days = _days(rng, max(arrivals.values()) + 1)
    units = []
    for number, (site, place, kind, item) in enumerate(rows, 1):
        arrival = arrivals.get((site, item.code)) if site in BONDED_SITES else None
        at = _instant(today, days[arrival] if arrival is not None else rng.randint(NEWEST_DAYS, OLDEST_DAYS), number)
        produced_on = at.date() - timedelta(days=40 + (int(item.gtin[7:12]) % 120))
        units.append(
            Unit(
                sscc=make_sscc(0 if kind == "pallet" else 1, SSCC_PREFIX, number),
                kind=kind,
                item=item,
                site=site,
                place=place,
                qty=_quantity(rng, kind, item),
                lot_no=f"{produced_on:%y%m}{item.code[-4:]}" if item.is_lot_controlled else None,
                produced_on=produced_on if item.is_lot_controlled else None,
                expires_on=produced_on + timedelta(days=item.life_days) if item.is_expiry_controlled else None,
                received_at=at,
                arrival=arrival,
            )
        )
    return _one_lot_each(units)


def _draw_share(
    rng: random.Random,
    share: tuple[str, str, int, tuple[str, ...]],
    items: Sequence[Item],
    places: Sequence[Mapping[str, Any]],
) -> list[tuple[str, str, str, Item]]:
    site, kind, count, categories = share
    free = [place["code"] for place in places if place["site"] == site and place["holds"] == kind]
    rng.shuffle(free)
    fitting = [item for item in items if item.category in categories]
    return [(site, free[number % len(free)], kind, rng.choice(fitting)) for number in range(count)]


def _arrivals(rows: Sequence[tuple[str, str, str, Item]]) -> dict[tuple[str, str], int]:
    """Which arrival brought an item to a bonded site: neighbours in the catalogue come together."""
    found: dict[tuple[str, str], int] = {}
    next_number = 0
    for site, at_once in BONDED_SITES.items():
        codes = sorted({item.code for where, _, _, item in rows if where == site})
        for place, code in enumerate(codes):
            found[site, code] = next_number + place // at_once
        next_number = max(found.values()) + 1
    return found


def _days(rng: random.Random, count: int) -> list[int]:
    """How many days ago each arrival came."""
    return [rng.randint(NEWEST_DAYS, OLDEST_DAYS) for _ in range(count)]


def _instant(today: date, days_ago: int, number: int) -> datetime:
    """An instant of a working day, a minute apart from its neighbours."""
    start = datetime.combine(today - timedelta(days=days_ago), time(1), UTC)
    return start + timedelta(minutes=number * 7 % 480)


def _quantity(rng: random.Random, kind: str, item: Item) -> int:
    if kind == "carton":
        return item.per_carton
    cartons = item.per_pallet // item.per_carton
    return item.per_carton * rng.randint(max(1, cartons * 6 // 10), cartons)


def _one_lot_each(units: list[Unit]) -> list[Unit]:
    """An item that was produced in one month has one lot with one expiry day, whenever it came."""
    first: dict[tuple[str, str | None], Unit] = {}
    for unit in units:
        first.setdefault((unit.item.code, unit.lot_no), unit)
    return [
        Unit(**(vars(unit) | {"produced_on": like.produced_on, "expires_on": like.expires_on}))
        for unit in units
        for like in (first[unit.item.code, unit.lot_no],)
    ]


@dataclass(frozen=True)
class Ids:
    """Database ids that stock is written with."""

    companies: Mapping[str, int]
    items: Mapping[str, int]
    sites: Mapping[str, int]
    places: Mapping[tuple[str, str], int]
    book_lines: Mapping[tuple[str, str], int]  # by site and item


def enter_units(session: Session, units: Sequence[Unit], ids: Ids) -> list[AccountKey]:
    """Write lots and handling units and post every receipt; return the account of each unit, as received."""
    lots = _enter_lots(session, units, ids)
    rows = [{"sscc": unit.sscc, "kind": unit.kind, "owner_id": ids.companies[unit.item.owner]} for unit in units]
    unit_ids = insert_rows(session, HandlingUnit, rows)
    keys = [
        _account(unit, unit_id, lots.get((unit.item.code, unit.lot_no)), ids)
        for unit, unit_id in zip(units, unit_ids, strict=True)
    ]
    postings = [_receipt(unit, key) for unit, key in zip(units, keys, strict=True)]
    post_all(session, sorted(postings, key=lambda posting: posting.event_at))
    return keys


def _enter_lots(session: Session, units: Sequence[Unit], ids: Ids) -> dict[tuple[str, str | None], int]:
    wanted = {(unit.item.code, unit.lot_no): unit for unit in units if unit.lot_no}
    rows = [
        {
            "trade_item_id": ids.items[code],
            "lot_no": lot_no,
            "produced_on": one.produced_on,
            "expires_on": one.expires_on,
        }
        for (code, lot_no), one in wanted.items()
    ]
    return dict(zip(wanted, insert_rows(session, Lot, rows), strict=True))


def _account(unit: Unit, unit_id: int, lot_id: int | None, ids: Ids) -> AccountKey:
    line_id = ids.book_lines.get((unit.site, unit.item.code))
    return AccountKey(
        "location",
        ids.companies[unit.item.owner],
        ids.items[unit.item.code],
        ids.sites[unit.site],
        ids.places[unit.site, unit.place],
        lot_id,
        unit_id,
        "free" if line_id is None else "bonded",
        "good" if line_id is None else "hold",
        line_id,
    )


def _receipt(unit: Unit, key: AccountKey) -> Posting:
    supplier = AccountKey("supplier", key.owner_id, key.trade_item_id)
    value_minor = unit.qty * unit.item.unit_value_minor
    lines = [Line(supplier, -unit.qty, -unit.weight_g, -value_minor), Line(key, unit.qty, unit.weight_g, value_minor)]
    if key.book_line_id is not None:
        lines += accounts.enter_books(key.owner_id, key.trade_item_id, key.book_line_id, unit.qty)
    source = None if unit.arrival is None else f"DEMO-IN-{unit.arrival:04d}"
    return Posting(f"demo-receipt:{unit.sscc}", "receipt", unit.received_at, tuple(lines), source)


def post_all(session: Session, postings: Sequence[Posting]) -> None:
    """Post in lists of 500; a refusal would be a fault of the demo's own, so it is raised.

    The tables grow by thousands of rows in one transaction: plans that were made for empty tables are thrown away.
    """
    for start in range(0, len(postings), BATCH):
        session.execute(text("DISCARD PLANS"))
        for answer in post_many(session, postings[start : start + BATCH]):
            if isinstance(answer, WmsError):
                raise answer


def enter_book_lines(
    session: Session, units: Sequence[Unit], books: Mapping[str, str], items: Mapping[str, int]
) -> dict[tuple[str, str], int]:
    """A line of the site's account book for each item that lies there; ids by site and item code."""
    wanted = sorted({(unit.site, unit.item.code): unit.item for unit in units if unit.arrival is not None}.items())
    numbers: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    for (site, code), item in wanted:
        numbers[site] = numbers.get(site, 0) + 1
        row = {"book_no": books[site], "line_no": numbers[site], "trade_item_id": items[code]}
        rows.append(row | {"customs_unit": item.customs_unit})
    return dict(zip((where for where, _ in wanted), insert_rows(session, BookLine, rows), strict=True))
