"""From a problem to a checked plan: paths, baselines, bound, assembly, search, writing, and the independent check."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from routing.blocks import exact_apart, rough_apart
from routing.consolidate import Apart, Bounded, blocks_of, bound, fewest_left_out
from routing.crew import Crew
from routing.exact import Limits
from routing.paths import PathFinder, Paths
from routing.plan import Baselines, Plan
from routing.problem import Problem, check
from routing.reserve import Reserve, measured, units
from routing.rough import MANY_PATHS, VARIED, Rough
from routing.search import Search, assemble, large_box_choice, stand_alone, unserved_prices
from routing.settle import Vet
from routing.shares import MEASURE, Rule
from routing.state import UNSERVED, State
from routing.stowage import WORK, Stower
from routing.verify import Finding, verify
from routing.watching import Deadline, Watch
from routing.writing import Writer


class Unsound(Exception):
    """The independent checker found faults in a plan that the planner made: a defect of the planner, never shown
    as a plan.
    """

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{one.rule} {one.where}: {one.text}" for one in findings[:5]))


class Stages:
    """Passes the stages on to who watches and counts the time of each."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self._stage, self._since = watch, "", time.monotonic()
        self.spent_ms: dict[str, int] = {}

    def __call__(self, stage: str, permille: int) -> None:
        """The stage that is worked on from now on."""
        if stage != self._stage:
            now = time.monotonic()
            if self._stage:
                spent = round((now - self._since) * 1000)
                self.spent_ms[self._stage] = self.spent_ms.get(self._stage, 0) + spent
            self._stage, self._since = stage, now
        self.watch.stage(stage, permille)


def make_plan(
    problem: Problem, *, seconds: float = 30.0, seed: int = 1, rounds: int = 200, watch: Watch | None = None,
    work: int = WORK, share: Rule = MEASURE, effort: int | None = None, crew: Crew | None = None,
) -> Plan:  # fmt: skip
    """The best plan found in about `seconds`, checked by `verify`. Raises BadProblem for bad input, Unsound for a
    defect.

    Time: a third for the rough plan of large problems, half of the rest for the bound; what loading and checking
    will take is kept back. `rounds` limits the search
    by work; when neither limit of time bites, the same seed gives the same plan. `work`: completions that the loader
    may try for a box; it counts no seconds, and each box is asked for, however short the time. `share`: the rule by
    which the owners share a box. `effort`: a limit of work in place of the time, so many nodes of the exact solver
    for each block and shakes of each search: no clock is looked at, and the same seed gives the same plan. `watch`:
    who watches may end the search early; the plan is loaded and checked all the same. `crew`: works on parts of a large
    plan elsewhere.
    """
    watch = watch or Watch()
    said = Stages(watch)
    deadline = Deadline.within(seconds, watch.halted) if effort is None else Deadline(halted=watch.halted)
    check(problem)
    try:
        plan = _made(problem, deadline, Asked(seconds, seed, rounds, work, share, effort, crew), said)
    finally:
        gc.unfreeze()
    findings = verify(problem, plan.rows())
    if findings:
        raise Unsound(findings)
    said("done", 1000)
    return plan.model_copy(update={"stages_ms": said.spent_ms, "elapsed_ms": sum(said.spent_ms.values())})


@dataclass(frozen=True)
class Asked:
    """What was asked of a plan beside its problem."""

    seconds: float
    seed: int
    rounds: int
    work: int
    share: Rule
    effort: int | None
    crew: Crew | None


