"""The strong model of fixed-charge network design: arcs are opened or not, flows may split.

min  sum variable x + sum fixed y     x: flow of a commodity on an arc; y: the arc is open
  each commodity and node:  out - in = demand at its origin, - demand at its destination, else 0
  each arc:                 sum x <= capacity y
  each commodity and arc:   x <= min(demand, capacity) y
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.highs import fill, new_solver
from routing.design.instance import Instance

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FlowModel:
    """HiGHS with the model; column ``k * arcs + a`` is a flow, after all flows column ``a`` opens an arc."""

    solver: highspy.Highs
    arcs: int
    commodities: int

    def flows(self, values: Floats) -> Floats:
        """Flows as commodities x arcs."""
        return values[: self.arcs * self.commodities].reshape(self.commodities, self.arcs)

    def opens(self, values: Floats) -> Floats:
        """How far each arc is open."""
        return values[self.arcs * self.commodities :]


def model_of(instance: Instance, *, whole: bool) -> FlowModel:
    """The model over all arcs."""
    arcs, goods = len(instance.arcs), instance.commodities
    count = arcs * len(goods)
    tail, head = np.array([a.tail for a in instance.arcs]), np.array([a.head for a in instance.arcs])
    capacity = np.array([a.capacity for a in instance.arcs], float)
    demand = np.array([one.quantity for one in goods], float)
    k, a = np.divmod(np.arange(count), arcs)
    most = np.minimum(demand[k], capacity[a])
    each = np.arange(count)
    balance, cap, strong = 0, len(goods) * instance.nodes, len(goods) * instance.nodes + arcs
    rows = np.concatenate(
        [balance + k * instance.nodes + tail[a], balance + k * instance.nodes + head[a], cap + a, strong + each]
    )
    columns = np.concatenate([each, each, each, each])
    values = np.concatenate([np.ones(count), -np.ones(count), np.ones(count), np.ones(count)])
    rows = np.concatenate([rows, cap + np.arange(arcs), strong + each])
    columns = np.concatenate([columns, count + np.arange(arcs), count + a])
    values = np.concatenate([values, -capacity, -most])
    low = np.full(strong + count, -np.inf)
    high = np.zeros(strong + count)
    low[:cap] = 0
    for number, one in enumerate(goods):
        low[number * instance.nodes + one.origin] = high[number * instance.nodes + one.origin] = one.quantity
        low[number * instance.nodes + one.destination] = high[number * instance.nodes + one.destination] = -one.quantity
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = count + arcs, strong + count
    lp.col_cost_ = np.concatenate(
        [
            np.array([arc.variable for arc in instance.arcs], float)[a],
            np.array([arc.fixed for arc in instance.arcs], float),
        ]
    )
    lp.col_lower_, lp.col_upper_ = np.zeros(count + arcs), np.concatenate([most, np.ones(arcs)])
    lp.row_lower_, lp.row_upper_ = low, high
    fill(lp, rows, columns, values)
    if whole:
        kinds = [highspy.HighsVarType.kContinuous] * count + [highspy.HighsVarType.kInteger] * arcs
        lp.integrality_ = kinds
    solver = new_solver()
    solver.passModel(lp)
    return FlowModel(solver, arcs, len(goods))
