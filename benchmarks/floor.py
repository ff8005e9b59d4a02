"""The warehouse floor on a large ledger: lists, scans over HTTP, stock now and then, memory, growth; Tryton beside it.

The ledger is filled past the posting routine, but consistent (:mod:`benchmarks.big_ledger`). Figures without a size in
their name are of 1,000,000 entries; ``…_1e5`` to ``…_1e7`` are the curve of growth (the short run stops at 1e6).
"""

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy.orm import Session

from benchmarks import tryton
from benchmarks.big_ledger import SCOPE, BigLedger
from benchmarks.floor_writers import floor_crew
from benchmarks.rows import Row, row
from benchmarks.server import durable_server, large_ledger
from web.auth.tokens import create_token
from wms.db import Database
from wms.floor.rules.notices import LineIn
from wms.floor.service.notices import Announce, announce
from wms.floor.service.suggesting import suggest
from wms.parties.tables import Location
from wms.postgres import Urls, libpq
from wms.stock import jobs
from wms.stock.ledger import Posting, moved, post_many
from wms.stock.past import everything_at, totals_at
from wms.stock.queries import Stock, on_hand

SIZES = (100_000, 1_000_000, 10_000_000)
ASKED = 1_000_000
LIST_LINES, LISTS = 500, 9
WRITERS, ROUND_S, ROUNDS = 4, 2.0, 5
CLIENTS, SCANS_PER_S, HELD_S = 16, 200, 60
READS, PASTS = 41, 5
TRYTON = "Tryton 8 lines/s, same server"
Peer = dict[str, Any] | None


def run(full: bool) -> Iterator[Row]:
    """Every figure; about four minutes, with ``full`` about twenty."""
    peer = _peer()
    if peer:
        for name in ("receive", "move", "pick"):
            yield row(f"floor_tryton_{name}", peer[f"{name}_lines_per_s"], "lines/s")
        for name in ("receive", "move"):
            yield row(f"floor_tryton_scan_{name}_p95", peer[f"scan_{name}_ms_p95"], "ms")
    for entries in SIZES if full else SIZES[:2]:
        with large_ledger(entries) as (urls, big):
            database = Database(urls.app)
            yield row(f"floor_fill_{_size(entries)}", big.fill_s, "s")
            yield from growth(database, big, f"_{_size(entries)}")
            if entries == ASKED:
                yield from lists(database, urls, big, peer)
                yield from scans(database, urls, big, seconds=HELD_S)
            database.close()


def _size(entries: int) -> str:
    return f"1e{len(str(entries)) - 1}"


def _peer() -> Peer:
    with durable_server() as urls:
        return tryton.measure(urls)


def growth(database: Database, big: BigLedger, size: str) -> Iterator[Row]:
    """What is read and written all day, at one size of the ledger; at the asked size also under its plain name."""
    draw, judged = random.Random(7), size == f"_{_size(ASKED)}"

    def told(name: str, value: float, unit: str, target: float | None = None) -> Iterator[Row]:
        yield row(f"{name}{size}", value, unit)
        if judged and target is not None:
            ok = value <= target if unit == "ms" else value >= target
            yield row(name, value, unit, target=target, ratio_to="limit of the issue", ratio=value / target, ok=ok)

    def one_item(session: Session) -> object:
        item = big.popular[min(int(draw.paretovariate(0.7)) - 1, len(big.popular) - 1)]
        return on_hand(session, Stock(owner_id=big.owner_of(item), trade_item_id=item))

    def one_owner(session: Session) -> object:
        return on_hand(session, Stock(owner_id=draw.choice(big.owner_ids)))

    def one_place(session: Session) -> object:
        return suggest(session, big.site_ids[1], big.goods(draw.choice(big.popular)), datetime.now(UTC).date())

    def instant() -> datetime:
        return big.first_at + (big.last_at - big.first_at) * draw.random()

    yield from told("floor_on_hand_item", _median_ms(database, one_item, READS), "ms", 5)
    yield from told("floor_on_hand_owner_page", _median_ms(database, one_owner, READS), "ms", 50)
    yield from told("floor_place_suggested", _median_ms(database, one_place, READS), "ms", 50)
    without = _median_ms(database, lambda session: everything_at(session, instant()), PASTS)
    yield from told("floor_past_without_checkpoints", without, "ms")
    start = time.perf_counter()
    jobs.make_checkpoints(database)
    yield row(f"floor_checkpoints_made{size}", time.perf_counter() - start, "s")
    limit = 3_000 if size.endswith("1e7") else 500
    everything = _median_ms(database, lambda session: everything_at(session, instant()), PASTS)
    if size.endswith("1e7"):
        yield row(f"floor_past_everything{size}", everything, "ms", target=limit, ok=everything <= limit)
    else:
        yield from told("floor_past_everything", everything, "ms", limit)
    totals = _median_ms(database, lambda session: totals_at(session, instant()), PASTS)
    yield from told("floor_past_totals_by_item", totals, "ms", limit)
    known = _median_ms(database, lambda session: everything_at(session, instant(), known_at=instant()), PASTS)
    yield from told("floor_past_as_known_then", known, "ms")
    yield from told("floor_receive_list", statistics.median(receiving(database, big)), "lines/s", 5_000)


