"""Moves through the floor's service: four processes, lists of a hundred lines, every rule of put-away asked.

5,000 places hold 2,000 items, three in each; four moves in five take from a fifth of the places.
"""

import random
import statistics
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from benchmarks.crews import Hand, crew
from benchmarks.rows import Row, row
from benchmarks.server import durable_server
from benchmarks.writers import SCOPE
from wms.catalog.tables import TradeItem
from wms.db import Database
from wms.floor.service.moving import Moved, MoveLine, MoveList, move_many
from wms.parties.tables import Company, Location, Site
from wms.stock.ledger import AccountKey, Posting, moved, post_many

WRITERS, LINES, ROUND_S, ROUNDS, TARGET = 4, 100, 2.0, 5, 1_000.0
BINS, ITEMS, IN_EACH, PLENTY = 5_000, 2_000, 3, 1_000_000
BUSY, BUSY_SHARE = BINS // 5, 0.8
AT_ONCE = 500


@dataclass(frozen=True)
class Load:
    """Where a writer works."""

    url: str
    site_id: int


class Mover(Hand):
    """One writer; :meth:`move` moves a list and tells how many of its lines stood."""

    ways = ("move",)

    def __init__(self, load: Load, seed: int) -> None:
        self._load, self._draw = load, random.Random(seed)
        self._database = Database(load.url, pool_size=1, max_overflow=0)

    def move(self) -> int:
        lines = tuple(_line(self._draw) for _ in range(LINES))
        command = MoveList(uuid.uuid4().hex, self._load.site_id, lines, datetime.now(UTC))
        results = self._database.run(SCOPE, lambda session: move_many(session, command))
        return sum(isinstance(one, Moved) for one in results)


def _line(draw: random.Random) -> MoveLine:
    taken = draw.randrange(BUSY if draw.random() < BUSY_SHARE else BINS)
    placed = (taken + draw.randrange(1, BINS)) % BINS
    item = _item_in(taken, draw.randrange(IN_EACH))
    return MoveLine(f"B{placed}", f"B{taken}", owner="BENCH", item=f"B{item}", qty=1)


def _item_in(place: int, nth: int) -> int:
    return (place * 7 + nth * 501) % ITEMS


def build(database: Database) -> int:
    """Places and goods in them; returns the site's id."""
    with database.unit_of_work(SCOPE) as session:
        owner = Company(code="BENCH", name_zh="测速", name_en="Bench")
        site = Site(
            code="BENCH", name_zh="测速", name_en="Bench", kind="ordinary", lat_deg=Decimal(29), lon_deg=Decimal(113)
        )
        session.add_all([owner, site])
        session.flush()
        sizes = {"gross_weight_g": 1, "volume_mm3": 1}
        items = [
            TradeItem(owner_id=owner.id, code=f"B{n}", name_zh=f"商品{n}", name_en=f"Item {n}", **sizes)
            for n in range(ITEMS)
        ]
        bins = [
            Location(site_id=site.id, code=f"B{n}", kind="bin", max_volume_mm3=10**15, pick_sequence=n)
            for n in range(BINS)
        ]
        session.add_all([*items, *bins])
        session.flush()
        fill = [
            Posting(f"fill-{place}-{nth}", "receipt", datetime.now(UTC), moved(
                AccountKey("supplier", owner.id, items[_item_in(place, nth)].id),
                AccountKey("location", owner.id, items[_item_in(place, nth)].id, site.id, bins[place].id), PLENTY))
            for place in range(BINS) for nth in range(IN_EACH)
        ]  # fmt: skip
        site_id = site.id
    for start in range(0, len(fill), AT_ONCE):
        with database.unit_of_work(SCOPE) as session:
            post_many(session, fill[start : start + AT_ONCE])
    return site_id


def run(full: bool) -> Iterator[Row]:
    """Lines a second of four writers together; about half a minute."""
    with durable_server() as urls:
        database = Database(urls.app)
        site_id = build(database)
        database.close()
        with crew(Mover, Load(urls.app, site_id), WRITERS) as team:
            rate = statistics.median(team.rate("move", ROUND_S) for _ in range(ROUNDS * (3 if full else 1)))
        yield row("floor_move_lines_4_writers", rate, "lines/s", target=TARGET, ok=rate >= TARGET)


if __name__ == "__main__":
    for line in run(full=False):
        print(line)
