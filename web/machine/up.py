"""All processes of one machine: in order, watched, and ended in order.

PostgreSQL → schema → (demo) data → web, ingest, worker (and the simulators) → ready. The data folder is held by a lock
for as long as this process lives, whatever becomes of it.
"""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import IO, Any

import click
from sqlalchemy import text

from migrations.run import migrate
from web.databases import app_url, owner_url
from web.logs import log_folder
from web.machine.console import Narrator
from web.machine.leftovers import end_leftovers
from web.machine.ports import free_port
from web.machine.programs import (
    COUNTER,
    DOORS,
    GROUP,
    INGEST,
    POSTGRES,
    SHOPS,
    WEB,
    WORKER,
    YARD,
    Program,
    configuration,
    environment,
)
from web.machine.readiness import wait_ready
from web.machine.supervising import Supervisor, SupervisorFailed
from wms.db import Database, Scope
from wms.errors import N_, Kind, WmsError
from wms.postgres import EmbeddedPostgres
from wms.settings import Settings

READY_S = 120.0


class AlreadyRuns(WmsError):
    """Another ``dongting up`` or ``demo`` holds the data folder."""

    code = "already_runs"
    kind = Kind.CONFLICT
    text = N_("Dongting already runs on the data folder %(folder)s (%(holder)s). Stop it first, or choose another.")


class _Asked(BaseException):
    """Somebody asked us to end (Ctrl-C, SIGTERM, closed terminal)."""


@dataclass(frozen=True)
class Machine:
    """What runs: settings with the ports that were found, and whether it is the demo."""

    settings: Settings
    is_demo: bool

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        scheme = "https" if self.settings.tls_certificate else "http"
        host = "127.0.0.1" if self.settings.host in ("0.0.0.0", "::", "") else self.settings.host  # noqa: S104
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.settings.port}"

    @property
    def programs(self) -> tuple[Program, ...]:
        """The programs of this machine, PostgreSQL first unless a server was given."""
        database = (POSTGRES,) if self.settings.is_embedded else ()
        doors = (DOORS,) if self.settings.door_port or self.settings.frame_port else ()
        return (*database, WEB, INGEST, *doors, WORKER, *((YARD, COUNTER, SHOPS) if self.is_demo else ()))


def run(settings: Settings, *, is_demo: bool) -> None:
    """Run everything until asked to end. Raises a refusal when it cannot start."""
    embedded = EmbeddedPostgres(settings.data_dir)
    _make_folders(settings, embedded)
    with _only_one(settings.data_dir) as lock, _asked_to_end():
        ended = end_leftovers(embedded.run_dir)
        if ended:
            say(f"Ended what an earlier run had left behind: processes {', '.join(ended)}.")
        if settings.is_embedded:
            embedded.stop()
            _make_folders(settings, embedded)  # stopping tidied them away
        machine = Machine(_with_ports(settings), is_demo)
        lock.write(machine.url)
        lock.flush()
        _run(machine, embedded)


def _make_folders(settings: Settings, embedded: EmbeddedPostgres) -> None:
    if settings.is_embedded:
        embedded.prepare()
    else:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        embedded.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def _run(machine: Machine, embedded: EmbeddedPostgres) -> None:
    settings, run_dir, logs = machine.settings, embedded.run_dir, log_folder(machine.settings)
    supervisor = Supervisor(run_dir, logs / "supervisor.log", _environ(machine, run_dir))
    try:
        narrator = Narrator(logs / "supervisor.log", say)
        supervisor.start(configuration(machine.programs, as_root=os.geteuid() == 0), narrator)
        if settings.is_embedded:
            say("Starting PostgreSQL …")
            supervisor.start_program("database:postgres")
            embedded.wait_ready()
        migrate(owner_url(settings), lock_timeout_s=settings.lock_timeout_s)
        if machine.is_demo:
            _seed(settings)
        say("Starting the programs …")
        supervisor.start_group(GROUP)
        wait_ready(machine.url, settings, READY_S, supervisor.is_running)
        _announce(machine)
        while supervisor.is_running():
            time.sleep(0.5)
        raise SupervisorFailed(reason="supervisord ended; its last words are in " + str(logs / "supervisor.log"))
    except _Asked:
        say("Stopping …")
    finally:
        for number in ASKED:  # a second Ctrl-C must not interrupt the orderly end
            signal.signal(number, signal.SIG_IGN)
        clean = supervisor.stop()
        if settings.is_embedded:
            embedded.stop(patience_s=0.5)  # nothing to do when it ended with the others
        say("Stopped." if clean else "Stopped; some programs had to be killed.")


