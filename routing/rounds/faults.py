"""What is wrong with a problem of rounds beyond the shape of its fields; each mistake has words of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from routing.problem import Fault
from routing.rounds.problem import DIMENSIONS, MOST_TRUCKS, Amount, Problem, Somewhere, Window

MOST_SPAN_S = 14 * 86_400
NEVER = 4_102_444_800  # the year 2100


def faults(problem: Problem) -> Iterator[Fault]:
    """Every fault of the problem."""
    yield from _twice("places", [one.code for one in problem.places])
    yield from _twice("depots", [one.code for one in problem.depots])
    yield from _twice("trucks", [one.code for one in problem.trucks])
    yield from _twice("stops", [one.id for one in problem.stops] + [one.id for one in problem.transfers])
    if problem.hours.spell_s * 4 < problem.hours.drive_s:
        yield Fault("hours.spell_s", "spell_too_short", "the driving hours hold more than four spells")
    yield from _depots(problem)
    yield from _trucks(problem)
    yield from _stops(problem)
    yield from _transfers(problem)
    yield from _span(problem)


def _twice(field: str, codes: Iterable[str]) -> Iterator[Fault]:
    for code, times in sorted(Counter(codes).items()):
        if times > 1:
            yield Fault(field, "duplicate", f"{code} stands in the file {times} times")


def _where(field: str, one: Somewhere, codes: set[str]) -> Iterator[Fault]:
    if one.place is not None:
        if one.lat_udeg is not None or one.lon_udeg is not None:
            yield Fault(f"{field}.place", "two_places", "names a place and a point: one of the two")
        if one.place not in codes:
            yield Fault(
                f"{field}.place", "unknown_place", f"{one.place} is no place of the network and none of the file"
            )
    elif one.lat_udeg is None or one.lon_udeg is None:
        yield Fault(f"{field}.place", "no_place", "names neither a place nor lat_udeg and lon_udeg")


def _instants(field: str, *instants: int) -> Iterator[Fault]:
    if not all(0 <= one < NEVER for one in instants):
        yield Fault(field, "out_of_time", "an instant lies before 1970 or after 2099")


def _window(field: str, one: Window) -> Iterator[Fault]:
    yield from _instants(field, one.open_at, one.close_at)
    if one.close_at < one.open_at:
        yield Fault(field, "closes_before_opens", "the window closes before it opens")


def _amount(field: str, one: Amount) -> Iterator[Fault]:
    for name, value in zip(DIMENSIONS, one.parts(), strict=True):
        if value < 0:
            yield Fault(f"{field}.{name}", "negative_amount", f"goods of {value} {name}")


def _depots(problem: Problem) -> Iterator[Fault]:
    codes = {one.code for one in problem.places}
    for index, one in enumerate(problem.depots):
        field = f"depots.{index}({one.code})"
        yield from _where(field, one, codes)
        yield from _window(field, Window(open_at=one.open_at, close_at=one.close_at))


def _trucks(problem: Problem) -> Iterator[Fault]:
    depots = {one.code for one in problem.depots}
    for index, one in enumerate(problem.trucks):
        field = f"trucks.{index}({one.code})"
        if one.depot not in depots:
            yield Fault(f"{field}.depot", "unknown_depot", f"{one.depot} is no depot of the file")
        if one.count < 0:
            yield Fault(f"{field}.count", "negative_count", f"{one.count} trucks")
        for name, value in (("payload_g", one.payload_g), ("volume_cm3", one.volume_cm3), ("pallets", one.pallets)):
            if value is not None and value < 0:
                yield Fault(f"{field}.{name}", "negative_capacity", f"a capacity of {value}")
        yield from _instants(field, one.start_at, one.end_at)
        if one.end_at <= one.start_at:
            yield Fault(f"{field}.end_at", "ends_before_start", "the truck ends before it starts")
    if (total := sum(one.count for one in problem.trucks)) > MOST_TRUCKS:
        yield Fault("trucks", "too_many", f"{total} trucks; at most {MOST_TRUCKS} at once")


def _stops(problem: Problem) -> Iterator[Fault]:
    codes = {one.code for one in problem.places}
    depots = {one.code for one in problem.depots}
    trucks = {one.code for one in problem.trucks}
    for index, one in enumerate(problem.stops):
        field = f"stops.{index}({one.id})"
        yield from _where(field, one, codes)
        yield from _amount(f"{field}.deliver", one.deliver)
        yield from _amount(f"{field}.collect", one.collect)
        if not any((*one.deliver.parts(), *one.collect.parts())):
            yield Fault(field, "nothing_to_do", "delivers nothing and collects nothing")
        for at, window in enumerate(one.windows):
            yield from _window(f"{field}.windows.{at}", window)
        if one.depot is not None and one.depot not in depots:
            yield Fault(f"{field}.depot", "unknown_depot", f"{one.depot} is no depot of the file")
        yield from _known(f"{field}.trucks", one.trucks, trucks)


def _transfers(problem: Problem) -> Iterator[Fault]:
    codes = {one.code for one in problem.places}
    trucks = {one.code for one in problem.trucks}
    for index, one in enumerate(problem.transfers):
        field = f"transfers.{index}({one.id})"
        yield from _amount(f"{field}.amount", one.amount)
        if not any(one.amount.parts()):
            yield Fault(field, "nothing_to_do", "moves nothing")
        for name, end in (("pick", one.pick), ("drop", one.drop)):
            yield from _where(f"{field}.{name}", end, codes)
            if end.window is not None:
                yield from _window(f"{field}.{name}.window", end.window)
        yield from _known(f"{field}.trucks", one.trucks, trucks)


def _known(field: str, named: Iterable[str], trucks: set[str]) -> Iterator[Fault]:
    for code in named:
        if code not in trucks:
            yield Fault(field, "unknown_truck", f"{code} is no truck of the file")


def _span(problem: Problem) -> Iterator[Fault]:
    """Instants far apart are a slip of the pen, and the engines count seconds."""
    starts = [one.start_at for one in problem.trucks]
    ends = [one.end_at for one in problem.trucks]
    if max(ends) - min(starts) > MOST_SPAN_S:
        yield Fault("trucks", "too_long", "from the first start to the last end are more than 14 days")
