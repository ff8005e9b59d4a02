"""The arithmetic of the planner for many consignments, compiled by numba: group prices and the dual bound.

Money is fen, volume cm3, weight g, all as floats: what is proved here is rounded down well below its last digit, and
every plan is priced again in whole fen by `state.py`. Arrays are those of `bulk.Bulk`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

FAR = 1e18
FIXED, VOLUME, WEIGHT, MOST, RATE, UNIT_CM3, UNIT_G, IS_BOX, FULL_CM3 = range(9)
"""Columns of the table of offers; RATE is fen for one unit more, UNIT_CM3 and UNIT_G what a unit adds; FULL_CM3 is
what whole consignments come to in a box."""


@njit(cache=True, nogil=True)
def priced(offer: Any, volume: float, weight: float) -> float:
    """Fen of one offer with a load, FAR where it does not fit; extra units are not rounded up."""
    extra = 0.0
    if volume > offer[VOLUME]:
        if offer[UNIT_CM3] <= 0:
            return FAR
        extra = (volume - offer[VOLUME]) / offer[UNIT_CM3]
    if weight > offer[WEIGHT]:
        if offer[UNIT_G] <= 0:
            return FAR
        extra = max(extra, (weight - offer[WEIGHT]) / offer[UNIT_G])
    if extra > offer[MOST]:
        return FAR
    return float(offer[FIXED] + extra * offer[RATE])


@njit(cache=True, nogil=True)
def _loose(offers: Any, volume: float, weight: float) -> float:
    best = FAR
    for at in range(offers.shape[0]):
        if offers[at, IS_BOX] == 0:
            best = min(best, priced(offers[at], volume, weight))
    return best


@njit(cache=True, nogil=True)
def group_price(offers: Any, volume: float, weight: float) -> float:
    """About the cheapest mix for a load that may be cut anywhere: boxes of one kind, one or two smaller, loose rest."""
    if volume <= 0:
        return 0.0
    best = _loose(offers, volume, weight)
    for large in range(offers.shape[0]):
        if offers[large, IS_BOX] == 0:
            continue
        box = offers[large]
        full_cm3 = box[FULL_CM3]
        full_g = box[WEIGHT] + box[MOST] * box[UNIT_G]
        need = int(np.ceil(max(volume / full_cm3, weight / full_g) - 1e-9))
        over = max(0.0, weight - need * box[WEIGHT]) / max(1.0, box[UNIT_G])
        best = min(best, need * box[FIXED] + over * box[RATE])
        for count in range(max(1, need - 2), need):
            part = min(1.0, count * full_cm3 / volume, count * full_g / weight)
            spent = count * box[FIXED]
            spent += max(0.0, weight * part - count * box[WEIGHT]) / max(1.0, box[UNIT_G]) * box[RATE]
            if spent >= best:
                continue
            rest_cm3, rest_g = volume - volume * part, weight - weight * part
            best = min(best, spent + _loose(offers, rest_cm3, rest_g))
            for small in range(offers.shape[0]):
                if offers[small, IS_BOX] == 0 or offers[small, VOLUME] >= box[VOLUME]:
                    continue
                other_g = offers[small, WEIGHT] + offers[small, MOST] * offers[small, UNIT_G]
                other = np.ceil(max(rest_cm3 / offers[small, FULL_CM3], rest_g / other_g) - 1e-9)
                over = max(0.0, rest_g - other * offers[small, WEIGHT]) / max(1.0, offers[small, UNIT_G])
                best = min(best, spent + other * offers[small, FIXED] + over * offers[small, RATE])
    return best


# --- the dual bound -------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def steps_of(sizes: Any, prices: Any, cells: int) -> Any:
    """Least fen for exactly each number of cells bought in any mix of these sizes; FAR where no mix comes to it."""
    least = np.full(cells + 1, FAR)
    least[0] = 0.0
    for cell in range(1, cells + 1):
        for at in range(sizes.shape[0]):
            if sizes[at] <= cell and least[cell - sizes[at]] + prices[at] < least[cell]:
                least[cell] = least[cell - sizes[at]] + prices[at]
    return least


@njit(cache=True, nogil=True)
def _gain(total: float, size: Any, gain: Any, n: int) -> float:
    """The most that goods of this total size bring, the last one cut; `size` and `gain` are running sums."""
    if n == 0 or total <= 0:
        return 0.0
    if total >= size[n - 1]:
        return float(gain[n - 1])
    at = np.searchsorted(size[:n], total)
    low_size, low_gain = (size[at - 1], gain[at - 1]) if at else (0.0, 0.0)
    return float(low_gain + (gain[at] - low_gain) * (total - low_size) / (size[at] - low_size))


@njit(cache=True, nogil=True)
def _until(slope: Any, rate: float, size: Any, n: int) -> float:
    """Total size of the goods that bring more than `rate` for each unit of size; slopes fall."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if slope[middle] > rate:
            low = middle + 1
        else:
            high = middle
    return float(size[low - 1]) if low else 0.0


