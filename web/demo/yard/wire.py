"""One simulated device at the broker: its connection, its numbered envelopes, its outbox until the receipt."""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from web.demo.yard.config import DeviceFile

log = logging.getLogger("yard")
KEEPALIVE_S = 30
PACE_S = 60.0
OUTBOX_LIMIT = 5_000


class Wire:
    """A device's MQTT connection. An event is dropped from the outbox only at the server's receipt, not at PUBACK."""

    def __init__(self, device: DeviceFile, site: str, host: str, port: int, *, paced: bool = False) -> None:
        self.device, self._paced = device, paced
        self._twice = False
        self.base = f"wms/v1/{site}/{device.family}/{device.code}"
        self.boot = uuid.uuid4().hex[:12]
        self.clock_offset = timedelta(0)  # the server's clock minus ours, learnt from receipts
        self.link_since = self.now()
        self.on_command: Callable[[bytes], None] | None = None
        self._seq = 0
        self._outbox: dict[int, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._client = Client(CallbackAPIVersion.VERSION2, device.code, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.username_pw_set(device.code, device.token)
        self._client.reconnect_delay_set(1, 5)
        self._client.on_connect = self._connected
        self._client.on_message = self._received
        will = {"online": False, "boot": self.boot}
        self._client.will_set(f"{self.base}/status", json.dumps(will), qos=1, retain=True)
        self._client.connect_async(host, port, KEEPALIVE_S)

    def start(self) -> None:
        """Connect, and again after each loss."""
        self._client.loop_start()

    def leave(self) -> None:
        """Say that the device goes, and go; :meth:`end` waits for it."""
        if self._client.is_connected():
            gone = {"online": False, "boot": self.boot}
            self._client.publish(f"{self.base}/status", json.dumps(gone), qos=1, retain=True)
        self._client.disconnect()

    def end(self) -> None:
        """End the connection's thread."""
        self._client.loop_stop()

    def stop(self) -> None:
        """Leave and end."""
        self.leave()
        self.end()

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the device."""
        return self._client.is_connected()

    def now(self) -> datetime:
        """The device's own clock, UTC; it may be wrong."""
        return datetime.now(UTC) + timedelta(seconds=self.device.clock_s)

    @property
    def waits_for_receipt(self) -> bool:
        """Whether the server has not yet said that it holds all events."""
        with self._lock:
            return bool(self._outbox)

    def server_time(self) -> datetime:
        """The server's clock as the last receipt told it."""
        return self.now() + self.clock_offset

    def event(self, type_: str, data: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Publish our own envelope on ``…/event`` and keep it until the server says that it holds it."""
        with self._lock:
            self._seq += 1
            body = {
                "v": 1, "id": str(uuid.uuid4()), "device": self.device.code, "kind": self.device.family, "type": type_,
                "seq": self._seq, "boot": self.boot, "ts": (at or self.now()).isoformat(), "ts_q": "ntp",
                "replay": False, "data": dict(data), "simulated": True,
            }  # fmt: skip
            if len(self._outbox) < OUTBOX_LIMIT:
                self._outbox[self._seq] = body
        self.raw(json.dumps(body, ensure_ascii=False).encode())

    def raw(self, payload: bytes, topic: str | None = None) -> None:
        """Publish bytes as a maker's device sends them (QoS 1, not retained)."""
        for _ in range(2 if self._twice else 1):
            sent = self._client.publish(topic or self.device.topic, payload, qos=1)
        if self._paced and sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            sent.wait_for_publish(PACE_S)  # never in the network's own thread

    def send_twice(self, *, twice: bool) -> None:
        """Whether every message goes out a second time, as after a lost acknowledgement."""
        self._twice = twice

    def result(self, body: Mapping[str, Any]) -> None:
        """Answer a command on ``…/cmd/result``."""
        answer = {"id": str(uuid.uuid4()), "ts": self.now().isoformat(), **body}
        self._client.publish(f"{self.base}/cmd/result", json.dumps(answer), qos=1)

    def _connected(
        self, client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _props: Properties | None
    ) -> None:
        if code.is_failure:
            return
        self.link_since = self.now()
        client.subscribe([(f"{self.base}/receipt", 1), (f"{self.base}/cmd", 1)])
        online = {"online": True, "boot": self.boot, "simulated": True}
        client.publish(f"{self.base}/status", json.dumps(online), qos=1, retain=True)

    def _received(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """An exception here would end the network thread: what cannot be read is dropped, as a device does."""
        try:
            if message.topic.endswith("/receipt"):
                self._take_receipt(json.loads(message.payload))
            elif message.topic.endswith("/cmd") and self.on_command is not None and not message.retain:
                self.on_command(bytes(message.payload))
        except Exception as fault:  # noqa: BLE001 - a device must not die of a message
            log.warning("simulated device %s cannot read a message: %r", self.device.code, fault)

    def _take_receipt(self, body: Mapping[str, Any]) -> None:
        if "server_time" in body:
            self.clock_offset = datetime.fromisoformat(body["server_time"]) - self.now()
        if body.get("boot") != self.boot:
            return
        with self._lock:
            for seq in [seq for seq in self._outbox if seq <= int(body["upto"])]:
                del self._outbox[seq]
            asked = {seq for first, last in body.get("missing", ()) for seq in range(first, min(last, first + 500) + 1)}
            again = [self._outbox[seq] | {"replay": True} for seq in sorted(asked & self._outbox.keys())]
        for envelope in again:
            self._client.publish(self.device.topic, json.dumps(envelope, ensure_ascii=False).encode(), qos=1)
