"""Ingest: publish → committed and acknowledged, draining a site's broker, and reading what is stored.

A durable PostgreSQL of its own (fsync on), the real ingest process, real MQTT clients over sockets. Events are about
430 bytes of JSON, QoS 1.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from iot.client import SiteBroker
from iot.committer import InboxWriter
from iot.inbox import Arrival, Outcome
from iot.parsing import parse_waiting
from iot.register import NewDevice, Registry, register_device
from migrations.run import migrate
from wms.db import Database, Scope
from wms.parties.tables import Site
from wms.postgres import EmbeddedPostgres

SECRET = "a benchmark's secret of thirty-two characters"
RATE, SUSTAINED, CLIENTS = 1000, 3000, 4
BACKLOG = 20_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """A migrated database with one site and its devices (code, token)."""

    url: str
    database: Database
    folder: Path
    site: str
    devices: Sequence[tuple[str, str]]
    scope: Scope

    def topic(self, place: int) -> str:
        """The event topic of a device."""
        return f"wms/v1/{self.site}/gate/{self.devices[place][0]}/event"


@contextmanager
def bench() -> Iterator[Bench]:
    """A database with fsync on, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "data").running() as urls:
            migrate(urls.owner)
            database = Database(urls.app, pool_size=10)
            with database.unit_of_work(Scope.system(1)) as session:
                site = Site(
                    code="BENCH",
                    name_zh="测",
                    name_en="Bench",
                    kind="bonded",
                    lat_deg=Decimal(29),
                    lon_deg=Decimal(113),
                )
                session.add(site)
                session.flush()
                codes = [f"bench{place}" for place in range(CLIENTS)]
                devices = [
                    (code, register_device(session, NewDevice(code, site.id, "gate"), SECRET)[1]) for code in codes
                ]
            yield Bench(urls.app, database, folder, "BENCH", devices, Scope.system(1))
            database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until the process listens; 30 s at most."""
    deadline = time.monotonic() + 30
    while not is_open(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nobody listens on {port}")
        time.sleep(0.05)


@contextmanager
def ingest(made: Bench, broker: str = "") -> Iterator[int]:
    """The real ingest process; gives its port (a free one when it is connected to ``broker``)."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
    environ |= {"DONGTING_DATABASE_URL": made.url, "DONGTING_SECRET_KEY": SECRET, "DONGTING_MQTT_PORT": str(port)}
    environ |= {"DONGTING_DATA": str(made.folder), "DONGTING_MQTT_URL": broker}
    with (made.folder / "ingest.out").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "web.cli", "ingest"], env=environ, stdout=log, stderr=log)
    try:
        if not broker:
            wait_open(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(15)


def load(made: Bench, port: int, *, rate: float, n: int, with_tokens: bool = True) -> Row:
    """Publish ``n`` events at ``rate`` over a connection for each device, by a process that costs little."""
    devices = [
        {"code": code, "token": token if with_tokens else "", "topic": made.topic(place)}
        for place, (code, token) in enumerate(made.devices)
    ]
    plan = {"port": port, "rate": rate, "n": n, "devices": devices}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mqtt_load"], input=json.dumps(plan).encode(), capture_output=True, check=True
    )
    found: Row = json.loads(done.stdout)
    return found


def latency(made: Bench, *, full: bool) -> list[Row]:
    """Publish → PUBACK at 1,000 events a second over four connections, parser and lanes at work. Median of the runs."""
    runs, seconds = (5, 20) if full else (3, 8)
    with ingest(made) as port:
        load(made, port, rate=RATE, n=RATE)
        found = [load(made, port, rate=RATE, n=RATE * seconds) for _ in range(runs)]
    whole = all(one["acked"] == one["sent"] for one in found)
    p50, p99 = (median(one[name] for one in found) for name in ("p50_ms", "p99_ms"))
    told = {"runs": runs, "events": RATE * seconds * runs}
    return [
        row("ingest_puback_p50", p50, "ms", 5.0, ok=p50 <= 5.0 and whole, **told),
        row("ingest_puback_p99", p99, "ms", 25.0, ok=p99 <= 25.0 and whole, **told),
    ]


def queue_of(made: Bench) -> int:
    """What waits at the door and what is stored but not read, as the pulse tells it."""
    with made.database.unit_of_work(made.scope) as session:
        query = "SELECT waiting FROM ingest_pulse ORDER BY beat_at DESC LIMIT 1"
        return int(session.execute(text(query)).scalar() or 0)


def stored(made: Bench) -> int:
    """How many messages the inbox holds."""
    with made.database.unit_of_work(made.scope) as session:
        return int(session.execute(text("SELECT count(*) FROM inbox")).scalar_one())


def sustained(made: Bench, name: str, port: int, *, full: bool, with_tokens: bool) -> Row:
    """3,000 events a second; the queue at half-time and at the end, and how long the last one took to be stored."""
    seconds = 60 if full else 15
    n, before, queue = SUSTAINED * seconds, stored(made), [0]
    half = threading.Timer(seconds / 2, lambda: queue.append(queue_of(made)))
    half.start()
    sent = load(made, port, rate=SUSTAINED, n=n, with_tokens=with_tokens)
    at = time.perf_counter()
    queue.append(queue_of(made))
    while (missing := before + n - stored(made)) > 0 and time.perf_counter() - at < 30:
        time.sleep(0.05)
    lag_s = time.perf_counter() - at
    half.join()
    rate = n / (sent["acked_in_s"] + lag_s)
    is_steady = queue[-1] <= max(queue[-2], SUSTAINED)
    ok = rate >= SUSTAINED * 0.97 and not missing and sent["acked"] == n and is_steady
    told = {"seconds": seconds, "queue_at_half": queue[-2], "queue_at_end": queue[-1], "p99_ms": sent["p99_ms"]}
    return row(name, rate, "events/s", float(SUSTAINED), ok=ok, **told)


