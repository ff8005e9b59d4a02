"""All processes of one machine, for real: ready, killed one by one, stopped, started again, orphaned."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Urls
from tests.web.machine.conftest import open_folder
from tests.web.machine.running import READY_S, Up, get, until
from wms.postgres import EmbeddedPostgres, libpq

__all__ = ["open_folder"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def port() -> Iterator[int]:
    """A port that somebody else holds."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        yield taken.getsockname()[1]


def keep(data: Path) -> None:
    with psycopg.connect(libpq(EmbeddedPostgres(data).urls.owner)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def kept(data: Path) -> object:
    with psycopg.connect(libpq(EmbeddedPostgres(data).urls.owner)) as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()
    return row[0] if row else None


def test_one_machine_from_first_start_to_orphans(open_folder: Path, port: int) -> None:
    data = open_folder / "data folder"
    up = Up(data, port)
    try:
        first_start(up, port)
        keep(data)
        second_start_is_refused(up)
        for name in ("worker", "ingest", "web", "postgres"):
            killed_program_comes_back(up, name)
        ends_within_ten_seconds(up)
    finally:
        up.close()

    up = Up(data, port)
    try:
        up.ready()
        assert kept(data) == 42
        killed_parent_leaves_no_orphans(up)
    finally:
        up.close()

    up = Up(data, port)
    try:
        up.ready()
        assert kept(data) == 42
        killed_supervisor_leaves_no_orphans(up)
    finally:
        up.close()


def first_start(up: Up, port: int) -> None:
    url = up.ready()
    assert url == f"http://127.0.0.1:{port + 1}" or int(url.rpartition(":")[2]) > port
    up.said(rf"Port {port}\b.* is taken: web takes \d+")
    assert get(url + "/healthz") == (200, {"status": "ok"})
    status, ready = get(url + "/readyz")
    assert (status, ready["status"]) == (200, "ready")
    assert set(ready["checks"]) == {"database", "migrations", "weeks", "broker", "workers"}
    assert "dongting_request_seconds" in get(url + "/metrics")[1]


def second_start_is_refused(up: Up) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "web.cli", "up", "--data", str(up.data)], capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert "already runs on the data folder" in again.stderr
    assert f"process {up.process.pid}" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def killed_program_comes_back(up: Up, name: str) -> None:
    before = up.program(name).pid
    os.kill(before, signal.SIGKILL)
    up.said(rf"{name} \(pid {before}\) died: terminated by SIGKILL")
    after = int(up.said(rf"{name} was restarted \(pid (\d+)\)")[1])
    assert after != before
    url = up.ready()
    until(lambda: get(url + "/readyz")[0] == 200, f"ready after {name} was killed", READY_S)


def ends_within_ten_seconds(up: Up) -> None:
    assert up.ask_to_end() <= 10
    assert up.process.returncode == 0, up.lines
    assert up.lines[-1] == "Stopped."
    assert up.programs() == []
    assert EmbeddedPostgres(up.data).pid() is None


def killed_parent_leaves_no_orphans(up: Up) -> None:
    """Everything below follows the parent, however it went."""
    up.process.kill()
    until(lambda: not up.programs() and EmbeddedPostgres(up.data).pid() is None, "all programs end", 30)


def killed_supervisor_leaves_no_orphans(up: Up) -> None:
    """The programs follow their supervisor, and the parent says what happened."""
    supervisor = next(p for p in up.programs() if "supervisor.supervisord" in p.cmdline())
    supervisor.kill()
    until(lambda: up.process.poll() is not None, "the parent ends", 30)
    assert up.process.returncode == 1
    up.said("supervisord ended")
    until(lambda: not up.programs() and EmbeddedPostgres(up.data).pid() is None, "all programs end", 30)


def test_uses_a_given_server_and_starts_none_of_its_own(open_folder: Path, port: int, fresh_urls: Urls) -> None:
    given = {"DONGTING_DATABASE_URL": fresh_urls.app, "DONGTING_DATABASE_OWNER_URL": fresh_urls.owner}
    up = Up(open_folder / "data", port, environ=given)
    try:
        url = up.ready()
        up.said("dongting person create --login NAME")
        assert get(url + "/readyz")[0] == 200
        assert not (up.data / "postgres").exists()
        up.ask_to_end()
        assert up.process.returncode == 0, up.lines
    finally:
        up.close()


def test_ends_at_once_when_asked_while_starting(open_folder: Path, port: int) -> None:
    up = Up(open_folder / "data", port)
    try:
        up.said("Starting PostgreSQL")
        assert up.ask_to_end(signal.SIGTERM) <= 10
        assert up.process.returncode == 0, up.lines
        assert EmbeddedPostgres(up.data).pid() is None
    finally:
        up.close()


def test_orphans_of_a_killed_machine_are_ended_before_the_next_start(open_folder: Path, port: int) -> None:
    """Where the kernel does not tell a child that its parent died, the next start finds and ends it."""
    data = open_folder / "data"
    environ = {**os.environ, "DONGTING_RUN_DIR": str(EmbeddedPostgres(data).run_dir)}
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=environ)
    up = Up(data, port)
    try:
        up.said(rf"left behind: processes {orphan.pid}")
        assert orphan.wait(10) == -signal.SIGTERM
        up.said("Starting PostgreSQL")
        started_s = time.monotonic()
        up.ask_to_end()
        assert time.monotonic() - started_s <= 10
    finally:
        orphan.kill()
        orphan.wait()
        up.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's database runs as another user")
def test_a_data_folder_that_the_database_cannot_reach_is_refused_in_one_line(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    ended = subprocess.run(
        [sys.executable, "-m", "web.cli", "up", "--data", str(closed / "data")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert str(closed) in ended.stderr
    assert (closed.stat().st_mode & 0o777) == 0o700
