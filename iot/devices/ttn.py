"""The Things Network and The Things Stack, v3: ``v3/{app}@{tenant}/devices/{device}/{up|join|…}`` in JSON.

The stack leaves out zero, false and empty fields, so an absent ``f_cnt`` is 0 here (unlike ChirpStack). Its MQTT has
QoS 0 only: the source is best effort and what was missed is fetched from its storage. A simulated uplink never opens.
"""

import base64
import binascii
from collections.abc import Mapping
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
from iot.events import BEST_EFFORT, REPLAYED, TIME_UNKNOWN, DeviceStatus, Fault, Reading, TemperatureRead

STATES = {
    "join_accept": "joined",
    "downlink_ack": "downlink_acknowledged",
    "downlink_nack": "downlink_refused",
    "downlink_sent": "downlink_sent",
    "downlink_queued": "downlink_queued",
    "downlink_failed": "downlink_failed",
    "location_solved": "location",
    "service_data": "service_data",
}


@total
def parse(message: Message) -> Parsed:
    """The reading of an uplink, or the step of the device's life that another message tells."""
    body = load_object(message.payload)
    ids = child(body, "end_device_ids")
    if "device_id" not in ids:
        raise Malformed("not_this_format", "end_device_ids.device_id is missing")
    device = (text(ids, "dev_eui") or required(ids, "device_id")).lower()
    if "uplink_message" in body:
        return (_up(body, device, message),)
    kind = next((name for name in STATES if name in body), None)
    if kind is None:
        raise Malformed("unknown_type", (message.topic or "").rsplit("/", 1)[-1][:40])
    common = _common(body, device)
    step = child(body, kind)
    session = text(step, "session_key_id") or next(iter(_texts(body, "correlation_ids")), "")
    common["key"] = f"{device}|{kind}|{session}|{whole(step, 'f_cnt') or 0}" if session else ""
    return (DeviceStatus(**common, state=STATES[kind], more={"dev_addr": text(ids, "dev_addr")}),)


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    return [one[:200] for one in items(body, name) if isinstance(one, str)]


def _common(body: Mapping[str, Any], device: str) -> dict[str, Any]:
    stamp = text(body, "received_at")
    at, finer = instant(stamp) if stamp else (None, None)
    flags = [BEST_EFFORT, *(() if at else (TIME_UNKNOWN,)), *((REPLAYED,) if flag(body, "simulated") else ())]
    return {"device": device, "event_at": at, "event_at_text": finer, "flags": tuple(flags)}


def _up(body: Mapping[str, Any], device: str, message: Message) -> Reading | Fault:
    uplink, common = child(body, "uplink_message"), _common(body, device)
    f_cnt = whole(uplink, "f_cnt") or 0
    session = text(uplink, "session_key_id")
    common["key"] = f"{device}|{session}|{f_cnt}" if session else ""
    try:
        raw = base64.b64decode(text(uplink, "frm_payload") or "", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("bad_base64", "frm_payload") from None
    heard = [one for one in items(uplink, "rx_metadata") if isinstance(one, dict)]
    best = max(heard, key=lambda one: number(one, "rssi") or -999, default={})
    more = {
        "f_port": whole(uplink, "f_port"),
        "f_cnt": f_cnt,
        "data_hex": raw.hex(),
        "rssi_dbm": whole(best, "rssi"),
        "snr_db": number(best, "snr"),
        "gateway": text(child(best, "gateway_ids"), "gateway_id"),
    }
    decoder = DECODERS.get(str(message.profile.get("decoder")))
    values = dict(decoder(raw)) if decoder else child(uplink, "decoded_payload")
    measured = climate(values)
    if measured is None:
        del common["flags"]
        fault = "no_known_value" if values else "no_decoder"
        return Fault(fault=fault, detail="kept raw", **common, more=more)
    temperature, humidity = measured
    return TemperatureRead(
        **common,
        temperature_mdegc=temperature,
        humidity_mpct=humidity,
        battery_pct=level_pct(values, "battery_pct"),
        more=more,
    )


FORMAT = Format(
    name="ttn",
    version=2,
    parse=parse,
    title="The Things Stack v3 (uplinks, joins, downlinks)",
    makers="The Things Industries, The Things Network",
    transports=("mqtt", "http"),
    topics=("v3/{app}@{tenant}/devices/{device}/up", "v3/{app}@{tenant}/devices/{device}/join"),
    key="dev_eui, session_key_id and f_cnt (absent is 0)",
    time="received_at in RFC 3339, nine decimals kept in text",
    qos="QoS 0 only, MQTT 3.1.1: best effort",
    is_best_effort=True,
    quality=quality(unread="no plates in this format", public_sample="none at hand; made from the maker's description"),
)