@njit(cache=True, nogil=True)
def _cheapest(bought: Any, paid: Any, loose: Any, size: Any, gain: Any, slope: Any, n: int) -> tuple[float, float]:
    """The least of (fen for capacity less what its goods bring) over all capacities, and that capacity.

    `bought`, `paid`: capacities of whole units and their least price, rising. `loose`: rows of (fixed, size included,
    rate, most beyond). No capacity is left out but those that a convex bound shows to be worse.
    """
    count = bought.shape[0]
    rate_box = FAR
    for at in range(1, count):
        rate_box = min(rate_box, paid[at] / bought[at])
    rate_loose = FAR
    for row in range(loose.shape[0]):
        rate_loose = min(rate_loose, loose[row, 2])
    least_rate = min(rate_box, rate_loose)
    turn = _until(slope, least_rate, size, n)
    turn_loose = _until(slope, rate_loose, size, n)
    start = int(np.searchsorted(bought, _until(slope, rate_box, size, n)))
    ends = np.empty(loose.shape[0])
    for row in range(loose.shape[0]):
        ends[row] = _until(slope, loose[row, 2], size, n)
    best, best_at = FAR, 0.0
    for way in range(2):
        at = start if way == 0 else start - 1
        while 0 <= at < count:
            held, price = bought[at], paid[at]
            inside = _gain(held, size, gain, n)
            if way == 0 and held >= turn and least_rate * held - inside >= best:
                break
            if way == 1 and rate_box <= rate_loose:
                if rate_loose >= FAR:
                    floor = rate_box * held - inside
                else:
                    total = max(held, turn_loose)
                    floor = rate_box * held + rate_loose * (total - held) - _gain(total, size, gain, n)
                if floor >= best:
                    break
            if price - inside < best:
                best, best_at = price - inside, held
            for row in range(loose.shape[0]):
                extra = min(max(0.0, ends[row] - held - loose[row, 1]), loose[row, 3])
                total = held + loose[row, 1] + extra
                value = price + loose[row, 0] + loose[row, 2] * extra - _gain(total, size, gain, n)
                if value < best:
                    best, best_at = value, total
            at += 1 if way == 0 else -1
    return best, best_at


@njit(cache=True, nogil=True)
def dual_value(
    price: Any, cost: Any, owner: Any, z: Any, order: Any, first: Any, groups: Any, kind: Any,
    step_first: Any, bought: Any, paid: Any, loose_first: Any, loose: Any, taken: Any, buffers: Any, places: Any,
) -> float:  # fmt: skip
    """The dual function at `price` (fen that each consignment would pay to go), and how far each path is used."""
    total = 0.0
    size, gain, slope, ratio = buffers[0], buffers[1], buffers[2], buffers[3]
    for g in groups:
        n = 0
        for at in range(first[g], first[g + 1]):
            path = order[at]
            taken[path] = 0.0
            one = price[owner[path]] - cost[path]
            if one > 0:
                places[n] = path
                ratio[n] = -one / z[path]
                n += 1
        if n == 0:
            continue
        by = np.argsort(ratio[:n])
        all_size = all_gain = 0.0
        for turn in range(n):
            path = places[by[turn]]
            slope[turn] = -ratio[by[turn]]
            all_size += z[path]
            all_gain += price[owner[path]] - cost[path]
            size[turn], gain[turn] = all_size, all_gain
        k = kind[g]
        low, high = step_first[k], step_first[k + 1]
        least, capacity = _cheapest(
            bought[low:high], paid[low:high], loose[loose_first[k] : loose_first[k + 1]], size, gain, slope, n
        )
        if least >= 0:
            continue
        total += least
        for turn in range(n):
            before = size[turn - 1] if turn else 0.0
            if before >= capacity:
                break
            taken[places[by[turn]]] = min(1.0, (capacity - before) / (size[turn] - before))
    return total


@njit(cache=True, nogil=True)
def climb(
    rounds: int, target: float, price: Any, best_price: Any, drift: Any, mean: Any, numbers: Any, most: Any, ks: Any,
    start: Any, cost: Any, owner: Any, z: Any, order: Any, first: Any, groups: Any, kind: Any, step_first: Any,
    bought: Any, paid: Any, loose_first: Any, loose: Any, taken: Any, buffers: Any, places: Any,
) -> None:  # fmt: skip
    """Some rounds of the subgradient method on one block. `numbers`: best bound, step factor, rounds without gain,
    rounds done; `mean`: how far each path was used of late, which comes near a fractional plan.
    """
    for _ in range(rounds):
        value = 0.0
        middle = 0.0
        for k in ks:
            value += price[k]
            middle += price[k]
        middle = max(1.0, middle / len(ks))
        value += dual_value(
            price, cost, owner, z, order, first, groups, kind, step_first, bought, paid, loose_first, loose, taken,
            buffers, places,
        )  # fmt: skip
        if value > numbers[0]:
            if value > numbers[0] + 1e-5 * abs(numbers[0]):
                numbers[2] = 0
            numbers[0] = value
            for k in ks:
                best_price[k] = price[k]
        else:
            numbers[2] += 1
        numbers[3] += 1
        if numbers[2] >= 8:
            numbers[1] *= 0.7
            numbers[2] = 0
            for k in ks:
                price[k] = best_price[k]
                drift[k] *= 0.3
            if numbers[1] < 1e-3:
                return
            continue
        share = 0.08 if numbers[3] > 12 else 1.0 / numbers[3]
        norm = 0.0
        for k in ks:
            off = 1.0
            for path in range(start[k], start[k + 1]):
                off -= taken[path]
                mean[path] += share * (taken[path] - mean[path])
            drift[k] = 0.7 * drift[k] + 0.3 * off
            norm += drift[k] * drift[k] * price[k] / middle
        if norm <= 0:
            return
        step = numbers[1] * max(target - value, 1e-4 * abs(target)) / norm
        for k in ks:
            price[k] = min(most[k], max(0.0, price[k] + step * drift[k] * price[k] / middle))
