"""Killed at any point: what was acknowledged is stored, everything is stored once, sending again completes the rest."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from migrations.run import migrate
from tests.build import Shelf, make_shelf, moved, now, receive
from tests.conftest import Urls, new_tenant
from tests.wms.stock import clerk
from wms.db import Database, Scope
from wms.failpoints import POINTS
from wms.postgres import EmbeddedPostgres, libpq
from wms.stock.ledger import Posting, post
from wms.stock.queries import Stock, on_hand
from wms.stock.rules import EventInFuture
from wms.stock.verify import run

SOAK = int(os.environ.get("DONGTING_SOAK", "1"))
KEYS = [f"key-{i}" for i in range(6)]


@pytest.fixture
def shelf(database: Database, scope: Scope) -> Shelf:
    with database.unit_of_work(scope) as session:
        return make_shelf(session)


def stored(database: Database, scope: Scope) -> list[str]:
    """The keys whose posting stands."""
    with database.unit_of_work(scope) as session:
        found = session.execute(
            text("SELECT substr(idem_key, 6) FROM posting WHERE idem_key LIKE 'post-%' ORDER BY id")
        )
        return list(found.scalars())


def jobs(database: Database, scope: Scope, keys: list[str]) -> int:
    with database.unit_of_work(scope) as session:
        sql = (
            "SELECT count(*) FROM procrastinate_jobs"
            " WHERE task_name = 'tests.received' AND args ->> 'key' = ANY (:keys)"
        )
        return int(session.execute(text(sql), {"keys": keys}).scalar_one())


def qty(database: Database, scope: Scope, shelf: Shelf) -> int:
    with database.unit_of_work(scope) as session:
        return sum(row.qty for row in on_hand(session, Stock(owner_id=shelf.owner_id)))


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_nothing_is_lost_or_doubled(
    database: Database, scope: Scope, shelf: Shelf, tmp_path: Path, point: str
) -> None:
    told, at, keys = tmp_path / "told", now(), [f"{point}-{key}" for key in KEYS]
    process = clerk.start(database.url, scope.tenant_id, shelf, keys, at, told, f"{point}:3")
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert clerk.acknowledged(told) == keys[:2]
    before = stored(database, scope)
    assert before == keys[: 3 if point == "commit.after" else 2]
    again = clerk.start(database.url, scope.tenant_id, shelf, keys, at, told)
    again.join(60)
    assert (again.exitcode, clerk.acknowledged(told)) == (0, keys[:2] + keys)
    assert stored(database, scope) == keys
    assert qty(database, scope, shelf) == jobs(database, scope, keys) == len(keys)
    assert run(database, scope) == []


# What a rival holds so that the routine stands still there: after the key, and after balances and entries.
INSIDE = {
    "after the key": (
        "SELECT 1 FROM balance b JOIN account a ON a.id = b.account_id WHERE a.dimensions = %s FOR UPDATE OF b"
    ),
    "after the balances": "SELECT 1 FROM account a WHERE a.dimensions = %s FOR UPDATE",
}


@pytest.mark.parametrize("place", INSIDE)
@pytest.mark.parametrize("killed", ["client", "backend"])
def test_killed_inside_the_routine_leaves_nothing_behind(
    database: Database, scope: Scope, shelf: Shelf, urls: Urls, tmp_path: Path, place: str, killed: str
) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 10)
    told, at, keys = tmp_path / "told", now(), [f"{place}-{killed}"]
    with (
        psycopg.connect(libpq(urls.superuser)) as rival,
        psycopg.connect(libpq(urls.superuser), autocommit=True) as eye,
    ):
        rival.execute(INSIDE[place], (shelf.free.dimensions,))
        process = clerk.start(database.url, scope.tenant_id, shelf, keys, at, told)
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%stock_post%'"
            " AND datname = current_database()"
        )
        wait_until(lambda: eye.execute(waiting).fetchone() is not None)
        (pid,) = eye.execute(waiting).fetchone() or (0,)
        if killed == "client":
            process.kill()
        else:
            eye.execute("SELECT pg_terminate_backend(%s)", (pid,))
        process.join(30)
        rival.rollback()
        wait_until(lambda: eye.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() is None)
    assert (clerk.acknowledged(told), stored(database, scope)) == ([], [])
    assert qty(database, scope, shelf) == 10
    clerk.receive_one(database, scope, shelf, keys[0], at)
    assert (stored(database, scope), qty(database, scope, shelf)) == (keys, 11)
    assert run(database, scope) == []


@pytest.fixture
def durable() -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, with fsync on, as the product runs it."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-crash-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "data")
    server.start()
    migrate(server.urls.owner)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_the_server_killed_under_load_comes_back_with_all_that_was_acknowledged(
    durable: EmbeddedPostgres, tmp_path: Path
) -> None:
    scope, at, writers, keys = Scope.system(1), now(), 4, 400
    database = Database(durable.urls.app)
    with database.unit_of_work(scope) as session:
        shelf = make_shelf(session)
    lists = [[f"w{writer}-{i}" for i in range(keys)] for writer in range(writers)]
    told = [tmp_path / f"told{writer}" for writer in range(writers)]
    for kill in range(1, 2 + SOAK):
        processes = [
            clerk.start(durable.urls.app, 1, shelf, lists[writer], at, told[writer]) for writer in range(writers)
        ]
        wanted = sum(len(clerk.acknowledged(one)) for one in told) + 40
        wait_until(lambda wanted=wanted: sum(len(clerk.acknowledged(one)) for one in told) >= wanted, 60)  # type: ignore[misc]
        pid = durable.pid()
        assert pid is not None, f"the server was gone before kill {kill}"
        os.kill(pid, signal.SIGKILL)
        for process in processes:
            process.join(60)
        durable.stop()  # reaps what is left of it
        durable.start()
        database.engine.dispose()
        have = stored(database, scope)
        assert len(have) == len(set(have))
        assert {key for one in told for key in clerk.acknowledged(one)} <= set(have)
        assert qty(database, scope, shelf) == len(have) == jobs(database, scope, have)
        assert run(database, scope) == []
    database.close()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 160 MB; needs root."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-small-"))
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m,mode=0711", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not mounted:
        folder.rmdir()
        pytest.skip("a small file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.slow
def test_a_full_disk_is_a_clean_error_and_work_goes_on_afterwards(small_disk: Path) -> None:
    server = EmbeddedPostgres(small_disk / "data")
    server.start()
    try:
        migrate(server.urls.owner)
        scope, database = Scope.system(1), Database(server.urls.app, pool_size=2)
        with database.unit_of_work(scope) as session:
            shelf = make_shelf(session)
            receive(session, shelf, 1)
        ballast = fill(small_disk)
        posted, refused = post_until_full(database, scope, shelf)
        assert getattr(refused.orig, "sqlstate", None) == "53100"  # disk_full; the web room answers 503
        assert qty(database, scope, shelf) == 1 + posted  # reads go on, and nothing half-written shows
        ballast.unlink()
        with database.unit_of_work(scope) as session:
            receive(session, shelf, 1)
        assert qty(database, scope, shelf) == 2 + posted
        assert run(database, scope) == []
        database.close()
    finally:
        server.stop()


def fill(folder: Path) -> Path:
    """Leave nothing free for a new page; the present segment of the write-ahead log has its room already."""
    ballast, page = folder / "ballast", b"x" * 65536
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(page)
        except OSError:
            return ballast


def post_until_full(database: Database, scope: Scope, shelf: Shelf) -> tuple[int, OperationalError]:
    for posted in range(3_000):
        try:
            with database.unit_of_work(scope) as session:
                post(session, Posting(f"fill-{posted}", "receipt", now(), moved(shelf.supplier, shelf.free, 1)))
        except OperationalError as error:
            return posted, error
    raise AssertionError("the disk never was full")


def test_two_times_are_kept_apart_when_clocks_differ(owner_database: Database, database: Database) -> None:
    """I15: a device a day behind is believed (its month is open), one a day ahead is told to check its clock."""
    scope = Scope.system(new_tenant(owner_database))
    with database.unit_of_work(scope) as session:
        shelf = make_shelf(session)
    behind: datetime = now() - timedelta(days=1)
    with database.unit_of_work(scope) as session:
        posted = receive(session, shelf, 5, at=behind)
        row = session.execute(
            text("SELECT event_at, recorded_at FROM posting WHERE id = :id"), {"id": posted.posting_id}
        ).one()
    assert row.event_at == behind
    assert abs(row.recorded_at - now()) < timedelta(minutes=1)
    with database.unit_of_work(scope) as session, pytest.raises(EventInFuture):
        receive(session, shelf, 5, at=now() + timedelta(days=1))
    with database.unit_of_work(scope) as session:
        # A step back between two devices: the later posting, an hour earlier on its clock, is placed by its own time.
        post(session, Posting("step", "issue", behind + timedelta(minutes=1), moved(shelf.free, shelf.customer, 5)))
        receive(session, shelf, 7, at=behind - timedelta(hours=1))
    assert qty(database, scope, shelf) == 7
    assert run(database, scope) == []