def sustained_embedded(made: Bench, *, full: bool) -> list[Row]:
    """Through the embedded door: publish to acknowledged."""
    with ingest(made) as port:
        return [sustained(made, "ingest_sustained_embedded", port, full=full, with_tokens=True)]


def sustained_client(made: Bench, *, full: bool) -> list[Row]:
    """Through a Mosquitto and the paho door: publish to stored."""
    with mosquitto(made.folder) as port:
        if port is None:
            return []
        with ingest(made, f"mqtt://127.0.0.1:{port}/?client_id=sustained"):
            deadline = time.monotonic() + 30
            while not _hears(made) and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(1)
            return [sustained(made, "ingest_sustained_client", port, full=full, with_tokens=False)]


def _hears(made: Bench) -> bool:
    with made.database.unit_of_work(made.scope) as session:
        query = "SELECT count(*) FROM ingest_pulse WHERE door = 'client' AND is_connected"
        return bool(session.execute(text(query)).scalar())


@contextmanager
def mosquitto(folder: Path) -> Iterator[int | None]:
    """A Mosquitto of the machine, None where there is none."""
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        yield None
        return
    port = free_port()
    lines = (
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "max_queued_messages 0",
        "max_inflight_messages 1000",
    )
    (folder / "mosquitto.conf").write_text("\n".join((*lines, "set_tcp_nodelay true\n")))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stdout=quiet, stderr=quiet)
    try:
        wait_open(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class Drain:
    """Drains a backlog through the paho door with one way of writing, and times it."""

    def __init__(self, made: Bench, port: int, name: str, *, with_database: bool) -> None:
        self._made, self._port, self._name = made, port, name
        self._registry = Registry(made.database, made.scope, SECRET)
        self._registry.refresh()
        writer = InboxWriter(made.database, made.scope)
        self._write = writer if with_database else (lambda arrivals: [Outcome.STORED] * len(arrivals))
        self._count, self._done = 0, threading.Event()

    def _committed(self, arrivals: Sequence[Arrival], _: Sequence[Outcome]) -> None:
        self._count += len(arrivals)
        if self._count >= BACKLOG:
            self._done.set()

    def _door(self) -> SiteBroker:
        url = f"mqtt://127.0.0.1:{self._port}/?client_id={self._name}"
        return SiteBroker(url, self._registry, self._write, self._committed, limit_bytes=10**6)

    def events_per_s(self) -> float:
        """Leave a persistent session, fill its queue, come back and drain it."""
        first = self._door()
        first.start()
        while not first.is_connected:
            time.sleep(0.02)
        time.sleep(0.5)
        first.stop()
        load(self._made, self._port, rate=0, n=BACKLOG, with_tokens=False)
        again = self._door()
        started = time.perf_counter()
        again.start()
        self._done.wait(60)
        took = time.perf_counter() - started
        again.stop()
        return self._count / took


def drain(made: Bench, *, full: bool) -> list[Row]:
    """Raw committed through the paho door, as a ratio to the same client acknowledging without a database."""
    pairs = []
    with mosquitto(made.folder) as port:
        if port is None:
            return []
        for place in range(5 if full else 3):
            without = Drain(made, port, f"without{place}", with_database=False).events_per_s()
            committed = Drain(made, port, f"committed{place}", with_database=True).events_per_s()
            pairs.append((committed / without, committed))
    ratio, committed = sorted(pairs)[len(pairs) // 2]
    told = {
        "ratio_to": "the same client acknowledging without a database",
        "ratio": round(ratio, 3),
        "runs": len(pairs),
    }
    return [row("ingest_drain_committed", committed, "events/s", None, ok=ratio >= 0.6, **told)]


def parsing(made: Bench) -> list[Row]:
    """Stored messages read to readings, one worker: a backlog of four devices, stored first."""
    registry = Registry(made.database, made.scope, SECRET)
    register = registry.refresh()
    with mosquitto(made.folder) as port:
        if port is None:
            return []
        Drain(made, port, "unread", with_database=True).events_per_s()
    n, started = 0, time.perf_counter()
    while n < BACKLOG:
        with made.database.unit_of_work(made.scope) as session:
            done = parse_waiting(session, register).messages
        if not done:
            break
        n += done
    rate = n / (time.perf_counter() - started)
    return [row("ingest_parsed_to_readings", rate, "events/s", 5000.0, ok=rate >= 5000 and n >= BACKLOG)]


def row(name: str, value: float, unit: str, target: float | None, *, ok: bool, **told: Any) -> Row:
    """One line of the result."""
    head = {"name": name, "value": round(value, 2), "unit": unit, "target": target}
    return {**head, "ratio_to": None, "ratio": None, **told, "ok": ok}


def run(full: bool = False) -> list[Row]:
    """All measurements; under three minutes, in full about eight."""
    with bench() as made:
        return [
            *latency(made, full=full),
            *sustained_embedded(made, full=full),
            *sustained_client(made, full=full),
            *parsing(made),
            *drain(made, full=full),
        ]


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
