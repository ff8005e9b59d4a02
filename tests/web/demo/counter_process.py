"""A counter as a process of its own, and a firm that meets it at the exchange."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.web.demo.papers import field

PATIENCE_S = 90.0  # for a machine that is busy; nothing waits this long on an idle one
BRISK = {"delay_low_ms": 0, "delay_high_ms": 40, "inspect_permille": 0, "manual_permille": 0, "entry_ms": 40,
         "reorder_ms": 300}  # fmt: skip
STATUS = {"Successed": "DealFlag", "Failed": "DealFlag"}


class Counter:
    """``dongting counter`` on a folder; killed and started as a test pleases."""

    def __init__(self, data: Path, *arguments: str, **habits: Any) -> None:
        self.data, self.arguments = data, arguments
        self.exchange = data / "customs" / "exchange"
        own = data / "customs" / "counter"
        own.mkdir(parents=True)
        (own / "counter.json").write_text(json.dumps(BRISK | habits))
        for name in ("out", "in"):
            (self.exchange / name).mkdir(parents=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", "counter", "--data", str(self.data), *self.arguments],
            env={**os.environ, "DONGTING_LOG_LEVEL": "info"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def address(self) -> str:
        """Where it listens, once it does; ``--port 0`` takes a free port."""
        told = self.data / "customs" / "counter" / "address"
        wait_until(told.exists, lambda: "the counter does not listen")
        return told.read_text()

    def send(self, name: str, raw: bytes) -> None:
        """Put a message in as the rule asks: whole or not at all."""
        draft = self.exchange / "out" / f".{name}"
        draft.write_bytes(raw)
        draft.rename(self.exchange / "out" / f"{name}.xml")

    def answers(self) -> list[tuple[str, str]]:
        """Everything answered so far: kind and text, oldest first."""
        files = sorted((self.exchange / "in").glob("[!.]*.xml"), key=lambda path: path.stat().st_mtime_ns)
        return [(path.name.partition("_")[0], path.read_text(encoding="utf-8")) for path in files]

    def said(self) -> set[str]:
        """What was answered, as kind and status: CEB622=800, INV201=4."""
        return {f"{kind}={_status(kind, text)}" for kind, text in self.answers()}

    def wait_for(self, *wanted: str) -> None:
        """Wait until all of these were answered."""
        wait_until(lambda: set(wanted) <= self.said(), lambda: f"{set(wanted) - self.said()} of {self.said()}")

    def text_of(self, kind: str, status: str) -> str:
        return next(text for found, text in self.answers() if found == kind and _status(kind, text) == status)


def _status(kind: str, text: str) -> str:
    if kind in STATUS:
        return field(text, "DealFlag")
    names = {"INV211": "vrfdedMarkcd", "CEB816": "status", "CEB818": "status", "CEB792": "decState"}
    return field(text, names.get(kind, "returnStatus" if kind.startswith("CEB") else "manageResult"))


def wait_until(
    happened: Callable[[], bool], told: Callable[[], str] = lambda: "", *, patience_s: float = PATIENCE_S
) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline, f"in vain: {told()}"
        time.sleep(0.05)
