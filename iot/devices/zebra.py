"""Zebra readers: RFD40/RFD90 (``{tenant}/DATA/clients/data1event/{serial}``) and fixed FX readers with IoT Connector.

The maker calls the stream a statistical view of the tags, not a log of each read: the source is best effort, and the
numbers of its events (``eventNum``) show what is missing. RSSI is in dBm, ours in hundredths.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    instant,
    load_json,
    number,
    required,
    text,
    total,
    whole,
)
from iot.devices.manifest import Compared, Format, quality
from iot.events import BEST_EFFORT, DEVICE_UNKNOWN, TIME_UNKNOWN, DeviceStatus, Fault, Reading, TagRead

EPCS = ("idHex", "epcHex", "EPC", "epc", "epcId")
TIDS = ("TID", "tid", "tidHex")
RSSIS = ("peakRssi", "RSSI", "rssi", "peakRSSI")
COUNTS = ("reads", "seenCount", "tagSeenCount")
MAX_RECORDS = 2000
MAX_READERS = 200
LATE_SPAN = 1000
MAX_RSSI = 1000


@total
def parse(message: Message) -> Parsed:
    """A reading for each tag record; heartbeats and alerts are statuses."""
    body = load_json(message.payload)
    events = body if isinstance(body, list) else [body]
    if not events or len(events) > MAX_RECORDS:
        raise Malformed("nothing_in_it" if not events else "too_long", f"{len(events)} events")
    if len(events) == 1:
        return tuple(_event(events[0], message))
    return tuple(result for event in events for result in _each(event, message))


def _each(event: Any, message: Message) -> Iterator[Reading | Fault]:
    """One of several events: what is wrong with it is a fault of its own, and costs the others nothing."""
    try:
        yield from _event(event, message)
    except Malformed as why:
        yield Fault(fault=why.code, detail=why.detail)


def _event(event: Any, message: Message) -> Iterator[Reading | Fault]:
    if not isinstance(event, dict):
        raise Malformed("not_an_object", type(event).__name__)
    serial = text(event, "deviceSerialNumber") or text(event, "serial") or _serial(message.topic)
    kind, data = text(event, "type") or text(event, "eventType") or "", event.get("data")
    if _is_heartbeat(event, kind, message.topic):
        yield DeviceStatus(**_common(event, serial), state="alive")
        return
    if not isinstance(data, dict) or not ({"tagData", "barcodeData", "eventNum"} & data.keys()):
        raise Malformed("not_this_format", "no tag data")
    records = data.get("tagData", [data] if "eventNum" in data else [])
    if not isinstance(records, list) or len(records) > MAX_RECORDS:
        raise Malformed("wrong_type", "tagData is not a list of records")
    for record in records:
        try:
            if not isinstance(record, dict):
                raise Malformed("wrong_type", "a tag record is not an object")
            yield _tag(record, event, serial)
        except Malformed as why:
            yield Fault(fault=why.code, detail=why.detail, device=serial)
    if not records:
        yield DeviceStatus(**_common(event, serial), state="barcodes" if data.get("barcodeData") else "no_tags")


def _serial(topic: str | None) -> str | None:
    levels = (topic or "").split("/")
    return levels[-1] if len(levels) > 3 and "clients" in levels and levels[-1] else None


def _is_heartbeat(event: Mapping[str, Any], kind: str, topic: str | None) -> bool:
    named = "heartbeatevt" in (one.lower() for one in (kind, *list(event)[:20]))
    return named or "heartBeatEVT" in (topic or "")


def _common(event: Mapping[str, Any], serial: str | None) -> dict[str, Any]:
    stamp = text(event, "timestamp")
    at, finer = instant(stamp) if stamp else (None, None)
    flags = (BEST_EFFORT, *(() if at else (TIME_UNKNOWN,)), *(() if serial else (DEVICE_UNKNOWN,)))
    return {"device": serial, "event_at": at, "event_at_text": finer, "flags": flags}


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := text(record, name)) is not None), None)


def _hex(given: str | None, name: str) -> str | None:
    if given is None:
        return None
    try:
        return bytes.fromhex(given).hex().upper()
    except ValueError:
        raise Malformed("bad_hex", name) from None


def _tag(record: Mapping[str, Any], event: Mapping[str, Any], serial: str | None) -> Reading:
    event_num = whole(record, "eventNum")
    if event_num is None:
        raise Malformed("field_missing", "eventNum")
    epc, tid = _hex(_first(record, EPCS), "EPC"), _hex(_first(record, TIDS), "TID")
    if not epc and not tid:
        raise Malformed("field_missing", "EPC")
    rssi = next((found for name in RSSIS if (found := number(record, name)) is not None), None)
    if rssi is not None and abs(rssi) > MAX_RSSI:
        raise Malformed("wrong_type", "RSSI is beyond any reader")
    count = _first(record, COUNTS)
    stamp = required(event, "timestamp") if event.get("timestamp") else ""
    return TagRead(
        **_common(event, serial),
        key=f"{serial}|{event_num}|{stamp}" if serial else "",
        epc=epc,
        tid=tid,
        antenna=whole(record, "antenna"),
        rssi_cdbm=None if rssi is None else round(rssi * 100),
        count=whole({"count": count}, "count") if count else 1,
        more={"event_num": event_num},
    )


def compare(message: Message, results: Parsed, memory: Mapping[str, Any]) -> Compared:  # noqa: ARG001
    """What the numbers say is missing. A number far below the last is a new start of the reader, and no gap."""
    last = dict(memory)
    gaps: list[Reading] = []
    for one in results:
        number_ = one.more.get("event_num") if isinstance(one, TagRead) else None
        if number_ is None or not one.device:
            continue
        before = last.get(one.device)
        if isinstance(before, int) and 1 < number_ <= before < number_ + LATE_SPAN:
            continue  # it comes late or again
        if isinstance(before, int) and number_ > before + 1:
            more = {"missing_from": before + 1, "missing_to": number_ - 1}
            gaps.append(
                DeviceStatus(device=one.device, event_at=one.event_at, flags=(BEST_EFFORT,), state="gap", more=more)
            )
        last[one.device] = number_
    return Compared(results=(*results, *gaps), memory=dict(list(last.items())[-MAX_READERS:]))


FORMAT = Format(
    name="zebra",
    version=2,
    parse=parse,
    title="Zebra RFD40/RFD90 and FX readers (IoT Connector)",
    makers="Zebra",
    transports=("mqtt", "http"),
    topics=("{tenant}/DATA/clients/data1event/{serial}",),
    key="serial, eventNum and timestamp",
    time="timestamp of the envelope",
    qos="QoS 0 or 1, not retained, at most 6,144 bytes; a statistical view by the maker's own words",
    is_best_effort=True,
    compare=compare,
    quality=quality(
        backfill="the reader marks none; a late one is flagged by its time",
        unread="no plates in this format",
        public_sample="none at hand; made from the maker's description",
    ),
)
