"""Dahua ITC cameras: eventManager attach (multipart) and RPC2 ``client.notifyEventStream``; code TrafficJunction.

``UTC`` is local wall time written as an epoch and is never used as such: the instant is ``RealUTC`` plus ``UTCMS``;
without RealUTC the local time counts in the zone of the device's profile (key ``time_zone``), else it is unknown.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    epoch,
    instant,
    items,
    later,
    load_json,
    load_object,
    number,
    percent,
    plate_of,
    text,
    tidy,
    total,
    whole,
    zone_of,
)
from iot.devices.manifest import Format, quality
from iot.events import TIME_UNKNOWN, DeviceStatus, Fault, PlateRead, Reading

JUNCTION = {"Obverse": "toward", "Reverse": "away"}
DRIVING = {"Approach": "toward", "Leave": "away"}
PLATE_CODES = ("TrafficJunction", "TrafficTollGate", "TrafficSnapshot", "TrafficManualSnap")
_PART = re.compile(r"Code=(\w+);action=(\w+);index=(\d+)(?:;data=(\{.*\}))?", re.DOTALL)


@total
def parse(message: Message) -> Parsed:
    """One reading for each plate event of an RPC2 message or of the attach stream's parts."""
    if re.match(rb"\s*(--\S+|Code=|HTTP/|Content-)", message.payload):
        return tuple(_each(_attached(message.payload), message))
    body = load_object(message.payload)
    if body.get("method") == "client.notifyEventStream":
        events = items(child(body, "params"), "eventList")
    elif "Code" in body and "Data" in body:
        events = [body]
    else:
        raise Malformed("not_this_format", "neither notifyEventStream nor Code and Data")
    return tuple(_each(events, message))


def _attached(payload: bytes) -> Iterator[dict[str, Any] | Malformed]:
    """The events of an attach stream. Parts may lack Content-Length and may break lines with a bare LF."""
    stream = payload.decode("utf-8", "replace")
    for part in re.split(r"(?m)^--\S+\s*$", stream):
        found = _PART.search(part)
        if found is None:
            continue
        code, action, index, data = found.groups()
        try:
            read = load_json(data.encode()) if data else {}
        except Malformed as why:
            yield why
            continue
        yield {"Code": code, "Action": action, "Index": int(index[:9]), "Data": read}


def _each(events: Any, message: Message) -> Iterator[Reading | Fault]:
    for event in events:
        try:
            if isinstance(event, Malformed):
                raise event
            if not isinstance(event, dict):
                raise Malformed("wrong_type", "an event is not an object")
            yield _event(event, message)
        except Malformed as why:
            yield Fault(fault=why.code, detail=why.detail)


def _event(event: Mapping[str, Any], message: Message) -> Reading:
    data = child(event, "Data")
    code = text(event, "Code") or text(data, "Code") or ""
    if code in PLATE_CODES:
        return _plate(data, message)
    if code in ("Heartbeat", "TimeChange", "NTPAdjustTime", "VideoLoss", "Reboot"):
        return DeviceStatus(device=text(data, "MachineName"), state=code, flags=(TIME_UNKNOWN,))
    raise Malformed("unknown_type", code or "no Code")


def _at(data: Mapping[str, Any], message: Message) -> tuple[datetime | None, str | None]:
    seconds = whole(data, "RealUTC")
    if seconds:
        return later(epoch(float(seconds)), milliseconds=whole(data, "UTCMS") or 0), None
    local, zone = text(data, "LocaleTime"), zone_of(message.profile)
    if local and zone:
        at, _ = instant(local, zone)
        return later(at, milliseconds=whole(data, "UTCMS") or 0), None
    return None, None


def _direction(data: Mapping[str, Any], car: Mapping[str, Any]) -> tuple[str, bool]:
    driving = items(car, "DrivingDirection")
    by_driving = DRIVING.get(str(driving[0])) if driving else None
    by_junction = JUNCTION.get(text(data, "JunctionDirection") or "")
    conflict = bool(by_driving and by_junction and by_driving != by_junction)
    return by_junction or by_driving or "unknown", conflict


def _raw_plate(data: Mapping[str, Any], car: Mapping[str, Any]) -> str:
    plate = child(child(data, "NonMotor"), "Plate")
    found = text(car, "PlateNumber") or text(child(data, "Object"), "Text") or text(plate, "Text") or ""
    return tidy(found, "plate")


def _vehicle_class(data: Mapping[str, Any]) -> str | None:
    for part in ("Vehicle", "NonMotor"):
        found = text(child(data, part), "Category")
        if found and found not in ("Unknown", "unknown"):
            return found
    return None


def _lane(numbered: str | None, message: Message) -> str | None:
    """Lane numbers start where the site says: the profile's ``lanes`` names each number that the camera counts."""
    names = message.profile.get("lanes")
    return str(names.get(numbered, numbered)) if isinstance(names, dict) and numbered else numbered


def _plate(data: Mapping[str, Any], message: Message) -> Reading:
    car = child(data, "TrafficCar")
    if not car and "EventSeq" not in data and "GroupID" not in data:
        raise Malformed("field_missing", "TrafficCar")
    raw = _raw_plate(data, car)
    plate, device = plate_of(raw), text(car, "MachineName")
    at, finer = _at(data, message)
    direction, conflict = _direction(data, car)
    parts = [device or ""] + [text(data, name) or "" for name in ("EventSeq", "GroupID", "IndexInGroup", "RealUTC")]
    known = number(child(data, "Object"), "Confidence")
    return PlateRead(
        device=device,
        event_at=at,
        event_at_text=finer,
        key="|".join(parts) if device and text(data, "EventSeq") else "",
        flags=() if at else (TIME_UNKNOWN,),
        plate=plate,
        plate_raw=raw,
        unread=plate is None,
        confidence_pct=percent(known, 255.0) if plate else None,
        direction=direction,
        direction_conflict=conflict,
        lane=_lane(text(data, "Lane") or text(car, "Lane"), message),
        colour=text(car, "PlateColor"),
        vehicle_class=_vehicle_class(data),
        more={"snap_category": text(child(data, "CommInfo"), "SnapCategory")},
    )


FORMAT = Format(
    name="dahua",
    version=1,
    parse=parse,
    title="Dahua 大华 ITC (TrafficJunction)",
    transports=("http",),
    makers="Dahua 大华",
    key="MachineName, EventSeq, GroupID, IndexInGroup and RealUTC",
    time="RealUTC and UTCMS; without it LocaleTime in the profile's time_zone, else unknown",
    qos="HTTP pull (attach) or RPC2 stream; what passes while nobody is attached is lost",
    is_best_effort=True,
    quality=quality(
        backfill="the maker marks none in these events; a late one is flagged by its time", retained="HTTP only"
    ),
)
