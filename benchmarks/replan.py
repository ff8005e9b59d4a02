"""Repair after one delay on the own seeded sets: the barge with the most of our goods leaves two days late.

The plan that is repaired is made in the same run, its time is not the figure; it is kept under `build/bench/replan` and
taken from there while it answers the same problem. `--full` adds the set of 20,000.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.parts import WHOLE, Part, kept
from benchmarks.planning import SEED, _quiet
from benchmarks.rows import Row, row
from routing.generate import problem
from routing.plan import Plan
from routing.problem import Problem
from routing.replan.events import events_of
from routing.replan.repair import Repair, repair
from routing.solve import make_plan
from routing.verify import verify

SETS, FULL_SETS = ((2000, 30),), ((20_000, 120),)
HOURS, MOST_S, UNMOVED = 48, 10, 95.0


def run(full: bool = False, part: Part = WHOLE) -> Iterator[Row]:
    """Figures of each set."""
    sets = {f"replan_{size}": (size, seconds) for size, seconds in ((*SETS, *FULL_SETS) if full else SETS)}
    for size, seconds in (sets[name] for name in part.of(list(sets))):
        one = problem(size, seed=SEED)
        yield from rows(one, _base(one, seconds))


def _base(one: Problem, seconds: float) -> Plan:
    def make() -> dict[str, Any]:
        with _quiet():
            return make_plan(one, seconds=seconds, seed=SEED).model_dump(mode="json")

    name = f"{len(one.consignments)}_in_{seconds}s_{one.snapshot_sha256()[:12]}"
    return Plan.model_validate(kept("replan", name, make, keep=True))


def rows(one: Problem, plan: Plan) -> Iterator[Row]:
    """The delay of the fullest barge on one plan."""
    name = f"replan_{len(one.consignments)}"
    events = events_of({"events": [{"kind": "delay", "departure": busiest(plan), "hours": HOURS}]}).events
    started = time.monotonic()
    found = repair(one, plan, events, seed=SEED)
    seconds = time.monotonic() - started
    if findings := verify(found.problem, found.plan.model_dump(mode="json"), plan.model_dump(mode="json")):
        raise AssertionError(f"the checker found {findings[0]}")
    yield from _told(name, found, seconds)


def _told(name: str, found: Repair, seconds: float) -> Iterator[Row]:
    compared, added = found.comparison, found.comparison.after.cost_minor - found.comparison.before.cost_minor
    unmoved = 100 * compared.unmoved / max(1, compared.untouched)
    yield row(f"{name}_seconds", seconds, "s", target=MOST_S, ok=seconds <= MOST_S)
    yield row(f"{name}_unmoved", unmoved, "% of untouched", target=UNMOVED, ok=unmoved >= UNMOVED)
    yield row(f"{name}_concerned", compared.concerned, "consignments")
    yield row(f"{name}_moved", len(compared.moves), "consignments")
    yield row(f"{name}_left_behind", compared.after.stay - compared.before.stay, "consignments")
    yield row(f"{name}_added_cost", added / 100, "CNY")
    yield row(f"{name}_stability", compared.stability_minor / 100, "CNY")
    yield row(f"{name}_gap", found.plan.gap_ppm / 10_000 if found.proved else 100.0, "%")


def busiest(plan: Plan) -> str:
    """The barge with the most of our consignments."""
    held = Counter(one.segment for one in plan.assignments)
    on = Counter[str]()
    for segment in plan.segments:
        on[segment.departures[0]] += held[segment.id]
    barges = {leg.departure for leg in plan.legs if leg.mode == "barge"}
    return max(barges, key=lambda name: (on[name], name))
