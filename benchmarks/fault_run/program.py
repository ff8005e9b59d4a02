"""The whole program as ``dongting up`` runs it, and its parts killed with SIGKILL."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from wms.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240.0  # a machine that tests and builds beside us starts slowly
MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 10
max_queued_messages 100000
max_inflight_messages 1000
set_tcp_nodelay true
log_dest file {folder}/mosquitto.log
user {user}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(what: Callable[[], object], told: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until ``what`` is true. Raises TimeoutError that says what did not come."""
    deadline = time.monotonic() + patience_s
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{told}: not within {patience_s:.0f} s")
        time.sleep(0.1)


class Program:
    """``dongting up`` on a data folder; at the broker of ``mqtt_url``, else with the embedded one."""

    def __init__(self, folder: Path, secret_key: str) -> None:
        self.data, self._log = folder / "data", folder / "up.log"
        self._secret_key = secret_key
        self.port, self.web_port = free_port(), free_port()
        self.mqtt_url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, tries: int = 3) -> "Program":
        """Start everything and wait until it is ready; one that gives up on a busy machine is started again."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
        ours = {
            "DONGTING_MQTT_PORT": str(self.port),
            "DONGTING_MQTT_URL": self.mqtt_url,
            "DONGTING_SECRET_KEY": self._secret_key,
            "DONGTING_WEB_WORKERS": "1",
        }
        begin = self._log.stat().st_size if self._log.exists() else 0
        command = [sys.executable, "-m", "web.cli", "up", "--data", str(self.data), "--port", str(self.web_port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=clean | ours, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        try:
            until(lambda: self._is_ready(begin), "the program is ready")
        except RuntimeError:
            if tries <= 1:
                raise
            return self.start(tries - 1)
        return self

    def _is_ready(self, begin: int) -> bool:
        with self._log.open("rb") as log:
            log.seek(begin)
            said = log.read()
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError("the program ended: " + said.decode(errors="replace")[-2000:])
        return b"Dongting is ready" in said

    def kill(self, part: str) -> int:
        """SIGKILL one part: ``door``, ``reader`` (the two of ingest), ``postgres`` or ``all``; how many processes."""
        assert self._process is not None
        if part == "postgres":
            pid = EmbeddedPostgres(self.data).pid()
            return 0 if pid is None else _kill([psutil.Process(pid)])
        tree = psutil.Process(self._process.pid).children(recursive=True)
        if part == "all":
            killed = _kill([psutil.Process(self._process.pid), *tree])
            self._process.wait()
            return killed
        ingest = [process for process in tree if "ingest" in _words(process)]
        pids = {process.pid for process in ingest}
        return _kill([process for process in ingest if (_parent(process) in pids) == (part == "reader")])

    def last_words(self, n: int = 40) -> str:
        """The end of what ingest and the supervisor wrote, for whoever must find out what went wrong."""
        said = []
        for name in ("ingest.log", "ingest.out", "supervisor.log"):
            file = self.data / "logs" / name
            if file.exists():
                said += [f"--- {name}", *file.read_text(errors="replace").splitlines()[-n:]]
        return "\n".join(said)

    def stop(self) -> None:
        """Ask it to end, and see to it that it does."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill("all")


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _kill(processes: list[psutil.Process]) -> int:
    n = 0
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
            n += 1
    return n


class Mosquitto:
    """A site's own broker, as docs/brokers.md configures it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder / "mosquitto", free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program() -> str | None:
        """Where Mosquitto is, None where it is not installed."""
        return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

    def start(self) -> "Mosquitto":
        """Start it on what its folder holds."""
        program = self.program()
        assert program is not None, "Mosquitto is not installed (apt install mosquitto)"
        self._folder.mkdir(exist_ok=True)
        user = psutil.Process().username()
        conf = self._folder / "mosquitto.conf"
        conf.write_text(MOSQUITTO.format(port=self.port, folder=self._folder, user=user))
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([program, "-c", str(conf)], stdout=quiet, stderr=quiet)
        until(lambda: is_open(self.port), "Mosquitto listens")
        return self

    def kill(self) -> int:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        return 1

    def stop(self) -> None:
        """SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
