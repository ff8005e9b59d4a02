"""Processes that move and pick in lists through the service, as fast as they can, on the large ledger."""

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.big_ledger import SCOPE, BigLedger
from benchmarks.crews import Crew, Hand, crew
from wms.db import Database
from wms.errors import WmsError
from wms.floor.service.moving import MoveLine, MoveList, move_many
from wms.stock.ledger import AccountKey, Line, Posting, Reserve, moved, post_many, reserve_many

AT_ONCE = 100
STOCKED = text(
    "SELECT a.owner_id, a.trade_item_id, a.site_id, a.location_id, c.code AS owner, t.code AS item, p.code AS place"
    " FROM balance b JOIN account a ON a.id = b.account_id JOIN company c ON c.id = a.owner_id"
    " JOIN trade_item t ON t.id = a.trade_item_id JOIN location p ON p.id = a.location_id"
    " WHERE b.qty >= 20 AND a.site_id = :site ORDER BY a.id"
)


@dataclass(frozen=True)
class FloorLoad:
    """Where the writers find goods: ``popular`` are item ids, most used first."""

    url: str
    site_id: int
    popular: tuple[int, ...]
    places: tuple[str, ...]


class FloorWriter(Hand):
    """One process; each way does one list of a hundred lines in one transaction and tells how many stood."""

    ways = ("move", "pick")

    def __init__(self, load: FloorLoad, seed: int) -> None:
        self._load, self._draw, self._prefix, self._number = load, random.Random(seed), uuid.uuid4().hex, 0
        self._database = Database(load.url, pool_size=1, max_overflow=0)
        rank = {item: place for place, item in enumerate(load.popular)}
        with self._database.unit_of_work(SCOPE) as session:
            self._stocked = session.execute(STOCKED, {"site": load.site_id}).all()
        self._weights = [1 / (1 + rank[row.trade_item_id]) ** 0.5 for row in self._stocked]
        self._sums = list(self._accumulated())

    def _accumulated(self) -> Iterator[float]:
        total = 0.0
        for weight in self._weights:
            total += weight
            yield total

    def _key(self) -> str:
        self._number += 1
        return f"{self._prefix}-{self._number}"

    def move(self) -> int:
        """By the floor's own use case: words are looked up, rules asked, a posting for each line."""
        drawn = self._draw.choices(self._stocked, cum_weights=self._sums, k=AT_ONCE)
        lines = tuple(
            MoveLine(self._draw.choice(self._load.places), row.place, owner=row.owner, item=row.item, qty=1)
            for row in drawn
        )
        command = MoveList(self._key(), self._load.site_id, lines, datetime.now(UTC))
        done = self._database.run(SCOPE, lambda session: move_many(session, command))
        return sum(not isinstance(one, WmsError) for one in done)

    def pick(self) -> int:
        """Reserve a hundred units for an order and take them off the shelf against the reservation."""
        drawn = self._draw.choices(self._stocked, cum_weights=self._sums, k=AT_ONCE)
        key, at = self._key(), datetime.now(UTC)
        shelves = [
            AccountKey("location", row.owner_id, row.trade_item_id, row.site_id, row.location_id) for row in drawn
        ]
        wanted = [Reserve(f"{key}-r{i}", one, 1, at + timedelta(hours=1), key) for i, one in enumerate(shelves)]

        def work(session: Session) -> int:
            held = reserve_many(session, wanted)
            promised = [(one, got) for one, got in zip(shelves, held, strict=True) if not isinstance(got, WmsError)]
            # A list is one fact, as wms.floor.service.picking posts it.
            lines = tuple(line for one, got in promised for line in _taken(one, got.reservation_id))
            (done,) = post_many(session, [Posting(f"{key}-p", "pick", at, lines, key)]) if lines else [None]
            return 0 if done is None or isinstance(done, WmsError) else len(promised)

        return self._database.run(SCOPE, work)


def _taken(shelf: AccountKey, reservation_id: int) -> tuple[Line, Line]:
    return moved(shelf, AccountKey("customer", shelf.owner_id, shelf.trade_item_id), 1, reservation_id)


@contextmanager
def floor_crew(url: str, big: BigLedger, writers: int) -> Iterator[Crew]:
    """``writers`` processes in one warehouse, warmed up."""
    site = big.site_ids[1]
    places = tuple(f"A-{n:05d}" for n in range(1, len(big.bin_ids) + 1) if big.site_of(big.bin_ids[n - 1]) == site)
    with crew(FloorWriter, FloorLoad(url, site, big.popular, places), writers) as team:
        yield team
