"""How much is sold from day to day, and how surely: the forecast of one item at one site. Pure, exact decimals.

Smooth demand is levelled by simple exponential smoothing. Demand that pauses (on average 1.32 days and more between two
selling days, Syntetos, Boylan and Croston 2005) is levelled by Croston's method with the correction of Syntetos and
Boylan (2005). Days on which there was nothing to sell say nothing about demand and are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

ALPHA_SMOOTH, ALPHA_PAUSING = Decimal("0.1"), Decimal("0.1")
PAUSES_FROM, LUMPY_FROM = Decimal("1.32"), Decimal("0.49")
LEAST_DAYS = 14
ZERO = Decimal(0)


class Pattern(StrEnum):
    """What demand looks like (Syntetos–Boylan classes); ``none``: nothing was sold, ``new``: too few days to say."""

    NONE = "none"
    NEW = "new"
    SMOOTH = "smooth"
    ERRATIC = "erratic"
    INTERMITTENT = "intermittent"
    LUMPY = "lumpy"


@dataclass(frozen=True)
class Day:
    """One day at a site: base units sold (a fraction where a season was taken out), and if there was any to sell."""

    sold: int | Decimal
    was_in_stock: bool = True


@dataclass(frozen=True)
class Forecast:
    """Demand of one day: mean and variance, how it was found, and over how many days (of which days sold anything).

    ``season_permille`` is the index of the coming days against an average one, from so many whole years (0: no season).
    """

    pattern: Pattern
    method: str
    mean: Decimal
    variance: Decimal
    days: int
    selling_days: int
    out_of_stock_days: int
    season_permille: int = 1000
    season_years: int = 0

    @property
    def pauses(self) -> bool:
        """Whether demand comes now and then, so that a bell curve would be wrong."""
        return self.pattern in {Pattern.INTERMITTENT, Pattern.LUMPY, Pattern.NEW}


def forecast(history: Sequence[Day]) -> Forecast:
    """Tell the demand of a coming day from the days so far, the oldest first."""
    with localcontext() as context:
        context.prec = 28
        known = [day.sold for day in history if day.was_in_stock or day.sold > 0]
        out = len(history) - len(known)
        selling = [sold for sold in known if sold > 0]
        if not selling:
            return Forecast(Pattern.NONE, "none", ZERO, ZERO, len(known), 0, out)
        pattern = classify(known)
        if pattern in {Pattern.INTERMITTENT, Pattern.LUMPY}:
            mean, method = croston_sba(known), "croston_sba"
        elif pattern is Pattern.NEW:
            mean, method = Decimal(sum(known)) / len(known), "mean"
        else:
            mean, method = smoothed(known), "exponential_smoothing"
        return Forecast(pattern, method, mean, variance(known), len(known), len(selling), out)


def classify(known: Sequence[int | Decimal]) -> Pattern:
    """Say what demand looks like: how often it comes, and how much its size varies."""
    if len(known) < LEAST_DAYS:
        return Pattern.NEW
    selling = [Decimal(sold) for sold in known if sold > 0]
    if not selling:
        return Pattern.NONE
    pause = Decimal(len(known)) / len(selling)
    mean = sum(selling, ZERO) / len(selling)
    spread = sum(((one - mean) ** 2 for one in selling), ZERO) / len(selling) / mean**2
    if pause < PAUSES_FROM:
        return Pattern.SMOOTH if spread < LUMPY_FROM else Pattern.ERRATIC
    return Pattern.INTERMITTENT if spread < LUMPY_FROM else Pattern.LUMPY


def smoothed(known: Sequence[int | Decimal]) -> Decimal:
    """Simple exponential smoothing; it starts from the mean of the first two weeks."""
    start = known[:LEAST_DAYS]
    level = Decimal(sum(start)) / len(start)
    for sold in known[LEAST_DAYS:]:
        level += ALPHA_SMOOTH * (sold - level)
    return level


def croston_sba(known: Sequence[int | Decimal]) -> Decimal:
    """Croston's rate of demand a day, less its bias: (1 − α/2) · size / pause (Syntetos and Boylan 2005)."""
    size = pause = None
    since = 1
    for sold in known:
        if sold <= 0:
            since += 1
            continue
        if size is None or pause is None:
            size, pause = Decimal(sold), Decimal(since)
        else:
            size += ALPHA_PAUSING * (sold - size)
            pause += ALPHA_PAUSING * (since - pause)
        since = 1
    if size is None or pause is None:
        return ZERO
    return (1 - ALPHA_PAUSING / 2) * size / pause


def variance(known: Sequence[int | Decimal]) -> Decimal:
    """Sample variance of the days' demand."""
    if len(known) < 2:
        return Decimal(known[0]) if known else ZERO
    mean = Decimal(sum(known)) / len(known)
    return sum(((sold - mean) ** 2 for sold in known), ZERO) / (len(known) - 1)
