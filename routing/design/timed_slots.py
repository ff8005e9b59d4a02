"""The relaxation of time: on each arc the time axis is cut into slots, and who departs in one slot shares vehicles.

Any cut gives a valid relaxation: a real departure lies in one slot, and to merge the departures of a slot never costs
more. The first cut lies where windows that begin meet windows that have ended, so that whoever meets in a slot could at
least pairwise meet in time. Cutting finer brings the bound nearer to the truth (the idea of dynamic discretization
discovery: Boland et al. 2017; Marshall et al. 2021 cut into intervals).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from routing.design.instance import Instance
from routing.design.timed_paths import Way, Ways
from routing.problem import BadProblem, Fault

END = 10**15
MOST_COLUMNS = 2_000_000
ALONE = -1


@dataclass(frozen=True)
class Column:
    """A way with the slot of each of its arcs (an index of ``Slots.shared``, or ALONE), and what it pays by itself."""

    way: Way
    slots: tuple[int, ...]
    cost: int


@dataclass(frozen=True)
class Slots:
    """Columns in order of commodity; the slots that more than one commodity can reach, as (arc, begins, ends)."""

    columns: tuple[Column, ...]
    shared: tuple[tuple[int, int, int], ...]


def first_cuts(instance: Instance, ways: Ways) -> list[list[int]]:
    """Where each arc's time axis is cut to begin with, ascending, the first cut at 0."""
    events: list[list[tuple[int, int]]] = [[] for _ in instance.arcs]
    for group in ways.by_commodity:
        for way in group:
            for arc, first, last in zip(way.arcs, way.earliest, way.latest, strict=True):
                events[arc].append((first, 0))
                events[arc].append((last, 1))
    cuts = []
    for found in events:
        mine, ended = [0], False
        for at, ends in sorted(found):
            if not ends and ended:
                mine.append(at)
            ended = bool(ends)
        cuts.append(mine)
    return cuts


def slots_of(instance: Instance, ways: Ways, cuts: list[list[int]], most: int = MOST_COLUMNS) -> Slots:
    """All columns of the relaxation with these cuts. Raises BadProblem when there are more than ``most``."""
    visitors: dict[tuple[int, int], set[int]] = {}
    for k, group in enumerate(ways.by_commodity):
        for way in group:
            for at in range(len(way.arcs)):
                for slot in _reach(cuts[way.arcs[at]], way.earliest[at], way.latest[at]):
                    visitors.setdefault((way.arcs[at], slot), set()).add(k)
    keys = sorted(key for key, who in visitors.items() if len(who) > 1)
    number = {key: index for index, key in enumerate(keys)}
    columns: list[Column] = []
    for group in ways.by_commodity:
        for way in group:
            columns.extend(_columns(instance, way, cuts, number))
            if len(columns) > most:
                raise BadProblem([Fault("(file)", "too_many_columns", f"more than {most} timed paths")])
    ends = [(arc, cuts[arc][slot], _end(cuts[arc], slot)) for arc, slot in keys]
    return Slots(tuple(columns), tuple(ends))


def _end(cuts: list[int], slot: int) -> int:
    return cuts[slot + 1] if slot + 1 < len(cuts) else END


def _reach(cuts: list[int], first: int, last: int) -> range:
    return range(bisect_right(cuts, first) - 1, bisect_right(cuts, last))


def _columns(instance: Instance, way: Way, cuts: list[list[int]], number: dict[tuple[int, int], int]) -> list[Column]:
    """Each sequence of slots that some departures in order pass through; a slot of one's own is taken at once."""
    quantity = instance.commodities[way.commodity].quantity
    open_: dict[tuple[int, ...], tuple[int, int]] = {(): (0, way.variable)}
    for at, index in enumerate(way.arcs):
        arc = instance.arcs[index]
        grown: dict[tuple[int, ...], tuple[int, int]] = {}
        own = arc.fixed * -(-quantity // arc.capacity)
        for slots, (ready, cost) in open_.items():
            begin = max(ready, way.earliest[at])
            for slot in _reach(cuts[index], begin, way.latest[at]):
                depart = max(begin, cuts[index][slot])
                shared = number.get((index, slot), ALONE)
                key = (*slots, shared)
                if key not in grown or depart + arc.transit < grown[key][0]:
                    grown[key] = (depart + arc.transit, cost if shared != ALONE else cost + own)
        open_ = grown
    return [Column(way, slots, cost) for slots, (_, cost) in open_.items()]
