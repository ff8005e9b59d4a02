"""Canonical readings: what a device saw, in our words and units, whatever its maker's format says.

A reading is frozen and plain: strings, integers, instants in UTC. Weights are integer grams, temperatures integer
thousandths of a degree Celsius, confidences per cent. ``None`` means that the payload does not say. What a format
knows beyond these fields stands in ``more`` and is flattened by :func:`as_json`, never lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

DIRECTIONS = ("toward", "away", "left", "right", "up", "down", "unknown")

# Flags on a reading that keep it from ever moving a barrier (devices reference, section 5).
REPLAYED, RETAINED, LATE, AHEAD = "replayed", "retained", "late", "ahead"
UNSIGNED, BAD_SIGNATURE = "unsigned", "bad_signature"  # of a device whose register demands a signature, or has its key
UNTRUSTED = frozenset({UNSIGNED, BAD_SIGNATURE})
NEVER_OPENS = frozenset({REPLAYED, RETAINED, LATE, AHEAD}) | UNTRUSTED
# Flags that only tell how the reading came to be.
TIME_UNKNOWN, DEVICE_UNKNOWN, WEAK_KEY, BEST_EFFORT = (
    "time_unknown",
    "device_unknown",
    "weak_key",
    "best_effort",
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Common ground of all readings.

    ``key`` tells this reading from every other of the same source and is the same for a resend; empty where the
    format has none. ``event_at_text`` keeps what is finer than the microseconds of ``event_at``. ``device`` is the
    name that the payload gives itself.
    """

    device: str | None = None
    event_at: datetime | None = None
    event_at_text: str | None = None
    key: str = ""
    flags: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The name under which readings of this kind are stored and shown."""
        return type(self).__name__


@dataclass(frozen=True, kw_only=True)
class PlateRead(Reading):
    """A number plate as a camera read it. ``plate`` is normalised, ``plate_raw`` as sent; an ``unread`` one is kept.

    ``direction`` is what the camera saw; in and out are a matter of the lane. ``position`` is ``front``, ``rear``
    or ``trailer`` where the device says so.
    """

    plate: str | None = None
    plate_raw: str = ""
    unread: bool = False
    confidence_pct: float | None = None
    direction: str = "unknown"
    direction_conflict: bool = False
    lane: str | None = None
    position: str | None = None
    colour: str | None = None
    vehicle_class: str | None = None
    candidates: tuple[str, ...] = ()
    known_as: str | None = None
    object_id: str | None = None
    box: tuple[int, ...] | None = None
    trigger_code: int | None = None
    backfill: bool = False


@dataclass(frozen=True, kw_only=True)
class ContainerRead(Reading):
    """A freight container number (ISO 6346). ``check_digit_ok`` is ours, computed; ``position`` front or back."""

    number: str | None = None
    number_raw: str = ""
    unread: bool = False
    check_digit_ok: bool = False
    iso_type: str | None = None
    confidence_pct: float | None = None
    position: str | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class WeightRead(Reading):
    """A weighbridge's display. ``weight_g`` is None in the states ``overload`` and ``fault``; it may be negative.

    ``is_stable`` is the indicator's own flag (ST, not GS): without it a weight decides nothing.
    """

    weight_g: int | None = None
    is_stable: bool = False
    is_gross: bool | None = None
    state: str = "weight"  # weight, zero, minus, overload, fault
    division_g: int | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class TagRead(Reading):
    """A radio tag (e-plate, pallet tag, seal). ``rssi_cdbm`` is hundredths of dBm; the TID, if any, is the identity."""

    epc: str | None = None
    tid: str | None = None
    antenna: int | None = None
    rssi_cdbm: int | None = None
    count: int | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class SealRead(Reading):
    """An electronic seal (电子关锁) as its reader sees it. ``is_intact`` None: the payload does not say."""

    seal: str = ""
    is_intact: bool | None = None
    rssi_cdbm: int | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class LoopRead(Reading):
    """An induction loop or light curtain: ``loop`` is arrive, scale_front, scale_rear, exit or a name of the site."""

    loop: str = ""
    is_occupied: bool = False
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class BarrierRead(Reading):
    """The barrier's state from its sensors, never from commands (devices reference, section 7)."""

    state: str = "UNKNOWN"  # CLOSED, OPENING, OPEN, CLOSING, FAULT, UNKNOWN
    cmd_id: str | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class CommandResult(Reading):
    """A controller's answer to one command: accepted, opened, passed, closed or refused with its reason."""

    cmd_id: str = ""
    result: str = ""
    reason: str | None = None
    lane: str | None = None


