"""How well a device is: rules on what is known of its signs of life, its clock, its rate and its battery. Pure.

Three signals, never one (devices reference, section 10): whether it is connected (its last will), when it was last
heard, and whether it keeps the interval that its maker or its format promises. Limits are dated data
(``health.devices``), intervals by format as well; a device's own ``heartbeat_s`` goes before its format's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median_low
from typing import Any


class Signs(StrEnum):
    """What a device's signs of life say together."""

    NEVER = "never"  # not heard yet
    LIVELY = "lively"
    LATE = "late"
    SILENT = "silent"
    OFFLINE = "offline"  # its will was sent, or it said so
    NO_INTERVAL = "no_interval"  # heard, but nobody knows how often it should be


class Clock(StrEnum):
    """What its clock is worth."""

    UNKNOWN = "unknown"
    GOOD = "good"
    OFF = "off"  # a warning
    IGNORED = "ignored"  # its times are shown and not used


class Rate(StrEnum):
    """Events of the last full hour beside its own history."""

    UNKNOWN = "unknown"
    USUAL = "usual"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True)
class Limits:
    """The dated limits. Times in seconds or milliseconds as named; ``skew_events``: the median of how many."""

    late_after_intervals: int = 3
    silent_after_intervals: int = 10
    skew_warn_ms: int = 5_000
    skew_ignore_ms: int = 60_000
    skew_events: int = 20
    gap_shown_after_s: int = 3_600
    rate_times: int = 3
    rate_least_per_hour: int = 10
    battery_low_pct: int = 20
    heartbeat_s: Mapping[str, int] | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Limits":
        """From the dated value."""
        return cls(**{name: given[name] for name in cls.__dataclass_fields__ if name in given})

    def interval_s(self, own: int | None, format_name: str) -> int | None:
        """How often the device should be heard, in seconds."""
        return own or (self.heartbeat_s or {}).get(format_name)


def signs_of(
    now: datetime, last_seen_at: datetime | None, interval_s: int | None, *, is_online: bool | None, limits: Limits
) -> Signs:
    """Late beyond three intervals, silent beyond ten; one whose will was sent is offline."""
    if last_seen_at is None:
        return Signs.NEVER
    if is_online is False:
        return Signs.OFFLINE
    if interval_s is None:
        return Signs.NO_INTERVAL
    quiet = now - last_seen_at
    if quiet > timedelta(seconds=limits.silent_after_intervals * interval_s):
        return Signs.SILENT
    return Signs.LATE if quiet > timedelta(seconds=limits.late_after_intervals * interval_s) else Signs.LIVELY


def skew_of(skews_ms: Sequence[int]) -> int | None:
    """The median of the last live events' skews (ours minus theirs), so that one late message says nothing."""
    return median_low(skews_ms) if skews_ms else None


def clock_of(skew_ms: int | None, limits: Limits) -> Clock:
    """Exactly the limit is still within it."""
    if skew_ms is None:
        return Clock.UNKNOWN
    if abs(skew_ms) > limits.skew_ignore_ms:
        return Clock.IGNORED
    return Clock.OFF if abs(skew_ms) > limits.skew_warn_ms else Clock.GOOD


def rate_of(last_hour: int, history: Sequence[int], limits: Limits) -> Rate:
    """The last full hour against the median of the hours before; too few events, or too few hours, say nothing."""
    if len(history) < 3:
        return Rate.UNKNOWN
    usual = median_low(history)
    if max(usual, last_hour) < limits.rate_least_per_hour:
        return Rate.USUAL
    if last_hour * limits.rate_times < usual:
        return Rate.LOW
    return Rate.HIGH if last_hour > usual * limits.rate_times else Rate.USUAL
