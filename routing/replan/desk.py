"""Repairs of stored plans: events → a plan beside the live one; accepted in its place → bookings moved at once.

The live plan is not touched by asking. What has really happened (ACT milestones) and what closed before now is frozen.
"""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from routing.desk import (
    ALLOTMENTS,
    CutOffPassed,
    NotItsPlace,
    PlanNotSolved,
    PlanStale,
    Read,
    UnknownPlan,
    answer,
    bookings_of,
    goods_of,
    refuse_overbooked,
    store,
)
from routing.plan import Plan
from routing.problem import BadProblem, Fault, Problem
from routing.replan.breaks import Break
from routing.replan.events import Events, apply, events_of
from routing.replan.freeze import NOWHERE
from routing.replan.ready import write_ready
from routing.replan.refusals import fault, rule_of
from routing.replan.repair import Repair, repair
from routing.replan.stability import given
from routing.tables import StoredPlan
from routing.units import iso
from wms.db import Database, Scope, tenant_of
from wms.errors import N_, Kind, WmsError
from wms.freight import queries, service
from wms.record.jobs import defer
from wms.record.service import append_leaf

log = logging.getLogger("routing.replan.desk")
TASK = "routing.replan"


class NothingToRepair(WmsError):
    """Only a plan that is solved or accepted can be repaired."""

    code = "nothing_to_repair"
    kind = Kind.REFUSED
    text = N_("Plan %(plan_id)s is neither solved nor accepted (%(state)s): there is nothing to repair.")


class EventRefused(WmsError):
    """An event names what the plan does not have, or what it says cannot be."""

    code = "event_refused"
    kind = Kind.INVALID
    text = N_("%(given)s %(rule)s.")


class EventMisformed(EventRefused):
    """A field of an event breaks a rule of form."""

    code = "event_misformed"
    text = N_("%(name)s: %(rule)s")


def _refusal(fault: Fault) -> EventRefused:
    if fault.given:
        return EventRefused(field=fault.field, given=fault.given, rule=rule_of(fault))
    return EventMisformed(field=fault.field, name=fault.field, rule=rule_of(fault))


@dataclass(frozen=True)
class Asked:
    """A repair that somebody asks for. ``document``: events as in an event file; a new consignment by its number."""

    plan_id: int
    document: dict[str, Any]
    seconds: int = 5
    move_minor: int | None = None
    person_id: int | None = None
    now: int | None = None


def request_replan(session: Session, asked: Asked) -> int:
    """Store a repair of a plan and defer its job in the same transaction; returns the new plan's id.

    Raises UnknownPlan, NothingToRepair, EventRefused.
    """
    base = session.get(StoredPlan, asked.plan_id)
    if base is None:
        raise UnknownPlan(plan_id=asked.plan_id)
    if base.state not in {"solved", "accepted"} or base.document is None or base.problem is None:
        raise NothingToRepair(plan_id=asked.plan_id, state=base.state)
    versions: Read = dict(base.versions or {})
    events = _events(session, asked, versions)
    _refuse_bad(Problem.model_validate(base.problem), events)
    row = StoredPlan(
        company_id=base.company_id, requested_by=asked.person_id, seconds_limit=asked.seconds, weeks=base.weeks,
        seed=base.seed, replaces_id=base.id, versions=versions,
        happened={"events": events.model_dump(mode="json"), "move_minor": asked.move_minor},
    )  # fmt: skip
    session.add(row)
    session.flush()
    tenant = tenant_of(session)
    defer(session, TASK, lock=f"plan-{row.id}", plan_id=row.id, tenant_id=tenant, company_id=base.company_id)
    return row.id


def _events(session: Session, asked: Asked, versions: Read) -> Events:
    """The events with their new consignments from the books, and what is frozen by now."""
    document = dict(asked.document)
    found = []
    for at, event in enumerate(document.get("events", ())):
        if event.get("kind") == "new" and isinstance(event.get("consignment"), str):
            row = queries.consignment(session, event["consignment"])
            if row is None or row.state != "open":
                raise _refusal(fault(f"events.{at}.new.consignment", "not_open", event["consignment"] or "–"))
            goods = goods_of(row, queries.pieces(session, [row.id]).get(row.id, ()))
            versions[row.consignment_no] = [row.id, row.version]
            event = {"kind": "new", "consignment": goods.model_dump(mode="json")}  # noqa: PLW2901 - completed
        found.append(event)
    document["events"] = found
    if not document.get("frozen_until"):
        document["frozen_until"] = iso(asked.now if asked.now is not None else int(time.time()))
    try:
        return events_of(document)
    except BadProblem as bad:
        raise _refusal(bad.faults[0]) from bad


def _refuse_bad(problem: Problem, events: Events) -> None:
    try:
        apply(problem, events.events)
    except BadProblem as bad:
        raise _refusal(bad.faults[0]) from bad


# --- the job ------------------------------------------------------------------------------------------------


