"""What events break: departures that are gone, connections missed, goods too late, vessels too full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from routing.paths import PathFinder
from routing.plan import Assignment, Plan, PlanSegment
from routing.problem import Problem
from routing.replan.freeze import Rolled
from routing.schedule import Segment
from routing.units import DAY_S, iso
from wms.errors import N_

BREAKS: dict[str, str] = {
    "cancelled": N_("%(segment)s does not go: %(departure)s is cancelled."),
    "no_connection": N_("%(segment)s has no onward departure after %(departure)s."),
    "missed": N_("%(segment)s misses %(departure)s and goes on with %(instead)s; it arrives %(arrives)s."),
    "later": N_("%(segment)s arrives %(arrives)s instead of %(planned)s."),
    "too_late": N_("%(consignment)s would be delivered %(arrives)s, allowed until %(latest)s."),
    "full": N_("%(departure)s has %(capacity)s %(unit)s for us and the plan takes %(taken)s: %(short)s must leave it."),
    "not_ready": N_("%(consignment)s is ready %(ready)s and cannot be stuffed for %(segment)s by %(close)s."),
    "new": N_("%(consignment)s has no place yet."),
    "rolled": N_("Closed box %(box)s goes on with %(to)s instead of %(segment)s."),
    "stranded": N_("Closed box %(box)s was to go with %(segment)s, and no departure that takes it is left."),
}
WHEN = frozenset({"arrives", "planned", "latest", "ready", "close"})
"""Values that are instants."""


@dataclass(frozen=True)
class Break:
    """One thing that no longer holds: a code of `BREAKS`, the values of its sentence, the goods concerned and whether
    each of them needs another place."""

    code: str
    values: dict[str, Any]
    consignments: tuple[str, ...]
    homeless: bool


def sentence(one: Break) -> str:
    """The break in English."""
    return BREAKS[one.code] % one.values


def breaks_of(after: Problem, plan: Plan, finder: PathFinder, rolled: Sequence[Rolled]) -> list[Break]:
    """Every break of a plan under the problem as it is now; ``finder`` belongs to that problem."""
    return list(_Breaks(after, plan, finder).all(rolled))


class _Breaks:
    def __init__(self, after: Problem, plan: Plan, finder: PathFinder) -> None:
        self._after, self._plan, self._finder = after, plan, finder
        self._goods = {one.id: one for one in after.consignments}
        self._pinned = after.changes.pinned
        self._on: dict[str, list[Assignment]] = {}
        for one in plan.assignments:
            self._on.setdefault(one.segment, []).append(one)
        self._homeless: set[str] = set()

    def all(self, rolled: Sequence[Rolled]) -> Iterator[Break]:
        for one in rolled:
            values = {"box": one.box, "segment": one.segment, "to": one.to}
            yield Break("rolled" if one.to else "stranded", values, one.consignments, homeless=False)
        for was in self._plan.segments:
            for found in self._segment(was, self._finder.segments.get(was.id)):
                if found.homeless:
                    self._homeless.update(found.consignments)
                yield found
        yield from self._full()
        known = {one.consignment for one in self._plan.assignments} | {one.consignment for one in self._plan.unserved}
        for name in self._goods.keys() - known:
            yield Break("new", {"consignment": name}, (name,), homeless=True)

    def _segment(self, was: PlanSegment, now: Segment | None) -> Iterator[Break]:
        free = [one for one in self._on.get(was.id, ()) if one.consignment not in self._pinned]
        everyone = tuple(one.consignment for one in self._on.get(was.id, ()))
        if now is None:
            gone = [name for name in was.departures if self._cancelled(name)]
            values = {"segment": was.id, "departure": gone[0] if gone else was.departures[0]}
            code = "cancelled" if gone and gone[0] == was.departures[0] else "no_connection"
            if free:
                yield Break(code, values, tuple(one.consignment for one in free), homeless=True)
            return
        legs = tuple(leg.id for leg in now.legs)
        if legs != was.departures:
            old, new = next((a, b) for a, b in zip(was.departures, legs, strict=True) if a != b)
            values = {"segment": was.id, "departure": old, "instead": new, "arrives": iso(now.arrive_at)}
            yield Break("missed", values, everyone, homeless=False)
        elif now.arrive_at != was.arrive_at:
            values = {"segment": was.id, "arrives": iso(now.arrive_at), "planned": iso(was.arrive_at)}
            yield Break("later", values, everyone, homeless=False)
        yield from self._each(was, now, free)

    def _cancelled(self, departure: str) -> bool:
        change = self._after.changes.departures.get(departure)
        return change is not None and change.cancelled

    def _each(self, was: PlanSegment, now: Segment, free: Sequence[Assignment]) -> Iterator[Break]:
        days = self._after.network.rules.lateness.max_days
        for one in free:
            goods, name = self._goods[one.consignment], one.consignment
            deliver_at = one.deliver_at - was.free_at + now.free_at
            latest = goods.latest_at if goods.latest_at is not None else goods.due_at + days * DAY_S
            there_at = max(goods.ready_at, self._after.earliest_at()) + self._finder.feeder_s(goods, now.corridor)
            if there_at > now.close_at:
                values = {
                    "consignment": name, "segment": was.id, "ready": iso(goods.ready_at), "close": iso(now.close_at),
                }  # fmt: skip
                yield Break("not_ready", values, (name,), homeless=True)
            elif deliver_at > latest:
                values = {"consignment": name, "arrives": iso(deliver_at), "latest": iso(latest)}
                yield Break("too_late", values, (name,), homeless=True)

    def _full(self) -> Iterator[Break]:
        taken: dict[str, int] = {}
        inside: dict[str, list[str]] = {}
        legs = {}
        for box in self._plan.boxes:
            pins = {self._pinned.get(name, box.segment) for name in box.consignments}
            now = self._finder.segments.get(pins.pop()) if len(pins) == 1 else self._finder.segments.get(box.segment)
            if now is None or all(name in self._homeless for name in box.consignments):
                continue
            for leg in now.legs:
                legs[leg.id] = leg
                need = box.teu if leg.service.capacity_unit == "teu" else box.kg
                taken[leg.id] = taken.get(leg.id, 0) + need
                if need:
                    inside.setdefault(leg.id, []).extend(box.consignments)
        for name, leg in sorted(legs.items()):
            if taken[name] > leg.capacity:
                values = {
                    "departure": name, "capacity": leg.capacity, "unit": leg.service.capacity_unit,
                    "taken": taken[name], "short": taken[name] - leg.capacity,
                }  # fmt: skip
                free = tuple(one for one in inside[name] if one not in self._pinned)
                yield Break("full", values, free, homeless=False)
