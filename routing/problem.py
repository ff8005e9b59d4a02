"""Network and demand frozen together: one problem, its faults by name, its hash."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from routing import spread
from routing.changes import NONE, Changes
from routing.demand import Consignment
from routing.network import Frozen, Instant, Network, minute_of_week
from routing.units import DAY_S

FORMAT: Final = "dongting-problem/1"
JOIN_DAYS: Final = 60


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input: where, which rule, in words; `given`: what the words name."""

    field: str
    rule: str
    text: str
    given: str = ""


class BadProblem(Exception):
    """The input cannot be planned; `faults` names every field and rule broken."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.text}" for fault in self.faults[:5]))


class Options(Frozen):
    """`start_at`: nothing leaves before. `weeks`: how many weeks of departures. `capacity_permille` scales every
    allotment.

    `used` holds what earlier accepted plans have taken of a departure, in its own unit. `quantile`: per cent of
    departures of which the delay is planned for; empty: by the timetables.
    """

    start_at: Instant
    weeks: Annotated[int, Field(ge=1, le=26)] = 4
    capacity_permille: Annotated[int, Field(ge=0)] = 1000
    used: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    quantile: Annotated[int, Field(ge=50, le=99)] | None = Field(default=None, exclude_if=lambda held: held is None)

    def until(self) -> int:
        """The last instant at which anything leaves: first legs in the weeks, later ones may join for sixty days."""
        return self.start_at + (self.weeks * 7 + JOIN_DAYS) * DAY_S


class Problem(Frozen):
    """All that a plan depends on besides seed and time. `changes`: what has happened since an earlier plan."""

    format: Literal["dongting-problem/1"] = FORMAT
    network: Network
    options: Options
    consignments: tuple[Consignment, ...]
    changes: Changes = Field(default=NONE, exclude_if=lambda held: held == NONE)

    def earliest_at(self) -> int:
        """Before this instant nothing can be collected."""
        return max(self.options.start_at, self.changes.from_at or 0)

    def snapshot_sha256(self) -> str:
        """SHA-256 of the canonical JSON (sorted keys, no blanks, UTF-8) of the whole problem."""
        digest = hashlib.sha256()
        for part in self._canonical():
            digest.update(part.encode())
        return digest.hexdigest()

    def _canonical(self) -> Iterator[str]:
        """The JSON bit by bit: that of a hundred thousand consignments would take a quarter of a gigabyte at once."""
        fields = self.model_dump(mode="json", exclude={"consignments"})
        for turn, name in enumerate(sorted([*fields, "consignments"])):
            yield f"{',' if turn else '{'}{_json(name)}:"
            if name != "consignments":
                yield _json(fields[name])
                continue
            yield "["
            for number, one in enumerate(self.consignments):
                yield ("," if number else "") + _json(one.model_dump(mode="json"))
            yield "]"
        yield "}"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_validation(error: ValidationError) -> BadProblem:
    """The faults of a validation error, each with the path of its field."""
    return BadProblem(
        Fault(".".join(str(part) for part in item["loc"]) or "(file)", item["type"], item["msg"])
        for item in error.errors()
    )


def check(problem: Problem) -> Problem:
    """The problem itself. Raises BadProblem with every fault of the network and every clash between consignments."""
    faults = [*_network_faults(problem.network), *_consignment_faults(problem.consignments)]
    faults += [Fault(*one) for one in spread.faults(problem.network.services, problem.options.quantile)]
    if faults:
        raise BadProblem(faults)
    return problem


def _twice(codes: Iterable[str]) -> list[str]:
    return sorted(code for code, times in Counter(codes).items() if times > 1)


def _consignment_faults(consignments: tuple[Consignment, ...]) -> Iterator[Fault]:
    for twice in _twice(one.id for one in consignments):
        yield Fault("consignments", "duplicate", f"consignment {twice} stands in the file more than once")
    for index, one in enumerate(consignments):
        field = f"consignments.{index}({one.id})"
        if one.due_at <= one.ready_at:
            yield Fault(f"{field}.due_at", "due_before_ready", "is due before it is ready")
        if one.latest_at is not None and one.latest_at < one.due_at:
            yield Fault(f"{field}.latest_at", "latest_before_due", "the latest instant lies before the due instant")
        pieces_cm3 = sum(p.count * p.length_mm * p.width_mm * p.height_mm for p in one.pieces) // 1000
        if pieces_cm3 * 100 > one.volume_cm3 * 101:
            text = f"the pieces measure {pieces_cm3} cm3, more than the {one.volume_cm3} cm3 of the consignment"
            yield Fault(f"{field}.pieces", "pieces_exceed_volume", text)
        pieces_g = sum(p.count * p.weight_g for p in one.pieces)
        if pieces_g * 100 > one.weight_g * 101:
            text = f"the pieces weigh {pieces_g} g, more than the {one.weight_g} g of the consignment"
            yield Fault(f"{field}.pieces", "pieces_exceed_weight", text)


def _network_faults(network: Network) -> Iterator[Fault]:
    places = {place.code for place in network.places}
    for name, codes in (
        ("places", [p.code for p in network.places]),
        ("equipment", [e.code for e in network.equipment]),
        ("services", [s.code for s in network.services]),
        ("corridors", [c.code for c in network.corridors]),
    ):
        for twice in _twice(codes):
            yield Fault(f"network.{name}", "duplicate", f"{twice} stands in the list more than once")
    for written, code in network.aliases.items():
        if code not in places:
            yield Fault(f"network.aliases.{written}", "unknown_place", f"{code} is no place of this network")
    yield from _service_faults(network, places)
    yield from _corridor_faults(network)


def _service_faults(network: Network, places: set[str]) -> Iterator[Fault]:
    equipment = {one.code for one in network.equipment}
    for service in network.services:
        field = f"network.services({service.code})"
        for end in (service.origin, service.destination, *service.via):
            if end not in places:
                yield Fault(field, "unknown_place", f"{end} is no place of this network")
        if service.transit_h <= 0:
            yield Fault(
                f"{field}.transit_h",
                "arrives_before_departure",
                f"a transit of {service.transit_h} h arrives before it leaves",
            )
        if service.capacity < 0:
            yield Fault(
                f"{field}.capacity", "negative_capacity", f"a capacity of {service.capacity} {service.capacity_unit}"
            )
        for unknown in sorted((set(service.freight_minor) | set(service.uld)) - equipment):
            yield Fault(field, "unknown_equipment", f"{unknown} is no equipment of this network")
        for text in service.departs:
            try:
                minute_of_week(text)
            except ValueError as error:
                yield Fault(f"{field}.departs", "bad_departure", str(error))
        for text in (service.valid_from, service.valid_to):
            try:
                date.fromisoformat(text)
            except ValueError as error:
                yield Fault(f"{field}.valid_from", "bad_day", str(error))


def _corridor_faults(network: Network) -> Iterator[Fault]:
    services = {service.code: service for service in network.services}
    for corridor in network.corridors:
        field = f"network.corridors({corridor.code})"
        unknown = [code for code in corridor.services if code not in services]
        if unknown:
            yield Fault(f"{field}.services", "unknown_service", f"{', '.join(unknown)} is no service of this network")
            continue
        chain = [services[code] for code in corridor.services]
        stops = [corridor.stuffing_place, *(leg.destination for leg in chain)]
        if [leg.origin for leg in chain] != stops[:-1] or stops[-1] != corridor.stripping_place:
            yield Fault(
                f"{field}.services",
                "broken_chain",
                "the services do not join the stuffing place to the stripping place",
            )
