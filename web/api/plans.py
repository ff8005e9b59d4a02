"""Plans: ask for one, watch it, read it, accept it."""

from collections.abc import Mapping
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for
from pydantic import Field
from sqlalchemy.orm import Session

from routing import desk
from routing import queries as stored
from routing.desk_stop import request_stop
from routing.hand_over import working
from routing.queries import PlanRow
from web.api.idempotency import write
from web.api.schemas import LARGEST, Query
from web.api.wishes import WishesIn
from web.auth.policy import READERS, policy
from web.context import current_scope, planning_company, unit_of_work

bp = APIBlueprint("api_plans", __name__, url_prefix="/api/v1", tag="Planning")


class PlanIn(WishesIn):
    """What to plan: all open consignments that the caller sees, over the departures of the next weeks."""

    seconds: Annotated[int, Field(strict=True, ge=5, le=600)] = 30
    weeks: Annotated[int, Field(strict=True, ge=1, le=12)] = 4
    seed: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] = 1
    effort: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None, description="a limit of work in place of the seconds: the same seed gives the same plan"
    )


class PlansQuery(Query):
    """The latest plans; `before` a plan's number, at most `limit`."""

    before: int | None = Field(default=None, ge=1, le=LARGEST)
    limit: int = Field(default=20, ge=1, le=500)


@bp.get("/plans")
@policy(*READERS, firms=True)
@bp.input(PlansQuery, location="query", arg_name="query")
def plans(query: PlansQuery) -> Response:
    """List plans, newest first."""
    with unit_of_work() as session:
        rows = stored.plans(session, before_id=query.before, limit=query.limit + 1)
    response = jsonify([head(row) for row in rows[: query.limit]])
    if len(rows) > query.limit:
        address = url_for("api_plans.plans", before=rows[query.limit - 1].id, limit=query.limit)
        response.headers["Link"] = f'<{address}>; rel="next"'
    return response


@bp.post("/plans")
@policy("planner", firms=True, per_minute=20)
@bp.input(PlanIn, arg_name="body")
def new_plan(body: PlanIn) -> Response:
    """Ask for a plan; the answer comes at once, the plan when its job is done."""

    def act(session: Session) -> Mapping[str, Any]:
        who = current_scope()
        made = desk.request_plan(
            session, seconds=body.seconds, weeks=body.weeks, seed=body.seed, effort=body.effort,
            person_id=who.person_id, company_id=planning_company(), wishes=body.wishes(),
        )  # fmt: skip
        return {"id": made, "state": "queued", "status": url_for("api_plans.plan", plan_id=made)}

    response = write(act, body.model_dump(mode="json"), status=202)
    given = response.get_json()
    if response.status_code == 202:
        response.headers["Location"] = given["status"]
        response.headers["Retry-After"] = "1"
    return response


@bp.get("/plans/<int:plan_id>")
@policy(*READERS, firms=True, subject="plan")
def plan(plan_id: int) -> Response:
    """Show how far a plan is, and its figures once it is made."""
    with unit_of_work() as session:
        return jsonify(head(_known(session, plan_id)))


@bp.get("/plans/<int:plan_id>/progress")
@policy(*READERS, firms=True, subject="plan")
def progress(plan_id: int) -> Response:
    """Show what was told of a plan while it was made, in order, and how far the parts of its work are."""
    with unit_of_work() as session:
        row = _known(session, plan_id)
        steps, parts = stored.steps(session, plan_id), stored.parts(session, plan_id)
    return jsonify(
        {
            "state": row.state,
            "steps": [
                {**vars(one), "told_at": one.told_at.isoformat(), "gap_ppm": one.gap_ppm} for one in steps
            ],
            "parts": [vars(one) for one in parts],
        }
    )  # fmt: skip


@bp.post("/plans/<int:plan_id>/stop")
@policy("planner", firms=True, subject="plan")
def stop(plan_id: int) -> Response:
    """End the search of a plan with the best that there is. It is loaded, checked and stored; again changes nothing."""

    def act(session: Session) -> Mapping[str, Any]:
        state = request_stop(session, plan_id, person_id=current_scope().person_id)
        return {"id": plan_id, "state": state, "status": url_for("api_plans.plan", plan_id=plan_id)}

    return write(act, {"stop": plan_id})


@bp.get("/plans/<int:plan_id>/document")
@policy(*READERS, firms=True, subject="plan")
def plan_document(plan_id: int) -> Response:
    """Show the whole plan: departures, segments, boxes, assignments, who stays behind. 404 while there is none."""
    with unit_of_work() as session:
        found = stored.plan_document(session, plan_id)
    if found is None:
        raise desk.UnknownPlan(plan_id=plan_id)
    return Response(found.model_dump_json(), mimetype="application/json")


@bp.post("/plans/<int:plan_id>/acceptance")
@policy("planner", firms=True, subject="plan")
def accept(plan_id: int) -> Response:
    """Book what a solved plan says. Accepting again changes nothing; a plan out of date is refused with the reason."""

    def act(session: Session) -> Mapping[str, Any]:
        booked = working.accept(session, plan_id, person_id=current_scope().person_id)
        return {"id": plan_id, "state": "accepted", "booked": booked}

    return write(act, {"plan_id": plan_id})


def head(row: PlanRow) -> dict[str, Any]:
    """A plan without its document, as JSON."""
    values = dict(vars(row))
    for name in ("requested_at", "finished_at", "accepted_at", "stop_asked_at"):
        moment = values[name]
        values[name] = moment.isoformat() if moment is not None else None
    return values | {"currency": "CNY"}


def _known(session: Session, plan_id: int) -> PlanRow:
    row = stored.plan_row(session, plan_id)
    if row is None:
        raise desk.UnknownPlan(plan_id=plan_id)
    return row
