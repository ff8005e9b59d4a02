"""Which line goods belong to, which lots may come in, and what a count found otherwise."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.floor.rules import mistakes
from wms.floor.rules.receiving import (
    Announced,
    Counted,
    DifferenceKind,
    LotDates,
    check_lot,
    differences,
    line_for,
    quality_of,
)

TODAY = date(2026, 6, 1)
MILK, MEAT = 1, 2


def dates(**given: object) -> LotDates:
    return LotDates(**({"item": "X", "is_lot_controlled": True, "is_expiry_controlled": True} | given))  # type: ignore[arg-type]


def found(lines: list[Announced], *counted: Counted) -> list[tuple[str, int]]:
    return [(one.kind.value, one.qty) for one in differences(lines, counted)]


def test_prefers_the_line_with_the_same_lot() -> None:
    lines = [Announced(1, MILK, 10), Announced(2, MILK, 10, lot_no="B"), Announced(3, MILK, 10, lot_no="A")]
    assert line_for(lines, MILK, "A") == lines[2]


def test_prefers_a_line_without_lot_to_one_with_another() -> None:
    lines = [Announced(1, MILK, 10, lot_no="B"), Announced(2, MILK, 10)]
    assert line_for(lines, MILK, "A") == lines[1]


def test_fills_the_line_that_still_lacks_goods_first() -> None:
    lines = [Announced(1, MILK, 10, received_qty=10), Announced(2, MILK, 10)]
    assert line_for(lines, MILK, None) == lines[1]


def test_finds_no_line_for_an_item_that_was_not_announced() -> None:
    assert line_for([Announced(1, MILK, 10)], MEAT, None) is None


def test_a_complete_count_has_no_difference() -> None:
    assert found([Announced(1, MILK, 10, lot_no="A")], Counted(1, MILK, "A", 10, "hold")) == []


def test_names_over_and_short() -> None:
    lines = [Announced(1, MILK, 10), Announced(2, MEAT, 5)]
    assert found(lines, Counted(1, MILK, None, 12, "good"), Counted(2, MEAT, None, 1, "good")) == [
        ("over", 2),
        ("short", -4),
    ]


def test_a_line_nobody_saw_is_short() -> None:
    assert found([Announced(1, MILK, 10)]) == [("short", -10)]


def test_another_lot_is_a_wrong_lot_and_not_a_missing_one() -> None:
    lines = [Announced(1, MILK, 10, lot_no="A")]
    assert found(lines, Counted(1, MILK, "B", 10, "hold")) == [("wrong_lot", 10)]


def test_damaged_and_expired_goods_were_found() -> None:
    lines = [Announced(1, MILK, 10)]
    assert found(lines, Counted(1, MILK, None, 8, "good"), Counted(1, MILK, None, 2, "damaged")) == [("damaged", 2)]
    assert found(lines, Counted(1, MILK, None, 10, "expired")) == [("expired", 10)]


def test_sums_an_item_that_was_not_announced() -> None:
    counted = (Counted(None, MEAT, None, 2, "quarantine"), Counted(None, MEAT, None, 3, "quarantine"))
    assert found([Announced(1, MILK, 1)], Counted(1, MILK, None, 1, "good"), *counted) == [("wrong_item", 5)]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5), st.lists(st.tuples(st.integers(0, 6), st.integers(1, 30))))
def test_over_and_short_add_up_to_what_was_counted(expected: list[int], scans: list[tuple[int, int]]) -> None:
    lines = [Announced(i, 100 + i, qty) for i, qty in enumerate(expected)]
    counted = [Counted(i if i < len(lines) else None, 100 + i, None, qty, "good") for i, qty in scans]
    total = sum(one.qty for one in differences(lines, counted))
    assert total == sum(one.qty for one in counted) - sum(expected)
    assert all(one.kind in set(DifferenceKind) for one in differences(lines, counted))


def test_asks_for_the_lot_and_the_expiry_day() -> None:
    with pytest.raises(mistakes.LotMissing):
        check_lot(dates(lot_no=None, expires_on=None), TODAY, is_expired_confirmed=False)
    with pytest.raises(mistakes.ExpiryMissing):
        check_lot(dates(lot_no="A", expires_on=None), TODAY, is_expired_confirmed=False)


def test_stops_expired_goods_until_they_are_confirmed_as_such() -> None:
    old = dates(lot_no="A", expires_on=TODAY - timedelta(days=1))
    with pytest.raises(mistakes.ExpiredLot):
        check_lot(old, TODAY, is_expired_confirmed=False)
    check_lot(old, TODAY, is_expired_confirmed=True)


def test_takes_goods_on_their_last_day() -> None:
    check_lot(dates(lot_no="A", expires_on=TODAY), TODAY, is_expired_confirmed=False)


def test_stops_an_expiry_day_that_cannot_be() -> None:
    with pytest.raises(mistakes.ExpiryTooFar):
        check_lot(dates(lot_no="A", expires_on=date(2099, 1, 1)), TODAY, is_expired_confirmed=False)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((True, True, True, True), "damaged"),
        ((False, True, True, True), "expired"),
        ((False, False, False, True), "quarantine"),
        ((False, False, True, True), "hold"),
        ((False, False, True, False), "good"),
    ],
)
def test_gives_counted_goods_their_quality_status(facts: tuple[bool, bool, bool, bool], status: str) -> None:
    is_damaged, is_expired, is_announced, is_bonded = facts
    assert (
        quality_of(is_damaged=is_damaged, is_expired=is_expired, is_announced=is_announced, is_bonded=is_bonded)
        == status
    )
