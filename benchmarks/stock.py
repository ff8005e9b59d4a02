"""The ledger's speed: posting through its service beside the same SQL by bare psycopg, lists, stock in the past."""

import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg

from benchmarks.crews import crew
from benchmarks.rows import Row, interleaved, percentile, row
from benchmarks.server import durable_server
from benchmarks.writers import SCOPE, Load, Writer
from wms.catalog.tables import TradeItem
from wms.db import Database
from wms.parties.tables import Company, Location, Site
from wms.postgres import Urls, libpq
from wms.stock.ledger import AccountKey, Line, Posting, moved, post_many
from wms.stock.queries import Stock, on_hand, stock_at

ITEMS, BINS = 20, 100
PLENTY = 1_000_000_000
SAME_SQL = "same SQL, bare psycopg"
WRITERS = (1, 4, 16)
ROUND_S, ROUNDS = 1.2, 5
AT_ONCE = 500
Rate = Callable[[str, float], float]


@dataclass(frozen=True)
class World:
    """A warehouse with plenty of everything."""

    owner_id: int
    site_id: int
    items: tuple[int, ...]
    bins: tuple[int, ...]

    def shelf(self, item: int, place: int) -> AccountKey:
        return AccountKey("location", self.owner_id, self.items[item], self.site_id, self.bins[place])

    def supplier(self, item: int) -> AccountKey:
        return AccountKey("supplier", self.owner_id, self.items[item])

    def customer(self, item: int) -> AccountKey:
        return AccountKey("customer", self.owner_id, self.items[item])


def run(full: bool) -> Iterator[Row]:
    """Every figure of the ledger; about two minutes, with ``full`` about five."""
    with durable_server() as urls:
        database = Database(urls.app)
        world = build(database)
        yield from posting(urls, world, ROUNDS * (3 if full else 1))
        yield from receiving(database, urls, world, lists=60 if full else 16)
        yield from past(database, urls, world, entries=1_000_000 if full else 200_000)
        database.close()


def build(database: Database) -> World:
    """Items, bins and stock in every one of them."""
    with database.unit_of_work(SCOPE) as session:
        owner = Company(code="BENCH", name_zh="测速", name_en="Bench")
        site = Site(
            code="BENCH", name_zh="测速", name_en="Bench", kind="bonded", lat_deg=Decimal(29), lon_deg=Decimal(113)
        )
        session.add_all([owner, site])
        session.flush()
        items = [
            TradeItem(
                owner_id=owner.id, code=f"B{i}", name_zh=f"商品{i}", name_en=f"Item {i}", gross_weight_g=1, volume_mm3=1
            )
            for i in range(ITEMS)
        ]
        bins = [Location(site_id=site.id, code=f"B{i}", kind="bin") for i in range(BINS)]
        session.add_all([*items, *bins])
        session.flush()
        world = World(owner.id, site.id, tuple(i.id for i in items), tuple(b.id for b in bins))
    for item in range(ITEMS):
        lines = [moved(world.supplier(item), world.shelf(item, place), PLENTY) for place in range(BINS)]
        fill = [Posting(f"fill-{item}-{i}", "receipt", datetime.now(UTC), pair) for i, pair in enumerate(lines)]
        with database.unit_of_work(SCOPE) as session:
            post_many(session, fill)
    return world


def posting(urls: Urls, world: World, rounds: int) -> Iterator[Row]:
    """Single postings, each committed: spread over many accounts, then all from one."""
    shelves = tuple(world.shelf(0, place) for place in range(BINS))
    for writers in WRITERS:
        with crew(Writer, Load(urls.app, shelves, shelves), writers) as team:
            yield _pair(f"stock_post_{writers}_writers", team.rate, rounds)
    with crew(Writer, Load(urls.app, shelves[:1], (world.customer(0),)), 16) as team:
        yield _pair("stock_post_hot_row_16_writers", team.rate, rounds)


def _pair(name: str, rate: Rate, rounds: int) -> Row:
    ours, _, ratio = interleaved(rounds, lambda: rate("ledger", ROUND_S), lambda: rate("bare", ROUND_S))
    return row(name, ours, "postings/s", target=0.6, ratio_to=SAME_SQL, ratio=ratio, ok=ratio >= 0.6)


