"""What capacity costs on one corridor for one class, as one uniform kind of offer.

An offer costs `fixed_minor`, includes a volume and a weight, and sells up to `extra_max` more units at a rate. A sea
box has no extra; a pallet includes its pivot weight and sells kilograms above it; loose space includes the minimum of
a bill (by sea) or of a weight break (by air) and sells the rest. So the model, the search and the bound need one
formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from routing.network import Corridor, Equipment, Network, Service, Surcharges
from routing.schedule import equipment_on
from routing.units import CM3_PER_M3, G_PER_KG, ceil_div

Kind = Literal["box", "uld", "loose"]
BOX: Final = "box"
ULD: Final = "uld"
LOOSE: Final = "loose"
AIR_UNIT_G = 500
AIR_CM3_PER_UNIT = 3000
AIR_TOP_KG = 50_000
"""Chargeable weight by air goes in half kilograms; 6,000 cm3 count as one kilogram [GK]."""


@dataclass(frozen=True)
class Offer:
    """One way to buy capacity. Volumes in cm3, weights in g, money in fen; `per_units` units of extra cost the rate."""

    code: str
    kind: Kind
    fixed_minor: int
    volume_cm3: int
    weight_g: int
    extra_max: int
    extra_rate_minor: int
    per_units: int
    extra_cm3: int
    extra_g: int
    teu: int
    kg: int
    extra_kg_permille: int
    count_max: int
    inner_mm: tuple[int, int, int] | None

    def full_cm3(self) -> int:
        """The most volume one of it takes."""
        return self.volume_cm3 + self.extra_max * self.extra_cm3

    def full_g(self) -> int:
        """The most weight one of it takes."""
        return self.weight_g + self.extra_max * self.extra_g

    def units(self, volume_cm3: int, weight_g: int) -> int | None:
        """Units to buy beyond what is included, or None where it does not fit into one of it."""
        extra = 0
        if volume_cm3 > self.volume_cm3:
            if not self.extra_cm3:
                return None
            extra = ceil_div(volume_cm3 - self.volume_cm3, self.extra_cm3)
        if weight_g > self.weight_g:
            if not self.extra_g:
                return None
            extra = max(extra, ceil_div(weight_g - self.weight_g, self.extra_g))
        return extra if extra <= self.extra_max else None

    def price(self, volume_cm3: int, weight_g: int) -> int | None:
        """Fen for one of it with this load, or None where it does not fit."""
        extra = self.units(volume_cm3, weight_g)
        if extra is None:
            return None
        return self.fixed_minor + ceil_div(extra * self.extra_rate_minor, self.per_units)

    def leg_kg(self, extra: int) -> int:
        """Kilograms of flight allotment that one of it takes with `extra` units above the included ones."""
        return self.kg + ceil_div(extra * self.extra_kg_permille, 1000)


def cheapest_loose(offers: tuple[Offer, ...], volume_cm3: int, weight_g: int) -> tuple[int, Offer] | None:
    """The cheapest loose offer for this load with its price in fen; None where none takes it."""
    best: tuple[int, Offer] | None = None
    for offer in offers:
        if offer.kind == LOOSE:
            price = offer.price(volume_cm3, weight_g)
            if price is not None and (best is None or price < best[0]):
                best = (price, offer)
    return best


def offers_for(network: Network, corridor: Corridor, temperature: str, dangerous: str) -> tuple[Offer, ...]:
    """All offers of the corridor for goods of one temperature band and one dangerous-goods class."""
    services = {service.code: service for service in network.services}
    chain = [services[code] for code in corridor.services]
    sur = network.rules.surcharges
    by_code = {one.code: one for one in network.equipment}
    boxed = [by_code[code] for code in equipment_on(network, corridor) if temperature in by_code[code].temperatures]
    found = [
        _uld(corridor, chain, one) if one.kind == ULD else _box(corridor, chain, one, sur, dangerous) for one in boxed
    ]
    if corridor.loose is not None:
        found.append(_co_load(corridor, sur, temperature, dangerous))
    if all(leg.breaks for leg in chain):
        found.extend(_air_loose(chain, sur, temperature))
    return tuple(found)


def _times(amount: int, permille: int) -> int:
    return ceil_div(amount * permille, 1000)


def _box(corridor: Corridor, chain: list[Service], one: Equipment, sur: Surcharges, dangerous: str) -> Offer:
    fixed = sum(leg.freight_minor[one.code] for leg in chain) + corridor.box_charge_minor.get(one.code, 0)
    if dangerous != "none":
        fixed = _times(fixed, sur.dangerous_box_permille)
    return Offer(one.code, BOX, fixed, one.usable_cm3, one.payload_g, 0, 0, 1, 0, 0, one.teu, 0, 0, 999, one.inner_mm)


def _uld(corridor: Corridor, chain: list[Service], one: Equipment) -> Offer:
    prices = [leg.uld[one.code] for leg in chain]
    pivot_kg = max(price.pivot_kg for price in prices)
    fixed = corridor.box_charge_minor.get(one.code, 0)
    fixed += sum(price.pivot_kg * price.pivot_rate_minor_kg for price in prices)
    fixed += sum((pivot_kg - price.pivot_kg) * price.over_rate_minor_kg for price in prices)
    over = sum(price.over_rate_minor_kg for price in prices)
    extra_max = max(0, one.payload_g // G_PER_KG - pivot_kg)
    return Offer(
        one.code,
        ULD,
        fixed,
        one.usable_cm3,
        pivot_kg * G_PER_KG,
        extra_max,
        over,
        1,
        0,
        G_PER_KG,
        0,
        pivot_kg,
        1000,
        999,
        one.inner_mm,
    )


def _co_load(corridor: Corridor, sur: Surcharges, temperature: str, dangerous: str) -> Offer:
    loose = corridor.loose
    assert loose is not None
    rate = loose.rate_minor_m3
    if temperature != "ambient":
        rate = _times(rate, sur.temperature_loose_permille)
    if dangerous != "none":
        rate = _times(rate, sur.dangerous_loose_permille)
    per_m3 = CM3_PER_M3 // loose.cm3_per_unit
    included = loose.minimum_units
    return Offer(
        "LCL",
        LOOSE,
        ceil_div(rate * included, per_m3),
        included * loose.cm3_per_unit,
        included * loose.g_per_unit,
        loose.max_m3 * per_m3 - included,
        rate,
        per_m3,
        loose.cm3_per_unit,
        loose.g_per_unit,
        0,
        0,
        0,
        1,
        None,
    )


def _air_loose(chain: list[Service], sur: Surcharges, temperature: str) -> list[Offer]:
    """One offer for each weight break of the longest table; feeders with one break add their rate to each."""
    steps = sorted({step.from_kg for leg in chain for step in leg.breaks})
    top_kg = AIR_TOP_KG
    found = []
    for index, from_kg in enumerate(steps):
        rate = sum(
            max((s for s in leg.breaks if s.from_kg <= from_kg), key=lambda s: s.from_kg).rate_minor_kg for leg in chain
        )
        if temperature != "ambient":
            rate = _times(rate, sur.temperature_loose_permille)
        minimum = sum(step.minimum_minor for leg in chain for step in leg.breaks) if index == 0 else 0
        start_kg = minimum // rate if minimum else from_kg
        units = start_kg * 2
        if start_kg < top_kg:
            found.append(
                Offer(
                    f"AIR+{from_kg}",
                    LOOSE,
                    max(minimum, rate * start_kg),
                    units * AIR_CM3_PER_UNIT,
                    units * AIR_UNIT_G,
                    top_kg * 2 - units,
                    rate,
                    2,
                    AIR_CM3_PER_UNIT,
                    AIR_UNIT_G,
                    0,
                    start_kg,
                    500,
                    1,
                    None,
                )
            )
    return found
