"""Fixed-charge network design: the strong model by HiGHS, its answer made exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import highspy
import numpy as np

from routing.design.answer import MICRO, Move
from routing.design.flow_model import model_of
from routing.design.flow_paths import moves_of, value_of
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
    """Best plan found and proven bound. With ``work`` the clock plays no part."""
    model = model_of(instance, whole=True)
    model.solver.setOptionValue("random_seed", seed % 2**31)
    model.solver.setOptionValue("mip_rel_gap", 0.0)
    if work is None:
        model.solver.setOptionValue("time_limit", seconds)
    else:
        model.solver.setOptionValue("mip_max_nodes", NODES * work)
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
