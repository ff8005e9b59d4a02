"""Trade-off curves on the desk: open consignments → several stored plans of one snapshot, one for each weighting."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from routing import queries as stored
from routing.desk import NothingToPlan, answer, failed, snapshot, store
from routing.desk_progress import Ticker
from routing.emergency import Step
from routing.plan import Plan
from routing.problem import BadProblem, Problem
from routing.queries import PlanRow
from routing.tables import StoredCurve, StoredPlan
from routing.tradeoff import Point, Wanted, Weights, beaten, in_order, point, shipped_at
from routing.wishes import NO_WISHES, Wishes
from wms.db import Database, Scope, tenant_of
from wms.errors import N_, Kind, WmsError
from wms.freight import queries
from wms.record.jobs import defer

log = logging.getLogger("routing.curves")
TASK = "routing.make_curve"
MOST_WEIGHTINGS = 9


class UnknownCurve(WmsError):
    """No such curve, or it is another company's."""

    code = "unknown_curve"
    kind = Kind.NOT_FOUND
    text = N_("There is no trade-off curve %(curve_id)s.")


class TooManyWeightings(WmsError):
    """Each weighting is a whole plan."""

    code = "too_many_weightings"
    kind = Kind.INVALID
    text = N_("A trade-off curve has at most %(most)s weightings, the rules' own among them; these are %(count)s.")


@dataclass(frozen=True)
class CurveAsked:
    """A curve that somebody asks for. ``weightings``: None for those shipped for the day; ``seconds``: of all plans
    together; ``company_id`` as for a plan."""

    weightings: Sequence[Weights] | None = None
    seconds: int = 150
    weeks: int = 4
    seed: int = 1
    person_id: int | None = None
    company_id: int | None = None
    wishes: Wishes = NO_WISHES


@dataclass(frozen=True)
class CurveRow:
    """A curve without its plans."""

    id: int
    requested_at: datetime
    seconds_limit: int
    weeks: int
    seed: int


@dataclass(frozen=True)
class CurvePlan:
    """One plan of a curve: its head, its weighting, and once it is made what it takes and whether another beats it."""

    row: PlanRow
    weights: Weights
    point: Point | None
    beaten: bool


