"""Whole consignments into boxes: which boxes a group needs for given goods, at exact prices.

First fit by the larger of volume and weight share, over the few mixes of boxes around the need; what is left is bought
loose. The answer is the cheapest mix tried, never a fraction of a box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from routing.tariff import LOOSE, Offer, cheapest_loose
from routing.units import ceil_div


@dataclass(frozen=True, slots=True)
class Item:
    """One consignment as the packing sees it: size, and the indices of the offers that take it whole."""

    k: int
    volume_cm3: int
    weight_g: int
    offers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Packed:
    """Boxes as (offer index, consignments) and what goes loose; price in fen, allotment used in TEU and kg."""

    boxes: tuple[tuple[int, tuple[int, ...]], ...]
    loose: tuple[int, ...]
    price_minor: int
    teu: int
    kg: int


def pack(items: Sequence[Item], offers: Sequence[Offer], teu_left: int, kg_left: int) -> Packed | None:
    """The cheapest mix found for all items within the allotment left, or None where they cannot all go."""
    order = sorted(items, key=lambda one: (-_share(one, offers), one.k))
    best: Packed | None = None
    for mix in _mixes(order, offers):
        packed = _fill(order, offers, mix)
        if (
            packed
            and packed.teu <= teu_left
            and packed.kg <= kg_left
            and (best is None or packed.price_minor < best.price_minor)
        ):
            best = packed
    return best


def _share(item: Item, offers: Sequence[Offer]) -> float:
    """Largest share of a volume or weight among the boxes; only an order of trying, never a quantity."""
    boxes = [offer for offer in offers if offer.kind != LOOSE]
    return max((max(item.volume_cm3 / box.full_cm3(), item.weight_g / box.full_g()) for box in boxes), default=0.0)


def _mixes(items: Sequence[Item], offers: Sequence[Offer]) -> Iterator[tuple[int, ...]]:
    """Mixes of boxes worth trying, as offer indices, large ones first."""
    volume, weight = sum(one.volume_cm3 for one in items), sum(one.weight_g for one in items)
    kinds = sorted((i for i, offer in enumerate(offers) if offer.kind != LOOSE), key=lambda i: -offers[i].full_cm3())
    yield ()
    for large in kinds:
        need = max(ceil_div(volume, offers[large].full_cm3()), ceil_div(weight, offers[large].full_g()))
        for count in range(max(1, need - 2), need + 2):
            yield (large,) * count
        for small in kinds:
            if offers[small].full_cm3() < offers[large].full_cm3():
                for count in range(max(1, need - 2), need + 1):
                    yield (large,) * count + (small,)


def _fill(order: Sequence[Item], offers: Sequence[Offer], mix: tuple[int, ...]) -> Packed | None:
    room = [[index, 0, 0] for index in mix]
    most = [(offers[index].full_cm3(), offers[index].full_g()) for index in mix]
    inside: list[list[int]] = [[] for _ in mix]
    loose: list[int] = []
    loose_cm3 = loose_g = 0
    for one in order:
        for slot, (index, volume, weight) in enumerate(room):
            fits = volume + one.volume_cm3 <= most[slot][0] and weight + one.weight_g <= most[slot][1]
            if fits and index in one.offers:
                room[slot][1] += one.volume_cm3
                room[slot][2] += one.weight_g
                inside[slot].append(one.k)
                break
        else:
            loose.append(one.k)
            loose_cm3 += one.volume_cm3
            loose_g += one.weight_g
    return _price(offers, room, inside, loose, loose_cm3, loose_g)


def _price(
    offers: Sequence[Offer],
    room: list[list[int]],
    inside: list[list[int]],
    loose: list[int],
    loose_cm3: int,
    loose_g: int,
) -> Packed | None:
    total = teu = kg = 0
    boxes = []
    for (index, volume, weight), members in zip(room, inside, strict=True):
        if members:
            offer = offers[index]
            extra = offer.units(volume, weight)
            price = offer.price(volume, weight)
            if price is None or extra is None:
                return None
            total, teu, kg = total + price, teu + offer.teu, kg + offer.leg_kg(extra)
            boxes.append((index, tuple(members)))
    if loose:
        bought = cheapest_loose(tuple(offers), loose_cm3, loose_g)
        if bought is None:
            return None
        extra = bought[1].units(loose_cm3, loose_g)
        total, kg = total + bought[0], kg + bought[1].leg_kg(extra or 0)
    return Packed(tuple(boxes), tuple(loose), total, teu, kg)
