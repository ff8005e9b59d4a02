"""The arithmetic of the checker of loads, compiled by numba: which boxes meet, press and bar each other.

It belongs to the checker alone; the loader has its own (`kernel.py`).
"""

from __future__ import annotations

from typing import Any

from numba import njit

MM2_IN_M2 = 1_000_000.0
NEAR = 1 - 1e-9
"""Sums in floating point are trusted up to here; what comes nearer to a limit is counted again in fractions."""


@njit(cache=True, nogil=True)
def meetings(low: Any, high: Any, order: Any, overlaps: Any, contacts: Any) -> tuple[int, int]:
    """How many pairs lie in one place and how many stand one on the other; as many as there is room for are written.

    ``order``: the boxes by where they begin along the length. ``contacts``: upper, lower, area in mm².
    """
    inside = touch = 0
    n = order.shape[0]
    for a in range(n):
        i = order[a]
        for b in range(a + 1, n):
            j = order[b]
            if low[j, 0] >= high[i, 0]:
                break
            across = min(high[i, 1], high[j, 1]) - max(low[i, 1], low[j, 1])
            if across <= 0:
                continue
            along = min(high[i, 0], high[j, 0]) - low[j, 0]
            if along <= 0:
                continue
            if low[i, 2] < high[j, 2] and low[j, 2] < high[i, 2]:
                if inside < overlaps.shape[0]:
                    overlaps[inside, 0], overlaps[inside, 1] = i, j
                inside += 1
            elif low[i, 2] == high[j, 2] or low[j, 2] == high[i, 2]:
                if touch < contacts.shape[0]:
                    upper, lower = (i, j) if low[i, 2] == high[j, 2] else (j, i)
                    contacts[touch, 0], contacts[touch, 1], contacts[touch, 2] = upper, lower, along * across
                touch += 1
    return inside, touch


@njit(cache=True, nogil=True)
def presses(
    order: Any, first: Any, lower: Any, area: Any, base: Any, on_floor: Any, weight: Any, bears: Any, floor: float
) -> bool:  # fmt: skip
    """Whether a box may press its floor or another's top with more than it bears; no only where that is certain.

    ``order``: the highest box first. ``first``, ``lower``, ``area``: what each box stands on. ``bears``, ``floor``:
    g/m², below 0 for anything.
    """
    load = weight.copy()
    for i in order:
        if on_floor[i]:
            if floor >= 0 and load[i] * MM2_IN_M2 > floor * base[i] * NEAR:
                return True
            continue
        held = 0.0
        for at in range(first[i], first[i + 1]):
            held += area[at]
        for at in range(first[i], first[i + 1]):
            share = load[i] * area[at] / held
            load[lower[at]] += share
            if bears[lower[at]] >= 0 and share * MM2_IN_M2 > bears[lower[at]] * area[at] * NEAR:
                return True
    return False


@njit(cache=True, nogil=True)
def _bars(low: Any, high: Any, i: int, j: int, by_door: bool) -> int:
    """1 where j bars i, -1 where i bars j, else 0: one stands over the other, or (by the door) before it."""
    if low[i, 1] >= high[j, 1] or low[j, 1] >= high[i, 1]:
        return 0
    if low[i, 0] < high[j, 0] and low[j, 0] < high[i, 0]:
        if low[j, 2] >= high[i, 2]:
            return 1
        return -1 if low[i, 2] >= high[j, 2] else 0
    if by_door and low[i, 2] < high[j, 2] and low[j, 2] < high[i, 2]:
        return 1 if low[j, 0] >= high[i, 0] else -1
    return 0


@njit(cache=True, nogil=True)
def barred(low: Any, high: Any, step: Any, stop: Any, kept: Any, by_door: bool, found: Any) -> int:
    """How many rows of (one, other, 0 on the way in or 1 out) break the turns; as many as there is room for are
    written. In: the other is there already. Out: it leaves at a later stop.
    """
    n = low.shape[0]
    count = 0
    for i in range(n):
        for j in range(i + 1, n):
            way = _bars(low, high, i, j, by_door)
            if way == 0:
                continue
            one, other = (i, j) if way > 0 else (j, i)
            comes_in = step[other] < step[one] and not kept[one]
            leaves = stop[other] > stop[one] and not (kept[one] and kept[other])
            for out, breaks in ((0, comes_in), (1, leaves)):
                if breaks:
                    if count < found.shape[0]:
                        found[count, 0], found[count, 1], found[count, 2] = one, other, out
                    count += 1
    return count
