"""The shortest round through parallel aisles between two cross-aisles, exactly, in time linear in the aisles.

Ratliff and Rosenthal, "Order-Picking in a Rectangular Warehouse: A Solvable Case of the Traveling Salesman Problem",
Operations Research 31 (1983). The round is a connected multigraph of even degrees. Built aisle by aisle, all that
matters of the part so far is whether the ends of its last aisle have odd, even or no degree, and whether it hangs
together: seven classes. Lengths are millimetres; ``a`` is an aisle's far end, ``b`` its near one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

UU, E0, OE, EE, EE2, NONE, DONE = "UU1", "E01", "0E1", "EE1", "EE2", "000", "001"
# What walking an aisle makes of a class: once through; in and out from a; from b; from both up to the largest gap;
# there and back; not at all (paper, table I).
ONCE, FROM_A, FROM_B, GAP, TWICE, SKIP = range(6)
INSIDE: dict[str, tuple[str | None, ...]] = {
    UU: (EE, UU, UU, UU, UU, UU),
    E0: (UU, E0, EE2, EE2, EE, E0),
    OE: (UU, EE2, OE, EE2, EE, OE),
    EE: (UU, EE, EE, EE, EE, EE),
    EE2: (UU, EE2, EE2, EE2, EE, EE2),
    NONE: (UU, E0, OE, EE2, EE, NONE),
    DONE: (None, None, None, None, None, DONE),
}
# What crossing to the next aisle makes of a class, by how often the far and the near cross-aisle are walked (table II).
ACROSS: dict[str, dict[tuple[int, int], str]] = {
    UU: {(1, 1): UU},
    E0: {(2, 0): E0, (2, 2): EE2, (0, 0): DONE},
    OE: {(0, 2): OE, (2, 2): EE2, (0, 0): DONE},
    EE: {(2, 0): E0, (0, 2): OE, (2, 2): EE, (0, 0): DONE},
    EE2: {(2, 2): EE2},
    NONE: {(0, 0): NONE},
    DONE: {(0, 0): DONE},
}
ENDS = (E0, OE, EE, DONE)
Node: TypeAlias = tuple[int, int]  # number of the aisle, y


@dataclass(frozen=True)
class Aisle:
    """An aisle at ``x_mm`` with the heights at which something is to be visited, ascending."""

    x_mm: int
    ys_mm: tuple[int, ...]


def shortest_round(aisles: Sequence[Aisle], near_mm: int, far_mm: int, start: Node) -> tuple[int, list[Node]]:
    """Return the length of the shortest closed walk that visits everything, and what it visits in its order.

    ``aisles`` from left to right, at least one; ``start`` is (number of an aisle, one of its heights).
    """
    best: list[dict[str, tuple[int, str, int]]] = []  # by aisle: class after it → length, class before, way inside
    crossed: list[dict[str, tuple[int, str, tuple[int, int]]]] = []  # by aisle: class before it → length, from, ways
    before: dict[str, int] = {NONE: 0}
    for number, aisle in enumerate(aisles):
        after: dict[str, tuple[int, str, int]] = {}
        for way, cost in _ways(aisle, near_mm, far_mm):
            for state, length in before.items():
                made = INSIDE[state][way]
                if made is not None and (made not in after or length + cost < after[made][0]):
                    after[made] = (length + cost, state, way)
        best.append(after)
        if number + 1 == len(aisles):
            break
        apart = aisles[number + 1].x_mm - aisle.x_mm
        step: dict[str, tuple[int, str, tuple[int, int]]] = {}
        for state, (length, _, _) in after.items():
            for ways, made in ACROSS[state].items():
                total = length + sum(ways) * apart
                if made not in step or total < step[made][0]:
                    step[made] = (total, state, ways)
        crossed.append(step)
        before = {state: total for state, (total, _, _) in step.items()}
    end = min((state for state in ENDS if state in best[-1]), key=lambda state: best[-1][state][0])
    return best[-1][end][0], _visits(_edges(aisles, near_mm, far_mm, best, crossed, end), aisles, start)


def _ways(aisle: Aisle, near_mm: int, far_mm: int) -> list[tuple[int, int]]:
    """Return every way to serve an aisle with its length."""
    whole, ys = far_mm - near_mm, aisle.ys_mm
    if not ys:
        return [(ONCE, whole), (TWICE, 2 * whole), (SKIP, 0)]
    ways = [(ONCE, whole), (FROM_A, 2 * (far_mm - ys[0])), (FROM_B, 2 * (ys[-1] - near_mm)), (TWICE, 2 * whole)]
    if len(ys) > 1:
        ways.append((GAP, 2 * (whole - max(high - low for low, high in pairwise(ys)))))
    return ways


def _edges(
    aisles: Sequence[Aisle], near_mm: int, far_mm: int, best: Sequence[dict[str, tuple[int, str, int]]],
    crossed: Sequence[dict[str, tuple[int, str, tuple[int, int]]]], end: str,
) -> dict[Node, list[Node]]:  # fmt: skip
    """Return the chosen walk as a multigraph: every node with those it is joined to, as often as it is walked."""
    joined: dict[Node, list[Node]] = {}

    def walk(one: Node, other: Node, times: int) -> None:
        for _ in range(times):
            joined.setdefault(one, []).append(other)
            joined.setdefault(other, []).append(one)

    state = end
    for number in range(len(aisles) - 1, -1, -1):
        _, state, way = best[number][state]
        _inside(aisles[number], number, near_mm, far_mm, way, walk)
        if number:
            _, state, (far, near) = crossed[number - 1][state]
            walk((number - 1, far_mm), (number, far_mm), far)
            walk((number - 1, near_mm), (number, near_mm), near)
    return joined


def _inside(aisle: Aisle, number: int, near_mm: int, far_mm: int, way: int, walk: object) -> None:
    """Draw the edges of one aisle: those of every stretch between its ends and the heights in between."""
    heights = sorted({near_mm, *aisle.ys_mm, far_mm})
    ys = aisle.ys_mm
    gap = max(pairwise(ys), key=lambda pair: pair[1] - pair[0]) if way == GAP else None
    for low, high in pairwise(heights):
        if way == ONCE:
            times = 1
        elif way == TWICE:
            times = 2
        elif way == FROM_A:
            times = 2 if low >= ys[0] else 0
        elif way == FROM_B:
            times = 2 if high <= ys[-1] else 0
        else:
            times = 0 if (low, high) == gap or way == SKIP else 2
        walk((number, low), (number, high), times)  # type: ignore[operator]


def _visits(joined: dict[Node, list[Node]], aisles: Sequence[Aisle], start: Node) -> list[Node]:
    """Return what is to be visited in the order of a closed walk over every edge (Hierholzer 1873)."""
    left = {node: list(others) for node, others in joined.items()}
    path, stack = [], [start]
    while stack:
        here = stack[-1]
        if left.get(here):
            there = left[here].pop()
            left[there].remove(here)
            stack.append(there)
        else:
            path.append(stack.pop())
    wanted = {(number, y) for number, aisle in enumerate(aisles) for y in aisle.ys_mm}
    return [node for node in dict.fromkeys(path) if node in wanted]
