"""When a truck is where: the shortest round for a sequence of visits, with the rests that its driver must take.

A rest is taken in a gap between two visits (before leaving, on the road, or on arrival). It is valid where no spell of
driving before or after it is longer than allowed. Driving is counted from metres, so it does not depend on rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from routing.rounds.case import Case, Round, Visit


@dataclass(frozen=True)
class Timed:
    """A round in time. Instants at the elements (depot, visits, depot between trips, depot); metres; cost."""

    visits: tuple[Visit, ...]
    arrive: tuple[int, ...]
    begin: tuple[int, ...]  # of the work at the element
    leave: tuple[int, ...]
    metres: int
    duration_s: int
    drive_s: int
    rests: tuple[int, ...]  # gaps with a rest: i stands for the gap between elements i and i + 1
    cost_units: int


def fits(case: Case, one: Round) -> bool:
    """Whether the truck may go to all its visits and holds the goods at each moment."""
    holds = case.trucks[one.truck].holds()
    for trip in one.trips:
        load = [0, 0, 0]
        moved = [case.amounts(visit.node) for visit in trip]
        seen: set[int] = set()
        for visit, (off, _) in zip(trip, moved, strict=True):
            node = case.nodes[visit.node]
            if one.truck not in node.trucks:
                return False
            if node.kind == "stop":
                load = [a + b for a, b in zip(load, off, strict=True)]
            elif node.kind == "drop" and case.other_end(visit.node) not in seen:
                return False
            seen.add(visit.node)
        if any(case.nodes[at].kind == "pick" and case.other_end(at) not in seen for at in seen):
            return False
        if any(a > b for a, b in zip(load, holds, strict=True)):
            return False
        for off, on in moved:
            load = [a - b + c for a, b, c in zip(load, off, on, strict=True)]
            if any(a > b for a, b in zip(load, holds, strict=True)):
                return False
    return True


def timed(case: Case, one: Round, gaps: tuple[int, ...] | None = None) -> Timed | None:
    """The shortest schedule of the round, begun as early as it may be; None where no schedule keeps the rules.

    `gaps`: ask only for rests in these (-1 the last one), and as if they kept the spells when there are any.
    """
    truck, hours = case.trucks[one.truck], case.problem.hours
    visits = _elements(case, one)
    legs = [case.metres[a.node][b.node] for a, b in pairwise(visits)]
    total = sum(legs)
    if total > case.most_metres(one.truck, hours.drive_s):
        return None
    drives = [case.drive_s(one.truck, leg) for leg in legs]
    windows, service = _windows(case, one, visits)
    best: tuple[int, int, int, tuple[int, ...]] | None = None
    spell = case.most_metres(one.truck, hours.spell_s)
    if gaps is None:
        choices = _rests(legs, service, spell, case)
    else:
        choices = iter([tuple(gap % len(legs) for gap in gaps)] if gaps or total <= spell else [])
    for rests in choices:
        seconds = list(drives)
        for gap in rests:
            seconds[gap] += hours.rest_s
        found = _shortest(windows, service, seconds)
        if found is not None and found[0] <= truck.shift_s and (best is None or found <= best[:2]):
            way = (*found, _uneven(legs, rests), rests)
            best = way if best is None else min(best, way)
    if best is None:
        return None
    duration, start, _, rests = best
    for gap in rests:
        drives[gap] += hours.rest_s
    arrive, begin, leave = _run(windows, service, drives, start)
    return Timed(
        visits=tuple(visits), arrive=arrive, begin=begin, leave=leave, metres=total, duration_s=duration,
        drive_s=case.drive_s(one.truck, total), rests=rests, cost_units=case.units(truck, total, duration),
    )  # fmt: skip


def _uneven(legs: Sequence[int], rests: Sequence[int]) -> int:
    """How far the rests are from the middle of the road: of equal schedules the driver gets the more even one."""
    total = sum(legs)
    return sum(abs(2 * sum(legs[:gap]) + legs[gap] - total) for gap in rests)


def _elements(case: Case, one: Round) -> list[Visit]:
    depot = Visit(case.depot_of[one.truck])
    found = [depot]
    for trip in one.trips:
        found += [*trip, depot]
    return found


def _windows(case: Case, one: Round, visits: Sequence[Visit]) -> tuple[list[tuple[int, int]], list[int]]:
    """Window and work of each element; the truck itself starts and ends within its own hours."""
    truck = case.trucks[one.truck]
    windows = []
    for visit in visits:
        opens, closes = case.nodes[visit.node].windows[visit.window]
        windows.append((max(opens, truck.start_at), min(closes, truck.end_at)))
    service = [case.nodes[visit.node].service_s for visit in visits]
    service[-1] = 0  # nothing is loaded at the end
    return windows, service


def _rests(legs: Sequence[int], service: Sequence[int], spell: int, case: Case) -> Iterator[tuple[int, ...]]:
    """The choices of gaps for as few rests as will do, and for one more; each in order of the road."""
    hours = case.problem.hours
    at = [0]
    for leg in legs:
        at.append(at[-1] + leg)
    free = [at[i] for i in range(1, len(at) - 1) if hours.service_is_rest and service[i] >= hours.rest_s]

    def awake(since: int) -> int:
        """The last free rest that can be reached from a rest at `since`."""
        for place in free:
            if since < place <= since + spell:
                since = place
        return since

    for most in range(8):
        found = list(_chosen(at, spell, awake, awake(0), most))
        if found:
            yield from found
            if most:  # one rest more may lie where the truck waits anyway
                yield from _chosen(at, spell, awake, awake(0), most + 1)
            return


def _chosen(
    at: Sequence[int], spell: int, awake: Callable[[int], int], since: int, most: int
) -> Iterator[tuple[int, ...]]:
    if at[-1] - since <= spell:
        yield ()
        return
    if most == 0:
        return
    for gap in range(len(at) - 1):
        place = min(at[gap + 1], since + spell)
        if at[gap] <= since + spell and place > since:
            for more in _chosen(at, spell, awake, awake(place), most - 1):
                yield (gap, *more)


def _shortest(
    windows: Sequence[tuple[int, int]], service: Sequence[int], gaps: Sequence[int]
) -> tuple[int, int] | None:
    """Least duration and the earliest start that has it (Vidal's segments); None where a window is missed."""
    early, late = windows[0]
    if early > late:
        return None
    duration = service[0]
    for i, gap in enumerate(gaps):
        opens, closes = windows[i + 1]
        reach = duration + gap
        if early + reach > closes or opens > closes:
            return None
        wait = max(opens - reach - late, 0)
        early, late = max(opens - reach, early) - wait, min(closes - reach, late)
        duration = reach + wait + service[i + 1]
    return duration, early


def _run(
    windows: Sequence[tuple[int, int]], service: Sequence[int], gaps: Sequence[int], start: int
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    arrive, begin, leave = [start], [start], [start + service[0]]
    for i, gap in enumerate(gaps):
        arrive.append(leave[-1] + gap)
        begin.append(max(arrive[-1], windows[i + 1][0]))
        leave.append(begin[-1] + service[i + 1])
    return tuple(arrive), tuple(begin), tuple(leave)