def _made(problem: Problem, deadline: Deadline, asked: Asked, said: Stages) -> Plan:
    """The plan before it is checked."""
    wall, seed, rounds, tell = int(time.time()), asked.seed, asked.rounds, said.watch.figures
    said("paths", 0)
    began = time.monotonic()
    with _growing():
        paths = PathFinder(problem).find()
    paths_s = time.monotonic() - began
    alone = stand_alone(paths)
    unserved = unserved_prices(paths)
    said("baselines", 20)
    with _growing():
        starts = [
            assemble(paths, unserved, {k: way for k, (way, _) in alone.items()}),
            assemble(paths, unserved, large_box_choice(paths)),
        ]
    baselines = Baselines(
        a_minor=sum(cost for _, cost in alone.values()), b_minor=starts[0].total_minor, c_minor=starts[1].total_minor
    )
    better = min(starts, key=lambda state: state.total_minor)
    tell(cost_minor=better.total_minor)
    del starts
    stower = Stower(problem, work=asked.work, seed=seed, crew=asked.crew)
    reserve, ready = NOTHING, deadline
    if asked.effort is None:
        reserve, boxes = measured(stower, better, paths_s), len(units(better))
        spare = reserve.loading_s(boxes) + reserve.check_s(boxes)
        ready = deadline.earlier(min(spare, deadline.left() * MOST_KEPT))
    best, bounded = _searched(paths, unserved, better, ready, asked, said)
    del better
    best, proved = _rescue(paths, unserved, best, asked, deadline)
    tell(cost_minor=best.total_minor, bound_minor=bounded.bound_minor)
    said("loading", 880)
    goal = bounded.bound_minor + bounded.bound_minor // 20_000
    ends = deadline.earlier(reserve.check_s(len(units(best))))
    settle_and_search(best, stower, seed + 4, rounds, ends, goal, asked.effort)
    tell(cost_minor=best.total_minor)
    said("check", 950)
    writer = Writer(
        problem, paths, best, bounded, baselines, {k: cost for k, (_, cost) in alone.items()}, stower, asked.share
    )
    plan = writer.plan(seed=seed, seconds=asked.seconds, infeasible_proved=proved, stages_ms={}, started_at=wall)
    return plan.model_copy(update={"effort": asked.effort, "stopped": said.watch.halted()})


