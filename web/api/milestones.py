"""Milestones: what is expected and what happened on the way, reported of a consignment, a box or a departure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.schemas import LARGEST, Body, Code, Instant, Text
from web.auth.policy import READERS, policy
from web.context import current_scope, unit_of_work
from web.milestones import event_lines, line_json
from wms.errors import N_, Kind, WmsError
from wms.freight import queries
from wms.freight.rules import EVENTS, UnknownConsignment
from wms.freight.rules.milestones import SOURCES, check_source
from wms.freight.service import milestones as service

bp = APIBlueprint("api_milestones", __name__, url_prefix="/api/v1", tag="Planning")
WRITERS = ("planner", "supervisor", "declarant", "clerk")


class OneSubject(WmsError):
    """A report is about a consignment, or a box of a plan, or a departure."""

    code = "milestone_of_one_subject"
    kind = Kind.INVALID
    text = N_("Name one of the three: a consignment, a box with its plan, or a departure.")


class MilestoneIn(Body):
    """One report. Name a consignment, or a plan's box, or a departure (all that travels with it is meant).

    ``kind``: EST expected, REQ asked for, ACT really so. ``leg_no`` counts the legs of the way from 1; a departure
    knows its own. ``place`` is taken from the leg when it is left out.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "departure": "BARGE-SHA@20261201T1000", "event": "departure", "kind": "EST",
                "event_at": "2026-12-01T18:00:00+08:00", "source": "carrier", "note": "fog on the river",
            }
        }
    )  # fmt: skip
    consignment_no: Code | None = None
    plan_id: Annotated[int, Field(strict=True, ge=1, le=LARGEST)] | None = None
    box_no: Code | None = None
    departure: Code | None = None
    event: Literal[EVENTS]  # type: ignore[valid-type]
    kind: Literal["PLN", "EST", "REQ", "ACT"]
    event_at: Instant
    source: Literal[SOURCES[1:]]  # type: ignore[valid-type]
    leg_no: Annotated[int, Field(strict=True, ge=1, le=99)] | None = None
    place: Code | None = None
    note: Text = ""


@bp.post("/milestones")
@policy(*WRITERS, firms=True)
@bp.input(MilestoneIn, arg_name="body")
def report(body: MilestoneIn) -> Response:
    """Report what is expected or happened. It is appended; saying the same again adds nothing. A firm reports on its
    own consignments only, and what carrier, forwarder or consignee say.
    """
    check_source(body.source, sees_all=current_scope().sees_all)
    said = service.Report(body.event, body.kind, body.event_at, body.source, body.leg_no, body.place, body.note)

    def act(session: Session) -> Mapping[str, Any]:
        written = _write(session, body, said)
        return {"consignments": written.consignments, "new": written.new}

    return write(act, body.model_dump(mode="json"), status=201)


def _write(session: Session, body: MilestoneIn, said: service.Report) -> service.Written:
    now = datetime.now(UTC)
    named = [body.consignment_no is not None, body.plan_id is not None or body.box_no is not None,
             body.departure is not None]  # fmt: skip
    if sum(named) != 1:
        raise OneSubject(field="consignment_no")
    if body.consignment_no is not None:
        return service.report_consignment(session, body.consignment_no, said, now)
    if body.departure is not None:
        return service.report_departure(session, body.departure, said, now)
    if body.plan_id is None or body.box_no is None:
        raise OneSubject(field="box_no" if body.box_no is None else "plan_id")
    return service.report_box(session, body.plan_id, body.box_no, said, now)


@bp.get("/consignments/<consignment_no>/milestones")
@policy(*READERS, firms=True, subject="consignment")
def milestones(consignment_no: str) -> Response:
    """Show the way of a consignment, one line an event with its newest PLN, REQ, EST and ACT, and all that was said."""
    with unit_of_work() as session:
        if queries.consignment(session, consignment_no) is None:
            raise UnknownConsignment(consignment_no=consignment_no)
        rows = queries.milestones(session, consignment_no)
    history = [
        vars(row) | {"event_at": row.event_at.isoformat(), "recorded_at": row.recorded_at.isoformat()} for row in rows
    ]
    return jsonify(
        {
            "consignment_no": consignment_no,
            "way": [line_json(line) for line in event_lines(rows)],
            "history": history,
        }
    )
