"""Emergency: ranks of relief goods, and a plan that serves them first."""

from collections.abc import Mapping
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, url_for
from pydantic import Field
from sqlalchemy.orm import Session

from routing.emergency_desk import EmergencyAsked, request_emergency
from web.api.idempotency import write
from web.api.schemas import Body, Code
from web.api.wishes import WishesIn
from web.auth.policy import policy
from web.context import current_scope
from wms.freight.rules import LAST_RANK
from wms.freight.service import set_priority

bp = APIBlueprint("api_emergency", __name__, url_prefix="/api/v1", tag="Planning")


class RankIn(Body):
    """The rank of a consignment in an emergency: 1 before 2; 0 for ordinary goods."""

    priority: Annotated[int, Field(strict=True, ge=0, le=LAST_RANK, examples=[1])]


class EmergencyIn(WishesIn):
    """An emergency plan of all open consignments; `closed`: places that nothing leaves, reaches or crosses."""

    seconds: Annotated[int, Field(strict=True, ge=10, le=3600)] = 60
    weeks: Annotated[int, Field(strict=True, ge=1, le=12)] = 4
    seed: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] = 1
    closed: Annotated[list[Code], Field(max_length=50)] = Field(default_factory=list, examples=[["CNCLJ"]])


@bp.put("/consignments/<consignment_no>/priority")
@policy("planner", subject="consignment")
@bp.input(RankIn, arg_name="body")
def priority(consignment_no: str, body: RankIn) -> Response:
    """Give an open consignment its rank in an emergency; plans made before are then out of date."""

    def act(session: Session) -> Mapping[str, Any]:
        version = set_priority(session, consignment_no, body.priority)
        return {"consignment_no": consignment_no, "priority": body.priority, "version": version}

    return write(act, {"consignment_no": consignment_no, **body.model_dump(mode="json")})


@bp.post("/emergency-plans")
@policy("planner", per_minute=20)
@bp.input(EmergencyIn, arg_name="body")
def new_emergency_plan(body: EmergencyIn) -> Response:
    """Ask for a plan that serves relief goods first, rank by rank, whatever it costs, and the rest at least cost."""

    def act(session: Session) -> Mapping[str, Any]:
        asked = EmergencyAsked(
            body.seconds, body.weeks, body.seed, body.closed, current_scope().person_id, body.wishes()
        )
        made = request_emergency(session, asked)
        return {"id": made, "state": "queued", "status": url_for("api_plans.plan", plan_id=made)}

    response = write(act, body.model_dump(mode="json"), status=202)
    if response.status_code == 202:
        response.headers["Location"] = response.get_json()["status"]
        response.headers["Retry-After"] = "1"
    return response
