"""Weighbridge indicators (地磅) with an ASCII line: ``ST,GS,+  1.240kg``, or STX, sign, digits, status, ETX.

**ST/US is stable/unstable, GS/NT is gross/net**: a parser that reads GS as "stable" lets a rolling truck be weighed.
Minus, zero and overload are states, not weights. Units kg, t, lb and g become integer grams. A message may hold
several lines; each is a reading. Division and unit may be given by the device's profile (``division_g``, ``unit``).
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from iot.devices.base import Malformed, Message, Parsed, total, whole
from iot.devices.manifest import Format, quality
from iot.events import TIME_UNKNOWN, Fault, Reading, WeightRead

GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "t": Decimal(1_000_000), "lb": Decimal("453.59237")}
MAX_LINES = 500
_LINE = re.compile(
    r"(ST|US|OL|UL)\s*,\s*(GS|NT)\s*,\s*([+-]?)\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(kg|t|lb|g)", re.IGNORECASE
)
_OVERLOAD = re.compile(r"(?:OL|UL|ST|US)\s*,\s*(?:GS|NT)\s*,\s*[+-]?[-_ ]*OL[-_ ]*(?:kg|t|lb|g)", re.IGNORECASE)
_FRAME = re.compile(r"\x02([+-])\s*([0-9]{7})([0-9A-Za-z])\x03")


@total
def parse(message: Message) -> Parsed:
    """A reading for each line or frame; a line that is neither is a fault of its own."""
    try:
        stream = message.payload.decode("ascii")
    except UnicodeDecodeError as why:
        raise Malformed("not_ascii", f"byte {why.start}") from None
    if "\x02" in stream:
        return tuple(_frame(part, message) for part in re.split(r"(?<=\x03)", stream) if part.strip("\r\n"))
    lines = [line.strip() for line in re.split(r"[\r\n]+", stream) if line.strip()]
    if not lines or len(lines) > MAX_LINES:
        raise Malformed("nothing_in_it" if not lines else "too_long", f"{len(lines)} lines")
    return tuple(_line(line, message) for line in lines)


def _reading(message: Message, weight_g: int | None, state: str, **known: Any) -> WeightRead:
    profile: Mapping[str, Any] = message.profile
    division = profile.get("division_g")
    return WeightRead(
        flags=(TIME_UNKNOWN,),
        weight_g=weight_g,
        state=state,
        division_g=whole(profile, "division_g") if division is not None else None,
        **known,
    )


def _grams(sign: str, digits: str, unit: str) -> int:
    grams = (Decimal(digits) * GRAMS[unit]).to_integral_value(ROUND_HALF_EVEN)
    return -int(grams) if sign == "-" else int(grams)


def _state(weight_g: int) -> str:
    return "zero" if weight_g == 0 else "minus" if weight_g < 0 else "weight"


def _line(line: str, message: Message) -> Reading | Fault:
    found = _LINE.fullmatch(line)
    if found is None:
        if _OVERLOAD.fullmatch(line):
            return _reading(message, None, "overload")
        return Fault(fault="not_a_weight", detail=line[:80])
    mark, mode, sign, digits, unit = found.groups()
    is_gross = mode.upper() == "GS"
    if mark.upper() in ("OL", "UL"):
        return _reading(message, None, "overload" if mark.upper() == "OL" else "minus", is_gross=is_gross)
    weight_g = _grams(sign, digits, unit.lower())
    return _reading(message, weight_g, _state(weight_g), is_stable=mark.upper() == "ST", is_gross=is_gross)


def _frame(frame: str, message: Message) -> Reading | Fault:
    """STX, sign, digits, status, ETX. The status character differs by maker: the profile names the stable ones."""
    found = _FRAME.fullmatch(frame.strip("\r\n"))
    if found is None:
        return Fault(fault="not_a_weight", detail=repr(frame[:80]))
    sign, digits, status = found.groups()
    unit, stable = message.profile.get("unit", "kg"), message.profile.get("stable_status", "")
    if unit not in GRAMS:
        return Fault(fault="bad_profile", detail=f"unit {unit!r}")
    weight_g = _grams(sign, digits, str(unit))
    is_stable = bool(stable) and status in str(stable)
    return _reading(message, weight_g, _state(weight_g), is_stable=is_stable, more={"status": status})


FORMAT = Format(
    name="scale",
    version=1,
    parse=parse,
    title="Weighbridge indicator (ST,GS lines; STX frames)",
    transports=("mqtt", "serial"),
    topics=("wms/v1/{site}/scale/{device}/event",),
    repeats=True,
    makers="makers of weighbridge indicators with an ASCII line",
    key="none: each message is an observation of its own",
    time="none: ours at receipt",
    qos="serial line through a gateway, QoS 1",
    quality=quality(
        backfill="an indicator shows what is on it now",
        unread="no plates in this format",
        public_sample="none known; lines as printed in indicator manuals",
        duplicate="without id and time a copy cannot be told from a new observation",
        out_of_order="no time in the line: order is that of arrival",
    ),
)
