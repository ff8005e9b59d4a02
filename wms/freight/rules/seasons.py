"""Seasons of demand: how much a month usually sells against the year's average. Pure, exact decimals.

Ratio to the year: of each whole year back from today, a month's demand a day over the year's. What a month is in two
years or more counts, and only where every year says the same (above or below the average): one odd month is no season.
The index is drawn towards one, the more the fewer the years, for few years prove little. Days on which there was
nothing to sell are left out, as everywhere in :mod:`wms.freight.rules.demand`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext

from wms.freight.rules.demand import Day, Forecast, forecast

YEAR, LEAST_YEARS, LEAST_DAYS_OF_MONTH = 365, 2, 7
LOWEST, HIGHEST = Decimal("0.25"), Decimal(4)
ONE = Decimal(1)


@dataclass(frozen=True)
class Seasons:
    """An index for each month, January first; one is an average month. ``years`` whole years stand behind it."""

    indices: tuple[Decimal, ...]
    years: int

    def on(self, day: date) -> Decimal:
        """Return the index of a day."""
        return self.indices[day.month - 1]

    def over(self, first: date, days: int) -> Decimal:
        """Return the mean index of ``days`` days from ``first`` on."""
        return sum((self.on(first + timedelta(days=n)) for n in range(days)), Decimal(0)) / days


def seasons(history: Sequence[Day], today: date) -> Seasons | None:
    """Find the seasons of a history that ends yesterday; None where it is too short or shows none."""
    years = len(history) // YEAR
    if years < LEAST_YEARS:
        return None
    with localcontext() as context:
        context.prec = 28
        ratios: list[list[Decimal]] = [[] for _ in range(12)]
        for back in range(years):
            for month, ratio in _ratios(history, today, back).items():
                ratios[month - 1].append(ratio)
        indices = [_index(found) for found in ratios]
        if all(one == ONE for one in indices):
            return None
        mean = sum(indices, Decimal(0)) / 12
        return Seasons(tuple(min(max(one / mean, LOWEST), HIGHEST) for one in indices), years)


def _ratios(history: Sequence[Day], today: date, back: int) -> dict[int, Decimal]:
    """Return month → demand a day over the year's, of the year that ended ``back`` years ago."""
    end = len(history) - back * YEAR
    sums: dict[int, list[int]] = {}
    for place in range(end - YEAR, end):
        day = history[place]
        if day.was_in_stock or day.sold > 0:
            month = (today - timedelta(days=len(history) - place)).month
            known = sums.setdefault(month, [0, 0])
            known[0] += int(day.sold)
            known[1] += 1
    sold, days = (sum(one[n] for one in sums.values()) for n in (0, 1))
    if not sold:
        return {}
    usual = Decimal(sold) / days
    return {month: Decimal(qty) / n / usual for month, (qty, n) in sums.items() if n >= LEAST_DAYS_OF_MONTH}


def _index(ratios: Sequence[Decimal]) -> Decimal:
    is_agreed = all(one > ONE for one in ratios) or all(one < ONE for one in ratios)
    if len(ratios) < LEAST_YEARS or not is_agreed:
        return ONE
    n = len(ratios)
    return ONE + (sum(ratios, Decimal(0)) / n - ONE) * n / (n + 1)


def seasonal_forecast(history: Sequence[Day], recent_days: int, today: date, coming_days: int) -> Forecast:
    """Tell the demand of a day of the ``coming_days``: the recent days' level, freed of their season, given that ahead.

    Without seasons it is :func:`wms.freight.rules.demand.forecast` of the recent days.
    """
    recent = history[-recent_days:] if recent_days else history
    found = seasons(history, today)
    if found is None:
        return forecast(recent)
    with localcontext() as context:
        context.prec = 28
        first = today - timedelta(days=len(recent))
        freed = [
            replace(day, sold=Decimal(day.sold) / found.on(first + timedelta(days=n))) for n, day in enumerate(recent)
        ]
        level = forecast(freed)
        index = found.over(today, max(coming_days, 1))
        return replace(
            level, mean=level.mean * index, variance=level.variance * index * index,
            season_permille=int(index * 1000), season_years=found.years,
        )  # fmt: skip
