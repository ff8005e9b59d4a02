"""The strong linear model of a fixed-charge network, its strong rows added as they are broken: a bound, and a start."""

from __future__ import annotations

from collections.abc import Callable

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.highs import fill, new_solver
from routing.design.instance import Instance

Floats = npt.NDArray[np.float64]
CUTS = 4000
"""Strong rows added in one round."""
ENOUGH = 2e-4


class FlowLinear:
    """Flows are columns ``k * arcs + a``, openings stand behind them; strong rows come as they are broken."""

    def __init__(self, instance: Instance, left: Callable[[], float]) -> None:
        self._instance, self._left = instance, left
        self._arcs, self._size = len(instance.arcs), len(instance.arcs) * len(instance.commodities)
        capacity = np.array([arc.capacity for arc in instance.arcs], float)
        demand = np.array([one.quantity for one in instance.commodities], float)
        self._most = np.minimum(demand[:, None], capacity[None, :]).ravel()
        self._solver = self._weak(capacity)
        self._have = np.zeros(self._size, bool)

    def _weak(self, capacity: Floats) -> highspy.Highs:
        instance, arcs, count = self._instance, self._arcs, self._size
        k, a = np.divmod(np.arange(count), arcs)
        tail, head = np.array([x.tail for x in instance.arcs]), np.array([x.head for x in instance.arcs])
        cap = len(instance.commodities) * instance.nodes
        rows = np.concatenate(
            [k * instance.nodes + tail[a], k * instance.nodes + head[a], cap + a, cap + np.arange(arcs)]
        )
        each = np.arange(count)
        columns = np.concatenate([each, each, each, count + np.arange(arcs)])
        values = np.concatenate([np.ones(count), -np.ones(count), np.ones(count), -capacity])
        low, high = np.zeros(cap + arcs), np.zeros(cap + arcs)
        low[cap:] = -np.inf
        upper = self._most.copy()
        for number, one in enumerate(instance.commodities):
            low[number * instance.nodes + one.origin] = high[number * instance.nodes + one.origin] = one.quantity
            at = number * instance.nodes + one.destination
            low[at] = high[at] = -one.quantity
            upper[number * arcs + np.flatnonzero((head == one.origin) | (tail == one.destination))] = 0
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = count + arcs, cap + arcs
        variable, fixed = (np.array([getattr(x, f) for x in instance.arcs], float) for f in ("variable", "fixed"))
        lp.col_cost_ = np.concatenate([variable[a], fixed])
        lp.col_lower_, lp.col_upper_ = np.zeros(count + arcs), np.concatenate([upper, np.ones(arcs)])
        lp.row_lower_, lp.row_upper_ = low, high
        fill(lp, rows, columns, values)
        solver = new_solver()
        solver.passModel(lp)
        return solver

    def solve(self) -> tuple[float, Floats, Floats]:
        """Bound (valid after any round; 0 without one), how far each arc opens, and what it carries in all."""
        bound, opens, carried = 0.0, np.ones(self._arcs), np.zeros(self._arcs)
        while self._left() > 0:
            self._solver.setOptionValue("time_limit", self._solver.getRunTime() + max(0.1, self._left()))
            self._solver.run()
            if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                break
            before, bound = bound, float(self._solver.getInfo().objective_function_value)
            values = np.array(self._solver.getSolution().col_value)
            opens, carried = values[self._size :], values[: self._size].reshape(-1, self._arcs).sum(axis=0)
            if not self._strengthen(values) or bound - before < ENOUGH * bound:
                break
        return bound, opens, carried

    def _strengthen(self, values: Floats) -> int:
        excess = values[: self._size] - self._most * np.tile(values[self._size :], len(self._instance.commodities))
        excess[self._have] = 0
        worst = np.argsort(-excess)[:CUTS]
        worst = worst[excess[worst] > 1e-4]
        count = len(worst)
        self._have[worst] = True
        index = np.stack([worst, self._size + worst % self._arcs], axis=1).ravel().astype(np.int32)
        value = np.stack([np.ones(count), -self._most[worst]], axis=1).ravel()
        starts = np.arange(0, 2 * count, 2, dtype=np.int32)
        self._solver.addRows(count, np.full(count, -np.inf), np.zeros(count), 2 * count, starts, index, value)
        return count
