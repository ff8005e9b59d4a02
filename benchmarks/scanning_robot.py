"""A handheld that never tires: it scans over HTTP while programs are killed, repeats what got no answer, and counts.

Every scan has a key of its own; what is not answered is sent again with the same key, and now and then so is what was
answered. In the end the server must have counted each scan exactly once.
"""

import json
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from web.demo.goods import draw_items

SITE, OWNER, DOCK = "CLJ-W1", "LLCERA", "DOCK-01"
PAUSE_S, ANSWER_S = 0.15, 20


class Robot:
    """Scans one notice after another at ``address`` until :meth:`stop`; ``wrong`` tells what was not counted once."""

    def __init__(self, address: str, data: Path, seed: int) -> None:
        self._address, self._draw = address, random.Random(f"robot-{seed}")
        self._token = _token(data)
        self._boot, self._seq = uuid.uuid4().hex[:8], 0
        self._items = [item.gtin for item in draw_items(2020) if item.owner == OWNER]
        self._codes = {item.gtin: item.code for item in draw_items(2020)}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the notice in hand, and check it."""
        self._over.set()
        self._thread.join(600)
        if self._thread.is_alive():
            self.wrong.append("the robot did not come to its end")

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._receive()
            except Exception as error:  # noqa: BLE001 - told at the end of the run
                self.wrong.append(repr(error))
                return

    def _receive(self) -> None:
        gtins = self._draw.sample(self._items, 3)
        notice = f"SOAK-{uuid.uuid4().hex[:12].upper()}"
        lines = [{"item": self._codes[gtin], "qty": 1000} for gtin in gtins]
        body = {"notice_no": notice, "site": SITE, "owner": OWNER, "trade_mode": "0110", "lines": lines}
        self._ask("POST", "/api/v1/notices", body, key=str(uuid.uuid4()))
        self._scan(notice, notice)
        self._scan(DOCK, notice)
        counted: Counter[str] = Counter()
        for _ in range(self._draw.randint(20, 60)):
            gtin = self._draw.choice(gtins)
            if self._scan(gtin, notice) == "ok":
                counted[self._codes[gtin]] += 1
        self._compare(notice, counted)
        self.counts["notices"] += 1

    def _scan(self, code: str, notice: str) -> str:
        self._seq += 1
        body = {
            "key": str(uuid.uuid4()), "device": "soak-robot", "boot": self._boot, "seq": self._seq, "code": code,
            "occurred_at": datetime.now(UTC).isoformat(), "job": "receive", "notice": notice,
        }  # fmt: skip
        answer = self._ask("POST", "/api/v1/scans", body)
        self.counts["scans"] += 1
        if self._draw.random() < 0.1:
            again = self._ask("POST", "/api/v1/scans", body)
            self.counts["repeated"] += 1
            if again["outcome"] != answer["outcome"]:
                self.wrong.append(f"{code}: {answer['outcome']}, then {again['outcome']}")
        time.sleep(PAUSE_S)
        return str(answer["outcome"])

    def _compare(self, notice: str, counted: Counter[str]) -> None:
        shown = self._ask("GET", f"/api/v1/notices/{notice}", None)
        received = {line["item"]: line["received_qty"] for line in shown["lines"] if line["received_qty"]}
        if received != dict(counted):
            self.wrong.append(f"{notice}: scanned {dict(counted)}, counted {received}")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, key: str | None = None) -> Any:
        """Ask until there is an answer; programs die and come back meanwhile."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        content = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + 300
        while True:
            request = urllib.request.Request(self._address + path, content, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code < 500 and error.code not in (408, 429):
                        raise RuntimeError(f"{path}: {error.code} {error.read()[:300]!r}") from None
            except OSError:
                pass
            self.counts["asked again"] += 1
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path}: no answer in five minutes")
            time.sleep(0.5)


def _token(data: Path) -> str:
    command = [sys.executable, "-m", "web.cli", "token", "create", "--role", "supervisor", "--data", str(data)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout.split()[-1]
