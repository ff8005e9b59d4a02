"""The embedded PostgreSQL: the wheel's own binaries, started and stopped by ourselves.

The wheel's Python wrapper is not used: run by root it opens every parent folder to all, it fails on a path
with a space, and it keeps its socket in the data folder. Here the socket lies in a short private folder,
nothing listens on TCP, every role has a password (scram-sha-256), fsync and checksums are on. Root's server
runs as the unprivileged user ``dongting``. No mode of a folder that was there before is ever changed.
"""

import ctypes
import fcntl
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from wms import postgres_roles
from wms.errors import N_, Kind, WmsError
from wms.postgres_files import (
    MAJOR,
    Account,
    account_for,
    own_folder,
    private_folder,
    refuse_unreachable,
    runtime,
    socket_base,
)
from wms.postgres_roles import APP, AUDITOR, OWNER, ROLES, SUPERUSER
from wms.settings import kept_secret, load_settings

DATABASE = "dongting"
START_S = 120.0  # crash recovery after a long day takes its time
STOP_S = 30.0
STILL_HELD_TRIES = 15

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    # Containers give /dev/shm 64 MB; parallel plans would fill it, and few queries here would gain.
    "max_parallel_workers_per_gather": "0",
}


class OtherMajor(WmsError):
    """The data folder was made by another major version; PostgreSQL cannot read it."""

    code = "database_other_major"
    text = N_(
        "The database in %(folder)s was made by PostgreSQL %(found)s, but this program runs PostgreSQL "
        "%(wanted)s. Nothing was changed. To go on: %(command)s"
    )


class DatabaseFailed(WmsError):
    """initdb or postgres ended with an error; its own last words are repeated."""

    code = "database_failed"
    kind = Kind.UNAVAILABLE
    text = N_("The embedded PostgreSQL did not %(what)s: %(reason)s")


@dataclass(frozen=True)
class Urls:
    """One URL for each role, in SQLAlchemy's spelling (``postgresql+psycopg://``)."""

    superuser: str
    owner: str
    app: str
    auditor: str


