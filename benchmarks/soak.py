"""The long runs, each with its length: ``--fuzz 2 --proofs 15 --days 10 --vehicles 2000 --minutes 10 --faults 10``.

First ``fuzz`` minutes of hostile payloads for every device format (:mod:`benchmarks.fuzz`); then the proof tests again
and again, each time with another seed (the first is ``--seed N``) and ``rounds`` times their usual number of sequences
and kills, until ``proofs`` minutes are over; then ``days`` of the simulated warehouse floor
(:mod:`benchmarks.floor_day`) in half of ``minutes``; then a day of ``vehicles`` at the gate
(:mod:`benchmarks.gate_day`), each decided as the truth demands; then the whole demo for ``minutes`` with its programs
killed now and then while a robot scans over HTTP, and ``dongting verify`` on what it leaves; last ``faults`` minutes of
the fault run at the gate (:mod:`benchmarks.faults`). About 65 minutes in all. Exit status 0: all clean, and each scan
counted once.
"""

import argparse
import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from benchmarks.scanning_robot import Robot
from wms.postgres import EmbeddedPostgres, libpq

PROOFS = (
    "tests/wms/stock/test_machine.py",
    "tests/wms/stock/test_races.py",
    "tests/wms/stock/test_crashes.py",
    "tests/wms/floor/test_machine.py",
)
READY_S = 300
KILLABLE = ("ingest", "worker", "web", "postgres")
COUNTED = ("posting", "entry", "leaf", "inbox", "passage", "decision", "procrastinate_jobs")


def main() -> int:
    """Run all of them; say seed, counts and how long each took."""
    asked = _arguments()
    print(f"seed {asked.seed}", flush=True)
    fuzz = asked.fuzz == 0 or _timed("fuzz", lambda: _fuzz(asked.fuzz, asked.seed))
    proofs = asked.proofs == 0 or _timed("proofs", lambda: _proofs(asked.proofs, asked.rounds, asked.seed))
    floor = asked.days == 0 or _timed("floor", lambda: _floor(asked.days, asked.minutes, asked.seed))
    gate = asked.vehicles == 0 or _timed("gate", lambda: _gate(asked.vehicles, asked.seed))
    demo = asked.minutes == 0 or _timed("demo", lambda: _demo(asked.minutes, random.Random(asked.seed)))
    faults = asked.faults == 0 or _timed("faults", lambda: _faults(asked.faults, asked.rate, asked.seed))
    said = {"fuzz": fuzz, "proofs": proofs, "floor": floor, "gate": gate, "demo": demo, "faults": faults}
    print(", ".join(f"{name} {'clean' if clean else 'FAILED'}" for name, clean in said.items()))
    return 0 if all(said.values()) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long the demo runs; 0: not at all")
    parser.add_argument("--faults", type=float, default=10, help="minutes of kills at the gate; 0: none")
    parser.add_argument("--rate", type=float, default=1000, help="events a second meanwhile")
    parser.add_argument("--days", type=float, default=10, help="days of the simulated warehouse floor; 0: none")
    parser.add_argument("--vehicles", type=int, default=2_000, help="vehicles of a day at the gate; 0: none")
    parser.add_argument("--fuzz", type=float, default=2, help="minutes of hostile payloads; 0: none")
    parser.add_argument("--proofs", type=float, default=15, help="minutes of proofs, the last pass is ended; 0: none")
    parser.add_argument("--rounds", type=int, default=2, help="times the usual number of sequences and kills in a pass")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    return parser.parse_args()


def _timed(name: str, run: Callable[[], bool]) -> bool:
    start = time.monotonic()
    clean = run()
    print(f"{name}: took {time.monotonic() - start:.0f} s", flush=True)
    return clean


def _fuzz(minutes: float, seed: int) -> bool:
    """What devices might send: read or refused, never raised."""
    command = [sys.executable, "-m", "benchmarks.fuzz", "--seconds", str(60 * minutes), "--seed", str(seed)]
    return subprocess.run(command, check=False).returncode == 0


