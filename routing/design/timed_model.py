"""The master model over the columns of a relaxation: linear for the bound, whole for the plan's skeleton.

min  sum cost x + sum fixed z        x: a commodity's column; z: vehicles of a slot
  each commodity:           sum x = 1
  each slot:                sum quantity x <= capacity z                  (left out where one vehicle holds everybody)
  each commodity and slot:  vehicles it needs alone * sum x <= z          (what makes the linear bound strong)
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.highs import new_solver
from routing.design.instance import Instance
from routing.design.timed_slots import ALONE, Slots

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Matrix:
    """Columns first the x, then the z; rows by index, value and start as HiGHS takes them."""

    cost: Floats
    upper: Floats
    starts: Ints
    index: Ints
    value: Floats
    low: Floats
    high: Floats
    x: int


def matrix_of(instance: Instance, slots: Slots) -> Matrix:
    """The model of a relaxation."""
    x, z = len(slots.columns), len(slots.shared)
    cover: list[list[int]] = [[] for _ in instance.commodities]
    visits: list[dict[int, list[int]]] = [{} for _ in slots.shared]
    for j, column in enumerate(slots.columns):
        cover[column.way.commodity].append(j)
        for slot in column.slots:
            if slot != ALONE:
                visits[slot].setdefault(column.way.commodity, []).append(j)
    rows: list[tuple[list[int], list[float], float, float]] = [(js, [1.0] * len(js), 1.0, 1.0) for js in cover if js]
    upper = np.ones(x + z)
    for s, who in enumerate(visits):
        arc = instance.arcs[slots.shared[s][0]]
        load = {k: instance.commodities[k].quantity for k in who}
        upper[x + s] = sum(-(-q // arc.capacity) for q in load.values())
        if sum(load.values()) > arc.capacity:
            terms = [(j, float(load[k])) for k, js in who.items() for j in js] + [(x + s, -float(arc.capacity))]
            rows.append(([j for j, _ in terms], [v for _, v in terms], -np.inf, 0.0))
        for k, js in who.items():
            needs = float(-(-load[k] // arc.capacity))
            rows.append(([*js, x + s], [needs] * len(js) + [-1.0], -np.inf, 0.0))
    return Matrix(
        np.array([c.cost for c in slots.columns] + [instance.arcs[a].fixed for a, _, _ in slots.shared], float),
        upper,
        np.cumsum([0] + [len(js) for js, _, _, _ in rows]).astype(np.int32),
        np.array([j for js, _, _, _ in rows for j in js], np.int32),
        np.array([v for _, vs, _, _ in rows for v in vs], float),
        np.array([low for _, _, low, _ in rows]),
        np.array([high for _, _, _, high in rows]),
        x,
    )


def solver_of(matrix: Matrix, *, whole: bool) -> highspy.Highs:
    """HiGHS with the model in it, silent, on one thread."""
    solver = new_solver()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(matrix.cost), len(matrix.low)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = matrix.cost, np.zeros(len(matrix.cost)), matrix.upper
    lp.row_lower_, lp.row_upper_ = matrix.low, matrix.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.starts, matrix.index, matrix.value
    if whole:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * len(matrix.cost)
    solver.passModel(lp)
    return solver
