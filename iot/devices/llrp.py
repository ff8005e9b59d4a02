"""LLRP 1.0.1/1.1 readers: RO_ACCESS_REPORT, READER_EVENT_NOTIFICATION and KEEPALIVE as they come from TCP port 5084.

Messages are binary: version and type in 16 bits, length in 32, an id in 32, then parameters; a set top bit marks the
short ones whose length is known. Several messages may follow one another. Only what a tag report tells is read; the
rest is skipped by its length.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from iot.devices.base import Malformed, Message, Parsed, epoch, total
from iot.devices.manifest import Format, quality
from iot.events import DEVICE_UNKNOWN, TIME_UNKNOWN, DeviceStatus, Fault, Reading, TagRead

HEADER = 10
REPORT, KEEPALIVE, NOTIFICATION = 61, 62, 63
TAG_REPORT, EPC_DATA, NOTIFICATION_DATA = 240, 241, 246
EPC_96, ANTENNA, FIRST_SEEN_UTC, PEAK_RSSI, SEEN_COUNT = 13, 1, 2, 6, 8
# Bytes of the short parameters behind their one byte of type.
SHORT = {1: 2, 2: 8, 3: 8, 4: 8, 5: 8, 6: 1, 7: 2, 8: 2, 9: 4, 10: 2, 11: 2, 12: 2, 13: 12, 14: 2, 16: 4, 17: 2}
SHORT |= {18: 2, 19: 2, 20: 2}
MAX_TAGS = 5000


@total
def parse(message: Message) -> Parsed:
    """A reading for each tag report of every message in the payload; a broken part is a fault beside the others."""
    payload, found = message.payload, list[Reading | Fault]()
    place = 0
    while place < len(payload):
        try:
            kind, size = _head(payload, place, is_first=place == 0)
        except Malformed as why:  # where the next message begins is not known any more
            if not found:
                raise
            found.append(_fault(why))
            break
        found += _message(kind, payload[place + HEADER : place + size], message)
        if len(found) > MAX_TAGS:
            raise Malformed("too_long", f"more than {MAX_TAGS} tags")
        place += size
    return tuple(found)


def _head(payload: bytes, place: int, *, is_first: bool) -> tuple[int, int]:
    """Type and length of the message that begins at ``place``."""
    head = payload[place : place + HEADER]
    if len(head) < HEADER or head[0] >> 5 or (head[0] >> 2) & 7 not in (1, 2):
        raise Malformed("not_this_format" if is_first else "broken_message", f"byte {place}")
    size = int.from_bytes(head[2:6], "big")
    if size < HEADER or place + size > len(payload):
        raise Malformed("wrong_length", f"{size} bytes at byte {place}")
    return int.from_bytes(head[:2], "big") & 0x3FF, size


def _message(kind: int, body: bytes, message: Message) -> list[Reading | Fault]:
    reader = message.profile.get("reader")
    device = reader if isinstance(reader, str) else None
    unknown = () if device else (DEVICE_UNKNOWN,)
    if kind == REPORT:
        return list(_report(body, device, unknown)) or [_status("no_tags", device, unknown)]
    if kind == KEEPALIVE:
        return [_status("alive", device, unknown)]
    if kind == NOTIFICATION:
        return [_status("reader_event", device, unknown)]
    return [Fault(fault="unknown_type", detail=f"LLRP message {kind}", device=device)]


def _report(body: bytes, device: str | None, unknown: tuple[str, ...]) -> Iterator[Reading | Fault]:
    try:
        for number, value in _parameters(body):
            if number != TAG_REPORT:
                continue
            try:
                yield _tag(value, device, unknown)
            except Malformed as why:
                yield _fault(why, device)
    except Malformed as why:  # the length of a parameter is wrong: what follows it cannot be found
        yield _fault(why, device)


def _fault(why: Malformed, device: str | None = None) -> Fault:
    return Fault(fault=why.code, detail=why.detail, device=device)


def _status(state: str, device: str | None, unknown: tuple[str, ...]) -> DeviceStatus:
    return DeviceStatus(device=device, flags=(TIME_UNKNOWN, *unknown), state=state)


def _parameters(body: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(body):
        if body[place] & 0x80:
            number = body[place] & 0x7F
            if number not in SHORT:
                raise Malformed("unknown_parameter", str(number))
            start, end = place + 1, place + 1 + SHORT[number]
        else:
            number = int.from_bytes(body[place : place + 2], "big") & 0x3FF
            size = int.from_bytes(body[place + 2 : place + 4], "big")
            start, end = place + 4, place + size
            if size < 4:
                raise Malformed("wrong_length", f"parameter {number}")
        if end > len(body):
            raise Malformed("wrong_length", f"parameter {number}")
        yield number, body[start:end]
        place = end


def _tag(body: bytes, device: str | None, unknown: tuple[str, ...]) -> TagRead:
    told: dict[int, bytes] = {}
    for number, value in _parameters(body):
        told.setdefault(number, value)
    epc = _epc(told)
    at, stamp = _first_seen(told)
    antenna = _whole(told, ANTENNA)
    flags = (*unknown, *(() if at else (TIME_UNKNOWN,)))
    rssi = None if PEAK_RSSI not in told else int.from_bytes(told[PEAK_RSSI], "big", signed=True) * 100
    return TagRead(
        device=device,
        event_at=at,
        flags=flags,
        key=f"{device or ''}|{epc}|{antenna}|{stamp}" if stamp else "",
        epc=epc,
        antenna=antenna,
        rssi_cdbm=rssi,
        count=_whole(told, SEEN_COUNT) or 1,
    )


def _epc(told: dict[int, bytes]) -> str:
    if EPC_96 in told:
        return told[EPC_96].hex().upper()
    coded = told.get(EPC_DATA, b"")
    bits = int.from_bytes(coded[:2], "big")
    if not bits or len(coded) < 2 + (bits + 7) // 8:
        raise Malformed("field_missing", "EPC")
    return coded[2 : 2 + (bits + 7) // 8].hex().upper()


def _first_seen(told: dict[int, bytes]) -> tuple[datetime | None, int]:
    micros = int.from_bytes(told.get(FIRST_SEEN_UTC, b""), "big")
    return (epoch(micros / 1), micros) if 10**14 <= micros < 10**16 else (None, 0)


def _whole(told: dict[int, bytes], number: int) -> Any:
    return int.from_bytes(told[number], "big") if number in told else None


FORMAT = Format(
    name="llrp",
    version=2,
    parse=parse,
    title="LLRP readers (tag reports, keep-alive)",
    makers="fixed UHF readers of many makers with LLRP",
    transports=("tcp", "mqtt"),
    key="reader (of the profile), EPC, antenna and FirstSeenTimestampUTC",
    time="FirstSeenTimestampUTC in microseconds; a reader without a clock sends its uptime, which is no instant",
    qos="TCP; a gateway passes the messages on as they are",
    quality=quality(
        backfill="a report that was held back is flagged by its time",
        unread="no plates in this format",
        public_sample="none at hand; made from the standard",
    ),
)
