"""A price that no set of cartons for some pieces can go below: every way to share them out, judged by what must hold.

For up to :data:`MOST` pieces (of more, the largest) the least price of a carton that may hold each of their subsets is
found, by tests that a real packing passes: weight, volume, each piece alone, each pair beside or upon each other,
pieces kept apart, and conservative scales (dual feasible functions: S. P. Fekete and J. Schepers, Mathematics of
Operations Research 29(2), 2004; G. S. Lueker, FOCS 1983). Then the cheapest partition into such subsets is a bound.

Subsets are bits of a number and every test runs over all of them at once; numbers are whole, in mm, g and minor units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Size = tuple[int, int, int]
Scale = Callable[[int], int]

MOST = 12
MOST_PAIRS = 200
STEPS = 200
THRESHOLDS = 2  # for each axis; with four the bound of 200 orders rises by 0.8 % and takes four times as long
NEVER = np.int64(2**60)  # two of them still fit


@dataclass(frozen=True)
class Item:
    """A piece as the bound sees it: every way it may lie, volume in mm³, weight in g."""

    turns: tuple[Size, ...]
    volume_mm3: int
    weight_g: int


@dataclass(frozen=True)
class Bin:
    """A carton as the bound sees it: inner size in mm, most weight in g, price."""

    size: Size
    max_weight_g: int
    price: int


@dataclass(frozen=True)
class Judged:
    """No cartons cost less than ``bound``. ``pairs``: ways to share all items out to one or two cartons that nothing
    forbids, as (least price, the halves by the items' places), the cheapest first; none where there are too many items.
    """

    bound: int
    pairs: tuple[tuple[int, tuple[frozenset[int], ...]], ...] = ()


def judge(items: Sequence[Item], bins: Sequence[Bin], apart: Sequence[tuple[int, int]], beyond: int) -> Judged:
    """Return a price that no cartons for ``items`` go below. ``apart``: pairs, by place, that never share a carton.

    ``beyond`` is the price of an answer that is known: nothing above it is looked for.
    """
    chosen = sorted(range(len(items)), key=lambda n: (-items[n].volume_mm3, n))[:MOST]
    place = {n: bit for bit, n in enumerate(chosen)}
    pairs = [(place[a], place[b]) for a, b in apart if a in place and b in place]
    cheaper = [one for one in bins if one.price < beyond]
    if not cheaper:
        return Judged(beyond)
    largest = [items[n] for n in chosen]
    volumes = _sums([one.volume_mm3 for one in largest])
    prices = _prices(largest, volumes, cheaper, pairs)
    bound = _partition(prices, volumes, cheaper, beyond)
    return Judged(bound, _pairs(prices, chosen, beyond) if len(items) <= MOST else ())


def _pairs(
    prices: Numbers, chosen: Sequence[int], beyond: int
) -> tuple[tuple[int, tuple[frozenset[int], ...]], ...]:
    """The subsets with the first item whose price and that of the rest are less than ``beyond``, cheapest first."""
    first = np.arange(1, len(prices), 2)
    sums = prices[first] + prices[len(prices) - 1 - first]
    found = []
    for n in np.argsort(sums, kind="stable")[:MOST_PAIRS]:
        if int(sums[n]) >= beyond:
            break
        subset, rest = int(first[n]), len(prices) - 1 - int(first[n])
        halves = tuple(_places(one, chosen) for one in (subset, rest) if one)
        found.append((int(sums[n]), halves))
    return tuple(found)


def _places(subset: int, chosen: Sequence[int]) -> frozenset[int]:
    return frozenset(n for bit, n in enumerate(chosen) if subset >> bit & 1)


def _prices(
    items: Sequence[Item], volumes: Numbers, bins: Sequence[Bin], apart: Sequence[tuple[int, int]]
) -> Numbers:
    """The least price of a bin that may hold each subset of the items."""
    subsets = np.arange(1 << len(items), dtype=np.int64)
    together = np.ones(len(subsets), dtype=bool)
    for a, b in apart:
        together &= (subsets >> a) & (subsets >> b) & 1 == 0
    weights = _sums([one.weight_g for one in items])
    prices = np.full(len(subsets), NEVER)
    for one in sorted(bins, key=lambda one: -one.price):
        may = together & (volumes <= one.size[0] * one.size[1] * one.size[2]) & (weights <= one.max_weight_g)
        may &= _may_hold(items, one, subsets)
        prices[may] = one.price
    prices[0] = 0
    return prices


def _sums(values: Sequence[int]) -> Numbers:
    """The sum of the values of each subset."""
    sums = np.zeros(1, dtype=np.int64)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _may_hold(items: Sequence[Item], into: Bin, subsets: Numbers) -> NDArray[np.bool_]:
    """Which subsets pass the geometric tests of one bin."""
    turns = [[t for t in one.turns if all(a <= b for a, b in zip(t, into.size, strict=True))] for one in items]
    may = np.ones(len(subsets), dtype=bool)
    for n, each in enumerate(turns):
        if not each:
            may &= (subsets >> n) & 1 == 0
    inside = [n for n, each in enumerate(turns) if each]
    for a, b in combinations(inside, 2):
        if not _side_by_side(turns[a], turns[b], into.size):
            may &= (subsets >> a) & (subsets >> b) & 1 == 0
    for scales, room in _scalings(into.size, [t for each in turns for t in each]):
        values = [
            min((scales[0][t[0]] * scales[1][t[1]] * scales[2][t[2]] for t in each), default=0) for each in turns
        ]
        if sum(values) > room:
            may &= _sums(values) <= room
    return may


def _side_by_side(one: Sequence[Size], other: Sequence[Size], size: Size) -> bool:
    """Whether two pieces fit into a bin together: along some axis one lies behind, beside or upon the other."""
    return any(a[axis] + b[axis] <= size[axis] for a in one for b in other for axis in range(3))


def _scalings(size: Size, turns: Sequence[Size]) -> Iterator[tuple[tuple[dict[int, int], ...], int]]:
    """Yield a scale for each axis, as values of the sizes that occur, and what the bin is worth by them."""
    lengths = [sorted({t[axis] for t in turns}) for axis in range(3)]
    per_axis = [_scales(limit, lengths[axis]) for axis, limit in enumerate(size)]
    for chosen in product(*per_axis):
        yield tuple(values for values, _ in chosen), chosen[0][1] * chosen[1][1] * chosen[2][1]


def _scales(limit: int, lengths: Sequence[int]) -> list[tuple[dict[int, int], int]]:
    """Dual feasible functions of one axis: lengths as they are, with thresholds, and rounded to shares of the limit."""
    found = [({length: length for length in lengths}, limit)]
    thresholds = sorted({limit // 2, limit // 3, *(one for one in lengths if 2 * one <= limit)})
    step = max(1, len(thresholds) // THRESHOLDS)
    for threshold in thresholds[::-1][::step][:THRESHOLDS]:
        values = {
            one: limit if one > limit - threshold else 0 if one < threshold else one for one in lengths
        }
        found.append((values, limit))
    halves = {one: one if 2 * one == limit else (2 * one // limit) * limit for one in lengths}
    found.append((halves, limit))
    unique = {tuple(values.items()): (values, worth) for values, worth in found}
    return list(unique.values())


def _partition(prices: Numbers, volumes: Numbers, bins: Sequence[Bin], beyond: int) -> int:
    """A price that no partition of the items into subsets goes below; at most ``beyond``.

    One bin, or two: exact. Three and more: what holds the first item, and the rest by volume in two bins or more.
    """
    best = int(min(prices[-1], (prices + prices[::-1]).min(), beyond))
    cheapest = int(prices[1:].min())
    if 3 * cheapest >= best:
        return best
    first = np.arange(1, len(prices), 2)
    rest = len(prices) - 1 - first
    more, even_more = _at_least(2, volumes[rest], bins), _at_least(3, volumes[rest], bins)
    for n in np.argsort(prices[first] + more, kind="stable"):
        if int(prices[first[n]] + more[n]) >= best:
            break
        halves = _halves(prices, int(rest[n]))
        best = int(min(best, prices[first[n]] + min(halves, int(even_more[n]))))
    return best


def _halves(prices: Numbers, subset: int) -> int:
    """The least price of two bins that may hold a subset between them."""
    inside = np.zeros(1, dtype=np.int64)
    left = subset & (subset - 1)  # the first item is in the one that is counted
    while left:
        low = left & -left
        inside = np.concatenate([inside, inside | low])
        left ^= low
    inside |= subset & -subset
    return int((prices[inside] + prices[subset ^ inside]).min())


def _at_least(count: int, volumes: Numbers, bins: Sequence[Bin]) -> Numbers:
    """The least price of ``count`` bins or more with room for each volume: the need rounded down, the room up."""
    step = max(1, int(volumes.max()) // STEPS)
    rooms = [(-(-one.size[0] * one.size[1] * one.size[2] // step), one.price) for one in bins]
    least = [0] * (int(volumes.max()) // step + 1)
    for need in range(1, len(least)):
        least[need] = min(price + least[max(0, need - room)] for room, price in rooms)
    for _ in range(count):
        least = [min(price + least[max(0, need - room)] for room, price in rooms) for need in range(len(least))]
    return np.array(least, dtype=np.int64)[volumes // step]
