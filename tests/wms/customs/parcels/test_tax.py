"""Every worked example of the customs reference, section 3.1, is a test named after it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.customs.parcels.rules import limits, tax
from wms.customs.parcels.rules.tax import Goods, Rates, Terms

D = Decimal
TERMS = Terms(D("0.7"), "half_up", D("0.01"), {
    "high_end_cosmetics": {"g": "10", "ml": "10", "piece": "15", "inclusive": True},
    "watches": {"unit": "10000", "inclusive": True},
})  # fmt: skip
COSMETICS = Rates(vat=D("0.13"), duty=D("0.01"), consumption=D("0.15"), threshold="high_end_cosmetics")
LIMITS = limits.Limits(D(5000), D(26000))


def levied(value: str, rates: Rates, model: str = "", qty: str = "1", *, in_full: bool = False) -> tax.LineTax:
    return tax.levy(Goods(1, D(value), D(qty), rates, model), TERMS, in_full=in_full)


def test_milk_powder_279_at_13_percent_is_25_39() -> None:
    assert levied("279.00", Rates(D("0.13"))).total == D("25.39")


def test_food_100_at_9_percent_is_6_30() -> None:
    assert levied("100", Rates(D("0.09"))).total == D("6.30")


def test_nappies_500_at_13_percent_is_45_50() -> None:
    assert levied("500", Rates(D("0.13"))).total == D("45.50")


def test_skin_care_425_for_20_g_pays_consumption_tax_98_00() -> None:
    found = levied("425", COSMETICS, "牌|精华|20g/瓶")
    assert (found.consumption, found.vat, found.total) == (D("52.50"), D("45.50"), D("98.00"))


def test_cosmetics_1000_high_end_is_230_59() -> None:
    found = levied("1000", COSMETICS, "50ml")
    assert (found.consumption, found.vat, found.total) == (D("123.53"), D("107.06"), D("230.59"))


def test_one_piece_6000_at_full_rates_is_1322_40() -> None:
    assert limits.is_levied_in_full(D(6000), D(1), LIMITS)
    found = levied("6000", Rates(D("0.13"), duty=D("0.08")), in_full=True)
    assert (found.duty, found.vat, found.total) == (D("480.00"), D("842.40"), D("1322.40"))


def test_one_high_end_cosmetic_6000_at_full_rates_is_2056_23() -> None:
    found = levied("6000", COSMETICS, "30ml", in_full=True)
    assert (found.duty, found.consumption, found.vat) == (D("60.00"), D("1069.41"), D("926.82"))
    assert found.total == D("2056.23")


def test_two_items_6000_together_are_refused() -> None:
    with pytest.raises(limits.SingleLimit, match=r"worth 6000 yuan; more than 5000 .* holds 2"):
        limits.is_levied_in_full(D(6000), D(2), LIMITS)


def test_exactly_the_single_limit_is_within_it() -> None:
    assert not limits.is_levied_in_full(D(5000), D(3), LIMITS)


@pytest.mark.parametrize(
    ("rates", "rate"),
    [(Rates(D("0.13")), "0.091"), (Rates(D("0.09")), "0.063"), (replace(COSMETICS, threshold=None), "0.230588")],
    ids=["13 percent is 9.1", "9 percent is 6.3", "15 and 13 percent are 23.0588"],
)
def test_composite_rate(rates: Rates, rate: str) -> None:
    assert tax.composite_rate(rates, TERMS).quantize(D("0.000001")) == D(rate).quantize(D("0.000001"))


@pytest.mark.parametrize(
    ("model", "value", "is_due"),
    [
        ("100ml", "1000", True), ("100ml", "999.99", False), ("0.1升", "1000", True), ("面膜|10片", "150", True),
        ("面膜|10片", "149.99", False), ("牌|30克", "300", True), ("5片*25ml", "80", True),
    ],
)  # fmt: skip
def test_high_end_from_10_yuan_a_gram_or_millilitre_or_15_a_sheet(model: str, value: str, is_due: bool) -> None:
    assert (levied(value, COSMETICS, model).consumption > 0) == is_due


def test_an_exclusive_threshold_is_a_matter_of_data() -> None:
    exclusive = replace(TERMS, thresholds={"high_end_cosmetics": {"ml": "10", "inclusive": False}})
    assert tax.levy(Goods(1, D(1000), D(1), COSMETICS, "100ml"), exclusive).consumption == 0


def test_watches_pay_consumption_tax_from_10000_apiece() -> None:
    watch = Rates(D("0.13"), D("0.08"), D("0.20"), "watches")
    assert levied("20000", watch, qty="2").consumption > 0
    assert levied("19999", watch, qty="2").consumption == 0


def test_a_model_without_content_is_refused_by_line() -> None:
    with pytest.raises(tax.ContentUnknown, match="Line 1: its model"):
        levied("100", COSMETICS, "牌|精华")


@pytest.mark.parametrize(("rule", "cents"), [("half_up", "25.39"), ("down", "25.38"), ("up", "25.39")])
def test_rounding_is_a_matter_of_data(rule: str, cents: str) -> None:
    assert tax.levy(Goods(1, D(279), D(1), Rates(D("0.13"))), replace(TERMS, rounding=rule)).vat == D(cents)


def test_the_last_line_takes_the_remainder_of_the_freight() -> None:
    assert tax.spread(D(10), [D(1), D(1), D(1)]) == [D("3.33333"), D("3.33333"), D("3.33334")]
    assert tax.spread(D(10), [D(0), D(0)]) == [D(5), D(5)]
    assert tax.spread(D(0), [D(5)]) == [D(0)]


@given(
    st.decimals("0", "99999999999999", places=5),
    st.lists(st.decimals("0", "99999999", places=5), min_size=1, max_size=99),
)
def test_what_is_spread_sums_to_what_was_given(total: Decimal, values: list[Decimal]) -> None:
    parts = tax.spread(total, values)
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)
