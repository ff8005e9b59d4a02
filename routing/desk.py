"""The only door to wms: open consignments → problem; a finished plan → stored; an accepted plan → bookings."""

import json
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from routing.canals import with_canals, without_detours
from routing.changes import Changes
from routing.demand import Consignment as Goods
from routing.demand import Piece
from routing.desk_parts import crew_of, forget
from routing.desk_progress import Ticker, wake
from routing.network import yueyang
from routing.plan import Plan
from routing.problem import BadProblem, Options, Problem, from_validation
from routing.replan.known import known_changes
from routing.replan.ready import write_ready
from routing.solve import Unsound, make_plan
from routing.tables import StoredAssignment, StoredBox, StoredPlan, StoredUnserved
from routing.units import HOUR_S, ceil_div
from routing.wishes import NO_WISHES, Wishes
from wms.db import Database, Scope, tenant_of
from wms.errors import N_, Kind, WmsError
from wms.freight import queries, service
from wms.record.jobs import defer
from wms.record.service import append_leaf

log = logging.getLogger("routing.desk")

TASK = "routing.make_plan"
ALLOTMENTS = 0x706C616E  # advisory lock: one acceptance at a time counts what is left of the departures
Read = dict[str, Any]
Begun = tuple[Problem, StoredPlan]
Taken = tuple[Problem, Read]
Found = TypeVar("Found")


class NothingToPlan(WmsError):
    """No consignment is open."""

    code = "nothing_to_plan"
    kind = Kind.REFUSED
    text = N_("There is no open consignment to plan.")


class UnknownPlan(WmsError):
    """No such plan, or it is another company's."""

    code = "unknown_plan"
    kind = Kind.NOT_FOUND
    text = N_("There is no plan %(plan_id)s.")


class PlanNotSolved(WmsError):
    """Only a solved plan can be accepted."""

    code = "plan_not_solved"
    kind = Kind.REFUSED
    text = N_("Plan %(plan_id)s is not solved (%(state)s) and cannot be accepted.")


class PlanStale(WmsError):
    """Consignments changed after the snapshot."""

    code = "plan_stale"
    kind = Kind.CONFLICT
    text = N_(
        "Plan %(plan_id)s is out of date: %(count)s consignments changed since, among them %(consignments)s. Plan "
        "again."
    )


class NotItsPlace(WmsError):
    """The plan does not repair an accepted one, or that one has been replaced already."""

    code = "not_its_place"
    kind = Kind.CONFLICT
    text = N_("Plan %(plan_id)s cannot take the place of plan %(replaces_id)s, which is %(state)s.")


class TakesAPlace(NotItsPlace):
    """What repairs an accepted plan moves its bookings: it is not accepted beside it."""

    code = "takes_a_place"
    text = N_("Plan %(plan_id)s repairs plan %(replaces_id)s, which is accepted: accept it in place of that plan.")


class AllotmentGone(WmsError):
    """Another accepted plan has taken the room."""

    code = "allotment_gone"
    kind = Kind.CONFLICT
    text = N_(
        "Plan %(plan_id)s is out of date: %(departure)s has %(left)s %(unit)s left and the plan needs %(needed)s. "
        "Plan again."
    )


class CutOffPassed(WmsError):
    """It is too late to stuff one of the boxes."""

    code = "cut_off_passed"
    kind = Kind.CONFLICT
    text = N_("Plan %(plan_id)s is out of date: the goods for %(segment)s had to be there by %(close_at)s. Plan again.")


def request_plan(
    session: Session, *, seconds: int = 30, weeks: int = 4, seed: int = 1, effort: int | None = None,
    person_id: int | None = None, company_id: int | None = None, wishes: Wishes = NO_WISHES,
) -> int:  # fmt: skip
    """Store a request and defer its job in the same transaction; returns the plan's id.

    ``effort``: a limit of work in place of the seconds; the same seed then gives the same plan, however many workers
    there are. ``company_id``: a firm that plans its own goods; None: the operator plans all. Raises NothingToPlan.
    """
    if not queries.count_open(session):
        raise NothingToPlan
    plan = StoredPlan(
        seconds_limit=seconds, weeks=weeks, seed=seed, effort=effort, requested_by=person_id, company_id=company_id
    )
    session.add(plan)
    session.flush()
    args: Read = {"plan_id": plan.id, "company_id": company_id, "wishes": wishes.model_dump()}
    defer(session, TASK, lock=f"plan-{plan.id}", tenant_id=tenant_of(session), **args)
    return plan.id


