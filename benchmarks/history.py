"""Thirty days of a site: bytes of an event, an hour of a lane, and dropping a week while 1,000 events a second come in.

The full size is 26 million events of about 430 bytes (10 a second over 16 lanes), the short one 1.2 million in as many
days and weeks. Weeks are filled on the server (one row of the inbox, its key and one reading an event) and joined to
the tables as the product's own routine does it.
"""

import os
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from sqlalchemy import text

from benchmarks.rows import Row, percentile, row
from benchmarks.server import durable_server
from iot import retention
from iot.committer import InboxWriter
from iot.history import of_lane
from iot.inbox import Arrival
from iot.tables import WEEK
from wms.db import Database, Scope
from wms.parties.tables import Site
from wms.postgres import Urls, libpq

EVENTS, SHORT = 26_000_000, 1_200_000
DAYS, LANES, DEVICES = 30, 16, 160
WEEKS = 14  # the oldest of them is past its period; the events lie in the newest five
FULL_WEEKS = 5
RATE, STEP_S = 1_000, 0.01
QUIET_S = 10.0
SCOPE = Scope.system(1)
WEEK_S = 604_800

INBOX = """
INSERT INTO weeks.{piece} (id, source, message_key, is_weak_key, device_id, topic, payload, payload_sha256, qos, is_dup,
  is_retained, is_will, door, received_at, recorded_at, state, adapter, adapter_version, tenant_id)
SELECT id, source, key, false, device, 'wms/v1/BENCH/gate/' || source || '/event', payload, sha256(payload), 1, false,
  false, false, 'embedded', at, at + interval '2 ms', 'parsed', 'dongting', 1, 1
FROM (
  SELECT {base} + g AS id, 'bench' || g % {devices} AS source, key, g % {devices} + 1 AS device,
    to_timestamp({start}) + g * interval '{gap} s' AS at,
    convert_to('{{"v":1,"id":"' || key || '","device":"bench' || g % {devices}
      || '","kind":"gate","type":"plate","seq":' || g
      || ',"boot":"b1","ts":"2026-11-01T00:00:00+00:00","ts_q":"ntp","data":{{"plate":"湘F' || g % 100000
      || '","confidence_pct":97.5,"direction":"toward","position":"front","candidates":["湘F12345","湘F1234S"],'
      '"vehicle_class":"heavy_truck","colour":"yellow"}},"media":[{{"uri":"http://recorder/clip/1234567","sha256":"'
      || repeat('0', 64) || '","bytes":123456}}]}}', 'UTF8') AS payload
  FROM (SELECT g, (md5('{piece}' || g)::uuid)::text AS key FROM generate_series(1, {n}) AS g) AS numbered
) AS made
"""
READING = """
INSERT INTO weeks.{piece} (id, inbox_id, source, reading_key, site_id, device_id, lane, kind, event_at, recorded_at,
  skew_ms, is_live, flags, payload, adapter, adapter_version, state, tenant_id)
SELECT {base} + g, {base} + g, 'bench' || g % {devices}, 'inbox:' || {base} + g || ':0', {site_id}, g % {devices} + 1,
  'lane' || g % {lanes}, 'PlateRead', at, at, 12, true, '{{}}',
  ('{{"device":"bench' || g % {devices} || '","plate":"湘F' || g % 100000 || '","confidence_pct":"97.5","direction":'
   '"toward","position":"front","candidates":["湘F12345","湘F1234S"],"vehicle_class":"heavy_truck","colour":"yellow",'
   '"is_unread":false,"flags":[],"media":[{{"uri":"http://recorder/clip/1234567"}}]}}')::jsonb,
  'dongting', 1, 'matched', 1
FROM (SELECT g, to_timestamp({start}) + g * interval '{gap} s' AS at FROM generate_series(1, {n}) AS g) AS numbered
"""
KEYS = """
INSERT INTO inbox_key (digest, inbox_id, tenant_id)
SELECT key_digest(tenant_id, source, message_key), id, tenant_id FROM weeks.{piece}
"""
PARENT = {"inbox": INBOX, "reading": READING}


