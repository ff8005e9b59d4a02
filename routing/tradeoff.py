"""What time and CO2 cost: the same goods planned under a few weights of money, time and carbon.

A weight multiplies the price of time (holding) or of carbon in the rules; each point is a whole plan that is made and
checked under its weights, with its own bound, and then told in the rules' own prices (`restate.py`), so that all
points answer one frozen problem. What it takes is told as it is: money paid, hours, CO2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from routing.dated import in_force
from routing.network import Frozen, NotNegative
from routing.plan import Plan
from routing.problem import Problem
from routing.restate import restated
from routing.shares import MEASURE, Rule
from routing.solve import Unsound, make_plan
from routing.stowage import WORK
from routing.units import G_PER_KG, HOUR_S, money
from routing.verify import verify
from routing.watching import Watch

FORMAT: Final = "dongting-curve/1"
MOST = 1_000_000
"""The largest weight: beyond it nothing changes but the size of the numbers."""
Weight = Annotated[int, Field(strict=True, ge=1, le=MOST)]


class Weights(Frozen):
    """By how much time and carbon count more than in the rules."""

    time: Weight = 1
    carbon: Weight = 1

    def name(self) -> str:
        """The weighting for a console."""
        parts = [f"{what} counts {times} times" for what, times in vars(self).items() if times > 1]
        return ", ".join(parts) or "as the rules say"


PLAIN = Weights()


class Shipped(Frozen):
    """The weightings of a day. `least_carbon_minor_per_t`: what carbon is worth under a weight where the rules give it
    less."""

    valid_from: str
    weightings: tuple[Weights, ...]
    least_carbon_minor_per_t: NotNegative
    source: str
    mark: str


class Sums(Frozen):
    """What a plan takes: fen paid (trucks, handling, boxes), mean hours from ready to delivered, grams of CO2e."""

    left_behind: int
    paid_minor: int
    mean_h: int
    co2_g: int

    def beats(self, other: Sums) -> bool:
        """Whether it is no worse in anything and better in something: to leave goods behind is no saving."""
        return self != other and all(a <= b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))


class Point(Frozen):
    """One weighting: what its plan takes, boxes, and bound and gap in the weighted prices that it was made under."""

    weights: Weights
    sums: Sums
    boxes: int
    objective_minor: int
    bound_minor: int
    gap_ppm: int


@dataclass(frozen=True)
class Wanted:
    """How the plans of a curve are made: seconds for each, and what `make_plan` takes beside."""

    seconds: float
    seed: int = 1
    work: int = WORK
    share: Rule = MEASURE


@lru_cache(maxsize=1)
def _shipped() -> tuple[Shipped, ...]:
    text = files("routing").joinpath("data", "curve.json").read_text("utf-8")
    return tuple(Shipped.model_validate(row) for row in json.loads(text)["curves"])


def shipped_at(instant: int) -> Shipped:
    """The shipped weightings of that day."""
    return in_force(_shipped(), instant)


def in_order(points: Sequence[Weights]) -> tuple[Weights, ...]:
    """Each weighting once, the rules' own first: its bound and baselines are those of the whole curve."""
    return tuple(dict.fromkeys((PLAIN, *points)))


def weighted(problem: Problem, weights: Weights) -> Problem:
    """The problem with the prices of time and carbon multiplied."""
    rules = problem.network.rules
    holding = rules.holding.model_copy(update={"rate_permille_year": rules.holding.rate_permille_year * weights.time})
    price = rules.carbon.minor_per_t
    if weights.carbon > 1:
        price = max(price, shipped_at(problem.options.start_at).least_carbon_minor_per_t) * weights.carbon
    carbon = rules.carbon.model_copy(update={"minor_per_t": price})
    network = problem.network.model_copy(
        update={"rules": rules.model_copy(update={"holding": holding, "carbon": carbon})}
    )
    return problem.model_copy(update={"network": network})


def point(
    problem: Problem, weights: Weights, base: Plan | None, wanted: Wanted, watch: Watch | None = None
) -> tuple[Point, Plan]:
    """A checked plan under the weights, as an answer to the problem itself. ``base``: the plan under the rules' own
    prices; None: this is it. Raises what `make_plan` raises."""
    changed = weighted(problem, weights)
    made = make_plan(
        changed, seconds=wanted.seconds, seed=wanted.seed, work=wanted.work, share=wanted.share, watch=watch
    )
    plan = made
    if base is not None:
        plan = restated(problem, made, base)
        findings = verify(problem, plan.rows(), made.rows())
        if findings:
            raise Unsound(findings)
    found = Point(
        weights=weights, sums=sums_of(plan, problem), boxes=sum(box.kind != "loose" for box in plan.boxes),
        objective_minor=made.objective_minor, bound_minor=made.bound_minor, gap_ppm=made.gap_ppm,
    )  # fmt: skip
    return found, plan


def curve(problem: Problem, points: Sequence[Weights], wanted: Wanted) -> list[tuple[Point, Plan]]:
    """A point for each weighting, the rules' own first. Raises what `make_plan` raises."""
    found: list[tuple[Point, Plan]] = []
    for one in in_order(points):
        found.append(point(problem, one, found[0][1] if found else None, wanted))
    return found


def sums_of(plan: Plan, problem: Problem) -> Sums:
    """How many stay behind, and what those that go pay, wait and burn."""
    ready, goes = {one.id: one.ready_at for one in problem.consignments}, plan.assignments
    paid = sum(
        one.costs.feeder_minor + one.costs.handling_minor + one.costs.onward_minor + one.costs.share_minor
        for one in goes
    )  # fmt: skip
    hours = sum(one.deliver_at - ready[one.consignment] for one in goes) // (HOUR_S * max(1, len(goes)))
    return Sums(left_behind=len(plan.unserved), paid_minor=paid, mean_h=hours, co2_g=plan.co2_g)


def beaten(points: Sequence[Point]) -> list[bool]:
    """For each point whether another is no worse in anything."""
    return [any(other.sums.beats(one.sums) for other in points) for one in points]


def write_curve(found: Sequence[tuple[Point, Plan]], path: Path) -> None:
    """The points with their plans as JSON."""
    points = [{**one.model_dump(mode="json"), "plan": plan.model_dump(mode="json")} for one, plan in found]
    path.write_text(json.dumps({"format": FORMAT, "points": points}, ensure_ascii=False, indent=1), "utf-8")


def lines(points: Sequence[Point]) -> Iterator[str]:
    """The curve for a console."""
    yield f"{'weights':44} {'paid CNY':>16} {'mean hours':>10} {'CO2e kg':>12} {'behind':>6} {'gap %':>6}"
    for one, worse in zip(points, beaten(points), strict=True):
        sums = one.sums
        row = f"{one.weights.name():44} {money(sums.paid_minor):>16} {sums.mean_h:>10,} {sums.co2_g // G_PER_KG:>12,}"
        said = "  (another point is no worse in anything)" if worse else ""
        yield f"{row} {sums.left_behind:>6} {one.gap_ppm / 10_000:>6.2f}{said}"