def run_plan(
    database: Database, *, plan_id: int, tenant_id: int, company_id: int | None = None, wishes: Read | None = None
) -> None:
    """The job: snapshot, solve, check, store. Safe to run again: a plan that has its answer is left alone."""
    scope = Scope(tenant_id, role="planner", company_id=company_id, sees_all=company_id is None)
    begun = _begin(database, scope, plan_id, Wishes.model_validate(wishes or {}))
    if begun is None:
        return
    problem, row = begun

    def work() -> Plan:
        with Ticker(database, scope, plan_id) as ticker:
            crew = crew_of(database, scope, row, problem, ticker.halted)
            return make_plan(
                problem, seconds=row.seconds_limit, seed=row.seed, effort=row.effort, watch=ticker, crew=crew
            )

    answer(database, scope, plan_id, work, store)


def answer(
    database: Database, scope: Scope, plan_id: int, work: Callable[[], Found],
    keep: Callable[[Session, int, Found], None],
) -> None:  # fmt: skip
    """Do the work of a plan's job and keep what comes of it, or why nothing does."""
    try:
        found = work()
    except BadProblem as bad:
        fail(database, scope, plan_id, "; ".join(f"{fault.field}: {fault.text}" for fault in bad.faults[:20]))
    except Unsound as unsound:
        log.exception("the checker refused plan %s", plan_id)
        fail(database, scope, plan_id, str(unsound))
    except DBAPIError:
        raise  # the database went away: the worker runs the job again
    except Exception as error:
        fail(database, scope, plan_id, f"{type(error).__name__}: {error}")  # a page that waits must not wait for ever
        raise
    else:
        with database.unit_of_work(scope) as session:
            keep(session, plan_id, found)


TASKS: dict[str, Callable[..., None]] = {TASK: run_plan}


def _begin(database: Database, scope: Scope, plan_id: int, wishes: Wishes = NO_WISHES) -> Begun | None:
    """Freeze the problem once; a second run of the job takes the same snapshot. None where nothing is left to do."""
    with database.unit_of_work(scope) as session:
        row = session.get(StoredPlan, plan_id, with_for_update=True)
        if row is None or row.state not in {"queued", "running"}:
            return None
        row.state, row.stage = "running", "snapshot"
        if row.problem is not None:
            return Problem.model_validate(row.problem), row
        try:
            problem, versions = snapshot(session, weeks=row.weeks, wishes=wishes)
        except BadProblem as bad:
            failed(session, [plan_id], str(bad))
            return None
        row.problem, row.versions = problem.model_dump(mode="json"), versions
        row.snapshot_sha256 = problem.snapshot_sha256()
        return problem, row


def snapshot(session: Session, *, weeks: int, start_at: int | None = None, wishes: Wishes = NO_WISHES) -> Taken:
    """The open consignments that the caller sees, with the seeded network, frozen; and number → [id, version]. How
    departures run otherwise is known from the accepted repairs.

    ``start_at``: seconds since 1970; by default the next full hour. Raises BadProblem.
    """
    start = start_at if start_at is not None else ceil_div(int(time.time()), HOUR_S) * HOUR_S
    rows = queries.consignments(session, state="open")
    pieces = queries.pieces(session, [row.id for row in rows])
    taken = queries.allotment_taken(session)
    try:
        goods = tuple(goods_of(row, pieces.get(row.id, ())) for row in rows)
        network = with_canals(yueyang(), wishes.canals)
        problem = Problem(
            network=network, changes=Changes(departures=without_detours(known_changes(session, start), network)),
            options=Options(start_at=start, weeks=weeks, used=taken, quantile=wishes.quantile), consignments=goods,
        )  # fmt: skip
    except ValidationError as error:
        raise from_validation(error) from error
    return problem, {row.consignment_no: [row.id, row.version] for row in rows}


