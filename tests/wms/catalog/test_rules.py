"""Units and packagings convert exactly or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.catalog import rules
from wms.catalog.rules import Packaging

PIECE = Packaging("piece", 1)
CARTON = Packaging("carton", 12)
PALLET = Packaging("pallet", 480)
UNITS = st.builds(Packaging, st.just("unit"), st.integers(1, 10_000))


def test_counts_a_carton_in_pieces() -> None:
    assert rules.in_base_units(3, CARTON) == 36
    assert rules.in_base_units(Decimal("0.5"), CARTON) == 6
    assert rules.convert(2, PALLET, CARTON) == 80


@pytest.mark.parametrize("qty", [Decimal("0.3"), Decimal("1.01")])
def test_refuses_a_conversion_that_leaves_a_fraction(qty: Decimal) -> None:
    with pytest.raises(rules.InexactConversion) as refusal:
        rules.in_base_units(qty, CARTON)
    assert refusal.value.code == "inexact_conversion"


def test_refuses_half_a_pallet_of_a_larger_unit() -> None:
    with pytest.raises(rules.InexactConversion):
        rules.convert(1, CARTON, PALLET)


@given(st.integers(0, 10**9), UNITS, UNITS)
def test_converting_there_and_back_loses_nothing(qty: int, source: Packaging, target: Packaging) -> None:
    try:
        there = rules.convert(qty, source, target)
    except rules.InexactConversion:
        assert qty * source.base_qty % target.base_qty
    else:
        assert rules.convert(there, target, source) == qty


@given(st.integers(0, 10**9))
def test_splitting_loses_nothing(base_qty: int) -> None:
    parts = rules.split_into(base_qty, (PIECE, PALLET, CARTON))
    assert sum(count * packaging.base_qty for count, packaging in parts) == base_qty


def test_names_the_units_there_are() -> None:
    with pytest.raises(rules.UnknownUnit, match="carton, piece"):
        rules.packaging_of("drum", (PIECE, CARTON), "X-1")


@pytest.mark.parametrize(
    ("numbers", "refusal"),
    [
        (rules.ItemNumbers("X", "6901234567893", None, 1, 1), rules.BadGtin),
        (rules.ItemNumbers("X", None, "0202", 1, 1), rules.BadHsCode),
        (rules.ItemNumbers("X", None, None, -1, 1), rules.ImplausibleSize),
        (rules.ItemNumbers("X", None, None, 1, 10**12), rules.ImplausibleSize),
    ],
)
def test_refuses_numbers_that_cannot_be(numbers: rules.ItemNumbers, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rules.check_item(numbers)


def test_accepts_a_plausible_item() -> None:
    rules.check_item(rules.ItemNumbers("X", "6901234567892", "0202300010", 1000, 10**6))