def receiving(database: Database, urls: Urls, world: World, lists: int) -> Iterator[Row]:
    """A list of 500 goods lines at once: as one document, and as 500 postings each with key, leaf and answer."""
    bare = psycopg.connect(libpq(urls.superuser))
    bare.execute("CREATE TABLE bench_line (posting_id bigint, account_id bigint, qty bigint, key text)")
    bare.commit()
    draw = random.Random(1)

    def goods() -> list[tuple[Line, Line]]:
        drawn = [(draw.randrange(ITEMS), draw.randrange(BINS)) for _ in range(AT_ONCE)]
        return [moved(world.supplier(item), world.shelf(item, place), 12) for item, place in drawn]

    def timed(received: list[Posting]) -> float:
        start = time.perf_counter()
        with database.unit_of_work(SCOPE) as session:
            post_many(session, received)
        return AT_ONCE / (time.perf_counter() - start)

    def one_document() -> float:
        lines = tuple(line for pair in goods() for line in pair)
        return timed([Posting(uuid.uuid4().hex, "receipt", datetime.now(UTC), lines, "list")])

    def many_postings() -> float:
        at, prefix = datetime.now(UTC), uuid.uuid4().hex
        return timed([Posting(f"{prefix}-{i}", "receipt", at, pair, "list") for i, pair in enumerate(goods())])

    def plain() -> float:
        numbers = list(range(AT_ONCE * 2))
        keys = [f"{uuid.uuid4().hex}-{number}" for number in numbers]
        start = time.perf_counter()
        bare.execute(
            "INSERT INTO bench_line SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])",
            (numbers, numbers, numbers, keys),
        )
        bare.commit()
        return AT_ONCE / (time.perf_counter() - start)

    # Of separate postings, each of two ledger lines, half as many are asked for.
    for name, way, unit, target in (
        ("stock_receive_list", one_document, "lines/s", 5_000),
        ("stock_post_list_of_500", many_postings, "postings/s", 2_500),
    ):
        way()
        rate, _, ratio = interleaved(lists, way, plain)
        yield row(
            name, rate, unit, target=target, ratio_to="unnest insert, bare psycopg", ratio=ratio, ok=rate >= target
        )
    bare.close()


def past(database: Database, urls: Urls, world: World, entries: int) -> Iterator[Row]:
    """Stock as it was: one item in every bin, out of a long history that is filled by the server itself."""
    with psycopg.connect(libpq(urls.superuser)) as superuser:
        fill_history(superuser, entries)
    draw, took_past, took_now = random.Random(2), [], []
    for _ in range(60):
        instant = datetime.now(UTC) - timedelta(days=draw.randrange(365))
        wanted = Stock(owner_id=world.owner_id, trade_item_id=draw.choice(world.items))
        with database.unit_of_work(SCOPE) as session:
            start = time.perf_counter()
            found = stock_at(session, instant, wanted, limit=BINS)
            middle = time.perf_counter()
            on_hand(session, wanted, limit=BINS)
            took_past.append(1000 * (middle - start))
            took_now.append(1000 * (time.perf_counter() - middle))
            assert len(found) == BINS
    for name, took in (("stock_at_past_instant", took_past), ("stock_on_hand", took_now)):
        yield row(f"{name}_p50", statistics.median(took), "ms", target=50.0, ok=statistics.median(took) <= 50)
        yield row(f"{name}_p99", percentile(took, 0.99), "ms")


def fill_history(superuser: "psycopg.Connection[tuple[object, ...]]", entries: int) -> None:
    """A year of receipts in every bin, written past the routine: only what the reads ask for."""
    superuser.execute("SET LOCAL session_replication_role = replica")
    superuser.execute("SELECT set_config('app.tenant', '1', true)")
    superuser.execute(
        "WITH bin AS (SELECT id, owner_id, row_number() OVER (ORDER BY id) AS n FROM account WHERE kind = 'location'),"
        " made AS (INSERT INTO posting (idem_key, kind, event_at)"
        "  SELECT 'history-' || n, 'receipt', now() - interval '366 days' + n * (interval '365 days' / %(n)s)"
        "  FROM generate_series(0, %(n)s - 1) n"
        " RETURNING id, event_at, recorded_at, split_part(idem_key, '-', 2)::int AS n)"
        " INSERT INTO entry (tenant_id, posting_id, account_id, qty, owner_id, event_at, recorded_at)"
        " SELECT 1, m.id, b.id, 1, b.owner_id, m.event_at, m.recorded_at"
        " FROM made m JOIN bin b ON b.n = 1 + m.n %% (SELECT count(*) FROM bin)",
        {"n": entries},
    )
    superuser.commit()
    superuser.autocommit = True
    superuser.execute("ANALYZE posting, entry, account, balance")


if __name__ == "__main__":
    for line in run(full=False):
        print(line)
