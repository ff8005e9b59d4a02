"""Every way each commodity can take in time, and the windows of departure that its slack leaves on each arc."""

from __future__ import annotations

from dataclasses import dataclass

from routing.design.instance import Instance
from routing.problem import BadProblem, Fault

MOST_PATHS = 200_000
FAR = 10**15


@dataclass(frozen=True)
class Way:
    """A path of a commodity: its arcs, and for each the earliest and latest instant of departure."""

    commodity: int
    arcs: tuple[int, ...]
    earliest: tuple[int, ...]
    latest: tuple[int, ...]
    variable: int


@dataclass(frozen=True)
class Ways:
    """All ways, those of one commodity one after another, and who has none."""

    by_commodity: tuple[tuple[Way, ...], ...]
    stranded: tuple[int, ...]


def shortest(instance: Instance) -> list[list[int]]:
    """Shortest transit between any two nodes (Floyd and Warshall); FAR where there is no way."""
    n = instance.nodes
    least = [[0 if i == j else FAR for j in range(n)] for i in range(n)]
    for arc in instance.arcs:
        least[arc.tail][arc.head] = min(least[arc.tail][arc.head], arc.transit)
    for via in range(n):
        onward = least[via]
        for row in least:
            if (first := row[via]) < FAR:
                for j in range(n):
                    row[j] = min(row[j], first + onward[j])
    return least


def all_ways(instance: Instance) -> Ways:
    """Every simple path within each commodity's window: a plan never gains by passing a node twice.

    Raises BadProblem when there are more than MOST_PATHS: time windows too wide for this method.
    """
    least = shortest(instance)
    out: list[list[int]] = [[] for _ in range(instance.nodes)]
    for index, arc in enumerate(instance.arcs):
        out[arc.tail].append(index)
    found: list[tuple[Way, ...]] = []
    total = 0
    for k in range(len(instance.commodities)):
        ways = _ways_of(
            instance, k, out, [row[instance.commodities[k].destination] for row in least], MOST_PATHS - total
        )
        total += len(ways)
        found.append(tuple(ways))
    return Ways(tuple(found), tuple(k for k, ways in enumerate(found) if not ways))


def _ways_of(instance: Instance, k: int, out: list[list[int]], to_end: list[int], most: int) -> list[Way]:
    one, ways = instance.commodities[k], []
    stack: list[tuple[int, int, tuple[int, ...], frozenset[int]]] = [
        (one.origin, one.release, (), frozenset({one.origin}))
    ]
    while stack:
        node, at, arcs, seen = stack.pop()
        if node == one.destination:
            ways.append(_way(instance, k, arcs, one.due - at))
            if len(ways) > most:
                raise BadProblem([Fault(f"commodity {k}", "too_many_paths", f"more than {MOST_PATHS} paths in time")])
            continue
        for index in out[node]:
            arc = instance.arcs[index]
            if arc.head not in seen and at + arc.transit + to_end[arc.head] <= one.due:
                stack.append((arc.head, at + arc.transit, (*arcs, index), seen | {arc.head}))
    return ways


def _way(instance: Instance, k: int, arcs: tuple[int, ...], slack: int) -> Way:
    one, at, earliest, variable = instance.commodities[k], instance.commodities[k].release, [], 0
    for index in arcs:
        earliest.append(at)
        at += instance.arcs[index].transit
        variable += instance.arcs[index].variable * one.quantity
    return Way(k, arcs, tuple(earliest), tuple(first + slack for first in earliest), variable)