def goods_of(row: queries.ConsignmentRow, pieces: tuple[Any, ...]) -> Goods:
    return Goods(
        id=row.consignment_no, owner=row.owner_code, origin=row.origin, destination=row.destination,
        customs_mode=row.trade_mode, temperature=row.temperature_class, dangerous=row.dangerous_class,  # type: ignore[arg-type]
        volume_cm3=row.volume_cm3, weight_g=row.weight_g, pieces=tuple(Piece(**vars(piece)) for piece in pieces),
        value_minor=row.value_minor, ready_at=_s(row.ready_at), due_at=_s(row.due_at),
        latest_at=_s(row.latest_at) if row.latest_at is not None else None, must_go=row.must_go,
        priority=row.priority,
    )  # fmt: skip


def _s(moment: datetime) -> int:
    return int(moment.timestamp())


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def fail(database: Database, scope: Scope, plan_id: int, fault: str) -> None:
    with database.unit_of_work(scope) as session:
        failed(session, [plan_id], fault)


def failed(session: Session, plan_ids: Iterable[int], fault: str) -> None:
    """Those of the plans that are being made or wait end with what went wrong; their pages are told."""
    session.flush()
    for plan_id in plan_ids:
        open_ = StoredPlan.id == plan_id, StoredPlan.state.in_(("queued", "running"))
        ended = {"state": "failed", "stage": "failed", "fault": fault[:4000], "finished_at": datetime.now(UTC)}
        session.execute(update(StoredPlan).where(*open_).values(ended))
        forget(session, plan_id)
        wake(session, plan_id)


def store(session: Session, plan_id: int, plan: Plan) -> None:
    """Write a checked plan beside its request: figures, boxes, assignments, who stays behind, and the whole
    document.
    """
    row = session.get(StoredPlan, plan_id, with_for_update=True)
    if row is None or row.state != "running" or row.versions is None:
        return
    row.state, row.stage, row.progress_permille = plan.state, "done", 1000
    row.document, row.solver, row.elapsed_ms = plan.model_dump(mode="json"), plan.solver, plan.elapsed_ms
    row.cost_minor, row.objective_minor, row.bound_minor = plan.cost_minor, plan.objective_minor, plan.bound_minor
    row.gap_ppm, row.saving_minor, row.saving_permille = plan.gap_ppm, plan.saving_minor, plan.saving_permille
    row.finished_at = datetime.now(UTC)
    boxes = {box.id: box for box in plan.boxes}
    owners = _owners(session, [one[0] for one in row.versions.values()])
    session.add_all(
        StoredBox(plan_id=plan_id, box_no=box.id, **box.model_dump(exclude={"id", "teu", "kg", "consignments"}))
        for box in plan.boxes
    )
    session.add_all(
        StoredAssignment(
            plan_id=plan_id, consignment_no=one.consignment, box_no=one.box, equipment=boxes[one.box].equipment,
            segment=one.segment, deliver_at=_at(one.deliver_at), late_s=one.late_s, share_minor=one.costs.share_minor,
            total_minor=one.total_minor, alone_minor=one.alone_minor, **owners[row.versions[one.consignment][0]],
        )
        for one in plan.assignments
    )  # fmt: skip
    session.add_all(
        StoredUnserved(
            plan_id=plan_id, consignment_no=one.consignment, reason=one.reason, values=one.values,
            **owners[row.versions[one.consignment][0]],
        )
        for one in plan.unserved
    )  # fmt: skip
    session.flush()
    forget(session, plan_id)
    wake(session, plan_id)


def _owners(session: Session, ids: list[int]) -> dict[int, dict[str, int | None]]:
    rows = service.lock_all(session, ids)
    return {
        key: {"consignment_id": key, "owner_id": one.owner_id, "forwarder_id": one.forwarder_id}
        for key, one in rows.items()
    }


