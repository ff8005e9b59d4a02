"""A bound of the relaxation of time by prices instead of a linear model: compiled, and valid whenever it stops.

Each commodity pays a price for every slot that it uses, and takes its cheapest column; each slot keeps what it is paid
less its vehicles, in whole numbers. Prices that raise the sum of both are found by subgradient steps with momentum.
Where a linear model of a hundred thousand columns takes a minute, this comes within a thousandth of it in a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from routing.design.instance import Instance
from routing.design.timed_slots import ALONE, Slots

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BATCH = 20
"""Steps between two looks at the clock."""
STEP, SHORTER, LAST, PATIENCE, MOMENTUM = 1.2, 0.75, 2e-3, 12, 0.7


class Prices(NamedTuple):
    """The relaxation flat. A pair is a commodity in a slot; pairs of a slot and columns of an owner stand together."""

    cost: Floats
    first: Ints
    starts: Ints
    pairs: Ints
    slots: Ints
    load: Floats
    needs: Floats
    fixed: Floats
    capacity: Floats
    most: Floats


def priced_of(instance: Instance, slots: Slots) -> tuple[Prices, Floats]:
    """The relaxation, and prices to begin with: each shares a slot's vehicle with all who could be there."""
    owner = np.array([column.way.commodity for column in slots.columns], np.int64)
    lengths = [sum(slot != ALONE for slot in column.slots) for column in slots.columns]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    goods = len(instance.commodities)
    flat = np.fromiter(
        (slot * goods + c.way.commodity for c in slots.columns for slot in c.slots if slot != ALONE),
        np.int64, count=int(starts[-1]),
    )  # fmt: skip
    keys, pairs = np.unique(flat, return_inverse=True)
    slot, who = np.divmod(keys, goods)
    quantity: Floats = np.array([one.quantity for one in instance.commodities], float)
    arc = np.array([arc for arc, _, _ in slots.shared], np.int64)
    fixed, capacity = (np.array([getattr(one, f) for one in instance.arcs], float)[arc] for f in ("fixed", "capacity"))
    count = len(slots.shared)
    needs = np.ceil(quantity[who] / capacity[slot])
    total = np.bincount(slot, weights=quantity[who], minlength=count)
    data = Prices(
        np.array([column.cost for column in slots.columns], float),
        np.searchsorted(owner, np.arange(goods + 1)).astype(np.int64),
        starts, pairs.astype(np.int64), np.searchsorted(slot, np.arange(count + 1)).astype(np.int64),
        quantity[who], needs, fixed, capacity, np.bincount(slot, weights=needs, minlength=count).astype(float),
    )  # fmt: skip
    return data, fixed[slot] * np.maximum(1, np.ceil(total / capacity))[slot] * quantity[who] / total[slot]


def ascend(
    data: Prices, prices: Floats, upper: Callable[[], float], left: Callable[[], float], most: int
) -> tuple[float, Floats]:
    """The best bound found and its prices, in at most so many batches of steps."""
    best, here, moving = prices.copy(), prices.copy(), np.zeros_like(prices)
    state = np.array([-np.inf, STEP, 0.0])
    done = 0
    while state[1] > LAST and left() > 0 and done < most:
        _steps(data, here, best, moving, state, float(upper()), BATCH)
        done += 1
    return float(state[0]), best


def excess_of(data: Prices, prices: Floats) -> tuple[Floats, Ints]:
    """By how much a plan with a column exceeds the bound of these prices, and each commodity's cheapest column."""
    reduced = data.cost + np.add.reduceat(
        np.append(prices[data.pairs], 0.0), np.minimum(data.starts[:-1], len(data.pairs))
    ) * (np.diff(data.starts) > 0)
    owner = np.repeat(np.arange(len(data.first) - 1), np.diff(data.first))
    cheapest = np.lexsort((reduced, owner))[data.first[:-1]]
    return reduced - reduced[cheapest][owner], cheapest


@njit(cache=True, nogil=True)
def _steps(d: Any, here: Any, best: Any, moving: Any, state: Any, upper: float, count: int) -> None:
    """``count`` steps; ``state``: best bound, length of step, steps without a better bound."""
    change = np.zeros(here.size)
    for _ in range(count):
        value = _value(d, here, change)
        if value > state[0]:
            if value > state[0] + 1e-5 * abs(value):
                state[2] = 0
            else:
                state[2] += 1
            state[0] = value
            best[:] = here
        else:
            state[2] += 1
        if state[2] > PATIENCE:
            state[1] *= SHORTER
            state[2] = 0
            here[:] = best
            moving[:] = 0
            _value(d, here, change)
        norm = 0.0
        for p in range(here.size):
            moving[p] = change[p] + MOMENTUM * moving[p]
            if here[p] <= 0 and moving[p] < 0:
                moving[p] = 0
            norm += moving[p] * moving[p]
        if norm <= 0:
            state[1] = 0.0
            return
        step = state[1] * max(upper - value, 1e-4 * upper) / norm
        for p in range(here.size):
            here[p] = max(0.0, here[p] + step * moving[p])


@njit(cache=True, nogil=True)
def _value(d: Any, prices: Any, change: Any) -> float:
    """The bound of these prices; ``change``: uses of each pair by commodities, less those that its slot grants."""
    total = 0.0
    change[:] = 0
    for k in range(d.first.size - 1):
        least, chosen = np.inf, -1
        for j in range(d.first[k], d.first[k + 1]):
            cost = d.cost[j]
            for i in range(d.starts[j], d.starts[j + 1]):
                cost += prices[d.pairs[i]]
                if cost >= least:
                    break
            if cost < least:
                least, chosen = cost, j
        if chosen >= 0:
            total += least
            for i in range(d.starts[chosen], d.starts[chosen + 1]):
                change[d.pairs[i]] += 1
    for s in range(d.fixed.size):
        total += _slot(d, s, prices, change)
    return total


@njit(cache=True, nogil=True)
def _slot(d: Any, s: int, prices: Any, change: Any) -> float:
    """The least that a slot's vehicles cost less what they are paid for; goods cut at will to fill the last one."""
    low, high = d.slots[s], d.slots[s + 1]
    paid, load, most = 0.0, 0.0, 0.0
    for p in range(low, high):
        if prices[p] > 0:
            paid += prices[p]
            load += d.load[p]
            most = max(most, d.needs[p])
    if paid <= d.fixed[s]:
        return 0.0
    if load <= d.capacity[s]:
        for p in range(low, high):
            if prices[p] > 0:
                change[p] -= 1
        return float(d.fixed[s] - paid)
    order = low + np.argsort(-prices[low:high] / d.load[low:high])
    least, vehicles = 0.0, 0
    for z in range(1, int(min(d.most[s], np.ceil(load / d.capacity[s]) + most)) + 1):
        value = d.fixed[s] * z - _filled(d, order, prices, d.capacity[s] * z, z, change, False)
        if value < least:
            least, vehicles = value, z
    if vehicles > 0:
        _filled(d, order, prices, d.capacity[s] * vehicles, vehicles, change, True)
    return least


@njit(cache=True, nogil=True)
def _filled(d: Any, order: Any, prices: Any, room: float, vehicles: int, change: Any, tell: bool) -> float:
    gain = 0.0
    for p in order:
        if prices[p] <= 0 or room <= 0:
            break
        if d.needs[p] <= vehicles:
            share = min(1.0, room / d.load[p])
            gain += share * prices[p]
            room -= d.load[p]
            if tell:
                change[p] -= share
    return gain
