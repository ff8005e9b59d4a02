"""The annual quota of a buyer: taken and given back with a million people in the database."""

import random
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
from sqlalchemy.orm import Session

from benchmarks.rows import Row, percentile, row
from benchmarks.server import durable_server
from benchmarks.writers import SCOPE
from wms.customs.parcels import buyers
from wms.customs.parcels.buyers import Use
from wms.customs.parcels.rules.limits import Limits
from wms.db import Database
from wms.parties.private import Vault
from wms.postgres import libpq

PEOPLE, CHECKS, TARGET_MS = 1_000_000, 2_000, 10.0
VAULT = Vault({1: b"k" * 32}, b"i" * 32)
LIMITS = Limits(Decimal(5000), Decimal(26000))
FILL = (
    (
        "INSERT INTO buyer (id, tenant_id, id_index, id_sealed, name_sealed, last_used_on)"
        " SELECT n, 1, sha256(n::text::bytea), sha256(n::text::bytea), NULL, '2026-01-01' FROM generate_series(1, %s) n"
    ),
    (
        "INSERT INTO buyer_year (tenant_id, buyer_id, year, used_minor)"
        " SELECT 1, n, 2026, 2600000 - (n %% 7) * 100 FROM generate_series(1, %s) n"
    ),
)


def run(full: bool) -> Iterator[Row]:  # noqa: ARG001 - one size
    """The p99 of a check with its commit, of the check alone, and of the processor time that the check takes."""
    with durable_server() as urls:
        with psycopg.connect(libpq(urls.superuser)) as bare:
            for sql in FILL:
                bare.execute(sql, (PEOPLE,))
            bare.execute("ANALYZE")
        database = Database(urls.app)
        taken, committed, spent = _checks(database)
        database.close()
    for name, times in (("quota_check_p99", taken), ("quota_check_with_commit_p99", committed)):
        found = percentile(times, 0.99)
        yield row(name, found, "ms", target=TARGET_MS, ok=found <= TARGET_MS)
    if spent:
        yield row("quota_check_processor_p99", percentile(spent, 0.99), "ms of processor")


def _checks(database: Database) -> tuple[list[float], list[float], list[float]]:
    draw = random.Random(1)
    taken, committed, spent = [], [], []
    for _ in range(CHECKS):
        use = Use(draw.randint(1, PEOPLE), 100)
        start = time.perf_counter()
        with database.unit_of_work(SCOPE) as session:
            clock = _clock_file(session)
            begun, before = time.perf_counter(), _processor_ms(clock)
            buyers.take_many(session, VAULT, [use], 2026, LIMITS)
            spent.append(_processor_ms(clock) - before)
            taken.append((time.perf_counter() - begun) * 1000)
        committed.append((time.perf_counter() - start) * 1000)
    return taken, committed, spent if clock.exists() else []


def _clock_file(session: Session) -> Path:
    """Where Linux tells how long the connection's server process has run."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return Path(f"/proc/{connection.info.backend_pid}/schedstat")


def _processor_ms(clock: Path) -> float:
    """Processor time of this thread and of the connection's server process, where the system tells it."""
    theirs = int(clock.read_text().split()[0]) if clock.exists() else 0
    return time.thread_time() * 1_000 + theirs / 1_000_000
