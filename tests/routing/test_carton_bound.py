"""The bound over all ways to share pieces out: never above the truth, and what each test of it adds."""

import random
from itertools import combinations

import pytest

from routing.carton_bound import Bin, Item, judge
from routing.carton_fill import Box, fill

CUBE = (100, 100, 100)


def item(length: int, width: int, height: int, weight_g: int = 100) -> Item:
    box = Box("b", length, width, height, upright=False, fragile=False)
    return Item(box.turns(), length * width * height, weight_g)


def test_one_carton_that_may_hold_all_is_the_bound() -> None:
    assert judge([item(50, 50, 50)] * 8, [Bin(CUBE, 9_000, 7)], [], 99).bound == 7


def test_two_pieces_that_fit_alone_but_not_together_need_two_cartons() -> None:
    judged = judge([item(60, 60, 60)] * 2, [Bin(CUBE, 9_000, 7)], [], 99)
    assert judged.bound == 14
    assert judged.pairs == ((14, (frozenset({0}), frozenset({1}))),)


def test_conservative_scales_see_that_three_cubes_over_half_need_three_cartons() -> None:
    assert judge([item(51, 51, 51)] * 3, [Bin(CUBE, 9_000, 7)], [], 99).bound == 21


def test_weight_and_pieces_kept_apart_count() -> None:
    light = [item(10, 10, 10, 600)] * 2
    assert judge(light, [Bin(CUBE, 1_000, 7)], [], 99).bound == 14
    assert judge([item(10, 10, 10)] * 2, [Bin(CUBE, 1_000, 7)], [(0, 1)], 99).bound == 14


def test_nothing_above_a_known_answer_is_looked_for() -> None:
    assert judge([item(60, 60, 60)] * 2, [Bin(CUBE, 9_000, 7)], [], 10).bound == 10
    assert judge([item(60, 60, 60)] * 2, [Bin(CUBE, 9_000, 7)], [], 7).bound == 7


def test_of_many_pieces_the_largest_give_the_bound() -> None:
    judged = judge([item(60, 60, 60)] * 14, [Bin(CUBE, 9_000, 7)], [], 999)
    assert (judged.bound >= 3 * 7, judged.pairs) == (True, ())


@pytest.mark.parametrize("seed", range(20))
def test_is_never_above_what_a_packing_of_every_partition_costs(seed: int) -> None:
    rng = random.Random(seed)
    sizes = [tuple(rng.randint(20, 80) for _ in range(3)) for _ in range(5)]
    bins = [Bin((80, 80, 80), 9_000, 5), Bin((100, 90, 80), 9_000, 7)]
    best = _cheapest(list(range(5)), sizes, bins)
    assert judge([item(*size) for size in sizes], bins, [], 10**6).bound <= best


def _cheapest(left: list[int], sizes: list[tuple[int, ...]], bins: list[Bin]) -> int:
    """The least price over every partition, each subset packed by extreme points."""
    if not left:
        return 0
    first, rest = left[0], left[1:]
    best = 10**6
    for count in range(len(rest) + 1):
        for others in combinations(rest, count):
            inside = [first, *others]
            boxes = [Box(str(n), *sizes[n], upright=False, fragile=False) for n in inside]
            fits = [one.price for one in bins if not fill(boxes, *one.size, 0)[1]]
            if fits:
                remaining = [n for n in rest if n not in others]
                best = min(best, min(fits) + _cheapest(remaining, sizes, bins))
    return best