def _proofs(minutes: float, rounds: int, seed: int) -> bool:
    environ, until, passes = os.environ | {"DONGTING_SOAK": str(rounds)}, time.monotonic() + 60 * minutes, 0
    while time.monotonic() < until:
        command = [sys.executable, "-m", "pytest", "-q", "--timeout=3600", f"--hypothesis-seed={seed + passes}"]
        if subprocess.run([*command, *PROOFS], env=environ, check=False).returncode:
            print(f"proofs: pass {passes + 1} failed, its seed was {seed + passes}")
            return False
        passes += 1
    print(f"proofs: {passes} passes, seeds {seed} to {seed + passes - 1}")
    return True


def _floor(days: float, minutes: float, seed: int) -> bool:
    """Three houses, forty people; in half of the demo's minutes."""
    command = [sys.executable, "-m", "benchmarks.floor_day", "--days", str(days), "--seed", str(seed)]
    return subprocess.run([*command, "--minutes", str(max(1.0, minutes / 2))], check=False).returncode == 0


def _gate(vehicles: int, seed: int) -> bool:
    """Sixteen lanes; about a quarter of an hour for two thousand vehicles."""
    command = [sys.executable, "-m", "benchmarks.gate_day", "--vehicles", str(vehicles), "--seed", str(seed)]
    return subprocess.run(command, check=False).returncode == 0


def _faults(minutes: float, rate: float, seed: int) -> bool:
    """Ingest, brokers, PostgreSQL and the whole program killed in turn, with vehicles at the gate."""
    command = [sys.executable, "-m", "benchmarks.faults", "--minutes", str(minutes), "--rate", str(rate)]
    return subprocess.run([*command, "--seed", str(seed)], check=False).returncode == 0


def _demo(minutes: float, draw: random.Random) -> bool:
    with tempfile.TemporaryDirectory(prefix="dongting-soak-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        data = Path(folder) / "data"
        with _running_demo(data) as (demo, address):
            robot = Robot(address, data, draw.randrange(10**6))
            robot.start()
            kills = _trouble(demo, time.monotonic() + 60 * minutes, draw)
            robot.stop()
            print(f"killed: {dict(kills)}; robot: {dict(robot.counts)}", flush=True)
            for wrong in robot.wrong:
                print(f"robot: {wrong}")
        _tell_counts(data)
        verified = _dongting("verify", "--json", "--data", str(data))
        for line in verified.stdout.splitlines():
            print(json.loads(line)["text"])
        return verified.returncode == 0 and not robot.wrong


@contextmanager
def _running_demo(data: Path) -> Iterator[tuple[psutil.Process, str]]:
    """The demo once it is ready; ended by Ctrl-C, and it must end well."""
    command = [sys.executable, "-m", "web.cli", "demo", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    ready: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_watch, args=(process, ready), daemon=True).start()
    try:
        yield psutil.Process(process.pid), ready.get(timeout=READY_S)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _watch(process: "subprocess.Popen[str]", ready: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        print(f"  {line}", end="", flush=True)
        if "Dongting is ready" in line:
            ready.put(line.split()[-1])


def _trouble(demo: psutil.Process, until: float, draw: random.Random) -> Counter[str]:
    """Every half minute or so kill -9 one of the programs; the supervisor brings it back."""
    kills: Counter[str] = Counter()
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, draw.uniform(20, 40)))
        wanted = draw.choice(KILLABLE)
        for child in demo.children(recursive=True):
            if time.monotonic() < until - 30 and _is(child, wanted):
                child.kill()
                kills[wanted] += 1
                break
    return kills


def _is(process: psutil.Process, program: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return program in words or (program == "postgres" and bool(words) and words[0].endswith("/postgres"))


def _tell_counts(data: Path) -> None:
    """How much work the demo left: one line."""
    with EmbeddedPostgres(data).running() as urls, psycopg.connect(libpq(urls.superuser)) as connection:
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[index,arg-type]
            for table in COUNTED
            if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,)
        }
    print(f"rows: {counts}", flush=True)


def _dongting(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "web.cli", *words], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
