"""Repairs of plans: say what happened, see what breaks and what changes, let the repair take the plan's place."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for
from pydantic import Field
from sqlalchemy.orm import Session

from routing import queries as stored
from routing.desk import UnknownPlan
from routing.hand_over.working import accept_in_place
from routing.replan.compare import beside
from routing.replan.desk import Asked, request_replan
from web.api.idempotency import write
from web.api.plans import head
from web.api.schemas import Body, Code, Instant
from web.auth.policy import READERS, policy
from web.context import current_scope, unit_of_work

bp = APIBlueprint("api_replans", __name__, url_prefix="/api/v1/plans/<int:plan_id>", tag="Planning")

Hours = Annotated[int, Field(strict=True, ge=0, le=24 * 60)]


class PlanEvent(Body):
    """One thing that happened. Which fields it needs depends on its kind: a departure for delay (with hours), cancelled
    and full (with what is left to us in all); place, from_at and until_at for closed; canal and from_at for canal;
    consignment and ready_at for late; an open consignment's number for new.
    """

    kind: Literal["delay", "cancelled", "full", "closed", "canal", "late", "new"]
    departure: Code | None = Field(default=None, examples=["BARGE-DOWN@20260308T1000"])
    hours: Hours | None = None
    arrival_hours: Hours | None = None
    cutoff_moves: bool | None = None
    capacity: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] | None = None
    place: Code | None = Field(default=None, examples=["KZALS"])
    canal: Literal["suez", "panama"] | None = None
    from_at: Instant | None = None
    until_at: Instant | None = None
    consignment: Code | None = None
    ready_at: Instant | None = None


class ReplanIn(Body):
    """What happened to a plan. By default everything before now is frozen, and what has begun on the way."""

    events: Annotated[list[PlanEvent], Field(min_length=1, max_length=100)]
    frozen: Annotated[list[Code], Field(max_length=10_000)] = Field(default_factory=list)
    frozen_until: Instant | None = None
    seconds: Annotated[int, Field(strict=True, ge=1, le=600)] = 5
    move_minor: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = Field(
        default=None, description="fen for each consignment that is moved; by default the shipped price of the day"
    )


@bp.get("/replans")
@policy(*READERS, firms=True, subject="made_plan")
def replans(plan_id: int) -> Response:
    """List the repairs of a plan, newest first: plans side by side."""
    with unit_of_work() as session:
        _known(session, plan_id)
        return jsonify([head(row) for row in stored.repairs_of(session, plan_id)])


@bp.post("/replans")
@policy("planner", firms=True, subject="made_plan", per_minute=20)
@bp.input(ReplanIn, arg_name="body")
def replan(plan_id: int, body: ReplanIn) -> Response:
    """Ask what events break and for the least disruptive repair; the plan itself is not touched."""
    document = body.model_dump(mode="json", exclude_none=True, exclude={"seconds", "move_minor"})

    def act(session: Session) -> Mapping[str, Any]:
        person_id = current_scope().person_id
        made = request_replan(session, Asked(plan_id, document, body.seconds, body.move_minor, person_id))
        return {
            "id": made, "replaces_id": plan_id, "state": "queued", "status": url_for("api_plans.plan", plan_id=made),
        }  # fmt: skip

    response = write(act, {"plan_id": plan_id, **body.model_dump(mode="json")}, status=202)
    if response.status_code == 202:
        response.headers["Location"] = response.get_json()["status"]
        response.headers["Retry-After"] = "1"
    return response


@bp.get("/comparison")
@policy(*READERS, firms=True, subject="made_plan")
def comparison(plan_id: int) -> Response:
    """Show what a repair changes: breaks, sums before and after, who moved and why, owner by owner. Null for a plan
    that repairs none.
    """
    with unit_of_work() as session:
        row = _known(session, plan_id)
        found = stored.comparison(session, plan_id)
    return jsonify({"id": plan_id, "replaces_id": row.replaces_id, "currency": "CNY", "comparison": found})


@bp.get("/against/<int:other_id>")
@policy(*READERS, firms=True, subject="plan_pair")
def against(plan_id: int, other_id: int) -> Response:
    """Lay any two plans side by side: sums, who goes otherwise, owner by owner; this one is before, the other after."""
    with unit_of_work() as session:
        heads = [_known(session, one) for one in (plan_id, other_id)]
        plans = [stored.plan_document(session, one) for one in (plan_id, other_id)]
    for row, plan in zip(heads, plans, strict=True):
        if plan is None:
            raise UnknownPlan(plan_id=row.id)
    before, after = (plan for plan in plans if plan is not None)
    same = heads[0].snapshot_sha256 == heads[1].snapshot_sha256
    told = beside(before, after).model_dump(mode="json", exclude={"stability_minor", "frozen", "concerned"})
    return jsonify({"id": plan_id, "other_id": other_id, "currency": "CNY", "same_snapshot": same, "comparison": told})


@bp.post("/replacement")
@policy("planner", firms=True, subject="made_plan")
def replacement(plan_id: int) -> Response:
    """Let a repair take the place of the accepted plan that it repairs: bookings and room move, all or nothing."""

    def act(session: Session) -> Mapping[str, Any]:
        booked = accept_in_place(session, plan_id, person_id=current_scope().person_id)
        return {"id": plan_id, "state": "accepted", "booked": booked}

    return write(act, {"plan_id": plan_id, "deed": "replacement"})


def _known(session: Session, plan_id: int) -> stored.PlanRow:
    row = stored.plan_row(session, plan_id)
    if row is None:
        raise UnknownPlan(plan_id=plan_id)
    return row
