"""From a plan and what happened to the least disruptive plan that holds again, checked like any other."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from routing.consolidate import Bounded
from routing.paths import PathFinder
from routing.plan import Plan
from routing.problem import Problem
from routing.replan.bound import REPAIR, carried_bound
from routing.replan.breaks import Break, breaks_of
from routing.replan.compare import Comparison, compare
from routing.replan.events import Event, apply
from routing.replan.freeze import freeze
from routing.replan.mend import Mender
from routing.replan.neighbourhood import Neighbourhood, neighbourhood, old_worth
from routing.replan.rewrite import Rewriter
from routing.replan.stability import Stability, stability_at
from routing.solve import Stages, Unsound
from routing.stowage import WORK, Stower
from routing.verify import verify
from routing.watching import Watch

MOVES = 2000


@dataclass(frozen=True)
class Repair:
    """`problem`: as it is after the events, with what is frozen; `plan`: the repaired plan of it. `proved`: whether the
    plan's bound is a bound of the whole changed problem (else it is 0)."""

    problem: Problem
    plan: Plan
    breaks: tuple[Break, ...]
    comparison: Comparison
    stability: Stability
    proved: bool


def repair(
    problem: Problem, plan: Plan, events: Sequence[Event], *, frozen_until: int | None = None,
    frozen: Collection[str] = (), stability: Stability | None = None, seconds: float = 5.0, work: int = MOVES,
    seed: int = 1, recheck: bool = False,
) -> Repair:  # fmt: skip
    """The cheapest repair found, with a price for each consignment that it moves.

    Only goods that lost their place, and goods on the departures that those could take, may move. ``seconds`` limits
    the search, ``work`` its moves: where time does not bite, the same seed gives the same plan. ``stability``: by
    default the shipped price of the day. ``recheck``: check the loads of boxes that did not change again. Raises
    BadProblem for bad input, Unsound for a defect.
    """
    started, wall, said = time.monotonic(), int(time.time()), Stages(Watch())
    said("paths", 0)
    after, rolled = freeze(apply(problem, events), plan, frozen_until, frozen)
    price = stability or stability_at(after.earliest_at())
    finder = PathFinder(after)
    breaks = breaks_of(after, plan, finder, rolled)
    seeds = {name for one in breaks if one.homeless or one.code == "full" for name in one.consignments}
    near = neighbourhood(problem, after, plan, finder, seeds, price)
    stower = _stower(after, plan, seed)
    said("search", 0)
    mender = Mender(near, plan, stower, price, seed=seed, spent=lambda: time.monotonic() > started + seconds)
    mender.run(work)
    disturbed = mender.stability_minor()
    bound_minor = carried_bound(problem, after, plan, near.true, finder, rolled, _lost(problem, after, near))
    writer = Rewriter(after, near.true, mender, plan, _bounded(plan, bound_minor), stower)
    said("check", 0)
    repaired = writer.rewritten(seed=seed, seconds=seconds, started_at=wall)
    findings = verify(after, repaired.rows(), None if recheck else plan.rows())
    if findings:
        raise Unsound(findings)
    said("done", 0)
    update = {"stages_ms": said.spent_ms, "elapsed_ms": sum(said.spent_ms.values())}
    repaired = repaired.model_copy(update=update | {"solver": repaired.solver.removesuffix(REPAIR) + REPAIR})
    why = {name: one.code for one in reversed(breaks) for name in one.consignments}
    compared = compare(plan, repaired, stability_minor=disturbed, why=why, frozen=after.changes.pinned)
    return Repair(after, repaired, tuple(breaks), compared, price, bound_minor > 0)


def _stower(after: Problem, plan: Plan, seed: int) -> Stower:
    """A loader that knows the loads of the old plan."""
    stower = Stower(after, work=WORK, seed=seed)
    index = {one.id: k for k, one in enumerate(after.consignments)}
    boxes = {box.id: box for box in plan.boxes}
    for load in plan.loads:
        stower.know(load, [index[name] for name in boxes[load.box].consignments])
    return stower


def _bounded(plan: Plan, bound_minor: int) -> Bounded:
    prices = {leg.departure: leg.price_minor for leg in plan.legs}
    return Bounded(bound_minor, prices, {}, plan.blocks, plan.blocks_proved)


def _lost(before: Problem, after: Problem, near: Neighbourhood) -> dict[str, int]:
    """What goods that have no way any more were worth before."""
    gone = [after.consignments[k].id for k in range(len(after.consignments)) if not near.true.by_consignment[k]]
    return old_worth(before, gone)
