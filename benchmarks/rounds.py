"""Truck rounds on the twenty seeded problems of `routing/rounds/generate.py`, beside PyVRP and OR-Tools given 600 s.

`value` is the cost in yuan; its `ratio` compares it with the better peer. Without `--full` one small problem, ours and
the peers 8 s each. Every plan is checked by the independent checker.
"""

import time
from collections.abc import Iterator
from functools import partial
from statistics import mean
from typing import Any

from benchmarks.parts import WHOLE, Part, announce, kept
from benchmarks.rounds_peers import by_ortools, by_pyvrp
from benchmarks.rows import Row, row
from routing.rounds.answer import RoundsPlan
from routing.rounds.check import check
from routing.rounds.generate import benchmark_set, rounds_problem
from routing.rounds.problem import Problem
from routing.rounds.solve import make_rounds
from web.commands.plan import quiet_solver

CUT = ((40, 101),)
CUT_SECONDS, CUT_PEER_SECONDS = 8, 8
SECONDS, PEER_SECONDS = 30, 600
TARGET = 1.015


def run(full: bool = False, part: Part = WHOLE) -> Iterator[Row]:
    """Figures by problem and their mean; half a minute, with `full` seven hours."""
    _solved(rounds_problem(10, 1), 1)  # numba compiles the walks once on a machine: not in these times
    seconds, peer_seconds = (SECONDS, PEER_SECONDS) if full else (CUT_SECONDS, CUT_PEER_SECONDS)
    every = {f"{stops}_{seed}": (stops, seed) for stops, seed in (benchmark_set() if full else CUT)}
    names = part.of(list(every))
    if full:
        announce("rounds", dict.fromkeys(names, seconds + 2 * peer_seconds))
    ratios, gaps = [], []
    for name in names:
        measure = partial(_measured, rounds_problem(*every[name]), seconds, peer_seconds)
        found = kept("rounds", name, measure, keep=full)
        _, best, peer = min((left, cost, who) for who, (cost, left) in found["peers"].items())
        ratios.append(found["cost_minor"] / best)
        gaps.append(found["gap_ppm"] / 10_000)
        yield row(
            f"rounds_{name}_in_{seconds}s", found["cost_minor"] / 100, "CNY", target=TARGET,
            ratio_to=f"{peer} in {peer_seconds} s; took {found['seconds']:.1f} s, checked", ratio=ratios[-1],
            ok=ratios[-1] <= TARGET,
        )  # fmt: skip
        for who, (cost, left) in found["peers"].items():
            yield row(f"rounds_{name}_{who.lower()}", cost / 100, "CNY", ratio_to=f"{left} stops left out")
        yield row(f"rounds_{name}_gap", gaps[-1], "%", ratio_to="proven bound")
    if ratios:
        over = 100 * (mean(ratios) - 1)
        yield row(f"rounds_over_best_peer_of_{len(ratios)}", over, "%", target=1.5, ok=over <= 1.5)
        yield row(f"rounds_gap_of_{len(gaps)}", mean(gaps), "%", ratio_to="proven bound")


def _measured(problem: Problem, seconds: float, peer_seconds: float) -> dict[str, Any]:
    started = time.monotonic()
    plan = _solved(problem, seconds)
    took = time.monotonic() - started
    trucks = 2 + max(sum(one.truck == kind.code for one in plan.rounds) for kind in problem.trucks)
    peers = {"PyVRP": by_pyvrp(problem, peer_seconds), "OR-Tools": by_ortools(problem, peer_seconds, trucks)}
    return {"cost_minor": plan.cost_minor, "gap_ppm": plan.gap_ppm, "seconds": took, "peers": peers}


def _solved(problem: Problem, seconds: float) -> RoundsPlan:
    with quiet_solver():
        plan = make_rounds(problem, seconds=seconds)
    if findings := check(problem.model_dump(mode="json"), plan.model_dump(mode="json")):
        raise AssertionError(f"the checker found {findings[0]}")
    return plan
