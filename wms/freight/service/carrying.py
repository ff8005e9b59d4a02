"""The work of a consignment goes along from plan to plan: its order and its papers are made once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.floor.tables import OutboundOrder
from wms.floor.tables.loading import LoadStop, VehicleLoad
from wms.freight.tables.hand_over import ConsignmentPaper, ConsignmentWork


@dataclass(frozen=True)
class Task:
    """What is to be handed over of one consignment. ``direction`` and ``exit_place`` as in papers.Facts."""

    plan_id: int
    consignment_id: int
    box_no: str
    stop_code: str
    loading_no: int
    ship_by_at: datetime
    direction: str
    exit_place: str | None


def adopt(session: Session, task: Task) -> bool:
    """Take over the work that another plan left with a live order; whether there was one. The caller holds the
    consignment's lock and knows that it is booked under the task's plan.
    """
    work = session.scalar(
        select(ConsignmentWork)
        .join(OutboundOrder, OutboundOrder.id == ConsignmentWork.order_id)
        .where(
            ConsignmentWork.consignment_id == task.consignment_id, ConsignmentWork.plan_id != task.plan_id,
            OutboundOrder.state.not_in(("cancelled", "shipped")),
        )
        .order_by(ConsignmentWork.plan_id.desc())
        .limit(1)
        .with_for_update(of=ConsignmentWork)
    )  # fmt: skip
    if work is None:
        return False
    carry(session, work, task)
    return True


def carry(session: Session, work: ConsignmentWork, task: Task) -> None:
    """Give order and papers to the task's plan. The place in the load is that of the new plan, and so is the time by
    which the order ships, unless its load is open: then it goes where it was to go.
    """
    values: dict[str, object] = {"plan_id": task.plan_id}
    if not being_loaded(session, [work.stop_code]):
        values |= {"box_no": task.box_no, "stop_code": task.stop_code, "loading_no": task.loading_no}
        session.execute(
            update(OutboundOrder)
            .where(OutboundOrder.id == work.order_id)
            .values(route=task.stop_code, ship_by_at=task.ship_by_at)
        )
    if work.state == "reserved":
        values |= {"code": None, "values": None}
    key, old_id = work.consignment_id, work.plan_id
    for table, new in ((ConsignmentWork, values), (ConsignmentPaper, {"plan_id": task.plan_id})):
        session.execute(
            update(table)
            .where(table.plan_id == old_id, table.consignment_id == key)
            .values(new)
            .execution_options(synchronize_session=False)
        )
    session.expunge(work)


def being_loaded(session: Session, stop_codes: Collection[str]) -> set[str]:
    """Those of the stops that stand on a load, open or gone; a firm's people see no loads."""
    found = (
        select(LoadStop.code)
        .join(VehicleLoad, VehicleLoad.id == LoadStop.load_id)
        .where(LoadStop.code.in_(stop_codes), VehicleLoad.state != "void")
    )
    return set(session.scalars(found))


def loading_of(session: Session, plan_id: int, ids: Collection[int]) -> set[int]:
    """Those of a plan's consignments whose stop stands on a load."""
    rows = session.execute(
        select(ConsignmentWork.stop_code, ConsignmentWork.consignment_id).where(
            ConsignmentWork.plan_id == plan_id, ConsignmentWork.consignment_id.in_(ids)
        )
    )
    stops = {row.stop_code: row.consignment_id for row in rows}
    return {stops[code] for code in being_loaded(session, list(stops))}
