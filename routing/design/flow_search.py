"""Plans for fixed-charge networks too large for one model: a linear one cut strong where it is weak, then its parts.

First the arcs that the linear model opens at all are decided by a whole-number model; then again and again the arcs
around a few nodes are free while the others stay as they are in the best plan.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.highs import new_solver
from routing.design.instance import Instance

Floats = npt.NDArray[np.float64]
CUTS = 4000
"""Strong rows added in one round."""
ENOUGH = 2e-4
FIRST_SHARE, PART_SECONDS = 0.3, 12.0


class FlowSearch:
    """Flows are columns ``k * arcs + a``, openings stand behind them; strong rows come as they are broken."""

    def __init__(self, instance: Instance, seed: int, left: Callable[[], float]) -> None:
        self._instance, self._left, self._draw = instance, left, random.Random(seed)  # noqa: S311 - a search
        self._arcs, self._size = len(instance.arcs), len(instance.arcs) * len(instance.commodities)
        capacity = np.array([arc.capacity for arc in instance.arcs], float)
        demand = np.array([one.quantity for one in instance.commodities], float)
        self._most = np.minimum(demand[:, None], capacity[None, :]).ravel()
        self._solver = self._weak(capacity)
        self._have = np.zeros(self._size, bool)
        self._columns = np.arange(self._size, self._size + self._arcs, dtype=np.int32)
        self.value = np.inf
        self.flows: Floats | None = None

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
        order = np.lexsort((rows, columns))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = count + arcs, cap + arcs
        variable, fixed = (np.array([getattr(x, f) for x in instance.arcs], float) for f in ("variable", "fixed"))
        lp.col_cost_ = np.concatenate([variable[a], fixed])
        lp.col_lower_, lp.col_upper_ = np.zeros(count + arcs), np.concatenate([upper, np.ones(arcs)])
        lp.row_lower_, lp.row_upper_ = low, high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        starts = np.cumsum(np.bincount(columns, minlength=count + arcs))
        lp.a_matrix_.start_ = np.concatenate([[0], starts]).astype(np.int32)
        lp.a_matrix_.index_, lp.a_matrix_.value_ = rows[order].astype(np.int32), values[order]
        solver = new_solver()
        solver.passModel(lp)
        return solver

    def linear(self) -> tuple[float, Floats]:
        """Bound of the linear model with strong rows (valid after any round; 0 without one), and how far arcs open."""
        bound, opens = 0.0, np.ones(self._arcs)
        while self._left() > 0:
            self._solver.setOptionValue("time_limit", self._solver.getRunTime() + max(0.1, self._left()))
            self._solver.run()
            if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                break
            before, bound = bound, float(self._solver.getInfo().objective_function_value)
            values = np.array(self._solver.getSolution().col_value)
            opens = values[self._size :]
            if not self._strengthen(values) or bound - before < ENOUGH * bound:
                break
        return bound, opens

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

    def search(self, opens: Floats) -> None:
        """Whole-number models of parts until the time is over; the best flows stand in ``flows``."""
        kinds = np.full(self._arcs, int(highspy.HighsVarType.kInteger), np.uint8)
        self._solver.changeColsIntegrality(self._arcs, self._columns, kinds)
        self._part(np.zeros(self._arcs), (opens > 1e-3).astype(float), FIRST_SHARE * self._left(), 0.005)
        nodes, wide = self._instance.nodes, max(3, self._instance.nodes // 4)
        while self._left() > 1 and self.flows is not None:
            used = (self.flows.sum(axis=0) > 1e-6).astype(float)
            around = set(self._draw.sample(range(nodes), wide))
            free = np.array([arc.tail in around or arc.head in around for arc in self._instance.arcs])
            free &= (opens > 1e-4) | (used > 0)
            before = self.value
            self._part(np.where(free, 0.0, used), np.where(free, 1.0, used), min(PART_SECONDS, self._left()), 1e-4)
            wide += 1 if self.value >= before and wide < nodes else 0

    def _part(self, low: Floats, high: Floats, seconds: float, gap: float) -> None:
        self._solver.changeColsBounds(self._arcs, self._columns, low, high)
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + max(0.5, seconds))
        self._solver.setOptionValue("mip_rel_gap", gap)
        if self.flows is not None:
            start = highspy.HighsSolution()
            used = (self.flows.sum(axis=0) > 1e-6).astype(float)
            start.col_value = np.concatenate([self.flows.ravel(), used]).tolist()
            self._solver.setSolution(start)
        self._solver.run()
        values = np.array(self._solver.getSolution().col_value)
        value = float(self._solver.getInfo().objective_function_value)
        if len(values) and value < self.value - 1e-6 and self._solver.getInfo().primal_solution_status == 2:
            self.value = value
            self.flows = values[: self._size].reshape(-1, self._arcs)
