"""What the books of customs themselves know of the papers of a plan: nobody copies a number that we hold already."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.tables import GatePass, GatePassDocument, VerificationList
from wms.freight.rules.papers import ENTRY, LIST, PASS
from wms.freight.tables import Consignment
from wms.freight.tables.hand_over import ConsignmentPaper

DEDUCTED = ("pre_deducted", "booked", "written_off")
LET_OUT = ("approved", "passed_first", "passed")


@dataclass(frozen=True)
class Known:
    """A paper in the books: its number there, and whether customs has said yes to it."""

    number: str | None
    is_done: bool


def papers_known(session: Session, plan_id: int) -> dict[tuple[str, str], Known]:
    """By consignment and document: the drafted list, its declaration and the passes on it, as they stand now."""
    lists = session.execute(
        select(Consignment.consignment_no, VerificationList)
        .join(ConsignmentPaper, ConsignmentPaper.document_no == VerificationList.internal_no)
        .join(Consignment, Consignment.id == ConsignmentPaper.consignment_id)
        .where(ConsignmentPaper.plan_id == plan_id, ConsignmentPaper.document == LIST)
    ).all()
    found: dict[tuple[str, str], Known] = {}
    names: dict[int, str] = {}
    for name, row in lists:
        names[row.id] = name
        if row.list_no:
            found[name, LIST] = Known(row.list_no, row.state in DEDUCTED)
        if row.entry_released_at is not None:
            found[name, ENTRY] = Known(row.entry_no, True)
    passes: dict[str, list[GatePass]] = {}
    of_lists = (
        select(GatePassDocument.verification_list_id, GatePass)
        .join(GatePass, GatePass.id == GatePassDocument.gate_pass_id)
        .where(GatePassDocument.verification_list_id.in_(names), GatePass.state.not_in(("deleted", "void")))
        .order_by(GatePass.id)
    )
    for list_id, one in session.execute(of_lists):
        if list_id is not None:
            passes.setdefault(names[list_id], []).append(one)
    for name, held in passes.items():
        numbers = ", ".join(one.pass_no or one.internal_no for one in held)
        found[name, PASS] = Known(numbers, all(one.state in LET_OUT for one in held))
    return found
