"""Time: departures of the weekly timetables within the horizon, and the segments that join them.

A *segment* is one sealed move of equipment over given departures. Cut-off, departure and arrival are instants in
seconds since 1970; the next leg is the first that leaves after arrival plus the corridor's transfer time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from routing import spread
from routing.changes import NONE, Changes, DepartureChange
from routing.network import Canal, Corridor, Network, Service, minute_of_week
from routing.problem import Options, Problem
from routing.units import DAY_S, HOUR_S

MINUTE_S = 60
GATE_IN = "gate_in"


@dataclass(frozen=True)
class Departure:
    """One vehicle leaving: what is still ours on it, in TEU or kg. `cutoff_at`: gate-in of the equipment; `papers`: the
    other cut-offs by name. `delay_s`: the part of `arrive_at` that is planned delay; `late_at`: arrival in the late
    case."""

    id: str
    service: Service
    depart_at: int
    arrive_at: int
    cutoff_at: int
    capacity: int
    papers: tuple[tuple[str, int], ...] = ()
    delay_s: int = 0
    late_at: int = 0
    detour_km: int = 0
    detour: Canal | None = None

    def first_cutoff(self) -> tuple[int, str]:
        """The earliest of its cut-offs and its name."""
        return min((self.cutoff_at, GATE_IN), *((at, name) for name, at in self.papers))


@dataclass(frozen=True)
class Segment:
    """One sealed move of equipment. `close_at`: goods must be at the stuffing place; `free_at`: stripped and ready.
    `closed_by`: departure and name of the cut-off that closes it, where a service names more than gate-in.
    `late_at`: arrival where each departure is as late as its spread knows; None where that is not known or misses the
    last connection."""

    id: str
    corridor: Corridor
    legs: tuple[Departure, ...]
    close_at: int
    depart_at: int
    arrive_at: int
    free_at: int
    closed_by: tuple[str, str] | None = None
    late_at: int | None = None


def _day_s(text: str) -> int:
    day = date.fromisoformat(text)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def departures_of(service: Service, options: Options, until: int, changes: Changes = NONE) -> list[Departure]:
    """The departures of one service from the start of the plan to `until`, while its price is valid, in order of
    time; cancelled ones are left out.
    """
    start = datetime.fromtimestamp(options.start_at, UTC)
    monday = datetime(start.year, start.month, start.day, tzinfo=UTC) - timedelta(days=start.weekday())
    first, last = _day_s(service.valid_from), _day_s(service.valid_to) + DAY_S
    found = []
    week = int(monday.timestamp())
    while week < until:
        for text in service.departs:
            at = week + minute_of_week(text) * MINUTE_S
            if options.start_at <= at < until and first <= at < last:
                one = _departure(service, options, at)
                change = changes.departures.get(one.id)
                if change is None:
                    found.append(one)
                elif not change.cancelled:
                    found.append(_changed(one, change, options.used.get(one.id, 0)))
        week += 7 * DAY_S
    return sorted(found, key=lambda departure: departure.depart_at)


def _departure(service: Service, options: Options, at: int) -> Departure:
    name = f"{service.code}@{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M}"
    left = service.capacity * options.capacity_permille // 1000 - options.used.get(name, 0)
    held = service.cutoffs
    hours = () if held is None else (("documents", held.documents_h), ("customs", held.customs_h), ("vgm", held.vgm_h))
    papers = tuple((kind, at - hour * HOUR_S) for kind, hour in hours if hour is not None)
    arrive_at, delay_s = at + service.transit_h * HOUR_S, spread.delay_s(service.delay, options.quantile)
    return Departure(
        name, service, at, arrive_at + delay_s, at - service.cutoff_h * HOUR_S, max(0, left), papers, delay_s,
        arrive_at + spread.latest_s(service.delay),
    )  # fmt: skip


def _changed(one: Departure, change: DepartureChange, used: int) -> Departure:
    """The departure as it runs now, under the name of its timetable; of the room that we have in all, others use some.
    """
    room = one.capacity if change.capacity is None else min(one.capacity, max(0, change.capacity - used))
    on_time_at = one.arrive_at - one.delay_s
    longer_s, longer_km = (change.detour.seconds, change.detour.km) if change.detour is not None else (0, 0)
    late_s, latest_s = (
        longer_s + spread.late_s(delay_s, change.depart_late_s, change.arrive_late_s)
        for delay_s in (one.delay_s, one.late_at - on_time_at)
    )
    return replace(
        one, depart_at=one.depart_at + change.depart_late_s, arrive_at=on_time_at + late_s,
        delay_s=late_s - change.arrive_late_s - longer_s, late_at=on_time_at + latest_s,
        cutoff_at=one.cutoff_at + change.cutoff_late_s, capacity=room,
        papers=tuple((name, at + change.cutoff_late_s) for name, at in one.papers), detour_km=longer_km,
        detour=change.detour.canal if change.detour is not None else None,
    )  # fmt: skip


class Timetable:
    """All departures and segments of one problem."""

    def __init__(self, problem: Problem) -> None:
        self._changes = problem.changes
        horizon = problem.options.start_at + problem.options.weeks * 7 * DAY_S
        # Later legs may leave after the horizon of the first one: give them time to join.
        self._departures = {
            service.code: departures_of(service, problem.options, problem.options.until(), problem.changes)
            for service in problem.network.services
        }
        self._starts = {code: [one.depart_at for one in found] for code, found in self._departures.items()}
        self._horizon = horizon
        self.segments = [segment for corridor in problem.network.corridors for segment in self._segments_of(corridor)]

    def _segments_of(self, corridor: Corridor) -> Iterator[Segment]:
        for first in self._departures[corridor.services[0]]:
            if first.depart_at - self._late(first) >= self._horizon:
                continue
            legs = self._joined(corridor, first)
            if legs is not None:
                yield self._segment(corridor, legs)

    def _late(self, one: Departure) -> int:
        change = self._changes.departures.get(one.id)
        return change.depart_late_s if change is not None else 0

    def _joined(
        self, corridor: Corridor, first: Departure, *, is_late: bool = False
    ) -> tuple[Departure, ...] | None:
        legs = [first]
        for code in corridor.services[1:]:
            arrive_at = legs[-1].late_at if is_late else legs[-1].arrive_at
            earliest = arrive_at + corridor.transfer_h * HOUR_S
            index = bisect_left(self._starts[code], earliest)
            if index == len(self._starts[code]):
                return None
            legs.append(self._departures[code][index])
        return tuple(legs)

    def _segment(self, corridor: Corridor, legs: tuple[Departure, ...]) -> Segment:
        name = f"{corridor.code}@{legs[0].id.rpartition('@')[2]}"  # as its timetable names it, late or not
        at, closed_by = _closing(legs)
        close_at = at - corridor.stuffing_close_h * HOUR_S
        arrive_at = legs[-1].arrive_at
        free_at = arrive_at + corridor.stripping_h * HOUR_S
        late = self._joined(corridor, legs[0], is_late=True) if any(leg.service.delay for leg in legs) else None
        late_at = late[-1].late_at if late is not None else None
        return Segment(name, corridor, legs, close_at, legs[0].depart_at, arrive_at, free_at, closed_by, late_at)


def _closing(legs: tuple[Departure, ...]) -> tuple[int, tuple[str, str] | None]:
    """The earliest cut-off of a chain: gate-in of its first departure, and the papers of all; and whose it is."""
    if not any(leg.papers for leg in legs):
        return legs[0].cutoff_at, None
    first = [(legs[0].cutoff_at, legs[0].id, GATE_IN)]
    at, departure, kind = min(first + [(at, leg.id, kind) for leg in legs for kind, at in leg.papers])
    return at, (departure, kind)


def equipment_on(network: Network, corridor: Corridor) -> list[str]:
    """Codes of the equipment that every service of the corridor takes, in the order of the equipment list."""
    services = {service.code: service for service in network.services}
    chain = [services[code] for code in corridor.services]
    return [
        one.code
        for one in network.equipment
        if all(one.code in leg.freight_minor or one.code in leg.uld for leg in chain)
    ]
