"""Frigate (0.16): events, tracked object updates, triggers, reviews and availability over MQTT.

One object is sent as new, update and end under one id, and a plate may be revised under it: all are readings, none
overwrites another. A PlateRead comes from ``lpr`` updates and from events whose label is a vehicle, from nothing else.
Frigate publishes with QoS 0 by default, so the source is best effort.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    epoch,
    items,
    load_object,
    number,
    percent,
    plate_of,
    required,
    text,
    tidy,
    total,
    whole,
)
from iot.devices.manifest import Format, quality
from iot.events import (
    BEST_EFFORT,
    DEVICE_UNKNOWN,
    TIME_UNKNOWN,
    DeviceStatus,
    PlateRead,
    Reading,
    VideoEvent,
)

VEHICLES = frozenset({"car", "truck", "bus", "motorcycle", "license_plate", "van", "trailer"})
AVAILABLE = ("online", "stopped", "offline")


@total
def parse(message: Message) -> Parsed:
    """Readings of one message; without a topic the shape of the body tells its kind."""
    leaf = (message.topic or "").rsplit("/", 1)[-1]
    if leaf == "available":
        return (_available(message),)
    body = load_object(message.payload)
    if leaf == "reviews" or "severity" in child(body, "after"):
        return (_review(body),)
    if leaf == "events" or "after" in body:
        return _event(body)
    if leaf == "triggers" or {"name", "camera", "event_id"} <= body.keys():
        return (_trigger(body),)
    reader = UPDATES.get(str(body.get("type")))
    if reader is None or (message.topic is not None and leaf != "tracked_object_update"):
        raise Malformed("unknown_type", str(body.get("type"))[:40])
    return (reader(body),)


def _flags(device: str | None, at: datetime | None) -> tuple[str, ...]:
    known = ((DEVICE_UNKNOWN,) if not device else ()) + ((TIME_UNKNOWN,) if not at else ())
    return (BEST_EFFORT, *known)


def _time(node: Mapping[str, Any], name: str) -> datetime | None:
    seconds = number(node, name)
    return epoch(seconds) if seconds is not None else None


def _stamp(node: Mapping[str, Any], name: str) -> str:
    seconds = number(node, name)
    return f"{seconds:.6f}" if seconds is not None else ""


def _common(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    device, at = text(body, "camera"), _time(body, "timestamp")
    return {"device": device, "event_at": at, "flags": _flags(device, at), "key": key if at else ""}


def _label(value: Any) -> tuple[str | None, float | None]:
    """A sub-label is null, a text, or a text with its score."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        score = number({"score": value[1]}, "score") if len(value) > 1 else None
        return tidy(value[0], "sub_label"), score
    return (tidy(value, "sub_label"), None) if isinstance(value, str) else (None, None)


def _event(body: Mapping[str, Any]) -> Parsed:
    phase, after = required(body, "type"), child(body, "after")
    if phase not in ("new", "update", "end"):
        raise Malformed("unknown_type", phase)
    object_id, camera = required(after, "id"), required(after, "camera")
    at, label = _time(after, "frame_time"), text(after, "label")
    sub_label, sub_score = _label(after.get("sub_label"))
    raw, score = _event_plate(after)
    key = f"{object_id}|{phase}|{_stamp(after, 'frame_time')}"
    seen = VideoEvent(
        device=camera,
        event_at=at,
        flags=_flags(camera, at),
        key=key,
        phase=phase,
        object_id=object_id,
        object_class=label,
        sub_label=sub_label,
        sub_label_score=sub_score,
        zones=tuple(tidy(str(zone), "zones") for zone in items(after, "entered_zones")[:50]),
        score=number(after, "score"),
        started_at=_time(after, "start_time"),
        ended_at=_time(after, "end_time"),
        more={"plate": plate_of(raw), "plate_confidence_pct": percent(score, 1.0)} if raw else {},
    )
    if not raw or label not in VEHICLES:
        return (seen,)
    return seen, _plate(seen, raw, score, f"{key}|plate")


def _event_plate(after: Mapping[str, Any]) -> tuple[str, float | None]:
    """The plate attribute is a text, or since 0.16 a text with its score."""
    value = after.get("recognized_license_plate")
    raw, beside = _label(value)
    return raw or "", number(after, "recognized_license_plate_score") if beside is None else beside


