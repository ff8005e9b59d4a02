"""Control orders of customs (布控) without a database: what an order names, which is stronger, its refusals."""

from dataclasses import dataclass
from datetime import datetime

from wms.codes import containers, plates
from wms.errors import N_, Kind, NotFound, WmsError

CONTROLS = ("stop", "detain", "inspect")  # the strongest first
MIN_REASON_CHARS = 4
LONGEST_TARGET = 64


class UnknownControl(WmsError):
    code = "unknown_control"
    kind = Kind.INVALID
    text = N_("%(control)s is no control order; known are stop, detain and inspect.")


class UnknownTarget(WmsError):
    code = "unknown_control_target"
    kind = Kind.INVALID
    text = N_("A control order names a plate, a container, a gate_pass or a document, not %(target_kind)s.")


class BadTarget(WmsError):
    code = "bad_control_target"
    kind = Kind.INVALID
    text = N_("%(target)s is no valid %(target_kind)s.")


class OrderNeedsReason(WmsError):
    code = "control_needs_reason"
    kind = Kind.INVALID
    text = N_("A control order and its withdrawal need their reason in words.")


class UnknownOrder(NotFound):
    code = "unknown_control_order"
    text = N_("There is no control order %(order_id)s.")


class OrderWithdrawn(WmsError):
    code = "control_order_withdrawn"
    kind = Kind.CONFLICT
    text = N_("Control order %(order_id)s is withdrawn already.")


@dataclass(frozen=True)
class NewOrder:
    """An order of customs, by an officer (``person_id``) or by a message (``document_no``, no person)."""

    control: str
    target_kind: str
    target: str
    reason: str
    at: datetime
    document_no: str | None = None
    person_id: int | None = None


def checked_target(new: NewOrder) -> str:
    """The target as it is compared. Raises UnknownControl, UnknownTarget, BadTarget, OrderNeedsReason."""
    if new.control not in CONTROLS:
        raise UnknownControl(field="control", control=new.control)
    if len(new.reason.strip()) < MIN_REASON_CHARS:
        raise OrderNeedsReason(field="reason")
    told = new.target.strip()
    match new.target_kind:
        case "plate":
            target = plates.normalise(told)
            is_valid = plates.is_plate(target)
        case "container":
            target = containers.normalise(told)
            is_valid = containers.check(target)
        case "gate_pass" | "document":
            target, is_valid = told.upper(), bool(told)
        case _:
            raise UnknownTarget(field="target_kind", target_kind=new.target_kind)
    if not is_valid or len(target) > LONGEST_TARGET:
        raise BadTarget(field="target", target=told or "-", target_kind=new.target_kind)
    return target


def strongest(controls: set[str]) -> str | None:
    """Stop before detain before inspect; None where there is none."""
    return next((control for control in CONTROLS if control in controls), None)
