"""A mixed-integer model in columns and rows, solved by HiGHS: silent, on one thread, limited by time or by nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np

from routing.design.highs import new_solver
from routing.watching import Deadline

INFINITY = math.inf
LEAST_S = 0.2


@dataclass
class Rows:
    """The model while it is written."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    limits: list[tuple[float, float]] = field(default_factory=list)
    terms: list[list[tuple[int, float]]] = field(default_factory=list)

    def column(self, cost: float, upper: float, *, integer: bool) -> int:
        """A new column from 0 to `upper`; its index."""
        self.cost.append(cost)
        self.upper.append(upper)
        self.integer.append(integer)
        return len(self.cost) - 1

    def row(self, low: float, high: float, terms: list[tuple[int, float]]) -> int:
        """A new row; its index."""
        self.limits.append((low, high))
        self.terms.append(terms)
        return len(self.limits) - 1

    def matrix(self) -> Any:
        """The model as HiGHS takes it."""
        model: Any = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.cost), len(self.limits)
        model.col_cost_, model.col_upper_ = np.array(self.cost), np.array(self.upper)
        model.col_lower_ = np.zeros(len(self.cost))
        model.row_lower_ = np.array([low for low, _ in self.limits])
        model.row_upper_ = np.array([high for _, high in self.limits])
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in self.integer]
        sorted_terms = [sorted(terms) for terms in self.terms]
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.cumsum([0, *map(len, sorted_terms)])
        model.a_matrix_.index_ = np.array([column for terms in sorted_terms for column, _ in terms], np.int64)
        model.a_matrix_.value_ = np.array([value for terms in sorted_terms for _, value in terms], np.float64)
        return model


@dataclass(frozen=True)
class Solved:
    """What is proved (-inf: nothing) and the best that was found (None: nothing), in the model's own money."""

    bound: float
    value: float | None
    values: Any
    optimal: bool


@dataclass(frozen=True)
class Limits:
    """When the solver ends: at the deadline, or after so many nodes, which gives the same answer on any machine."""

    deadline: Deadline = field(default_factory=Deadline)
    nodes: int | None = None
    gap: float = 0.0


def solve(rows: Rows, limits: Limits, heard: Callable[[float], None] | None = None) -> Solved:
    """The model's optimum, or what is known of it when the limit is reached. ``heard``: is told what is proved."""
    solver: Any = new_solver()
    solver.setOptionValue("mip_rel_gap", limits.gap)
    seconds = limits.deadline.left()
    if seconds < INFINITY:
        solver.setOptionValue("time_limit", max(LEAST_S, seconds))
    if limits.nodes is not None:
        solver.setOptionValue("mip_max_nodes", limits.nodes)
    solver.passModel(rows.matrix())

    def look(_kind: Any, _message: str, out: Any, answer: Any, _data: Any) -> None:
        answer.user_interrupt = limits.deadline.halted()
        if heard is not None and math.isfinite(out.mip_dual_bound) and out.mip_dual_bound > 0:
            heard(out.mip_dual_bound)

    solver.setCallback(look, None)
    for kind in ("kCallbackMipInterrupt", "kCallbackSimplexInterrupt"):
        solver.startCallback(getattr(highspy.cb.HighsCallbackType, kind))
    solver.run()
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return Solved(
        info.mip_dual_bound, info.objective_function_value if found else None,
        np.array(solver.getSolution().col_value) if found else None,
        solver.getModelStatus() == highspy.HighsModelStatus.kOptimal,
    )  # fmt: skip
