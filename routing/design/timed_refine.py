"""Where the relaxation of time was too kind: the real instants of its solution, and the cuts that forbid its errors."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from routing.design.instance import Instance
from routing.design.timed_slots import ALONE, Column


@dataclass
class _Group:
    """Who leaves together: earliest instant for all, and through which commodity's previous group it came about."""

    arc: int
    time: int = 0
    came: tuple[int, int] | None = None


def refine(instance: Instance, chosen: list[Column], cuts: list[list[int]]) -> int:
    """Cut the slots of ``cuts`` where the chosen columns (one a commodity) cannot meet in time; how many new cuts.

    Forward in time each group leaves when its last member is there. Where that is too late for a member, the chain of
    groups that led there is cut at their instants: afterwards a column that waits for them arrives as late as in truth.
    """
    groups, seats = _groups(chosen)
    broken: set[int] = set()
    added = 0
    moved = True
    while moved:
        moved = False
        for k, column in enumerate(chosen):
            if k in broken:
                continue
            ready = instance.commodities[column.way.commodity].release
            for at, latest in enumerate(column.way.latest):
                group = groups[seats[k][at]]
                if group.time < ready:
                    group.time, group.came, moved = ready, (k, at), True
                if group.time > latest:
                    broken.add(k)
                    added += _cut_back(groups, seats, seats[k][at], cuts)
                    break
                ready = group.time + instance.arcs[group.arc].transit
    if broken and not added:
        added = sum(_cut(group, cuts) for group in groups)
    return added


def _groups(chosen: list[Column]) -> tuple[list[_Group], list[list[int]]]:
    groups: list[_Group] = []
    number: dict[int, int] = {}
    seats = []
    for column in chosen:
        mine = []
        for arc, slot in zip(column.way.arcs, column.slots, strict=True):
            if slot == ALONE or slot not in number:
                if slot != ALONE:
                    number[slot] = len(groups)
                mine.append(len(groups))
                groups.append(_Group(arc))
            else:
                mine.append(number[slot])
        seats.append(mine)
    return groups, seats


def _cut_back(groups: list[_Group], seats: list[list[int]], late: int, cuts: list[list[int]]) -> int:
    added, seen = 0, set[int]()
    here: int | None = late
    while here is not None and here not in seen:
        seen.add(here)
        group = groups[here]
        added += _cut(group, cuts)
        here = None
        if group.came is not None:
            k, at = group.came
            here = seats[k][at - 1] if at else None
    return added


def _cut(group: _Group, cuts: list[list[int]]) -> int:
    if group.time in cuts[group.arc]:
        return 0
    insort(cuts[group.arc], group.time)
    return 1
