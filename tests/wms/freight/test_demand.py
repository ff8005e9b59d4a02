"""Forecast and advice on histories small enough to check by hand."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wms.freight.rules.demand import Day, Pattern, classify, croston_sba, forecast, smoothed
from wms.freight.rules.replenish import (
    BadServiceLevel,
    LeadTime,
    Situation,
    Terms,
    advise,
    chances,
    enough,
    risk,
    round_order,
    z_milli,
)


def days(*sold: int) -> list[Day]:
    return [Day(one) for one in sold]


def situation(history: list[Day], **given: object) -> Situation:
    values: dict[str, object] = {
        "forecast": forecast(history), "lead": LeadTime(20_000, 4_000, "test"), "review_md": 7_000,
        "service_permille": 950, "on_hand_qty": 0, "on_the_way_qty": 0, "available_qty": 1_000_000, "terms": Terms(),
        "overstock_days": 120,
    }  # fmt: skip
    return Situation(**(values | given))  # type: ignore[arg-type]


def test_croston_by_hand() -> None:
    """Sizes 4 and 6 after pauses of 3 and 2 days: size 4.2, pause 2.9, rate 4.2/2.9 less five per cent."""
    assert croston_sba([0, 0, 4, 0, 6]) == Decimal("0.95") * Decimal("4.2") / Decimal("2.9")


def test_smoothing_by_hand() -> None:
    assert smoothed([10] * 14 + [20]) == Decimal("11.0")


@pytest.mark.parametrize(
    ("sold", "pattern"),
    [
        ([5, 6, 5, 4] * 5, Pattern.SMOOTH),
        ([1, 30, 1, 1] * 5, Pattern.ERRATIC),
        ([0, 0, 3, 0] * 5, Pattern.INTERMITTENT),
        ([0, 0, 1, 0, 0, 40] * 4, Pattern.LUMPY),
        ([5, 5], Pattern.NEW),
    ],
)
def test_tells_patterns_apart(sold: list[int], pattern: Pattern) -> None:
    assert classify(sold) is pattern


def test_days_without_stock_say_nothing_about_demand() -> None:
    history = days(*[10] * 20) + [Day(0, was_in_stock=False)] * 20
    found = forecast(history)
    assert (found.mean, found.days, found.out_of_stock_days) == (Decimal(10), 20, 20)


def test_steady_demand_by_the_textbook() -> None:
    """10 a day, no variance, 20 ± 4 days: s = 200 + 1.645 · 40 = 265.8; S covers 27 days: 270 + 65.8."""
    advice = advise(situation(days(*[10] * 60)))
    assert (advice.lead_demand_qty, advice.reorder_point_qty, advice.safety_qty) == (200, 266, 66)
    assert (advice.order_up_to_qty, advice.wanted_qty, advice.distribution) == (336, 336, "normal")
    assert z_milli(950) == 1645


def test_nothing_is_sent_above_the_reorder_point_and_what_is_on_its_way_counts() -> None:
    assert advise(situation(days(*[10] * 60), on_hand_qty=200, on_the_way_qty=67)).qty == 0
    assert advise(situation(days(*[10] * 60), on_hand_qty=200, on_the_way_qty=66)).qty == 70


def test_slow_movers_are_counted_not_bent_into_a_bell() -> None:
    """One piece every ten days, certain lead time of 20 days: Poisson with mean 1.9; two would be 70 %, four 95 %."""
    history = days(*([0] * 9 + [1]) * 12)
    advice = advise(situation(history, lead=LeadTime(20_000, 0, "test")))
    assert advice.distribution == "poisson"
    assert advice.reorder_point_qty == 4
    assert enough(Decimal("1.9"), Decimal("1.9"), 950, counts=True) == 4


def test_lumpy_demand_is_negative_binomial_and_keeps_more() -> None:
    even = enough(Decimal(4), Decimal(4), 950, counts=True)
    lumpy = enough(Decimal(4), Decimal(16), 950, counts=True)
    assert (even, lumpy > even) == (8, True)
    total = chances(Decimal(4), Decimal(16))
    mean = sum((k * chance for k, chance in enumerate(total)), Decimal(0))
    assert abs(mean - 4) < Decimal("0.02")


def test_risk_of_running_out() -> None:
    advice = advise(situation(days(*[10] * 60), on_hand_qty=200))
    assert advice.risk_permille == 500
    assert risk(Decimal("1.9"), Decimal("1.9"), 4, counts=True) < 50
    assert risk(Decimal(5), Decimal(0), 4, counts=False) == 1000


def test_overstock_and_cover() -> None:
    advice = advise(situation(days(*[10] * 60), on_hand_qty=1_500))
    assert (advice.overstock_qty, advice.cover_md, advice.qty) == (300, 150_000, 0)
    dead = advise(situation(days(*[0] * 60), on_hand_qty=40))
    assert (dead.overstock_qty, dead.cover_md, dead.qty, dead.risk_permille) == (40, None, 0, 0)


@pytest.mark.parametrize(
    ("qty", "terms", "rounded"),
    [
        (5, Terms(), (5, "none")),
        (5, Terms(least_qty=20), (20, "least_order")),
        (25, Terms(pack_qty=12), (36, "whole_packs")),
        (400, Terms(pack_qty=12, pallet_qty=480), (480, "whole_pallet")),
        (300, Terms(pack_qty=12, pallet_qty=480), (300, "none")),
        (0, Terms(least_qty=20), (0, "none")),
    ],
)
def test_rounds_as_goods_are_packed(qty: int, terms: Terms, rounded: tuple[int, str]) -> None:
    assert round_order(qty, terms) == rounded


def test_sends_no_more_than_there_is_in_whole_packs() -> None:
    advice = advise(situation(days(*[10] * 60), available_qty=100, terms=Terms(pack_qty=12)))
    assert (advice.rounded_qty, advice.qty) == (336, 96)
    assert advise(situation(days(*[10] * 60), available_qty=100, terms=Terms(least_qty=200))).qty == 0


def test_refuses_a_service_level_out_of_range() -> None:
    with pytest.raises(BadServiceLevel):
        advise(situation(days(*[10] * 60), service_permille=1000))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=90), st.integers(0, 500), st.integers(500, 999))
def test_more_service_never_sends_less(sold: list[int], on_hand: int, service: int) -> None:
    low = advise(situation(days(*sold), on_hand_qty=on_hand, service_permille=500))
    high = advise(situation(days(*sold), on_hand_qty=on_hand, service_permille=service))
    assert high.order_up_to_qty >= low.order_up_to_qty >= 0
    assert high.qty >= low.qty
    assert 0 <= high.risk_permille <= 1000
