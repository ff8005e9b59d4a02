"""Set-up that is dated data: transfer lanes and limits of temperature, each row with its first day and its source."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.schemas import Body, Code
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.freight.rules import MODES
from wms.freight.service import lanes
from wms.parties.tables import TEMPERATURE_CLASSES
from wms.watch.service import limits

bp = APIBlueprint("api_setup", __name__, url_prefix="/api/v1", tag="Set-up")

Source = Annotated[str, Field(min_length=3, max_length=400)]


class LaneIn(Body):
    """How long goods take from site to site by a mode: mean and standard deviation in days."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "from_site": "CLJ-W1", "to_site": "OW-DUI", "mode": "rail", "mean_days": "18.5",
                "deviation_days": "3", "valid_from_on": "2027-01-01", "source": "forwarder's figures of 2026",
            }
        }
    )  # fmt: skip
    from_site: Code
    to_site: Code
    mode: Literal[MODES]  # type: ignore[valid-type]
    mean_days: Decimal
    deviation_days: Decimal
    valid_from_on: date
    source: Source


class LimitIn(Body):
    """Between which temperatures in degrees Celsius, and for how many minutes goods may be beyond them.

    For a class of goods; of one owner; or for one item of the owner.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "temperature_class": "frozen", "owner": "HNYL", "high_c": "-18", "minutes": 30,
                "valid_from_on": "2027-01-01", "source": "contract 2027-4, annex 2",
            }
        }
    )  # fmt: skip
    temperature_class: Literal[TEMPERATURE_CLASSES]  # type: ignore[valid-type]
    owner: Code | None = None
    item: Code | None = None
    low_c: Decimal | None = None
    high_c: Decimal | None = None
    minutes: Annotated[int, Field(strict=True)]
    valid_from_on: date
    source: Source


@bp.get("/transfer-lanes")
@policy(*READERS)
def lane_list() -> Response:
    """List lead times of lanes and of modes with the day from which each holds and where it is taken from."""
    with unit_of_work() as session:
        return jsonify([asdict(one) for one in lanes.lanes(session)])


@bp.post("/transfer-lanes")
@policy("supervisor", "planner")
@bp.input(LaneIn, arg_name="body")
def new_lane(body: LaneIn) -> Response:
    """Enter a lane's lead time from a day on; what held before stays on record."""

    def act(session: Session) -> Mapping[str, Any]:
        return {"lane": lanes.set_lane(session, lanes.SetLane(**dict(body)))}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/temperature-limits")
@policy(*READERS)
def limit_list() -> Response:
    """List limits of temperature with the day from which each holds and where it is taken from."""
    with unit_of_work() as session:
        return jsonify([asdict(one) for one in limits.limits(session)])


@bp.post("/temperature-limits")
@policy("supervisor")
@bp.input(LimitIn, arg_name="body")
def new_limit(body: LimitIn) -> Response:
    """Enter a limit from a day on; what lies there is judged by it from that day."""

    def act(session: Session) -> Mapping[str, Any]:
        return {"subject": limits.set_limit(session, limits.SetLimit(**dict(body)))}

    return write(act, body.model_dump(mode="json"), status=201)