def run_replan(database: Database, *, plan_id: int, tenant_id: int, company_id: int | None = None) -> None:
    """The job: repair, check, store. Safe to run again: a plan that has its answer is left alone."""
    scope = Scope(tenant_id, role="planner", company_id=company_id, sees_all=company_id is None)
    with database.unit_of_work(scope) as session:
        begun = _begin(session, plan_id)
    if begun is None:
        return
    answer(database, scope, plan_id, begun, _store)


TASKS: dict[str, Callable[..., None]] = {TASK: run_replan}


def _begin(session: Session, plan_id: int) -> Callable[[], Repair] | None:
    row = session.get(StoredPlan, plan_id, with_for_update=True)
    if row is None or row.state not in {"queued", "running"} or row.replaces_id is None or row.happened is None:
        return None
    base = session.get(StoredPlan, row.replaces_id)
    if base is None or base.document is None or base.problem is None:
        return None
    row.state, row.stage = "running", "search"
    plan, problem = Plan.model_validate(base.document), Problem.model_validate(base.problem)
    events = Events.model_validate(row.happened["events"])
    frozen = {*events.frozen, *_begun(session, plan, base.versions or {})}
    move, seconds, seed = row.happened["move_minor"], row.seconds_limit, row.seed
    price = None if move is None else given(move, problem.earliest_at())
    problem = _as_it_is_now(session, base, problem)

    def go() -> Repair:
        return repair(
            problem, plan, events.events, frozen_until=events.frozen_until, frozen=frozen, stability=price,
            seconds=seconds, seed=seed,
        )  # fmt: skip

    return go


def _begun(session: Session, plan: Plan, versions: Read) -> set[str]:
    """Boxes with goods of which something has really happened."""
    ids = {versions[one.consignment][0]: one.box for one in plan.assignments if one.consignment in versions}
    return {ids[key] for key in queries.begun(session, list(ids))}


def _as_it_is_now(session: Session, base: StoredPlan, problem: Problem) -> Problem:
    """The plan's problem with the room that others have taken since; never more room than the plan was made with."""
    own = queries.taken_by(session, base.id)
    used = dict(problem.options.used)
    for departure, amount in queries.allotment_taken(session).items():
        used[departure] = max(used.get(departure, 0), amount - own.get(departure, 0))
    return problem.model_copy(update={"options": problem.options.model_copy(update={"used": used})})


def _store(session: Session, plan_id: int, found: Repair) -> None:
    row = session.get(StoredPlan, plan_id, with_for_update=True)
    if row is None or row.state != "running":
        return
    row.problem, row.snapshot_sha256 = found.problem.model_dump(mode="json"), found.plan.snapshot_sha256
    row.comparison = {
        "breaks": [_written(one) for one in found.breaks], "comparison": found.comparison.model_dump(mode="json"),
        "proved": found.proved, "stability": found.stability.model_dump(mode="json"),
    }  # fmt: skip
    session.flush()
    store(session, plan_id, found.plan)


def _written(one: Break) -> dict[str, Any]:
    return {"code": one.code, "values": one.values, "consignments": list(one.consignments)}


# --- acceptance ---------------------------------------------------------------------------------------------


def accept_in_place(session: Session, plan_id: int, *, person_id: int | None = None) -> int:
    """Let a repair take the place of the accepted plan that it repairs: bookings move, room is given back and taken,
    all or nothing; returns how many consignments are booked. Again changes nothing and gives the same number.

    Raises UnknownPlan, PlanNotSolved, NotItsPlace, CutOffPassed, PlanStale, AllotmentGone.
    """
    seen = session.get(StoredPlan, plan_id)
    if seen is None:
        raise UnknownPlan(plan_id=plan_id)
    base = _locked(session, seen.replaces_id)  # the older plan first, then the room: as whoever accepts does
    row = session.get_one(StoredPlan, plan_id, with_for_update=True)
    session.execute(
        text("SELECT pg_advisory_xact_lock(:key, :tenant)"), {"key": ALLOTMENTS, "tenant": tenant_of(session)}
    )
    if row.state not in {"solved", "accepted"} or row.document is None:
        raise PlanNotSolved(plan_id=plan_id, state=row.state)
    plan = Plan.model_validate(row.document)
    if row.state == "accepted":
        return len(plan.assignments)
    if base is None or base.state != "accepted" or base.document is None:
        state = base.state if base is not None else "-"
        raise NotItsPlace(plan_id=plan_id, replaces_id=row.replaces_id or "-", state=state)
    old, versions = Plan.model_validate(base.document), dict(row.versions or {})
    pinned: dict[str, str] = ((row.problem or {}).get("changes") or {}).get("pinned") or {}
    _refuse_passed(plan_id, old, plan, pinned)
    _refuse_moved(session, base.id, plan_id, old, plan, versions)
    _refuse_frozen(session, base.id, plan_id, old, plan, pinned, versions)
    versions = write_ready(session, row.happened, versions)
    service.give_back(session, base.id)
    refuse_overbooked(session, plan_id, plan)
    stranded = {name for name, where in pinned.items() if where == NOWHERE}
    row.versions = _move(session, plan_id, old, plan, versions, stranded)
    service.take_allotment(session, plan_id, {leg.departure: (leg.unit, leg.taken) for leg in plan.legs})
    base.state = "superseded"
    row.state, row.accepted_at, row.accepted_by = "accepted", datetime.now(UTC), person_id
    append_leaf(
        session,
        "plan_replaced",
        {
            "plan_id": plan_id, "replaces_id": base.id, "snapshot_sha256": plan.snapshot_sha256,
            "cost_minor": plan.cost_minor, "consignments": len(plan.assignments), "person_id": person_id,
            "stranded": sorted(stranded),
        },
        plan_id,
    )  # fmt: skip
    return len(plan.assignments)


