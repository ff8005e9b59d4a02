"""The linear relaxation solved by its columns of promise: the rest is priced by dual values and comes when it pays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.highs import new_solver
from routing.design.timed_model import Matrix

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FIRST, MORE = 60, 40
"""Columns of a commodity at the start, and those that may join in one round."""
CLOSE = 1e-4


@dataclass(frozen=True)
class Linear:
    """A proven bound, and for each x column by how much any plan that uses it exceeds that bound (None: not known)."""

    bound: float
    excess: Floats | None


def solve_linear(matrix: Matrix, owner: Ints, fixed_share: Floats, left: Callable[[], float]) -> Linear:
    """Solve the relaxation. ``owner``: commodity of each x column; ``fixed_share``: a first guess of its whole cost.

    Each round proves: value of the small model plus, for each commodity, its lowest reduced cost where below zero.
    """
    rows = np.repeat(np.arange(len(matrix.low)), np.diff(matrix.starts))
    order = np.argsort(matrix.index, kind="stable")
    column, row, value = matrix.index[order], rows[order], matrix.value[order]
    upper = np.where(np.arange(len(matrix.cost)) < matrix.x, np.inf, matrix.upper)  # the cover rows hold the x
    starts = np.searchsorted(column, np.arange(len(matrix.cost) + 1))
    solver = new_solver()
    free = np.zeros(len(matrix.low), np.int32)
    solver.addRows(len(matrix.low), matrix.low, matrix.high, 0, free, np.zeros(0, np.int32), np.zeros(0))
    active = np.zeros(len(matrix.cost), bool)
    coming = np.concatenate([_best(fixed_share, owner, FIRST), np.arange(matrix.x, len(matrix.cost))])
    best = Linear(0.0, None)
    while len(coming):
        _add(solver, matrix, upper, coming, starts, row, value)
        active[coming] = True
        if math.isfinite(left()):
            solver.setOptionValue("time_limit", solver.getRunTime() + max(0.1, left()))
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            break
        dual = np.array(solver.getSolution().row_dual)
        paid = np.bincount(column, weights=dual[row] * value, minlength=len(matrix.cost))
        reduced = (matrix.cost - paid)[: matrix.x]
        lowest = np.zeros(int(owner.max()) + 1)
        np.minimum.at(lowest, owner, reduced)
        total = float(solver.getInfo().objective_function_value)
        bound = total + float(lowest.sum())
        if bound > best.bound:
            best = Linear(bound, reduced - lowest[owner])
        if bound >= total - CLOSE * abs(total):
            break
        paying = np.flatnonzero((reduced < -1e-6) & ~active[: matrix.x])
        coming = paying[_best(reduced[paying], owner[paying], MORE)]
    return best


def _best(values: Floats, owner: Ints, count: int) -> Ints:
    """Positions of the ``count`` lowest values of each owner."""
    order = np.lexsort((values, owner))
    mine = owner[order]
    place = np.arange(len(order)) - np.searchsorted(mine, mine)
    return order[place < count]


def _add(
    solver: highspy.Highs, matrix: Matrix, upper: Floats, coming: Ints, starts: Ints, row: Ints, value: Floats
) -> None:
    lengths = starts[coming + 1] - starts[coming]
    at = np.concatenate([[0], np.cumsum(lengths)])
    inside = np.repeat(starts[coming] - at[:-1], lengths) + np.arange(at[-1])
    solver.addCols(
        len(coming), matrix.cost[coming], np.zeros(len(coming)), upper[coming], int(at[-1]),
        at[:-1].astype(np.int32), row[inside].astype(np.int32), value[inside],
    )  # fmt: skip
