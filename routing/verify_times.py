"""The checker's view of time: departures against their timetables and what has changed of them, and what is frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from routing.changes import DepartureChange
from routing.problem import Problem
from routing.verify_late import LateCase, behind

Row = Mapping[str, Any]
Fault = tuple[str, str, str]
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AS_PLANNED = DepartureChange()


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def time_faults(problem: Problem, plan: Row) -> Iterator[Fault]:
    """Rule, place and words of every fault of the departures and segments."""
    legs = {leg["departure"]: leg for leg in plan["legs"]}
    for leg in legs.values():
        yield from _leg(problem, leg)
    corridors = {one.code: one for one in problem.network.corridors}
    late_case = LateCase(problem)
    for segment in plan["segments"]:
        chain = [legs[one] for one in segment["departures"]]
        yield from _segment(corridors[segment["corridor"]], segment, chain)
        late = late_case.arrival(corridors[segment["corridor"]], chain[0])
        if (late is None) != (segment.get("late_at") is None) or (late is not None and _at(segment["late_at"]) != late):
            yield "late_case", segment["id"], "the arrival in the late case is not that of its departures"


def _leg(problem: Problem, leg: Row) -> Iterator[Fault]:
    service = next(one for one in problem.network.services if one.code == leg["service"])
    name = leg["departure"]
    now = problem.changes.departures.get(name, AS_PLANNED)
    if now.cancelled:
        yield "cancelled", name, "is cancelled"
    wanted = datetime.fromtimestamp(_at(leg["depart_at"]) - now.depart_late_s, UTC)
    if f"{WEEK[wanted.weekday()]} {wanted:%H:%M}" not in service.departs:
        yield "timetable", name, "the service does not leave then"
    if name != f"{service.code}@{wanted:%Y%m%dT%H%M}":
        yield "timetable", name, "its name and its instant differ"
    if not service.valid_from <= f"{wanted:%Y-%m-%d}" <= service.valid_to:
        yield "validity", name, "its price is not valid on that day"
    on_time, late = int(wanted.timestamp()) + service.transit_h * 3600, behind(now, service, problem.options.quantile)
    if _at(leg["arrive_at"]) != on_time + late:
        yield "transit", name, "the transit time is not the service's"
    if (leg.get("delay_s") or 0) != late - now.arrive_late_s - (now.detour.seconds if now.detour else 0):
        yield "transit", name, "the planned delay is not that of its quantile"
    if wanted.timestamp() - _at(leg["cutoff_at"]) != service.cutoff_h * 3600 - now.cutoff_late_s:
        yield "cutoff", name, "the cut-off is not the service's"
    yield from _papers(service, leg, int(wanted.timestamp()) + now.cutoff_late_s)
    if wanted.timestamp() < problem.options.start_at:
        yield "timetable", name, "leaves before the plan starts"
    capacity = service.capacity * problem.options.capacity_permille // 1000
    if now.capacity is not None:
        capacity = min(capacity, now.capacity)
    capacity = max(0, capacity - problem.options.used.get(name, 0))
    if leg["capacity"] != capacity:
        yield "allotment", name, f"has {capacity} {service.capacity_unit}, the plan says {leg['capacity']}"


def _papers(service: Any, leg: Row, depart: int) -> Iterator[Fault]:
    wanted = {}
    if service.cutoffs is not None:
        wanted = service.cutoffs.model_dump(exclude={"source", "mark"}, exclude_none=True)
    said = leg.get("papers") or {}
    if {f"{name}_h" for name in said} != set(wanted):
        yield "cutoff", leg["departure"], "its cut-offs are not those that the service names"
        return
    for name, at in said.items():
        if _at(at) != depart - wanted[f"{name}_h"] * 3600:
            yield "cutoff", leg["departure"], f"the {name} cut-off is not the service's"


def _closes(legs: list[Row]) -> int:
    """When a chain of departures closes: gate-in of the first, and whatever paper of any of them is due before."""
    instants = [_at(legs[0]["cutoff_at"])]
    for leg in legs:
        instants += [_at(at) for at in (leg.get("papers") or {}).values()]
    return min(instants)


def _segment(corridor: Any, segment: Row, legs: list[Row]) -> Iterator[Fault]:
    name = segment["id"]
    if [leg["service"] for leg in legs] != list(corridor.services):
        yield "chain", name, "its departures are not those of the corridor"
        return
    if name.rpartition("@")[2] != legs[0]["departure"].rpartition("@")[2]:
        yield "chain", name, "its name and its first departure differ"
    for before, after in pairwise(legs):
        if _at(after["depart_at"]) < _at(before["arrive_at"]) + corridor.transfer_h * 3600:
            yield "transfer", name, f"{after['departure']} leaves before the transfer is done"
    closes = _closes(legs)
    if _at(segment["close_at"]) != closes - corridor.stuffing_close_h * 3600:
        yield "cutoff", name, "the closing instant is not the first cut-off less the time for stuffing"
    if (segment.get("closed_by") is not None) != any(leg.get("papers") for leg in legs):
        yield "cutoff", name, "does not say which cut-off closes it"
    elif segment.get("closed_by") is not None:
        departure, kind = segment["closed_by"]
        leg = next((one for one in legs if one["departure"] == departure), legs[0])
        named = leg["cutoff_at"] if kind == "gate_in" else (leg.get("papers") or {}).get(kind)
        if named is None or _at(named) != closes or (kind == "gate_in" and leg is not legs[0]):
            yield "cutoff", name, f"the {kind} cut-off of {departure} is not the first"
    if (_at(segment["depart_at"]), _at(segment["arrive_at"])) != (
        _at(legs[0]["depart_at"]),
        _at(legs[-1]["arrive_at"]),
    ):
        yield "chain", name, "departure or arrival is not that of its legs"
    if _at(segment["free_at"]) != _at(legs[-1]["arrive_at"]) + corridor.stripping_h * 3600:
        yield "stripping", name, "the goods are not free when the plan says"


def frozen_faults(problem: Problem, plan: Row) -> Iterator[Fault]:
    """What is frozen keeps its segment, and a closed box its contents and its name."""
    where = {one["consignment"]: one["segment"] for one in plan["assignments"]}
    for name, segment in problem.changes.pinned.items():
        if where.get(name, "") != segment:
            yield "frozen", name, f"is bound to {segment or 'no departure'}, the plan says {where.get(name, 'none')}"
    boxes = {box["id"]: box for box in plan["boxes"]}
    for sealed in problem.changes.sealed:
        box = boxes.get(sealed.box)
        if box is None or (box["equipment"], box["segment"], sorted(box["consignments"])) != (
            sealed.equipment, sealed.segment, sorted(sealed.consignments),
        ):  # fmt: skip
            yield "frozen", sealed.box, "is closed, and the plan changes it"