def _locked(session: Session, plan_id: int | None) -> StoredPlan | None:
    return session.get(StoredPlan, plan_id, with_for_update=True) if plan_id is not None else None


def _itineraries(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """What a consignment's planned times depend on."""
    segments = {one.id: one for one in plan.segments}
    legs = {one.departure: (one.departure, one.depart_at, one.arrive_at) for one in plan.legs}
    return {
        one.consignment: (
            one.segment, segments[one.segment].close_at, one.deliver_at,
            *(legs[name] for name in segments[one.segment].departures),
        )
        for one in plan.assignments
    }  # fmt: skip


def _refuse_passed(plan_id: int, old: Plan, plan: Plan, pinned: Collection[str]) -> None:
    """Goods that are put on another segment must still be able to be there in time; what is frozen is there."""
    now = int(time.time())
    was = {one.consignment: one.segment for one in old.assignments}
    entered = {
        one.segment
        for one in plan.assignments
        if was.get(one.consignment) != one.segment and one.consignment not in pinned
    }
    for segment in plan.segments:
        if segment.id in entered and segment.close_at < now:
            close_at = datetime.fromtimestamp(segment.close_at, UTC).isoformat(timespec="minutes")
            raise CutOffPassed(plan_id=plan_id, segment=segment.id, close_at=close_at)


def _refuse_moved(session: Session, base_id: int, plan_id: int, old: Plan, plan: Plan, versions: Read) -> None:
    """Nobody else may have booked, changed or withdrawn the goods since."""
    booked = {one.consignment for one in old.assignments}
    names = {*booked, *(one.consignment for one in plan.assignments)}
    rows = service.lock_all(session, [versions[name][0] for name in names])
    live = queries.bookings(session, list(rows))
    changed = []
    for name in sorted(names):
        key, version = versions[name]
        now, held = rows.get(key), live.get(key)
        mine = held is not None and held.plan_id == base_id
        fresh = now is not None and now.state == "open" and now.version == version
        if not (mine if name in booked else fresh):
            changed.append(name)
    if changed:
        raise PlanStale(plan_id=plan_id, count=len(changed), consignments=", ".join(changed[:5]))


def _refuse_frozen(
    session: Session, base_id: int, plan_id: int, old: Plan, plan: Plan, pinned: Collection[str], versions: Read
) -> None:  # fmt: skip
    """What was closed, begun or put on a vehicle since the repair was asked for stays: it cannot be moved any more."""
    now, closes = int(time.time()), {one.id: one.close_at for one in old.segments}
    to = {one.consignment: (one.segment, one.box) for one in plan.assignments}
    moved = {
        one.consignment: one.segment
        for one in old.assignments
        if one.consignment not in pinned and to.get(one.consignment) != (one.segment, one.box)
    }
    ids = {versions[name][0]: name for name in moved}
    held = {name for name, segment in moved.items() if closes[segment] < now}
    held |= {ids[key] for key in queries.begun(session, list(ids))}
    held |= {ids[key] for key in service.loading_of(session, base_id, list(ids))}
    if held:
        raise PlanStale(plan_id=plan_id, count=len(held), consignments=", ".join(sorted(held)[:5]))


def _move(
    session: Session, plan_id: int, old: Plan, plan: Plan, versions: Read, stranded: Collection[str]
) -> Read:  # fmt: skip
    """Bookings move; returns the versions with those of what is open again. Goods in a closed box that nothing carries
    on are not open for others: they stay booked as they were, under the plan that closed the box.
    """
    was, now = _itineraries(old), _itineraries(plan)
    names = {versions[name][0]: name for name in versions}
    for booking in bookings_of(plan_id, plan, versions):
        name = names[booking.consignment_id]
        if name in was:
            service.rebook(session, booking, tell=was[name] != now[name])
        else:
            service.book(session, booking)
    opened: Read = {}
    for name in sorted(was.keys() - now.keys() - set(stranded)):
        key = versions[name][0]
        opened[name] = [key, service.withdraw(session, key, plan_id)]
    return {**versions, **opened}