def request_curve(session: Session, asked: CurveAsked) -> int:
    """Store a curve with a plan for each weighting and defer its job in the same transaction; returns its id.

    Raises NothingToPlan, TooManyWeightings.
    """
    if not queries.count_open(session):
        raise NothingToPlan
    given = asked.weightings
    points = in_order(shipped_at(int(time.time())).weightings if given is None else given)
    if len(points) > MOST_WEIGHTINGS:
        raise TooManyWeightings(field="weightings", most=MOST_WEIGHTINGS, count=len(points))
    curve = StoredCurve(
        company_id=asked.company_id, requested_by=asked.person_id, seconds_limit=asked.seconds, weeks=asked.weeks,
        seed=asked.seed,
    )  # fmt: skip
    session.add(curve)
    session.flush()
    for weights in points:
        session.add(
            StoredPlan(
                company_id=asked.company_id, requested_by=asked.person_id,
                seconds_limit=max(1, asked.seconds // len(points)), weeks=asked.weeks, seed=asked.seed,
                curve_id=curve.id, weighting={"weights": weights.model_dump()},
            )
        )  # fmt: skip
        session.flush()  # numbers in the order of the weightings
    defer(
        session, TASK, lock=f"curve-{curve.id}", curve_id=curve.id, tenant_id=tenant_of(session),
        company_id=asked.company_id, wishes=asked.wishes.model_dump(),
    )  # fmt: skip
    return curve.id


# --- the job ------------------------------------------------------------------------------------------------


def run_curve(
    database: Database, *, curve_id: int, tenant_id: int, company_id: int | None = None,
    wishes: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """The job: one snapshot, then plan after plan, each checked and stored as it is made. Safe to run again: what has
    its answer is left alone."""
    scope = Scope(tenant_id, role="planner", company_id=company_id, sees_all=company_id is None)
    problem = _frozen(database, scope, curve_id, Wishes.model_validate(wishes or {}))
    if problem is None:
        return
    with database.unit_of_work(scope) as session:
        ids = [row.id for row in _plans(session, curve_id)]
    for plan_id in ids:
        try:
            _make(database, scope, ids[0], plan_id, problem)
        except DBAPIError:
            raise  # the database went away: the worker runs the job again
        except Exception:
            log.exception("plan %s of curve %s", plan_id, curve_id)  # its plan says so; the others go on
        if plan_id == ids[0] and _fail_rest(database, scope, curve_id, plan_id):
            return


TASKS: dict[str, Callable[..., None]] = {TASK: run_curve}


def _plans(session: Session, curve_id: int) -> Sequence[StoredPlan]:
    return session.scalars(select(StoredPlan).where(StoredPlan.curve_id == curve_id).order_by(StoredPlan.id)).all()


def _frozen(database: Database, scope: Scope, curve_id: int, wishes: Wishes) -> Problem | None:
    """The snapshot of the curve, taken once and written to each of its plans; None where it cannot be taken."""
    with database.unit_of_work(scope) as session:
        rows = _plans(session, curve_id)
        if not rows:
            return None
        if rows[0].problem is not None:
            return Problem.model_validate(rows[0].problem)
        try:
            problem, versions = snapshot(session, weeks=rows[0].weeks, wishes=wishes)
        except BadProblem as bad:
            _fail(session, curve_id, str(bad))
            return None
        document, name = problem.model_dump(mode="json"), problem.snapshot_sha256()
        for row in rows:
            row.problem, row.versions, row.snapshot_sha256 = document, versions, name
        return problem


def _make(database: Database, scope: Scope, base_id: int, plan_id: int, problem: Problem) -> None:
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, plan_id, with_for_update=True)
        if row.state not in {"queued", "running"}:
            return
        row.state, row.stage = "running", "snapshot"
        weights = Weights.model_validate((row.weighting or {})["weights"])
        wanted = Wanted(row.seconds_limit, row.seed)
        base = stored.plan_document(session, base_id) if plan_id != base_id else None

    def work() -> tuple[Point, Plan]:
        with Ticker(database, scope, plan_id) as ticker:  # its figures would be in the weights' own money
            return point(problem, weights, base, wanted, Step(ticker, 0, 1))

    answer(database, scope, plan_id, work, _store)


def _store(session: Session, plan_id: int, found: tuple[Point, Plan]) -> None:
    told, plan = found
    row = session.get(StoredPlan, plan_id, with_for_update=True)
    if row is None or row.state != "running":
        return
    row.weighting = told.model_dump(mode="json")
    store(session, plan_id, plan)


def _fail_rest(database: Database, scope: Scope, curve_id: int, base_id: int) -> bool:
    """Without the first plan no other has bound and baselines: all fail as it did. Whether that is so."""
    with database.unit_of_work(scope) as session:
        base = session.get_one(StoredPlan, base_id)
        if base.state != "failed":
            return False
        _fail(session, curve_id, base.fault or "")
        return True


def _fail(session: Session, curve_id: int, fault: str) -> None:
    failed(session, [row.id for row in _plans(session, curve_id)], fault)


# --- reads --------------------------------------------------------------------------------------------------


def curves(session: Session, *, before_id: int | None = None, limit: int = 20) -> list[CurveRow]:
    """The latest curves that the caller sees, newest first."""
    statement = select(StoredCurve).order_by(StoredCurve.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(StoredCurve.id < before_id)
    return [_row(one) for one in session.scalars(statement)]


def curve_row(session: Session, curve_id: int) -> CurveRow:
    """One curve. Raises UnknownCurve."""
    found = session.get(StoredCurve, curve_id)
    if found is None:
        raise UnknownCurve(curve_id=curve_id)
    return _row(found)


def _row(one: StoredCurve) -> CurveRow:
    return CurveRow(one.id, one.requested_at, one.seconds_limit, one.weeks, one.seed)


def plans_of(session: Session, curve_id: int) -> list[CurvePlan]:
    """The plans of a curve in the order of their weightings, the rules' own first."""
    rows = stored.plans_of_curve(session, curve_id)
    made = [_point(row.weighting or {}) for row in rows]
    worse = dict(zip([k for k, one in enumerate(made) if one], beaten([one for one in made if one]), strict=True))
    return [
        CurvePlan(row, Weights.model_validate((row.weighting or {})["weights"]), one, worse.get(k, False))
        for k, (row, one) in enumerate(zip(rows, made, strict=True))
    ]


def _point(weighting: dict[str, Any]) -> Point | None:
    return Point.model_validate(weighting) if "sums" in weighting else None
