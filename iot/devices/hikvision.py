"""Hikvision ANPR: EventNotificationAlert by HTTP push (bare XML or multipart) or alertStream.

Three namespaces are about (ver20, std-cgi ver10, any prefix of a recorder), so only local names are matched. An
identifier shorter than eight characters is a placeholder and no key. The maker's own misspellings are accepted.
"""

import re
from datetime import datetime
from xml.etree.ElementTree import Element

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    digest,
    instant,
    load_xml,
    number,
    percent,
    plate_of,
    text,
    tidy,
    total,
    zone_of,
)
from iot.devices.manifest import Format, quality
from iot.events import DEVICE_UNKNOWN, REPLAYED, TIME_UNKNOWN, DeviceStatus, Fault, PlateRead, Reading, VideoEvent

DIRECTIONS = {"forward": "toward", "reverse": "away"}
SHORTEST_ID = 8
MAX_PICTURES = 20
_DOCUMENT = re.compile(rb"<(?:\w+:)?EventNotificationAlert\b.*?</(?:\w+:)?EventNotificationAlert\s*>", re.DOTALL)


@total
def parse(message: Message) -> Parsed:
    """The plates of every alert in the body; a body may hold several parts, pictures among them."""
    payload = message.payload
    if payload.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return (_alert(load_xml(payload.strip()), message),)
    documents = _DOCUMENT.findall(payload)
    if not documents:
        raise Malformed("not_xml", "no EventNotificationAlert in the body")
    return tuple(_one(document, message) for document in documents)


def _one(document: bytes, message: Message) -> Reading | Fault:
    """A part that is broken is a fault of its own and harms no other part."""
    try:
        return _alert(load_xml(document), message)
    except Malformed as why:
        return Fault(fault=why.code, detail=why.detail)


def _local(node: Element) -> str:
    return node.tag.rsplit("}", 1)[-1]


def _fields(node: Element) -> dict[str, str]:
    """The texts of the children that have no children of their own, by local name; the first of a name counts."""
    found: dict[str, str] = {}
    for one in node:
        if len(one) == 0 and one.text and one.text.strip():
            found.setdefault(_local(one), tidy(one.text.strip(), _local(one)))
    return found


def _child(node: Element, name: str) -> Element | None:
    return next((one for one in node if _local(one) == name), None)


def _alert(root: Element, message: Message) -> Reading:
    if _local(root) != "EventNotificationAlert":
        raise Malformed("not_this_format", _local(root)[:60])
    alert, anpr = _fields(root), _child(root, "ANPR")
    type_ = alert.get("eventType", "")
    if anpr is None:
        if type_.lower() in ("videoloss", "heartbeat"):
            return _status(alert, type_, message)
        if type_.lower() == "anpr" and len(alert.get("UUID", "")) >= SHORTEST_ID:
            return _pictures(alert, root, message)
        raise Malformed("unknown_type", type_ or "no ANPR element")
    return _plate(alert, _fields(anpr), message)


def _device(alert: dict[str, str]) -> str | None:
    address = alert.get("ipAddress") or alert.get("ipv6Address") or alert.get("macAddress")
    if not address:
        return None
    channel = alert.get("channelID") or alert.get("dynChannelID")
    return f"{address}/{channel}" if channel else address


