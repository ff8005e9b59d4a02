"""What each check of the decision looked at, taken from the stored case: the inputs beside their outcome."""

from collections.abc import Callable, Mapping
from typing import Any

from wms.gate.rules.checks import the_pass
from wms.gate.rules.facts import Case, PassFacts
from wms.gate.rules.weight import compare_weight

Inputs = dict[str, Any]


def _vehicle(case: Case) -> Inputs:
    if case.vehicle is None:
        return {"plate": case.seen.plate, "registered": False}
    return {
        "plate": case.vehicle.plate,
        "registered": case.vehicle.is_registered,
        "registered_until": case.vehicle.registered_until_at,
    }


def _control(case: Case) -> Inputs:
    gate_pass = the_pass(case)
    return {
        "orders": [f"{one.target} {one.order}" for one in case.orders],
        "order": gate_pass.control_order if gate_pass else None,
        "documents": {one.number: one.control_order for one in gate_pass.documents} if gate_pass else {},
    }


def _weight(case: Case, gate_pass: PassFacts) -> Inputs:
    finding = compare_weight(case.seen.weight_g, gate_pass.total_weight_g, case.tolerance)
    return {
        "weight_g": case.seen.weight_g,
        "pass_weight_g": gate_pass.total_weight_g,
        "difference_g": finding.difference_g,
        "allowed_g": finding.allowed_g,
        "share_bp": case.tolerance.share_bp,
        "absolute_g": case.tolerance.absolute_g,
        "tolerance_row": case.tolerance.row_id,
        "relaxed": case.tolerance.is_relaxed or None,
    }


OF_CASE: Mapping[str, Callable[[Case], Inputs]] = {
    "fresh": lambda case: {"fresh": case.seen.is_fresh},
    "lane": lambda case: {"lane": case.lane.code, "open": case.lane.is_open},
    "plate": lambda case: {
        "plate": case.seen.plate,
        "confidence_permille": case.seen.plate_confidence_permille,
        "wanted_permille": case.lane.min_confidence_permille,
    },
    "way": lambda case: {"moved": case.seen.moved},
    "vehicle": _vehicle,
    "blacklist": lambda case: {"blacklisted_for": case.vehicle.blacklisted_for if case.vehicle else None},
    "lane_kind": lambda case: {
        "vehicle_kind": case.vehicle.kind if case.vehicle else None,
        "lane_kind": case.lane.kind,
    },
    "tag": lambda case: {
        "tag": case.seen.tag,
        "tag_plate": case.seen.tag_plate,
        "needed": case.lane.needs_tag,
    },
    "control": _control,
    "pass": lambda case: {
        "direction": case.lane.direction,
        "stage": case.lane.stage,
        "passes": [{"number": p.number, "plate": p.plate, "state": p.state} for p in case.passes],
    },
}
OF_PASS: Mapping[str, Callable[[Case, PassFacts], Inputs]] = {
    "claim": lambda _case, gate_pass: {"pass": gate_pass.number, "claimed": gate_pass.is_claimed},
    "trailer": lambda case, gate_pass: {
        "trailer_plate": case.seen.trailer_plate,
        "pass_trailer_plate": gate_pass.trailer_plate,
    },
    "container": lambda case, gate_pass: {
        "containers": [container.number for container in case.seen.containers],
        "pass_containers": list(gate_pass.containers),
        "missing": list(case.seen.missing),
    },
    "seal": lambda case, gate_pass: {
        "seals": list(case.seen.seals),
        "broken_seals": list(case.seen.broken_seals),
        "pass_seal": gate_pass.seal,
    },
    "released": lambda _case, gate_pass: {
        "pass_type": gate_pass.pass_type,
        "documents": {document.number: document.is_released for document in gate_pass.documents},
    },
    "goods": lambda _case, gate_pass: {"goods_missing": gate_pass.goods_missing},
    "weight": _weight,
    "window": lambda case, gate_pass: {
        "at": case.decided_at,
        "valid_from": gate_pass.valid_from_at,
        "valid_until": gate_pass.valid_until_at,
    },
    "customs_answer": lambda case, _pass: {
        "answer": case.seen.customs_answer,
        "needed": case.lane.needs_customs_answer,
    },
}


def inputs_of(check: str, case: Case) -> Inputs:
    """Return what a check looked at; empty for a check of a pass where no pass was sure, or one not known here."""
    if check in OF_CASE:
        return OF_CASE[check](case)
    gate_pass = the_pass(case)
    return OF_PASS[check](case, gate_pass) if check in OF_PASS and gate_pass is not None else {}
