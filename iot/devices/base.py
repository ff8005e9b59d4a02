"""What every format module stands on: the message, and careful readers of JSON, XML and time.

A parser is a total function: whatever the bytes are, it gives readings and faults and never raises. Inside a module a
broken payload is :class:`Malformed`; :func:`total` turns it, and anything unforeseen, into a fault.
"""

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, NoReturn
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from iot.events import Fault, Reading
from wms.codes import plates

Parsed = tuple[Reading | Fault, ...]
MAX_PAYLOAD_BYTES = 1_048_576
MAX_TEXT = 512
UNREAD = frozenset(
    {"", "unknown", "_无_", "无", "none", "null", "n/a", "noplate", "no plate", "无车牌", "无牌车", "未识别"}
)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a parser gets: bytes, the topic they came by (None for HTTP), headers, and the device's profile."""

    payload: bytes
    topic: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)


GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "t": Decimal(1_000_000), "lb": Decimal("453.59237")}


class Malformed(Exception):
    """This payload, or this part of it, cannot be read; ``code`` is stable, ``detail`` says where."""

    def __init__(self, code: str, detail: str = "", **more: Any) -> None:
        self.code, self.detail, self.more = code, detail, more
        super().__init__(code, detail)


Parser = Callable[[Message], Parsed]


def total(parser: Parser) -> Parser:
    """Make ``parser`` total: a fault for whatever it cannot read, and at least one result for any message."""

    @functools.wraps(parser)
    def read(message: Message) -> Parsed:
        if len(message.payload) > MAX_PAYLOAD_BYTES:
            return (Fault(fault="oversized", detail=f"{len(message.payload)} bytes"),)
        try:
            return parser(message) or (Fault(fault="nothing_in_it"),)
        except Malformed as why:
            return (Fault(fault=why.code, detail=why.detail, more=why.more),)
        except Exception as why:  # noqa: BLE001 - a format's surprise must not stop the inbox; the bytes are kept and shown
            return (Fault(fault="unreadable", detail=f"{type(why).__name__}: {why}"[:MAX_TEXT]),)

    return read


def digest(message: Message) -> str:
    """The key of last resort: SHA-256 of topic and bytes."""
    return hashlib.sha256((message.topic or "").encode("utf-8", "replace") + b"\0" + message.payload).hexdigest()


def _no_constant(name: str) -> NoReturn:
    raise Malformed("not_json", f"{name} is not a JSON value")


def load_json(payload: bytes) -> Any:
    """Any JSON value. Raises :class:`Malformed` ``not_json`` or ``too_deep``."""
    try:
        return json.loads(payload.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as why:
        raise Malformed("not_json", f"not UTF-8 at byte {why.start}") from None
    except RecursionError:
        raise Malformed("too_deep") from None
    except ValueError as why:
        raise Malformed("not_json", str(why)[:200]) from None


def load_object(payload: bytes) -> dict[str, Any]:
    """A JSON object. Raises :class:`Malformed`."""
    value = load_json(payload)
    if not isinstance(value, dict):
        raise Malformed("not_an_object", type(value).__name__)
    return value


_CHINESE_XML = re.compile(rb"\s*<\?xml[^>]{0,80}encoding=[\"'](gb2312|gbk|gb18030)[\"'][^>]{0,80}\?>", re.IGNORECASE)


def load_xml(payload: bytes) -> Element:
    """An XML document without DTD and entities, in UTF-8, UTF-16, or a Chinese charset that it declares.

    Raises :class:`Malformed` ``not_xml`` or ``forbidden_xml``.
    """
    declared = _CHINESE_XML.match(payload)
    if declared:  # the parser below knows no multi-byte charset but Unicode's
        try:
            payload = payload[declared.end() :].decode("gb18030").encode()
        except UnicodeDecodeError as why:
            raise Malformed("not_xml", f"not {declared.group(1).decode()} at byte {why.start}") from None
    try:
        root: Element = defusedxml.ElementTree.fromstring(payload, forbid_dtd=True)
    except DefusedXmlException as why:
        raise Malformed("forbidden_xml", type(why).__name__) from None
    except (ValueError, SyntaxError, LookupError, RecursionError) as why:
        raise Malformed("not_xml", str(why)[:200]) from None
    return root


def child(node: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object under ``name``, empty when it is missing or null. Raises when it is something else."""
    value = node.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed("wrong_type", f"{name} is not an object")
    return value


def items(node: Mapping[str, Any], name: str) -> list[Any]:
    """The list under ``name``, empty when it is missing or null."""
    value = node.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed("wrong_type", f"{name} is not a list")
    return value


def text(node: Mapping[str, Any], name: str) -> str | None:
    """A short text or number as text; None when missing, null or empty."""
    value = node.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed("wrong_type", f"{name} is not a text")
    return tidy(str(value), name)


def tidy(value: str, name: str) -> str:
    """``value`` if the database can hold it: short, without NUL and lone surrogates."""
    if len(value) > MAX_TEXT:
        raise Malformed("too_long", f"{name} has {len(value)} characters")
    if "\0" in value or not (value.isascii() or _is_encodable(value)):
        raise Malformed("bad_text", f"{name} holds a character that no text may hold")
    return value


def _is_encodable(value: str) -> bool:
    """Whether it is free of lone surrogates, which JSON can write and UTF-8 cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def required(node: Mapping[str, Any], name: str) -> str:
    """As :func:`text`, but missing is a fault."""
    value = text(node, name)
    if value is None:
        raise Malformed("field_missing", name)
    return value


def whole(node: Mapping[str, Any], name: str) -> int | None:
    """An integer of at most 53 bits, also when written as text or as 3.0; None when missing."""
    value = node.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,16}", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise Malformed("wrong_type", f"{name} is not a whole number")
    return value


def number(node: Mapping[str, Any], name: str) -> float | None:
    """A finite number, also when written as text; None when missing."""
    value = node.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise Malformed("wrong_type", f"{name} is not a number")
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Malformed("wrong_type", f"{name} is not a number") from None
    if not math.isfinite(found):
        raise Malformed("wrong_type", f"{name} is not finite")
    return found


def level_pct(node: Mapping[str, Any], name: str) -> int | None:
    """A battery's level in whole per cent, also where it is told as 98.5; None when missing or no level at all."""
    level = number(node, name)
    return None if level is None or not 0 <= level <= 100 else round(level)


def flag(node: Mapping[str, Any], name: str) -> bool | None:
    """A boolean, also as 0/1, "0"/"1", "true"/"false"; None when missing."""
    value = node.get(name)
    if value is None or value == "":
        return None
    known = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if known is None:
        raise Malformed("wrong_type", f"{name} is not true or false")
    return known


def percent(value: float | None, whole_is: float = 100.0) -> float | None:
    """A confidence in per cent, where ``whole_is`` stands for certainty; None when it is no such thing."""
    if value is None or not 0 <= value <= whole_is:
        return None
    return round(value * 100 / whole_is, 4)


def plate_of(raw: str) -> str | None:
    """The normalised plate, None when the raw text says that none was read."""
    if raw.strip().lower() in UNREAD:
        return None
    return plates.normalise(raw) or None


_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,12}))?\s*"
    r"(Z|z|[+-][0-9]{2}:?[0-9]{2})?"
)


