"""Fixed-charge network design: the strong model by HiGHS, its answer made exact."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import highspy
import numpy as np

from routing.design.answer import MICRO, Move
from routing.design.flow_model import FlowModel, model_of
from routing.design.flow_paths import moves_of, value_of
from routing.design.flow_search import FlowSearch
from routing.design.instance import Instance

FUZZ = 1e-7
NODES = 50
"""Branch-and-bound nodes for each unit of work."""


@dataclass(frozen=True)
class Flowing:
    """A plan with its value and the proven bound, in millionths; no moves where there is no plan."""

    value_micro: int
    bound_micro: int
    moves: list[Move]
    infeasible: bool = False


def solve_flow(instance: Instance, *, seconds: float, work: int | None, seed: int) -> Flowing:
    """Best plan found and proven bound. With ``work`` the clock plays no part and the strong model works alone."""
    if work is not None:
        return _exact(instance, _loaded(instance, seed), NODES * work, None)
    end = time.monotonic() + seconds
    model, pool = _loaded(instance, seed), ThreadPoolExecutor(1)
    solving = pool.submit(_exact, instance, model, None, end)
    search = FlowSearch(instance, seed, lambda: end - time.monotonic() if not solving.done() else 0.0)
    bound, opens = search.linear()
    if bound:
        search.search(opens)
    best = solving.result()  # what went wrong there is told here
    pool.shutdown()
    moves = moves_of(instance, search.flows) if search.flows is not None else None
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