def _median_ms(database: Database, read: Callable[[Session], object], times: int) -> float:
    took = []
    for number in range(times + 2):
        with database.unit_of_work(SCOPE) as session:
            start = time.perf_counter()
            read(session)
            if number >= 2:  # two to warm up
                took.append(1000 * (time.perf_counter() - start))
    return statistics.median(took)


def receiving(database: Database, big: BigLedger) -> list[float]:
    """Lines a second of lists of 500, each one document, into bins that items of the same owner lie in."""
    draw, rates = random.Random(3), []
    weights = [1 / (1 + rank) for rank in range(len(big.popular))]
    for number in range(LISTS + 1):
        items = draw.choices(big.popular, weights, k=LIST_LINES)
        pairs = [moved(big.supplier(item), big.shelf(item, draw.choice(big.bin_ids)), 12) for item in items]
        lines = tuple(line for pair in pairs for line in pair)
        posting = Posting(uuid.uuid4().hex, "receipt", datetime.now(UTC), lines, "list")
        start = time.perf_counter()
        with database.unit_of_work(SCOPE) as session:
            post_many(session, [posting])
        if number:
            rates.append(LIST_LINES / (time.perf_counter() - start))
    return rates


def lists(database: Database, urls: Urls, big: BigLedger, peer: Peer) -> Iterator[Row]:
    """Receive, move and pick beside Tryton: its lists of 2,000 and 500 against ours of 500 and 100."""
    yield from _beside("receive", statistics.median(receiving(database, big)), 5_000, 20, peer)
    with floor_crew(urls.app, big, WRITERS) as team:
        for way in ("move", "pick"):
            rate = statistics.median(team.rate(way, ROUND_S) for _ in range(ROUNDS))
            yield row(f"floor_{way}_lines", rate, "lines/s", target=1_000, ok=rate >= 1_000)
            yield from _beside(way, rate, 1_000, 10, peer)


def _beside(way: str, rate: float, _least: float, times: float, peer: Peer) -> Iterator[Row]:
    name = f"floor_{way}_beside_tryton"
    if peer is None:
        yield row(name, rate, "lines/s", target=times, ratio_to=f"{TRYTON} (not installed)")
        return
    ratio = rate / peer[f"{way}_lines_per_s"]
    yield row(name, rate, "lines/s", target=times, ratio_to=TRYTON, ratio=ratio, ok=ratio >= times)


