"""From a problem to a checked plan: paths, baselines, bound, assembly, search, writing, and the independent check."""

from __future__ import annotations

import time
from collections.abc import Callable

from routing.consolidate import bound, fewest_left_out
from routing.paths import PathFinder, Paths
from routing.plan import Baselines, Plan
from routing.problem import Problem, check
from routing.search import Search, assemble, large_box_choice, stand_alone, unserved_prices
from routing.settle import Vet
from routing.shares import MEASURE, Rule
from routing.state import UNSERVED, State
from routing.stowage import WORK, Stower
from routing.verify import Finding, verify
from routing.writing import Writer

Progress = Callable[[str, int], None]


class Unsound(Exception):
    """The independent checker found faults in a plan that the planner made: a defect of the planner, never shown
    as a plan.
    """

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{one.rule} {one.where}: {one.text}" for one in findings[:5]))


class Stages:
    """Passes progress on and counts the time of each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._stage, self._since = progress, "", time.monotonic()
        self.spent_ms: dict[str, int] = {}

    def __call__(self, stage: str, permille: int) -> None:
        """The stage that is worked on from now on."""
        if stage != self._stage:
            now = time.monotonic()
            if self._stage:
                spent = round((now - self._since) * 1000)
                self.spent_ms[self._stage] = self.spent_ms.get(self._stage, 0) + spent
            self._stage, self._since = stage, now
        self._progress(stage, permille)


def make_plan(
    problem: Problem, *, seconds: float = 30.0, seed: int = 1, rounds: int = 200, progress: Progress | None = None,
    work: int = WORK, share: Rule = MEASURE,
) -> Plan:  # fmt: skip
    """The best plan found in about `seconds`, checked by `verify`. Raises BadProblem for bad input, Unsound for a
    defect.

    Time: half for the bound, the rest for the search. `rounds` limits the search by work; when neither limit of time
    bites, the same seed gives the same plan. `work`: completions that the loader may try for a box; it counts no
    seconds, and each box is asked for, however short the time. `share`: the rule by
    which the owners share a box.
    """
    started, wall = time.monotonic(), int(time.time())
    said = stages = Stages(progress or _silent)
    check(problem)
    said("paths", 0)
    paths = PathFinder(problem).find()
    alone = stand_alone(paths)
    unserved = unserved_prices(paths)
    said("baselines", 20)
    starts = [
        assemble(paths, unserved, {k: way for k, (way, _) in alone.items()}),
        assemble(paths, unserved, large_box_choice(paths)),
    ]
    baselines = Baselines(
        a_minor=sum(cost for _, cost in alone.values()), b_minor=starts[0].total_minor, c_minor=starts[1].total_minor
    )
    until = started + seconds
    better = min(starts, key=lambda state: state.total_minor)
    improve(better, seed, rounds, started + seconds * 0.15, SETTLED)
    said("bound", 150)
    left = until - time.monotonic()
    # The last search wants about what the first one took, and a share of the rest to shake the plan.
    bounded = bound(paths, unserved, left * 0.7, lambda done, of: said("bound", 150 + 500 * done // of))
    said("search", 650)
    chosen = assemble(paths, unserved, bounded.choice)
    left = until - time.monotonic()
    goal = bounded.bound_minor + bounded.bound_minor // 20_000
    improve(chosen, seed + 1, rounds, until - left * 0.5, SETTLED, goal)
    best = min((chosen, better), key=lambda state: state.total_minor)
    said("search", 800)
    stower = Stower(problem, work=work, seed=seed)
    left = until - time.monotonic()
    boxes = sum(len(held) for held in best.boxes.values())
    improve(best, seed + 2, rounds, until - max(left * LOADING, min(left, boxes * BOX_S)), None, goal)
    best, proved = _rescue(paths, unserved, best, seed, rounds, until)
    said("loading", 880)
    settle_and_search(best, stower, seed + 4, rounds, until - boxes * CHECK_S, goal)
    said("check", 950)
    plan = Writer(
        problem, paths, best, bounded, baselines, {k: cost for k, (_, cost) in alone.items()}, stower, share
    ).plan(
        seed=seed,
        seconds=seconds,
        infeasible_proved=proved,
        stages_ms={},
        started_at=wall,
    )
    findings = verify(problem, plan.model_dump(mode="json"))
    if findings:
        raise Unsound(findings)
    said("done", 1000)
    return plan.model_copy(update={"stages_ms": stages.spent_ms, "elapsed_ms": sum(stages.spent_ms.values())})


def _rescue(
    paths: Paths, unserved: dict[int, int], best: State, seed: int, rounds: int, until: float
) -> tuple[State, bool]:
    """Where goods that must go were left behind: a plan that takes them first, or the proof that not all can go."""
    must = [k for k in unserved if paths.problem.consignments[k].must_go]
    if all(best.way[k] != UNSERVED for k in must):
        return best, False
    seconds = max(1.0, until - time.monotonic())
    fewest, choice = fewest_left_out(paths, must, seconds)
    if fewest:
        return best, True
    again = assemble(paths, unserved, {k: choice.get(k, UNSERVED) for k in unserved})
    improve(again, seed + 3, rounds, time.monotonic() + seconds, SETTLED)
    return min((again, best), key=lambda state: state.total_minor), False


def settle_and_search(state: State, stower: Stower, seed: int, rounds: int, until: float, goal: int) -> None:
    """Boxes that the loader grants, then a search under its cuts while time is left."""
    vet = Vet(state, stower)
    vet.settle()
    Search(state, seed, lambda: time.monotonic() > until or state.total_minor <= goal, vet.all).run(rounds, None)


def _silent(_stage: str, _permille: int) -> None:
    """Nobody watches."""


LOADING = 0.4
"""Share of the search's time that is kept for the loader and for what its cuts change."""
BOX_S, CHECK_S = 0.1, 0.04
"""About what one box takes to load and its load to check."""
SETTLED = 0
"""Search until nothing moves, without shaking."""


def improve(state: State, seed: int, rounds: int, until: float, shakes: int | None, goal: int = -1) -> None:
    """Local search on one plan until it settles, costs no more than `goal` fen, or time.monotonic() reaches `until`."""
    Search(state, seed, lambda: time.monotonic() > until or state.total_minor <= goal).run(rounds, shakes)
