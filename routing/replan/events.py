"""What happens to a plan, read from a file: delays, cancellations, full vessels, closed places and canals, goods late
or new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from routing.canals import ways
from routing.changes import DepartureChange, Detour
from routing.demand import Consignment
from routing.files import read_json
from routing.network import Canal, Frozen, Instant, NotNegative, Service
from routing.problem import BadProblem, Fault, Problem, check, from_validation
from routing.replan.refusals import fault
from routing.schedule import departures_of
from routing.units import HOUR_S, ceil_div

FORMAT: Final = "dongting-events/1"
MOST_BYTES = 10_000_000


class Delay(Frozen):
    """A departure leaves `hours` later, and arrives so much later, or `arrival_hours` where that differs. The carrier
    keeps its cut-off unless `cutoff_moves`."""

    kind: Literal["delay"]
    departure: str
    hours: Annotated[int, Field(ge=0, le=24 * 60)]
    arrival_hours: Annotated[int | None, Field(ge=0, le=24 * 60)] = None
    cutoff_moves: bool = False


class Cancelled(Frozen):
    """A departure does not go."""

    kind: Literal["cancelled"]
    departure: str


class Full(Frozen):
    """A departure has only `capacity` for us, in all, in its own unit (TEU or kg)."""

    kind: Literal["full"]
    departure: str
    capacity: NotNegative = 0


class Closed(Frozen):
    """Nothing leaves, reaches or sets out through a place from one instant to another (a border, a port, an airport).

    What set out through it before is under way; where it is held up, say so by a delay.
    """

    kind: Literal["closed"]
    place: str
    from_at: Instant
    until_at: Instant


class CanalClosed(Frozen):
    """Ships that leave from an instant on do not pass a canal; they go the next way by sea at their usual speed.

    What set out before is on its way already; where it turns round, say so by a delay.
    """

    kind: Literal["canal"]
    canal: Canal
    from_at: Instant


class Late(Frozen):
    """A consignment is ready only at `ready_at`."""

    kind: Literal["late"]
    consignment: str
    ready_at: Instant


class Urgent(Frozen):
    """A consignment that the plan did not know."""

    kind: Literal["new"]
    consignment: Consignment


Event = Annotated[Delay | Cancelled | Full | Closed | CanalClosed | Late | Urgent, Field(discriminator="kind")]


class Events(Frozen):
    """What happened, in order. `frozen_until`: everything before this instant stays as it is; `frozen`: numbers of
    boxes (contents and departure stay) and of consignments (the departure stays)."""

    format: Literal["dongting-events/1"] = FORMAT
    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=1000)]
    frozen_until: Instant | None = None
    frozen: tuple[str, ...] = ()


def read_events(path: Path) -> Events:
    """The events in a file. Raises BadProblem that names each bad field."""
    return events_of(read_json(path, MOST_BYTES))


def events_of(document: Any) -> Events:
    """The events in plain JSON data. Raises BadProblem that names each bad field."""
    try:
        return Events.model_validate(document)
    except ValidationError as error:
        raise from_validation(error) from error


def apply(problem: Problem, events: Sequence[Event]) -> Problem:
    """The problem after the events. Raises BadProblem where an event names what the problem does not have."""
    faults = list(_faults(problem, events))
    if faults:
        raise BadProblem(faults)
    known = dict(problem.changes.departures)
    goods = {one.id: one for one in problem.consignments}
    for event in events:
        if isinstance(event, Late):
            goods[event.consignment] = goods[event.consignment].model_copy(update={"ready_at": event.ready_at})
        elif isinstance(event, Urgent):
            goods[event.consignment.id] = event.consignment
        else:
            known |= dict(_changed(problem, event, known))
    changes = problem.changes.model_copy(update={"departures": known})
    return check(problem.model_copy(update={"consignments": tuple(goods.values()), "changes": changes}))


def _changed(
    problem: Problem, event: Delay | Cancelled | Full | Closed | CanalClosed, known: dict[str, DepartureChange]
) -> Iterator[tuple[str, DepartureChange]]:
    if isinstance(event, Closed):
        for name in _closed(problem, event):
            yield name, known.get(name, DepartureChange()).model_copy(update={"cancelled": True})
        return
    if isinstance(event, CanalClosed):
        yield from _round(problem, event, known)
        return
    before = known.get(event.departure, DepartureChange())
    update: dict[str, Any]
    if isinstance(event, Delay):
        arrival = event.hours if event.arrival_hours is None else event.arrival_hours
        update = {"depart_late_s": event.hours * HOUR_S, "arrive_late_s": arrival * HOUR_S}
        update["cutoff_late_s"] = event.hours * HOUR_S if event.cutoff_moves else 0
    elif isinstance(event, Full):
        update = {"capacity": event.capacity}
    else:
        update = {"cancelled": True}
    yield event.departure, before.model_copy(update=update)


def _through(service: Service, place: str) -> bool:
    return place in (service.origin, service.destination, *service.via)


def _closed(problem: Problem, event: Closed) -> Iterator[str]:
    place = problem.network.official(event.place)
    for service in problem.network.services:
        if _through(service, place):
            for one in departures_of(service, problem.options, problem.options.until()):
                at = one.arrive_at if place == service.destination else one.depart_at
                if event.from_at <= at < event.until_at:
                    yield one.id


def _round(
    problem: Problem, event: CanalClosed, known: dict[str, DepartureChange]
) -> Iterator[tuple[str, DepartureChange]]:  # fmt: skip
    """The departures that go round: how much later they arrive and how much farther they go."""
    for service in problem.network.services:
        before, after = ways(problem.network, service, {event.canal: "closed"})
        if before == after:
            continue
        hours = ceil_div(service.transit_h * after, before) - service.transit_h
        km = ceil_div(service.distance_km * after, before) - service.distance_km
        detour = Detour(canal=event.canal, km=km, seconds=hours * HOUR_S)
        for one in departures_of(service, problem.options, problem.options.until()):
            was = known.get(one.id, DepartureChange())
            if one.depart_at + was.depart_late_s >= event.from_at and (was.detour is None or was.detour.km < km):
                yield one.id, was.model_copy(update={"detour": detour})


def _canal_faults(field: str, event: CanalClosed, problem: Problem) -> Iterator[Fault]:
    if problem.network.canals.get(event.canal, "closed") == "closed":
        yield fault(f"{field}.canal", "closed_already", event.canal)
        return
    ships = (ways(problem.network, one, {event.canal: "closed"}) for one in problem.network.services)
    if all(before == after for before, after in ships):
        yield fault(f"{field}.canal", "no_passage", event.canal)


def _faults(problem: Problem, events: Sequence[Event]) -> Iterator[Fault]:
    services = {one.code: one for one in problem.network.services}
    goods = {one.id: one for one in problem.consignments}
    known = set(goods)
    for at, event in enumerate(events):
        field = f"events.{at}"
        if isinstance(event, Late):
            yield from _late_faults(f"{field}.late", event, goods)
        elif isinstance(event, Urgent):
            name = event.consignment.id
            if name in known:
                yield fault(f"{field}.new.consignment.id", "duplicate", name)
            known.add(name)
        elif isinstance(event, Closed):
            yield from _closed_faults(f"{field}.closed", event, problem)
        elif isinstance(event, CanalClosed):
            yield from _canal_faults(f"{field}.canal", event, problem)
        else:
            yield from _departure_faults(f"{field}.{event.kind}", event, problem, services)


def _late_faults(field: str, event: Late, goods: dict[str, Consignment]) -> Iterator[Fault]:
    one = goods.get(event.consignment)
    if one is None:
        yield fault(f"{field}.consignment", "unknown_consignment", event.consignment or "–")
    elif event.ready_at <= one.ready_at:
        yield fault(f"{field}.ready_at", "not_late", event.consignment)
    elif event.ready_at >= one.due_at:
        yield fault(f"{field}.ready_at", "ready_after_due", event.consignment)


def _closed_faults(field: str, event: Closed, problem: Problem) -> Iterator[Fault]:
    place = problem.network.official(event.place)
    if place not in {one.code for one in problem.network.places}:
        yield fault(f"{field}.place", "unknown_place", event.place or "–")
    elif not any(_through(one, place) for one in problem.network.services):
        yield fault(f"{field}.place", "no_service", event.place)
    if event.until_at <= event.from_at:
        yield fault(f"{field}.until_at", "ends_before_it_begins", event.place)


def _departure_faults(
    field: str, event: Delay | Cancelled | Full, problem: Problem, services: dict[str, Service]
) -> Iterator[Fault]:
    code = event.departure.partition("@")[0]
    if code not in services:
        yield fault(f"{field}.departure", "unknown_service", code or "–")
        return
    until = problem.options.until()
    if event.departure not in {one.id for one in departures_of(services[code], problem.options, until)}:
        days = ", ".join(services[code].departs)
        yield fault(f"{field}.departure", "unknown_departure", event.departure, f"; {code} leaves {days} (UTC)")
    if isinstance(event, Delay) and not event.hours and not event.arrival_hours:
        yield fault(f"{field}.hours", "no_delay", event.departure)
