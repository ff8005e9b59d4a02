"""What an owner owes for storage and handling: exact integers, every line from a dated rate, rounded once.

Rates are in thousandths of the currency's smallest unit, so that a piece-day may cost a tenth of a fen. A line's amount
is quantity × rate, rounded half up to the smallest unit, once for each line and never before; a total is the sum of its
lines. Days are those of the site's own clock, and stock is counted as it stands at the end of the day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from wms.errors import N_, Kind, WmsError

PER_MINOR = 1000  # thousandths of the smallest unit
STORAGE_UNITS = ("pallet_day", "m3_day", "kg_day", "unit_day")
HANDLING_UNITS = ("touch", "unit", "kg", "pallet")
M3, KG = 10**9, 1000  # mm³ in a cubic metre, grams in a kilogram


class UnknownRateCard(WmsError):
    """The owner has no rates for the day."""

    code = "unknown_rate_card"
    kind = Kind.NOT_FOUND
    text = N_("There is no rate card of %(owner)s that holds on %(on)s.")


class RateCardExists(WmsError):
    """Two cards would hold from one day."""

    code = "rate_card_exists"
    kind = Kind.CONFLICT
    text = N_("%(owner)s already has a rate card from %(on)s on.")


class RateTwice(WmsError):
    """One thing would be charged twice."""

    code = "rate_twice"
    kind = Kind.INVALID
    text = N_("Two rates for %(service)s would charge the same thing twice.")


class BadRate(WmsError):
    """The unit does not measure the service."""

    code = "bad_rate"
    kind = Kind.INVALID
    text = N_("%(service)s cannot be charged by %(unit)s.")


class PeriodNotOver(WmsError):
    """Days that are not over cannot be counted at their end."""

    code = "period_not_over"
    text = N_("The period ends on %(until)s; it can be billed when that day is over.")


class BadPeriodOfInvoice(WmsError):
    """The period is turned round or longer than a year."""

    code = "bad_invoice_period"
    kind = Kind.INVALID
    text = N_("From %(since)s to %(until)s is no period of 1 to %(most)s days.")


class PeriodBilled(WmsError):
    """A day would be billed twice."""

    code = "period_billed"
    kind = Kind.CONFLICT
    text = N_("These days are billed already by invoice %(invoice)s.")


class UnknownInvoice(WmsError):
    """No invoice has this number."""

    code = "unknown_invoice"
    kind = Kind.NOT_FOUND
    text = N_("There is no invoice %(invoice)s.")


class InvoiceNotDraft(WmsError):
    """What was issued stands."""

    code = "invoice_not_draft"
    kind = Kind.CONFLICT
    text = N_("Invoice %(invoice)s is %(state)s and stays as it is; write a credit note.")


class InvoiceNotIssued(WmsError):
    """Only what was issued can be credited, and only once."""

    code = "invoice_not_issued"
    kind = Kind.CONFLICT
    text = N_("Invoice %(invoice)s is %(state)s; only an issued one can be credited, once.")


class CorrectedLater(WmsError):
    """A later invoice rests on this one."""

    code = "corrected_later"
    kind = Kind.CONFLICT
    text = N_("Invoice %(invoice)s was corrected in %(later)s; credit that one first.")


class BadServiceLine(WmsError):
    """Nothing says what the service costs."""

    code = "bad_service_line"
    kind = Kind.INVALID
    text = N_("The rate card has no service %(service)s.")


@dataclass(frozen=True)
class Rate:
    """One rate of a card. ``service`` is ``storage``, ``handling`` or ``extra``.

    Storage: per ``unit`` of STORAGE_UNITS, for one temperature class or (None) any, one site or any. Handling: per
    ``unit`` of HANDLING_UNITS for postings of ``name`` (receipt, put_away, pick …). Extra: ``name`` is what was done.
    ``free_days`` are days of storage that cost nothing, from the day on which the goods came.
    """

    id: int
    service: str
    name: str
    unit: str
    price_milli: int
    temperature_class: str | None = None
    site_id: int | None = None
    free_days: int = 0


@dataclass(frozen=True)
class GoodsDay:
    """Goods of one item and lot at a site at the end of a day; weight and volume of one base unit.

    ``came`` are the units that arrived on this day, the day before, and so on: first in, first out, they are the last
    to leave, so what is left of them is what free days spare. ``weight_g`` is what goods weigh whose pieces are weighed
    one by one, ``came_g`` what of it arrived in the same days; None: so many times the weight of one unit.
    """

    on: date
    site_id: int
    temperature_class: str
    qty: int
    gross_weight_g: int
    volume_mm3: int
    came: tuple[int, ...] = ()
    weight_g: int | None = None
    came_g: tuple[int, ...] = ()

    def charged_qty(self, free_days: int) -> int:
        """Return the units that have been here longer than ``free_days``."""
        return max(0, self.qty - sum(self.came[:free_days]))

    def charged_g(self, free_days: int) -> int:
        """Return the grams that have been here longer than ``free_days``."""
        if self.weight_g is None:
            return self.charged_qty(free_days) * self.gross_weight_g
        return max(0, self.weight_g - sum(self.came_g[:free_days]))


@dataclass(frozen=True)
class PalletDay:
    """A pallet at a site at the end of a day; ``age_days`` is 0 on the day on which it came."""

    on: date
    site_id: int
    temperature_class: str
    handling_unit_id: int
    age_days: int


@dataclass(frozen=True)
class Touch:
    """One posting of an owner's goods by a person or program: its kind, units, grams and pallets."""

    posting_id: int
    kind: str
    site_id: int | None
    qty: int
    weight_g: int
    n_units: int


