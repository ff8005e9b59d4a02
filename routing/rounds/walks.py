"""The cheapest walk from a depot and back, in steps of time, without two-cycles (compiled)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

FAR = 1 << 60


@njit(cache=True, nogil=True)
def _search(cost: Any, prices: Any, advance: Any, low: Any, high: Any, steps: int) -> Any:
    """Least cost less prices, and the walk. Each state keeps the best and the best by another last node."""
    n = cost.shape[0]
    value = np.full((steps + 1, n, 2), FAR, np.int64)
    node = np.zeros((steps + 1, n, 2), np.int32)
    step = np.zeros((steps + 1, n, 2), np.int32)
    which = np.zeros((steps + 1, n, 2), np.int8)
    for j in range(1, n):
        at = max(low[0] + advance[0, j], low[j])
        if at <= high[j]:
            value[at, j, 0] = cost[0, j] - prices[j]
    best, best_node, best_step = FAR, 0, 0
    for t in range(steps + 1):
        for i in range(1, n):
            first = value[t, i, 0]
            if first >= FAR:
                continue
            if t + advance[i, 0] <= high[0] and first + cost[i, 0] < best:
                best, best_node, best_step = first + cost[i, 0], i, t
            second, before = value[t, i, 1], node[t, i, 0]
            for j in range(1, n):
                if j == i:
                    continue
                at = max(t + advance[i, j], low[j])
                if at > high[j]:
                    continue
                choice = 0
                here = first
                if before == j:
                    choice, here = 1, second
                    if second >= FAR:
                        continue
                new = here + cost[i, j] - prices[j]
                if new < value[at, j, 0]:
                    if node[at, j, 0] != i:
                        value[at, j, 1] = value[at, j, 0]
                        node[at, j, 1] = node[at, j, 0]
                        step[at, j, 1] = step[at, j, 0]
                        which[at, j, 1] = which[at, j, 0]
                    value[at, j, 0] = new
                    node[at, j, 0], step[at, j, 0], which[at, j, 0] = i, t, choice
                elif new < value[at, j, 1] and node[at, j, 0] != i:
                    value[at, j, 1] = new
                    node[at, j, 1], step[at, j, 1], which[at, j, 1] = i, t, choice
    walk = np.zeros(steps + 2, np.int64)
    length, choice = 0, 0
    while best_node != 0:
        walk[length] = best_node
        length += 1
        best_node, best_step, choice = (
            node[best_step, best_node, choice], step[best_step, best_node, choice], which[best_step, best_node, choice],
        )  # fmt: skip
    return best, walk[:length]


def cheapest_walk(cost: Any, prices: Any, advance: Any, low: Any, high: Any) -> tuple[int, Any]:
    """The least of cost less prices over all walks that keep the windows, and the nodes that it visits."""
    best, walk = _search(cost, prices, advance, low, high, int(high.max()))
    return int(best), walk
