"""Composite tax of retail imports (跨境电商综合税): to the cent, by rates of the day.

财关税〔2016〕18号 and 〔2018〕49号: within the limits duty is 0, VAT and consumption tax are 70 % of what the
law says; a single article above the single limit is levied in full. Amounts are yuan as Decimal; inside they are
exact, and each tax of each line is rounded once, by the rule of the day (customs reference, 3.1).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal, localcontext
from typing import Any

from wms.errors import N_, Kind, WmsError

ROUNDINGS = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN, "up": ROUND_UP}
EXACT = Context(prec=60)
FIVE_PLACES = Decimal("0.00001")  # N19,5 of the messages
MEASURES = (
    ("g", Decimal(1), ("克", "G")),
    ("g", Decimal(1000), ("千克", "公斤", "KG")),
    ("ml", Decimal(1), ("毫升", "ML")),
    ("ml", Decimal(1000), ("升", "L")),
    ("piece", Decimal(1), ("片", "张", "PCS", "PC", "SHEETS", "SHEET")),
)
CONTENT = re.compile(
    r"(?<![\d.])(\d{1,9}(?:\.\d{1,5})?)\s*(千克|公斤|毫升|克|升|片|张|KG|ML|PCS|PC|SHEETS|SHEET|G|L)(?![A-Z])"
)


class RateUnknown(WmsError):
    """Nobody filed what the commodity code is taxed at; a guess would be a wrong tax."""

    code = "tax_rate_unknown"
    text = N_("Goods code %(gcode)s has no tax rates on %(on)s: enter them as a dated value with their source.")


class DutyUnknown(WmsError):
    """An article above the single limit pays duty, and its rate was not filed."""

    code = "duty_rate_unknown"
    text = N_("Line %(line_no)s: above the single limit duty is due, and its rate is not entered for this goods code.")


class ContentUnknown(WmsError):
    """Whether consumption tax is due depends on the price of a gram, millilitre or piece."""

    code = "unit_content_unknown"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: its model does not say how many g, ml or pieces one unit holds, and the tax needs it.")


@dataclass(frozen=True)
class Rates:
    """What a commodity code is taxed at. ``threshold`` names the dated threshold from which consumption tax is due."""

    vat: Decimal
    duty: Decimal | None = Decimal(0)  # None: nobody filed it; only a levy in full needs it
    consumption: Decimal = Decimal(0)
    threshold: str | None = None


@dataclass(frozen=True)
class Terms:
    """The rules of a day: share levied within the limits, rounding, and thresholds (yuan for a g, ml or piece)."""

    share: Decimal
    rounding: str
    step: Decimal
    thresholds: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Goods:
    """A line as it is taxed: its part of the taxable value, quantity, and the text that says what a unit holds."""

    line_no: int
    value: Decimal
    qty: Decimal
    rates: Rates
    model: str = ""


@dataclass(frozen=True)
class LineTax:
    """What is levied on a line, rounded."""

    line_no: int
    value: Decimal
    duty: Decimal
    consumption: Decimal
    vat: Decimal

    @property
    def total(self) -> Decimal:
        """Duty, consumption tax and VAT together."""
        return self.duty + self.consumption + self.vat


def rates_of(value: Mapping[str, Any]) -> Rates:
    """Read rates as they stand in dated data: ``{"vat": "0.13", "duty": "0.08", "consumption": "0.15", …}``."""
    duty, consumption, threshold = (value.get(name) or None for name in ("duty", "consumption", "threshold"))
    return Rates(Decimal(value["vat"]), Decimal(duty) if duty else None, Decimal(consumption or 0), threshold)


def terms_of(value: Mapping[str, Any], thresholds: Mapping[str, Mapping[str, Any]]) -> Terms:
    """Read the rules of a day as they stand in dated data."""
    return Terms(Decimal(value["share"]), value["rounding"], Decimal(value["step"]), thresholds)


def levy(goods: Goods, terms: Terms, *, in_full: bool = False) -> LineTax:
    """Return the tax of a line; ``in_full``: a single article above the single limit, with duty and without discount.

    duty = P·d; consumption = (P + duty) / (1 − c) · c; VAT = (P + duty + consumption) · v.
    Raises ContentUnknown, DutyUnknown.
    """
    rates = goods.rates
    if in_full and rates.duty is None:
        raise DutyUnknown(line_no=goods.line_no)
    with localcontext(EXACT):
        share = Decimal(1) if in_full else terms.share
        duty = goods.value * (rates.duty or 0) if in_full else Decimal(0)
        c = rates.consumption if _is_due(goods, terms) else Decimal(0)
        consumption = (goods.value + duty) / (1 - c) * c
        vat = (goods.value + duty + consumption) * rates.vat
        due = (_rounded(amount, terms) for amount in (duty, consumption * share, vat * share))
        return LineTax(goods.line_no, goods.value, *due)


def composite_rate(rates: Rates, terms: Terms) -> Decimal:
    """Return (c + v) / (1 − c) times the share: what a yuan is taxed at within the limits."""
    with localcontext(EXACT):
        return (rates.consumption + rates.vat) / (1 - rates.consumption) * terms.share


def _rounded(amount: Decimal, terms: Terms) -> Decimal:
    return amount.quantize(terms.step, rounding=ROUNDINGS[terms.rounding])


def _is_due(goods: Goods, terms: Terms) -> bool:
    """Whether consumption tax is due: always, or from a price of a gram, millilitre, piece or unit on."""
    name = goods.rates.threshold
    if not goods.rates.consumption or name is None:
        return bool(goods.rates.consumption)
    limits = terms.thresholds[name]
    price = goods.value / goods.qty
    found = [("unit", Decimal(1))] if "unit" in limits else contents(goods.model)
    known = [(measure, held) for measure, held in found if measure in limits]
    if not known:
        raise ContentUnknown(line_no=goods.line_no)
    inclusive = limits.get("inclusive", True)
    return any(
        price >= held * Decimal(limits[measure]) if inclusive else price > held * Decimal(limits[measure])
        for measure, held in known
    )


def contents(model: str) -> list[tuple[str, Decimal]]:
    """Return what one unit holds by its model: ``"品牌|精华|30ml/瓶"`` → ``[("ml", 30)]``; ``5片*25ml`` holds both."""
    units = {word: (measure, factor) for measure, factor, words in MEASURES for word in words}
    return [(units[word][0], Decimal(n) * units[word][1]) for n, word in CONTENT.findall(model.upper())]


def spread(total: Decimal, values: Sequence[Decimal]) -> list[Decimal]:
    """Share freight or insurance out over lines by their value, to five places; the last line takes the remainder."""
    whole = sum(values, Decimal(0))
    if not total or not values:
        return [Decimal(0)] * len(values)
    with localcontext(EXACT):
        parts = [
            (total * value / whole if whole else total / len(values)).quantize(FIVE_PLACES, rounding=ROUND_DOWN)
            for value in values[:-1]
        ]
        return [*parts, total - sum(parts, Decimal(0))]