@dataclass(frozen=True)
class Line:
    """A line of an invoice: quantity in thousandths of the unit, the rate, and the amount in the smallest unit."""

    rate_id: int | None
    service: str
    name: str
    unit: str
    site_id: int | None
    qty_milli: int
    price_milli: int
    amount_minor: int
    note: str = ""


def amount_minor(qty_milli: int, price_milli: int) -> int:
    """Return quantity (thousandths) × price (thousandths of the smallest unit) in the smallest unit, half up.

    Half up means away from zero for a half, also below zero: a credit mirrors its invoice to the fen.
    """
    product, whole = abs(qty_milli * price_milli), PER_MINOR * 1000
    rounded = (2 * product + whole) // (2 * whole)
    return rounded if qty_milli * price_milli >= 0 else -rounded


def days_of(since: date, until: date) -> list[date]:
    """Return the days of a period, both ends included."""
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]


def check_rates(rates: Sequence[Rate]) -> None:
    """Raise BadRate for a unit that its service does not know, RateTwice for two rates of the same thing."""
    units = {"storage": STORAGE_UNITS, "handling": HANDLING_UNITS, "extra": ("each",)}
    seen: set[tuple[str, str, str, str | None, int | None]] = set()
    for rate in rates:
        if rate.unit not in units.get(rate.service, ()):
            raise BadRate(field="unit", service=rate.service, unit=rate.unit)
        key = (rate.service, rate.name, rate.unit, rate.temperature_class, rate.site_id)
        if key in seen:
            raise RateTwice(field="rates", service=rate.name or rate.service)
        seen.add(key)


def rates_for(rates: Sequence[Rate], site_id: int, temperature_class: str) -> list[Rate]:
    """Return the storage rates that apply at a site to a class, one for each unit: the narrowest one."""
    found: dict[str, tuple[int, Rate]] = {}
    for rate in rates:
        fits = rate.temperature_class in (None, temperature_class) and rate.site_id in (None, site_id)
        if rate.service != "storage" or not fits:
            continue
        rank = 2 * (rate.site_id is not None) + (rate.temperature_class is not None)
        if rate.unit not in found or found[rate.unit][0] < rank:
            found[rate.unit] = (rank, rate)
    return [rate for _, rate in found.values()]


def storage(rates: Sequence[Rate], goods: Iterable[GoodsDay], pallets: Iterable[PalletDay]) -> list[Line]:
    """Return one line for each storage rate and site that stock of the period falls under.

    A pallet is counted once a day however many items lie on it; loose goods are no pallet.
    """
    sums: dict[tuple[Rate, int], int] = {}
    for one in goods:
        for rate in rates_for(rates, one.site_id, one.temperature_class):
            if rate.unit != "pallet_day":
                key = (rate, one.site_id)
                sums[key] = sums.get(key, 0) + measured(rate, one)
    counted: set[tuple[int, int, date]] = set()
    for pallet in pallets:
        for rate in rates_for(rates, pallet.site_id, pallet.temperature_class):
            once = (rate.id, pallet.handling_unit_id, pallet.on)
            if rate.unit == "pallet_day" and pallet.age_days >= rate.free_days and once not in counted:
                counted.add(once)
                sums[rate, pallet.site_id] = sums.get((rate, pallet.site_id), 0) + 1
    return [
        _line(rate, site_id, _milli(rate.unit, whole))
        for (rate, site_id), whole in sorted(sums.items(), key=lambda pair: (pair[0][0].id, pair[0][1]))
        if whole
    ]


