"""Candidate paths: every way that one consignment alone may go, and the first filter that stops it where there is none.

A path = truck to the stuffing place + one segment + truck from the stripping place. Every rule that concerns one
consignment is a filter here; only what consignments share (space in a box, room on a departure) is left to the model.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from routing.demand import Consignment, load_class
from routing.distance import Roads
from routing.network import Corridor, Land
from routing.problem import Problem
from routing.schedule import Segment, Timetable
from routing.tariff import LOOSE, Offer, offers_for
from routing.units import CM3_PER_M3, DAY_S, HOUR_S, YEAR_S, ceil_div, half_up


@dataclass(frozen=True, slots=True)
class Costs:
    """What a path costs its consignment by itself, in fen; the shared cost of the box comes on top."""

    feeder_minor: int
    handling_minor: int
    onward_minor: int
    holding_minor: int
    lateness_minor: int
    carbon_minor: int

    def total_minor(self) -> int:
        """Sum of all parts."""
        return (
            self.feeder_minor
            + self.handling_minor
            + self.onward_minor
            + self.holding_minor
            + self.lateness_minor
            + self.carbon_minor
        )


@dataclass(frozen=True, slots=True)
class Path:
    """One feasible way of consignment `k` (its index) in group `g`; `offers`: indices of the group's offers that
    take it whole. `steady`: its costs that are the same on every departure of the corridor, one object for all of them.
    """

    k: int
    g: int
    deliver_at: int
    late_s: int
    co2_g: int
    steady: Costs
    holding_minor: int
    lateness_minor: int
    cost_minor: int
    offers: tuple[int, ...]

    @property
    def costs(self) -> Costs:
        """The steady costs of the corridor with what this departure adds."""
        return replace(self.steady, holding_minor=self.holding_minor, lateness_minor=self.lateness_minor)


@dataclass(frozen=True, slots=True)
class Group:
    """One segment and one class: the goods that may share a sealed unit."""

    index: int
    segment: Segment
    load_class: str
    offers: tuple[Offer, ...]

    @property
    def id(self) -> str:
        """Segment and class."""
        return f"{self.segment.id}#{self.load_class}"


@dataclass(frozen=True)
class Reason:
    """Why a consignment stays behind: a code of `report.REASONS` and the values of its sentence."""

    code: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Paths:
    """All paths by consignment, the groups they use, and a reason for each consignment without one."""

    problem: Problem
    groups: tuple[Group, ...]
    by_consignment: tuple[tuple[Path, ...], ...]
    reasons: dict[int, Reason]


def truck_minor(land: Land, km: int, volume_cm3: int, weight_g: int, g_per_m3: int) -> int:
    """Fen for a truck round: pick-up charge + tonne-km of the larger of weight and measured volume. 0 where
    nothing has to move.
    """
    if km == 0:
        return 0
    chargeable_g = max(weight_g, ceil_div(volume_cm3 * g_per_m3, CM3_PER_M3))
    return land.pickup_minor + ceil_div(chargeable_g * km * land.rate_minor_tkm, 1_000_000)


def truck_s(land: Land, km: int) -> int:
    """Seconds for gathering and the drive; 0 where nothing has to move."""
    return 0 if km == 0 else land.gather_h * HOUR_S + ceil_div(km * HOUR_S, land.km_per_h)


def takes_whole(offer: Offer, one: Consignment) -> bool:
    """Whether one unit of the offer takes the whole consignment: volume, weight and each piece by its sides."""
    if offer.units(one.volume_cm3, one.weight_g) is None:
        return False
    if offer.inner_mm is None:
        return True
    floor = sorted(offer.inner_mm[:2])
    return all(
        piece.height_mm <= offer.inner_mm[2]
        and all(side <= room for side, room in zip(sorted((piece.length_mm, piece.width_mm)), floor, strict=True))
        for piece in one.pieces
    )


class PathFinder:
    """Enumerates the paths of every consignment of one problem."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._network = problem.network
        self._rules = problem.network.rules
        self._roads = Roads(problem.network)
        self._known = {place.code: place for place in problem.network.places}
        self._segments: dict[str, list[Segment]] = {}
        self.segments = {one.id: one for one in Timetable(problem).segments}
        for segment in sorted(self.segments.values(), key=lambda one: one.close_at):
            self._segments.setdefault(segment.corridor.code, []).append(segment)
        self._pins = dict(problem.changes.pinned)
        self._in_order = not problem.changes.departures  # what closes later arrives later
        self._closes = {code: [one.close_at for one in found] for code, found in self._segments.items()}
        self._groups: dict[tuple[str, str], Group] = {}
        self._offers: dict[tuple[str, str, str], tuple[Offer, ...]] = {}
        self._reached: dict[tuple[str, str], list[tuple[Corridor, int, int]]] = {}

    def find(self, only: Mapping[str, str] | None = None) -> Paths:
        """All paths, in order of consignment, corridor and departure. ``only``: consignment -> the one segment that is
        looked at for it, like one that is pinned there."""
        found, reasons = [], {}
        self._pins = {**(only or {}), **self._pins}
        for k in range(len(self._problem.consignments)):
            paths = self.of(k)
            if isinstance(paths, Reason):
                reasons[k] = paths
                paths = ()
            found.append(paths)
        return Paths(self._problem, tuple(self._groups.values()), tuple(found), reasons)

    def of(self, k: int) -> tuple[Path, ...] | Reason:
        """The paths of one consignment, or why there is none."""
        one = self._problem.consignments[k]
        pinned = self._pins.get(one.id)
        if pinned is not None and pinned not in self.segments:
            return Reason("stranded", {})
        return self._of(k, one, pinned)

    def _of(self, k: int, one: Consignment, pinned: str | None) -> tuple[Path, ...] | Reason:
        origin, destination = self._network.official(one.origin), self._network.official(one.destination)
        for written, code in ((one.origin, origin), (one.destination, destination)):
            if code not in self._known:
                return Reason("unknown_place", {"place": written})
        if not one.volume_cm3 or not one.weight_g:
            return Reason("no_size", {"volume_cm3": one.volume_cm3, "weight_g": one.weight_g})
        reach = self._reach(origin, destination)
        if pinned is not None:
            reach = [hop for hop in reach if hop[0] is self.segments[pinned].corridor]
        if not reach:
            return Reason("no_service", {"origin": origin, "destination": destination})
        name = self._class_of(one, origin)
        open_to = [hop for hop in reach if name is not None and self._accepts(hop[0], one, name)]
        if name is None or not open_to:
            return Reason(
                "class_refused",
                {"customs_mode": one.customs_mode, "temperature": one.temperature, "dangerous": one.dangerous},
            )
        sized = [(hop, fitting) for hop in open_to if (fitting := self._fitting(hop[0], one))]
        if not sized:
            return self._too_large(one, open_to)
        bound = self.segments[pinned] if pinned is not None else None
        return (self._pinned(k, one, name, bound, sized[0]),) if bound else self._in_time(k, one, name, sized)

    def _pinned(
        self, k: int, one: Consignment, name: str, segment: Segment,
        hop: tuple[tuple[Corridor, int, int], tuple[int, ...]],
    ) -> Path:  # fmt: skip
        """The path on the segment that the consignment is bound to, however late that is."""
        (corridor, feeder_km, onward_km), fitting = hop
        deliver_at = segment.free_at + self._truck_s(corridor.stripping_place, onward_km)
        goods = load_class(name, one.temperature, one.dangerous)
        steady = self._steady(one, segment, feeder_km, onward_km)
        return self._path(k, one, goods, segment, fitting, deliver_at, *steady)

    def groups(self) -> tuple[Group, ...]:
        """The groups of all paths found so far."""
        return tuple(self._groups.values())

    def feeder_s(self, one: Consignment, corridor: Corridor) -> int:
        """Seconds from the consignment's place of origin to the corridor's place of stuffing."""
        km = self._roads.km(self._network.official(one.origin), corridor.stuffing_place)
        return self._truck_s(corridor.stuffing_place, km or 0)

    def _reach(self, origin: str, destination: str) -> list[tuple[Corridor, int, int]]:
        known = self._reached.get((origin, destination))
        if known is not None:
            return known
        found = self._reached.setdefault((origin, destination), [])
        for corridor in self._network.corridors:
            feeder = self._roads.km(origin, corridor.stuffing_place)
            onward = self._roads.km(corridor.stripping_place, destination)
            if feeder is not None and onward is not None:
                found.append((corridor, feeder, onward))
        return found

    def _class_of(self, one: Consignment, origin: str) -> str | None:
        direction = "export" if self._known[origin].land.startswith("china_") else "import"
        groups = self._rules.customs_groups.groups.get(one.customs_mode, {})
        return groups.get(direction)  # type: ignore[call-overload, no-any-return]

    def _accepts(self, corridor: Corridor, one: Consignment, customs_group: str) -> bool:
        takes = corridor.accepts
        return (
            customs_group in takes.customs and one.temperature in takes.temperature and one.dangerous in takes.dangerous
        )

    def _offers_of(self, corridor: Corridor, temperature: str, dangerous: str) -> tuple[Offer, ...]:
        key = (corridor.code, temperature, dangerous)
        if key not in self._offers:
            self._offers[key] = offers_for(self._network, corridor, temperature, dangerous)
        return self._offers[key]

    def _fitting(self, corridor: Corridor, one: Consignment) -> tuple[int, ...]:
        offers = self._offers_of(corridor, one.temperature, one.dangerous)
        return tuple(index for index, offer in enumerate(offers) if takes_whole(offer, one))

    def _too_large(self, one: Consignment, open_to: list[tuple[Corridor, int, int]]) -> Reason:
        offers = [
            offer
            for hop in open_to
            for offer in self._offers_of(hop[0], one.temperature, one.dangerous)
            if offer.kind != LOOSE
        ]
        most_cm3 = max((offer.full_cm3() for offer in offers), default=0)
        most_g = max((offer.full_g() for offer in offers), default=0)
        parts = max(ceil_div(one.volume_cm3, most_cm3), ceil_div(one.weight_g, most_g)) if offers else 0
        code = "too_large" if parts > 1 or not offers else "piece_too_large"
        return Reason(
            code,
            {
                "volume_cm3": one.volume_cm3,
                "weight_g": one.weight_g,
                "most_cm3": most_cm3,
                "most_g": most_g,
                "parts": parts,
            },
        )

    def _in_time(
        self,
        k: int,
        one: Consignment,
        customs_group: str,
        sized: list[tuple[tuple[Corridor, int, int], tuple[int, ...]]],
    ) -> tuple[Path, ...] | Reason:
        name = load_class(customs_group, one.temperature, one.dangerous)
        latest_at = one.latest_at if one.latest_at is not None else one.due_at + self._rules.lateness.max_days * DAY_S
        found: list[Path] = []
        missed: tuple[int, Segment] | None = None
        late: tuple[int, Segment] | None = None
        for (corridor, feeder_km, onward_km), fitting in sized:
            segments = self._segments.get(corridor.code, [])
            at_stuffing = max(one.ready_at, self._problem.earliest_at()) + self._truck_s(
                corridor.stuffing_place, feeder_km
            )
            index = bisect_left(self._closes.get(corridor.code, []), at_stuffing)
            if index == len(segments):
                if segments and (missed is None or at_stuffing - segments[-1].close_at < missed[0]):
                    missed = (at_stuffing - segments[-1].close_at, segments[-1])
                continue
            onward_s = self._truck_s(corridor.stripping_place, onward_km)
            steady: tuple[int, Costs] | None = None
            for segment in segments[index:]:
                deliver_at = segment.free_at + onward_s
                if deliver_at > latest_at:
                    if late is None or deliver_at < late[0]:
                        late = (deliver_at, segment)
                    if self._in_order:
                        break
                    continue
                if any(leg.detour_km for leg in segment.legs):
                    farther = self._steady(one, segment, feeder_km, onward_km)
                    found.append(self._path(k, one, name, segment, fitting, deliver_at, *farther))
                    continue
                steady = steady or self._steady(one, segment, feeder_km, onward_km)
                found.append(self._path(k, one, name, segment, fitting, deliver_at, *steady))
        if found:
            return tuple(found)
        if late is not None:
            return Reason(
                "arrives_late",
                {"arrives_at": late[0], "latest_at": latest_at, "segment": late[1].id, "late_s": late[0] - latest_at},
            )
        if missed is not None:
            return _too_late(missed[1], missed[0])
        return Reason("no_departure", {"corridors": ", ".join(hop[0].code for hop, _ in sized)})

    def _truck_s(self, place: str, km: int) -> int:
        land = self._roads.land(place)
        return truck_s(land, km) if land is not None else 0

    def _path(
        self,
        k: int,
        one: Consignment,
        name: str,
        segment: Segment,
        fitting: tuple[int, ...],
        deliver_at: int,
        co2_g: int,
        steady: Costs,
    ) -> Path:
        key = (segment.id, name)
        group = self._groups.get(key)
        if group is None:
            offers = self._offers_of(segment.corridor, one.temperature, one.dangerous)
            group = self._groups[key] = Group(len(self._groups), segment, name, offers)
        late_s = max(0, deliver_at - one.due_at)
        held, late = self._waiting(one, deliver_at, late_s)
        cost_minor = steady.total_minor() + held + late
        return Path(k, group.index, deliver_at, late_s, co2_g, steady, held, late, cost_minor, fitting)

    def _co2_g(self, one: Consignment, segment: Segment, road_km: int) -> int:
        factors = self._rules.carbon.mg_per_tkm
        mg_per_t = factors.get("truck", 0) * road_km
        for leg in segment.legs:
            mg_per_t += factors.get(leg.service.mode, 0) * (leg.service.distance_km + leg.detour_km)
        return half_up(mg_per_t * one.weight_g, 1_000_000_000)

    def _steady(self, one: Consignment, segment: Segment, feeder_km: int, onward_km: int) -> tuple[int, Costs]:
        """Grams of CO2 and the costs that are the same on every departure of the segment's corridor."""
        rules, corridor = self._rules, segment.corridor
        co2_g = self._co2_g(one, segment, feeder_km + onward_km)
        ends = []
        for place, km in ((corridor.stuffing_place, feeder_km), (corridor.stripping_place, onward_km)):
            land = self._roads.land(place)
            ends.append(
                truck_minor(land, km, one.volume_cm3, one.weight_g, rules.road.g_per_m3) if land is not None else 0
            )
        hand = corridor.handling_minor_unit
        measure = max(one.volume_cm3, ceil_div(one.weight_g * CM3_PER_M3, hand.g_per_m3))
        return co2_g, Costs(
            feeder_minor=ends[0],
            handling_minor=ceil_div(measure * (hand.origin + hand.destination), CM3_PER_M3),
            onward_minor=ends[1],
            holding_minor=0,
            lateness_minor=0,
            carbon_minor=half_up(co2_g * rules.carbon.minor_per_t, 1_000_000),
        )

    def _waiting(self, one: Consignment, deliver_at: int, late_s: int) -> tuple[int, int]:
        """Fen for holding the stock until it is delivered, and for being late."""
        rules = self._rules
        late = 0
        if late_s:
            days = ceil_div(late_s, DAY_S)
            late = half_up(one.value_minor * rules.lateness.value_per_100000_day * days, 100_000)
            late += half_up(one.volume_cm3 * rules.lateness.minor_per_m3_day * days, CM3_PER_M3)
        held = one.value_minor * rules.holding.rate_permille_year * (deliver_at - one.ready_at)
        return half_up(held, 1000 * YEAR_S), late


def _too_late(segment: Segment, missed_s: int) -> Reason:
    """It misses the last departure: by how much, and which of its cut-offs where there are several."""
    values = {"segment": segment.id, "close_at": segment.close_at, "missed_minutes": ceil_div(missed_s, 60)}
    if segment.closed_by is None:
        return Reason("too_late", values)
    departure, cutoff = segment.closed_by
    return Reason("missed_cutoff", values | {"departure": departure, "cutoff": cutoff})
