"""Truck rounds on the twenty seeded problems of `routing/rounds/generate.py`, beside PyVRP and OR-Tools given 600 s.

`value` is the cost in yuan; its `ratio` compares it with the better peer. Without `--full` two small problems, ours in
10 s, the peers 20 s each. Every plan is checked by the independent checker.
"""

from collections.abc import Iterator
from statistics import mean

from benchmarks.rounds_peers import by_ortools, by_pyvrp
from benchmarks.rows import Row, row
from routing.rounds.answer import RoundsPlan
from routing.rounds.check import check
from routing.rounds.generate import benchmark_set, rounds_problem
from routing.rounds.problem import Problem
from routing.rounds.solve import make_rounds
from web.commands.plan import quiet_solver

CUT = ((40, 101), (60, 102))
CUT_SECONDS, CUT_PEER_SECONDS = 10, 20
SECONDS, PEER_SECONDS = 30, 600
TARGET = 1.015


def run(full: bool = False) -> Iterator[Row]:
    """Figures by problem and their mean; about two minutes, with `full` seven hours."""
    _solved(rounds_problem(10, 1), 1)  # numba compiles the walks once on a machine: not in these times
    seconds, peer_seconds = (SECONDS, PEER_SECONDS) if full else (CUT_SECONDS, CUT_PEER_SECONDS)
    ratios, gaps = [], []
    for stops, seed in benchmark_set() if full else CUT:
        problem = rounds_problem(stops, seed)
        plan = _solved(problem, seconds)
        trucks = 2 + max(sum(one.truck == kind.code for one in plan.rounds) for kind in problem.trucks)
        peers = {
            "PyVRP": by_pyvrp(problem, peer_seconds),
            "OR-Tools": by_ortools(problem, peer_seconds, trucks),
        }
        _, best, name = min((left, cost, name) for name, (cost, left) in peers.items())
        ratios.append(plan.cost_minor / best)
        gaps.append(plan.gap_ppm / 10_000)
        yield row(
            f"rounds_{stops}_{seed}_in_{seconds}s", plan.cost_minor / 100, "CNY", target=TARGET,
            ratio_to=f"{name} in {peer_seconds} s", ratio=ratios[-1], ok=ratios[-1] <= TARGET,
        )  # fmt: skip
        for peer, (cost, left) in peers.items():
            yield row(f"rounds_{stops}_{seed}_{peer.lower()}", cost / 100, "CNY", ratio_to=f"{left} stops left out")
        yield row(f"rounds_{stops}_{seed}_gap", gaps[-1], "%", ratio_to="proven bound")
    over = 100 * (mean(ratios) - 1)
    yield row(f"rounds_over_best_peer_of_{len(ratios)}", over, "%", target=1.5, ok=over <= 1.5)
    yield row(f"rounds_gap_of_{len(gaps)}", mean(gaps), "%", ratio_to="proven bound")


def _solved(problem: Problem, seconds: float) -> RoundsPlan:
    with quiet_solver():
        plan = make_rounds(problem, seconds=seconds)
    if findings := check(problem.model_dump(mode="json"), plan.model_dump(mode="json")):
        raise AssertionError(f"the checker found {findings[0]}")
    return plan
