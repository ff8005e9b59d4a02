"""A plan that was made under other prices of time and carbon, told in the prices of the rules.

Boxes, ways, loads and shares stay; what each consignment pays for waiting and for CO2, its price alone, the baselines
and the bound are those of the rules. Such a plan answers the frozen problem itself: it can be accepted and compared.
"""

from __future__ import annotations

from dataclasses import asdict

from routing.paths import Path, PathFinder
from routing.plan import Assignment, Plan, PlanCosts, Unserved
from routing.problem import Problem
from routing.search import stand_alone, unserved_prices
from routing.units import gap_ppm


def restated(problem: Problem, plan: Plan, base: Plan) -> Plan:
    """``plan`` as an answer to ``problem``. ``base``: a plan of that problem, whose bound and baselines hold for every
    choice of ways."""
    paths = PathFinder(problem).find()
    index = {one.id: k for k, one in enumerate(problem.consignments)}
    ways = {(way.k, paths.groups[way.g].segment.id): way for held in paths.by_consignment for way in held}
    alone = {k: cost for k, (_, cost) in stand_alone(paths).items()}
    left = unserved_prices(paths)
    prices = {leg.departure: leg.price_minor for leg in base.legs}
    rows = tuple(
        _row(one, ways[index[one.consignment], one.segment], alone[index[one.consignment]]) for one in plan.assignments
    )
    cost = sum(one.total_minor for one in rows)
    objective = cost + sum(left.get(index[one.consignment], 0) for one in plan.unserved)
    better = min(base.baselines.b_minor, base.baselines.c_minor)
    return plan.model_copy(
        update={
            "snapshot_sha256": problem.snapshot_sha256(), "assignments": rows, "cost_minor": cost,
            "left_out_minor": objective - cost, "objective_minor": objective, "bound_minor": base.bound_minor,
            "gap_ppm": gap_ppm(objective, base.bound_minor), "blocks": base.blocks,
            "blocks_proved": base.blocks_proved, "baselines": base.baselines, "saving_minor": better - objective,
            "saving_permille": (better - objective) * 1000 // better if better else 0,
            "legs": tuple(one.model_copy(update={"price_minor": prices.get(one.departure, 0)}) for one in plan.legs),
            "unserved": tuple(_left(one, alone.get(index[one.consignment]), prices) for one in plan.unserved),
        }
    )  # fmt: skip


def _row(one: Assignment, way: Path, alone_minor: int) -> Assignment:
    own = PlanCosts(**asdict(way.costs), share_minor=one.costs.share_minor)
    total = way.cost_minor + one.costs.share_minor
    return one.model_copy(update={"costs": own, "total_minor": total, "alone_minor": alone_minor})


def _left(one: Unserved, alone_minor: int | None, prices: dict[str, int]) -> Unserved:
    if one.reason != "no_capacity" or alone_minor is None:
        return one
    told = {"cost_minor": alone_minor, "price_minor": prices.get(one.values["leg"], 0)}
    return one.model_copy(update={"values": {**one.values, **told}})
