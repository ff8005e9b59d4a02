"""What can no longer be decided: closed boxes keep their contents, and goods on their way keep their departure.

A box is closed when the goods had to be at its place of stuffing by the instant, or when it is named. Goods whose truck
had to set out before it are bound to their departure. A closed box whose departure does not go, or has no room, goes
whole with the next one of its corridor that has; where there is none, its goods are stranded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from routing.changes import Changes, Sealed
from routing.paths import PathFinder
from routing.plan import Plan, PlanBox, PlanSegment
from routing.problem import BadProblem, Problem
from routing.replan.refusals import fault
from routing.schedule import Segment

NOWHERE = ""


@dataclass(frozen=True)
class Rolled:
    """A closed box that goes on with another departure; `to` empty: with none."""

    box: str
    segment: str
    to: str
    consignments: tuple[str, ...]


@dataclass
class Room:
    """What is left of each departure in its own unit."""

    left: dict[str, int] = field(default_factory=dict)

    def takes(self, segment: Segment, box: PlanBox) -> bool:
        """Whether every departure of the segment has the room that the box needs."""
        return all(need <= self.left.get(leg, most) for leg, need, most in self._needs(segment, box))

    def take(self, segment: Segment, box: PlanBox) -> None:
        """Give the box its room."""
        for leg, need, most in self._needs(segment, box):
            self.left[leg] = self.left.get(leg, most) - need

    @staticmethod
    def _needs(segment: Segment, box: PlanBox) -> Iterator[tuple[str, int, int]]:
        for leg in segment.legs:
            yield leg.id, box.teu if leg.service.capacity_unit == "teu" else box.kg, leg.capacity


def freeze(
    problem: Problem, plan: Plan, until: int | None, frozen: Collection[str] = ()
) -> tuple[Problem, list[Rolled]]:
    """The problem with what is frozen at `until`, and the closed boxes that lost their departure.

    Raises BadProblem where `frozen` names what the plan does not have.
    """
    _refuse_unknown(plan, frozen)
    held = problem.changes
    finder = PathFinder(problem.model_copy(update={"changes": held.model_copy(update={"pinned": {}})}))
    segments = {one.id: one for one in plan.segments}
    closed = {one.box for one in held.sealed} | set(frozen)
    boxes = [box for box in plan.boxes if box.id in closed or _is_closed(segments[box.segment], until)]
    pinned: dict[str, str] = {}
    sealed, rolled, room = [], [], Room()
    for box in sorted(boxes, key=lambda one: (segments[one.segment].depart_at, one.id)):
        to = _carried_by(box, segments[box.segment], finder, room, until)
        if to is not None:
            room.take(to, box)
        where = to.id if to is not None else NOWHERE
        pinned.update(dict.fromkeys(box.consignments, where))
        if where != box.segment:
            rolled.append(Rolled(box.id, box.segment, where, box.consignments))
        if box.kind != "loose" and to is not None:
            sealed.append(Sealed(box=box.id, equipment=box.equipment, segment=where, consignments=box.consignments))
    bound = {*frozen, *held.pinned}
    for name, where in _under_way(problem, plan, finder, until, bound).items():
        pinned.setdefault(name, where)
    pinned |= {name: NOWHERE for name, where in held.pinned.items() if where == NOWHERE}
    from_at = max((at for at in (until, held.from_at) if at is not None), default=None)
    changes = Changes(from_at=from_at, departures=held.departures, pinned=pinned, sealed=tuple(sealed))
    return problem.model_copy(update={"changes": changes}), rolled


def _refuse_unknown(plan: Plan, frozen: Collection[str]) -> None:
    known = {box.id for box in plan.boxes} | {one.consignment for one in plan.assignments}
    faults = [fault("frozen", "unknown_frozen", name) for name in sorted(set(frozen) - known)]
    if faults:
        raise BadProblem(faults)


def _is_closed(segment: PlanSegment, until: int | None) -> bool:
    return until is not None and segment.close_at <= until


def _carried_by(box: PlanBox, was: PlanSegment, finder: PathFinder, room: Room, until: int | None) -> Segment | None:
    """The segment that takes a closed box on: its own where it still goes, else the next of its corridor with room."""
    own = finder.segments.get(was.id)
    if own is not None and room.takes(own, box):
        return own
    if until is not None and was.depart_at <= until and own is not None and own.depart_at <= until:
        return None  # it has left, and has no room further on
    later = sorted(
        (
            one
            for one in finder.segments.values()
            if one.corridor.code == was.corridor and one.depart_at > was.depart_at
        ),
        key=lambda one: (one.arrive_at, one.depart_at),
    )
    return next((one for one in later if one.legs[0].first_cutoff()[0] >= (until or 0) and room.takes(one, box)), None)


def _under_way(
    problem: Problem, plan: Plan, finder: PathFinder, until: int | None, bound: Collection[str]
) -> dict[str, str]:
    """Goods outside closed boxes whose truck must have set out, or that are bound by name: they keep a departure that
    still goes."""
    goods = {one.id: one for one in problem.consignments}
    found = {}
    for one in plan.assignments:
        segment = finder.segments.get(one.segment)
        if segment is None:
            continue
        if until is not None and segment.close_at - until < 30 * 24 * 3600:
            left_at = segment.close_at - finder.feeder_s(goods[one.consignment], segment.corridor)
            if left_at < until:
                found[one.consignment] = one.segment
        if one.consignment in bound:
            found[one.consignment] = one.segment
    return found
