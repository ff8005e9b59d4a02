"""A repair takes the place of an accepted plan: its work on the floor and its papers go along, once."""

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from routing.hand_over.reading import whole
from routing.hand_over.working import ask, tasks_of
from routing.replan import desk
from routing.tables import StoredPlan
from wms.errors import WmsError
from wms.floor.service.orders import cancel_order
from wms.floor.tables import OutboundOrder
from wms.floor.tables.loading import LoadStop, VehicleLoad
from wms.freight.service.hand_over import Task
from wms.freight.tables.hand_over import ConsignmentPaper, ConsignmentWork

WHY = "the plan was replaced"


def accept_in_place(session: Session, plan_id: int, *, person_id: int | None = None) -> int:
    """As routing.replan.desk.accept_in_place; orders and papers move to the new plan, and its hand-over is asked for.

    Raises what that raises.
    """
    booked = desk.accept_in_place(session, plan_id, person_id=person_id)
    replaced_id = session.get_one(StoredPlan, plan_id).replaces_id
    if replaced_id is not None:
        move(session, replaced_id, plan_id, datetime.now(UTC))
    ask(session, plan_id)
    return booked


def move(session: Session, old_id: int, new_id: int, now: datetime) -> None:
    """Give the new plan the orders and papers of what it still carries; cancel the orders of what it does not.

    An order whose goods are picked already cannot be cancelled: it stays under the old plan, with the reason.
    """
    tasks = {task.consignment_id: task for task in tasks_of(session, whole(session, new_id))}
    works = session.scalars(
        select(ConsignmentWork)
        .where(ConsignmentWork.plan_id == old_id)
        .order_by(ConsignmentWork.consignment_id)
        .with_for_update()
    ).all()
    for work in works:
        task = tasks.get(work.consignment_id)
        if task is not None:
            _carry(session, work, task)
        elif work.order_id is not None and work.state != "elsewhere":
            _cancel(session, work, now)
    session.flush()


def _carry(session: Session, work: ConsignmentWork, task: Task) -> None:
    """Its place in the load is the new plan's, unless its load is open: then it goes where it was to go."""
    place = {"box_no": task.box_no, "stop_code": task.stop_code, "loading_no": task.loading_no}
    if _is_being_loaded(session, work.stop_code):
        place = {}
    elif work.order_id is not None:
        session.execute(update(OutboundOrder).where(OutboundOrder.id == work.order_id).values(route=task.stop_code))
    key, old_id = work.consignment_id, work.plan_id
    for table, more in ((ConsignmentWork, place), (ConsignmentPaper, {})):
        session.execute(
            update(table)
            .where(table.plan_id == old_id, table.consignment_id == key)
            .values(plan_id=task.plan_id, **more)
            .execution_options(synchronize_session=False)
        )
    session.expunge(work)


def _is_being_loaded(session: Session, stop_code: str) -> bool:
    found = (
        select(VehicleLoad.id)
        .join(LoadStop, LoadStop.load_id == VehicleLoad.id)
        .where(LoadStop.code == stop_code, VehicleLoad.state != "void")
        .limit(1)
    )
    return session.scalar(found) is not None


def _cancel(session: Session, work: ConsignmentWork, now: datetime) -> None:
    order = session.get_one(OutboundOrder, work.order_id)
    try:
        with session.begin_nested():
            cancel_order(session, order.order_no, WHY, now)
    except WmsError as refusal:
        work.code, work.values = refusal.code, {name: str(value) for name, value in refusal.values.items()}
    else:
        work.state, work.code, work.values = "elsewhere", "plan_replaced", None