def libpq(url: str) -> str:
    """Return ``url`` as psycopg and the command-line tools spell it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


class EmbeddedPostgres:
    """The server of one data folder. ``durable=False`` switches fsync off: for tests only."""

    def __init__(self, data_dir: Path, *, durable: bool = True, options: Mapping[str, str] | None = None) -> None:
        self.data_dir = Path(os.path.realpath(data_dir))
        self.cluster = self.data_dir / "postgres"
        self._is_durable = durable
        self._options = OPTIONS | (DURABLE if durable else NOT_DURABLE) | dict(options or {})
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def run_dir(self) -> Path:
        """The short private folder of this data folder's sockets."""
        return socket_base(self.data_dir)

    @property
    def socket_dir(self) -> Path:
        """Where the server listens; a running one says so itself (it may have been started elsewhere)."""
        lines = self._pid_lines()
        if len(lines) > 4 and lines[4] and self.pid() is not None:
            return Path(lines[4])
        return self.run_dir / "db"

    @property
    def urls(self) -> Urls:
        """URLs of the database ``dongting``."""
        return self.urls_of(DATABASE)

    def urls_of(self, database: str) -> Urls:
        """URLs of ``database`` for every role."""
        host = quote(str(self.socket_dir), safe="")

        def url(role: str) -> str:
            return f"postgresql+psycopg://{role}:{self._password(role)}@/{database}?host={host}"

        return Urls(url(SUPERUSER), url(OWNER), url(APP), url(AUDITOR))

    def _password(self, role: str) -> str:
        try:
            return kept_secret(self.data_dir / "secrets" / role)
        except PermissionError as error:
            raise DatabaseFailed(what="start", reason=f"{error.filename} belongs to another user") from None

    def prepare(self) -> None:
        """Make whatever is missing: folders, passwords, cluster. Safe to repeat, also after a kill.

        Raises :class:`OtherMajor`, :class:`DatabaseFailed`, or a refusal of ``wms.postgres_files``.
        """
        account = account_for(self.cluster)
        own_folder(self.data_dir, account)
        refuse_unreachable(self.data_dir, account)
        self._refuse_other_major()
        private_folder(self.data_dir / "secrets", None)
        for role in (SUPERUSER, *ROLES):
            self._password(role)
        own_folder(self.run_dir, account)
        private_folder(self.run_dir / "db", account)
        if not (self.cluster / "PG_VERSION").exists():
            self._init(account)
        self._forget_stale_pid()

    def command(self) -> list[str]:
        """The server's argument list, to be run by :meth:`account` in the foreground. SIGINT ends it fast."""
        options = self._options | {"unix_socket_directories": str(self.run_dir / "db")}
        argv = [str(runtime(self.account()) / "postgres"), "-D", str(self.cluster)]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return argv

    def account(self) -> Account:
        """The system user who runs the server and owns its files."""
        return account_for(self.cluster)

    def start(self) -> "EmbeddedPostgres":
        """Start the server and wait until it serves; one that already runs on this folder is adopted.

        Started from the main thread, the server also ends (fast) when this process dies.
        """
        with self._alone():
            self.prepare()
            for attempt in range(STILL_HELD_TRIES):
                if self.pid() is None:
                    self._child = self._spawn()
                try:
                    self.wait_ready()
                    break
                except DatabaseFailed as error:
                    # Children of a killed postmaster need a moment to notice and let go of its memory.
                    if "shared memory block" not in str(error) or attempt == STILL_HELD_TRIES - 1:
                        raise
                    time.sleep(1.0)
        return self

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes may start on one data folder: the second waits and then finds the server running."""
        own_folder(self.data_dir, self.account())
        with (self.data_dir / "postgres.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def wait_ready(self, timeout_s: float = START_S) -> None:
        """Wait until the server answers, then make roles and database where missing."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._ensure_roles()
                return
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise DatabaseFailed(what="start", reason=self._wrong_passwords()) from None
                if self._child is not None and self._child.poll() is not None:
                    raise DatabaseFailed(what="start", reason=self._last_words()) from None
                if time.monotonic() > deadline:
                    raise DatabaseFailed(what="start", reason=str(error).strip()) from None
            time.sleep(0.05)

    def stop(self, patience_s: float = STOP_S) -> None:
        """Fast shutdown (open transactions are rolled back); after ``patience_s`` immediate, then killed.

        Whatever was committed is there at the next start in each case; after the last two it recovers first.
        """
        for sent, wait_s in ((signal.SIGINT, patience_s), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            pid = self.pid()
            if pid is None:
                break
            with suppress(ProcessLookupError):
                os.kill(pid, sent)
            if self._gone(pid, wait_s):
                break
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(1.0)  # reaps it, also when somebody else killed it
        self._child = None
        for folder in (self.run_dir / "db", self.run_dir):
            with suppress(OSError):  # in use by others, or never made
                folder.rmdir()

    def _gone(self, pid: int, patience_s: float) -> bool:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self._child is not None:
                self._child.poll()  # reaps it
            if not _runs(pid):
                return True
            time.sleep(0.02)
        return False

    def pid(self) -> int | None:
        """The running server's process id; None when no server runs on this data folder."""
        lines = self._pid_lines()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        return pid if self._is_ours(pid) else None

    @contextmanager
    def running(self) -> Iterator[Urls]:
        """Lend the URLs: of the server that runs, else of one started for this block alone."""
        was_running = self.pid() is not None
        self.start()
        try:
            yield self.urls
        finally:
            if not was_running:
                self.stop()

    def exec_foreground(self) -> None:
        """Become the server: used by the supervisor, whose child this process is. Does not return."""
        self.prepare()
        if self.pid() is not None:  # left over after its supervisor was killed
            self.stop()
            self._forget_stale_pid()
        argv, account = self.command(), self.account()
        if account.must_change:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        os.umask(0o077)
        os.chdir("/")
        die_with_parent()
        os.execve(argv[0], argv, account.environment())  # noqa: S606 - no shell, our own argument list

    def create_database(self, name: str, template: str | None = None) -> Urls:
        """Create database ``name`` owned by ``dongting_owner``, as a copy of ``template`` when given."""
        with self._superuser() as connection:
            postgres_roles.create_database(connection, name, template)
        return self.urls_of(name)

    def drop_database(self, name: str) -> None:
        """Drop database ``name`` if it exists, ending its sessions."""
        with self._superuser() as connection:
            postgres_roles.drop_database(connection, name)

    @contextmanager
    def _superuser(self) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        with psycopg.connect(libpq(self.urls_of("postgres").superuser), autocommit=True) as connection:
            yield connection

    def _ensure_roles(self) -> None:
        with self._superuser() as connection:
            postgres_roles.ensure(connection, {role: self._password(role) for role in ROLES}, DATABASE)

    def _init(self, account: Account) -> None:
        """Make the cluster under another name and rename it when whole: no kill leaves half a cluster."""
        for rest in self.data_dir.glob("postgres.*.new"):
            shutil.rmtree(rest, ignore_errors=True)
        draft = self.data_dir / f"postgres.{secrets.token_hex(4)}.new"
        private_folder(draft, account)
        words = self.run_dir / "db" / f"pw.{secrets.token_hex(4)}"
        with os.fdopen(os.open(words, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self._password(SUPERUSER))
        os.chown(words, account.uid, account.gid)
        try:
            self._run(account, "initdb", "-D", str(draft), f"--username={SUPERUSER}", f"--pwfile={words}",
                      "--auth-local=scram-sha-256", "--auth-host=reject", "--encoding=UTF8",
                      "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                      "--data-checksums", *([] if self._is_durable else ["--no-sync"]))  # fmt: skip
        finally:
            words.unlink()
        draft.rename(self.cluster)

    def _run(self, account: Account, tool: str, *arguments: str) -> str:
        argv = [str(runtime(account) / tool), *arguments]
        done: subprocess.CompletedProcess[str] = subprocess.run(
            argv, capture_output=True, text=True, check=False, cwd="/", **account.as_user()
        )
        if done.returncode != 0:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise DatabaseFailed(what=tool, reason=" ".join(reason[-3:]))
        return done.stdout

    def _spawn(self) -> subprocess.Popen[bytes]:
        account, argv = self.account(), self.command()
        bound = die_with_parent if threading.current_thread() is threading.main_thread() else None
        logs = self.data_dir / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        with (logs / "postgres.log").open("ab") as log:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                preexec_fn=bound, **account.as_user(),  # noqa: PLW1509 - one system call, loaded beforehand
            )  # fmt: skip

    def _wrong_passwords(self) -> str:
        kept = self.data_dir / "secrets"
        return f"the passwords kept in {kept} are not those of the cluster; bring that folder back"

    def _last_words(self) -> str:
        log = self.data_dir / "logs" / "postgres.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return " / ".join(lines[-3:]) or "it said nothing"

    def _pid_lines(self) -> list[str]:
        with suppress(OSError):
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        return []

    def _is_ours(self, pid: int) -> bool:
        """A process id outlives its process: only a postgres with our folder on its command line is ours."""
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and str(self.cluster) in process.cmdline()
        return False

    def _forget_stale_pid(self) -> None:
        """Or PostgreSQL would not start where another process of the same user now has the old number."""
        if self.pid() is not None:
            return
        socket = self.run_dir / "db" / ".s.PGSQL.5432"
        for left in (self.cluster / "postmaster.pid", socket, socket.with_name(socket.name + ".lock")):
            left.unlink(missing_ok=True)

    def _refuse_other_major(self) -> None:
        with suppress(FileNotFoundError):
            found = (self.cluster / "PG_VERSION").read_text().strip()
            if found != str(MAJOR):
                command = f"dongting db upgrade --data {shlex.quote(str(self.data_dir))}"
                raise OtherMajor(folder=str(self.cluster), found=found, wanted=MAJOR, command=command)


def _runs(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _die_with_parent() -> Callable[[], None]:
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None)  # loaded before any fork: only the call itself happens in the child
    pr_set_pdeathsig, sent = 1, int(signal.SIGINT)
    return lambda: libc.prctl(pr_set_pdeathsig, sent)


die_with_parent = _die_with_parent()


if __name__ == "__main__":
    try:
        EmbeddedPostgres(load_settings().data_dir).exec_foreground()
    except WmsError as refusal:
        sys.exit(str(refusal))
