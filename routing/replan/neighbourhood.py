"""The part of a plan that a repair looks at: the goods without a place, and those who share the departures they could
take. Everything else keeps its box, and has one path only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from routing.paths import PathFinder, Paths, Reason
from routing.plan import Plan
from routing.problem import Problem
from routing.replan.stability import Stability
from routing.search import Alone, unserved_prices
from routing.tariff import LOOSE

ALL_FREE = 300
"""A plan of no more consignments than this is looked at as a whole."""
MOST_FREE = 600
"""Goods that have a place and may be asked to move."""


@dataclass(frozen=True)
class Neighbourhood:
    """`free`: indices of the consignments that may move; `priced`: the paths with the price of disturbing in them;
    `true`: the same paths without."""

    free: frozenset[int]
    true: Paths
    priced: Paths
    unserved: dict[int, int]


def old_prices(before: Problem, names: Collection[str]) -> dict[str, int]:
    """The price of leaving these behind before the events; those that had no way are left out."""
    index = {one.id: k for k, one in enumerate(before.consignments)}
    finder = PathFinder(before)
    prices = {name: _dearest_minor(finder, before, index[name]) for name in names if name in index}
    return {name: price for name, price in prices.items() if price}


def _dearest_minor(finder: PathFinder, problem: Problem, k: int) -> int:
    """Twice the dearest way to go alone, a hundred times that for goods that must go; 0 without a way."""
    ways = finder.of(k)
    if isinstance(ways, Reason):
        return 0
    alone = Alone(Paths(problem, finder.groups(), (), {}))
    dearest = max((cost for way in ways if (cost := alone.minor(way)) is not None), default=0)
    return 2 * dearest * (100 if problem.consignments[k].must_go else 1)


def old_worth(before: Problem, names: Collection[str]) -> dict[str, int]:
    """What these added to the best plan before the events at most: their cheapest loose way that takes no room, else
    the price of leaving them behind."""
    index = {one.id: k for k, one in enumerate(before.consignments)}
    finder = PathFinder(before)
    found = old_prices(before, names)
    for name in found:
        one, ways = before.consignments[index[name]], finder.of(index[name])
        for way in () if isinstance(ways, Reason) else ways:
            offers = [finder.groups()[way.g].offers[at] for at in way.offers]
            prices = [
                one_price
                for offer in offers
                if offer.kind == LOOSE
                and not offer.kg
                and not offer.extra_kg_permille
                and (one_price := offer.price(one.volume_cm3, one.weight_g)) is not None
            ]
            found[name] = min([found[name], *(way.cost_minor + price for price in prices)])
    return found


def neighbourhood(
    before: Problem, after: Problem, plan: Plan, finder: PathFinder, seeds: Collection[str], stability: Stability
) -> Neighbourhood:
    """The neighbourhood of these goods in a plan; ``finder`` belongs to the problem after the events. Goods that waited
    before are in it too."""
    index = {one.id: k for k, one in enumerate(after.consignments)}
    home = {one.consignment: one.segment for one in plan.assignments}
    pinned = after.changes.pinned
    seeking = {name for name in index if (name not in home or name in seeds) and name not in pinned}
    movable = {name for name in home if name not in pinned}
    if len(movable | seeking) > ALL_FREE:
        movable = _near(plan, finder, [index[name] for name in seeds if name not in pinned], movable)
    free = movable | seeking
    true = finder.find({name: segment for name, segment in home.items() if name not in free})
    unserved = _unserved(before, true, sorted(index[name] for name in free))
    for name in home.keys() & free:
        if index[name] in unserved:
            unserved[index[name]] += stability.move_minor  # nobody is left behind to save the price of moving
    ks = frozenset(index[name] for name in free)
    return Neighbourhood(ks, true, _priced(true, plan, index, ks, stability), unserved)


def _near(plan: Plan, finder: PathFinder, ks: list[int], movable: set[str]) -> set[str]:
    """Goods in boxes on the groups that these could take, the groups that most of them could take first."""
    asked = [way.g for k in ks if not isinstance(ways := finder.of(k), Reason) for way in ways]
    groups = finder.groups()
    wanted = Counter((groups[g].segment.id, groups[g].load_class) for g in asked)
    found: set[str] = set()
    boxes = [box for box in plan.boxes if (box.segment, box.load_class) in wanted]
    for box in sorted(boxes, key=lambda one: (-wanted[one.segment, one.load_class], one.volume_permille, one.id)):
        if len(found) + len(box.consignments) > MOST_FREE:
            break
        found.update(name for name in box.consignments if name in movable)
    return found


def _unserved(before: Problem, true: Paths, free: list[int]) -> dict[int, int]:
    """The price of leaving goods behind: never less than it was before the events, so that the old bound holds."""
    prices = unserved_prices(true)
    old = old_prices(before, [true.problem.consignments[k].id for k in free if k in prices])
    for k in free:
        if k in prices:
            prices[k] = max(prices[k], old.get(true.problem.consignments[k].id, 0))
    return prices


def _priced(true: Paths, plan: Plan, index: dict[str, int], free: frozenset[int], stability: Stability) -> Paths:
    home = {index[one.consignment]: one.segment for one in plan.assignments}
    rows = list(true.by_consignment)
    for k in free & home.keys():
        rows[k] = tuple(
            way if true.groups[way.g].segment.id == home[k]
            else replace(way, cost_minor=way.cost_minor + stability.move_minor)
            for way in rows[k]
        )  # fmt: skip
    return Paths(true.problem, true.groups, tuple(rows), true.reasons)
