"""The spread of transit times: how late a departure arrives at a quantile, and what is wrong with a spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise

from routing.network import Delay, Service
from routing.units import HOUR_S


def delay_s(delay: Delay | None, percent: int | None) -> int:
    """Seconds that no more than `percent` of departures are late, rounded up; 0 where nothing is known or asked."""
    if delay is None or percent is None:
        return 0
    known = delay.known()
    if percent <= known[0][0]:
        return known[0][1] * HOUR_S
    for (low, least), (high, most) in pairwise(known):
        if percent <= high:
            return least * HOUR_S - (least - most) * HOUR_S * (percent - low) // (high - low)
    return known[-1][1] * HOUR_S


def latest_s(delay: Delay | None) -> int:
    """Seconds of its latest quantile that is known: the late case."""
    return delay.known()[-1][1] * HOUR_S if delay is not None else 0


def late_s(planned_s: int, depart_late_s: int, arrive_late_s: int) -> int:
    """Seconds by which a departure arrives later than its timetable: what has been reported of it, and of the delay
    that is planned for what the report does not hold already."""
    return arrive_late_s + max(0, planned_s - max(0, arrive_late_s - depart_late_s))


def faults(services: Iterable[Service], percent: int | None) -> Iterator[tuple[str, str, str]]:
    """Field, rule and words of what is wrong with the spreads of these services."""
    for service in services:
        if service.delay is None:
            continue
        field = f"network.services({service.code}).delay"
        try:
            known = service.delay.known()
            date.fromisoformat(service.delay.observed)
        except ValueError:
            text = "quantiles are whole per cent, and the day of observation is written like 2026-01-31"
            yield (field, "bad_spread", text)
            continue
        if not all(0 < at < 100 for at, _ in known):
            yield (field, "bad_spread", "a quantile lies between 1 and 99 per cent")
        if any(more < less for (_, less), (_, more) in pairwise(known)):
            yield (field, "falling_spread", "more of the departures are less late")
        if percent is not None and percent > known[-1][0]:
            text = f"{service.code} knows its delay up to {known[-1][0]} %, asked for are {percent} %"
            yield ("options.quantile", "beyond_spread", text)
