"""ONVIF Profile M over MQTT: ``{prefix}/onvif-ej/{topic}/&{source}…`` with ``{UtcTime, Source, Key, Data}`` in JSON.

``Source`` and ``Data`` come plain or as lists of ``SimpleItem``. A property that is told again on subscribe carries
the operation Initialized: it is a state of before, not a new event, and never opens.
"""

from collections.abc import Mapping
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    instant,
    items,
    load_object,
    number,
    percent,
    plate_of,
    required,
    text,
    tidy,
    total,
)
from iot.devices.manifest import Format, quality
from iot.events import DEVICE_UNKNOWN, REPLAYED, TIME_UNKNOWN, DeviceStatus, FenceAlarm, LoopRead, PlateRead, Reading

MARK = "onvif-ej"
ALARMS = {
    "LineDetector": None,
    "FieldDetector": "IsInside",
    "MotionRegionDetector": "State",
    "CellMotionDetector": "IsMotion",
    "TamperDetector": "IsTamper",
    "MotionAlarm": "State",
    "GlobalSceneChange": "State",
    "LoiteringDetector": "State",
    "IntrusionDetector": "State",
}
TRUE = frozenset({"true", "1", "active", "on"})
FALSE = frozenset({"false", "0", "inactive", "off"})


@total
def parse(message: Message) -> Parsed:
    """An alarm edge, a plate or an input; the event's kind stands in the topic alone."""
    body = load_object(message.payload)
    if "UtcTime" not in body or not isinstance(body.get("Data"), dict):
        raise Malformed("not_this_format", "UtcTime or Data is missing")
    before, levels, tokens = _levels(message.topic)
    source, data = _plain(child(body, "Source")), _plain(child(body, "Data"))
    at, finer = instant(required(body, "UtcTime"))
    operation = text(body, "PropertyOperation") or ""
    flags = (
        *((REPLAYED,) if operation == "Initialized" else ()),
        *(() if at else (TIME_UNKNOWN,)),
        *(() if before else (DEVICE_UNKNOWN,)),
    )
    common: dict[str, Any] = {"device": before, "event_at": at, "event_at_text": finer, "flags": flags}
    return (_reading(levels, source, data, tokens, common, message),)


def _levels(topic: str | None) -> tuple[str | None, list[str], list[str]]:
    """The camera before the mark, the ONVIF topic without namespaces after it, and the source tokens behind ``&``."""
    parts = (topic or "").split("/")
    if MARK not in parts:
        raise Malformed("topic_missing", f"the event's kind stands after {MARK} in the topic")
    place = parts.index(MARK)
    before = parts[place - 1] if place else None
    levels = [part.rsplit(":", 1)[-1] for part in parts[place + 1 :] if part and not part.startswith("&")]
    tokens = [tidy(part[1:], "source token") for part in parts[place + 1 :] if part.startswith("&")]
    return before or None, levels, tokens


def _plain(node: Mapping[str, Any]) -> dict[str, Any]:
    """``{"SimpleItem": [{"Name": …, "Value": …}]}`` as ``{name: value}``; what is plain already stays."""
    named = [one for one in items(node, "SimpleItem") if isinstance(one, dict)]
    return {**node, **{required(one, "Name"): one.get("Value") for one in named[:50]}} if named else dict(node)


def _state(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name)
    said = str(value).strip().lower()
    if said in TRUE or said in FALSE:
        return said in TRUE
    raise Malformed("field_missing" if value is None else "wrong_type", name)


def _reading(
    levels: list[str],
    source: Mapping[str, Any],
    data: Mapping[str, Any],
    tokens: list[str],
    common: dict[str, Any],
    message: Message,
) -> Reading:
    if "LicensePlate" in levels or "LicensePlateInfo" in data:
        return _plate(data, common)
    if levels[-2:-1] == ["Trigger"] or "DigitalInput" in levels:
        name = text(source, "InputToken") or text(source, "RelayToken") or next(iter(tokens), "input")
        names = message.profile.get("inputs")
        loop = names.get(name, name) if isinstance(names, dict) else name
        return LoopRead(**common, loop=str(loop), is_occupied=_state(data, "LogicalState"))
    kind = next((level for level in levels if level in ALARMS), None)
    if kind is None:
        if "Monitoring" in levels or "Device" in levels[:1]:
            return DeviceStatus(**common, state=tidy("/".join(levels[-2:]), "topic") or "event")
        raise Malformed("unknown_type", "/".join(levels)[:80])
    named = ALARMS[kind]
    return FenceAlarm(
        **common,
        rule=text(source, "Rule") or levels[-1],
        active=_state(data, named) if named else True,
        section=text(source, "VideoSource")
        or text(source, "VideoSourceConfigurationToken")
        or next(iter(tokens), None),
        object_id=text(data, "ObjectId"),
        object_class=text(data, "ClassTypes"),
        more={"onvif_topic": tidy("/".join(levels), "topic")},
    )


def _plate(data: Mapping[str, Any], common: dict[str, Any]) -> Reading:
    info = child(data, "LicensePlateInfo") or data
    if "PlateNumber" not in info:
        raise Malformed("field_missing", "PlateNumber")
    named = info["PlateNumber"]
    raw = (text(named, "Value") if isinstance(named, dict) else text(info, "PlateNumber")) or ""
    likelihood = number(data, "Likelihood")
    plate = plate_of(raw)
    return PlateRead(
        **common, plate=plate, plate_raw=raw, unread=plate is None, confidence_pct=percent(likelihood, 1.0)
    )


FORMAT = Format(
    name="onvif",
    version=1,
    parse=parse,
    title="ONVIF Profile M events over MQTT",
    makers="cameras of many makers with ONVIF Profile M",
    transports=("mqtt",),
    topics=("{prefix}/onvif-ej/{topic}/&{source}",),
    key="none in the message: its topic and bytes",
    time="UtcTime",
    qos="as the camera is set",
    quality=quality(public_sample="none at hand; made from the specification"),
)
