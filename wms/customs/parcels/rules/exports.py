"""What an exporter of retail goods may claim: exemption without invoice, assessed income tax, refund on departure.

Exemption: 财税〔2018〕103号, three conditions and six registered fields. Assessed levy: 税总公告 2019-36. Refund of
9810 on departure: 税总公告 2025-3, from 2025-01-27 (customs reference, 3.3). Rates and periods are dated data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from wms.errors import N_, WmsError

SIX_FIELDS = ("exported_on", "name", "unit", "qty", "price", "amount")
CENT = Decimal("0.01")


class NotExported(WmsError):
    """Only what left is exempt, summarised or refunded."""

    code = "export_not_released"
    text = N_("Parcel declaration %(number)s is %(state)s: only released exports can be claimed.")


class NotOverseasWarehouse(WmsError):
    code = "not_overseas_warehouse"
    text = N_("Parcel declaration %(number)s has trade mode %(mode)s; a booking for an overseas warehouse is 9810.")


class SettledAlready(WmsError):
    code = "refund_settled"
    text = N_("The refund of parcel %(number)s is settled already.")


class SoldTooMuch(WmsError):
    code = "sold_above_value"
    text = N_("Of parcel %(number)s goods worth %(value)s left; %(sold)s cannot have been sold.")


@dataclass(frozen=True)
class Condition:
    """A condition of a claim in words, and whether it is met."""

    rule: str
    is_met: bool


@dataclass(frozen=True)
class ExemptionFacts:
    """What the exemption asks: the exporter, where it was declared, the goods, and what was registered of them."""

    is_registered: bool
    is_declared_in_zone: bool
    cancelled_codes: tuple[str, ...]
    registered: tuple[Mapping[str, Any], ...]


def exemption(facts: ExemptionFacts) -> tuple[Condition, ...]:
    """Return the three conditions of the exemption without invoice; all of them must be met."""
    lacking = [name for row in facts.registered for name in SIX_FIELDS if row.get(name) in (None, "")]
    return (
        Condition(
            N_("The exporter is registered in the pilot zone, and date, name, unit, quantity, price and amount stand"
               " on the zone's platform."),
            facts.is_registered and bool(facts.registered) and not lacking,
        ),
        Condition(N_("The goods were declared as e-commerce export at the pilot zone's customs."),
                  facts.is_declared_in_zone),
        Condition(N_("No refund or exemption was cancelled for the goods."), not facts.cancelled_codes),
    )  # fmt: skip


@dataclass(frozen=True)
class LevyTerms:
    """Rates of the assessed levy of a day."""

    income_rate: Decimal
    tax_rate: Decimal
    small_rate: Decimal
    small_until: Decimal


@dataclass(frozen=True)
class Levy:
    """Taxable income and what is due of it, with and without the relief of small firms."""

    revenue: Decimal
    income: Decimal
    tax: Decimal
    has_relief: bool


def levy_terms(value: Mapping[str, Any]) -> LevyTerms:
    """Read the rates as they stand in dated data."""
    return LevyTerms(*(Decimal(value[name]) for name in ("income_rate", "tax_rate", "small_rate", "small_until")))


def assess(revenue: Decimal, terms: LevyTerms, *, is_small: bool) -> Levy:
    """Assess income tax of revenue without invoices: 4 % is income; a small firm pays 5 % of it up to three million."""
    income = _cents(revenue * terms.income_rate)
    has_relief = is_small and income <= terms.small_until
    return Levy(revenue, income, _cents(income * (terms.small_rate if has_relief else terms.tax_rate)), has_relief)


@dataclass(frozen=True)
class Refund:
    """A refund on departure: the code it is filed under while goods are unsold, what is paid, until when it settles."""

    business_code: str | None
    amount: Decimal
    settle_by_on: date


def refund(value: Decimal, sold: Decimal, rate: Decimal, departed_on: date, terms: Mapping[str, Any]) -> Refund:
    """What is refunded when goods leave: all of it at once, of the unsold ones under the code of a pre-refund."""
    month, day = (int(part) for part in str(terms["settle_by"]).split("-"))
    is_pre = sold < value
    return Refund(
        str(terms["code"]) if is_pre else None, _cents(value * rate), date(departed_on.year + 1, month, day)
    )


def settle(sold: Decimal, rate: Decimal, refunded: Decimal) -> Decimal:
    """What is still to be refunded (above 0) or to be paid back (below 0) once it is known what was sold."""
    return _cents(sold * rate) - refunded


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
