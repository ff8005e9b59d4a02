"""Trade-off curves: ask for one, watch it, read what each weighting pays, waits and burns."""

from collections.abc import Mapping
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for
from pydantic import Field
from sqlalchemy.orm import Session

from routing.curves import CurveAsked, CurvePlan, CurveRow, curve_row, curves, plans_of, request_curve
from routing.tradeoff import Weights
from web.api.idempotency import write
from web.api.plans import head
from web.api.schemas import LARGEST, Body, Query
from web.api.wishes import WishesIn
from web.auth.policy import READERS, policy
from web.context import current_scope, planning_company, unit_of_work

bp = APIBlueprint("api_curves", __name__, url_prefix="/api/v1/plan-curves", tag="Planning")

Times = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class WeightingIn(Body):
    """By how much time and CO2 count more than in the rules of the network."""

    time: Times = 1
    carbon: Times = 1


class CurveIn(WishesIn):
    """What to plan, once for each weighting: all open consignments that the caller sees. `seconds`: for all together;
    `weightings`: by default those shipped for the day; the rules' own is always among them.
    """

    seconds: Annotated[int, Field(strict=True, ge=10, le=3600)] = 150
    weeks: Annotated[int, Field(strict=True, ge=1, le=12)] = 4
    seed: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] = 1
    weightings: Annotated[list[WeightingIn], Field(min_length=1, max_length=20)] | None = Field(
        default=None, examples=[[{"time": 5, "carbon": 1}, {"time": 1, "carbon": 10}]]
    )


class CurvesQuery(Query):
    """The latest curves; `before` a curve's number, at most `limit`."""

    before: int | None = Field(default=None, ge=1, le=LARGEST)
    limit: int = Field(default=20, ge=1, le=500)


@bp.get("")
@policy(*READERS, firms=True)
@bp.input(CurvesQuery, location="query", arg_name="query")
def curves_made(query: CurvesQuery) -> Response:
    """List trade-off curves, newest first."""
    with unit_of_work() as session:
        rows = curves(session, before_id=query.before, limit=query.limit + 1)
    response = jsonify([_head(row) for row in rows[: query.limit]])
    if len(rows) > query.limit:
        address = url_for("api_curves.curves_made", before=rows[query.limit - 1].id, limit=query.limit)
        response.headers["Link"] = f'<{address}>; rel="next"'
    return response


@bp.post("")
@policy("planner", firms=True, per_minute=20)
@bp.input(CurveIn, arg_name="body")
def new_curve(body: CurveIn) -> Response:
    """Ask for a trade-off curve; the answer comes at once, its plans one after another."""

    def act(session: Session) -> Mapping[str, Any]:
        who = current_scope()
        given = body.weightings
        asked = CurveAsked(
            [Weights(time=one.time, carbon=one.carbon) for one in given] if given is not None else None,
            body.seconds, body.weeks, body.seed, who.person_id, planning_company(),
            body.wishes(),
        )  # fmt: skip
        made = request_curve(session, asked)
        return {"id": made, "status": url_for("api_curves.curve", curve_id=made)}

    response = write(act, body.model_dump(mode="json"), status=202)
    if response.status_code == 202:
        response.headers["Location"] = response.get_json()["status"]
        response.headers["Retry-After"] = "1"
    return response


@bp.get("/<int:curve_id>")
@policy(*READERS, firms=True, subject="curve")
def curve(curve_id: int) -> Response:
    """Show a trade-off curve: each weighting, its plan, what it takes; `beaten`: another is no worse in anything."""
    with unit_of_work() as session:
        row, plans = curve_row(session, curve_id), plans_of(session, curve_id)
    return jsonify(_head(row) | {"currency": "CNY", "plans": [_plan(one) for one in plans]})


def _head(row: CurveRow) -> dict[str, Any]:
    return {**vars(row), "requested_at": row.requested_at.isoformat()}


def _plan(one: CurvePlan) -> dict[str, Any]:
    made = one.point
    own = {
        **made.sums.model_dump(), "boxes": made.boxes, "weighted_objective_minor": made.objective_minor,
        "weighted_bound_minor": made.bound_minor, "weighted_gap_ppm": made.gap_ppm, "beaten": one.beaten,
    } if made is not None else None  # fmt: skip
    plan = {name: value for name, value in head(one.row).items() if name not in {"weighting", "curve_id"}}
    return {"weights": one.weights.model_dump(), "takes": own, "plan": plan}
