"""Days of a whole warehouse: three houses, forty people, mistakes, and programs and the database killed meanwhile.

``python -m benchmarks.floor_day [--days 10] [--minutes 5] [--workers 40] [--kills 12] [--seed N]``

People work in several processes through the floor's own use cases (:mod:`benchmarks.floor_deeds`); their clock is
faster than ours: ``days`` pass in ``minutes``. Now and then one of the processes, or PostgreSQL itself, is killed
with SIGKILL and started again. Each process keeps on paper what it was about to bring in or send out and what it was
told; in the end the ledger must have everything that was told, nothing that was refused, each unit once, and ``verify``
must find nothing. Exit status 0: so it was. Prints seed and summary.
"""

import argparse
import json
import pickle
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from benchmarks.floor_deeds import House, Tally, Worker, build_houses, unaccounted, weighted
from migrations.run import migrate
from web.commands.verify import find as verify
from wms.db import Database, Scope
from wms.postgres import EmbeddedPostgres

TENANT = 1
SCOPE = Scope.system(TENANT)
PROCESSES = 4
COUNTED = ("posting", "entry", "scan", "outbound_order", "pick", "parcel", "vehicle_load", "transfer", "count_order")


@dataclass(frozen=True)
class Shift:
    """What a process of workers is told. File ``begin`` says when it began (Unix time); ``base``: the first instant."""

    url: str
    houses: tuple[House, ...]
    name: str
    people: int
    seed: int
    begin: Path
    seconds: float
    base: datetime
    speed: float
    paper: Path
    outcomes: Path


