"""What capacity costs at least: whole boxes and pallets in any mix, as a stair for the dual bound.

A row of a stair is (capacity, least price, what it takes beyond): a pallet has its pivot weight paid and takes more at
a rate up to its full weight. Never too small a capacity or too high a price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from routing import bulk_kernel as kernel
from routing.tariff import BOX, ULD, Offer

LEVELS, CELLS = 20, 600
"""Where there are too many mixes, a pallet's price between pivot and full weight is a stair of so many steps; its
capacities are counted in cells."""
EXACT = 24
"""So many of the largest pallets, or what comes to as much, are looked at mix by mix."""


def size_of(volume_cm3: float, weight_g: float, mix: float, per: float) -> float:
    """Volume and weight joined: `mix` of the one, the rest of the other at `per` g a cm3."""
    return mix * volume_cm3 + (1 - mix) * weight_g / per


def of(table: Sequence[Offer], mix: float, per: float, most: float) -> tuple[Any, float]:
    """The rows of a table of offers up to a capacity of `most`, in rising order, and the rate of what they take beyond.
    The first row is nothing for nothing.
    """
    boxes = [(size_of(one.full_cm3(), one.full_g(), mix, per), one.fixed_minor) for one in table if one.kind == BOX]
    pallets = [one for one in table if one.kind == ULD]
    if not boxes and not pallets:
        return np.zeros((1, 3)), 0.0
    levels = [level for one in pallets for level in _levels(one, mix, per)]
    coarse = _coarse(boxes + levels, mix, most)
    if boxes or not pallets:
        return coarse, 0.0
    return _fine(pallets, coarse, mix, per)


def _levels(one: Offer, mix: float, per: float) -> list[tuple[float, float]]:
    step = one.extra_max / LEVELS
    return [
        (
            size_of(one.volume_cm3, one.weight_g + (level + 1) * step * one.extra_g, mix, per),
            one.fixed_minor + level * step * one.extra_rate_minor / one.per_units,
        )
        for level in range(LEVELS)
    ]


def _coarse(sizes: Sequence[tuple[float, float]], mix: float, most: float) -> Any:
    """Least prices of all mixes of these sizes."""
    largest = max(size for size, _ in sizes)
    cell = float(math.gcd(*(round(size) for size, _ in sizes))) if mix == 1.0 else 0.0
    cell = max(cell, largest / CELLS)
    cells = math.ceil(most / cell - 1e-9) + math.ceil(largest / cell - 1e-9)
    in_cells = np.array([max(1, math.ceil(size / cell - 1e-9)) for size, _ in sizes], np.int64)
    least = kernel.steps_of(in_cells, np.array([price for _, price in sizes], np.float64), cells)
    cheaper_above = np.minimum.accumulate(least[::-1])[::-1]
    falls = np.append(least[:-1] < cheaper_above[1:], True)
    kept = np.flatnonzero((least < kernel.FAR) & (least <= cheaper_above) & falls)
    return np.column_stack((kept * cell, least[kept], np.zeros(len(kept))))


def _fine(pallets: Sequence[Offer], coarse: Any, mix: float, per: float) -> tuple[Any, float]:
    """Mixes of few pallets one by one; from where other mixes may be as cheap, the coarse stair."""
    held = np.array([size_of(one.volume_cm3, one.weight_g, mix, per) for one in pallets])
    unit = np.array([size_of(one.extra_cm3, one.extra_g, mix, per) for one in pallets])
    if (unit <= 0).any() and (unit > 0).any():
        return coarse, 0.0
    more = np.array([one.extra_max for one in pallets]) * unit
    fixed = np.array([one.fixed_minor for one in pallets], np.float64)
    rates = [one.extra_rate_minor / one.per_units / each for one, each in zip(pallets, unit, strict=True) if each > 0]
    rate = min(rates, default=0.0)
    top = held + more
    limit = EXACT * top.max()
    counts = np.array(list(product(*(range(int(limit // one) + 1) for one in top))), np.float64)
    counts = counts[counts @ top <= limit * (1 + 1e-9)]
    rows = np.column_stack((counts @ held, counts @ fixed, counts @ more))
    others = limit * (fixed / top).min()  # no mix that is left out has less to pay, even for nothing beyond its pivot
    ends = rows[:, 0] + rows[:, 2]
    sure = ends[rows[:, 1] + rate * rows[:, 2] <= others].max()
    rows = _undominated(rows)
    rows = np.concatenate((rows, coarse[coarse[:, 0] > sure]))
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))], rate


def _undominated(rows: Any) -> Any:
    """Without the rows that another one beats in price, capacity and what it takes in all."""
    rows = rows[np.lexsort((-rows[:, 0] - rows[:, 2], -rows[:, 0], rows[:, 1]))]
    ends = rows[:, 0] + rows[:, 2]
    beats = (rows[:, None, 0] >= rows[None, :, 0]) & (ends[:, None] >= ends[None, :])
    return rows[~np.triu(beats, 1).any(axis=0)]
