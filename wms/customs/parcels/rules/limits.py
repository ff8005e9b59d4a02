"""Single and annual limit of a buyer of retail imports: 5,000 and 26,000 yuan since 2019 (财关税〔2018〕49号)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from wms.errors import N_, WmsError


class SingleLimit(WmsError):
    """More than the single limit, and not one article that cannot be divided (customs' −621005)."""

    code = "single_limit"
    text = N_(
        "The order is worth %(value)s yuan; more than %(limit)s is allowed only for one article; it holds %(count)s."
    )


class AnnualLimit(WmsError):
    """The buyer's year has no room left (customs' −621018)."""

    code = "annual_limit"
    text = N_("Buyer %(buyer)s has used %(used)s of %(limit)s yuan in %(year)s; %(value)s more is above the limit.")


@dataclass(frozen=True)
class Limits:
    """Limits of a day, in yuan; ``inclusive``: exactly the limit is still allowed."""

    single: Decimal
    annual: Decimal
    inclusive: bool = True

    @property
    def annual_minor(self) -> int:
        """The most that may be used in a year, in fen."""
        return in_fen(self.annual) - (0 if self.inclusive else 1)


def limits_of(value: Mapping[str, Any]) -> Limits:
    """Read limits as they stand in dated data."""
    return Limits(Decimal(value["single"]), Decimal(value["annual"]), bool(value["inclusive"]))


def in_fen(yuan: Decimal) -> int:
    """Yuan in fen, half up."""
    return int((yuan * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def in_yuan(fen: int) -> Decimal:
    """Fen in yuan with two places."""
    return Decimal(fen).scaleb(-2).quantize(Decimal("0.01"))


def is_levied_in_full(value: Decimal, article_count: Decimal, limits: Limits) -> bool:
    """Whether an order is levied in full because its one article is above the single limit. Raises SingleLimit."""
    if value <= limits.single:
        return False
    if article_count != 1:
        raise SingleLimit(value=value.normalize().to_eng_string() if value % 1 else f"{value:.0f}",
                          limit=f"{limits.single:f}", count=f"{article_count.normalize():f}")  # fmt: skip
    return True
