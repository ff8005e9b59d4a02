"""A durable PostgreSQL of the benchmarks' own, as the product runs it: one server for the whole run.

Each module gets databases of its own on it, copied from one that was migrated once; a large ledger is filled once for
each size and copied for whoever asks for it, so that no module meets what another has left.
"""

import atexit
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg

from benchmarks.big_ledger import BigLedger, fill
from migrations.run import migrate
from wms.postgres import EmbeddedPostgres, Urls, libpq
from wms.postgres_roles import OWNER, drop_database

PROBE_S = 0.5
_numbers = itertools.count(1)


@contextmanager
def durable_server() -> Iterator[Urls]:
    """A migrated, empty database with fsync on."""
    with _copied(_migrated()) as urls:
        yield urls


@contextmanager
def large_ledger(entries: int) -> Iterator[tuple[Urls, BigLedger]]:
    """A database of its own with a ledger of ``entries`` entries; the first who asks waits until it is filled."""
    name, big = _filled(entries)
    with _copied(name) as urls:
        with _superuser(urls) as connection:  # a copy starts cold: what all have read once is not measured again
            connection.execute("SELECT count(*) FROM entry")
        yield urls, big


@cache
def _server() -> EmbeddedPostgres:
    folder = Path(tempfile.mkdtemp(prefix="dongting-bench-"))
    folder.chmod(0o711)  # the database's own user must be able to pass
    server = EmbeddedPostgres(folder / "data").start()

    def end() -> None:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return server


@cache
def _migrated() -> str:
    server = _server()
    migrate(server.urls.owner)
    return _closed(server.urls)


@cache
def _filled(entries: int) -> tuple[str, BigLedger]:
    name = f"ledger_{entries}"
    urls = _create(name, _migrated())
    big = fill(urls, entries, leaves=False)  # hashing them takes as long as all else, and no figure reads them
    return _closed(urls), big


def _closed(urls: Urls) -> str:
    """Nobody may connect to a database that others are copied from; returns its name."""
    with _superuser(urls) as connection:
        name = connection.info.dbname
    with _superuser(_server().urls_of("postgres")) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
    return name


@contextmanager
def _copied(template: str) -> Iterator[Urls]:
    name = f"bench_{next(_numbers)}"
    urls = _create(name, template)
    try:
        yield urls
    finally:
        with _superuser(_server().urls_of("postgres")) as connection:
            drop_database(connection, name)


def _create(name: str, template: str) -> Urls:
    with _superuser(_server().urls_of("postgres")) as connection:
        # By copying files: by its log, as is usual, a gigabyte would be written twice.
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY FILE_COPY".encode())
    return _server().urls_of(name)


def _superuser(urls: Urls) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(libpq(urls.superuser), autocommit=True)


def fsyncs_per_s() -> float:
    """How many 8 kB writes a second reach the disk of the temporary folder (fdatasync each): no commit is faster."""
    with tempfile.NamedTemporaryFile() as file:
        page, count, start = os.urandom(8192), 0, time.perf_counter()
        while time.perf_counter() - start < PROBE_S:
            os.pwrite(file.fileno(), page, 0)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - start)