def _plate(seen: VideoEvent, raw: str, score: float | None, key: str) -> PlateRead:
    plate = plate_of(raw)
    return PlateRead(
        device=seen.device,
        event_at=seen.event_at,
        flags=seen.flags,
        key=key,
        plate=plate,
        plate_raw=raw,
        unread=plate is None,
        confidence_pct=percent(score, 1.0),
        vehicle_class=seen.object_class,
        object_id=seen.object_id,
    )


def _lpr(body: Mapping[str, Any]) -> Reading:
    raw, object_id = text(body, "plate") or "", required(body, "id")
    box = items(body, "plate_box")
    plate = plate_of(raw)
    return PlateRead(
        **_common(body, f"{object_id}|{_stamp(body, 'timestamp')}|{plate or raw}"),
        plate=plate,
        plate_raw=raw,
        unread=plate is None,
        confidence_pct=percent(number(body, "score"), 1.0),
        known_as=text(body, "name"),
        object_id=object_id,
        box=tuple(whole({"side": side}, "side") or 0 for side in box[:4]) if box else None,
    )


def _classification(body: Mapping[str, Any]) -> Reading:
    object_id, model = required(body, "id"), required(body, "model")
    more = {"model": model, "attribute": text(body, "attribute")}
    return VideoEvent(
        **_common(body, f"{object_id}|classification|{model}|{_stamp(body, 'timestamp')}"),
        phase="classification",
        object_id=object_id,
        sub_label=text(body, "sub_label"),
        score=number(body, "score"),
        more={name: value for name, value in more.items() if value},
    )


def _description(body: Mapping[str, Any]) -> Reading:
    more = {"description": required({"d": str(body.get("description") or "")[:500]}, "d")}
    return VideoEvent(**_common(body, ""), phase="description", object_id=required(body, "id"), more=more)


def _face(body: Mapping[str, Any]) -> Reading:
    return VideoEvent(
        **_common(body, f"{required(body, 'id')}|face|{_stamp(body, 'timestamp')}"),
        phase="face",
        object_id=required(body, "id"),
        sub_label=text(body, "name"),
        score=number(body, "score"),
    )


def _trigger(body: Mapping[str, Any]) -> Reading:
    device = required(body, "camera")
    return VideoEvent(
        device=device,
        flags=_flags(device, None),
        phase="trigger",
        object_id=text(body, "event_id"),
        score=number(body, "score"),
        more={"trigger": required(body, "name"), "trigger_type": text(body, "type")},
    )


def _review(body: Mapping[str, Any]) -> Reading:
    """A review is told again under its id as it grows; it has no frame time, so its bytes are its key."""
    after, data = child(body, "after"), child(child(body, "after"), "data")
    required(after, "id")
    device, at = required(after, "camera"), _time(after, "end_time") or _time(after, "start_time")
    return VideoEvent(
        device=device,
        event_at=at,
        flags=_flags(device, at),
        phase=f"review_{required(body, 'type')}",
        object_id=text(after, "id"),
        zones=tuple(tidy(str(zone), "zones") for zone in items(data, "zones")[:50]),
        started_at=_time(after, "start_time"),
        ended_at=_time(after, "end_time"),
        more={
            "severity": text(after, "severity"),
            "objects": [str(one)[:80] for one in items(data, "objects")[:50]],
            "sub_labels": [str(one)[:80] for one in items(data, "sub_labels")[:50]],
        },
    )


def _available(message: Message) -> Reading:
    state = message.payload.decode("utf-8", "replace").strip().strip('"')
    if state not in AVAILABLE:
        raise Malformed("unknown_state", state[:40])
    return DeviceStatus(state=state, flags=(BEST_EFFORT, DEVICE_UNKNOWN, TIME_UNKNOWN))


UPDATES: Mapping[str, Callable[[Mapping[str, Any]], Reading]] = {
    "lpr": _lpr,
    "classification": _classification,
    "description": _description,
    "face": _face,
}

FORMAT = Format(
    name="frigate",
    version=1,
    parse=parse,
    title="Frigate (events, updates, triggers, reviews)",
    transports=("mqtt",),
    topics=(
        "frigate/events",
        "frigate/tracked_object_update",
        "frigate/triggers",
        "frigate/reviews",
        "frigate/available",
    ),
    repeats_on=("available",),
    is_best_effort=True,
    makers="Frigate",
    key="events: id, type, frame time; plates: id, time, plate; classifications: id, model, time; others the bytes",
    time="frame_time, timestamp or start_time in epoch seconds",
    qos="QoS 0 by default and a clean session: best effort",
    quality=quality(backfill="sends nothing later"),
)