@contextmanager
def _growing() -> Iterator[None]:
    """What is made here stays until the plan is done: no time is lost on looking for garbage among it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()


def _searched(
    paths: Paths, unserved: dict[int, int], better: State, deadline: Deadline, asked: Asked, said: Stages
) -> tuple[State, Bounded]:
    """The best plan without the loader's word, and the proven bound. Time: the rough plan's share, then the exact
    solver's, the rest for the search.
    """
    seed, rounds, lanes, tell = asked.seed, asked.rounds, os.cpu_count() or 1, said.watch.figures
    rough, tight, size = None, True, sum(map(len, paths.by_consignment))
    varied = rounds if asked.effort is None else min(rounds, VARIED)
    if size >= MANY_PATHS:
        said("rough plan", 50)
        blocks = blocks_of(paths)[::-1]
        rough = Rough(paths, unserved, blocks)
        rough.warm()
        crew, ends = asked.crew, deadline.share(ROUGH if size <= MANY_SEARCHED else MOST_ROUGH)

        def told(part: float) -> None:
            said("rough plan", 50 + round(100 * part))

        if crew is not None:
            rough_apart(crew, paths, rough, blocks, seed, varied, ends, told)
        else:
            rough.run(seed, ends, lanes, told, varied)
        better = min((better, assemble(paths, unserved, rough.choice())), key=lambda state: state.total_minor)
        tight = better.tight()
        tell(cost_minor=better.total_minor, bound_minor=sum(map(rough.bound_minor, range(len(blocks)))))
    else:
        improve(better, seed, rounds, deadline.share(0.15), SETTLED)
        tell(cost_minor=better.total_minor)
    said("bound", 150)
    ends = deadline.share(EXACT if rough is None else BOUND)
    bounded = bound(
        paths, unserved, ends, lambda done, of: said("bound", 150 + 500 * done // of),
        None, rough, tight, nodes=asked.effort, heard=lambda proved: tell(bound_minor=proved),
        apart=_apart(paths, asked, ends),
    )  # fmt: skip
    said("search", 650)
    chosen = better
    if rough is None:
        chosen = assemble(paths, unserved, bounded.choice)
    else:
        before = rough.choice()
        rough.offer_choice(bounded.choice, seed + 2000, deadline.share(0.2), lanes)
        if size > MANY_SEARCHED and asked.crew is None:  # a crew has varied its blocks, and keeps their duals
            rough.vary(seed + 5000, deadline.share(0.7 if size > MOST_SEARCHED else 0.4), lanes, varied)
        if rough.choice() != before:
            chosen = assemble(paths, unserved, rough.choice())
    tell(cost_minor=min(chosen.total_minor, better.total_minor))
    goal = bounded.bound_minor + bounded.bound_minor // 20_000
    improve(chosen, seed + 1, rounds, deadline.share(0.5), SETTLED, goal)
    best = min((chosen, better), key=lambda state: state.total_minor)
    tell(cost_minor=best.total_minor)
    said("search", 800)
    improve(best, seed + 2, rounds, deadline.share(1 - LOADING), asked.effort, goal)
    return best, bounded


def _apart(paths: Paths, asked: Asked, deadline: Deadline) -> Apart | None:
    """Who solves blocks elsewhere, where there is a crew."""
    crew = asked.crew
    if crew is None:
        return None
    return lambda prices, blocks, numbers, heard: exact_apart(
        crew, paths, prices, asked.effort, blocks, numbers, deadline, heard
    )


def _rescue(
    paths: Paths, unserved: dict[int, int], best: State, asked: Asked, deadline: Deadline
) -> tuple[State, bool]:
    """Where goods that must go were left behind: a plan that takes them first, or the proof that not all can go."""
    must = [k for k in unserved if paths.problem.consignments[k].must_go]
    if all(best.way[k] != UNSERVED for k in must):
        return best, False
    until = Deadline(max(deadline.at, time.monotonic() + 1), deadline.halted)
    fewest, choice = fewest_left_out(paths, must, Limits(until, asked.effort))
    if fewest:
        return best, True
    again = assemble(paths, unserved, {k: choice.get(k, UNSERVED) for k in unserved})
    until = Deadline(max(deadline.at, time.monotonic() + 1), deadline.halted)
    improve(again, asked.seed + 3, asked.rounds, until, SETTLED)
    return min((again, best), key=lambda state: state.total_minor), False


def settle_and_search(
    state: State, stower: Stower, seed: int, rounds: int, deadline: Deadline, goal: int, shakes: int | None
) -> None:
    """Boxes that the loader grants, then a search under its cuts while time is left."""
    vet = Vet(state, stower)
    vet.settle()
    if deadline.over() or sum(map(len, state.ways)) > MOST_SEARCHED:
        return
    Search(state, seed, lambda: deadline.over() or state.total_minor <= goal, vet.all).run(rounds, shakes)


ROUGH, MOST_ROUGH, BOUND, EXACT = 0.35, 0.65, 0.5, 0.7
"""Shares of the time left that the rough plan (of many ways) and then the exact solver (without a rough plan) may
take at most."""
MOST_KEPT = 0.6
"""The most of the time left that is kept back for loading and checking, however slow they are."""
LOADING = 0.4
"""Share of the search's time that is kept for what the loader's cuts change."""
NOTHING = Reserve(0.0, 0.0)
"""Where no clock is looked at."""
MANY_SEARCHED, MOST_SEARCHED = 100_000, 800_000
"""Paths beyond which the rough plan is varied once more before whole boxes are searched, for it moves faster; and those
beyond which that search is left out: one round would take longer than there is."""
SETTLED = 0
"""Search until nothing moves, without shaking."""


def improve(state: State, seed: int, rounds: int, deadline: Deadline, shakes: int | None, goal: int = -1) -> None:
    """Local search on one plan until it settles, costs no more than `goal` fen, or the time is over."""
    if deadline.over() or sum(map(len, state.ways)) > MOST_SEARCHED:
        return
    Search(state, seed, lambda: deadline.over() or state.total_minor <= goal).run(rounds, shakes)
