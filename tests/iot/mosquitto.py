"""A real Mosquitto of the machine, as a site would configure it (docs/brokers.md)."""

import shutil
import subprocess
from pathlib import Path

from tests.conftest import lacking
from tests.iot.doors import until
from tests.iot.processes import free_port

CONFIGURATION = """
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 10
max_queued_messages 100000
max_inflight_messages 1000
set_tcp_nodelay true
log_dest file {folder}/mosquitto.log
{user}
"""


def find() -> str | None:
    """Where Mosquitto is, None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Mosquitto:
    """One broker with its own folder."""

    def __init__(self, folder: Path) -> None:
        found = find()
        if found is None:
            lacking("mosquitto", "Mosquitto is not installed (apt install mosquitto)")
        self._program = str(found)
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        import getpass

        given = {"port": self.port, "folder": self._folder, "user": f"user {getpass.getuser()}"}
        (self._folder / "mosquitto.conf").write_text(CONFIGURATION.format(**given))
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._is_open, 10)
        return self

    def _is_open(self) -> bool:
        import socket

        assert self._process is not None
        assert self._process.poll() is None, "mosquitto has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None
