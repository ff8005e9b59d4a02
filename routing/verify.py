"""The independent checker: re-checks a finished plan against the problem from the network's figures alone.

It reads only the data types of the input and shares no code with paths, tariff, model or search: timetable, distances,
prices, limits and sums are computed here a second time, in another way. Nobody sees a plan with a finding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from routing.demand import Consignment
from routing.network import Corridor, Equipment, Network, Service
from routing.problem import Problem
from routing.verify_loads import load_faults
from routing.verify_prices import air, co_load, unit_price, up
from routing.verify_ranks import rank_faults
from routing.verify_times import frozen_faults, time_faults

EARTH_KM = 6371.009
DAY = 86_400


@dataclass(frozen=True)
class Finding:
    """One fault: the rule broken, where, in words."""

    rule: str
    where: str
    text: str


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _near(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def verify(problem: Problem, plan: dict[str, Any], before: dict[str, Any] | None = None) -> list[Finding]:
    """Every fault of the plan (its JSON form or its `rows`); an empty list for a sound one.

    ``before``: a plan that was found sound: boxes in both with the same contents and load are not loaded again.
    """
    return list(Checker(problem, plan, before).findings())


class Checker:
    """Holds the problem and the plan by name while they are compared."""

    def __init__(self, problem: Problem, plan: dict[str, Any], before: dict[str, Any] | None = None) -> None:
        self.problem, self.plan, self.before = problem, plan, before
        self.net: Network = problem.network
        self.goods: dict[str, Consignment] = {one.id: one for one in problem.consignments}
        self.place = {one.code: one for one in self.net.places}
        self.service: dict[str, Service] = {one.code: one for one in self.net.services}
        self.corridor: dict[str, Corridor] = {one.code: one for one in self.net.corridors}
        self.equipment: dict[str, Equipment] = {one.code: one for one in self.net.equipment}
        self.boxes: dict[str, dict[str, Any]] = {one["id"]: one for one in plan["boxes"]}
        self.segments: dict[str, dict[str, Any]] = {one["id"]: one for one in plan["segments"]}
        self.legs: dict[str, dict[str, Any]] = {one["departure"]: one for one in plan["legs"]}
        self.shares: dict[str, int] = {}
        for one in plan["assignments"]:
            self.shares[one["box"]] = self.shares.get(one["box"], 0) + one["costs"]["share_minor"]

    def findings(self) -> Iterator[Finding]:
        """All findings; the later ones only where the plan is whole enough to look."""
        if self.plan["snapshot_sha256"] != self.problem.snapshot_sha256():
            yield Finding("snapshot", "plan", "the plan was made for another problem")
        broken = list(self._everyone_once()) + list(self._names())
        yield from broken
        if broken:
            return
        for rule, where, text in (*time_faults(self.problem, self.plan), *frozen_faults(self.problem, self.plan)):
            yield Finding(rule, where, text)
        for box in self.plan["boxes"]:
            yield from self._box(box)
        for assignment in self.plan["assignments"]:
            yield from self._assignment(assignment)
        yield from self._allotments()
        yield from self._sums()
        for rule, where, text in rank_faults(self.problem, self.plan):
            yield Finding(rule, where, text)
        for rule, where, text in load_faults(self.plan, self.goods, self.equipment, self.before):
            yield Finding(rule, where, text)

    def _everyone_once(self) -> Iterator[Finding]:
        seen: dict[str, int] = {}
        for one in [*self.plan["assignments"], *self.plan["unserved"]]:
            seen[one["consignment"]] = seen.get(one["consignment"], 0) + 1
        for name in self.goods:
            if seen.get(name, 0) != 1:
                yield Finding("once", name, f"stands {seen.get(name, 0)} times in the plan")
        for name in seen:
            if name not in self.goods:
                yield Finding("once", name, "is no consignment of the problem")
        for one in self.plan["unserved"]:
            if not one["reason"]:
                yield Finding("reason", one["consignment"], "is left out without a reason")
        must = [
            one["consignment"]
            for one in self.plan["unserved"]
            if one["consignment"] in self.goods and self.goods[one["consignment"]].must_go
        ]
        if must and self.plan["state"] != "infeasible":
            yield Finding("must_go", must[0], "must go and is left out of a plan that calls itself solved")

    def _names(self) -> Iterator[Finding]:
        inside: dict[str, list[str]] = {}
        for one in self.plan["assignments"]:
            inside.setdefault(one["box"], []).append(one["consignment"])
            if one["segment"] not in self.segments or one["box"] not in self.boxes:
                yield Finding("name", one["consignment"], "names a box or segment that the plan does not have")
        for name, box in self.boxes.items():
            if sorted(box["consignments"]) != sorted(inside.get(name, [])):
                yield Finding("contents", name, "its list of contents differs from the assignments")
            if box["segment"] not in self.segments:
                yield Finding("name", name, "travels on a segment that the plan does not have")
        for name, segment in self.segments.items():
            if segment["corridor"] not in self.corridor or any(leg not in self.legs for leg in segment["departures"]):
                yield Finding("name", name, "names a corridor or departure that does not exist")
        for name, leg in self.legs.items():
            if leg["service"] not in self.service:
                yield Finding("name", name, "is a departure of no known service")

    # --- time -----------------------------------------------------------------------------------------------

    def _road_km(self, origin: str, destination: str) -> int | None:
        one, other = self.place[self.net.official(origin)], self.place[self.net.official(destination)]
        if one.code == other.code:
            return 0
        land = next((land for land in self.net.rules.road.lands if land.land == one.land == other.land), None)
        if land is None:
            return None
        lat1, lat2 = math.radians(one.lat_udeg / 1e6), math.radians(other.lat_udeg / 1e6)
        dlon = math.radians((other.lon_udeg - one.lon_udeg) / 1e6)
        half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
        return math.ceil(2 * EARTH_KM * math.asin(math.sqrt(half)) * self.net.rules.road.detour_permille / 1000)

    def _truck(self, origin: str, destination: str, one: Consignment) -> tuple[int, int, int, int] | None:
        """Least and most seconds and fen of a truck move; the two differ by what a kilometre of rounding changes."""
        km = self._road_km(origin, destination)
        if km is None:
            return None
        if km == 0:
            return 0, 0, 0, 0
        home = self.place[self.net.official(origin)].land
        land = next(land for land in self.net.rules.road.lands if land.land == home)
        heavy = max(one.weight_g, up(Fraction(one.volume_cm3 * self.net.rules.road.g_per_m3, 10**6)))
        span = []
        for far in (km - 1, km + 1):
            span.append(land.gather_h * 3600 + up(Fraction(far * 3600, land.km_per_h)))
            span.append(land.pickup_minor + up(Fraction(heavy * far * land.rate_minor_tkm, 10**6)))
        return span[0], span[2], span[1], span[3]

    # --- goods ----------------------------------------------------------------------------------------------

    def _class_of(self, one: Consignment) -> str:
        home = self.place[self.net.official(one.origin)].land
        direction = "export" if home.startswith("china_") else "import"
        group = self.net.rules.customs_groups.groups.get(one.customs_mode, {}).get(direction, "?")  # type: ignore[call-overload]
        return f"{group}/{one.temperature}/{one.dangerous}"

    def _assignment(self, entry: dict[str, Any]) -> Iterator[Finding]:
        one, name = self.goods[entry["consignment"]], entry["consignment"]
        segment, box = self.segments[entry["segment"]], self.boxes[entry["box"]]
        corridor = self.corridor[segment["corridor"]]
        if entry["owner"] != one.owner:
            yield Finding("owner", name, "is booked for another owner")
        if box["segment"] != segment["id"]:
            yield Finding("segment", name, "its box travels on another segment")
        yield from self._class(one, corridor, box)
        feeder = self._truck(one.origin, corridor.stuffing_place, one)
        onward = self._truck(corridor.stripping_place, one.destination, one)
        if feeder is None or onward is None:
            yield Finding("reach", name, "no truck joins its places to the corridor")
            return
        held = self.problem.changes
        bound = name in held.pinned  # it is there already, and arrives when it arrives
        earliest = max(one.ready_at, self.problem.options.start_at, held.from_at or 0)
        if not bound and earliest + feeder[0] > _at(segment["close_at"]):
            yield Finding("ready", name, "cannot be at the stuffing place before it closes")
        deliver, free = _at(entry["deliver_at"]), _at(segment["free_at"])
        if not free + onward[0] <= deliver <= free + onward[1]:
            yield Finding("delivery", name, "the delivery instant is not that of its segment and truck")
        latest = one.latest_at if one.latest_at is not None else one.due_at + self.net.rules.lateness.max_days * DAY
        if not bound and deliver > latest:
            yield Finding("latest", name, "arrives later than allowed")
        if entry["late_s"] != max(0, deliver - one.due_at):
            yield Finding("lateness", name, "its lateness is not delivery less due")
        yield from self._own_costs(entry, one, corridor, segment, feeder, onward, deliver)

    def _class(self, one: Consignment, corridor: Corridor, box: dict[str, Any]) -> Iterator[Finding]:
        own = self._class_of(one)
        if box["load_class"] != own:
            yield Finding("mixing", one.id, f"is {own} in a unit of {box['load_class']}")
        takes = corridor.accepts
        group = own.split("/")[0]
        if (
            group not in takes.customs
            or one.temperature not in takes.temperature
            or one.dangerous not in takes.dangerous
        ):
            yield Finding("class", one.id, f"{own} is not accepted by {corridor.code}")

    def _own_costs(
        self, entry: dict[str, Any], one: Consignment, corridor: Corridor, segment: dict[str, Any],
        feeder: tuple[int, int, int, int], onward: tuple[int, int, int, int], deliver: int,
    ) -> Iterator[Finding]:  # fmt: skip
        costs, rules = entry["costs"], self.net.rules
        if not feeder[2] <= costs["feeder_minor"] <= feeder[3]:
            yield Finding("feeder_cost", one.id, f"{costs['feeder_minor']} is not within {feeder[2]}..{feeder[3]}")
        if not onward[2] <= costs["onward_minor"] <= onward[3]:
            yield Finding("onward_cost", one.id, f"{costs['onward_minor']} is not within {onward[2]}..{onward[3]}")
        hand = corridor.handling_minor_unit
        measure = max(one.volume_cm3, up(Fraction(one.weight_g * 10**6, hand.g_per_m3)))
        days = up(Fraction(max(0, deliver - one.due_at), DAY))
        late = _near(Fraction(one.value_minor * rules.lateness.value_per_100000_day * days, 100_000))
        late += _near(Fraction(one.volume_cm3 * rules.lateness.minor_per_m3_day * days, 10**6))
        year = Fraction(rules.holding.rate_permille_year, 1000) / (365 * DAY)
        for part, expected in (
            ("handling_minor", up(Fraction(measure * (hand.origin + hand.destination), 10**6))),
            ("holding_minor", _near(one.value_minor * year * (deliver - one.ready_at))),
            ("lateness_minor", late),
            ("carbon_minor", _near(Fraction(entry["co2_g"] * rules.carbon.minor_per_t, 10**6))),
        ):
            if costs[part] != expected:
                yield Finding(part.replace("_minor", "_cost"), one.id, f"{costs[part]} should be {expected}")
        yield from self._carbon(entry, one, corridor, segment)
        if entry["total_minor"] != sum(costs.values()):
            yield Finding("consignment_total", one.id, "its total is not the sum of its parts")

    def _carbon(
        self, entry: dict[str, Any], one: Consignment, corridor: Corridor, segment: dict[str, Any]
    ) -> Iterator[Finding]:
        factors = self.net.rules.carbon.mg_per_tkm
        road = [
            self._road_km(one.origin, corridor.stuffing_place),
            self._road_km(corridor.stripping_place, one.destination),
        ]
        base = factors.get("truck", 0) * sum(km or 0 for km in road)
        for name in segment["departures"]:
            leg, now = self.service[self.legs[name]["service"]], self.problem.changes.departures.get(name)
            longer = now.detour.km if now is not None and now.detour is not None else 0
            base += factors.get(leg.mode, 0) * (leg.distance_km + longer)
        slack = 2 * factors.get("truck", 0)
        low, high = (_near(Fraction((base + off) * one.weight_g, 10**9)) for off in (-slack, slack))
        if not low <= entry["co2_g"] <= high:
            yield Finding("carbon", one.id, f"{entry['co2_g']} g is not within {low}..{high} g")

    # --- boxes ----------------------------------------------------------------------------------------------

    def _box(self, box: dict[str, Any]) -> Iterator[Finding]:
        name, inside = box["id"], [self.goods[one] for one in box["consignments"]]
        volume, weight = sum(one.volume_cm3 for one in inside), sum(one.weight_g for one in inside)
        if not inside:
            yield Finding("empty", name, "is bought and holds nothing")
        if (box["volume_cm3"], box["weight_g"]) != (volume, weight):
            yield Finding(
                "load",
                name,
                f"holds {volume} cm3 and {weight} g, the plan says {box['volume_cm3']} and {box['weight_g']}",
            )
        if box["kind"] == "loose":
            yield from self._loose(box, volume, weight)
        elif box["equipment"] not in self.equipment:
            yield Finding("equipment", name, f"{box['equipment']} is no equipment of this network")
        else:
            yield from self._unit(box, self.equipment[box["equipment"]], inside, volume, weight)
        shares = self.shares.get(name, 0)
        if shares != box["price_minor"]:
            yield Finding("share", name, f"the shares add up to {shares} fen, the box costs {box['price_minor']}")

    def _unit(
        self, box: dict[str, Any], unit: Equipment, inside: list[Consignment], volume: int, weight: int
    ) -> Iterator[Finding]:
        name, corridor = box["id"], self.corridor[self.segments[box["segment"]]["corridor"]]
        if volume > unit.usable_cm3:
            yield Finding("volume", name, f"{volume} cm3 in a {unit.code} of {unit.usable_cm3} cm3")
        if weight > unit.payload_g:
            yield Finding("weight", name, f"{weight} g in a {unit.code} of {unit.payload_g} g")
        if box["load_class"].split("/")[1] not in unit.temperatures:
            yield Finding("temperature", name, f"a {unit.code} does not hold {box['load_class']}")
        length, width, height = unit.inner_mm
        for one in inside:
            for piece in one.pieces:
                flat = (piece.length_mm, piece.width_mm)
                fits = any(a <= length and b <= width for a, b in (flat, flat[::-1]))
                if not fits or piece.height_mm > height:
                    yield Finding("piece", name, f"a piece of {one.id} is larger than a {unit.code}")
        chain = [self.service[code] for code in corridor.services]
        price = unit_price(self.net, box["load_class"], unit, corridor, chain, weight)
        if price is None:
            yield Finding("equipment", name, f"{corridor.code} does not carry a {unit.code}")
        elif (box["price_minor"], box["teu"], box["kg"]) != price:
            yield Finding(
                "price",
                name,
                f"price, TEU and kg are {price}, the plan says {(box['price_minor'], box['teu'], box['kg'])}",
            )
        fill = (volume * 1000 // unit.usable_cm3, weight * 1000 // unit.payload_g)
        if (box["volume_permille"], box["weight_permille"]) != fill and unit.kind == "box":
            yield Finding("fill", name, f"is filled to {fill} permille")

    def _loose(self, box: dict[str, Any], volume: int, weight: int) -> Iterator[Finding]:
        corridor = self.corridor[self.segments[box["segment"]]["corridor"]]
        _, warmth, danger = box["load_class"].split("/")
        sur = self.net.rules.surcharges
        prices = []
        if corridor.loose is not None:
            prices.append(co_load(self.net, corridor, volume, weight, warmth, danger))
        chain = [self.service[code] for code in corridor.services]
        if all(leg.breaks for leg in chain):
            steps = sorted({step.from_kg for leg in chain for step in leg.breaks})
            permille = 1000 if warmth == "ambient" else sur.temperature_loose_permille
            prices.extend(air(chain, step, volume, weight, permille) for step in steps)
        open_to = [price for price in prices if price is not None]
        if not open_to:
            yield Finding("loose", box["id"], "no loose space is sold there for this load")
            return
        cheapest = min(price for price, _ in open_to)
        if box["price_minor"] != cheapest:
            yield Finding("price", box["id"], f"the loose bill is {cheapest} fen, the plan says {box['price_minor']}")
        if (box["price_minor"], box["kg"]) not in open_to:
            yield Finding("allotment", box["id"], f"takes {box['kg']} kg of the flight, which is not what it pays for")

    # --- sums -----------------------------------------------------------------------------------------------

    def _allotments(self) -> Iterator[Finding]:
        taken: dict[str, int] = dict.fromkeys(self.legs, 0)
        for box in self.plan["boxes"]:
            for leg in self.segments[box["segment"]]["departures"]:
                taken[leg] += box["teu"] if self.legs[leg]["unit"] == "teu" else box["kg"]
        for name, amount in taken.items():
            leg = self.legs[name]
            if amount > leg["capacity"]:
                yield Finding("allotment", name, f"{amount} {leg['unit']} on {leg['capacity']}")
            if amount != leg["taken"]:
                yield Finding("allotment", name, f"takes {amount}, the plan says {leg['taken']}")

    def _sums(self) -> Iterator[Finding]:
        plan = self.plan
        cost = sum(one["total_minor"] for one in plan["assignments"])
        if plan["cost_minor"] != cost:
            yield Finding("total", "plan", f"the consignments add up to {cost} fen, the plan says {plan['cost_minor']}")
        if plan["objective_minor"] != cost + plan["left_out_minor"] or plan["left_out_minor"] < 0:
            yield Finding("total", "plan", "the objective is not the cost plus the price of what is left out")
        if not 0 <= plan["bound_minor"] <= plan["objective_minor"]:
            yield Finding("bound", "plan", "the bound lies above the plan")
        gap = plan["objective_minor"] - plan["bound_minor"]
        if plan["objective_minor"] and plan["gap_ppm"] != up(Fraction(gap * 10**6, plan["objective_minor"])):
            yield Finding("gap", "plan", "the gap is not that of bound and objective")
        if plan["co2_g"] != sum(one["co2_g"] for one in plan["assignments"]):
            yield Finding("carbon", "plan", "the CO2 is not the sum over the consignments")
        better = min(plan["baselines"]["b_minor"], plan["baselines"]["c_minor"])
        if plan["saving_minor"] != better - plan["objective_minor"]:
            yield Finding("saving", "plan", "the saving is not the better baseline less the plan")
