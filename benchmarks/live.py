"""The live stream: from a passage's commit to the pages of 200 listeners, and who misses something when all are cut.

The real ``dongting live`` in a process of its own, 200 plain sockets as browsers open them, ten changes a second. In
the middle all connections are cut at once and come back with ``Last-Event-ID``.
"""

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ingest import SECRET, free_port, wait_open
from benchmarks.rows import Row, percentile, row
from benchmarks.server import durable_server
from web.auth.tokens import create_token
from wms.db import Database, Scope
from wms.watch.service import announce

LISTENERS, RATE, SECONDS = 200, 10, 30
TARGET_MS = 1_000
SCOPE = Scope.system(1)


class Listeners(threading.Thread):
    """All listeners of the run in one thread; keeps of each what it was told, and when."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self._port, self._token = port, token
        self._selector = selectors.DefaultSelector()
        self.told: list[dict[int, float]] = [{} for _ in range(LISTENERS)]
        self.twice = 0
        self._last = [""] * LISTENERS
        self._open: list[socket.socket | None] = [None] * LISTENERS
        self._rest = [b""] * LISTENERS
        self._must_cut, self._must_end = threading.Event(), threading.Event()
        self.cuts = 0

    def connect(self, place: int) -> None:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        lines = [
            "GET /live?topics=passage HTTP/1.0",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self._token}",
            *([f"Last-Event-ID: {self._last[place]}"] if self._last[place] else []),
        ]
        made.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        made.setblocking(False)
        self._open[place], self._rest[place] = made, b""
        self._selector.register(made, selectors.EVENT_READ, place)

    def run(self) -> None:
        while not self._must_end.is_set():
            if self._must_cut.is_set():
                self._must_cut.clear()
                self._cut_all()
            for key, _ in self._selector.select(0.1):
                self._read(key.data)

    def _cut_all(self) -> None:
        for place, made in enumerate(self._open):
            if made is not None:
                self._selector.unregister(made)
                made.close()
            self.connect(place)
        self.cuts += 1

    def _read(self, place: int) -> None:
        made = self._open[place]
        assert made is not None
        try:
            came = made.recv(65_536)
        except BlockingIOError:
            return
        at = time.perf_counter()
        if not came:
            raise RuntimeError(f"listener {place} was cut by the server: {self._rest[place][:200]!r}")
        *whole, self._rest[place] = (self._rest[place] + came).split(b"\n\n")
        for event in whole:
            if b"event: passage" in event:
                self._note(place, event, at)

    def _note(self, place: int, event: bytes, at: float) -> None:
        fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line and line[:1] in b"ied")
        subject = json.loads(fields[b"data"])["id"]
        self._last[place] = fields[b"id"].decode()
        self.twice += subject in self.told[place]
        self.told[place].setdefault(subject, at)

    def cut_all(self) -> None:
        """Break every connection at once and come back."""
        self._must_cut.set()

    def end(self) -> None:
        self._must_end.set()
        self.join(10)


@contextmanager
def live_process(url: str, folder: Path) -> Iterator[tuple[int, int]]:
    """The real process; gives its port and its process id."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
    environ |= {"DONGTING_DATABASE_URL": url.replace("+psycopg", ""), "DONGTING_SECRET_KEY": SECRET}
    environ |= {"DONGTING_DATA": str(folder)}
    with (folder / "live.out").open("wb") as log:
        command = [sys.executable, "-m", "web.cli", "live", "--port", str(port)]
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        wait_open(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(15)


def run(full: bool = False) -> list[Row]:  # noqa: ARG001 - one size is measured
    """All measurements; under a minute."""
    with durable_server() as urls, tempfile.TemporaryDirectory(prefix="dongting-bench-live-") as folder:
        database = Database(urls.app, pool_size=2)
        try:
            with database.unit_of_work(SCOPE) as session:
                token = create_token(session, role="auditor", label="bench", company=None, days=1).secret
            with live_process(urls.app, Path(folder)) as (port, _):
                return _measure(database, Listeners(port, token))
        finally:
            database.close()


def _measure(database: Database, listeners: Listeners) -> list[Row]:
    for place in range(LISTENERS):
        listeners.connect(place)
    listeners.start()
    time.sleep(2.0)
    n, cut_at = RATE * SECONDS, RATE * SECONDS // 2
    committed: dict[int, float] = {}
    started = time.perf_counter()
    for subject in range(1, n + 1):
        with database.unit_of_work(SCOPE) as session:
            announce(session, "passage", subject)
        committed[subject] = time.perf_counter()
        if subject == cut_at:
            listeners.cut_all()
        time.sleep(max(0.0, started + subject / RATE - time.perf_counter()))
    deadline = time.monotonic() + 60
    while min(len(told) for told in listeners.told) < n and time.monotonic() < deadline:
        time.sleep(0.05)
    listeners.end()
    around_cut = range(cut_at - RATE // 2, cut_at + RATE * 5)
    quiet = [
        (at - committed[subject]) * 1000
        for told in listeners.told
        for subject, at in told.items()
        if subject not in around_cut
    ]
    every = [(at - committed[subject]) * 1000 for told in listeners.told for subject, at in told.items()]
    missed = sum(n - len(told) for told in listeners.told)
    p99 = percentile(quiet, 0.99)
    return [
        row("live_listeners", LISTENERS, "listeners"),
        row("live_on_page_p50", percentile(quiet, 0.5), "ms"),
        row("live_on_page_p99", p99, "ms", target=TARGET_MS, ok=p99 <= TARGET_MS),
        row("live_on_page_longest_with_the_cut", max(every), "ms"),
        row("live_missed_after_cut", missed, "notes", target=0, ok=missed == 0 and listeners.cuts == 1),
        row("live_told_twice", listeners.twice, "notes", target=0, ok=listeners.twice == 0),
    ]
