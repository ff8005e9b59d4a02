"""Seasons: found where every year says the same, taken out of the past, put into the days ahead."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from wms.freight.rules.demand import Day, forecast
from wms.freight.rules.seasons import YEAR, Seasons, seasonal_forecast, seasons

TODAY = date(2027, 1, 1)


def years(count: int, *, busy: dict[int, int], usual: int = 10, today: date = TODAY) -> list[Day]:
    """``count`` years that end yesterday: ``usual`` a day, in busy months what is said of them."""
    days = [today - timedelta(days=n) for n in range(count * YEAR, 0, -1)]
    return [Day(busy.get(day.month, usual)) for day in days]


def test_a_month_that_sells_twice_each_year_is_a_season() -> None:
    """Three years of 10 a day, 20 in December: 31 of 365 days lift the average to 10.85; 20/10.85 = 1.843, three
    quarters of the way from one: 1.632, over the mean of all twelve.
    """
    found = seasons(years(3, busy={12: 20}), TODAY)
    assert found is not None
    assert found.years == 3
    assert Decimal("1.60") < found.on(date(2027, 12, 5)) < Decimal("1.72")
    assert sum(found.indices) / 12 == pytest.approx(Decimal(1), abs=Decimal("0.0001"))


def test_one_odd_month_is_no_season() -> None:
    steady, odd = years(1, busy={}, today=TODAY - timedelta(days=YEAR)), years(1, busy={6: 40})
    found = seasons([*steady, *odd], TODAY)
    assert found is None or found.on(date(2027, 6, 1)) <= Decimal("1.05")


@pytest.mark.parametrize("count", [0, 1])
def test_too_short_a_history_has_no_seasons(count: int) -> None:
    history = years(count, busy={12: 50}) if count else []
    assert seasons(history, TODAY) is None
    assert seasonal_forecast(history, 182, TODAY, 30) == forecast(history[-182:])


def test_months_without_stock_say_nothing() -> None:
    history = [
        Day(0, was_in_stock=False) if (TODAY - timedelta(days=2 * YEAR - n)).month == 3 else one
        for n, one in enumerate(years(2, busy={12: 20}))
    ]
    found = seasons(history, TODAY)
    assert found is not None
    assert found.on(date(2027, 3, 1)) < Decimal("1.05")
    assert found.on(date(2027, 3, 1)) == max(found.indices[2:3])


def test_the_days_ahead_get_their_season_and_the_past_loses_its_own() -> None:
    """December sold 20 a day; what is sent now is sold from January on, at ten."""
    history = years(3, busy={12: 20})
    plain, seasonal = forecast(history[-60:]), seasonal_forecast(history, 60, TODAY, 60)
    assert plain.mean > 18
    assert 8 < seasonal.mean < 14
    assert (seasonal.season_years, seasonal.season_permille < 1000) == (3, True)
    autumn = date(2026, 11, 1)
    before = [day for n, day in enumerate(history) if n < len(history) - 61]
    coming = seasonal_forecast(before, 60, autumn, 61)
    assert coming.season_permille > 1200  # half of the days ahead are December
    assert coming.mean > forecast(before[-60:]).mean


@pytest.mark.parametrize("seed", range(20))
def test_an_index_is_never_out_of_bounds(seed: int) -> None:
    draw = random.Random(seed)
    most = draw.choice((1, 5, 500))
    found = seasons([Day(draw.randrange(most + 1)) for _ in range(draw.randrange(730, 1_100))], TODAY)
    assert found is None or isinstance(found, Seasons)
    assert found is None or all(Decimal("0.25") <= one <= 4 for one in found.indices)