def measured(rate: Rate, goods: GoodsDay) -> int:
    """Return what a rate counts of goods on a day: units, grams or cubic millimetres."""
    if rate.unit == "kg_day":
        return goods.charged_g(rate.free_days)
    return goods.charged_qty(rate.free_days) * {"m3_day": goods.volume_mm3, "unit_day": 1}[rate.unit]


def _milli(unit: str, measured: int) -> int:
    """Return what was measured in thousandths of the unit of account; a cubic metre is rounded half up to a litre."""
    if unit == "m3_day":
        return (2 * measured * 1000 + M3) // (2 * M3)
    if unit in ("kg_day", "kg"):
        return measured * 1000 // KG
    return measured * 1000


def handling(rates: Sequence[Rate], touches: Iterable[Touch]) -> list[Line]:
    """Return one line for each handling rate and site that postings of the period fall under."""
    sums: dict[tuple[Rate, int | None], int] = {}
    for touch in touches:
        for rate in _handling_rates(rates, touch):
            counted = {"touch": 1, "unit": touch.qty, "kg": touch.weight_g, "pallet": touch.n_units}[rate.unit]
            key = (rate, touch.site_id)
            sums[key] = sums.get(key, 0) + counted
    return [
        _line(rate, site_id, _milli(rate.unit, whole))
        for (rate, site_id), whole in sorted(sums.items(), key=lambda pair: (pair[0][0].id, pair[0][1] or 0))
        if whole
    ]


def extras(rates: Sequence[Rate], done: Iterable[tuple[str, int, int]]) -> list[Line]:
    """Return one line for each extra service and site: ``done`` are (service, site, times). Raises BadServiceLine."""
    by_name = {rate.name: rate for rate in rates if rate.service == "extra"}
    sums: dict[tuple[str, int], int] = {}
    for name, site_id, times in done:
        if name not in by_name:
            raise BadServiceLine(service=name)
        sums[name, site_id] = sums.get((name, site_id), 0) + times
    return [_line(by_name[name], site_id, times * 1000) for (name, site_id), times in sorted(sums.items())]


def _handling_rates(rates: Sequence[Rate], touch: Touch) -> list[Rate]:
    """Return the handling rates of a posting, one for each unit: a site's own before the general one."""
    found: dict[str, Rate] = {}
    for rate in rates:
        fits = rate.service == "handling" and rate.name == touch.kind and rate.site_id in (None, touch.site_id)
        if fits and (rate.unit not in found or rate.site_id is not None):
            found[rate.unit] = rate
    return list(found.values())


def _line(rate: Rate, site_id: int | None, qty_milli: int) -> Line:
    return Line(
        rate.id, rate.service, rate.name, rate.unit, site_id, qty_milli, rate.price_milli,
        amount_minor(qty_milli, rate.price_milli),
    )  # fmt: skip


def minimum(lines: Sequence[Line], least_minor: int) -> Line | None:
    """Return the line that lifts a period to the minimum charge; None where the lines reach it."""
    total = sum(line.amount_minor for line in lines)
    if total >= least_minor:
        return None
    missing = least_minor - total
    return Line(None, "minimum", "minimum_charge", "each", None, 1000, missing * PER_MINOR, missing)


def corrections(billed: Sequence[Line], right: Sequence[Line]) -> list[Line]:
    """Return the lines that bring what was billed for a period to what is right, by service, name, unit, site."""

    def keyed(lines: Sequence[Line]) -> dict[tuple[str, str, str, int | None], tuple[int, int, Line]]:
        sums: dict[tuple[str, str, str, int | None], tuple[int, int, Line]] = {}
        for line in lines:
            key = (line.service, line.name, line.unit, line.site_id)
            qty, amount, _ = sums.get(key, (0, 0, line))
            sums[key] = (qty + line.qty_milli, amount + line.amount_minor, line)
        return sums

    before, after, found = keyed(billed), keyed(right), []
    for key in sorted(before.keys() | after.keys(), key=str):
        old_qty, old_amount, old = before.get(key, (0, 0, None))
        new_qty, new_amount, new = after.get(key, (0, 0, None))
        known = new or old
        if new_amount != old_amount and known is not None:
            found.append(
                replace(known, qty_milli=new_qty - old_qty, amount_minor=new_amount - old_amount, note="correction")
            )
    return found
