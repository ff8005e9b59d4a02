"""Fixed-charge network design: the strong model by HiGHS, its answer made exact."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import highspy
import numpy as np
import numpy.typing as npt

from routing.design.answer import MICRO, Move
from routing.design.flow_linear import FlowLinear
from routing.design.flow_local import FlowLocal
from routing.design.flow_model import FlowModel, model_of
from routing.design.flow_paths import moves_of, value_of
from routing.design.instance import Instance

Floats = npt.NDArray[np.float64]
FUZZ = 1e-7
NODES, CALLS = 50, 50
"""Branch-and-bound nodes of the strong model, and models of the local search, for each unit of work."""


@dataclass(frozen=True)
class Flowing:
    """A plan with its value and the proven bound, in millionths; no moves where there is no plan."""

    value_micro: int
    bound_micro: int
    moves: list[Move]
    infeasible: bool = False


def solve_flow(instance: Instance, *, seconds: float, work: int | None, seed: int) -> Flowing:
    """Best plan found and proven bound. With ``work`` the clock plays no part: search and strong model take turns."""
    if work is not None:
        found = _searched(instance, seed, math.inf, lambda done: 1 - done / (CALLS * work))
        return _better(_exact(instance, _loaded(instance, seed), NODES * work, None), instance, *found)
    start = time.monotonic()
    end, model, pool = start + seconds, _loaded(instance, seed), ThreadPoolExecutor(1)
    solving = pool.submit(_exact, instance, model, None, end)
    found = _searched(instance, seed, seconds, lambda _: 0.0 if solving.done() else (end - time.monotonic()) / seconds)
    best = solving.result()  # what went wrong there is told here
    pool.shutdown()
    return _better(best, instance, *found)


def _searched(
    instance: Instance, seed: int, seconds: float, left: Callable[[int], float]
) -> tuple[float, Floats | None]:
    """The bound of the linear model, and the best flows of the search; ``left``: share of time or calls left."""
    bound, opens, carried = FlowLinear(instance, lambda: seconds * left(0)).solve()
    local = FlowLocal(instance, seed, left)
    local.search(opens, carried)
    return bound, local.whole()


def _better(best: Flowing, instance: Instance, bound: float, flows: Floats | None) -> Flowing:
    moves = moves_of(instance, flows) if flows is not None else None
    value = value_of(instance, moves) if moves else None
    if moves and value is not None and (not best.moves or value < best.value_micro):
        best = replace(best, value_micro=value, moves=moves)
    return replace(best, bound_micro=min(best.value_micro, max(best.bound_micro, _micro(bound))))


def _loaded(instance: Instance, seed: int) -> FlowModel:
    model = model_of(instance, whole=True)
    model.solver.setOptionValue("random_seed", seed % 2**31)
    model.solver.setOptionValue("mip_rel_gap", 0.0)
    return model


def _exact(instance: Instance, model: FlowModel, nodes: int | None, end: float | None) -> Flowing:
    if nodes is not None:
        model.solver.setOptionValue("mip_max_nodes", nodes)
    if end is not None:
        model.solver.setOptionValue("time_limit", max(0.5, end - time.monotonic()))
    model.solver.run()
    if model.solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return Flowing(0, 0, [], infeasible=True)
    bound = model.solver.getInfo().mip_dual_bound
    values = np.array(model.solver.getSolution().col_value)
    moves = moves_of(instance, model.flows(values)) if len(values) else None
    if moves is None:
        moves = moves_of(instance, np.zeros((len(instance.commodities), len(instance.arcs)))) or []
    value = value_of(instance, moves)
    return Flowing(value, min(value, _micro(bound)), moves)


def _micro(bound: float) -> int:
    return max(0, math.floor(bound * (1 - FUZZ) * MICRO)) if math.isfinite(bound) else 0
