"""``dongting doors`` killed with SIGKILL under load: what was answered with 2xx is stored, each once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Urls
from tests.iot.doors import until
from tests.iot.porter import send
from tests.iot.processes import free_port
from tests.iot.world import SECRET, Sender, count, rows, site_with
from wms.db import Database, Scope

EACH = 150
PATIENCE_S = 60.0


class DoorsProcess:
    """The real process on a port of its own."""

    def __init__(self, url: str, tenant_id: int, data: Path) -> None:
        self.http = free_port()
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")},
            "DONGTING_DATABASE_URL": url,
            "DONGTING_TENANT": str(tenant_id),
            "DONGTING_SECRET_KEY": SECRET,
            "DONGTING_DOOR_PORT": str(self.http),
            "DONGTING_DATA": str(data),
        }
        self._log = data / "doors.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "web.cli", "doors"], env=self._environ, cwd=Path(__file__).parents[2],
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        until(self._listens, PATIENCE_S)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.http)) == 0

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def doors(urls: Urls, tenant: int, tmp_path: Path) -> Iterator[DoorsProcess]:
    made = DoorsProcess(urls.app, tenant, tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def push_until_stored(doors: DoorsProcess, sender: Sender, answered: list[int]) -> None:
    """Each message again until it is answered with 2xx, as cameras do."""
    for seq in range(1, EACH + 1):
        message, deadline = sender.message(seq=seq), time.monotonic() + PATIENCE_S * 2
        while True:
            assert time.monotonic() < deadline
            try:
                status, _, _ = send(doors.http, f"/push/{sender.code}/{sender.token}", message)
            except OSError:
                status = 0
            if status == 200:
                answered.append(seq)
                break
            time.sleep(0.02)


def test_kill_9_of_the_doors_loses_and_doubles_nothing(doors: DoorsProcess, database: Database, scope: Scope) -> None:
    senders = site_with(database, scope, "gate", "scale", "rfid", "fence")
    doors.start()
    answered: list[list[int]] = [[] for _ in senders]
    threads = [
        threading.Thread(target=push_until_stored, args=(doors, sender, mine), daemon=True)
        for sender, mine in zip(senders, answered, strict=True)
    ]
    for thread in threads:
        thread.start()
    for wanted in (60, 240):
        until(lambda n=wanted: sum(map(len, answered)) >= n, PATIENCE_S * 2)
        doors.kill()
        doors.start()
    for thread in threads:
        thread.join(PATIENCE_S * 3)
    assert [len(mine) for mine in answered] == [EACH] * len(senders)
    query = "SELECT source, count(*), count(DISTINCT message_key) FROM inbox GROUP BY source ORDER BY source"
    assert rows(database, scope, query) == sorted((sender.code, EACH, EACH) for sender in senders)
    assert count(database, scope, "inbox_conflict") == 0
    assert doors.stop() == 0


def test_a_taken_port_ends_it_with_a_clear_line(doors: DoorsProcess) -> None:
    with socket.create_server(("127.0.0.1", doors.http)):
        ended = subprocess.run(
            [sys.executable, "-m", "web.cli", "doors"], env=doors._environ, cwd=Path(__file__).parents[2],
            capture_output=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    said = (ended.stdout + ended.stderr).decode()
    assert ended.returncode == 1
    assert f"port {doors.http}" in said
    assert "DONGTING_DOOR_PORT" in said
    assert "Traceback" not in said
