"""Arrivals of the doors without MQTT: their topic names the door and the device, and is no MQTT topic."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from iot.inbox import Arrival, checked
from iot.register import KnownDevice, message_key

SHOWN_HEADERS = ("content-type", "user-agent")


def topic_of(way: str, device: KnownDevice, tail: str = "") -> str:
    """``http/…``, ``pull/…`` or ``tcp/{site}/{family}/{device}``: shown as the topic, and never one of MQTT's own."""
    return f"{way}/{device.site_code}/{device.family}/{device.code}{tail}"


def from_device(
    way: str, device: KnownDevice, payload: bytes, *, limit_bytes: int, key: str | None = None, tail: str = ""
) -> Arrival:
    """What a known device said. ``key`` is the message's own id where the door knows it."""
    topic = topic_of(way, device, tail)
    reason, detail = None, ""
    if len(payload) > limit_bytes:
        reason, detail = "oversized", f"{len(payload)} bytes, at most {limit_bytes}"
    made, is_weak = (key, False) if key else message_key(device, topic, payload)
    return checked(
        Arrival(
            source=device.code,
            message_key=made,
            is_weak_key=is_weak,
            topic=topic,
            payload=payload,
            qos=1,
            door="http",
            device_id=device.id,
            reason=reason,
            detail=detail,
            received_at=datetime.now(UTC),
        )
    )


def from_stranger(
    way: str, address: str, claimed: str, payload: bytes, reason: str, headers: Mapping[str, str] | None = None
) -> Arrival:
    """What somebody said whom we do not know: quarantine. Never a device's own source, whatever it claims to be."""
    topic = f"{way}/?/{claimed[:100]}"
    digest = hashlib.sha256(topic.encode("utf-8", "replace") + b"\0" + payload).hexdigest()
    shown = {name: value[:100] for name, value in (headers or {}).items() if name in SHOWN_HEADERS}
    return checked(
        Arrival(
            source=f"{way}:{address}",
            message_key="sha256:" + digest,
            is_weak_key=True,
            topic=topic,
            payload=payload,
            qos=0,
            door="http",
            reason=reason,
            detail=f"{claimed[:64]} from {address} {shown or ''}".strip(),
            received_at=datetime.now(UTC),
        )
    )
