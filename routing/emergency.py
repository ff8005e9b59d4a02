"""Emergency mode: relief goods first, rank by rank, whatever it costs; then the rest at least cost.

For each rank in turn as many of its consignments as can go, and those as early as can be; what an earlier rank has is
never taken from it. Closed places are gone round: where the port is shut, the airport is the centre. The plan is told
in the rules' own prices beside the bound that holds for every plan, so that the price of the emergency can be read.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from routing.paths import PathFinder
from routing.plan import Plan, Rank
from routing.problem import BadProblem, Fault, Problem
from routing.replan.events import Closed, apply
from routing.restate import restated
from routing.search import dearest_alone
from routing.solve import Unsound, make_plan
from routing.tradeoff import Wanted
from routing.units import HOUR_S
from routing.verify import verify
from routing.watching import Watch

PER_YEAR = 8760
"""Hours of a year: a rate of so much a thousand makes each hour cost a thousandth of the value."""


def with_closed(problem: Problem, places: Sequence[str]) -> Problem:
    """The problem without what leaves, reaches or crosses the places. Raises BadProblem for one that it does not
    know."""
    start, until = problem.options.start_at, problem.options.until()
    shut = [Closed(kind="closed", place=place, from_at=start, until_at=until) for place in places]
    return apply(problem, shut)


def emergency_plan(problem: Problem, wanted: Wanted, watch: Watch | None = None) -> Plan:
    """A checked plan that serves relief goods first. ``wanted.seconds`` are for all its steps together.

    Raises BadProblem where nothing has a rank, and what `make_plan` raises.
    """
    ranks = sorted({one.priority for one in problem.consignments if one.priority})
    if not ranks:
        raise BadProblem([Fault("consignments", "no_priority", "no consignment has a priority: nothing comes first")])
    seconds = wanted.seconds / (len(ranks) + 2)
    hour_minor = _hour_minor(problem)
    steps = (Step(watch or Watch(), number, len(ranks) + 2) for number in itertools.count())
    base = _made(problem, wanted, seconds, next(steps))
    held, told = problem, []
    for rank in ranks:
        stage = _stage(held, rank, hour_minor)
        made = _made(stage, wanted, seconds, next(steps))
        told.append(_rank(problem, made, rank))
        held = _bound_to(held, made)
    last = _made(held, wanted, seconds, next(steps))
    plan = restated(problem, last, base).model_copy(update={"ranks": tuple(told)})
    findings = verify(problem, plan.rows(), last.rows())
    if findings:
        raise Unsound(findings)
    return plan


class Step(Watch):
    """One of several plans of a watch that sees them as one."""

    def __init__(self, watch: Watch, number: int, of: int) -> None:
        self._watch, self._number, self._of = watch, number, of

    def stage(self, stage: str, permille: int) -> None:
        """How far the whole is."""
        self._watch.stage(stage, (self._number * 1000 + permille) // self._of)

    def halted(self) -> bool:
        """As the whole."""
        return self._watch.halted()


def _made(problem: Problem, wanted: Wanted, seconds: float, watch: Watch) -> Plan:
    return make_plan(problem, seconds=seconds, seed=wanted.seed, work=wanted.work, share=wanted.share, watch=watch)


def _hour_minor(problem: Problem) -> int:
    """A price of an hour in fen above what the dearest way of any relief good costs: a power of ten."""
    paths = PathFinder(problem).find()
    dearest = 1
    for k, price in dearest_alone(paths).items():
        if problem.consignments[k].priority:
            dearest = max(dearest, price)
    return int(10 ** len(str(dearest)))


def _stage(held: Problem, rank: int, hour_minor: int) -> Problem:
    """The relief goods up to a rank alone; an hour of any of them is worth more than money."""
    goods = tuple(
        one.model_copy(update={"value_minor": 1000 * hour_minor})
        for one in held.consignments
        if 0 < one.priority <= rank
    )  # fmt: skip
    rules = held.network.rules
    holding = rules.holding.model_copy(update={"rate_permille_year": PER_YEAR})
    lateness = rules.lateness.model_copy(update={"value_per_100000_day": 0})
    rules = rules.model_copy(update={"holding": holding, "lateness": lateness})
    network = held.network.model_copy(update={"rules": rules})
    return held.model_copy(update={"network": network, "consignments": goods})


def _bound_to(held: Problem, made: Plan) -> Problem:
    """What a stage gave a departure keeps it, and must go."""
    pinned = {one.consignment: one.segment for one in made.assignments}
    goods = tuple(one.model_copy(update={"must_go": True}) if one.id in pinned else one for one in held.consignments)
    changes = held.changes.model_copy(update={"pinned": {**held.changes.pinned, **pinned}})
    return held.model_copy(update={"consignments": goods, "changes": changes})


def _rank(problem: Problem, made: Plan, rank: int) -> Rank:
    goods = {one.id: one for one in problem.consignments if one.priority == rank}
    waits = [one.deliver_at - goods[one.consignment].ready_at for one in made.assignments if one.consignment in goods]
    return Rank(priority=rank, consignments=len(goods), go=len(waits), hours=sum(waits) // HOUR_S, gap_ppm=made.gap_ppm)
