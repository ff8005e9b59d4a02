"""A proven bound for the changed problem out of the bound of the plan before, without solving anything.

The old bound is a sum of blocks in which the departures' room is priced, not limited: it holds for every choice of
ways at those prices. Each solution of the changed problem is carried back to the old one: the goods stay on segments
of the same name. There it costs no more, for everything arrives earlier or at the same time, except where it says
otherwise below, and each exception is taken off the bound at its full worth:

- room of a departure that segments used before they had to join another one: at the old price;
- closed boxes that went on with another departure: the room they would take on their own one, at the old price;
- goods that have no way left: what they cost before at most (loose and alone, else the price of leaving them behind);
- goods that are ready later lie still for a shorter time: the holding cost that falls away.

New goods only add cost: each at least that of its cheapest way. A departure whose cut-off moves can be reached by more
goods than before; a segment may reach a late departure that it missed before, and arrive earlier; one that joined a
departure which the plan did not use has no known price, and neither has room of another unit than that of the first
leg: then there is no bound this way (0). A repair hands on no bound: what its problem says of the goods is no longer
what its bound was proved for.
"""

from __future__ import annotations

from collections.abc import Sequence

from routing.paths import PathFinder, Paths
from routing.plan import Plan
from routing.problem import Problem
from routing.replan.freeze import Rolled
from routing.units import YEAR_S, ceil_div

REPAIR = ", repair"
"""How the solver of a repaired plan is told from that of a plan made at once."""


def carried_bound(
    before: Problem, after: Problem, plan: Plan, true: Paths, finder: PathFinder, rolled: Sequence[Rolled],
    lost: dict[str, int],
) -> int:  # fmt: skip
    """Fen; ``lost``: what each consignment that has no way now cost before at most."""
    if plan.state != "solved" or _is_repair(before, plan):
        return 0
    if any(one.cutoff_late_s for one in after.changes.departures.values()):
        return 0
    off = _room(before, plan, finder, rolled)
    if off is None:
        return 0
    total = plan.bound_minor - off
    old = {one.id: one for one in before.consignments}
    holding = after.network.rules.holding.rate_permille_year
    for k, one in enumerate(after.consignments):
        was, ways = old.get(one.id), true.by_consignment[k]
        if was is None:
            total += min((way.cost_minor for way in ways), default=0)
            continue
        if not ways and one.id in lost:
            total -= lost[one.id]
        later_s = one.ready_at - was.ready_at
        if later_s > 0:
            total -= ceil_div(one.value_minor * holding * later_s, 1000 * YEAR_S) + 1
    return max(0, total)


def _is_repair(problem: Problem, plan: Plan) -> bool:
    held = problem.changes
    return plan.solver.endswith(REPAIR) or held.from_at is not None or bool(held.pinned or held.sealed)


def _room(before: Problem, plan: Plan, finder: PathFinder, rolled: Sequence[Rolled]) -> int | None:
    """What the old prices of room may have to give back; None where a price is not known."""
    prices = {leg.departure: leg.price_minor for leg in plan.legs}
    then = PathFinder(before).segments
    boxes = {box.id: box for box in plan.boxes}
    off = 0
    heavier: dict[str, int] = {}
    for name, now in finder.segments.items():
        was = then.get(name)
        if was is None or now.arrive_at < was.arrive_at:
            return None
        for old, new in zip(was.legs, now.legs, strict=True):
            if old.id != new.id:
                if old.id not in prices or old.service.capacity_unit != now.legs[0].service.capacity_unit:
                    return None
                heavier[old.id] = heavier.get(old.id, 0) + now.legs[0].capacity
    for one in rolled:
        for leg in then[one.segment].legs if one.segment in then else ():
            heavier[leg.id] = heavier.get(leg.id, 0) + max(boxes[one.box].teu, boxes[one.box].kg)
    for leg_id, units in heavier.items():
        off += prices.get(leg_id, 0) * units
    return off
