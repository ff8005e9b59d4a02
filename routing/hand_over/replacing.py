"""A repair has taken the place of an accepted plan: its work on the floor and its papers go along, once.

It is part of the new plan's hand-over and runs for the operator: whoever accepted may see no loads and no orders of
others.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.tables import StoredPlan
from wms.customs import verification_lists
from wms.customs.tables import VerificationList
from wms.errors import WmsError
from wms.floor.service.orders import cancel_order
from wms.floor.tables import OutboundOrder
from wms.freight import service
from wms.freight.rules.papers import LIST
from wms.freight.service.carrying import Task, carry
from wms.freight.tables import TransportBooking
from wms.freight.tables.hand_over import ConsignmentPaper, ConsignmentWork

WHY = "the plan was replaced"


def move(session: Session, new: StoredPlan, tasks: Sequence[Task], now: datetime) -> None:
    """Give the new plan the orders and papers of what it still carries; cancel the orders of what nobody carries.

    The plans that it replaced are asked one after the other: a plan may be replaced before its own hand-over ran. An
    order whose goods are picked already cannot be cancelled: it stays under the old plan, with the reason.
    """
    old_ids = _replaced(session, new)
    if not old_ids:
        return
    of_old = select(ConsignmentWork.consignment_id).where(ConsignmentWork.plan_id.in_(old_ids))
    service.lock_all(session, session.scalars(of_old).all())  # the consignments first, as a hand-over does
    works = session.scalars(
        select(ConsignmentWork)
        .where(ConsignmentWork.plan_id.in_(old_ids))
        .order_by(ConsignmentWork.consignment_id, ConsignmentWork.plan_id.desc())
        .with_for_update()
    ).all()
    ids = [work.consignment_id for work in works]
    booked, mine = _booked(session, ids), _with_work(session, new.id, ids)
    by_id = {task.consignment_id: task for task in tasks}
    for work in works:
        key = work.consignment_id
        if _is_over(session, work):
            continue
        if key in by_id and key not in mine:
            carry(session, work, by_id[key])
            mine.add(key)
        elif key not in booked and work.order_id is not None:
            cancel_work(session, work, now)
    session.flush()


def _replaced(session: Session, new: StoredPlan) -> list[int]:
    """The plans before this one whose place was taken, the youngest first."""
    found: list[int] = []
    row = new
    while row.replaces_id is not None and row.replaces_id not in found:
        row = session.get_one(StoredPlan, row.replaces_id)
        if row.state != "superseded":
            break
        found.append(row.id)
    return found


def _booked(session: Session, ids: Collection[int]) -> set[int]:
    """Those that somebody carries: goods stranded in a closed box stay booked under the plan that closed it."""
    return set(
        session.scalars(
            select(TransportBooking.consignment_id).where(
                TransportBooking.consignment_id.in_(ids), TransportBooking.ended_at.is_(None)
            )
        )
    )


def _with_work(session: Session, plan_id: int, ids: Collection[int]) -> set[int]:
    return set(
        session.scalars(
            select(ConsignmentWork.consignment_id).where(
                ConsignmentWork.plan_id == plan_id, ConsignmentWork.consignment_id.in_(ids)
            )
        )
    )


def _is_over(session: Session, work: ConsignmentWork) -> bool:
    """Whether its order is cancelled: the record stays where it was made."""
    return work.order_id is not None and session.get_one(OutboundOrder, work.order_id).state == "cancelled"


def cancel_work(session: Session, work: ConsignmentWork, now: datetime) -> None:
    """Cancel the order of what nobody carries any more; one that cannot be cancelled stays, with the reason."""
    order = session.get_one(OutboundOrder, work.order_id)
    try:
        with session.begin_nested():
            cancel_order(session, order.order_no, WHY, now)
    except WmsError as refusal:
        work.code, work.values = refusal.code, {name: str(value) for name, value in refusal.values.items()}
    else:
        work.state, work.code, work.values = "elsewhere", "plan_replaced", None
        _put_away(session, work)


def _put_away(session: Session, work: ConsignmentWork) -> None:
    """A drafted list of goods that are promised no longer is deleted; one that customs has is named, to be deleted
    there.
    """
    paper = session.scalar(
        select(ConsignmentPaper)
        .where(
            ConsignmentPaper.plan_id == work.plan_id, ConsignmentPaper.consignment_id == work.consignment_id,
            ConsignmentPaper.document == LIST, ConsignmentPaper.state == "drafted",
        )
        .with_for_update()
    )  # fmt: skip
    if paper is None:
        return
    number, reason = paper.document_no or "", "list_deleted"
    key = session.scalar(select(VerificationList.id).where(VerificationList.internal_no == number))
    if key is not None and not _delete_draft(session, key):
        reason = "list_with_customs"
    paper.state, paper.document_no, paper.reason, paper.values = "todo", None, reason, {"number": number}


def _delete_draft(session: Session, list_id: int) -> bool:
    """Delete a list that customs never had; False where it has it. The lock decides when both happen at once."""
    state = session.scalar(
        select(VerificationList.state).where(VerificationList.id == list_id).with_for_update(key_share=True)
    )
    if state == "draft":
        verification_lists.remove(session, list_id, 0)
    return state in {"draft", "deleted"}
