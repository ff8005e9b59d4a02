"""Outbound on a ledger of a million entries: allocate 100,000 order lines, pick with four writers, walk sixty stops.

Orders ask for items as they lie in the hall: an item that lies in many places is asked for often. What was promised is
checked against the ledger outside the measured time.
"""

import multiprocessing
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import psycopg

from benchmarks.big_ledger import SCOPE, BigLedger
from benchmarks.rows import Row, percentile, row
from benchmarks.server import large_ledger
from routing.aisles import Floor, Point, Stop, plan
from wms.codes import gs1_keys
from wms.db import Database
from wms.errors import WmsError
from wms.floor import pick_queries
from wms.floor.rules.waves import WaveRule
from wms.floor.service import allocating, totes, waves
from wms.floor.service.picking import Take, pick_many
from wms.postgres import Urls, libpq

ENTRIES, LINES, LINES_IN_ORDER = 1_000_000, 100_000, 3
WRITERS, LINES_IN_LIST = 4, 60
STOPS, AISLES, FRONT_MM, BACK_MM = 60, 12, 0, 40_000


def run(full: bool = False) -> Iterator[Row]:
    """About two minutes and the ledger's filling; ``full``: more instances of the pick route and more lists."""
    yield from pick_route(10 if full else 3, long_s=10.0)
    with large_ledger(ENTRIES) as (urls, world):
        yield from flow(urls, world, lists_each=60 if full else 25)


def flow(urls: Urls, world: BigLedger, lists_each: int, *, lines: int = LINES) -> Iterator[Row]:
    """Allocate a wave, then pick a part of it."""
    orders = place_orders(urls, lines)
    database = Database(urls.app)
    yield from allocation(database, urls, orders, lines)
    yield from picking(database, urls, world, lists_each)
    database.close()


def place_orders(urls: Urls, lines: int) -> list[int]:
    """Orders of three lines, written past the service: only what allocation asks for. Returns their ids."""
    draw = random.Random(7)
    with psycopg.connect(libpq(urls.superuser)) as superuser:
        superuser.execute("SELECT set_config('app.tenant', '1', true)")
        shelves = superuser.execute(
            "SELECT a.site_id, a.owner_id, a.trade_item_id, b.qty FROM account a JOIN balance b ON b.account_id = a.id"
            " WHERE a.kind = 'location' AND b.qty > 0 ORDER BY a.id"
        ).fetchall()
        drawn = draw.choices(shelves, weights=[min(one[3], 40) for one in shelves], k=lines)
        drawn.sort(key=lambda one: (one[0], one[1]))
        due = datetime.now(UTC) + timedelta(hours=6)
        heads, rows = [], []
        for i, (site, owner, item, _) in enumerate(drawn):
            if not heads or i % LINES_IN_ORDER == 0 or heads[-1][1:3] != (site, owner):
                heads.append((f"BENCH-{len(heads)}", site, owner, due, draw.randrange(10)))
            rows.append((len(heads), i, item, draw.randint(1, 3)))
        with superuser.cursor().copy(
            "COPY outbound_order (order_no, site_id, owner_id, ship_by_at, priority, trade_mode, customs_status)"
            " FROM STDIN"
        ) as copy:
            for head in heads:
                copy.write_row((*head, "0110", "free"))
        first: int = superuser.execute("SELECT min(id) FROM outbound_order").fetchone()[0]  # type: ignore[index]
        with superuser.cursor().copy(
            "COPY order_line (order_id, line_no, trade_item_id, unit, unit_qty, ordered_qty) FROM STDIN"
        ) as copy:
            for number, line_no, item, qty in rows:
                copy.write_row((first + number - 1, line_no + 1, item, "piece", qty, qty))
        superuser.commit()
        superuser.autocommit = True
        superuser.execute("ANALYZE outbound_order, order_line")
        return [one[0] for one in superuser.execute("SELECT id FROM outbound_order ORDER BY id")]


def allocation(database: Database, urls: Urls, orders: list[int], lines: int) -> Iterator[Row]:
    """The wave as the release job works it: lists of 5,000 lines, each one transaction."""
    start = time.perf_counter()
    with database.unit_of_work(SCOPE) as session:
        batches = allocating.batches(session, orders)
    met = promised = 0
    for number, ids in enumerate(batches):
        now = datetime.now(UTC)
        done = database.run(
            SCOPE, lambda session, ids=ids, n=number, now=now: allocating.allocate(session, f"bench:{n}", ids, now)
        )
        met, promised = met + done.lines_met, promised + done.qty
    took = time.perf_counter() - start
    with psycopg.connect(libpq(urls.superuser)) as superuser:
        found = superuser.execute(
            "SELECT (SELECT sum(qty_reserved) FROM balance), (SELECT sum(qty) FROM allocation),"
            " (SELECT sum(allocated_qty) FROM order_line)"
        ).fetchone()
    assert found == (promised, promised, promised), (found, promised)
    yield row(
        f"outbound_allocate_{lines // 1000}k_lines", took, "s", target=60.0, ok=took <= 60 if lines >= LINES else None
    )
    yield row("outbound_allocate_lines_met", 100 * met / lines, "%")


