"""The first and largest part of the proof: prices raise the bound, and show where the relaxation of time is too kind.

Where the natural cuts would leave too many columns it begins with whole time axes. The columns that are cheapest at the
best prices are looked at as if they were a plan: where they cannot meet in time, slots are cut, while the bound grows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from routing.design.instance import Instance
from routing.design.timed_dual import ascend, excess_of, priced_of
from routing.design.timed_paths import Ways
from routing.design.timed_refine import refine
from routing.design.timed_slots import Column, Slots, first_cuts, slots_of
from routing.problem import BadProblem

FINE = 20_000
"""Columns up to which the natural first cuts are taken at once."""
LARGE = 250_000
"""No more rounds of prices from so many columns on."""
PATIENCE, ENOUGH = 6, 2e-4
"""Rounds in which the bound must have grown by this share in all."""
STEPS = 60
"""Batches of steps of one round."""
FUZZ = 1e-6
Cuts = list[list[int]]


@dataclass(frozen=True)
class Round:
    """The bound of one round, and the column of each commodity that is cheapest at its prices."""

    bound: float
    chosen: list[Column]


def start_cuts(instance: Instance, ways: Ways) -> Cuts:
    """The natural cuts where they leave few columns, else one slot for each arc."""
    try:
        slots_of(instance, ways, cuts := first_cuts(instance, ways), FINE)
    except BadProblem:
        return [[0] for _ in instance.arcs]
    return cuts


def by_prices(
    instance: Instance, ways: Ways, cuts: Cuts, upper: Callable[[], int], told: Callable[[Round], bool],
    left: Callable[[], float], most: int | None,
) -> Ways:  # fmt: skip
    """Rounds of prices; ``cuts`` grow. ``told`` hears of each round and says whether to go on. What ways are left."""
    bounds: list[float] = []
    while left() > 0:
        slots = slots_of(instance, ways, cuts)
        data, prices = priced_of(instance, slots)
        bound, prices = ascend(data, prices, upper, left, STEPS)
        excess, cheapest = excess_of(data, prices)
        kept = excess <= upper() - bound + FUZZ * abs(bound) + 1
        ways = live(ways, Slots(tuple(c for c, stays in zip(slots.columns, kept, strict=True) if stays), slots.shared))
        chosen = [slots.columns[j] for j in cheapest]
        bounds.append(bound)
        grown = len(bounds) <= PATIENCE or max(bounds) > max(bounds[:-PATIENCE]) * (1 + ENOUGH)
        on = told(Round(bound, chosen)) and grown and len(excess) <= LARGE
        if not on or (most is not None and len(bounds) >= most) or not refine(instance, chosen, cuts):
            break
    return ways


def live(ways: Ways, slots: Slots) -> Ways:
    """The ways that still have a column."""
    alive = {id(column.way) for column in slots.columns}
    return Ways(tuple(tuple(way for way in group if id(way) in alive) for group in ways.by_commodity), ways.stranded)