@dataclass(frozen=True)
class Filled:
    """A database with ``events`` events, the oldest in the week that begins with ``oldest``."""

    urls: Urls
    events: int
    site_id: int
    bases: tuple[int, ...]


def run(full: bool = False) -> list[Row]:
    """All measurements: about two minutes, with ``full`` about half an hour and 40 GB of disk."""
    with durable_server() as urls:
        return measure(fill(urls, EVENTS if full else SHORT))


def fill(urls: Urls, events: int) -> Filled:
    """Weeks that ended just long enough ago that the oldest may go, and the same number of events in each."""
    site_id = _site(urls)
    with psycopg.connect(libpq(urls.superuser), autocommit=True) as superuser:
        bases = prepare(superuser)
        for base in bases:
            for parent in PARENT:
                fill_week(superuser, parent, base, events // FULL_WEEKS, site_id)
        finish(superuser, bases)
    return Filled(urls, events, site_id, bases)


def prepare(superuser: "psycopg.Connection[Any]") -> tuple[int, ...]:
    """Make room for old weeks below the running one; return the first ids of those to be filled, the oldest first."""
    [running] = superuser.execute("SELECT event_week(clock_timestamp())").fetchone() or (0,)
    bases = (running - WEEKS * WEEK - 2 * WEEK, *(running - n * WEEK for n in range(FULL_WEEKS - 1, 0, -1)))
    for parent in PARENT:
        superuser.execute(f"ALTER TABLE {parent} DETACH PARTITION weeks.{parent}_before")
        superuser.execute(f"DROP TABLE weeks.{parent}_before")
    superuser.execute("ALTER TABLE inbox_key DROP CONSTRAINT pk_inbox_key")
    return bases


def fill_week(superuser: "psycopg.Connection[Any]", parent: str, base: int, n: int, site_id: int) -> None:
    """One week of one table, made like the product's, filled, then joined."""
    piece = f"{parent}_{base // WEEK}"
    start = base // WEEK * WEEK_S
    given = {"piece": piece, "base": base, "start": start, "gap": WEEK_S / (n + 2), "n": n, "devices": DEVICES}
    with superuser.transaction():
        superuser.execute(f"CREATE TABLE weeks.{piece} (LIKE {parent} INCLUDING ALL EXCLUDING INDEXES)")
        superuser.execute(f"ALTER TABLE weeks.{piece} OWNER TO dongting_owner")
        superuser.execute(PARENT[parent].format(**given, lanes=LANES, site_id=site_id).encode())
        superuser.execute(
            f"ALTER TABLE {parent} ATTACH PARTITION weeks.{piece} FOR VALUES FROM ({base}) TO ({base + WEEK})"
        )


def finish(superuser: "psycopg.Connection[Any]", bases: tuple[int, ...]) -> None:
    """The keys of all weeks, and what the planner must know."""
    for base in bases:
        superuser.execute(KEYS.format(piece=f"inbox_{base // WEEK}").encode())
    superuser.execute("SET maintenance_work_mem = '512MB'")
    superuser.execute("ALTER TABLE inbox_key ADD CONSTRAINT pk_inbox_key PRIMARY KEY (digest)")
    for table in ("inbox", "reading", "inbox_key"):
        superuser.execute(f"VACUUM (ANALYZE) {table}")


def _site(urls: Urls) -> int:
    database = Database(urls.app, pool_size=1)
    with database.unit_of_work(SCOPE) as session:
        site = Site(
            code="BENCH", name_zh="测", name_en="Bench", kind="bonded", lat_deg=Decimal(29), lon_deg=Decimal(113)
        )
        session.add(site)
        session.flush()
        site_id = int(site.id)
    database.close()
    return site_id


def measure(filled: Filled) -> list[Row]:
    """What an event costs, what an hour costs, and what dropping a week costs those who store."""
    database = Database(filled.urls.app, pool_size=6)
    try:
        return [*_bytes(filled), *_hours(database, filled), *_drop(database, filled)]
    finally:
        database.close()


def _bytes(filled: Filled) -> list[Row]:
    sizes = (
        "SELECT sum(pg_total_relation_size(i.inhrelid)) FROM pg_inherits i"
        " WHERE i.inhparent IN ('inbox'::regclass, 'reading'::regclass)"
    )
    with psycopg.connect(libpq(filled.urls.superuser)) as superuser:
        [weeks] = superuser.execute(sizes.encode()).fetchone() or (0,)
        [keys] = superuser.execute("SELECT pg_total_relation_size('inbox_key')").fetchone() or (0,)
    return [
        row("history_events", filled.events, "events"),
        row("history_bytes_an_event", float(weeks + keys) / filled.events, "bytes"),
        row("history_bytes_of_key", float(keys) / filled.events, "bytes"),
    ]


def _hours(database: Database, filled: Filled) -> list[Row]:
    """An hour of a lane: sixteen lanes, hours nobody read before, each asked twice."""
    first: list[float] = []
    again: list[float] = []
    rows = 0
    for lane in range(LANES):
        start = datetime.fromtimestamp(filled.bases[1 + lane % (FULL_WEEKS - 1)] // WEEK * WEEK_S, UTC)
        from_at = start + timedelta(hours=5 + 7 * lane)
        for took in (first, again):
            began = time.perf_counter()
            with database.unit_of_work(SCOPE) as session:
                rows = sum(1 for _ in of_lane(session, filled.site_id, f"lane{lane}", from_at, from_at + _HOUR))
            took.append((time.perf_counter() - began) * 1000)
    slowest = max(first)
    return [
        row("history_hour_of_lane_rows", rows, "readings"),
        row("history_hour_of_lane", statistics.median(first), "ms", target=100, ok=statistics.median(first) <= 100),
        row("history_hour_of_lane_slowest", slowest, "ms", target=100, ok=slowest <= 100),
        row("history_hour_of_lane_again", statistics.median(again), "ms", target=100),
    ]


_HOUR = timedelta(hours=1)


class Sender(threading.Thread):
    """Stores 1,000 events a second in small batches, as a door does, and keeps how long each batch took in ms."""

    def __init__(self, database: Database) -> None:
        super().__init__(name="sender")
        self._write, self._must_end, self.took_ms = InboxWriter(database, SCOPE), threading.Event(), list[float]()

    def run(self) -> None:
        started, n = time.perf_counter(), 0
        while not self._must_end.is_set():
            batch = [_arrival() for _ in range(int(RATE * STEP_S))]
            began = time.perf_counter()
            self._write(batch)
            self.took_ms.append((time.perf_counter() - began) * 1000)
            n += 1
            time.sleep(max(0.0, started + n * STEP_S - time.perf_counter()))

    def end(self) -> None:
        self._must_end.set()
        self.join()


def _arrival() -> Arrival:
    body = os.urandom(215).hex().encode()
    return Arrival(source="bench1", message_key=str(uuid.uuid4()), topic="t", payload=body, qos=1, door="embedded")


def _drop(database: Database, filled: Filled) -> list[Row]:
    quiet = _stored_meanwhile(database, lambda: time.sleep(QUIET_S))
    done: list[retention.Dropped] = []
    began = time.perf_counter()
    busy = _stored_meanwhile(database, lambda: done.append(retention.drop_old(database, [SCOPE], datetime.now(UTC))))
    took_s = time.perf_counter() - began
    if len(done[0].pieces) != len(PARENT):
        raise RuntimeError(f"not the oldest week was dropped, but {done[0]}")
    with database.unit_of_work(SCOPE) as session:
        left = session.execute(text("SELECT count(*) FROM event_weeks() WHERE low = :base"), {"base": filled.bases[0]})
        if left.scalar_one():
            raise RuntimeError("the week is still there")
    return [
        row("history_drop_took", took_s, "s"),
        row("history_store_longest_before", max(quiet), "ms"),
        row("history_store_longest_while_dropping", max(busy), "ms", target=500, ok=max(busy) <= 500),
        row("history_store_p99_before", percentile(quiet, 0.99), "ms"),
        row("history_store_p99_while_dropping", percentile(busy, 0.99), "ms"),
    ]


def _stored_meanwhile(database: Database, what: Callable[[], None]) -> list[float]:
    sender = Sender(database)
    sender.start()
    try:
        what()
    finally:
        sender.end()
    return sender.took_ms
