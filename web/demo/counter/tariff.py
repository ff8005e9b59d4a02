"""What the simulated customs levies on a parcel's lines: duty, consumption tax and VAT, each to the cent.

Its tariff is a short one: cosmetics from a price for a gram or millilitre on are a luxury, all else pays VAT alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from web.demo.counter import checks
from web.demo.counter.habits import Habits
from web.demo.counter.reading import Document

COSMETICS = ("3303", "3304")
CONTENT = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*(千克|公斤|毫升|克|升|KG|ML|G|L)(?![A-Z])")
THOUSANDS = ("千克", "公斤", "升", "KG", "L")


@dataclass(frozen=True)
class Levied:
    """The three taxes of a line, in yuan."""

    duty: Decimal
    consumption: Decimal
    vat: Decimal


def levy(listed: Document, habits: Habits) -> list[Levied]:
    """Return what each line is taxed: by value with its share of freight and insurance.

    Within the single limit 70 % of consumption tax and VAT; one article above it in full, and with duty.
    """
    prices = [checks.number(line.get("totalPrice")) for line in listed.lines]
    whole = sum(prices, Decimal(0)) or Decimal(1)
    besides = checks.number(listed.of("freight")) + checks.number(listed.of("insuredFee"))
    in_full = whole + besides > Decimal(habits.single_limit)
    levied = []
    for line, price in zip(listed.lines, prices, strict=True):
        value = price + besides * price / whole
        is_luxury = _is_luxury(line.get("gcode", ""), line.get("gmodel", ""), value, line.get("qty"), habits)
        duty = value * Decimal(habits.luxury_duty) if in_full and is_luxury else Decimal(0)
        rate = Decimal(habits.luxury_tax) if is_luxury else Decimal(0)
        consumption = (value + duty) / (1 - rate) * rate
        vat = (value + duty + consumption) * Decimal(habits.vat)
        share = Decimal(1) if in_full else Decimal(habits.levied_share)
        levied.append(Levied(_cents(duty), _cents(consumption * share), _cents(vat * share)))
    return levied


def total(levied: Sequence[Levied], name: str) -> Decimal:
    """Return one of the three taxes of all lines."""
    return sum((getattr(one, name) for one in levied), Decimal(0))


def _is_luxury(gcode: str, model: str, value: Decimal, qty: str | None, habits: Habits) -> bool:
    pieces = checks.number(qty)
    if not gcode.startswith(COSMETICS) or not pieces:
        return False
    held = [Decimal(n) * (1000 if unit in THOUSANDS else 1) for n, unit in CONTENT.findall(model.upper())]
    return any(value / pieces >= one * Decimal(habits.luxury_from) for one in held)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(checks.CENT, ROUND_HALF_UP)