def instant(value: str, zone: tzinfo | None = None) -> tuple[datetime, str | None]:
    """Read an ISO 8601 / RFC 3339 time as (UTC instant, finer text or None).

    A leap second (``:60``) is the second after it. Without an offset ``zone`` is taken; without that too the fault is
    ``zone_missing``. Raises :class:`Malformed`.
    """
    found = _RFC3339.fullmatch(value.strip())
    if not found:
        raise Malformed("bad_time", value[:60])
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, offset = (found.group(7) or "").rstrip("0"), found.group(8)
    where = _offset(offset) if offset else zone
    if where is None:
        raise Malformed("zone_missing", value[:60])
    try:
        at = datetime(year, month, day, hour, minute, min(second, 59), int(fraction[:6].ljust(6, "0")), where)
        at = (at + timedelta(seconds=1 if second == 60 else 0)).astimezone(UTC)
    except (ValueError, OverflowError) as why:
        raise Malformed("bad_time", f"{value[:60]}: {why}") from None
    if second > 60:
        raise Malformed("bad_time", value[:60])
    finer = f"{at:%Y-%m-%dT%H:%M:%S}.{fraction}Z" if len(fraction) > 6 else None
    return at, finer


def _offset(offset: str) -> tzinfo:
    if offset in "Zz":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    if minutes >= 24 * 60:
        raise Malformed("bad_time", offset)
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def later(at: datetime, **more: float) -> datetime:
    """``at`` and so much later (arguments of ``timedelta``). Raises :class:`Malformed` beyond the calendar."""
    try:
        return at + timedelta(**more)
    except OverflowError:
        raise Malformed("bad_time", str(more)[:60]) from None


def zone_of(profile: Mapping[str, Any]) -> tzinfo | None:
    """The time zone that a device's profile names (``time_zone``), None when it names none."""
    named = profile.get("time_zone")
    if named is None:
        return None
    try:
        return ZoneInfo(named)
    except (ValueError, TypeError, OSError, ZoneInfoNotFoundError):
        raise Malformed("bad_profile", f"time_zone {str(named)[:40]!r}") from None


def epoch(value: float) -> datetime:
    """An instant from seconds, milliseconds or microseconds since 1970, told apart by their magnitude."""
    size = abs(value)
    seconds = value if size < 1e11 else value / 1e3 if size < 1e14 else value / 1e6
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(seconds * 1_000_000))
    except (OverflowError, ValueError):
        raise Malformed("bad_time", str(value)[:40]) from None


MAX_MEASURED = 1e7
TEMPERATURES = ("temperature_mdegc", "temperature", "TempC_SHT", "temp")
HUMIDITIES = ("humidity", "Hum_SHT")


def climate(values: Mapping[str, Any]) -> tuple[int, int | None] | None:
    """Thousandths of a degree Celsius and of a per cent from a decoded uplink; None when it tells no temperature."""
    found = next((name for name in TEMPERATURES if number(values, name) is not None), None)
    if found is None:
        return None
    humidity = next((number(values, name) for name in HUMIDITIES if number(values, name) is not None), None)
    scale = 1 if found == "temperature_mdegc" else 1000
    measured = number(values, found) or 0
    if max(abs(measured), abs(humidity or 0)) > MAX_MEASURED:
        raise Malformed("wrong_type", f"{found} is beyond any sensor")
    return round(measured * scale), None if humidity is None else round(humidity * 1000)


def _half_word(raw: bytes) -> Mapping[str, Any]:
    """Two bytes, signed, big endian, hundredths of a degree: the shape many plain sensors use."""
    if len(raw) < 2:
        raise Malformed("too_short", f"{len(raw)} bytes")
    return {"temperature_mdegc": int.from_bytes(raw[:2], "big", signed=True) * 10}


# Decoders of uplinks that a device's profile may name where the network server has none.
DECODERS: Mapping[str, Callable[[bytes], Mapping[str, Any]]] = {"int16_centidegrees": _half_word}
