"""A real ``dongting up`` (or ``demo``) in a process of its own, its console and its programs."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from web.machine.child import MARK
from wms.postgres import EmbeddedPostgres

READY_S = 180.0  # a busy test machine imports slowly


def until(holds: Callable[[], object], what: str, timeout_s: float = 60.0) -> Any:
    """Poll until ``holds`` returns something true, and return it."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen in {timeout_s} s"
        time.sleep(0.05)


class Up:
    """``dongting up`` on ``data``; ``lines`` is what its console has said so far."""

    def __init__(self, data: Path, port: int, command: str = "up", environ: Mapping[str, str] | None = None) -> None:
        self.data, self.lines = data, list[str]()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", command, "--data", str(data), "--port", str(port)],
            env={**clean, "DONGTING_MQTT_PORT": str(port + 400), **(environ or {})}, cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def said(self, pattern: str, timeout_s: float = 60.0) -> re.Match[str]:
        """Wait until the console says a line that matches."""

        def look() -> re.Match[str] | None:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            assert self.process.poll() is None or self._reader.is_alive() or self.lines, "it ended without a word"
            return None

        try:
            found: re.Match[str] = until(look, f"a line like {pattern!r}", timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said: {self.lines}") from None
        return found

    def ready(self) -> str:
        """Wait until it is ready; return its URL."""
        return self.said(r"Dongting is ready: (\S+)", READY_S)[1]

    def program(self, name: str) -> psutil.Process:
        """The process of the program ``name`` (``postgres`` or a subcommand)."""
        return until(lambda: self._find(name), f"{name} runs")  # type: ignore[no-any-return]

    def _find(self, name: str) -> psutil.Process | None:
        if name == "postgres":
            pid = EmbeddedPostgres(self.data).pid()
            return psutil.Process(pid) if pid else None
        for process in self.programs():
            try:
                if process.cmdline()[-3:] == ["-m", "web.cli", name] and process.ppid() == self._supervisor_pid():
                    return process
            except psutil.Error:
                continue
        return None

    def _supervisor_pid(self) -> int:
        return int((EmbeddedPostgres(self.data).run_dir / "supervisord.pid").read_text())

    def programs(self) -> list[psutil.Process]:
        """Every process that was started from here, PostgreSQL apart."""
        mark, found = str(EmbeddedPostgres(self.data).run_dir), []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def ask_to_end(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send the signal and wait; return the seconds that it took."""
        started_s = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        spent_s = time.monotonic() - started_s
        self._reader.join(5)
        return spent_s

    def close(self) -> None:
        """End whatever is left, for a test that failed in between."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()


def get(url: str) -> tuple[int, Any]:
    """Status and JSON body (or text) of a GET; status 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            status, body = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read().decode()
    except OSError:
        return 0, None
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body
