"""The cheapest walks from a depot and back, in steps of time or load, without two-cycles (compiled)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

FAR = 1 << 60


@njit(cache=True, nogil=True)
def _search(cost: Any, prices: Any, advance: Any, low: Any, high: Any, steps: int) -> Any:
    """Least cost less prices by node and step. Each state keeps the best and the best by another last node."""
    n = cost.shape[0]
    value = np.full((steps + 1, n, 2), FAR, np.int64)
    back = np.zeros((steps + 1, n, 2, 3), np.int32)  # node, step and choice before
    for j in range(1, n):
        at = max(low[0] + advance[0, j], low[j])
        if at <= high[j]:
            value[at, j, 0] = cost[0, j] - prices[j]
    best = np.full(n, FAR, np.int64)
    best_step = np.zeros(n, np.int32)
    for t in range(steps + 1):
        for i in range(1, n):
            first = value[t, i, 0]
            if first >= FAR:
                continue
            if t + advance[i, 0] <= high[0] and first + cost[i, 0] < best[i]:
                best[i], best_step[i] = first + cost[i, 0], t
            second, before = value[t, i, 1], back[t, i, 0, 0]
            for j in range(1, n):
                at = max(t + advance[i, j], low[j])
                if at > high[j] or j == i:
                    continue
                choice = 0
                here = first
                if before == j:
                    choice, here = 1, second
                    if second >= FAR:
                        continue
                new = here + cost[i, j] - prices[j]
                if new < value[at, j, 0]:
                    if back[at, j, 0, 0] != i:
                        value[at, j, 1] = value[at, j, 0]
                        back[at, j, 1] = back[at, j, 0]
                    value[at, j, 0] = new
                    back[at, j, 0, 0], back[at, j, 0, 1], back[at, j, 0, 2] = i, t, choice
                elif new < value[at, j, 1] and back[at, j, 0, 0] != i:
                    value[at, j, 1] = new
                    back[at, j, 1, 0], back[at, j, 1, 1], back[at, j, 1, 2] = i, t, choice
    return best, best_step, back


def cheapest_walks(
    cost: Any, prices: Any, advance: Any, low: Any, high: Any, most: int
) -> list[tuple[int, list[int]]]:  # fmt: skip
    """Cost less prices and nodes of the best walk to each last node, the cheapest first, at most so many."""
    best, step, back = _search(cost, prices, advance, low, high, int(high.max()))
    order = np.argsort(best, kind="stable")[:most]
    return [(int(best[last]), _trace(back, int(last), int(step[last]))) for last in order if best[last] < FAR]


def _trace(back: Any, node: int, step: int) -> list[int]:
    walk, choice = [], 0
    while node != 0:
        walk.append(node)
        node, step, choice = (int(part) for part in back[step, node, choice])
    return walk