def picking(database: Database, urls: Urls, world: BigLedger, lists_each: int) -> Iterator[Row]:
    """Four processes pick list after list of up to sixty lines, each list one posting and one commit."""
    wanted = WRITERS * (lists_each + 1)
    lists: list[int] = []
    for site_id in world.site_ids:
        with database.unit_of_work(SCOPE) as session:
            session.connection().exec_driver_sql(
                "INSERT INTO location (site_id, code, kind) VALUES (%s, 'PACK', 'packing')", (site_id,)
            )
        rule = WaveRule(max_orders=20_000, max_lines=wanted * LINES_IN_LIST // 2)
        with database.unit_of_work(SCOPE) as session:
            made = waves.gather(session, site_id, "batch", rule)
            lists += waves.release(session, made.wave_no, datetime.now(UTC)).list_ids
    with psycopg.connect(libpq(urls.superuser), autocommit=True) as superuser:
        superuser.execute("ANALYZE")
    context, share = multiprocessing.get_context("forkserver"), len(lists) // WRITERS
    context.set_forkserver_preload(["benchmarks.outbound_flow"])
    pipes = []
    for seed in range(WRITERS):
        ours, theirs = context.Pipe()
        mine = lists[seed * share : (seed + 1) * share]
        context.Process(target=pick_lists, args=(urls.app, mine, seed, theirs), daemon=True).start()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    counts = [pipe.recv() for pipe in pipes]
    took = time.perf_counter() - start
    rate = sum(lines for lines, _ in counts) / took
    yield row("outbound_pick_4_writers", rate, "lines/s", target=1_000, ok=rate >= 1_000)
    yield row("outbound_pick_lists_refused", sum(refused for _, refused in counts), "lines")


def pick_lists(url: str, lists: list[int], seed: int, told: Connection) -> None:
    """One picker's life: a first list to warm up, then all the others against the clock."""
    database = Database(url, pool_size=1, max_overflow=0)
    pick_one(database, lists[0], seed)
    told.send("ready")
    told.recv()
    lines = refused = 0
    for list_id in lists[1:]:
        done, not_done = pick_one(database, list_id, seed)
        lines, refused = lines + done, refused + not_done
    told.send((lines, refused))
    database.close()


def pick_one(database: Database, list_id: int, seed: int) -> tuple[int, int]:
    """Pick a list whole into a tote; lines picked and refused."""
    sscc = gs1_keys.make_sscc(3 + seed, "6901234", list_id)
    with database.unit_of_work(SCOPE) as session:
        unit_id = totes.bind(session, list_id, 1, sscc)
        takes = [Take(line.id, line.qty, unit_id) for line in pick_queries.list_lines(session, list_id)]
        results = pick_many(session, f"bench:{list_id}", takes, datetime.now(UTC))
    refused = sum(isinstance(one, WmsError) for one in results)
    return len(results) - refused, refused


def pick_route(instances: int, long_s: float) -> Iterator[Row]:
    """Sixty stops in twelve aisles: time within the budget, and how far above the best of a long run at most."""
    took, gaps, saved = [], [], []
    floor = Floor((FRONT_MM, BACK_MM), Point(0, -3_000), Point(0, -3_000))
    for seed in range(instances):
        stops = drawn(seed)
        start = time.perf_counter()
        short = plan(stops, floor)
        took.append(1000 * (time.perf_counter() - start))
        best = plan(stops, floor, budget_ms=int(1000 * long_s), seed=99, exactly=False)
        gaps.append(100 * (short.length_mm / min(best.length_mm, short.length_mm) - 1))
        saved.append(short.saved_on_item_order_permille / 10)
    worst, gap = percentile(took, 0.99), max(gaps)
    yield row("outbound_pick_route_60", worst, "ms", target=200.0, ok=worst <= 200)
    yield row("outbound_pick_route_60_gap", gap, "% above 10 s run", target=3.0, ok=gap <= 3)
    yield row("outbound_pick_route_60_saved", sum(saved) / len(saved), "% of item order")


def drawn(seed: int) -> list[Stop]:
    """Sixty stops, more of them near the front and in the first aisles."""
    draw = random.Random(seed)
    stops = []
    for number in range(STOPS):
        aisle = min(int(draw.expovariate(0.25)), AISLES - 1)
        y_mm = min(1_000 + int(draw.expovariate(1 / 15_000)), BACK_MM - 1_000)
        stops.append(Stop(number, f"{aisle:02d}", 3_200 * aisle + draw.choice((-1_000, 1_000)), y_mm))
    return stops


if __name__ == "__main__":
    for line in run():
        print(line)
