"""The annual quota of a buyer: taken and given back with a million people in the database."""

import random
import time
from collections.abc import Iterator
from decimal import Decimal

import psycopg

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
    """The p99 of a check with its commit, and of the check alone."""
    with durable_server() as urls:
        with psycopg.connect(libpq(urls.superuser)) as bare:
            for sql in FILL:
                bare.execute(sql, (PEOPLE,))
            bare.execute("ANALYZE")
        database = Database(urls.app)
        taken, committed = _checks(database)
        database.close()
    for name, times in (("quota_check_p99", taken), ("quota_check_with_commit_p99", committed)):
        found = percentile(times, 0.99)
        yield row(name, found, "ms", target=TARGET_MS, ok=found <= TARGET_MS)


def _checks(database: Database) -> tuple[list[float], list[float]]:
    draw = random.Random(1)
    taken, committed = [], []
    for _ in range(CHECKS):
        use = Use(draw.randint(1, PEOPLE), 100)
        start = time.perf_counter()
        with database.unit_of_work(SCOPE) as session:
            begun = time.perf_counter()
            buyers.take_many(session, VAULT, [use], 2026, LIMITS)
            taken.append((time.perf_counter() - begun) * 1000)
        committed.append((time.perf_counter() - start) * 1000)
    return taken, committed