def _plate(alert: dict[str, str], anpr: dict[str, str], message: Message) -> PlateRead:
    if "licensePlate" not in anpr and "originalLicensePlate" not in anpr:
        raise Malformed("field_missing", "ANPR.licensePlate")
    raw = anpr.get("licensePlate") or anpr.get("originalLicensePlate") or ""
    plate, device = plate_of(raw), _device(alert)
    at, finer = _at(alert, message)
    is_backfill = alert.get("isDataRetransmission", "").lower() == "true"
    flags = (
        *((REPLAYED,) if is_backfill else ()),
        *(() if at else (TIME_UNKNOWN,)),
        *(() if device else (DEVICE_UNKNOWN,)),
    )
    more = {
        "plate_type": anpr.get("plateType") or anpr.get("palteTypeByGAT"),
        "vehicle_model": anpr.get("vehicleModel") or anpr.get("vehileModel"),
        "vehicle_list": anpr.get("vehicleListName"),
        "local_time": alert.get("dateTime") if at is None else None,
    }
    return PlateRead(
        device=device,
        event_at=at,
        event_at_text=finer,
        key=_key(alert, anpr, device, plate or raw, message),
        flags=flags,
        plate=plate,
        plate_raw=raw,
        unread=plate is None,
        confidence_pct=percent(number(anpr, "confidenceLevel")),
        direction=DIRECTIONS.get(anpr.get("direction", "").lower(), "unknown"),
        lane=text(anpr, "line") or text(anpr, "laneNo"),
        colour=anpr.get("plateColor"),
        vehicle_class=anpr.get("vehicleType"),
        backfill=is_backfill,
        more={name: value for name, value in more.items() if value is not None},
    )


def _key(alert: dict[str, str], anpr: dict[str, str], device: str | None, plate: str, message: Message) -> str:
    uuid = alert.get("UUID", "")
    if len(uuid) >= SHORTEST_ID:
        return f"{uuid}|{alert.get('channelID', '')}"
    if device and alert.get("dateTime"):
        return f"{device}|{alert['dateTime']}|{plate}|{anpr.get('line', '')}"
    return digest(message)


def _at(alert: dict[str, str], message: Message) -> tuple[datetime | None, str | None]:
    """Old firmware leaves the offset out: then the profile's ``time_zone`` counts, and without that no time at all."""
    stamp = alert.get("dateTime")
    if not stamp:
        return None, None
    try:
        return instant(stamp, zone_of(message.profile))
    except Malformed as why:
        if why.code == "zone_missing":
            return None, None
        raise


def _pictures(alert: dict[str, str], root: Element, message: Message) -> VideoEvent:
    """``hasMoreData`` sends the plate first and the pictures later under the same UUID. ``absTime`` has no zone."""
    at, finer = _at(alert, message)
    device, uuid = _device(alert), alert["UUID"]
    listed = [_fields(one) for one in root.iter() if _local(one) == "pictureInfo"][:MAX_PICTURES]
    names = [{name: one[name] for name in ("fileName", "type", "absTime") if name in one} for one in listed]
    flags = (*(() if at else (TIME_UNKNOWN,)), *(() if device else (DEVICE_UNKNOWN,)))
    return VideoEvent(
        device=device,
        event_at=at,
        event_at_text=finer,
        key=f"{uuid}|{alert.get('channelID', '')}|pictures|{','.join(one.get('fileName', '') for one in names)[:200]}",
        flags=flags,
        phase="pictures",
        object_id=uuid,
        more={"pictures": names},
    )


def _status(alert: dict[str, str], type_: str, message: Message) -> DeviceStatus:
    stamp, device = alert.get("dateTime"), _device(alert)
    at, finer = _at(alert, message)
    key = f"{device}|{type_}|{stamp}" if device and stamp else ""
    state = "alive" if type_.lower() in ("heartbeat", "videoloss") and alert.get("eventState") != "active" else type_
    return DeviceStatus(device=device, event_at=at, event_at_text=finer, key=key, state=state)


FORMAT = Format(
    name="hikvision",
    version=1,
    parse=parse,
    title="Hikvision 海康 ANPR (ISAPI EventNotificationAlert)",
    transports=("http", "mqtt"),
    makers="Hikvision 海康威视",
    key="UUID (of eight characters or more) and channelID, else device, dateTime, plate and line, else the bytes",
    time="dateTime with its offset",
    qos="HTTP push or alertStream; unsent alerts come again with isDataRetransmission",
    quality=quality(),
)
