"""From a solver's floating flows to paths with exact amounts in micro-units."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from routing.design.answer import MICRO, Move
from routing.design.instance import Instance

NOTHING = 1e-7


def moves_of(instance: Instance, flows: npt.NDArray[np.float64]) -> list[Move] | None:
    """Paths that carry each commodity whole within every capacity, close to ``flows`` (commodities x arcs).

    Amounts are rounded down; what is missing then, a few micro-units, takes any way with room left. None when the flows
    are no plan.
    """
    room = [arc.capacity * MICRO for arc in instance.arcs]
    sent: dict[tuple[int, tuple[int, ...]], int] = {}
    for k, one in enumerate(instance.commodities):
        left = {int(a): float(flows[k, a]) for a in np.flatnonzero(flows[k] > NOTHING)}
        missing = one.quantity * MICRO
        for _, path, amount in peel(instance, [k], left):
            micro = min([missing, round(amount * MICRO), *(room[a] for a in path)])
            _send(sent, room, k, path, micro)
            missing -= micro
        while missing:
            used = {a: 1.0 for (_, way) in sent for a in way if room[a]}
            rest = _path(instance, k, used) or _path(instance, k, {a: 1.0 for a, free in enumerate(room) if free})
            if not rest:
                return None
            micro = min([missing, *(room[a] for a in rest)])
            _send(sent, room, k, rest, micro)
            missing -= micro
    return [Move(commodity=k, arcs=way, amount_micro=micro) for (k, way), micro in sorted(sent.items()) if micro]


def peel(
    instance: Instance, commodities: list[int], left: dict[int, float]
) -> Iterator[tuple[int, tuple[int, ...], float]]:
    """Commodity, path and amount, until ``left`` (flow of each arc, used up) holds no more or nothing is missing."""
    for k in commodities:
        missing = float(instance.commodities[k].quantity)
        while missing > NOTHING and (path := _path(instance, k, left)):
            amount = min(missing, *(left[a] for a in path))
            missing -= amount
            for a in path:
                left[a] -= amount
                if left[a] <= NOTHING:
                    del left[a]
            yield k, path, amount


def _send(
    sent: dict[tuple[int, tuple[int, ...]], int], room: list[int], k: int, path: tuple[int, ...], micro: int
) -> None:
    sent[k, path] = sent.get((k, path), 0) + micro
    for a in path:
        room[a] -= micro


def _path(instance: Instance, k: int, arcs: dict[int, float]) -> tuple[int, ...]:
    """A path of fewest arcs for a commodity over these arcs; empty when there is none."""
    one = instance.commodities[k]
    out: dict[int, list[int]] = {}
    for a in sorted(arcs):
        out.setdefault(instance.arcs[a].tail, []).append(a)
    came: dict[int, int] = {one.origin: -1}
    queue = deque([one.origin])
    while queue and one.destination not in came:
        for a in out.get(queue.popleft(), ()):
            if (head := instance.arcs[a].head) not in came:
                came[head] = a
                queue.append(head)
    path: list[int] = []
    node = one.destination
    while node in came and came[node] >= 0:
        path.append(came[node])
        node = instance.arcs[came[node]].tail
    return tuple(reversed(path))


def value_of(instance: Instance, moves: list[Move]) -> int:
    """Cost in micro-units of cost: flows, and each arc used once."""
    flow = sum(instance.arcs[a].variable * move.amount_micro for move in moves for a in move.arcs)
    return flow + MICRO * sum(instance.arcs[a].fixed for a in {a for move in moves for a in move.arcs})
