"""Plate Recognizer Stream: webhook ``{hook, data{results[]}}``; several results give several readings."""

from collections.abc import Iterator, Mapping
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
    total,
    whole,
)
from iot.devices.manifest import Format, quality
from iot.events import DIRECTIONS, Fault, PlateRead, Reading

SIDES = ("xmin", "ymin", "xmax", "ymax")


@total
def parse(message: Message) -> Parsed:
    """A plate for each result. ``timestamp`` counts, not ``timestamp_local``, which may lack its zone."""
    body = load_object(message.payload)
    if "hook" not in body or "data" not in body:
        raise Malformed("not_this_format", "hook or data is missing")
    data = child(body, "data")
    return tuple(_each(data))


def _each(data: Mapping[str, Any]) -> Iterator[Reading | Fault]:
    for result in items(data, "results"):
        try:
            if not isinstance(result, dict):
                raise Malformed("wrong_type", "a result is not an object")
            yield _plate(data, result)
        except Malformed as why:
            yield Fault(fault=why.code, detail=why.detail, device=text(data, "camera_id"))


def _plate(data: Mapping[str, Any], result: Mapping[str, Any]) -> PlateRead:
    camera, stamp = required(data, "camera_id"), required(data, "timestamp")
    at, finer = instant(stamp)
    raw = text(result, "plate") or ""
    plate, box, vehicle = plate_of(raw), child(result, "box"), child(result, "vehicle")
    direction = (text(result, "direction") or "unknown").lower()
    candidates = (text(one, "plate") for one in items(result, "candidates")[:20] if isinstance(one, dict))
    return PlateRead(
        device=camera,
        event_at=at,
        event_at_text=finer,
        key=f"{camera}|{stamp}|{plate or raw}",
        plate=plate,
        plate_raw=raw,
        unread=plate is None,
        confidence_pct=percent(number(result, "score"), 1.0),
        direction=direction if direction in DIRECTIONS else "unknown",
        vehicle_class=text(vehicle, "type"),
        candidates=tuple(plate_of(one) or "" for one in candidates if one),
        box=tuple(whole(box, side) or 0 for side in SIDES) if box else None,
        more={"region": text(child(result, "region"), "code")},
    )


FORMAT = Format(
    name="platerecognizer",
    version=1,
    parse=parse,
    title="Plate Recognizer Stream (webhook)",
    transports=("http",),
    makers="Plate Recognizer",
    key="camera, timestamp and plate",
    time="timestamp in UTC; timestamp_local is not read",
    qos="webhook, repeated until it is answered",
    quality=quality(
        backfill="a webhook that is repeated is the same reading; a late one is flagged by its time",
        retained="HTTP only",
    ),
)
