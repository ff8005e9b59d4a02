"""A network design problem in, a plan with proven bound out."""

from __future__ import annotations

import time
from typing import Any

from routing.design.answer import MICRO, DesignPlan, Move, gap_of
from routing.design.flow_solve import solve_flow
from routing.design.highs import new_solver
from routing.design.instance import Instance
from routing.design.timed_paths import FAR, all_ways, shortest
from routing.design.timed_solve import solve_timed
from routing.problem import BadProblem, Fault


def solve(instance: Instance, *, seconds: float = 60.0, work: int | None = None, seed: int = 1) -> DesignPlan:
    """The best plan found and the bound proved.

    ``work`` limits rounds instead of time: the answer is then the same on every machine. Raises BadProblem when the
    windows leave more paths than can be listed. Infeasible is a state, each commodity without a way has its reason.
    """
    started = time.monotonic()
    answer = (_timed if instance.kind == "ctsndp" else _flow)(instance, seconds, work, seed)
    return DesignPlan(
        kind=instance.kind, snapshot_sha256=instance.snapshot_sha256(), seed=seed,
        solver=f"HiGHS {new_solver().version()}",
        seconds_limit=seconds if work is None else None, work_limit=work,
        elapsed_ms=round(1000 * (time.monotonic() - started)), **answer,
    )  # fmt: skip


def _timed(instance: Instance, seconds: float, work: int | None, seed: int) -> dict[str, Any]:
    ways = all_ways(instance)
    if ways.stranded:
        return _infeasible([(k, _too_late(instance, k)) for k in ways.stranded])
    plan, bound = solve_timed(instance, ways, seconds=seconds, work=work, seed=seed)
    moves = tuple(
        Move(
            commodity=k, arcs=ways.by_commodity[k][mine].arcs, departs=departs,
            amount_micro=instance.commodities[k].quantity * MICRO,
        )
        for k, (mine, departs) in enumerate(zip(plan.ways, plan.departs, strict=True))
    )  # fmt: skip
    return _solved(plan.value * MICRO, bound * MICRO, moves)


def _too_late(instance: Instance, k: int) -> str:
    one = instance.commodities[k]
    least = shortest(instance)[one.origin][one.destination]
    if least >= FAR:
        return f"no arcs lead from node {one.origin + 1} to node {one.destination + 1}"
    return f"could arrive at {one.release + least} at the earliest, is due at {one.due}"


def _flow(instance: Instance, seconds: float, work: int | None, seed: int) -> dict[str, Any]:
    found = solve_flow(instance, seconds=seconds, work=work, seed=seed)
    if found.infeasible:
        return _infeasible(_no_way(instance))
    if not found.moves:
        raise BadProblem([Fault("--seconds", "too_short", "no plan was found in this time")])
    opened = tuple(sorted({a for move in found.moves for a in move.arcs}))
    return {**_solved(found.value_micro, found.bound_micro, tuple(found.moves)), "opened": opened}


def _no_way(instance: Instance) -> list[tuple[int, str]]:
    least = shortest(instance)
    cut_off = [
        (k, f"no arcs lead from node {one.origin + 1} to node {one.destination + 1}")
        for k, one in enumerate(instance.commodities)
        if least[one.origin][one.destination] >= FAR
    ]
    return cut_off or [
        (k, "the arcs, all open, cannot carry all demands together") for k in range(len(instance.commodities))
    ]


def _solved(value: int, bound: int, moves: tuple[Move, ...]) -> dict[str, Any]:
    return {
        "state": "solved", "value_micro": value, "bound_micro": bound, "gap_ppm": gap_of(value, bound), "moves": moves,
    }  # fmt: skip


def _infeasible(reasons: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "state": "infeasible", "value_micro": 0, "bound_micro": 0, "gap_ppm": 0, "unserved": tuple(reasons),
    }  # fmt: skip
