"""An accepted plan becomes work: for each consignment an order on the floor in the sequence of its box, and papers.

It is a job, deferred in the transaction of the acceptance: booking is not held up by stock, and a worker that dies is
followed by another that goes on where it stopped. Each consignment is a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import desk
from routing.hand_over.reading import Whole, whole
from routing.hand_over.replacing import move
from routing.pictures import steps
from routing.replan import desk as replan
from routing.tables import StoredPlan
from wms.db import Database, Scope, tenant_of
from wms.errors import N_, Kind, WmsError
from wms.floor.service.opening_loads import NewLoad, open_load
from wms.floor.tables import OutboundOrder
from wms.floor.tables.loading import LoadStop, VehicleLoad
from wms.freight.queries.papers import Known, papers_known
from wms.freight.service import hand_over as service
from wms.freight.service.carrying import Task
from wms.freight.tables import Consignment, TransportBooking
from wms.freight.tables.hand_over import ConsignmentPaper, ConsignmentWork
from wms.record.jobs import defer

TASK = "routing.hand_over"


class PlanNotAccepted(WmsError):
    """Only what is booked is worked on."""

    code = "plan_not_accepted"
    kind = Kind.CONFLICT
    text = N_("Plan %(plan_id)s is not accepted (%(state)s): there is nothing to hand over yet.")


class NothingToLoad(WmsError):
    """No goods of the box lie in our warehouses."""

    code = "nothing_to_load"
    text = N_("No goods of box %(box_no)s lie reserved at that site.")


class BoxHasLoad(WmsError):
    """A box is loaded once."""

    code = "box_has_load"
    kind = Kind.CONFLICT
    text = N_("Box %(box_no)s is being loaded already: load %(load)s on %(plate)s.")


def accept(session: Session, plan_id: int, *, person_id: int | None = None) -> int:
    """Accept a plan and ask for its hand-over in the same transaction; returns how many consignments are booked.

    Raises what desk.accept_plan raises.
    """
    booked = desk.accept_plan(session, plan_id, person_id=person_id)
    ask(session, plan_id)
    return booked


def accept_in_place(session: Session, plan_id: int, *, person_id: int | None = None) -> int:
    """Let a repair take the place of the plan that it repairs and ask for its hand-over, which takes over the work of
    that plan; returns how many consignments are booked. Raises what routing.replan.desk.accept_in_place raises.
    """
    booked = replan.accept_in_place(session, plan_id, person_id=person_id)
    ask(session, plan_id)
    return booked


def ask(session: Session, plan_id: int) -> None:
    """Defer the job; at most one of a plan waits. Raises UnknownPlan, PlanNotAccepted."""
    row = session.get(StoredPlan, plan_id)
    if row is None:
        raise desk.UnknownPlan(plan_id=plan_id)
    if row.state != "accepted":
        raise PlanNotAccepted(plan_id=plan_id, state=row.state)
    name = f"hand-over-{plan_id}"
    defer(session, TASK, lock=name, queueing_lock=name, plan_id=plan_id, tenant_id=tenant_of(session))


def run(database: Database, *, plan_id: int, tenant_id: int) -> None:
    """The job: hand over every booked consignment of a plan, first of all the work of the plan whose place it took. Run
    again it does what is left.
    """
    scope = Scope.system(tenant_id)
    with database.unit_of_work(scope) as session:
        row = session.get(StoredPlan, plan_id, with_for_update=True)  # nobody takes its place while work moves to it
        if row is None or row.state != "accepted":
            return
        tasks = tasks_of(session, whole(session, plan_id))
        move(session, row, tasks, datetime.now(UTC))
    for task in tasks:
        database.run(scope, partial(_one, task=task))
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, plan_id, with_for_update=True)
        row.handed_over_at = datetime.now(UTC)


TASKS: dict[str, Callable[..., None]] = {TASK: run}


def _one(session: Session, task: Task) -> None:
    service.hand_over(session, task, datetime.now(UTC))


def tasks_of(session: Session, found: Whole) -> list[Task]:
    """What is to be handed over: the consignments that are booked under this plan, box by box in loading order."""
    booked = set(
        session.scalars(
            select(TransportBooking.consignment_id).where(
                TransportBooking.plan_id == found.plan_id, TransportBooking.ended_at.is_(None)
            )
        )
    )
    segments = {one.id: one for one in found.plan.segments}
    goods = found.goods
    tasks = []
    for box in found.plan.boxes:
        for number, name in enumerate(loading_order(found, box.id), 1):
            key = found.ids.get(name)
            if key not in booked or key is None:
                continue
            tasks.append(
                Task(
                    found.plan_id, key, box.id, f"P{found.plan_id}-{box.id}-{number:02d}", number,
                    datetime.fromtimestamp(segments[box.segment].close_at, UTC),
                    direction(found, goods[name].origin, goods[name].destination),
                    _change_place(found, box.segment),
                )
            )  # fmt: skip
    return tasks


def loading_order(found: Whole, box_no: str) -> list[str]:
    """The consignments of a box as the loader puts them in, from the far end; those it did not look at come last."""
    box, load = found.box(box_no), found.loads.get(box_no)
    first = [one.consignment for one in steps(load, found.goods)] if load is not None and load.spots else []
    return list(dict.fromkeys([*first, *(box.consignments if box is not None else ())]))


def direction(found: Whole, origin: str, destination: str) -> str:
    """E leaves the country, I enters it, D stays inside; by the land on which the two places stand."""
    lands = {place.code: place.land for place in found.problem.network.places}
    home = [lands.get(found.problem.network.official(code), "").startswith("china") for code in (origin, destination)]
    return {(True, False): "E", (False, True): "I"}.get((home[0], home[1]), "D")


def _change_place(found: Whole, segment_id: str) -> str | None:
    """Where a box changes from its first leg to the next inside the country: another customs office lets it out."""
    segment = next(one for one in found.plan.segments if one.id == segment_id)
    if len(segment.departures) < 2:
        return None
    lands = {place.code: place.land for place in found.problem.network.places}
    second = next(leg for leg in found.plan.legs if leg.departure == segment.departures[1])
    return second.origin if lands.get(second.origin, "").startswith("china") else None


def open_box_load(session: Session, plan_id: int, box_no: str, new: NewLoad) -> VehicleLoad:
    """Open the load of a box. Its stops are the box's consignments, the last to be loaded first, so that the floor is
    told when something is put in out of the sequence of the load plan.

    Raises NothingToLoad, BoxHasLoad, and what opening a load refuses.
    """
    rows = session.execute(
        select(ConsignmentWork.stop_code, ConsignmentWork.loading_no)
        .join(OutboundOrder, OutboundOrder.id == ConsignmentWork.order_id)
        .where(
            ConsignmentWork.plan_id == plan_id, ConsignmentWork.box_no == box_no, ConsignmentWork.state == "reserved",
            OutboundOrder.site_id == new.site_id,
        )
        .order_by(ConsignmentWork.loading_no.desc())
        .with_for_update(of=ConsignmentWork)
    ).all()  # fmt: skip
    if not rows:
        raise NothingToLoad(box_no=box_no)
    codes = tuple(row[0] for row in rows)
    standing = session.execute(
        select(VehicleLoad.load_no, VehicleLoad.vehicle_plate)
        .join(LoadStop, LoadStop.load_id == VehicleLoad.id)
        .where(LoadStop.code.in_(codes), VehicleLoad.state != "void")
        .limit(1)
    ).one_or_none()
    if standing is not None:
        raise BoxHasLoad(box_no=box_no, load=standing[0], plate=standing[1])
    return open_load(session, replace(new, stops=codes))


@dataclass(frozen=True)
class WorkRow:
    """The floor's work for one consignment, with its order."""

    consignment_no: str
    box_no: str
    loading_no: int
    stop_code: str
    state: str
    order_no: str | None
    order_state: str | None
    code: str | None
    values: dict[str, Any] | None


