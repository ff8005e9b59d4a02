"""ChirpStack 4: integration events ``application/{app}/device/{devEui}/event/{type}`` in JSON.

An uplink has an ``object`` only where a codec is set. Without one the uplink is the fault ``no_decoder`` and stays raw;
a device's profile may name one of :data:`iot.devices.base.DECODERS` instead. ``f_cnt`` is not 0 when it is absent.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from iot.devices.base import (
    DECODERS,
    Malformed,
    Message,
    Parsed,
    child,
    climate,
    flag,
    instant,
    items,
    level_pct,
    load_object,
    number,
    required,
    text,
    total,
    whole,
)
from iot.devices.manifest import Format, quality
from iot.events import TIME_UNKNOWN, DeviceStatus, Fault, TemperatureRead


@total
def parse(message: Message) -> Parsed:
    """The reading or the step of the device's life that one event tells."""
    body = load_object(message.payload)
    info = child(body, "deviceInfo")
    if "devEui" not in info:
        raise Malformed("not_this_format", "deviceInfo.devEui is missing")
    kind = (message.topic or "").rsplit("/", 1)[-1] if message.topic else _guess(body)
    if kind == "up":
        return (_up(body, message),)
    reader = STATES.get(kind)
    if reader is None:
        raise Malformed("unknown_type", kind[:40])
    state, more = reader(body)
    kept = {name: value for name, value in more.items() if value is not None}
    battery = kept.pop("battery_pct", None)
    return (DeviceStatus(**_common(body, kind), state=state, battery_pct=battery, more=kept),)


def _guess(body: Mapping[str, Any]) -> str:
    """The event's type by the fields that only it has, for files without their topic."""
    marks = (
        ("integrationName", "integration"),
        ("acknowledged", "ack"),
        ("downlinkId", "txack"),
        ("margin", "status"),
        ("location", "location"),
        ("level", "log"),
        ("fPort", "up"),
        ("rxInfo", "up"),
        ("devAddr", "join"),
    )
    return next((kind for mark, kind in marks if mark in body), "unknown")


def _common(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    device = required(child(body, "deviceInfo"), "devEui").lower()
    stamp = text(body, "time")
    at, finer = instant(stamp) if stamp else (None, None)
    key = text(body, "deduplicationId") or ""
    if kind == "txack":
        key = f"{device}|txack|{required(body, 'downlinkId')}"
    if kind == "log":
        context = text(child(body, "context"), "deduplication_id")
        key = f"{device}|log|{context}" if context else ""
    return {
        "device": device,
        "event_at": at,
        "event_at_text": finer,
        "key": key,
        "flags": () if at else (TIME_UNKNOWN,),
    }


def _radio(body: Mapping[str, Any]) -> dict[str, Any]:
    """The strongest reception."""
    heard = [one for one in items(body, "rxInfo") if isinstance(one, dict)]
    best = max(heard, key=lambda one: number(one, "rssi") or -999, default={})
    return {
        "rssi_dbm": whole(best, "rssi"),
        "snr_db": number(best, "snr"),
        "gateway": text(best, "gatewayId"),
    }


def _up(body: Mapping[str, Any], message: Message) -> TemperatureRead | Fault:
    common = _common(body, "up")
    try:
        raw = base64.b64decode(text(body, "data") or "", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("bad_base64", "data") from None
    more = {
        "f_port": whole(body, "fPort"),
        "f_cnt": whole(body, "fCnt"),
        "data_hex": raw.hex(),
        **_radio(body),
    }
    decoder = DECODERS.get(str(message.profile.get("decoder")))
    values = dict(decoder(raw)) if decoder else child(body, "object")
    measured = climate(values)
    if measured is None:
        del common["flags"]
        fault = "no_decoder" if not values else "no_known_value"
        return Fault(fault=fault, detail="kept raw", **common, more=more)
    temperature, humidity = measured
    return TemperatureRead(
        **common,
        temperature_mdegc=temperature,
        humidity_mpct=humidity,
        battery_pct=level_pct(values, "battery_pct"),
        more=more,
    )


State = tuple[str, dict[str, Any]]


def _join(body: Mapping[str, Any]) -> State:
    return "joined", {"dev_addr": text(body, "devAddr")}


def _ack(body: Mapping[str, Any]) -> State:
    more = {
        "acknowledged": flag(body, "acknowledged"),
        "f_cnt_down": whole(body, "fCntDown"),
        "queue_item_id": text(body, "queueItemId"),
    }
    return "downlink_acknowledged", more


def _txack(body: Mapping[str, Any]) -> State:
    more = {
        "f_cnt_down": whole(body, "fCntDown"),
        "gateway": text(body, "gatewayId"),
        "queue_item_id": text(body, "queueItemId"),
    }
    return "downlink_sent", more


def _battery(body: Mapping[str, Any]) -> State:
    level = number(body, "batteryLevel")
    more = {"battery_pct": None if level is None else round(level), "margin_db": whole(body, "margin")}
    return "status", more


def _integration(body: Mapping[str, Any]) -> State:
    return "integration", {"integration": text(body, "integrationName"), "event": text(body, "eventType")}


def _log(body: Mapping[str, Any]) -> State:
    return "log", {
        "level": text(body, "level"),
        "code": text(body, "code"),
        "description": text(body, "description"),
    }


def _location(body: Mapping[str, Any]) -> State:
    place = child(body, "location")
    return "location", {
        "lat_deg": number(place, "latitude"),
        "lon_deg": number(place, "longitude"),
        "alt_m": number(place, "altitude"),
    }


STATES: Mapping[str, Callable[[Mapping[str, Any]], State]] = {
    "join": _join,
    "ack": _ack,
    "txack": _txack,
    "status": _battery,
    "integration": _integration,
    "log": _log,
    "location": _location,
}

FORMAT = Format(
    name="chirpstack",
    version=2,
    parse=parse,
    title="ChirpStack 4 (LoRaWAN integration events)",
    transports=("mqtt", "http"),
    topics=("application/{app}/device/{devEui}/event/{type}",),
    makers="ChirpStack",
    key="deduplicationId; txack: devEui and downlinkId; log: devEui and its context",
    time="time in RFC 3339, nine decimals kept in text",
    qos="as the integration is set, not retained",
    quality=quality(
        backfill="an uplink that a gateway held back is flagged by its time", unread="no plates in this format"
    ),
)