def _environ(machine: Machine, run_dir: Path) -> dict[str, str]:
    settings = machine.settings
    (run_dir / "logs").unlink(missing_ok=True)
    (run_dir / "logs").symlink_to(log_folder(settings))
    metrics = run_dir / "metrics"
    metrics.mkdir(mode=0o700, exist_ok=True)
    for left in metrics.glob("*.db"):
        left.unlink()
    ours = {
        "DONGTING_HOST": settings.host,
        "DONGTING_PORT": str(settings.port),
        "DONGTING_MQTT_PORT": str(settings.mqtt_port),
        "DONGTING_TLS_CERTIFICATE": str(settings.tls_certificate or ""),
        "DONGTING_TLS_KEY": str(settings.tls_key or ""),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "DONGTING_URL": machine.url,
        "DONGTING_DEMO": "1" if machine.is_demo else "",
        "DONGTING_CUSTOMS_EXCHANGE": exchange_of(machine),
    }
    return {**os.environ, **environment(run_dir, settings.data_dir), **ours}


def exchange_of(machine: Machine) -> str:
    """Where messages to customs go: as set, else in a demo to its simulated counter's folder, else nowhere yet."""
    given = machine.settings.customs_exchange
    return given or (str(machine.settings.data_dir / "customs" / "exchange") if machine.is_demo else "")


def _with_ports(settings: Settings) -> Settings:
    web = free_port(settings.host, settings.port)
    _say_steps("web", web.port, web.stepped_over)
    if settings.mqtt_url is not None:
        return replace(settings, port=web.port)
    mqtt = free_port(settings.host, settings.mqtt_port, frozenset({web.port}))
    _say_steps("MQTT", mqtt.port, mqtt.stepped_over)
    return replace(settings, port=web.port, mqtt_port=mqtt.port)


def _say_steps(what: str, port: int, stepped_over: tuple[int, ...]) -> None:
    if stepped_over:
        taken = ", ".join(map(str, stepped_over))
        say(f"Port {taken} is taken: {what} takes {port}.")


def _seed(settings: Settings) -> None:
    say("Filling in the demo data where it is missing …")
    import_module("web.demo.seed").seed(settings)


def _announce(machine: Machine) -> None:
    nobody = not machine.is_demo and _nobody_can_log_in(machine.settings)
    say(f"Dongting is ready: {machine.url}")  # whoever reads this may count on all that had to be done before
    if machine.is_demo:
        for line in demo_users():
            say(line)
    elif nobody:
        say("  Nobody can log in yet. Enter the first administrator with: dongting person create --login NAME")
    say(f"Data: {machine.settings.data_dir}   Logs: {log_folder(machine.settings)}   Ctrl-C stops everything.")


def _nobody_can_log_in(settings: Settings) -> bool:
    scope = Scope.system(settings.tenant_id)
    with closing(Database(app_url(settings), pool_size=1)) as database, database.unit_of_work(scope) as session:
        return session.scalar(text("SELECT NOT EXISTS (SELECT 1 FROM credential)")) is True


def demo_users() -> list[str]:
    """One line for each demo user: role, login, password."""
    users: Any = import_module("web.demo.seed").DEMO_USERS
    return [f"  {user.role:<16} {user.login:<28} {user.password}" for user in users]


@contextmanager
def _only_one(data_dir: Path) -> Iterator[IO[str]]:
    """Hold the data folder; the kernel lets go of it when this process ends, however it ends."""
    with (data_dir / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise AlreadyRuns(folder=str(data_dir), holder=lock.read().strip() or "starting") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}, ")
        lock.flush()
        yield lock


ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _asked_to_end() -> Iterator[None]:
    def ask(_number: int, _frame: FrameType | None) -> None:
        raise _Asked

    before = {number: signal.signal(number, ask) for number in ASKED}
    try:
        yield
    except _Asked:  # before there was anything to stop
        say("Stopped.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


say: Callable[[str], None] = click.echo