@dataclass(frozen=True)
class PaperRow:
    """One document of a consignment."""

    consignment_no: str
    box_no: str
    document: str
    state: str
    document_no: str | None
    reason: str | None
    values: dict[str, Any] | None


@dataclass(frozen=True)
class State:
    """How far the hand-over of a plan is, as far as the caller sees its consignments."""

    plan_state: str
    handed_over_at: datetime | None
    work: tuple[WorkRow, ...]
    papers: tuple[PaperRow, ...]

    def counted(self) -> dict[str, dict[str, int]]:
        """How many consignments and papers are in each state."""
        states = ("reserved", "short", "refused", "elsewhere")
        return {
            "work": {name: sum(one.state == name for one in self.work) for name in states},
            "papers": {name: sum(one.state == name for one in self.papers) for name in ("drafted", "todo", "done")},
        }


def state_of(session: Session, plan_id: int) -> State:
    """The hand-over of a plan. Raises UnknownPlan."""
    row = session.get(StoredPlan, plan_id)
    if row is None:
        raise desk.UnknownPlan(plan_id=plan_id)
    work = session.execute(
        select(
            Consignment.consignment_no, ConsignmentWork.box_no, ConsignmentWork.loading_no, ConsignmentWork.stop_code,
            ConsignmentWork.state, OutboundOrder.order_no, OutboundOrder.state, ConsignmentWork.code,
            ConsignmentWork.values,
        )
        .join(Consignment, Consignment.id == ConsignmentWork.consignment_id)
        .outerjoin(OutboundOrder, OutboundOrder.id == ConsignmentWork.order_id)
        .where(ConsignmentWork.plan_id == plan_id)
        .order_by(ConsignmentWork.box_no, ConsignmentWork.loading_no)
    )  # fmt: skip
    papers = session.execute(
        select(
            Consignment.consignment_no, ConsignmentWork.box_no, ConsignmentPaper.document, ConsignmentPaper.state,
            ConsignmentPaper.document_no, ConsignmentPaper.reason, ConsignmentPaper.values,
        )
        .join(Consignment, Consignment.id == ConsignmentPaper.consignment_id)
        .join(
            ConsignmentWork,
            (ConsignmentWork.consignment_id == Consignment.id) & (ConsignmentWork.plan_id == ConsignmentPaper.plan_id),
        )
        .where(ConsignmentPaper.plan_id == plan_id)
        .order_by(ConsignmentWork.box_no, ConsignmentWork.loading_no, ConsignmentPaper.step_no)
    )  # fmt: skip
    known = papers_known(session, plan_id)
    return State(
        row.state, row.handed_over_at, tuple(WorkRow(*one) for one in work),
        tuple(_as_known(PaperRow(*one), known) for one in papers),
    )  # fmt: skip


def _as_known(row: PaperRow, known: Mapping[tuple[str, str], Known]) -> PaperRow:
    """The row as customs' books have it, where they know the document."""
    found = known.get((row.consignment_no, row.document))
    if found is None:
        return row
    state = "done" if found.is_done else "drafted"
    return replace(row, state=state, document_no=found.number or row.document_no, reason=None, values=None)
