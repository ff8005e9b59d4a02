"""Transit to and from another customs district (转关): declaration, answers of both offices, withdrawal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Instant, Page, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.customs import transits
from wms.customs.tables import CustomsTransit, VerificationList

bp = APIBlueprint("api_transits", __name__, url_prefix="/api/v1", tag="Customs")
Office = Annotated[str, Field(pattern="^[0-9]{4}$")]


class CustomsTransitIn(Body):
    """A transit declaration: one list, sealed, on one vehicle, to another customs office, by a time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "internal_no": "ZG-1",
                    "list_no": "QD490226E000000001",
                    "office_from": "4902",
                    "office_to": "3105",
                    "plate": "湘F12345",
                    "seal_no": "SEAL-7",
                }
            ]
        }
    )

    internal_no: Code
    list_no: Code
    office_from: Office
    office_to: Office
    plate: Code
    seal_no: Code
    due_at: Instant | None = None


class CustomsTransitAnswer(Body):
    """Customs approved the transit under its number, the other office confirmed the arrival, or it is withdrawn."""

    answer: Literal["approved", "arrived", "void"] = Field(examples=["approved"])
    transit_no: Code | None = None
    document: Code | None = None
    reason: Text = ""


@bp.post("/customs-transits")
@policy("declarant")
@bp.input(CustomsTransitIn, arg_name="body")
def new_transit(body: CustomsTransitIn) -> Response:
    """Send a transit declaration to customs."""

    def act(session: Session) -> Mapping[str, Any]:
        new = transits.NewTransit(
            body.internal_no, body.list_no, body.office_from, body.office_to, body.plate, body.seal_no, body.due_at
        )
        return _shown(session, transits.apply_for(session, new, datetime.now(UTC)))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/customs-transits")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def all_transits(query: Page) -> Response:
    """List transits, each with whether it is overdue."""
    with unit_of_work() as session:
        found = session.scalars(
            select(CustomsTransit)
            .where(CustomsTransit.id > query.after)
            .order_by(CustomsTransit.id)
            .limit(query.limit + 1)
        )
        rows = [_shown(session, one) for one in found]
    return page_of(rows, after=query.after, limit=query.limit)


@bp.get("/customs-transits/<number>")
@policy(*READERS, firms=True, subject="customs_transit")
def one_transit(number: str) -> Response:
    """Show a transit by customs' number or our own."""
    with unit_of_work() as session:
        return jsonify(_shown(session, transits.by_no(session, number)))


@bp.post("/customs-transits/<number>/answers")
@policy("declarant", "customs_officer", subject="customs_transit")
@bp.input(CustomsTransitAnswer, arg_name="body")
def transit_answer(number: str, body: CustomsTransitAnswer) -> Response:
    """Take an answer of one of the two customs offices, or withdraw a transit of which nothing left."""

    def act(session: Session) -> Mapping[str, Any]:
        now = datetime.now(UTC)
        if body.answer == "approved":
            found = transits.approve(session, number, body.transit_no or number, now)
        elif body.answer == "arrived":
            found = transits.arrive(session, number, body.document or "", now)
        else:
            found = transits.void(session, number, body.reason)
        return _shown(session, found)

    return write(act, body.model_dump(mode="json"))


def _shown(session: Session, row: CustomsTransit) -> dict[str, Any]:
    names = (
        "id", "internal_no", "transit_no", "office_from", "office_to", "vehicle_plate", "seal_no", "due_at", "state",
        "approved_at", "arrived_at", "arrival_document",
    )  # fmt: skip
    listed = session.get_one(VerificationList, row.verification_list_id)
    late = row.state == "approved" and row.due_at < datetime.now(UTC)
    more = {"list_no": listed.list_no or listed.internal_no, "is_late": late}
    return as_json({name: getattr(row, name) for name in names} | more)
