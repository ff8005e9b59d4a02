"""The proven lower bound of a timed problem: relaxations of time, each finer than the last where the last was wrong.

First by prices (`timed_priced.py`), which takes seconds on any size; then by whole-number models of what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.instance import Instance
from routing.design.timed_linear import solve_linear
from routing.design.timed_model import matrix_of, solver_of
from routing.design.timed_paths import Ways
from routing.design.timed_priced import Round, by_prices, live, start_cuts
from routing.design.timed_refine import refine
from routing.design.timed_slots import ALONE, Column, Slots, slots_of

FUZZ = 1e-6
"""Share by which a solver's floating bound is lowered before it is rounded up to a whole number."""
SHARE = 0.2
"""Part of the present gap to which a whole-number solve goes; all the way once its solution holds in time."""
NODES = 200
"""Nodes of one whole-number solve where work, not time, is limited."""


@dataclass
class Progress:
    """What the bound's side knows: the bound so far, and whether nothing is left to prove."""

    bound: int = 0
    rounds: int = 0


def whole_up(value: float) -> int:
    """The least whole cost that a floating lower bound allows."""
    return math.ceil(value - FUZZ * max(1.0, abs(value)))


def prove(
    instance: Instance, ways: Ways, progress: Progress, upper: Callable[[], int], hint: Callable[[list[Column]], None],
    left: Callable[[], float], tolerance: float, most_rounds: int | None,
) -> None:  # fmt: skip
    """Raise ``progress.bound`` until it is within ``tolerance`` of ``upper()``, or time or rounds are used up.

    ``hint`` is told the column of each commodity in the solution of each relaxation. A column whose reduced cost
    exceeds the distance of bound and plan is in no better plan: it is left out for good (its way too).
    """
    cuts, share = start_cuts(instance, ways), SHARE

    def told(found: Round) -> bool:
        progress.bound = max(progress.bound, min(upper(), whole_up(found.bound)))
        hint(found.chosen)
        return not _near(progress, upper(), tolerance)

    ways = by_prices(instance, ways, cuts, upper, told, left, most_rounds)
    if _near(progress, upper(), tolerance):
        return
    while left() > 0 and (most_rounds is None or progress.rounds < most_rounds):
        progress.rounds += 1
        slots = slots_of(instance, ways, cuts)
        kept = _by_linear(instance, slots, progress, upper, left)
        if kept is None or _near(progress, upper(), tolerance):
            return
        ways = live(ways, kept)
        chosen = _by_whole(instance, kept, progress, upper, left, share, timed=most_rounds is None)
        if chosen:
            hint(chosen)
        if _near(progress, upper(), tolerance) or not chosen:
            return
        if not refine(instance, chosen, cuts):
            if share == 0:
                return
            share = 0.0


def _near(progress: Progress, value: int, tolerance: float) -> bool:
    return value - progress.bound <= tolerance * value


def _by_linear(
    instance: Instance, slots: Slots, progress: Progress, upper: Callable[[], int], left: Callable[[], float]
) -> Slots | None:
    matrix = matrix_of(instance, slots)
    owner = np.array([column.way.commodity for column in slots.columns])
    found = solve_linear(matrix, owner, _guess(instance, slots), left)
    progress.bound = max(progress.bound, min(upper(), whole_up(found.bound)))
    if found.excess is None:
        return None
    keep = found.excess <= upper() - found.bound + FUZZ * abs(found.bound) + 1
    return Slots(tuple(c for c, stays in zip(slots.columns, keep, strict=True) if stays), slots.shared)


def _guess(instance: Instance, slots: Slots) -> npt.NDArray[np.float64]:
    """A column's own cost and a third of the vehicles it would share."""
    return np.array(
        [
            column.cost + sum(instance.arcs[slots.shared[s][0]].fixed for s in column.slots if s != ALONE) / 3
            for column in slots.columns
        ]
    )


def _by_whole(
    instance: Instance, slots: Slots, progress: Progress, upper: Callable[[], int], left: Callable[[], float],
    share: float, *,
    timed: bool,
) -> list[Column]:  # fmt: skip
    matrix = matrix_of(instance, slots)
    solver = solver_of(matrix, whole=True)
    solver.setOptionValue("mip_rel_gap", share * (upper() - progress.bound) / max(1, upper()))
    if timed:
        solver.setOptionValue("time_limit", max(0.1, left()))
    else:
        solver.setOptionValue("mip_max_nodes", NODES)
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return []  # it cannot be: each commodity keeps a way; the solver lost its numbers, which proves nothing
    bound = solver.getInfo().mip_dual_bound
    if math.isfinite(bound):
        progress.bound = max(progress.bound, min(upper(), whole_up(bound)))
    values = np.array(solver.getSolution().col_value)
    if not len(values) or not math.isfinite(solver.getInfo().objective_function_value):
        return []
    chosen: dict[int, Column] = {}
    for j in np.flatnonzero(values[: matrix.x] > 0.5):
        chosen[slots.columns[j].way.commodity] = slots.columns[j]
    return [chosen[k] for k in sorted(chosen)]
