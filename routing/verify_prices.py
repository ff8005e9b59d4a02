"""Prices for the independent checker, worked out from the tariffs alone and in another way than the planner's."""

from __future__ import annotations

import math
from fractions import Fraction

from routing.network import Corridor, Equipment, Network, Service


def up(value: Fraction) -> int:
    """Rounded up."""
    return math.ceil(value)


def unit_price(
    net: Network, load_class: str, unit: Equipment, corridor: Corridor, chain: list[Service], weight: int
) -> tuple[int, int, int] | None:
    charge = corridor.box_charge_minor.get(unit.code, 0)
    if unit.kind == "box":
        if any(unit.code not in leg.freight_minor for leg in chain):
            return None
        price = charge + sum(leg.freight_minor[unit.code] for leg in chain)
        if load_class.split("/")[2] != "none":
            price = up(Fraction(price * net.rules.surcharges.dangerous_box_permille, 1000))
        return price, unit.teu, 0
    if any(unit.code not in leg.uld for leg in chain):
        return None
    pivot = max(leg.uld[unit.code].pivot_kg for leg in chain)
    charged_kg = max(pivot, up(Fraction(weight, 1000)))
    price = charge
    for leg in chain:
        uld = leg.uld[unit.code]
        price += uld.pivot_kg * uld.pivot_rate_minor_kg + (charged_kg - uld.pivot_kg) * uld.over_rate_minor_kg
    return price, 0, charged_kg


def co_load(
    net: Network, corridor: Corridor, volume: int, weight: int, warmth: str, danger: str
) -> tuple[int, int] | None:
    loose, sur = corridor.loose, net.rules.surcharges
    assert loose is not None
    rate = loose.rate_minor_m3
    if warmth != "ambient":
        rate = up(Fraction(rate * sur.temperature_loose_permille, 1000))
    if danger != "none":
        rate = up(Fraction(rate * sur.dangerous_loose_permille, 1000))
    units = max(up(Fraction(volume, loose.cm3_per_unit)), up(Fraction(weight, loose.g_per_unit)), loose.minimum_units)
    per_m3 = 10**6 // loose.cm3_per_unit
    if units > loose.max_m3 * per_m3:
        return None
    least = up(Fraction(rate * loose.minimum_units, per_m3))
    return least + up(Fraction(rate * (units - loose.minimum_units), per_m3)), 0


def air(chain: list[Service], step: int, volume: int, weight: int, permille: int) -> tuple[int, int] | None:
    rate, least = 0, 0
    for leg in chain:
        rate += max((one.from_kg, one.rate_minor_kg) for one in leg.breaks if one.from_kg <= step)[1]
        least += sum(one.minimum_minor for one in leg.breaks)
    if permille != 1000:
        rate = up(Fraction(rate * permille, 1000))
    lowest = min(one.from_kg for leg in chain for one in leg.breaks)
    start = least // rate if step == lowest and least else step
    halves = max(up(Fraction(volume, 3000)), up(Fraction(weight, 500)), 2 * start)
    fixed = max(least if step == lowest else 0, rate * start)
    return fixed + up(Fraction(rate * (halves - 2 * start), 2)), start + up(Fraction(halves - 2 * start, 2))
