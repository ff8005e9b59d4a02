"""Axis cameras over MQTT: ``{prefix}/event/{topic}`` with ONVIF or tns topics; alarms of perimeter applications.

Every data value is a string ("1", "0"). With retain=property a stateful event is replayed on subscribe; that shows in
the message's retained flag and is judged where readings are stored.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    epoch,
    flag,
    instant,
    load_object,
    number,
    required,
    text,
    total,
)
from iot.devices.manifest import Format, quality
from iot.events import DEVICE_UNKNOWN, TIME_UNKNOWN, DeviceStatus, FenceAlarm, LoopRead, Reading

APPLICATIONS = (
    "ObjectAnalytics",
    "FenceGuard",
    "LoiteringGuard",
    "MotionGuard",
    "VMD",
    "VideoMotionDetection",
)
INPUTS = frozenset({"IO", "DigitalInput", "VirtualInput"})


@total
def parse(message: Message) -> Parsed:
    """The alarm edge or the connection state in one message."""
    body = load_object(message.payload)
    if "message" not in body or "topic" not in body:
        raise Malformed("not_this_format", "topic or message is missing")
    topic = required(body, "topic").split(":", 1)[-1]
    content = child(body, "message")
    data = child(content, "data")
    levels = [level.rsplit(":", 1)[-1] for level in topic.split("/")]
    common = _common(body, data, topic, message)
    if levels[-1] in ("Connected", "Status") and flag(data, "connected") is not None:
        return (DeviceStatus(**common, state="online" if flag(data, "connected") else "offline"),)
    if INPUTS & set(levels):
        return (_input(common, data, child(content, "source"), message),)
    if not any(level in APPLICATIONS for level in levels):
        raise Malformed("unknown_type", topic)
    return (_alarm(common, levels, data, child(content, "source")),)


def _common(body: Mapping[str, Any], data: Mapping[str, Any], topic: str, message: Message) -> dict[str, Any]:
    serial = text(body, "serial") or _serial(message.topic)
    at, finer = _at(body, data)
    stamp = text(body, "timestamp") or text(data, "triggerTime") or ""
    key = f"{serial}|{topic}|{stamp}|{text(data, 'objectId') or ''}" if serial and stamp else ""
    flags = ((DEVICE_UNKNOWN,) if not serial else ()) + ((TIME_UNKNOWN,) if not at else ())
    return {"device": serial, "event_at": at, "event_at_text": finer, "key": key, "flags": flags}


def _serial(topic: str | None) -> str | None:
    """The level before ``event`` in the MQTT topic, where the default prefix holds the serial number."""
    levels = (topic or "").split("/")
    return levels[levels.index("event") - 1] if "event" in levels[1:] else None


def _at(body: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[datetime | None, str | None]:
    millis = number(body, "timestamp")
    if millis is not None:
        return epoch(millis), None
    trigger = text(data, "triggerTime")
    return instant(trigger) if trigger else (None, None)


def _input(common: dict[str, Any], data: Mapping[str, Any], source: Mapping[str, Any], message: Message) -> Reading:
    """A wired input of the camera; the device's profile says which loop it is (``inputs``)."""
    state = flag(data, "state") if "state" in data else flag(data, "active")
    if state is None:
        raise Malformed("field_missing", "state")
    port = text(source, "port") or text(source, "input") or "0"
    names = message.profile.get("inputs")
    loop = names.get(port, f"input_{port}") if isinstance(names, dict) else f"input_{port}"
    return LoopRead(**common, loop=str(loop), is_occupied=state)


def _alarm(common: dict[str, Any], levels: list[str], data: Mapping[str, Any], source: Mapping[str, Any]) -> Reading:
    active = flag(data, "active")
    if active is None:
        active = flag(data, "state")
    if active is None:
        raise Malformed("field_missing", "active")
    return FenceAlarm(
        **common,
        rule=levels[-1],
        active=active,
        section=text(source, "section") or text(source, "profile"),
        object_id=text(data, "objectId"),
        object_class=text(data, "classTypes"),
    )


FORMAT = Format(
    name="axis",
    version=1,
    parse=parse,
    title="Axis (ObjectAnalytics, FenceGuard, VMD) over MQTT",
    transports=("mqtt",),
    topics=("{prefix}/event/{topic}",),
    makers="Axis",
    key="serial, topic, timestamp and object",
    time="timestamp in epoch milliseconds, else triggerTime with its offset",
    qos="by the camera's filter; retain none, property or all",
    quality=quality(
        backfill="the camera sends nothing later but retained states, which are flagged",
        unread="no plates in this format",
    ),
)
