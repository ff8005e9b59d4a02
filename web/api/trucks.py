"""The firm's trucks: list, add, amend, withdraw with a reason."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from routing.rounds.desk import fleet
from web.api.idempotency import write
from web.api.schemas import Body, Whole
from web.auth.policy import READERS, policy
from web.context import current_scope, planning_company, unit_of_work

bp = APIBlueprint("api_trucks", __name__, url_prefix="/api/v1/trucks", tag="Planning")
Word16 = Annotated[str, Field(max_length=80)]
EXAMPLE: dict[str, str | int] = {
    "kind": "T42", "depot": "CNCLJ", "payload_g": 4_200_000, "volume_cm3": 17_000_000, "pallets": 7,
    "fixed_minor": 20_000, "km_minor": 190, "hour_minor": 4200, "speed_km_h": 45, "start_min": 360, "end_min": 1200,
    "shift_s": 43_200, "trips": 1,
}  # fmt: skip


class TruckFigures(Body):
    """A truck: g, cm3, fen, minutes after midnight in Beijing, seconds away from home at most."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE}]})
    kind: Word16
    depot: Word16
    payload_g: Whole
    volume_cm3: Whole
    pallets: Whole | None = None
    fixed_minor: Whole
    km_minor: Whole
    hour_minor: Whole
    speed_km_h: Whole
    start_min: Whole
    end_min: Whole
    shift_s: Whole
    trips: Whole = 1


class NewTruck(TruckFigures):
    """A truck with its plate."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plate": "湘F12345", **EXAMPLE}]})
    plate: Word16


class WithdrawTruck(Body):
    """Why a truck leaves the fleet."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "sold"}]})
    reason: Annotated[str, Field(max_length=2000)]


def _row(one: Any) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in (*fleet.FIELDS, "version", "withdrawn_reason")}
    return values | {"withdrawn_at": one.withdrawn_at.isoformat() if one.withdrawn_at else None}


@bp.get("")
@policy(*READERS, firms=True)
def trucks() -> Response:
    """List the fleet, those withdrawn last."""
    with unit_of_work() as session:
        return jsonify([_row(one) for one in fleet.trucks(session, company_id=planning_company())])


@bp.post("")
@policy("planner", firms=True)
@bp.input(NewTruck, arg_name="body")
def add(body: NewTruck) -> Response:
    """Enter a truck. Each field that breaks a rule is named."""

    def act(session: Session) -> Mapping[str, Any]:
        form = fleet.TruckForm(**body.model_dump())
        made = fleet.add_truck(session, form, company_id=planning_company(), person_id=current_scope().person_id)
        return {"id": made, "plate": body.plate, "version": 1}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/<plate>")
@policy(*READERS, firms=True, subject="truck")
def truck(plate: str) -> Response:
    """Show a truck."""
    with unit_of_work() as session:
        return jsonify(_row(fleet.truck(session, plate)))


@bp.put("/<plate>")
@policy("planner", firms=True, subject="truck")
@bp.input(TruckFigures, arg_name="body")
def amend(plate: str, body: TruckFigures) -> Response:
    """Change a truck; rounds that were made with it before cannot be booked any more."""

    def act(session: Session) -> Mapping[str, Any]:
        form = fleet.TruckForm(plate=plate, **body.model_dump())
        return {"plate": plate, "version": fleet.amend_truck(session, plate, form, person_id=current_scope().person_id)}

    return write(act, {"plate": plate, **body.model_dump(mode="json")})


@bp.post("/<plate>/withdrawal")
@policy("planner", firms=True, subject="truck")
@bp.input(WithdrawTruck, arg_name="body")
def withdraw(plate: str, body: WithdrawTruck) -> Response:
    """Take a truck out of the fleet, with a reason."""

    def act(session: Session) -> Mapping[str, Any]:
        who, now = current_scope().person_id, datetime.now(UTC)
        fleet.withdraw_truck(session, plate, body.reason, person_id=who, now=now)
        return {"plate": plate, "state": "withdrawn"}

    return write(act, {"plate": plate, **body.model_dump(mode="json")})
