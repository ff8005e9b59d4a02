"""Devices that publish at a rate: real MQTT clients, each with an outbox of its own that only a receipt empties."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

AGAIN_AFTER_S = 20.0
AT_ONCE = 500


@dataclass(frozen=True)
class Named:
    """A registered device: code, token, its family and its site's code."""

    code: str
    token: str
    family: str
    site: str

    @property
    def base(self) -> str:
        """Its part of the topics."""
        return f"wms/v1/{self.site}/{self.family}/{self.code}"


class Source(threading.Thread):
    """One device. ``acked`` are the numbers that a PUBACK came for, ``upto`` what receipts say is held."""

    def __init__(self, device: Named, boot: str, rate: float, port: int) -> None:
        super().__init__(name=device.code, daemon=True)
        self.device, self.boot, self._rate = device, boot, rate
        self.sent, self.upto, self.again = 0, 0, 0
        self.acked: set[int] = set()
        self._outbox: dict[int, tuple[bytes, float]] = {}
        self._mids: dict[int, int] = {}
        self._early: set[int] = set()
        self._lock = threading.Lock()
        self._stop, self._end = threading.Event(), threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, device.code, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.username_pw_set(device.code, device.token)
        self._client.max_inflight_messages_set(200)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._connected
        self._client.on_publish = self._published
        self._client.on_message = self._received
        self._client.connect_async("127.0.0.1", port, 30)

    def message(self, seq: int) -> bytes:
        """An event of about 430 bytes; its id is told from start and number, so the database can be asked for each."""
        body = {
            "v": 1, "id": f"{self.boot}-{seq}", "device": self.device.code, "kind": self.device.family,
            "type": "plate", "seq": seq, "boot": self.boot, "ts": datetime.now(UTC).isoformat(), "ts_q": "ntp",
            "data": {"plate": "湘F12345", "confidence_pct": 97.5, "direction": "toward", "position": "front",
                     "candidates": ["湘F12345", "湘F1234S"], "vehicle_class": "heavy_truck", "colour": "yellow"},
            "media": [{"uri": "http://recorder/clip/1234567", "sha256": "0" * 64, "bytes": 123456}],
        }  # fmt: skip
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def run(self) -> None:
        self._client.loop_start()
        started, began = time.monotonic(), 0
        while not self._stop.is_set():
            self._new()
            late = time.monotonic() - started - (self.sent - began) / self._rate
            if late > 1.0:  # a machine that cannot keep the rate publishes at the rate it can
                started, began = time.monotonic(), self.sent
            self._stop.wait(max(0.0, -late))
        while not self._end.wait(1.0):
            self._send_again()

    def _new(self) -> None:
        self.sent += 1
        body = self.message(self.sent)
        with self._lock:
            self._outbox[self.sent] = (body, time.monotonic())
        self._publish(self.sent, body)
        if self.sent % 100 == 0:
            self._send_again()

    def _publish(self, seq: int, body: bytes) -> None:
        mid = self._client.publish(f"{self.device.base}/event", body, qos=1).mid
        with self._lock:
            if mid in self._early:
                self._early.discard(mid)
                self.acked.add(seq)
            else:
                self._mids[mid] = seq

    def _send_again(self) -> None:
        """What was acknowledged and is in no receipt after a while is said again: the broker may have lost it."""
        old = time.monotonic() - AGAIN_AFTER_S
        with self._lock:
            due = [seq for seq, (_, at) in self._outbox.items() if at < old and seq in self.acked][:AT_ONCE]
        self._repeat(due)

    def _repeat(self, numbers: list[int]) -> None:
        for seq in numbers:
            with self._lock:
                kept = self._outbox.get(seq)
                if kept is None:
                    continue
                self._outbox[seq] = (kept[0], time.monotonic())
            self.again += 1
            self._publish(seq, kept[0])

    def finish(self) -> None:
        """Publish nothing new; what is not held yet goes on being said."""
        self._stop.set()

    @property
    def is_held(self) -> bool:
        """Whether a receipt has told that all is held."""
        return self._stop.is_set() and self.upto >= self.sent

    def __str__(self) -> str:
        with self._lock:
            unacked = sorted(self._mids.values())[:5]
        is_connected = self._client.is_connected()
        return f"{self.name}: sent {self.sent}, held {self.upto}, connected {is_connected}, first unacked {unacked}"

    def close(self) -> None:
        """Leave."""
        self._stop.set()
        self._end.set()
        self._client.disconnect()
        self._client.loop_stop()

    # -- callbacks: an exception would end the network thread ------------------------------------------------------

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, _code: Any, _props: Any) -> None:
        client.subscribe(f"{self.device.base}/receipt", 1)

    def _published(self, _client: paho.Client, _data: Any, mid: int, _code: Any, _props: Any) -> None:
        with self._lock:
            seq = self._mids.pop(mid, None)
            if seq is None:
                self._early.add(mid)
            else:
                self.acked.add(seq)

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        body: Mapping[str, Any] = json.loads(message.payload)
        if body.get("boot") != self.boot:
            return
        with self._lock:
            self.upto = max(self.upto, int(body["upto"]))
            for seq in [seq for seq in self._outbox if seq <= self.upto]:
                del self._outbox[seq]
        asked = (seq for first, last in body.get("missing", ()) for seq in range(first, last + 1))
        old = time.monotonic() - AGAIN_AFTER_S / 2
        with self._lock:
            wanted = [seq for seq in asked if self._outbox.get(seq, (b"", old))[1] < old]
        threading.Thread(target=self._repeat, args=(wanted[:AT_ONCE],), daemon=True).start()
