"""What time and CO2 cost: the same goods planned under a few weights of money, time and carbon.

A weight multiplies the price of time (holding) or of carbon in the rules; each point is a whole plan with its own
bound, checked like any other, and is told in what it really takes: money paid, hours, CO2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from routing.plan import Plan
from routing.problem import Problem
from routing.solve import make_plan
from routing.units import G_PER_KG, HOUR_S, money


@dataclass(frozen=True)
class Weights:
    """By how much time and carbon count more than in the rules; without a price there, carbon is worth `LEAST` a t."""

    name: str
    time: int
    carbon: int


@dataclass(frozen=True)
class Point:
    """One plan: fen paid (trucks, handling, boxes), mean hours from ready to delivered, grams of CO2e; its own gap."""

    weights: Weights
    paid_minor: int
    mean_h: int
    co2_g: int
    left_behind: int
    gap_ppm: int
    beaten: bool


POINTS = (
    Weights("as the rules say", 1, 1),
    Weights("time counts five times", 5, 1), Weights("time counts twenty times", 20, 1),
    Weights("carbon counts ten times", 1, 10), Weights("carbon counts a hundred times", 1, 100),
)  # fmt: skip
LEAST_MINOR_PER_T = 7_000


def weighted(problem: Problem, weights: Weights) -> Problem:
    """The problem with the prices of time and carbon multiplied."""
    rules = problem.network.rules
    holding = rules.holding.model_copy(update={"rate_permille_year": rules.holding.rate_permille_year * weights.time})
    price = rules.carbon.minor_per_t
    if weights.carbon > 1:
        price = max(price, LEAST_MINOR_PER_T) * weights.carbon
    carbon = rules.carbon.model_copy(update={"minor_per_t": price})
    network = problem.network.model_copy(
        update={"rules": rules.model_copy(update={"holding": holding, "carbon": carbon})}
    )
    return problem.model_copy(update={"network": network})


def curve(problem: Problem, *, seconds: float, seed: int = 1, points: Sequence[Weights] = POINTS) -> list[Point]:
    """A point for each weighting, the time shared among them. Raises what `make_plan` raises."""
    found = [(one, make_plan(weighted(problem, one), seconds=seconds / len(points), seed=seed)) for one in points]
    ready = {one.id: one.ready_at for one in problem.consignments}
    sums = [_sums(plan, ready) for _, plan in found]
    return [
        Point(one, *own[1:], own[0], plan.gap_ppm, any(_beats(other, own) for other in sums))
        for (one, plan), own in zip(found, sums, strict=True)
    ]


def _sums(plan: Plan, ready: dict[str, int]) -> tuple[int, int, int, int]:
    """How many stay behind, and what those that go pay, wait and burn: to leave goods behind is no saving."""
    goes = plan.assignments
    paid = sum(
        one.costs.feeder_minor + one.costs.handling_minor + one.costs.onward_minor + one.costs.share_minor
        for one in goes
    )  # fmt: skip
    hours = sum(one.deliver_at - ready[one.consignment] for one in goes) // (HOUR_S * max(1, len(goes)))
    return len(plan.unserved), paid, hours, plan.co2_g


def _beats(other: tuple[int, ...], own: tuple[int, ...]) -> bool:
    return other != own and all(a <= b for a, b in zip(other, own, strict=True))


def lines(points: Sequence[Point]) -> Iterator[str]:
    """The curve for a console."""
    yield f"{'weights':32} {'paid CNY':>16} {'mean hours':>10} {'CO2e kg':>12} {'behind':>6} {'gap %':>6}"
    for one in points:
        row = f"{one.weights.name:32} {money(one.paid_minor):>16} {one.mean_h:>10,} {one.co2_g // G_PER_KG:>12,}"
        beaten = "  (another point is no worse in anything)" if one.beaten else ""
        yield f"{row} {one.left_behind:>6} {one.gap_ppm / 10_000:>6.2f}{beaten}"
