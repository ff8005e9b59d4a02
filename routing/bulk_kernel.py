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
def _filled(
    held: float, price: float, more: float, rate: float, end: float, fixed: float, loose: float, most: float,
    loose_end: float, size: Any, gain: Any, n: int,
) -> tuple[float, float]:  # fmt: skip
    """Fen less what the goods bring, and the capacity: units that hold `held` take up to `more` at `rate`, loose space
    up to `most` at `loose`, each as long as goods bring more than it costs (`end`, `loose_end`).
    """
    if rate <= loose:
        extra = min(max(0.0, end - held), more)
        beyond = min(max(0.0, loose_end - held - extra), most)
    else:
        beyond = min(max(0.0, loose_end - held), most)
        extra = min(max(0.0, end - held - beyond), more)
    total = held + extra + beyond
    return price + fixed + rate * extra + loose * beyond - _gain(total, size, gain, n), total


@njit(cache=True, nogil=True)
def _least_rates(bought: Any, paid: Any, more: Any, rate: float, loose: Any) -> tuple[float, float]:
    """The least that a unit of size can cost in boxes, and in loose space."""
    rate_box = FAR
    for at in range(1, bought.shape[0]):
        rate_box = min(rate_box, paid[at] / bought[at], (paid[at] + rate * more[at]) / (bought[at] + more[at]))
    rate_loose = FAR
    for row in range(loose.shape[0]):
        rate_loose = min(rate_loose, loose[row, 2])
    return rate_box, rate_loose


@njit(cache=True, nogil=True)
def _cheapest(
    bought: Any, paid: Any, more: Any, rate: float, loose: Any, size: Any, gain: Any, slope: Any, n: int
) -> tuple[float, float]:  # fmt: skip
    """The least of (fen for capacity less what its goods bring) over all capacities, and that capacity.

    `bought`, `paid`: capacities of whole units and their least price, rising; `more`: what they take beyond at `rate`.
    `loose`: rows of (fixed, size included, rate, most beyond). No capacity is left out but those that a convex bound
    shows to be worse.
    """
    count = bought.shape[0]
    rate_box, rate_loose = _least_rates(bought, paid, more, rate, loose)
    least_rate = min(rate_box, rate_loose)
    turn, turn_loose = _until(slope, least_rate, size, n), _until(slope, rate_loose, size, n)
    turn_box, end = _until(slope, rate_box, size, n), _until(slope, rate, size, n)
    start = int(np.searchsorted(bought, turn_box))
    ends = np.empty(loose.shape[0])
    for row in range(loose.shape[0]):
        ends[row] = _until(slope, loose[row, 2], size, n)
    widest = np.max(more)
    best, best_at = FAR, 0.0
    for way in range(2):
        at = start if way == 0 else start - 1
        while 0 <= at < count:
            held, price = bought[at], paid[at]
            if way == 0 and held >= turn and least_rate * held - _gain(held, size, gain, n) >= best:
                break
            top = held + widest
            if way == 1 and rate_box <= rate_loose and top < turn_box:
                total = top if rate_loose >= FAR else max(top, turn_loose)
                floor = rate_box * top - _gain(total, size, gain, n)
                if total > top:
                    floor += rate_loose * (total - top)
                if floor >= best:
                    break
            value, total = _filled(held, price, more[at], rate, end, 0.0, FAR, 0.0, 0.0, size, gain, n)
            if value < best:
                best, best_at = value, total
            for row in range(loose.shape[0]):
                value, total = _filled(
                    held + loose[row, 1], price, more[at], rate, end, loose[row, 0], loose[row, 2], loose[row, 3],
                    ends[row], size, gain, n,
                )  # fmt: skip
                if value < best:
                    best, best_at = value, total
            at += 1 if way == 0 else -1
    return best, best_at


