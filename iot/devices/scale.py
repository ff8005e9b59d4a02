"""Weighbridge indicators (地磅): lines in ASCII and the continuous frames of makers, one profile for each.

Without a profile two kinds are told apart by themselves: ``ST,GS,+  1.240kg`` and STX, sign, seven digits, status,
ETX. The device's profile names others (``indicator``: see :data:`INDICATORS`), the ``unit`` of frames that do not say
it, ``stable_status`` (status signs that mean stable), ``division_g``, and ``parity: 7e1`` where a line of seven bits
with parity is read with eight. **ST/US is stable/unstable, GS/NT is gross/net**: a parser that reads GS as "stable"
lets a rolling truck be weighed. Minus, zero and overload are states, not weights. Units become integer grams.
"""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import reduce
from typing import Any

from iot.devices.base import GRAMS, Malformed, Message, Parsed, total, whole
from iot.devices.manifest import Format, quality
from iot.events import TIME_UNKNOWN, Fault, Reading, WeightRead

MAX_LINES = 500
_LINE = re.compile(
    r"(ST|US|OL|UL)\s*,\s*(GS|NT)\s*,\s*([+-]?)\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(kg|t|lb|g)", re.IGNORECASE
)
_OVERLOAD = re.compile(r"(?:OL|UL|ST|US)\s*,\s*(?:GS|NT)\s*,\s*[+-]?[-_ ]*OL[-_ ]*(?:kg|t|lb|g)", re.IGNORECASE)
_SEVEN = re.compile(r"\x02([+-])\s*([0-9]{7})([0-9A-Za-z])\x03")
_SIX_XOR = re.compile(r"\x02([+-])([0-9]{6})([0-5])([0-9A-F]{2})\x03")
_TOLEDO = re.compile(r"\x02([ -\x7f])([ -\x7f])([ -\x7f])([0-9 ]{6})([0-9 ]{6})\r?")
# The low three bits of the first status sign of a Toledo frame: by what the digits are multiplied.
_TOLEDO_FACTOR = ("100", "10", "1", "0.1", "0.01", "0.001", "0.0001", "0.00001")


@total
def parse(message: Message) -> Parsed:
    """A reading for each line or frame; a piece that is neither is a fault of its own."""
    payload = message.payload
    if str(message.profile.get("parity", "")).lower() == "7e1":
        payload = bytes(sign & 0x7F for sign in payload)
    try:
        stream = payload.decode("ascii")
    except UnicodeDecodeError as why:
        raise Malformed("not_ascii", f"byte {why.start}") from None
    named = message.profile.get("indicator")
    if named is not None and not (isinstance(named, str) and named in INDICATORS):
        raise Malformed("bad_profile", f"indicator {str(named)[:40]}")
    split, read = INDICATORS[str(named)] if named else INDICATORS["stx7" if "\x02" in stream else "line"]
    pieces = [piece for piece in split(stream) if piece]
    if not pieces or len(pieces) > MAX_LINES:
        raise Malformed("nothing_in_it" if not pieces else "too_long", f"{len(pieces)} lines")
    return tuple(read(piece, message) for piece in pieces)


def _reading(message: Message, weight_g: int | None, state: str = "", **known: Any) -> WeightRead:
    division = message.profile.get("division_g")
    if not state and weight_g is not None:
        state = "zero" if weight_g == 0 else "minus" if weight_g < 0 else "weight"
    return WeightRead(
        flags=(TIME_UNKNOWN,),
        weight_g=weight_g,
        state=state,
        division_g=whole(message.profile, "division_g") if division is not None else None,
        **known,
    )


def _grams(is_negative: bool, digits: str | Decimal, unit: str) -> int:
    grams = int((Decimal(digits) * GRAMS[unit]).to_integral_value(ROUND_HALF_EVEN))
    return -grams if is_negative else grams


def _not_a_weight(piece: str) -> Fault:
    return Fault(fault="not_a_weight", detail=repr(piece[:80]))


def _unit(message: Message) -> str:
    unit = str(message.profile.get("unit", "kg"))
    if unit not in GRAMS:
        raise Malformed("bad_profile", f"unit {unit[:20]!r}")
    return unit


