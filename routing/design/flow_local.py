"""Local search over which arcs are open, each choice priced by the cheapest flows that it leaves.

Fixed prices stand with the arcs alone, so for a given choice commodities of one origin are one flow: that linear model
is small, and after one arc is opened or closed the simplex goes on from where it stood, in milliseconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.flow_paths import peel
from routing.design.highs import fill, new_solver
from routing.design.instance import Instance

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
NOTHING = 1e-6
SLOPES = 25
"""Rounds of slope scaling: each arc's fixed price is spread over the flow it had in the round before."""
UNSEEN = 3.0
"""How much dearer a unit is to begin with on an arc that the linear model leaves closed."""
CLOSED_FOR_ONE = 4
"""Arcs that are tried to be closed after one was opened."""
LIKELY = 1e-4
"""How far the linear model opens an arc that is worth a try."""
WIDE = (1, 1, 2, 4, 6, 8, 10)
"""Nodes of a shake: the arcs of one, or those between several."""
WORSE, NOISE = 0.001, 0.5
"""How much dearer, as a share, a shake may leave the plan; by how much its order of closing is disturbed."""


class FlowLocal:
    """The best flows (origins x arcs) in ``best``, their cost in ``best_value``; ``calls`` counts models solved."""

    def __init__(self, instance: Instance, seed: int, left: Callable[[int], float]) -> None:
        self._instance, self._share, self._draw = instance, left, random.Random(seed)  # noqa: S311 - a search
        arcs = instance.arcs
        self._arcs, self._nodes = len(arcs), instance.nodes
        self._capacity, self._variable, self._fixed = (
            np.array([getattr(arc, field) for arc in arcs], float) for field in ("capacity", "variable", "fixed")
        )
        self._tail, self._head = np.array([arc.tail for arc in arcs]), np.array([arc.head for arc in arcs])
        self.origins = sorted({one.origin for one in instance.commodities})
        self._solver = self._model()
        self._open: Mask = np.ones(self._arcs, bool)
        self._flows = self.best = np.zeros((len(self.origins), self._arcs))
        self._value = self.best_value = np.inf
        self.calls = 0

    def _model(self) -> highspy.Highs:
        """Flows of each origin; behind them, for each origin and destination, what cannot be carried at all."""
        origins, arcs, nodes = len(self.origins), self._arcs, self._nodes
        wanted = np.zeros((origins, nodes))
        for one in self._instance.commodities:
            wanted[self.origins.index(one.origin), one.destination] -= one.quantity
        short_of, short_to = np.nonzero(wanted)
        start = np.array(self.origins)
        wanted[np.arange(origins), start] -= wanted.sum(axis=1)
        of, arc = np.divmod(np.arange(origins * arcs), arcs)
        flow, short = np.arange(origins * arcs), origins * arcs + np.arange(len(short_of))
        rows = np.concatenate(
            [
                of * nodes + self._tail[arc], of * nodes + self._head[arc], origins * nodes + arc,
                short_of * nodes + start[short_of], short_of * nodes + short_to,
            ]
        )  # fmt: skip
        columns = np.concatenate([flow, flow, flow, short, short])
        values = np.concatenate([np.repeat([1.0, -1.0, 1.0], len(flow)), np.repeat([1.0, -1.0], len(short))])
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(flow) + len(short), origins * nodes + arcs
        self._penalty = 4 * nodes * float(self._variable.max(initial=0) + self._fixed.max(initial=0)) + 1
        lp.col_cost_ = np.concatenate([self._variable[arc], np.full(len(short), self._penalty)])
        lp.col_lower_ = np.zeros(lp.num_col_)
        lp.col_upper_ = np.concatenate([np.where(self._head[arc] == start[of], 0, np.inf), np.full(len(short), np.inf)])
        lp.row_lower_ = np.concatenate([wanted.ravel(), np.full(arcs, -np.inf)])
        lp.row_upper_ = np.concatenate([wanted.ravel(), self._capacity])
        fill(lp, rows, columns, values)
        solver = new_solver()
        solver.passModel(lp)
        return solver

    def _left(self) -> float:
        """Share of the time, or of the calls, that is left."""
        return self._share(self.calls)

    def search(self, opens: Floats, carried: Floats) -> None:
        """Until nothing is ``left``; ``opens``, ``carried``: how far arcs open and what they carry at first."""
        self._slopes(opens, carried)
        likely = opens > LIKELY
        order = np.argsort(-opens, kind="stable")
        self._descend(order[likely[order]])
        while self._left() > 0 and np.isfinite(self._value):
            heat = WORSE * self.best_value * self._left() * self._draw.random() ** 2
            self._shake(likely, self._draw.choice(WIDE), heat)

    def whole(self) -> Floats | None:
        """The best flows by commodity, commodities x arcs: those of one origin share out its flow among them."""
        if not np.isfinite(self.best_value):
            return None
        flows = np.zeros((len(self._instance.commodities), self._arcs))
        for row, origin in enumerate(self.origins):
            left = {int(a): float(self.best[row, a]) for a in np.flatnonzero(self.best[row] > NOTHING)}
            mine = [k for k, one in enumerate(self._instance.commodities) if one.origin == origin]
            for k, path, amount in peel(self._instance, mine, left):
                flows[k, list(path)] += amount
        return flows

    def _slopes(self, opens: Floats, carried: Floats) -> None:
        """A first choice of arcs by slope scaling from how far arcs open and what they carry in a linear solution."""
        usual = np.where(carried > NOTHING, np.minimum(self._capacity, carried / np.maximum(opens, 1e-9)), 0)
        slope = self._fixed / np.where(usual > NOTHING, usual, self._capacity / UNSEEN)
        columns = np.arange(self._flows.size, dtype=np.int32)
        for _ in range(SLOPES):
            self._solver.changeColsCost(len(columns), columns, np.tile(self._variable + slope, len(self.origins)))
            value, flows = self._priced()
            used = flows.sum(axis=0)
            if value < self._value:
                self._value, self._flows = value, flows
            slope = np.where(used > NOTHING, self._fixed / np.maximum(used, 1.0), slope)
            if self._left() <= 0:
                break
        self._solver.changeColsCost(len(columns), columns, np.tile(self._variable, len(self.origins)))
        self._open = self._flows.sum(axis=0) > NOTHING
        self._allow(np.arange(self._arcs))
        self._take(*self._priced())

    def _priced(self) -> tuple[float, Floats]:
        """True cost of the cheapest flows over the arcs that are allowed; infinite where they do not carry all."""
        self.calls += 1
        self._solver.run()
        values = np.array(self._solver.getSolution().col_value)
        flows = values[: self._flows.size].reshape(-1, self._arcs)
        used = flows.sum(axis=0)
        cost = used @ self._variable + self._fixed[used > NOTHING].sum()
        return np.inf if values[self._flows.size :].sum() > NOTHING else float(cost), flows

    def _allow(self, arcs: Ints) -> None:
        """Tell the solver which of these arcs are open."""
        for a in arcs:
            row = len(self.origins) * self._nodes + int(a)
            self._solver.changeRowBounds(row, -highspy.kHighsInf, float(self._capacity[a]) if self._open[a] else 0.0)

    def _take(self, value: float, flows: Floats) -> None:
        """These flows stand now; arcs without any are closed."""
        self._value, self._flows = value, flows
        before, self._open = self._open, flows.sum(axis=0) > NOTHING
        self._allow(np.flatnonzero(before != self._open))
        if value < self.best_value - NOTHING:
            self.best_value, self.best = value, flows

    def _descend(self, likely: Ints) -> None:
        """Close what is cheaper closed, open what pays for itself and for what may close then, until neither helps."""
        before = np.inf
        while self._value < before and self._left() > 0:
            before = self._value
            self._close(np.arange(self._arcs))
            for a in likely:
                if not self._open[a] and self._left() > 0:
                    self._try_open(int(a))

    def _close(self, arcs: Ints, noise: float = 0.0) -> None:
        """Each of these that is open is closed if that is cheaper, the dearest for what it carries first."""
        each = self._fixed[arcs] / np.maximum(self._flows.sum(axis=0)[arcs], NOTHING)
        if noise:
            each *= np.exp([self._draw.uniform(-noise, noise) for _ in arcs])
        for a in arcs[np.argsort(-each, kind="stable")]:
            if self._open[a] and self._left() > 0:
                self._open[a] = False
                self._allow(np.array([a]))
                value, flows = self._priced()
                if value < self._value - NOTHING:
                    self._take(value, flows)
                else:
                    self._open[a] = True
                    self._allow(np.array([a]))

    def _try_open(self, arc: int) -> None:
        kept = self._value, self._flows, self._open.copy()
        self._open[arc] = True
        self._allow(np.array([arc]))
        self._take(*self._priced())
        if self._value >= kept[0] - NOTHING:
            used = np.where(self._open, self._flows.sum(axis=0), np.inf)
            self._close(np.argsort(used, kind="stable")[:CLOSED_FOR_ONE])
        if self._value >= kept[0] - NOTHING:
            self._back(*kept)

    def _back(self, value: float, flows: Floats, opened: Mask) -> None:
        changed = np.flatnonzero(self._open != opened)
        self._value, self._flows, self._open = value, flows, opened
        self._allow(changed)

    def _shake(self, likely: Mask, wide: int, worse: float) -> None:
        """Everything likely about a few nodes opens, then closes again arc by arc; kept unless dearer by ``worse``."""
        around = np.zeros(self._nodes, bool)
        around[self._draw.sample(range(self._nodes), min(wide, self._nodes))] = True
        near = around[self._tail] | around[self._head] if wide == 1 else around[self._tail] & around[self._head]
        add = np.flatnonzero(near & ~self._open & likely)
        if not len(add):
            self.calls += 1  # an empty shake costs something too: a limit on calls must be reached
            return
        kept = self._value, self._flows, self._open.copy()
        self._open[add] = True
        self._allow(add)
        self._take(*self._priced())
        self._close(np.flatnonzero(near | (self._open & ~kept[2])), NOISE)
        if self._value > kept[0] + worse:
            self._back(*kept)
