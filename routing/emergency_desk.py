"""Emergency plans on the desk: open consignments → one stored plan that serves relief goods first, closed places gone
round."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from routing.desk import NothingToPlan, answer, failed, snapshot, store
from routing.desk_progress import Ticker
from routing.emergency import emergency_plan, with_closed
from routing.network import yueyang
from routing.plan import Plan
from routing.problem import BadProblem, Options, Problem
from routing.tables import StoredPlan
from routing.tradeoff import Wanted
from routing.wishes import NO_WISHES, Wishes
from wms.db import Database, Scope, tenant_of
from wms.errors import N_, Kind, WmsError
from wms.freight import queries
from wms.record.jobs import defer

TASK = "routing.make_emergency_plan"


class NothingComesFirst(WmsError):
    """Without ranks there is nothing to serve first."""

    code = "nothing_comes_first"
    kind = Kind.REFUSED
    text = N_("No open consignment has a priority: in an emergency nothing would come first.")


class NotAPlace(WmsError):
    """A closed place must be one that services of the network use."""

    code = "not_a_place_of_services"
    kind = Kind.INVALID
    text = N_("No service of the network leaves, reaches or crosses %(place)s.")


@dataclass(frozen=True)
class EmergencyAsked:
    """An emergency plan that somebody asks for; ``closed``: places that nothing leaves, reaches or crosses."""

    seconds: int = 60
    weeks: int = 4
    seed: int = 1
    closed: Sequence[str] = ()
    person_id: int | None = None
    wishes: Wishes = NO_WISHES


def request_emergency(session: Session, asked: EmergencyAsked) -> int:
    """Store a request of the operator and defer its job in the same transaction; returns the plan's id.

    Raises NothingToPlan, NothingComesFirst, NotAPlace.
    """
    if not queries.count_open(session):
        raise NothingToPlan
    if not queries.first_in_line(session):
        raise NothingComesFirst
    nothing = Problem(network=yueyang(), options=Options(start_at=int(time.time())), consignments=())
    for place in asked.closed:
        try:
            with_closed(nothing, [place])
        except BadProblem as bad:
            raise NotAPlace(field="closed", place=place) from bad
    row = StoredPlan(
        requested_by=asked.person_id, seconds_limit=asked.seconds, weeks=asked.weeks, seed=asked.seed,
        emergency={"closed": sorted(set(asked.closed))},
    )  # fmt: skip
    session.add(row)
    session.flush()
    defer(
        session, TASK, lock=f"plan-{row.id}", plan_id=row.id, tenant_id=tenant_of(session),
        wishes=asked.wishes.model_dump(),
    )  # fmt: skip
    return row.id


def run_emergency(
    database: Database, *, plan_id: int, tenant_id: int, wishes: dict[str, Any] | None = None
) -> None:
    """The job: snapshot, rank by rank, check, store. Safe to run again: a plan that has its answer is left alone."""
    scope = Scope(tenant_id, role="planner", sees_all=True)
    begun = _begin(database, scope, plan_id, Wishes.model_validate(wishes or {}))
    if begun is None:
        return
    problem, wanted = begun

    def work() -> Plan:
        with Ticker(database, scope, plan_id) as ticker:
            return emergency_plan(problem, wanted, ticker)

    answer(database, scope, plan_id, work, store)


TASKS: dict[str, Callable[..., None]] = {TASK: run_emergency}


def _begin(database: Database, scope: Scope, plan_id: int, wishes: Wishes) -> tuple[Problem, Wanted] | None:
    """Freeze the problem once, without the closed places; None where nothing is left to do."""
    with database.unit_of_work(scope) as session:
        row = session.get(StoredPlan, plan_id, with_for_update=True)
        if row is None or row.state not in {"queued", "running"}:
            return None
        row.state, row.stage = "running", "snapshot"
        wanted = Wanted(row.seconds_limit, row.seed)
        if row.problem is not None:
            return Problem.model_validate(row.problem), wanted
        try:
            problem, versions = snapshot(session, weeks=row.weeks, wishes=wishes)
            problem = with_closed(problem, (row.emergency or {})["closed"])
        except BadProblem as bad:
            failed(session, [plan_id], str(bad))
            return None
        row.problem, row.versions = problem.model_dump(mode="json"), versions
        row.snapshot_sha256 = problem.snapshot_sha256()
        return problem, wanted
