"""Handhelds at a steady rate: ``python -m benchmarks.scan_load PLAN.json`` scans over HTTP and prints what it saw.

Each client keeps one connection and one device; its scans are due at fixed instants, and a scan's time runs from when
it was due, not from when it was sent: a server that falls behind cannot hide it. It shares the processors with what it
measures, so it speaks HTTP by hand.
"""

import json
import socket
import statistics
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

READY_S = 60


class Client(threading.Thread):
    """One handheld with its notice: dock first, then goods."""

    def __init__(self, plan: dict[str, Any], number: int, start_at: float) -> None:
        super().__init__(daemon=True)
        self.plan, self.number, self.start_at = plan, number, start_at
        self.notice, self.codes = plan["notices"][number % len(plan["notices"])]
        self.took_ms: list[float] = []
        self.outcomes: dict[str, int] = {}
        self._boot, self._seq = uuid.uuid4().hex[:8], 0
        self._wire = socket.create_connection((plan["host"], plan["port"]), timeout=30)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._wire.makefile("rb")
        self._head = (
            f"POST /api/v1/scans HTTP/1.1\r\nHost: {plan['host']}\r\nAuthorization: Bearer {plan['token']}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    def prepare(self) -> None:
        for code in (self.notice, self.plan["dock"]):
            self._scan(code)

    def run(self) -> None:
        every = self.plan["clients"] / self.plan["per_s"]
        due = self.start_at + every * self.number / self.plan["clients"]
        end = self.start_at + self.plan["seconds"]
        number = 0
        while due < end:
            time.sleep(max(0.0, due - time.perf_counter()))
            outcome = self._scan(self.codes[number % len(self.codes)])
            self.took_ms.append(1000 * (time.perf_counter() - due))
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
            due, number = due + every, number + 1

    def _scan(self, code: str) -> str:
        self._seq += 1
        body = {
            "key": f"{self._boot}:{self._seq}:{self.number}", "device": f"bench-{self.number}", "boot": self._boot,
            "seq": self._seq, "code": code, "occurred_at": datetime.now(UTC).isoformat(), "job": "receive",
            "notice": self.notice, "site": self.plan["site"],
        }  # fmt: skip
        content = json.dumps(body)
        self._wire.sendall(f"{self._head}{len(content)}\r\n\r\n{content}".encode())
        status, answered = self._read()
        said = json.loads(answered)
        return said.get("code") or said.get("outcome") if status == 200 else f"{status} {said.get('type')}"

    def _read(self) -> tuple[int, bytes]:
        """The next answer's status and body; a server that closes the connection ends the run."""
        status, length = int(self._answers.readline().split(b" ", 2)[1]), 0
        while (line := self._answers.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, self._answers.read(length)


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a plan, read once
        plan = json.load(file)
    clients = [Client(plan, number, 0.0) for number in range(plan["clients"])]
    for client in clients:
        client.prepare()
    start = time.perf_counter() + 0.5
    for client in clients:
        client.start_at = start
        client.start()
    for client in clients:
        client.join()
    took = sorted(value for client in clients for value in client.took_ms)
    outcomes: dict[str, int] = {}
    for client in clients:
        for outcome, count in client.outcomes.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
    last = time.perf_counter() - start
    print(
        json.dumps(
            {
                "scans": len(took), "per_s": len(took) / last, "p50_ms": statistics.median(took),
                "p95_ms": took[int(len(took) * 0.95)], "p99_ms": took[int(len(took) * 0.99)], "max_ms": took[-1],
                "outcomes": outcomes,
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
