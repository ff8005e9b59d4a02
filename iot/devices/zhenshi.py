"""Zhenshi (臻识) plate cameras: MQTT (plate in base64 of UTF-8) and HTTP push (plate in plain text).

MQTT wraps all in ``{id, sn, name, version, timestamp, payload:{type, body}}`` on ``device/{sn}/message/up/{name}``;
two older topic layouts exist (``{sn}/device/message/…`` and ``/device/message/…``). ``isoffline`` marks backfill.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    epoch,
    later,
    load_object,
    number,
    percent,
    plate_of,
    text,
    tidy,
    total,
    whole,
)
from iot.devices.manifest import Format, quality
from iot.events import REPLAYED, TIME_UNKNOWN, BarrierRead, CommandResult, DeviceStatus, LoopRead, PlateRead, Reading

TAKEN = 200
DIRECTIONS = {0: "unknown", 1: "left", 2: "right", 3: "up", 4: "down"}
COLOURS = {1: "blue", 2: "yellow", 3: "white", 4: "black", 5: "green", 6: "yellow_green"}


@total
def parse(message: Message) -> Parsed:
    """Plates, loop inputs, barrier positions and signs of life of one camera."""
    body = load_object(message.payload.strip(b"\0"))  # some firmware puts a NUL before its keep_alive
    if {"AlarmInfoPlate", "AlarmGioIn"} & body.keys():
        return (_pushed(body, message),)
    if "payload" not in body:
        raise Malformed("not_this_format", "neither AlarmInfoPlate, AlarmGioIn nor payload")
    payload = child(body, "payload")
    inner = child(payload, "body") or payload
    name = text(body, "name") or text(payload, "type") or (message.topic or "").rsplit("/", 1)[-1]
    if name == "ivs_result":
        return (_plate(child(inner, "AlarmInfoPlate") or inner, body, message, is_base64=True),)
    if name == "gpio_in":
        return (_gpio(child(inner, "AlarmGioIn") or inner, body, message),)
    if name == "barr_gate_status":
        return (_gate(inner, body, message),)
    if name == "keep_alive":
        return (DeviceStatus(**_common(body, message, _at(body)), state="alive"),)
    if (message.topic or "").endswith("/reply") or text(body, "code"):
        return (_reply(body, message, name, whole(body, "code") or whole(payload, "code")),)
    raise Malformed("unknown_type", name)


def _pushed(body: Mapping[str, Any], message: Message) -> Reading:
    """An HTTP push: no envelope, and the plate in plain text."""
    if "AlarmInfoPlate" in body:
        return _plate(child(body, "AlarmInfoPlate"), {}, message, is_base64=False)
    alarm = child(body, "AlarmGioIn")
    return _gpio(alarm, alarm, message)


def _reply(body: Mapping[str, Any], message: Message, name: str, code: int | None) -> Reading:
    """A reply to a command. To one to open, 200 means that it was taken, and nothing of what the barrier did."""
    common = _common(body, message, _at(body), command=name, code=code)
    if name != "gate_direct_open":
        return DeviceStatus(**common, state="command_reply")
    cmd_id = text(body, "id") or ""
    if code == TAKEN:
        return CommandResult(**common, cmd_id=cmd_id, result="accepted")
    return CommandResult(**common, cmd_id=cmd_id, result="refused", reason=f"code_{code}")


def _serial(body: Mapping[str, Any], message: Message) -> str | None:
    named = text(body, "sn") or text(body, "serialno")
    levels = (message.topic or "").split("/")
    if not named and len(levels) > 2 and "message" in levels:
        place = levels.index("message")
        named = levels[place - 1] if levels[place - 1] != "device" else levels[place - 2] or None
    return named


def _at(body: Mapping[str, Any]) -> datetime | None:
    seconds = number(body, "timestamp")
    return epoch(seconds) if seconds else None


def _common(body: Mapping[str, Any], message: Message, at: datetime | None, **more: Any) -> dict[str, Any]:
    serial = _serial(body, message)
    name, message_id = text(body, "name") or "", text(body, "id")
    key = "|".join((serial or "", name, message_id)) if message_id else ""
    kept = {key: value for key, value in more.items() if value is not None}
    return {
        "device": serial,
        "event_at": at,
        "key": key,
        "flags": () if at else (TIME_UNKNOWN,),
        "more": kept,
    }


def _license(result: Mapping[str, Any], *, is_base64: bool) -> str:
    raw = result.get("license") or ""
    if not isinstance(raw, str):
        raise Malformed("wrong_type", "license is not a text")
    if not is_base64 or not raw:
        return tidy(raw, "license")
    try:
        return tidy(base64.b64decode(raw, validate=True).decode("utf-8"), "license")
    except (binascii.Error, ValueError):
        raise Malformed("bad_base64", "license") from None


def _taken_at(result: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[datetime | None, str]:
    value = child(child(result, "timeStamp"), "Timeval")
    seconds, micros = whole(value, "sec"), whole(value, "usec") or 0
    if seconds is None:
        return _at(body), ""
    return later(epoch(float(seconds)), microseconds=micros), f"{seconds}.{micros:06d}"


def _plate(alarm: Mapping[str, Any], body: Mapping[str, Any], message: Message, *, is_base64: bool) -> Reading:
    result = child(child(alarm, "result"), "PlateResult")
    if "license" not in result:
        raise Malformed("field_missing", "result.PlateResult.license")
    serial = text(alarm, "serialno") or _serial(body, message)
    raw = _license(result, is_base64=is_base64)
    plate = plate_of(raw)
    at, stamp = _taken_at(result, body)
    channel, direction = text(alarm, "channel"), whole(result, "direction") or 0
    is_backfill = bool(whole(result, "isoffline") or whole(alarm, "isoffline") or whole(result, "is_offline"))
    unique = text(result, "unique_id") or text(body, "id")
    flags = ((REPLAYED,) if is_backfill else ()) + (() if at else (TIME_UNKNOWN,))
    rect = child(child(result, "location"), "RECT")
    return PlateRead(
        device=serial,
        event_at=at,
        key=f"{serial}|{unique}" if unique else f"{serial}|{channel}|{stamp}|{plate or raw}" if stamp else "",
        flags=flags,
        plate=plate,
        plate_raw=raw,
        unread=plate is None,
        confidence_pct=percent(number(result, "confidence")),
        direction=DIRECTIONS.get(direction, "unknown"),
        lane=channel,
        colour=COLOURS.get(whole(result, "colorType") or 0),
        trigger_code=whole(result, "triggerType"),
        box=tuple(whole(rect, side) or 0 for side in ("left", "top", "right", "bottom")) if rect else None,
        backfill=is_backfill,
        more={"image": text(result, "imagePath")} if text(result, "imagePath") else {},
    )


def _gpio(alarm: Mapping[str, Any], body: Mapping[str, Any], message: Message) -> Reading:
    result = child(child(alarm, "result") or alarm, "TriggerResult")
    source, value = whole(result, "source"), whole(result, "value")
    if source is None or value is None:
        raise Malformed("field_missing", "TriggerResult.source and value")
    names = message.profile.get("inputs") or {}
    loop = names.get(str(source), f"input_{source}") if isinstance(names, dict) else f"input_{source}"
    return LoopRead(**_common(body, message, _at(body)), loop=str(loop), is_occupied=bool(value))


def _gate(inner: Mapping[str, Any], body: Mapping[str, Any], message: Message) -> Reading:
    """The maker's position codes differ by firmware: the device's profile says what each means, else UNKNOWN."""
    code = text(inner, "gate_status")
    if code is None:
        raise Malformed("field_missing", "gate_status")
    states = message.profile.get("gate_status") or {}
    state = states.get(code, "UNKNOWN") if isinstance(states, dict) else "UNKNOWN"
    more = {"gate_status": code, "connect_status": text(inner, "connect_status")}
    return BarrierRead(**_common(body, message, _at(body), **more), state=str(state))


FORMAT = Format(
    name="zhenshi",
    version=1,
    parse=parse,
    title="Zhenshi 臻识 plate camera (MQTT, HTTP push)",
    transports=("mqtt", "http"),
    topics=(
        "device/{sn}/message/up/{ivs_result|keep_alive|gpio_in|barr_gate_status}",
        "{sn}/device/message/up/…",
        "/device/message/up/…",
    ),
    makers="Zhenshi 臻识 (Vzenith)",
    key="serial with unique_id or the envelope's id; HTTP push: serial, channel, time and plate",
    time="TriggerResult's Timeval in seconds and microseconds, else the envelope's Unix seconds",
    qos="QoS as the camera is set; keep_alive not retained",
    heartbeat_s=60,
    quality=quality(),
)