def _line(piece: str, message: Message) -> Reading | Fault:
    found = _LINE.fullmatch(piece)
    if found is None:
        return _reading(message, None, "overload") if _OVERLOAD.fullmatch(piece) else _not_a_weight(piece)
    mark, mode, sign, digits, unit = found.groups()
    is_gross = mode.upper() == "GS"
    if mark.upper() in ("OL", "UL"):
        return _reading(message, None, "overload" if mark.upper() == "OL" else "minus", is_gross=is_gross)
    weight_g = _grams(sign == "-", digits, unit.lower())
    return _reading(message, weight_g, is_stable=mark.upper() == "ST", is_gross=is_gross)


def _seven(piece: str, message: Message) -> Reading | Fault:
    """STX, sign, seven digits, status, ETX. The status sign differs by maker: the profile names the stable ones."""
    found = _SEVEN.fullmatch(piece)
    if found is None:
        return _not_a_weight(piece)
    sign, digits, status = found.groups()
    stable = str(message.profile.get("stable_status", ""))
    weight_g = _grams(sign == "-", digits, _unit(message))
    return _reading(message, weight_g, is_stable=bool(stable) and status in stable, more={"status": status})


def _six_xor(piece: str, message: Message) -> Reading | Fault:
    """STX, sign, six digits, places, two signs of XOR, ETX (耀华 XK3190). It has no sign for stable: never stable."""
    found = _SIX_XOR.fullmatch(piece)
    if found is None:
        return _not_a_weight(piece)
    sign, digits, places, check = found.groups()
    if reduce(lambda one, other: one ^ ord(other), sign + digits + places, 0) != int(check, 16):
        return Fault(fault="bad_check", detail=repr(piece[:80]))
    shown = Decimal(digits).scaleb(-int(places))
    return _reading(message, _grams(sign == "-", shown, _unit(message)))


def _toledo(piece: str, message: Message) -> Reading | Fault:
    """STX, three status signs, six digits of weight, six of tare, CR (托利多 continuous output)."""
    found = _TOLEDO.fullmatch(piece)
    if found is None or not found.group(4).strip():
        return _not_a_weight(piece)
    first, second = ord(found.group(1)), ord(found.group(2))
    is_gross = not second & 0x01
    if second & 0x04:
        return _reading(message, None, "overload", is_gross=is_gross)
    unit = "kg" if second & 0x10 else "lb"
    figures = found.group(4).strip()
    if " " in figures:
        return _not_a_weight(piece)
    shown = Decimal(figures) * Decimal(_TOLEDO_FACTOR[first & 0x07])
    return _reading(message, _grams(bool(second & 0x02), shown, unit), is_stable=not second & 0x08, is_gross=is_gross)


def _lines(stream: str) -> list[str]:
    return [piece.strip() for piece in re.split(r"[\r\n]+", stream)]


def _frames(stream: str) -> list[str]:
    return [piece.strip("\r\n") for piece in re.split(r"(?<=\x03)", stream)]


def _toledo_frames(stream: str) -> list[str]:
    return [piece.strip("\r\n") for piece in re.split(r"(?=\x02)", stream)]


# name → how its stream is cut, how a piece is read
INDICATORS: Mapping[str, tuple[Callable[[str], list[str]], Callable[[str, Message], Reading | Fault]]] = {
    "line": (_lines, _line),
    "stx7": (_frames, _seven),
    "stx6xor": (_frames, _six_xor),
    "toledo": (_toledo_frames, _toledo),
}

FORMAT = Format(
    name="scale",
    version=2,
    parse=parse,
    title="Weighbridge indicators 地磅 (ST,GS lines; STX frames; XK3190; Toledo)",
    makers="makers of weighbridge indicators, among them 耀华 XK3190 and Mettler Toledo",
    transports=("mqtt", "tcp", "serial"),
    topics=("wms/v1/{site}/scale/{device}/event",),
    repeats=True,
    key="none: each message is an observation of its own",
    time="none: ours at receipt",
    qos="serial line through a gateway, QoS 1",
    quality=quality(
        duplicate="without id and time a copy cannot be told from a new observation",
        out_of_order="no time in the line: the order is that of arrival",
        backfill="an indicator shows what is on it now",
        unread="no plates in this format",
        public_sample="none known; lines and frames as printed in indicator manuals",
    ),
)
