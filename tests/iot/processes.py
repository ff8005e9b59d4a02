"""The real ingest process, started, killed and started again."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.iot.doors import until
from tests.iot.world import SECRET


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class IngestProcess:
    """``dongting ingest`` on a database, for one tenant."""

    def __init__(self, url: str, tenant_id: int, data: Path, **environ: str) -> None:
        self.port = free_port()
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")},
            "DONGTING_DATABASE_URL": url,
            "DONGTING_TENANT": str(tenant_id),
            "DONGTING_SECRET_KEY": SECRET,
            "DONGTING_MQTT_PORT": str(self.port),
            "DONGTING_DATA": str(data),
            **environ,
        }
        self.log = data / "ingest.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> "IngestProcess":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web.cli", "ingest"],
                env=self.environ,
                cwd=Path(__file__).parents[2],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            until(self.is_open, 60)
        return self

    def is_open(self) -> bool:
        """Whether its broker listens."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """SIGKILL: it has no time to say anything."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(10)
