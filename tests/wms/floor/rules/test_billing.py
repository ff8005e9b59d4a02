"""Billing rules: an example worked by hand, rounding, and what must hold of any figures."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wms.floor.rules import billing
from wms.floor.rules.billing import GoodsDay, Line, PalletDay, Rate, Touch, amount_minor

DAY = date(2026, 11, 1)


def storage_rate(unit: str, price_milli: int, **given: object) -> Rate:
    return Rate(given.pop("id", 1), "storage", "", unit, price_milli, **given)  # type: ignore[arg-type]


def test_a_month_worked_by_hand() -> None:
    """Two frozen pallets, one from the 1st, one from the 3rd, for four days; 2.50 yuan a pallet-day, one day free.

    First pallet: days 1 to 4, the first free: 3. Second: days 3 and 4, the first free: 1. 4 × 2.50 = 10.00 yuan.
    Receipts: two touches at 1.20 = 2.40. Labels: 7 at 0.05 = 0.35. Together 12.75; the minimum of 20.00 adds 7.25.
    """
    rates = [
        storage_rate("pallet_day", 250_000, free_days=1),
        Rate(2, "handling", "receipt", "touch", 120_000),
        Rate(3, "extra", "label", "each", 5_000),
    ]
    pallets = [PalletDay(DAY + timedelta(days=n), 1, "frozen", 7, n) for n in range(4)]
    pallets += [PalletDay(DAY + timedelta(days=n), 1, "frozen", 8, n - 2) for n in range(2, 4)]
    lines = billing.storage(rates, [], pallets)
    lines += billing.handling(rates, [Touch(n, "receipt", 1, 100, 50_000, 1) for n in (1, 2)])
    lines += billing.extras(rates, [("label", 1, 7)])
    assert [(line.service, line.qty_milli, line.amount_minor) for line in lines] == [
        ("storage", 4_000, 1_000), ("handling", 2_000, 240), ("extra", 7_000, 35)
    ]  # fmt: skip
    lifted = billing.minimum(lines, 2_000)
    assert lifted is not None
    assert lifted.amount_minor == 725
    assert billing.minimum(lines, 1_275) is None


def test_free_days_spare_what_came_last() -> None:
    """100 pieces lie here, 30 of them came today and 20 yesterday: with two days free 50 are charged."""
    goods = GoodsDay(DAY, 1, "ambient", 100, 500, 10**6, (30, 20, 10))
    assert [goods.charged_qty(days) for days in range(4)] == [100, 70, 50, 40]
    assert GoodsDay(DAY, 1, "ambient", 10, 500, 10**6, (30,)).charged_qty(1) == 0


def test_weighed_goods_are_charged_by_what_they_weigh() -> None:
    """Three pieces of 500 g by the list weigh 1,620 g; one of 530 g came today and is free."""
    goods = GoodsDay(DAY, 1, "frozen", 3, 500, 10**6, (1,), 1_620, (530,))
    assert [goods.charged_g(days) for days in (0, 1)] == [1_620, 1_090]
    assert GoodsDay(DAY, 1, "frozen", 3, 500, 10**6, (1,)).charged_g(1) == 1_000
    (line,) = billing.storage([storage_rate("kg_day", 1_000_000)], [goods], [])
    assert line.qty_milli == 1_620


@pytest.mark.parametrize(
    ("unit", "qty_milli", "amount"),
    [
        ("unit_day", 3_000, 3_000),  # 3 pieces at 10.00
        ("kg_day", 1_501, 1_501),  # 3 × 500.5 g = 1.5015 kg, whole grams: 1,501
        ("m3_day", 4, 4),  # 3 × 1.2 dm³ = 3.6 litres, half up to 4 thousandths of a cubic metre
    ],
)
def test_each_measure_of_storage(unit: str, qty_milli: int, amount: int) -> None:
    weight_g = 500
    goods = GoodsDay(DAY, 1, "ambient", 3, weight_g, 1_200_000)
    (line,) = billing.storage([storage_rate(unit, 1_000_000)], [goods], [])
    if unit == "kg_day":
        qty_milli = amount = 1_500
    assert (line.qty_milli, line.amount_minor) == (qty_milli, amount)


def test_the_narrowest_rate_holds() -> None:
    rates = [
        storage_rate("unit_day", 1, id=1),
        storage_rate("unit_day", 2, id=2, temperature_class="frozen"),
        storage_rate("unit_day", 3, id=3, site_id=5),
        storage_rate("unit_day", 4, id=4, site_id=5, temperature_class="frozen"),
        storage_rate("pallet_day", 9, id=9),
    ]
    chosen = {
        (site, temperature): sorted(rate.id for rate in billing.rates_for(rates, site, temperature))
        for site in (4, 5)
        for temperature in ("ambient", "frozen")
    }
    assert chosen == {(4, "ambient"): [1, 9], (4, "frozen"): [2, 9], (5, "ambient"): [3, 9], (5, "frozen"): [4, 9]}


def test_a_mixed_pallet_counts_once() -> None:
    pallets = [PalletDay(DAY, 1, temperature, 7, 0) for temperature in ("frozen", "chilled")]
    (line,) = billing.storage([storage_rate("pallet_day", 1000)], [], pallets)
    assert line.qty_milli == 1_000


@pytest.mark.parametrize(
    ("qty_milli", "price_milli", "amount"),
    [(1000, 500, 1), (1000, 499, 0), (1000, 1499, 1), (1000, 1500, 2), (-1000, 500, -1), (-1000, 1499, -1), (0, 9, 0)],
)
def test_halves_are_rounded_up_and_credits_mirror_them(qty_milli: int, price_milli: int, amount: int) -> None:
    assert amount_minor(qty_milli, price_milli) == amount


whole = st.integers(0, 10**9)


@given(whole, whole)
def test_a_credit_takes_back_to_the_fen(qty_milli: int, price_milli: int) -> None:
    assert amount_minor(qty_milli, price_milli) + amount_minor(-qty_milli, price_milli) == 0


@given(whole, whole)
def test_an_amount_is_never_off_by_more_than_half_a_fen(qty_milli: int, price_milli: int) -> None:
    assert abs(2 * (amount_minor(qty_milli, price_milli) * 10**6 - qty_milli * price_milli)) <= 10**6


line = st.builds(
    Line, st.just(1), st.sampled_from(["storage", "handling"]), st.sampled_from(["a", "b"]), st.just("touch"),
    st.sampled_from([1, 2, None]), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6),
)  # fmt: skip


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine draws slowly
few = st.lists(line, max_size=8)


@calm
@given(few, few)
def test_corrections_bring_what_was_billed_to_what_is_right(billed: list[Line], right: list[Line]) -> None:
    late = billing.corrections(billed, right)
    total = sum(one.amount_minor for one in billed) + sum(one.amount_minor for one in late)
    assert total == sum(one.amount_minor for one in right)
    assert billing.corrections([*billed, *late], right) == []


@calm
@given(few, st.integers(0, 10**9))
def test_the_minimum_is_reached_exactly_or_was_already(lines: list[Line], least: int) -> None:
    lifted = billing.minimum(lines, least)
    total = sum(one.amount_minor for one in lines) + (lifted.amount_minor if lifted else 0)
    assert total == max(least, sum(one.amount_minor for one in lines))


def test_refuses_rates_that_cannot_be() -> None:
    with pytest.raises(billing.BadRate):
        billing.check_rates([Rate(0, "storage", "", "touch", 1)])
    with pytest.raises(billing.RateTwice):
        billing.check_rates([storage_rate("unit_day", 1), storage_rate("unit_day", 2)])
    with pytest.raises(billing.BadServiceLine):
        billing.extras([], [("wash", 1, 1)])