@dataclass(frozen=True, kw_only=True)
class FenceAlarm(Reading):
    """One edge of a fence or perimeter alarm; ``active`` False is the clearing edge and is kept as well."""

    rule: str = ""
    active: bool = True
    section: str | None = None
    object_id: str | None = None
    object_class: str | None = None


@dataclass(frozen=True, kw_only=True)
class VideoEvent(Reading):
    """What a recorder noticed about one tracked object in one phase of its life."""

    phase: str = ""
    object_id: str | None = None
    object_class: str | None = None
    sub_label: str | None = None
    sub_label_score: float | None = None
    zones: tuple[str, ...] = ()
    score: float | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TemperatureRead(Reading):
    """A temperature in thousandths of a degree Celsius and, where sent, relative humidity in thousandths of 1 %."""

    temperature_mdegc: int | None = None
    humidity_mpct: int | None = None
    battery_pct: int | None = None
    place: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceStatus(Reading):
    """What a device says of itself: online, offline, joined, a heartbeat, a downlink sent."""

    state: str = ""
    boot: str | None = None
    battery_pct: int | None = None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A payload, or a part of one, that gives no reading. It is kept raw; ``fault`` is the stable reason code."""

    fault: str
    detail: str = ""
    device: str | None = None
    event_at: datetime | None = None
    event_at_text: str | None = None
    key: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Always ``Fault``."""
        return "Fault"


READING_KINDS: Mapping[str, type[Reading]] = {
    kind.__name__: kind
    for kind in (
        PlateRead,
        ContainerRead,
        WeightRead,
        TagRead,
        SealRead,
        LoopRead,
        BarrierRead,
        CommandResult,
        FenceAlarm,
        VideoEvent,
        TemperatureRead,
        DeviceStatus,
    )
}


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What our own envelope says of the message itself: its counter, its start, and whether it is sent again."""

    message_id: str | None = None
    boot: str | None = None
    seq: int | None = None
    is_replay: bool = False


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC with as many decimals as the instant has and no more."""
    at = instant.astimezone(UTC)
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{at.microsecond:06d}".rstrip("0").rstrip(".") + "Z" if at.microsecond else text + "Z"


def as_json(reading: Reading | Fault) -> dict[str, Any]:
    """A dictionary of JSON values: ``kind``, every field, and ``more`` flattened beside them.

    ``event_at`` carries all the decimals that the device sent. ``dedup_key`` is the reading's key.
    """
    body: dict[str, Any] = {"kind": reading.kind}
    for name in _COLUMNS[type(reading)]:
        body[name] = _plain(getattr(reading, name))
    if reading.event_at_text:
        body["event_at"] = reading.event_at_text
    if isinstance(reading, Reading):
        body["flags"] = list(reading.flags)
    if reading.key:
        body["dedup_key"] = reading.key
    body.update((name, _plain(value)) for name, value in reading.more.items() if name not in body)
    return body


# The fields that are shown under their own names, by kind.
_COLUMNS: Mapping[type, tuple[str, ...]] = {
    kind: tuple(one.name for one in fields(kind) if one.name not in ("event_at_text", "key", "more", "flags"))
    for kind in (*READING_KINDS.values(), Fault)
}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    return list(value) if isinstance(value, tuple) else value