def scans(database: Database, urls: Urls, big: BigLedger, seconds: int) -> Iterator[Row]:
    """Handhelds receive goods over HTTP, gunicorn as the product runs it; memory of each process while they do."""
    plan = _plan(database, big, seconds)
    with _web(urls, plan["port"]) as web, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(plan | {"seconds": 3}), encoding="utf-8")
        _load(file)  # warms up
        file.write_text(json.dumps(plan), encoding="utf-8")
        found = _load(file)
        web_mb, postgres_mb = _memory(web, urls)
    bad = {name: count for name, count in found["outcomes"].items() if name != "received"}
    if bad:
        print(f"scans with another answer: {bad}", file=sys.stderr)
    held = found["per_s"] >= 0.98 * SCANS_PER_S and not bad
    p95 = found["p95_ms"]
    yield row("floor_scan_http_rate", found["per_s"], "scans/s", target=SCANS_PER_S, ok=held)
    yield row("floor_scan_http_p50", found["p50_ms"], "ms")
    yield row(
        "floor_scan_http_p95", p95, "ms", target=50, ratio_to="limit of the issue", ratio=p95 / 50,
        ok=held and p95 <= 50,
    )  # fmt: skip
    yield row("floor_scan_http_p99", found["p99_ms"], "ms")
    yield row("floor_memory_web", web_mb, "MB")
    yield row("floor_memory_postgres", postgres_mb, "MB")
    yield row("floor_memory_reader", psutil.Process().memory_info().rss / 1e6, "MB")


def _plan(database: Database, big: BigLedger, seconds: int) -> dict[str, Any]:
    """A notice of twenty lines for every client, a dock, a token."""
    site, draw, notices = big.site_ids[1], random.Random(5), []
    with database.unit_of_work(SCOPE) as session:
        session.add(Location(site_id=site, code="DOCK-01", kind="dock"))
        for number in range(CLIENTS):
            owner = big.owner_ids[number % len(big.owner_ids)]
            items = [item for item in draw.sample(big.popular[:4_000], 800) if big.owner_of(item) == owner][:20]
            numbers = [item - big.item_ids[0] + 1 for item in items]
            lines = tuple(LineIn(f"ITEM-{n}", 1_000_000) for n in numbers)
            announce(session, Announce(f"BENCH-{number}", site, owner, "0110", lines))
            notices.append((f"BENCH-{number}", [_gtin(n) for n in numbers]))
        token = create_token(session, role="device", label="bench").secret
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return {
        "host": "127.0.0.1", "port": port, "token": token, "site": "SITE-2", "dock": "DOCK-01", "notices": notices,
        "clients": CLIENTS, "per_s": SCANS_PER_S, "seconds": seconds,
    }  # fmt: skip


def _gtin(number: int) -> str:
    digits = f"690{number:09d}"
    total = sum(int(d) * (1 if i % 2 == 0 else 3) for i, d in enumerate(digits))
    return digits + str(-total % 10)


@contextmanager
def _web(urls: Urls, port: int) -> Iterator[psutil.Process]:
    with tempfile.TemporaryDirectory(prefix="dongting-bench-web-") as data:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
        environ |= {
            "DONGTING_DATA": data, "DONGTING_DATABASE_URL": urls.app, "DONGTING_DATABASE_OWNER_URL": urls.owner,
            "DONGTING_LOG_LEVEL": "warning",
        }  # fmt: skip
        command = [sys.executable, "-m", "web.cli", "web", "--port", str(port)]
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
        try:
            _await(port, process)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError("the web process did not start")


def _load(file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scan_load", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _memory(web: psutil.Process, urls: Urls) -> tuple[float, float]:
    """Resident megabytes of the web's processes, and of all of PostgreSQL's (shared pages counted once)."""
    with psycopg.connect(libpq(urls.superuser)) as superuser:
        (folder,) = superuser.execute("SHOW data_directory").fetchone() or ("",)
    postmaster = psutil.Process(int((Path(folder) / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
    ours = sum(one.memory_info().rss for one in (web, *web.children(recursive=True)))
    return ours / 1e6, sum(_share(one) for one in (postmaster, *postmaster.children())) / 1e6


def _share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # ended meanwhile, or not ours to look into
        return 0


if __name__ == "__main__":
    for line in run(full=False):
        print(line)
