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
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

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
RATE, SECONDS, CLIENTS = 1000, 15, 4
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

    def message(self, place: int, seq: int, boot: str) -> bytes:
        """An event of about 430 bytes."""
        body = {
            "v": 1, "id": str(uuid.uuid4()), "device": self.devices[place][0], "kind": "gate", "type": "plate",
            "seq": seq, "boot": boot, "ts": datetime.now(UTC).isoformat(), "ts_q": "ntp",
            "data": {"plate": "湘F12345", "confidence_pct": 97.5, "direction": "toward", "position": "front",
                     "candidates": ["湘F12345", "湘F1234S"], "vehicle_class": "heavy_truck", "colour": "yellow"},
            "media": [{"uri": "http://recorder/clip/1234567", "sha256": "0" * 64, "bytes": 123456}],
        }  # fmt: skip
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


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
def ingest(made: Bench) -> Iterator[int]:
    """The real ingest process; gives its port."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
    environ |= {"DONGTING_DATABASE_URL": made.url, "DONGTING_SECRET_KEY": SECRET, "DONGTING_MQTT_PORT": str(port)}
    environ |= {"DONGTING_DATA": str(made.folder)}
    with (made.folder / "ingest.out").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "web.cli", "ingest"], env=environ, stdout=log, stderr=log)
    try:
        wait_open(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(15)


def client(port: int, user: str, token: str, *, version: MQTTProtocolVersion) -> paho.Client:
    """A connected publisher without Nagle's delay."""
    made = paho.Client(CallbackAPIVersion.VERSION2, user, protocol=version)
    made.username_pw_set(user, token)
    made.max_inflight_messages_set(1000)
    made.on_socket_open = lambda _c, _u, opened: opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected = threading.Event()
    made.on_connect = lambda _c, _u, _f, _r, _p: connected.set()
    made.connect("127.0.0.1", port, 60)
    made.loop_start()
    if not connected.wait(10):
        raise RuntimeError("not connected")
    return made


class Publisher(threading.Thread):
    """Publishes at a rate and keeps how long each acknowledgement took, in milliseconds."""

    def __init__(self, made: Bench, place: int, port: int, rate: float, n: int) -> None:
        super().__init__()
        self._made, self._place, self._rate, self._n = made, place, rate, n
        self._client = client(port, *made.devices[place], version=MQTTProtocolVersion.MQTTv311)
        self._client.on_publish = self._acked
        self._sent: dict[int, float] = {}
        self._early: dict[int, float] = {}
        self.took_ms: list[float] = []

    def _acked(self, _c: Any, _u: Any, mid: int, _r: Any, _p: Any) -> None:
        at = time.perf_counter()
        sent = self._sent.pop(mid, None)
        if sent is None:
            self._early[mid] = at
        else:
            self.took_ms.append((at - sent) * 1000)

    def run(self) -> None:
        boot, started = uuid.uuid4().hex, time.perf_counter()
        for number in range(1, self._n + 1):
            body = self._made.message(self._place, number, boot)
            at = time.perf_counter()
            mid = self._client.publish(self._made.topic(self._place), body, qos=1).mid
            if (early := self._early.pop(mid, None)) is not None:
                self.took_ms.append((early - at) * 1000)
            else:
                self._sent[mid] = at
            time.sleep(max(0.0, started + number / self._rate - time.perf_counter()))
        deadline = time.monotonic() + 20
        while len(self.took_ms) < self._n and time.monotonic() < deadline:
            time.sleep(0.02)
        self._client.disconnect()
        self._client.loop_stop()


def latency(made: Bench) -> list[Row]:
    """Publish → PUBACK at 1,000 events a second over four connections, lanes and parser at work."""
    with ingest(made) as port:
        n = RATE * SECONDS // CLIENTS
        publishers = [Publisher(made, place, port, RATE / CLIENTS, n) for place in range(CLIENTS)]
        for one in publishers:
            one.start()
        for one in publishers:
            one.join()
    took = sorted(ms for one in publishers for ms in one.took_ms)
    lost = RATE * SECONDS - len(took)
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    return [
        row("ingest_puback_p50", p50, "ms", 5.0, ok=p50 <= 5.0 and not lost),
        row("ingest_puback_p99", p99, "ms", 25.0, ok=p99 <= 25.0 and not lost),
    ]


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
        sender = client(self._port, "sender", "", version=MQTTProtocolVersion.MQTTv311)
        boot = uuid.uuid4().hex
        sent = [
            sender.publish(self._made.topic(0), self._made.message(0, seq, boot), qos=1)
            for seq in range(1, BACKLOG + 1)
        ]
        sent[-1].wait_for_publish(60)
        sender.disconnect()
        sender.loop_stop()
        again = self._door()
        started = time.perf_counter()
        again.start()
        self._done.wait(60)
        took = time.perf_counter() - started
        again.stop()
        return self._count / took


def drain(made: Bench) -> list[Row]:
    """Raw committed through the paho door, as a ratio to the same client acknowledging without a database."""
    with mosquitto(made.folder) as port:
        if port is None:
            return []
        without = Drain(made, port, "without", with_database=False).events_per_s()
        committed = Drain(made, port, "committed", with_database=True).events_per_s()
    ratio = committed / without
    told = {"ratio_to": "the same client acknowledging without a database", "ratio": round(ratio, 3)}
    return [row("ingest_drain_committed", committed, "events/s", None, ok=ratio >= 0.6, **told)]


def parsing(made: Bench) -> list[Row]:
    """Stored messages read to readings, one worker."""
    registry = Registry(made.database, made.scope, SECRET)
    register = registry.refresh()
    n, started = 0, time.perf_counter()
    while n < BACKLOG:
        with made.database.unit_of_work(made.scope) as session:
            done = parse_waiting(session, register).messages
        if not done:
            break
        n += done
    rate = n / (time.perf_counter() - started) if n else 0.0
    return [row("ingest_parsed_to_readings", rate, "events/s", 5000.0, ok=rate >= 5000)] if n else []


def row(name: str, value: float, unit: str, target: float | None, *, ok: bool, **told: Any) -> Row:
    """One line of the result."""
    head = {"name": name, "value": round(value, 2), "unit": unit, "target": target}
    return {**head, "ratio_to": None, "ratio": None, **told, "ok": ok}


def run(full: bool = False) -> list[Row]:  # noqa: ARG001 - one size is measured
    """All measurements; under 90 s."""
    with bench() as made:
        return [*latency(made), *drain(made), *parsing(made)]


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
