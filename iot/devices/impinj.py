"""Impinj R700: tagInventory events by HTTP stream or MQTT, one JSON object a line.

``epc`` is base64 unless ``epcHex`` is switched on; RSSI is hundredths of dBm. The TID, when read, is the identity: an
EPC can be rewritten.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    instant,
    load_object,
    required,
    text,
    total,
    whole,
)
from iot.devices.manifest import Format, quality
from iot.events import DEVICE_UNKNOWN, DeviceStatus, Fault, Reading, TagRead


@total
def parse(message: Message) -> Parsed:
    """A reading for each line of the stream."""
    lines = [line for line in message.payload.splitlines() if line.strip()]
    if not lines or b'"eventType"' not in message.payload:
        return (_event(load_object(message.payload)),)
    if lines[0].strip() == b"{":  # one object written over several lines
        lines = [message.payload]
    return tuple(_each(lines))


def _each(lines: list[bytes]) -> Iterator[Reading | Fault]:
    for line in lines:
        try:
            yield _event(load_object(line))
        except Malformed as why:
            yield Fault(fault=why.code, detail=why.detail)


def _event(body: Mapping[str, Any]) -> Reading:
    type_ = text(body, "eventType")
    if type_ is None:
        raise Malformed("not_this_format", "eventType is missing")
    device = text(body, "hostname")
    stamp = required(body, "timestamp")
    at, finer = instant(stamp)
    common: dict[str, Any] = {
        "device": device,
        "event_at": at,
        "event_at_text": finer,
        "flags": () if device else (DEVICE_UNKNOWN,),
    }
    if type_ == "tagInventory":
        return _tag(child(body, "tagInventoryEvent"), common, stamp)
    if type_ in ("inventoryStatus", "heartbeat", "gpi", "antennaConnected", "antennaDisconnected"):
        return DeviceStatus(**common, state=type_)
    raise Malformed("unknown_type", type_)


def _hex(node: Mapping[str, Any], plain: str, encoded: str) -> str | None:
    given = text(node, plain)
    if given:
        try:
            return bytes.fromhex(given).hex().upper()
        except ValueError:
            raise Malformed("bad_hex", plain) from None
    given = text(node, encoded)
    if not given:
        return None
    try:
        return base64.b64decode(given, altchars=b"-_" if set(given) & set("-_") else None, validate=True).hex().upper()
    except (binascii.Error, ValueError):
        raise Malformed("bad_base64", encoded) from None


def _tag(event: Mapping[str, Any], common: Mapping[str, Any], stamp: str) -> Reading:
    epc, tid = _hex(event, "epcHex", "epc"), _hex(event, "tidHex", "tid")
    if not epc and not tid:
        raise Malformed("field_missing", "epc")
    antenna = whole(event, "antennaPort")
    key = "|".join(str(part) for part in (common["device"], tid, epc, antenna, stamp) if part is not None)
    return TagRead(
        **common, key=key, epc=epc, tid=tid, antenna=antenna, rssi_cdbm=whole(event, "peakRssiCdbm"), count=1
    )


FORMAT = Format(
    name="impinj",
    version=1,
    parse=parse,
    title="Impinj R700 (tagInventory)",
    transports=("http", "mqtt"),
    makers="Impinj",
    key="hostname, TID, EPC, antenna and timestamp",
    time="timestamp in UTC",
    qos="HTTP stream or MQTT with the QoS that is set",
    quality=quality(
        backfill="the reader marks none; a late one is flagged by its time", unread="no plates in this format"
    ),
)
