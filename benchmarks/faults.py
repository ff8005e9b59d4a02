"""The fault run: ``python -m benchmarks.faults [--minutes 10] [--rate 1000] [--seed N]``.

The whole program (``dongting up``) with real devices at its gate: half of the time with the embedded broker, half at a
Mosquitto. All the while its parts are killed with SIGKILL in turn: the door of ingest (the embedded broker), its
reader, Mosquitto, PostgreSQL, the whole program. Afterwards every acknowledged event must be stored and read once,
every passage decided once, every opening of a barrier explained by one release, and the goods of who drove out have
left the ledger once. Exit status 0: all of it holds.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from benchmarks.fault_run.findings import Findings, look
from benchmarks.fault_run.ground import QTY, Ground, database_of, draw_of, lay
from benchmarks.fault_run.program import ROOT, Mosquitto, Program, until
from benchmarks.fault_run.sources import Source
from benchmarks.fault_run.vehicles import Gate
from wms.db import Database, Scope

SECRET = "a fault run's secret of at least thirty-two characters"
SOURCES = 8
SECONDS_A_TRUCK = 15
SCOPE = Scope.system(1)
WAITING = text(
    "SELECT (SELECT count(*) FROM inbox WHERE state = 'received') + (SELECT count(*) FROM barrier_command"
    " WHERE state IN ('queued', 'sent', 'accepted', 'opened', 'passed'))"
)


def run(minutes: float, rate: float, seed: int, say: Callable[[str], None] = print) -> Findings:
    """One run; ``rate`` is events a second over all sources."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-faults-", dir="/var/tmp"))
    folder.chmod(0o711)
    program, mosquitto = Program(folder, SECRET), Mosquitto(folder)
    try:
        return _both(program, mosquitto, minutes, rate, draw_of(seed), say)
    except Exception as why:
        why.add_note(program.last_words())
        raise
    finally:
        program.stop()
        mosquitto.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _both(
    program: Program, mosquitto: Mosquitto, minutes: float, rate: float, draw: random.Random, say: Callable[[str], None]
) -> Findings:
    program.start()
    database = database_of(program.data)
    trucks = round(minutes * 30 / SECONDS_A_TRUCK) + 2
    ground = lay(database, SCOPE, SECRET, phases=2, trucks=trucks, sources=SOURCES)
    kills: Counter[str] = Counter()
    parts: dict[str, Callable[[], int]] = {
        "door": lambda: program.kill("door"),
        "reader": lambda: program.kill("reader"),
        "postgres": lambda: program.kill("postgres"),
        "whole": lambda: program.kill("all") and bool(program.start()),
    }
    embedded = _phase(database, ground, 0, program.port, parts, minutes * 30, rate, draw, kills, say)
    program.stop()
    mosquitto.start()
    program.mqtt_url = f"mqtt://127.0.0.1:{mosquitto.port}/?client_id=fault-run"
    program.start()
    parts["mosquitto"] = lambda: mosquitto.kill() and bool(mosquitto.start())
    at_site = _phase(database, ground, 1, mosquitto.port, parts, minutes * 30, rate, draw, kills, say)
    phases = [("embedded broker", *embedded), ("mosquitto", *at_site)]
    found = look(database, SCOPE, ground.item_id, QTY, phases)
    found.counts["kills"] = dict(kills)
    database.close()
    found.expect(_is_verified(program), "dongting verify found something")
    return found


def _phase(
    database: Database,
    ground: Ground,
    place: int,
    port: int,
    parts: dict[str, Callable[[], int]],
    seconds: float,
    rate: float,
    draw: random.Random,
    kills: Counter[str],
    say: Callable[[str], None],
) -> tuple[Sequence[Source], Gate]:
    """Pour, let vehicles come, kill each part in turn; end when all is held and nobody stands in a lane."""
    sources = [
        Source(device, f"{place}x{draw.randrange(16**8):08x}", rate / SOURCES, port) for device in ground.sources
    ]
    gate = Gate(ground.site, ground.lanes, ground.devices, port, seed=str(draw.random()))
    try:
        for source in sources:
            source.start()
        gate.open(ground.trucks[place])
        _trouble(parts, sources, time.monotonic() + seconds, draw, kills, say)
        for source in sources:
            source.finish()
        gate.finish()
        until(lambda: all(source.is_held for source in sources), "receipts for all that was sent")
        until(lambda: _is_settled(database), "everything is read and every barrier closed")
    finally:
        for source in sources:
            source.close()
        gate.close()
    return sources, gate


def _trouble(
    parts: dict[str, Callable[[], int]],
    sources: Sequence[Source],
    end: float,
    draw: random.Random,
    kills: Counter[str],
    say: Callable[[str], None],
) -> None:
    """Each part in turn, in an order that changes; the next one only when all sources are heard again."""
    turn: list[str] = []
    first = set(parts)
    while first or time.monotonic() < end:
        turn = turn or draw.sample(sorted(parts), len(parts))
        _wait_until_heard(sources)
        time.sleep(draw.uniform(4, 10))
        part = turn.pop()
        say(f"{time.strftime('%H:%M:%S')} kill {part}")
        if parts[part]():
            kills[part] += 1
        first.discard(part)
    _wait_until_heard(sources)


def _wait_until_heard(sources: Sequence[Source]) -> None:
    """Until a receipt has told each source that more of what it sent is held."""
    before = [source.upto for source in sources]
    try:
        until(lambda: all(one.upto > upto for one, upto in zip(sources, before, strict=True)), "every source is heard")
    except TimeoutError as why:
        why.add_note("\n".join(map(str, sources)))
        raise


def _is_settled(database: Database) -> bool:
    """Nothing waits to be read, and no command is under way. A lane may still think that somebody stands in it."""
    try:
        with database.unit_of_work(SCOPE) as session:
            return session.execute(WAITING).scalar_one() == 0
    except DBAPIError:
        return False


def _is_verified(program: Program) -> bool:
    command = [sys.executable, "-m", "web.cli", "verify", "--json", "--data", str(program.data)]
    environ = os.environ | {"DONGTING_SECRET_KEY": SECRET}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr[-2000:], end="")
    return done.returncode == 0


def main() -> int:
    """Run, print seed, counts and findings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=1000, help="events a second")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    asked = parser.parse_args()
    print(f"faults: seed {asked.seed}, {asked.minutes} minutes, {asked.rate} events/s", flush=True)
    found = run(asked.minutes, asked.rate, asked.seed, lambda line: print(line, flush=True))
    print(json.dumps(found.counts, ensure_ascii=False), flush=True)
    for wrong in found.wrong:
        print(f"WRONG: {wrong}")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
