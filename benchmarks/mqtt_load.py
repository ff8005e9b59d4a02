"""A publisher that costs next to nothing: bare MQTT 3.1.1 over sockets, one thread, a process of its own.

    python -m benchmarks.mqtt_load < plan.json

reads ``{"port", "rate", "seconds", "devices": [{"code", "token", "topic"}…]}``, publishes events of about 430 bytes
with QoS 1 at that rate in turn over one connection for each device, and never waits for an acknowledgement before it
sends the next (so a slow server cannot slow its own measurement). It prints one JSON object: ``sent``, ``acked``,
``p50_ms``, ``p99_ms``, ``max_ms``, ``rate`` reached, and ``acked_in_s``, from the first event to the last
acknowledgement. With ``rate`` 0 it sends as fast as ``window`` events in flight on each connection allow.
"""

import json
import select
import socket
import struct
import sys
import time
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import Any

PATIENCE_S = 30.0
EVENT = (
    '{{"v":1,"id":"{id}","device":"{device}","kind":"gate","type":"plate","seq":{seq},"boot":"{boot}","ts":"{ts}",'
    '"ts_q":"ntp","data":{{"plate":"湘F12345","confidence_pct":97.5,"direction":"toward","position":"front",'
    '"candidates":["湘F12345","湘F1234S"],"vehicle_class":"heavy_truck","colour":"yellow"}},'
    '"media":[{{"uri":"http://recorder/clip/1234567","sha256":"' + "0" * 64 + '","bytes":123456}}]}}'
)


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def _packet(head: int, body: bytes) -> bytes:
    size, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        size += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([head]) + size + body


class Line:
    """One connection of one device."""

    def __init__(self, port: int, code: str, token: str, topic: str) -> None:
        self.code, self._topic = code, _text(topic)
        self.boot, self.seq, self._number = uuid.uuid4().hex, 0, 0
        self.flying: dict[int, float] = {}
        self.took_ms: list[float] = []
        self._buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = 0x02 | (0xC0 if token else 0)
        body = _text("MQTT") + bytes([4, flags]) + struct.pack(">H", 0) + _text(code)
        self.socket.sendall(_packet(0x10, body + (_text(code) + _text(token) if token else b"")))
        answer = self.socket.recv(4)
        if answer[3:] != b"\0":
            raise RuntimeError(f"{code} was not let in: {answer!r}")

    def send(self) -> None:
        """Publish the next event."""
        self.seq += 1
        self._number = self._number % 65_000 + 1
        made = EVENT.format(
            id=uuid.uuid4(), device=self.code, seq=self.seq, boot=self.boot, ts=datetime.now(UTC).isoformat()
        )
        packet = _packet(0x32, self._topic + struct.pack(">H", self._number) + made.encode())
        self.flying[self._number] = time.perf_counter()
        self.socket.sendall(packet)

    def hear(self) -> int:
        """Take in acknowledgements; returns how many."""
        data = self._buffer + self.socket.recv(65_536)
        at, whole = time.perf_counter(), len(data) // 4 * 4
        self._buffer = data[whole:]
        for place in range(0, whole, 4):
            (number,) = struct.unpack_from(">H", data, place + 2)
            self.took_ms.append((at - self.flying.pop(number)) * 1000)
        return whole // 4


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Publish as planned, and what came of it."""
    rate, window = plan["rate"], plan.get("window", 1000)
    n = plan.get("n") or int(rate * plan["seconds"])
    lines = [Line(plan["port"], **device) for device in plan["devices"]]
    by_fd = {line.socket.fileno(): line for line in lines}
    poll = select.poll()
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    started, sent, acked, turn = time.perf_counter(), 0, 0, deque(lines)
    first = started
    while sent < n or (acked < sent and time.perf_counter() - first < PATIENCE_S):
        now = time.perf_counter()
        wait_ms = 100.0
        if sent < n:
            first = now  # patience counts from the last event
            due = int((now - started) * rate) + 1 if rate else n
            while sent < min(n, due):
                line = turn[0]
                turn.rotate(-1)
                if not rate and len(line.flying) >= window:
                    if all(len(one.flying) >= window for one in lines):
                        break
                    continue
                line.send()
                sent += 1
            wait_ms = max(0.0, (started + sent / rate - time.perf_counter()) * 1000) if rate else 100.0
        for fd, _ in poll.poll(wait_ms):
            acked += by_fd[fd].hear()
    over = time.perf_counter() - started
    took = sorted(ms for line in lines for ms in line.took_ms) or [0.0]
    return {
        "sent": sent,
        "acked": acked,
        "p50_ms": round(took[len(took) // 2], 3),
        "p99_ms": round(took[len(took) * 99 // 100], 3),
        "max_ms": round(took[-1], 3),
        "rate": round(acked / over, 1),
        "acked_in_s": round(over, 2),
    }


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
