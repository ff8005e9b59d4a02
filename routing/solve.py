"""From a problem to a checked plan: paths, baselines, bound, assembly, search, writing, and the independent check."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from routing.consolidate import Bounded, blocks_of, bound, fewest_left_out
from routing.paths import PathFinder, Paths
from routing.plan import Baselines, Plan
from routing.problem import Problem, check
from routing.rough import MANY_PATHS, Rough
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

    Time: a third for the rough plan of large problems, two thirds of the rest for the bound. `rounds` limits the search
    by work; when neither limit of time bites, the same seed gives the same plan. `work`: completions that the loader
    may try for a box; it counts no seconds, and each box is asked for, however short the time. `share`: the rule by
    which the owners share a box.
    """
    said = Stages(progress or _silent)
    until = time.monotonic() + seconds
    check(problem)
    plan = _made(problem, until, Wishes(seconds, seed, rounds, work, share), said)
    findings = verify(problem, plan.rows())
    if findings:
        raise Unsound(findings)
    said("done", 1000)
    return plan.model_copy(update={"stages_ms": said.spent_ms, "elapsed_ms": sum(said.spent_ms.values())})


@dataclass(frozen=True)
class Wishes:
    """What was asked of a plan beside its problem."""

    seconds: float
    seed: int
    rounds: int
    work: int
    share: Rule


def _made(problem: Problem, until: float, wishes: Wishes, said: Stages) -> Plan:
    """The plan before it is checked."""
    wall, seed, rounds = int(time.time()), wishes.seed, wishes.rounds
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
    better = min(starts, key=lambda state: state.total_minor)
    ready = until - sum(problem.consignments[k].volume_cm3 for k in unserved) / USUAL_CM3 * (BOX_S + CHECK_S)
    best, bounded = _searched(paths, unserved, better, max(ready, time.monotonic() + 1), wishes, said)
    best, proved = _rescue(paths, unserved, best, seed, rounds, until)
    said("loading", 880)
    stower = Stower(problem, work=wishes.work, seed=seed)
    boxes = sum(len(held) for held in best.boxes.values())
    goal = bounded.bound_minor + bounded.bound_minor // 20_000
    settle_and_search(best, stower, seed + 4, rounds, until - boxes * CHECK_S, goal)
    said("check", 950)
    writer = Writer(
        problem, paths, best, bounded, baselines, {k: cost for k, (_, cost) in alone.items()}, stower, wishes.share
    )
    return writer.plan(seed=seed, seconds=wishes.seconds, infeasible_proved=proved, stages_ms={}, started_at=wall)


def _searched(
    paths: Paths, unserved: dict[int, int], better: State, until: float, wishes: Wishes, said: Stages
) -> tuple[State, Bounded]:
    """The best plan without the loader's word, and the proven bound. Time: the rough plan's share, then the exact
    solver's, the rest for the search.
    """
    seed, rounds, lanes = wishes.seed, wishes.rounds, os.cpu_count() or 1
    rough, tight = None, True
    if sum(map(len, paths.by_consignment)) >= MANY_PATHS:
        said("rough plan", 50)
        rough = Rough(paths, unserved, blocks_of(paths)[::-1])
        rough.warm()
        ends = time.monotonic() + (until - time.monotonic()) * ROUGH
        rough.run(seed, ends, lanes, lambda part: said("rough plan", 50 + round(100 * part)))
        better = min((better, assemble(paths, unserved, rough.choice())), key=lambda state: state.total_minor)
        tight = better.tight()
    else:
        improve(better, seed, rounds, time.monotonic() + (until - time.monotonic()) * 0.15, SETTLED)
    said("bound", 150)
    bounded = bound(
        paths, unserved, (until - time.monotonic()) * BOUND, lambda done, of: said("bound", 150 + 500 * done // of),
        None, rough, tight,
    )  # fmt: skip
    said("search", 650)
    choice = bounded.choice
    if rough is not None:
        rough.offer_choice(choice, seed + 2000, time.monotonic() + (until - time.monotonic()) * 0.2, lanes)
        choice = rough.choice()
    chosen = assemble(paths, unserved, choice)
    left = until - time.monotonic()
    goal = bounded.bound_minor + bounded.bound_minor // 20_000
    improve(chosen, seed + 1, rounds, until - left * 0.5, SETTLED, goal)
    best = min((chosen, better), key=lambda state: state.total_minor)
    said("search", 800)
    improve(best, seed + 2, rounds, until - max(0.0, until - time.monotonic()) * LOADING, None, goal)
    return best, bounded


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
    if time.monotonic() > until or sum(map(len, state.ways)) > MOST_SEARCHED:
        return
    Search(state, seed, lambda: time.monotonic() > until or state.total_minor <= goal, vet.all).run(rounds, None)


def _silent(_stage: str, _permille: int) -> None:
    """Nobody watches."""


ROUGH, BOUND = 0.35, 0.7
"""Shares of the time left that the rough plan and then the exact solver may take at most."""
LOADING = 0.4
"""Share of the search's time that is kept for what the loader's cuts change."""
USUAL_CM3, BOX_S, CHECK_S = 50_000_000, 0.03, 0.05
"""About what goes into a box, and the seconds that it takes to load and its load to check."""
MOST_SEARCHED = 800_000
"""Paths beyond which the search among whole boxes is left out: one round would take longer than there is."""
SETTLED = 0
"""Search until nothing moves, without shaking."""


def improve(state: State, seed: int, rounds: int, until: float, shakes: int | None, goal: int = -1) -> None:
    """Local search on one plan until it settles, costs no more than `goal` fen, or time.monotonic() reaches `until`."""
    if time.monotonic() > until or sum(map(len, state.ways)) > MOST_SEARCHED:
        return
    Search(state, seed, lambda: time.monotonic() > until or state.total_minor <= goal).run(rounds, shakes)
