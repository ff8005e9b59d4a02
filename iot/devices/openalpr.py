"""OpenALPR and Rekor Scout: ``alpr_group``, ``alpr_results`` and ``heartbeat`` by HTTP or a beanstalk queue.

A group is one vehicle and gives one plate; single frames (``alpr_results``) belong to a group that is still to come
and are shown as video events, so that no vehicle votes twice. The device is site_id/camera_id.
"""

from collections.abc import Mapping
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
)
from iot.devices.manifest import Format, quality
from iot.events import TIME_UNKNOWN, DeviceStatus, PlateRead, Reading, VideoEvent

MAX_CANDIDATES = 20
MAX_STREAMS = 100


@total
def parse(message: Message) -> Parsed:
    """The plate of a group, the plates of one frame, or an agent's sign of life."""
    body = load_object(message.payload)
    kind = text(body, "data_type")
    if kind is None:
        raise Malformed("not_this_format", "data_type is missing")
    reader = {"alpr_group": _group, "alpr_results": _frame, "heartbeat": _heartbeat}.get(kind)
    if reader is None:
        raise Malformed("unknown_type", kind[:40])
    return (reader(body),)


def _device(body: Mapping[str, Any]) -> str | None:
    site, camera = text(body, "site_id"), text(body, "camera_id")
    return f"{site}/{camera}" if site and camera else camera


def _common(body: Mapping[str, Any], stamp: str, key: str | None) -> dict[str, Any]:
    millis = number(body, stamp)
    at = epoch(millis) if millis else None
    return {"device": _device(body), "event_at": at, "flags": () if at else (TIME_UNKNOWN,), "key": key or ""}


def _group(body: Mapping[str, Any]) -> Reading:
    best = child(body, "best_plate")
    raw = text(best, "plate") or text(body, "best_plate_number") or ""
    plate = plate_of(raw)
    score = number(best, "confidence")
    key = text(body, "best_uuid") or next((one for one in items(body, "uuids") if isinstance(one, str)), None)
    others = items(best, "candidates") or items(body, "candidates")
    candidates = (text(one, "plate") for one in others[:MAX_CANDIDATES] if isinstance(one, dict))
    vehicle = child(body, "vehicle")
    more = {
        "region": text(best, "region") or text(body, "best_region"),
        "company_id": text(body, "company_id"),
        "travel_direction_deg": number(body, "travel_direction"),
        "is_parked": body.get("is_parked") if isinstance(body.get("is_parked"), bool) else None,
        "make": _likeliest(vehicle, "make"),
    }
    return PlateRead(
        **_common(body, "epoch_start", tidy(key, "best_uuid") if key else None),
        plate=plate,
        plate_raw=raw,
        unread=plate is None,
        confidence_pct=percent(number(body, "best_confidence") if score is None else score),
        colour=_likeliest(vehicle, "color"),
        vehicle_class=_likeliest(vehicle, "body_type"),
        candidates=tuple(plate_of(one) or "" for one in candidates if one),
        more={name: value for name, value in more.items() if value is not None},
    )


def _likeliest(vehicle: Mapping[str, Any], name: str) -> str | None:
    """The first of a list of guesses: the maker sends them by confidence, the best first."""
    guesses = [one for one in items(vehicle, name) if isinstance(one, dict)]
    return text(guesses[0], "name") if guesses else None


def _frame(body: Mapping[str, Any]) -> Reading:
    results = [one for one in items(body, "results")[:MAX_CANDIDATES] if isinstance(one, dict)]
    plates = [plate_of(text(one, "plate") or "") for one in results]
    return VideoEvent(
        **_common(body, "epoch_time", required(body, "uuid")),
        phase="frame",
        object_class="license_plate",
        more={"plates": [plate for plate in plates if plate]},
    )


def _heartbeat(body: Mapping[str, Any]) -> Reading:
    agent = required(body, "agent_uid")
    common = _common(body, "timestamp", None)
    common["device"] = common["device"] or agent
    streams = [one for one in items(body, "video_streams")[:MAX_STREAMS] if isinstance(one, dict)]
    silent = [text(one, "camera_id") for one in streams if one.get("is_streaming") is False]
    common["key"] = f"{agent}|heartbeat|{text(body, 'timestamp')}" if common["event_at"] else ""
    return DeviceStatus(
        **common, state="alive", more={"agent": agent, "cameras": len(streams), "silent_cameras": silent}
    )


FORMAT = Format(
    name="openalpr",
    version=1,
    parse=parse,
    title="OpenALPR, Rekor Scout (alpr_group, heartbeat)",
    makers="OpenALPR, Rekor",
    transports=("http",),
    key="best_uuid of the group, uuid of a frame, agent and time of a heartbeat",
    time="epoch_start in milliseconds",
    qos="HTTP push from the agent's own queue, repeated until it is answered",
    heartbeat_s=60,
    quality=quality(
        backfill="the agent's queue marks nothing; a late one is flagged by its time",
        retained="HTTP only",
        public_sample="none at hand; made from the maker's description",
    ),
)