def accept_plan(session: Session, plan_id: int, *, person_id: int | None = None) -> int:
    """Book every consignment of a solved plan; returns how many. Accepting again changes nothing and gives the same
    number.

    Raises UnknownPlan, PlanNotSolved, NotItsPlace, CutOffPassed, PlanStale, AllotmentGone.
    """
    row = session.get(StoredPlan, plan_id, with_for_update=True)
    if row is None:
        raise UnknownPlan(plan_id=plan_id)
    if row.state != "accepted" and (row.state != "solved" or row.document is None or row.versions is None):
        raise PlanNotSolved(plan_id=plan_id, state=row.state)
    plan = Plan.model_validate(row.document)
    if row.state == "accepted":
        return len(plan.assignments)
    _refuse_repair(session, row)
    session.execute(
        text("SELECT pg_advisory_xact_lock(:key, :tenant)"), {"key": ALLOTMENTS, "tenant": tenant_of(session)}
    )
    _refuse_passed(plan_id, plan)
    versions: Read = row.versions or {}
    _refuse_changed(session, plan_id, plan, versions)
    refuse_overbooked(session, plan_id, plan)
    row.versions = versions = write_ready(session, row.happened, versions)
    for booking in bookings_of(plan_id, plan, versions):
        service.book(session, booking)
    service.take_allotment(session, plan_id, {leg.departure: (leg.unit, leg.taken) for leg in plan.legs})
    row.state, row.accepted_at, row.accepted_by = "accepted", datetime.now(UTC), person_id
    said = {
        "plan_id": plan_id, "snapshot_sha256": plan.snapshot_sha256, "cost_minor": plan.cost_minor,
        "bound_minor": plan.bound_minor, "consignments": len(plan.assignments), "person_id": person_id,
    }  # fmt: skip
    append_leaf(session, "plan_accepted", said, plan_id)
    return len(plan.assignments)


def _refuse_repair(session: Session, row: StoredPlan) -> None:
    base = session.get(StoredPlan, row.replaces_id) if row.replaces_id is not None else None
    if base is not None and base.state == "accepted":
        raise TakesAPlace(plan_id=row.id, replaces_id=base.id)
    if base is not None and base.state == "superseded":
        raise NotItsPlace(plan_id=row.id, replaces_id=base.id, state=base.state)


def _refuse_passed(plan_id: int, plan: Plan) -> None:
    now = int(time.time())
    for segment in plan.segments:
        if segment.close_at < now:
            close_at = _at(segment.close_at).isoformat(timespec="minutes")
            raise CutOffPassed(plan_id=plan_id, segment=segment.id, close_at=close_at)


def _refuse_changed(session: Session, plan_id: int, plan: Plan, versions: Read) -> None:
    found = service.lock_all(session, [versions[one.consignment][0] for one in plan.assignments])
    changed = []
    for one in plan.assignments:
        key, version = versions[one.consignment]
        now = found.get(key)
        if now is None or now.state != "open" or now.version != version:
            changed.append(one.consignment)
    if changed:
        raise PlanStale(plan_id=plan_id, count=len(changed), consignments=", ".join(changed[:5]))


def refuse_overbooked(session: Session, plan_id: int, plan: Plan) -> None:
    """What was left at the snapshot may have been taken by a plan accepted since."""
    frozen = session.execute(select(StoredPlan.problem["options"]["used"]).where(StoredPlan.id == plan_id)).scalar_one()
    then: dict[str, int] = frozen if isinstance(frozen, dict) else json.loads(frozen or "{}")
    taken = queries.allotment_taken(session)
    for leg in plan.legs:
        left = leg.capacity + then.get(leg.departure, 0) - taken.get(leg.departure, 0)
        if leg.taken > left:
            raise AllotmentGone(
                plan_id=plan_id, departure=leg.departure, left=max(0, left), unit=leg.unit, needed=leg.taken
            )


def bookings_of(plan_id: int, plan: Plan, versions: Read) -> list[service.Booking]:
    segments = {one.id: one for one in plan.segments}
    legs = {
        leg.departure: service.Leg(
            leg.departure, leg.service, leg.mode, leg.origin, leg.destination, _at(leg.depart_at), _at(leg.arrive_at)
        )
        for leg in plan.legs
    }
    boxes = {box.id: box for box in plan.boxes}
    found = []
    for one in plan.assignments:
        segment = segments[one.segment]
        found.append(
            service.Booking(
                consignment_id=versions[one.consignment][0], plan_id=plan_id, box_no=one.box,
                equipment=boxes[one.box].equipment, segment=one.segment, share_minor=one.costs.share_minor,
                total_minor=one.total_minor, legs=tuple(legs[name] for name in segment.departures),
                cut_off_at=_at(segment.close_at), stripped_at=_at(segment.free_at), deliver_at=_at(one.deliver_at),
            )
        )  # fmt: skip
    return found