@njit(cache=True, nogil=True)
def _joined(
    v: int, n: int, price: Any, cost: Any, owner: Any, volume: Any, weight: Any, mix: Any, per: Any, step_first: Any,
    bought: Any, paid: Any, more: Any, rate: Any, loose_first: Any, loose: Any, buffers: Any, places: Any,
) -> tuple[float, float, Any]:  # fmt: skip
    """The least of one group whose volume and weight are joined in the row `v`, the capacity there, and the order in
    which its `places` are taken; running sums of their sizes stay in `buffers`.
    """
    size, gain, slope, ratio = buffers[0], buffers[1], buffers[2], buffers[3]
    for at in range(n):
        k = owner[places[at]]
        z = mix[v] * volume[k] + (1 - mix[v]) * weight[k] / per[v]
        size[at] = z
        ratio[at] = -(price[k] - cost[places[at]]) / z
    by = np.argsort(ratio[:n])
    for turn in range(n):
        gain[turn] = size[by[turn]]
    all_size = all_gain = 0.0
    for turn in range(n):
        path = places[by[turn]]
        slope[turn] = -ratio[by[turn]]
        all_size += gain[turn]
        all_gain += price[owner[path]] - cost[path]
        size[turn], gain[turn] = all_size, all_gain
    low, high = step_first[v], step_first[v + 1]
    least, capacity = _cheapest(
        bought[low:high], paid[low:high], more[low:high], rate[v], loose[loose_first[v] : loose_first[v + 1]], size,
        gain, slope, n,
    )  # fmt: skip
    return min(0.0, least), capacity, by


@njit(cache=True, nogil=True)
def dual_value(
    turn: int, price: Any, cost: Any, owner: Any, volume: Any, weight: Any, order: Any, first: Any, groups: Any,
    kind: Any, row_first: Any, pick: Any, mix: Any, per: Any, step_first: Any, bought: Any, paid: Any,
    more: Any, rate: Any, loose_first: Any, loose: Any, taken: Any, buffers: Any, places: Any,
) -> float:  # fmt: skip
    """The dual function at `price` (fen that each consignment would pay to go), and how far each path is used.

    A group's volume and weight may be joined in any of the rows of its kind: each is valid, so the best of the one it
    has (`pick`) and of a neighbour counts, and is the one it has from now on.
    """
    total = 0.0
    for g in groups:
        n = 0
        for at in range(first[g], first[g + 1]):
            path = order[at]
            taken[path] = 0.0
            if price[owner[path]] - cost[path] > 0:
                places[n] = path
                n += 1
        if n == 0:
            continue
        own = pick[g]
        least, capacity, by = _joined(
            own, n, price, cost, owner, volume, weight, mix, per, step_first, bought, paid, more, rate, loose_first,
            loose, buffers, places,
        )  # fmt: skip
        other = own + 1 if turn % 2 else own - 1
        if row_first[kind[g]] <= other < row_first[kind[g] + 1] and least < 0:
            higher, there, so = _joined(
                other, n, price, cost, owner, volume, weight, mix, per, step_first, bought, paid, more, rate,
                loose_first, loose, buffers, places,
            )  # fmt: skip
            if higher > least:
                least, capacity, by = higher, there, so
                pick[g] = other
            else:
                least, capacity, by = _joined(
                    own, n, price, cost, owner, volume, weight, mix, per, step_first, bought, paid, more, rate,
                    loose_first, loose, buffers, places,
                )  # fmt: skip
        if least >= 0:
            continue
        total += least
        for at in range(n):
            before = buffers[0, at - 1] if at else 0.0
            if before >= capacity:
                break
            taken[places[by[at]]] = min(1.0, (capacity - before) / (buffers[0, at] - before))
    return total


@njit(cache=True, nogil=True)
def climb(
    rounds: int, target: float, price: Any, best_price: Any, drift: Any, mean: Any, numbers: Any, most: Any, ks: Any,
    start: Any, cost: Any, owner: Any, volume: Any, weight: Any, order: Any, first: Any, groups: Any, kind: Any,
    row_first: Any, pick: Any, mix: Any, per: Any, step_first: Any, bought: Any, paid: Any, more: Any, rate: Any,
    loose_first: Any, loose: Any, taken: Any, buffers: Any, places: Any,
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
            int(numbers[3]), price, cost, owner, volume, weight, order, first, groups, kind, row_first, pick, mix, per,
            step_first, bought, paid, more, rate, loose_first, loose, taken, buffers, places,
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
