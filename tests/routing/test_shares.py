"""Three rules of sharing a box, worked out by hand; each adds up to the fen."""

from __future__ import annotations

import random

import pytest

from routing.shares import ALONE, MEASURE, SHAPLEY, Part, Rule, split
from routing.solve import make_plan
from routing.tariff import Offer
from routing.verify import verify
from tests.routing.tiny import goods, problem

BOX = Offer("BOX", "box", 1_000_000, 20_000_000, 10_000_000, 0, 0, 1, 0, 0, 1, 0, 0, 999, None)
LOOSE = Offer("LCL", "loose", 80_000, 1_000_000, 1_000_000, 59_000, 80_000, 1000, 1000, 1000, 0, 0, 0, 1, None)
OFFERS = (BOX, LOOSE)


def part(name: str, m3: float, t: float) -> Part:
    return Part(name, round(m3 * 1_000_000), round(t * 1_000_000), (0, 1))


def shares(rule: Rule, *parts: Part) -> list[int]:
    return split(rule, 1_000_000, parts, OFFERS, 20_000_000, 10_000_000)


def test_by_measure_heavy_goods_pay_for_their_weight() -> None:
    # 4 of 20 m3 is a fifth, 4 of 10 t is two fifths: a third and two thirds of the price.
    assert shares(MEASURE, part("A", 4, 1), part("B", 4, 4)) == [333_333, 666_667]


def test_alone_shares_in_proportion_to_the_loose_price_or_the_box_whatever_is_less() -> None:
    # Alone: 4 m3 loose 3,200; 16 m3 would be 12,800 loose, so its own box at 10,000.
    assert shares(ALONE, part("A", 4, 1), part("B", 16, 4)) == [242_424, 757_576]


def test_by_what_each_adds_two_goods_of_one_box() -> None:
    # A first adds 3,200 and B then 6,800; B first adds 10,000 and A nothing: 1,600 and 8,400.
    assert shares(SHAPLEY, part("A", 4, 1), part("B", 16, 4)) == [160_000, 840_000]


def test_a_box_that_costs_nothing_is_shared_too() -> None:
    two = [part("a", 10, 1), part("b", 5, 1)]
    assert split(SHAPLEY, 0, two, OFFERS, 60_000_000, 26_000_000) == [0, 0]


def test_one_that_is_alone_pays_the_box() -> None:
    for rule in (MEASURE, ALONE, SHAPLEY):
        assert shares(rule, part("A", 4, 1)) == [1_000_000]


def test_a_sample_of_orders_is_the_same_each_time_and_near_the_true_shares() -> None:
    same = [part(f"K{n}", 1.5, 0.5) for n in range(10)]
    found = shares(SHAPLEY, *same)
    assert found == shares(SHAPLEY, *same)
    assert max(abs(share - 100_000) for share in found) < 40_000


def test_a_box_of_many_is_shared_by_measure() -> None:
    many = [part(f"K{n}", 0.5 + n / 20, 0.3) for n in range(13)]
    assert shares(SHAPLEY, *many) == shares(MEASURE, *many)


@pytest.mark.parametrize("rule", [MEASURE, ALONE, SHAPLEY])
def test_every_rule_adds_up_to_the_fen(rule: Rule) -> None:
    rng = random.Random(7)
    for _ in range(60):
        parts = [part(f"K{n}", rng.uniform(0.01, 2), rng.uniform(0.01, 0.9)) for n in range(rng.randrange(1, 11))]
        found = shares(rule, *parts)
        assert sum(found) == 1_000_000
        assert min(found) >= 0


@pytest.mark.parametrize("rule", [MEASURE, ALONE, SHAPLEY])
def test_a_plan_says_by_which_rule_it_shares_and_the_checker_adds_it_up(rule: Rule) -> None:
    one = problem([goods("K1", 4), goods("K2", 9, 6), goods("K3", 3)])
    plan = make_plan(one, seconds=20, share=rule)
    assert plan.share_rule == rule
    assert sum(item.costs.share_minor for item in plan.assignments) == 1_000_000
    assert verify(one, plan.model_dump(mode="json")) == []
