"""How the vehicles of the arrivals came in and left empty: both passages, the visit and its steps, as sets.

The rows say what the use cases would have left behind. The passages of the past have no pictures and readings: nobody
was there to take them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from web.demo.arrivals import HOUR, TRUCK_G, Arrival
from web.demo.bulk import insert_rows
from web.demo.documents import BOOKS, OFFICE
from web.demo.stock import Ids
from wms.customs.gate_pass_rules import EMPTY_VEHICLE, pass_number
from wms.customs.tables import GatePass
from wms.gate.tables import GatePassUse, Passage, Visit, VisitStep

MINUTE = timedelta(minutes=1)
WAY_IN, WAY_OUT = "IN1", "OUT1"


def enter_stays(
    session: Session, arrivals: Sequence[Arrival], pass_ids: Sequence[int], ids: Ids, lanes: Mapping[str, int]
) -> None:
    """Write the stay of each arrival's vehicle; ``pass_ids`` are the passes on which they came in."""
    site_id = ids.sites["CLJ"]
    empty_ids = insert_rows(session, GatePass, [_empty_pass(one, ids) for one in arrivals])
    visit_ids = insert_rows(session, Visit, [_visit(one, site_id) for one in arrivals])
    stays = list(zip(arrivals, visit_ids, strict=True))
    came = insert_rows(session, Passage, [_came(one, visit, site_id, lanes[WAY_IN]) for one, visit in stays])
    went = insert_rows(session, Passage, [_went(one, visit, site_id, lanes[WAY_OUT]) for one, visit in stays])
    uses = [_use(one, held, made, one.passed_at) for one, held, made in zip(arrivals, pass_ids, came, strict=True)]
    uses += [_use(one, held, made, one.left_at) for one, held, made in zip(arrivals, empty_ids, went, strict=True)]
    insert_rows(session, GatePassUse, uses)
    steps = [
        step
        for (one, visit), way_in, way_out in zip(stays, came, went, strict=True)
        for step in _steps(one, visit, way_in, way_out)
    ]
    insert_rows(session, VisitStep, steps)


def _empty_pass(one: Arrival, ids: Ids) -> dict[str, Any]:
    """The pass of an empty vehicle on its way out."""
    at = one.left_at - HOUR / 2
    return {
        "internal_no": f"DEMO-EMPTY-{one.number:04d}", "pass_no": pass_number(OFFICE, "E", at, 950_000 + one.number),
        "owner_id": ids.companies[BOOKS[one.site][1]], "site_id": ids.sites["CLJ"], "direction": "E",
        "pass_type": EMPTY_VEHICLE, "bind_type": "2", "state": "passed", "vehicle_plate": one.plate,
        "vehicle_weight_g": TRUCK_G, "goods_gross_weight_g": 0, "total_weight_g": TRUCK_G, "valid_from_at": at,
        "valid_until_at": at + 24 * HOUR, "approved_at": at, "passed_at": one.left_at,
    }  # fmt: skip


def _visit(one: Arrival, site_id: int) -> dict[str, Any]:
    return {
        "site_id": site_id, "plate": one.plate, "state": "left", "arrived_at": one.passed_at, "left_at": one.left_at,
        "weigh_in_g": TRUCK_G + one.weight_g, "weigh_out_g": TRUCK_G,
    }  # fmt: skip


def _came(one: Arrival, visit_id: int, site_id: int, lane_id: int) -> dict[str, Any]:
    place = {"site_id": site_id, "lane_id": lane_id, "direction": "I", "visit_id": visit_id}
    return _passage(one, f"DEMO-{one.number:06d}", one.passed_at, TRUCK_G + one.weight_g) | place


def _went(one: Arrival, visit_id: int, site_id: int, lane_id: int) -> dict[str, Any]:
    place = {"site_id": site_id, "lane_id": lane_id, "direction": "E", "visit_id": visit_id}
    return _passage(one, f"DEMO-{one.number:06d}-E", one.left_at, TRUCK_G) | place


def _passage(one: Arrival, seq_no: str, at: datetime, weight_g: int) -> dict[str, Any]:
    return {
        "seq_no": seq_no, "state": "passed", "plate": one.plate, "plate_confidence_permille": 970,
        "weight_g": weight_g, "opened_at": at - MINUTE, "decided_at": at - MINUTE / 2, "passed_at": at, "closed_at": at,
    }  # fmt: skip


def _use(one: Arrival, pass_id: int, passage_id: int, at: datetime) -> dict[str, Any]:
    return {
        "gate_pass_id": pass_id, "passage_id": passage_id, "vehicle_plate": one.plate, "stage": 0, "passed_at": at,
    }  # fmt: skip


def _steps(one: Arrival, visit_id: int, way_in: int, way_out: int) -> Iterator[dict[str, Any]]:
    """Parked, at the dock while it was unloaded, and in the lane out."""
    docked_at, drove_at = one.first_at - HOUR / 4, one.left_at - MINUTE / 2
    for kind, passage_id, place, from_at, until_at in (
        ("parking", way_in, "", one.passed_at, docked_at),
        ("dock", None, "", docked_at, drove_at),
        ("lane_out", way_out, WAY_OUT, drove_at, one.left_at),
    ):
        yield {
            "visit_id": visit_id, "kind": kind, "passage_id": passage_id, "place": place, "from_at": from_at,
            "until_at": until_at,
        }  # fmt: skip
