import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.units import ceil_div, half_up, instant_s, iso, money, share_exactly


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any))
def test_shares_add_up_to_the_last_fen_and_stay_within_one_of_the_exact_share(total: int, weights: list[int]) -> None:
    parts = share_exactly(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    assert all(total * w // whole <= part <= total * w // whole + 1 for part, w in zip(parts, weights, strict=True))


def test_refuses_to_share_by_no_weights() -> None:
    with pytest.raises(ValueError, match="more than zero"):
        share_exactly(10, [0, 0])


def test_the_fen_left_over_goes_to_the_largest_fraction() -> None:
    assert share_exactly(100, [1, 1, 1]) == [34, 33, 33]
    assert share_exactly(10, [5, 3, 3]) == [4, 3, 3]


def test_rounding_is_exact_on_large_integers() -> None:
    assert ceil_div(10**18 + 1, 10) == 10**17 + 1
    assert half_up(5, 10) == 1
    assert half_up(4, 10) == 0


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        instant_s("2026-03-02T08:00:00")
    assert iso(instant_s("2026-03-02T08:00:00+08:00")) == "2026-03-02T00:00:00Z"


def test_money_shows_fen() -> None:
    assert money(123_456_789) == "1,234,567.89"
    assert money(-5) == "-0.05"