def main() -> int:
    """Simulate; 0 when every unit is accounted for."""
    asked = _arguments()
    if asked.shift:
        with asked.shift.open("rb") as file:
            work(pickle.load(file))  # written by ourselves a moment ago
        return 0
    print(f"floor seed {asked.seed}", flush=True)
    wrong = simulate(asked.days, 60 * asked.minutes, asked.workers, asked.kills, asked.seed)
    for line in wrong:
        print(line)
    print("floor: every unit is accounted for" if not wrong else f"floor: {len(wrong)} findings")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor_day", description=__doc__)
    parser.add_argument("--days", type=float, default=10, help="days that pass in the houses")
    parser.add_argument("--minutes", type=float, default=5, help="minutes that pass here")
    parser.add_argument("--workers", type=int, default=40)
    parser.add_argument("--kills", type=int, default=12, help="how often a process or PostgreSQL is killed")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--shift", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def simulate(days: float, seconds: float, workers: int, kills: int, seed: int) -> list[str]:
    """Run it; returns what is wrong, in words."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="dongting-floor-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "data")
        try:
            server.start()
            migrate(server.urls.owner)
            database = Database(server.urls.app, pool_size=2)
            with database.unit_of_work(SCOPE) as session:
                houses = build_houses(session)
            killed = _work_through(server, houses, folder, draw, days, seconds, workers, kills)
            wrong = _reckon(database, houses, folder)
            _tell(database, folder, killed, days, seconds)
            database.close()
        finally:
            server.stop()
    return wrong


def _work_through(
    server: EmbeddedPostgres, houses: tuple[House, ...], folder: Path, draw: random.Random, days: float,
    seconds: float, workers: int, kills: int,
) -> Counter[str]:  # fmt: skip
    base, begin, numbers = datetime.now(UTC) - timedelta(days=days), folder / "begin", iter(range(1, 1_000_000))

    def start() -> "subprocess.Popen[bytes]":
        name = f"p{next(numbers)}"
        shift = Shift(
            server.urls.app, houses, name, -(-workers // PROCESSES), draw.getrandbits(32), begin, seconds, base,
            days * 86_400 / seconds, folder / f"{name}.paper", folder / f"{name}.outcomes",
        )  # fmt: skip
        order = folder / f"{name}.shift"
        order.write_bytes(pickle.dumps(shift))
        return subprocess.Popen([sys.executable, "-m", "benchmarks.floor_day", "--shift", str(order)])

    crews = [start() for _ in range(PROCESSES)]
    _await(lambda: len(list(folder.glob("*.paper"))) == PROCESSES, "the workers did not come")
    began = time.time()
    begin.with_suffix(".new").write_text(str(began), encoding="utf-8")
    begin.with_suffix(".new").rename(begin)
    killed: Counter[str] = Counter()
    for number in range(kills):
        at = began + (number + 1) * seconds / (kills + 1)
        time.sleep(max(0.0, at - time.time()))
        if draw.random() < 0.4:
            _kill_postgres(server)
            server.start()
            killed["postgres"] += 1
        else:
            place = draw.randrange(len(crews))
            crews[place].kill()
            crews[place].wait()
            crews[place] = start()
            killed["workers"] += 1
    failed = [crew.wait(seconds + 120) for crew in crews]
    if any(failed):
        raise RuntimeError(f"a process of workers ended with {failed}")
    return killed


def _await(holds: Callable[[], bool], otherwise: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.05)


def _kill_postgres(server: EmbeddedPostgres) -> None:
    pid = server.pid()
    assert pid is not None
    postmaster = psutil.Process(pid)
    children = postmaster.children(recursive=True)
    for process in (postmaster, *children):
        with suppress(psutil.Error):
            process.kill()
    if server._child is not None:
        server._child.wait(10)
    psutil.wait_procs([postmaster, *children], timeout=10)


def work(shift: Shift) -> None:
    """The life of one process: its people work at the same time, each in a thread."""
    database = Database(shift.url, pool_size=max(4, shift.people), max_overflow=4)
    tally = Tally(shift.paper)
    failures: list[BaseException] = []
    _await(shift.begin.exists, "nobody said that it began")
    began = float(shift.begin.read_text(encoding="utf-8"))

    def clock() -> datetime:
        """The houses' time: never later than ours, also for who works on a moment after the end."""
        return min(shift.base + timedelta(seconds=(time.time() - began) * shift.speed), datetime.now(UTC))

    def live(number: int) -> None:
        draw = random.Random(f"{shift.seed}-{number}")
        house = shift.houses[number % len(shift.houses)]
        worker = Worker(database, TENANT, house, tally, draw, clock, others=shift.houses, name=f"{shift.name}-{number}")
        names = weighted()
        try:
            while time.time() < began + shift.seconds:
                _one_deed(worker, draw.choice(names))
                time.sleep(draw.uniform(0, 0.2))
        except BaseException as failure:
            failures.append(failure)
            raise
        finally:
            outcomes.update(worker.outcomes)

    outcomes: Counter[str] = Counter()
    threads = [threading.Thread(target=live, args=(number,)) for number in range(shift.people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shift.outcomes.write_text(json.dumps(outcomes), encoding="utf-8")
    database.close()
    if failures:
        sys.exit(1)


def _one_deed(worker: Worker, name: str) -> None:
    """A deed that the database went away from, or gave up for a rival's sake, is left: the paper says what is open."""
    try:
        worker.do(name)
    except (DBAPIError, PoolTimeout) as error:
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        if state is not None and state[:2] not in {"57", "08", "40", "25"}:
            raise
        worker.outcomes[f"interrupted: {state or type(error).__name__}"] += 1
        time.sleep(0.5)


def _reckon(database: Database, houses: tuple[House, ...], folder: Path) -> list[str]:
    tally = Tally.read(sorted(folder.glob("*.paper")))
    with database.unit_of_work(SCOPE) as session:
        wrong = unaccounted(session, houses, tally)
    return [*wrong, *(str(finding) for finding in verify(database, SCOPE))]


def _tell(database: Database, folder: Path, killed: Counter[str], days: float, seconds: float) -> None:
    outcomes: Counter[str] = Counter()
    for file in folder.glob("*.outcomes"):
        outcomes.update(json.loads(file.read_text(encoding="utf-8")))
    with database.unit_of_work(SCOPE) as session:
        rows = {
            table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in COUNTED
            if session.execute(text("SELECT to_regclass(:name)"), {"name": table}).scalar_one() is not None
        }
    print(f"floor: {days:g} days in {seconds:.0f} s, killed {dict(killed)}, rows {rows}")
    print(f"floor: {sum(outcomes.values())} deeds told: {dict(outcomes.most_common(40))}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
