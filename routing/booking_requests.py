"""What is asked of each carrier: one request a departure, in plain fields that belong to no carrier's own form.

A box that goes by barge and then by ship stands in the request of both departures, each with the leg before and after.
Weights are those of the goods; tare and verified gross mass (SOLAS VGM) are known when the box is stuffed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from routing.demand import Consignment
from routing.plan import Plan, PlanBox, PlanLeg, PlanSegment
from routing.report import PAPERS
from routing.units import iso

FORMAT: Final = "dongting-booking-request/1"
COLUMNS: Final = (
    "request_no", "service", "mode", "departure", "origin", "destination", "cutoff_at", "depart_at", "arrive_at",
    "line_no", "box_no", "kind", "equipment", "quantity", "teu", "volume_m3", "goods_weight_kg", "stuffing_place",
    "stripping_place", "previous_departure", "next_departure", "temperature", "dangerous_class", "customs_modes",
    "consignments", "pieces", "goods", "remarks", "documents_cutoff_at", "customs_cutoff_at", "vgm_cutoff_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One box, pallet or loose bill that is to be carried. Volume in cm³, weight of the goods in g."""

    box_no: str
    kind: str
    equipment: str
    teu: int
    volume_cm3: int
    weight_g: int
    stuffing_place: str
    stripping_place: str
    previous_departure: str
    next_departure: str
    temperature: str
    dangerous_class: str
    customs_modes: tuple[str, ...]
    consignments: tuple[str, ...]
    pieces: int
    goods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for on one departure."""

    request_no: str
    leg: PlanLeg
    lines: tuple[Line, ...]


def requests(
    plan: Plan, plan_id: int, goods: Mapping[str, Consignment], names: Mapping[str, str] | None = None
) -> list[Request]:
    """One request a departure that carries something, in order of departure.

    ``goods``: the consignments of the problem by number; ``names``: what they are called, where that is known.
    """
    segments = {one.id: one for one in plan.segments}
    found = []
    for number, leg in enumerate(plan.legs, 1):
        lines = tuple(
            _line(box, segments[box.segment], leg.departure, goods, names or {})
            for box in plan.boxes
            if leg.departure in segments[box.segment].departures
        )
        if lines:
            found.append(Request(f"BR-{plan_id}-{number:03d}", leg, lines))
    return found


def _line(
    box: PlanBox, segment: PlanSegment, departure: str, goods: Mapping[str, Consignment], names: Mapping[str, str]
) -> Line:
    at = segment.departures.index(departure)
    inside = [goods[name] for name in box.consignments]
    return Line(
        box_no=box.id,
        kind=box.kind,
        equipment=box.equipment,
        teu=box.teu,
        volume_cm3=box.volume_cm3,
        weight_g=box.weight_g,
        stuffing_place=segment.stuffing_place,
        stripping_place=segment.stripping_place,
        previous_departure=segment.departures[at - 1] if at else "",
        next_departure=segment.departures[at + 1] if at + 1 < len(segment.departures) else "",
        temperature=inside[0].temperature,
        dangerous_class=inside[0].dangerous,
        customs_modes=tuple(sorted({one.customs_mode for one in inside})),
        consignments=box.consignments,
        pieces=sum(piece.count for one in inside for piece in one.pieces),
        goods=tuple(dict.fromkeys(names[one.id] for one in inside if names.get(one.id))),
    )


def thousandths(amount: int, per: int) -> str:
    """amount / per with three places, exact for g per kg and half up for cm³ per m³: 1234567, 1000000 -> '1.235'."""
    scaled = (2 * amount * 1000 + per) // (2 * per)
    return f"{scaled // 1000}.{scaled % 1000:03d}"


def document(request: Request) -> dict[str, Any]:
    """A request as JSON. Volumes and weights are decimal numbers as text, instants ISO 8601 in UTC."""
    leg = request.leg
    return {
        "format": FORMAT,
        "request_no": request.request_no,
        "carrier_form": "neutral",
        "service": leg.service,
        "mode": leg.mode,
        "departure": leg.departure,
        "origin": leg.origin,
        "destination": leg.destination,
        "cutoff_at": iso(leg.cutoff_at),
        "other_cutoffs": {name: iso(at) for name, at in leg.papers.items()},
        "depart_at": iso(leg.depart_at),
        "arrive_at": iso(leg.arrive_at),
        "asked_for": {"amount": leg.taken, "unit": leg.unit},
        "total": {
            "lines": len(request.lines),
            "teu": sum(line.teu for line in request.lines),
            "volume_m3": thousandths(sum(line.volume_cm3 for line in request.lines), 1_000_000),
            "goods_weight_kg": thousandths(sum(line.weight_g for line in request.lines), 1000),
        },
        "lines": [{"line_no": number, **_fields(line)} for number, line in enumerate(request.lines, 1)],
    }


def _fields(line: Line) -> dict[str, Any]:
    return {
        "box_no": line.box_no,
        "kind": line.kind,
        "equipment": line.equipment,
        "quantity": 1,
        "teu": line.teu,
        "volume_m3": thousandths(line.volume_cm3, 1_000_000),
        "goods_weight_kg": thousandths(line.weight_g, 1000),
        "stuffing_place": line.stuffing_place,
        "stripping_place": line.stripping_place,
        "previous_departure": line.previous_departure,
        "next_departure": line.next_departure,
        "temperature": line.temperature,
        "dangerous_class": line.dangerous_class,
        "customs_modes": list(line.customs_modes),
        "consignments": list(line.consignments),
        "pieces": line.pieces,
        "goods": list(line.goods),
    }


def rows(request: Request) -> list[list[Any]]:
    """A request as rows under ``COLUMNS``, one a line; lists are joined by a semicolon."""
    head = document(request)
    head |= {f"{name}_cutoff_at": head["other_cutoffs"].get(name, "") for name in PAPERS}
    found = []
    for line in head["lines"]:
        values = {**head, **line, "remarks": ""}
        found.append([_cell(values[name]) for name in COLUMNS])
    return found


def _cell(value: Any) -> Any:
    return "; ".join(value) if isinstance(value, list) else value
