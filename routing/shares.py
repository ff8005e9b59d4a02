"""Who pays what of a box: three rules, each of which adds up to the price of the box to the fen.

``measure``: by the larger of volume and weight share. ``alone``: by what each would pay for space on that segment
by itself. ``shapley``: by what each adds to the price, averaged over the orders in which they come (all orders
of up to six consignments, a seeded sample for up to twelve; larger boxes are shared by ``measure``).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final, Literal

from routing.tariff import Offer
from routing.units import share_exactly

Rule = Literal["measure", "alone", "shapley"]
MEASURE: Final = "measure"
ALONE: Final = "alone"
SHAPLEY: Final = "shapley"
ALL_ORDERS, MOST_SAMPLED, SAMPLES = 6, 12, 300


@dataclass(frozen=True, slots=True)
class Part:
    """One consignment in a box: its size and which of the group's offers take it."""

    id: str
    volume_cm3: int
    weight_g: int
    offers: tuple[int, ...]


def split(
    rule: Rule, price_minor: int, parts: Sequence[Part], offers: Sequence[Offer], full_cm3: int, full_g: int
) -> list[int]:
    """The shares in fen in the order of the parts. ``full_*``: what the box takes (a loose bill: what is on it)."""
    weights = [max(p.volume_cm3 * 10**9 // full_cm3, p.weight_g * 10**9 // full_g, 1) for p in parts]
    if rule == ALONE:
        weights = [_price([part], offers) or 1 for part in parts]
    elif rule == SHAPLEY and price_minor and 1 < len(parts) <= MOST_SAMPLED:
        weights = _added(price_minor, parts, offers)
    return share_exactly(price_minor, weights)


def _price(parts: Sequence[Part], offers: Sequence[Offer]) -> int | None:
    """The cheapest single offer that takes all of them, in fen; None where none does."""
    volume, weight = sum(part.volume_cm3 for part in parts), sum(part.weight_g for part in parts)
    open_to = set(parts[0].offers).intersection(*(part.offers for part in parts[1:]))
    prices = [offers[at].price(volume, weight) for at in sorted(open_to)]
    return min((price for price in prices if price is not None), default=None)


def _added(price_minor: int, parts: Sequence[Part], offers: Sequence[Offer]) -> list[int]:
    """What each adds to the price, summed over the orders; together it is never more than the price they really pay."""
    known: dict[frozenset[int], int] = {frozenset(): 0, frozenset(range(len(parts))): price_minor}

    def cost(of: frozenset[int]) -> int:
        if of not in known:
            price = _price([parts[at] for at in sorted(of)], offers)
            known[of] = price_minor if price is None else min(price, price_minor)
        return known[of]

    added = [0] * len(parts)
    for order in _orders(parts):
        inside: frozenset[int] = frozenset()
        for at in order:
            grown = inside | {at}
            added[at] += max(0, cost(grown) - cost(inside))
            inside = grown
    return added


def _orders(parts: Sequence[Part]) -> list[tuple[int, ...]]:
    if len(parts) <= ALL_ORDERS:
        return list(permutations(range(len(parts))))
    rng = random.Random("shapley-" + "-".join(part.id for part in parts))  # noqa: S311 - a repeatable draw
    order = list(range(len(parts)))
    found = []
    for _ in range(SAMPLES // 2):
        rng.shuffle(order)
        found += [tuple(order), tuple(reversed(order))]
    return found
