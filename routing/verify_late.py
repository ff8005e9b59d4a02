"""The checker's view of delays: what a departure is behind at a quantile, and the late case of a chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

from routing.changes import DepartureChange
from routing.problem import Problem

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AS_PLANNED = DepartureChange()
LATEST = 100


def behind(now: DepartureChange, service: Any, percent: int | None) -> int:
    """Seconds behind the timetable: as reported, and of the delay at the quantile what the report does not hold;
    and the longer way round a closed canal."""
    under_way = max(0, now.arrive_late_s - now.depart_late_s)
    longer = now.detour.seconds if now.detour is not None else 0
    return longer + now.arrive_late_s + max(0, _quantile_s(service, percent) - under_way)


def _quantile_s(service: Any, percent: int | None) -> int:
    if service.delay is None or percent is None:
        return 0
    before: tuple[int, int] | None = None
    for at in sorted(int(one) for one in service.delay.hours):
        seconds = int(service.delay.hours[str(at)]) * 3600
        if percent <= at:
            if before is None or percent == at:
                return seconds
            return before[1] + ceil(Fraction((seconds - before[1]) * (percent - before[0]), at - before[0]))
        before = (at, seconds)
    return before[1] if before is not None else 0


class LateCase:
    """Arrivals where each departure is as late as its service knows."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._services = {one.code: one for one in problem.network.services}
        self._runs: dict[str, list[tuple[int, int, DepartureChange]]] = {}

    def arrival(self, corridor: Any, first: Mapping[str, Any]) -> int | None:
        """Of a chain that begins with `first`; None where no delay is known, or no departure is left to join."""
        services = [self._services[code] for code in corridor.services]
        if not any(one.delay for one in services):
            return None
        now = self._problem.changes.departures.get(first["departure"], AS_PLANNED)
        left_at = int(datetime.fromisoformat(first["depart_at"]).timestamp()) - now.depart_late_s
        there = left_at + services[0].transit_h * 3600 + behind(now, services[0], LATEST)
        for service in services[1:]:
            earliest = there + corridor.transfer_h * 3600
            later = [one for one in self._of(service) if one[0] >= earliest]
            if not later:
                return None
            _, left_at, now = min(later, key=lambda one: one[:2])
            there = left_at + service.transit_h * 3600 + behind(now, service, LATEST)
        return there

    def _of(self, service: Any) -> list[tuple[int, int, DepartureChange]]:
        """All departures of a service that run: when they leave now, by the timetable, and what changed."""
        if service.code not in self._runs:
            found = []
            for at in self._timetable(service):
                name = f"{service.code}@{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M}"
                now = self._problem.changes.departures.get(name, AS_PLANNED)
                if not now.cancelled:
                    found.append((at + now.depart_late_s, at, now))
            self._runs[service.code] = found
        return self._runs[service.code]

    def _timetable(self, service: Any) -> Iterator[int]:
        """The instants at which it leaves while its price is valid, from the start to sixty days beyond the plan."""
        start, days = self._problem.options.start_at, self._problem.options.weeks * 7 + 60
        for day in range(days + 1):
            on = datetime.fromtimestamp(start, UTC) + timedelta(days=day)
            if not service.valid_from <= f"{on:%Y-%m-%d}" <= service.valid_to:
                continue
            for text in service.departs:
                weekday, clock = text.split(" ")
                hour, minute = (int(part) for part in clock.split(":"))
                at = int(on.replace(hour=hour, minute=minute, second=0).timestamp())
                if WEEK[on.weekday()] == weekday and start <= at < start + days * 86_400:
                    yield at
