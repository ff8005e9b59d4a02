"""How much to send to a warehouse far away, and why. Pure; quantities in whole base units, times in days/1000.

Periodic review: every R days one looks at what lies there and is on its way (the position), and orders up to S when it
is at or below s. Over the lead time L (mean and deviation, from dated data or from what transfers really took) demand
has the mean d·L and the variance L·σ² + d²·σ_L². Smooth demand is taken as normal: s = d·L + z·√var. Demand that pauses
is counted: Poisson, or negative binomial where it varies more: the smallest stock that is enough that often.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from statistics import NormalDist

from wms.errors import N_, Kind, NotFound, WmsError
from wms.freight.rules.demand import Forecast, Pattern

PROPOSAL_STATES = ("proposed", "accepted", "dismissed", "superseded")
MOST_COUNTED = 5_000  # above it the bell curve is as good
LEFT_OVER = Decimal("0.0001")  # chances that together are less are not counted


class UnknownProposal(NotFound):
    code = "unknown_proposal"
    text = N_("There is no replenishment proposal %(proposal_id)s.")


class ProposalDecided(WmsError):
    code = "proposal_decided"
    kind = Kind.CONFLICT
    text = N_("Proposal %(proposal_id)s is %(state)s since %(at)s (%(person)s).")


class NothingToSend(WmsError):
    code = "nothing_to_send"
    text = N_("Proposal %(proposal_id)s asks for nothing: what lies there and is on its way is enough.")


class BadServiceLevel(WmsError):
    code = "bad_service_level"
    kind = Kind.INVALID
    text = N_("A service level lies between 500 and 999 per mille, not at %(given)s.")


class NotOverseas(WmsError):
    code = "not_replenishable"
    kind = Kind.INVALID
    text = N_("%(site)s is no warehouse that is replenished from %(origin)s.")


@dataclass(frozen=True)
class LeadTime:
    """Thousandths of a day from departure to arrival: mean and standard deviation, and where they are from."""

    mean_md: int
    deviation_md: int
    source: str


@dataclass(frozen=True)
class Terms:
    """What an order must be: at least, in multiples of, and full pallets when nearly full."""

    least_qty: int = 1
    pack_qty: int = 1
    pallet_qty: int | None = None
    pallet_from_permille: int = 800


@dataclass(frozen=True)
class Situation:
    """What is known of one item between two sites."""

    forecast: Forecast
    lead: LeadTime
    review_md: int
    service_permille: int
    on_hand_qty: int
    on_the_way_qty: int
    available_qty: int
    terms: Terms
    overstock_days: int


@dataclass(frozen=True)
class Advice:
    """What to do, and every number on the way to it."""

    lead_demand_qty: int
    safety_qty: int
    reorder_point_qty: int
    order_up_to_qty: int
    position_qty: int
    wanted_qty: int
    rounded_qty: int
    qty: int
    rounding: str
    risk_permille: int
    cover_md: int | None
    overstock_qty: int
    z_milli: int
    distribution: str


def advise(it: Situation) -> Advice:
    """Work out how much to send. Raises BadServiceLevel."""
    if not 500 <= it.service_permille <= 999:
        raise BadServiceLevel(given=it.service_permille)
    with localcontext() as context:
        context.prec = 28
        lead, both = _days(it.lead.mean_md), _days(it.lead.mean_md + it.review_md)
        mean_lead, var_lead = over(it.forecast, lead, _days(it.lead.deviation_md))
        mean_both, var_both = over(it.forecast, both, _days(it.lead.deviation_md))
        counts = it.forecast.pauses and mean_both <= MOST_COUNTED
        reorder = enough(mean_lead, var_lead, it.service_permille, counts=counts)
        up_to = enough(mean_both, var_both, it.service_permille, counts=counts)
        position = it.on_hand_qty + it.on_the_way_qty
        wanted = up_to - position if it.forecast.mean > 0 and position <= reorder else 0
        rounded, rounding = round_order(max(wanted, 0), it.terms)
        return Advice(
            lead_demand_qty=_up(mean_lead),
            safety_qty=max(reorder - _up(mean_lead), 0),
            reorder_point_qty=reorder,
            order_up_to_qty=up_to,
            position_qty=position,
            wanted_qty=max(wanted, 0),
            rounded_qty=rounded,
            qty=limit_to(rounded, it.available_qty, it.terms),
            rounding=rounding,
            risk_permille=risk(mean_lead, var_lead, position, counts=counts),
            cover_md=_cover(it),
            overstock_qty=_overstock(it),
            z_milli=z_milli(it.service_permille),
            distribution=_distribution(mean_lead, var_lead, counts=counts),
        )


def over(forecast: Forecast, days: Decimal, deviation: Decimal) -> tuple[Decimal, Decimal]:
    """Mean and variance of demand over a time that is itself uncertain."""
    return forecast.mean * days, forecast.variance * days + forecast.mean**2 * deviation**2


def z_milli(service_permille: int) -> int:
    """The normal quantile of a service level, in thousandths."""
    quantile = NormalDist().inv_cdf(service_permille / 1000)
    return int(Decimal(quantile * 1000).to_integral_value(ROUND_HALF_UP))


def enough(mean: Decimal, variance: Decimal, service_permille: int, *, counts: bool) -> int:
    """The smallest whole stock that covers demand with the service level."""
    if mean <= 0:
        return 0
    if not counts:
        return max(_up(mean + Decimal(z_milli(service_permille)) / 1000 * variance.sqrt()), 0)
    wanted, covered, stock = Decimal(service_permille) / 1000, Decimal(0), 0
    for chance in chances(mean, variance):
        covered += chance
        if covered >= wanted:
            return stock
        stock += 1
    return stock


def risk(mean: Decimal, variance: Decimal, position: int, *, counts: bool) -> int:
    """How likely, per mille, demand until the next goods can arrive is more than the position."""
    if mean <= 0:
        return 0
    if position < 0:
        return 1000
    if not counts:
        if variance == 0:
            return 1000 if mean > position else 0
        reach = NormalDist().cdf(float((position - mean) / variance.sqrt()))
        return int(Decimal((1 - reach) * 1000).to_integral_value(ROUND_HALF_UP))
    covered = Decimal(0)
    for stock, chance in enumerate(chances(mean, variance)):
        if stock > position:
            break
        covered += chance
    return int(((1 - min(covered, Decimal(1))) * 1000).to_integral_value(ROUND_HALF_UP))


def chances(mean: Decimal, variance: Decimal) -> list[Decimal]:
    """The chance of 0, 1, 2 … units, until nothing worth counting is left.

    Poisson where demand varies no more than its mean, else negative binomial with the same mean and variance.
    """
    made: list[Decimal] = []
    left = Decimal(1)
    varies = variance > mean
    p = mean / variance if varies else Decimal(1)
    r = mean * p / (1 - p) if varies else Decimal(0)
    chance = (r * p.ln()).exp() if varies else (-mean).exp()
    while left > LEFT_OVER and len(made) < 2 * MOST_COUNTED:
        made.append(chance)
        left -= chance
        k = len(made) - 1
        chance *= (r + k) / (k + 1) * (1 - p) if varies else mean / (k + 1)
    return made


def round_order(qty: int, terms: Terms) -> tuple[int, str]:
    """Round up to the least order, to whole packs, to whole pallets when nearly full; says which of them decided."""
    if qty <= 0:
        return 0, "none"
    rounded, why = qty, "none"
    if rounded < terms.least_qty:
        rounded, why = terms.least_qty, "least_order"
    if rounded % terms.pack_qty:
        rounded, why = -(-rounded // terms.pack_qty) * terms.pack_qty, "whole_packs"
    if terms.pallet_qty:
        rest = rounded % terms.pallet_qty
        if rest * 1000 >= terms.pallet_from_permille * terms.pallet_qty:
            rounded, why = rounded - rest + terms.pallet_qty, "whole_pallet"
    return rounded, why


def limit_to(qty: int, available: int, terms: Terms) -> int:
    """No more than lies at the origin, in whole packs; nothing when that is less than the least order."""
    if qty <= available:
        return qty
    whole = available // terms.pack_qty * terms.pack_qty
    return whole if whole >= terms.least_qty else 0


def _cover(it: Situation) -> int | None:
    """How long what lies there lasts, in thousandths of a day; None where nothing is sold."""
    if it.forecast.mean <= 0:
        return None
    return int((Decimal(it.on_hand_qty) / it.forecast.mean * 1000).to_integral_value(ROUND_HALF_UP))


def _overstock(it: Situation) -> int:
    """What lies there and is on its way beyond the demand of the days that one keeps at most."""
    kept = _up(it.forecast.mean * it.overstock_days)
    return max(it.on_hand_qty + it.on_the_way_qty - kept, 0)


def _distribution(mean: Decimal, variance: Decimal, *, counts: bool) -> str:
    if mean <= 0:
        return "none"
    if not counts:
        return "normal"
    return "poisson" if variance <= mean else "negative_binomial"


def _days(thousandths: int) -> Decimal:
    return Decimal(thousandths) / 1000


def _up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


__all__ = [
    "PROPOSAL_STATES",
    "Advice",
    "BadServiceLevel",
    "LeadTime",
    "NotOverseas",
    "NothingToSend",
    "Pattern",
    "ProposalDecided",
    "Situation",
    "Terms",
    "UnknownProposal",
    "advise",
]
