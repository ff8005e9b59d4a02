"""Inspection centres 1210 and 9610: orders, lanes, results with pictures; exactly the ordered parcels are held."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.gates import officer_id
from web.api.idempotency import write
from web.api.lookups import id_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Page, RowId
from web.auth.policy import policy
from web.context import current_scope, unit_of_work
from web.live import WATCHERS
from wms.customs import inspection_queries as queries
from wms.customs import inspections
from wms.customs.inspection_rules import MOST_PICTURE_BYTES, BadPicture
from wms.customs.tables import ParcelInspection
from wms.parties.tables import Site

bp = APIBlueprint("api_inspections", __name__, url_prefix="/api/v1", tag="Customs")

Mode = Literal["1210", "9610"]
Words = Annotated[str, Field(min_length=1, max_length=500)]
LONGEST_PICTURE = MOST_PICTURE_BYTES * 4 // 3 + 8


class InspectionOrderIn(Body):
    """Which parcels (our number of the declaration, or customs') are to be inspected, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"mode": "1210", "parcels": ["PD00000001"], "reason": "布控查验", "customs_no": "4912-2026-000123"}
            ]
        }
    )

    mode: Mode
    parcels: Annotated[list[Code], Field(min_length=1, max_length=500)]
    reason: Words
    customs_no: Code | None = None


class InspectionLaneIn(Body):
    """A lane of an inspection centre."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "CLJ-CY",
                    "code": "X1",
                    "mode": "1210",
                    "name_zh": "一号线",
                    "name_en": "Line 1",
                    "has_xray": True,
                }
            ]
        }
    )

    site: Code
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$")]
    mode: Mode
    name_zh: Words
    name_en: Words
    has_xray: bool = True


class InspectionStartIn(Body):
    """The lane that takes the parcel."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lane_id": 1}]})

    lane_id: RowId


class InspectionResultIn(Body):
    """What the X-ray or the unpacking showed. ``finding`` is needed unless it passed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"method": "xray", "outcome": "suspicious", "finding": "与申报品名不符的轮廓"}]}
    )

    method: Literal["xray", "unpack"]
    outcome: Literal["passed", "suspicious", "failed"]
    finding: Annotated[str, Field(max_length=1000)] = ""


class InspectionPictureIn(Body):
    """A picture, JPEG or PNG, in base64."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content": "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="}]})

    content: Annotated[str, Field(min_length=8, max_length=LONGEST_PICTURE)]


class InspectionLiftIn(Body):
    """Why a detained parcel may go after all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "补充申报已核实"}]})

    reason: Words


class InspectionDrawIn(Body):
    """Of which mode parcels are drawn at random."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mode": "9610"}]})

    mode: Mode


class InspectionQuery(Page):
    """Filters of the list of inspections."""

    state: Literal["waiting", "examining", "cleared", "detained"] | None = None
    mode: Mode | None = None


def _now() -> tuple[datetime, int | None]:
    return datetime.now(UTC), current_scope().person_id


def _body(row: ParcelInspection) -> Mapping[str, Any]:
    return {"id": row.id, "state": row.state, "is_suspicious": row.is_suspicious}


@bp.post("/inspection-orders")
@policy("customs_officer")
@bp.input(InspectionOrderIn, arg_name="body")
def new_order(body: InspectionOrderIn) -> Response:
    """Order the inspection of parcels: each is on hold from now on, and no other."""
    at, person_id = _now()

    def act(session: Session) -> Mapping[str, Any]:
        command = inspections.Order(tuple(body.parcels), body.mode, body.reason, at, person_id, body.customs_no)
        made = inspections.order(session, command)
        return {"id": made.id, "order_no": made.order_no, "parcels": len(set(body.parcels))}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/inspection-draws")
@policy("customs_officer")
@bp.input(InspectionDrawIn, arg_name="body")
def new_draw(body: InspectionDrawIn) -> Response:
    """Let the random rule of the day choose among released parcels that were never drawn."""
    at, person_id = _now()

    def act(session: Session) -> Mapping[str, Any]:
        drawn, made = inspections.draw(session, body.mode, at, person_id=person_id)
        return {"drawn": drawn, "order_no": made.order_no if made else None}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/inspection-lanes")
@policy(*WATCHERS)
def lanes() -> Response:
    """Lanes of all centres with the parcels on them."""
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in queries.lanes(session)])


@bp.post("/inspection-lanes")
@policy("supervisor")
@bp.input(InspectionLaneIn, arg_name="body")
def new_lane(body: InspectionLaneIn) -> Response:
    """Set up a lane of an inspection centre."""

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        names = (body.name_zh, body.name_en)
        made = inspections.add_lane(session, site_id, body.code, body.mode, names, has_xray=body.has_xray)
        return {"id": made.id, "code": made.code}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/parcel-inspections")
@policy(*WATCHERS)
@bp.input(InspectionQuery, location="query", arg_name="query")
def listed(query: InspectionQuery) -> Response:
    """Parcels under inspection, and those that were."""
    with unit_of_work() as session:
        found = queries.inspections(
            session, state=query.state, mode=query.mode, after=query.after, limit=query.limit + 1
        )
        rows = [as_json(row) for row in found]
    return page_of(rows, after=query.after, limit=query.limit)


@bp.get("/parcel-inspections/<int:inspection_id>")
@policy(*WATCHERS)
def one(inspection_id: int) -> Response:
    """One inspection with its steps and its pictures' hashes."""
    with unit_of_work() as session:
        row, steps, pictures = queries.inspection(session, inspection_id)
        return jsonify(
            {**as_json(row), "steps": [as_json(one) for one in steps], "pictures": [*map(as_json, pictures)]}
        )


@bp.get("/inspection-pictures/<int:picture_id>")
@policy(*WATCHERS)
def picture(picture_id: int) -> Response:
    """The bytes of a picture."""
    with unit_of_work() as session:
        media_type, content = queries.picture(session, picture_id)
    return Response(content, mimetype=media_type)


@bp.post("/parcel-inspections/<int:inspection_id>/start")
@policy("customs_officer")
@bp.input(InspectionStartIn, arg_name="body")
def start(inspection_id: int, body: InspectionStartIn) -> Response:
    """Take a waiting parcel on a lane."""
    at, person_id = datetime.now(UTC), officer_id()
    return write(
        lambda session: _body(inspections.start(session, inspection_id, body.lane_id, at, person_id)),
        body.model_dump(mode="json"),
    )


@bp.post("/parcel-inspections/<int:inspection_id>/pictures")
@policy("customs_officer")
@bp.input(InspectionPictureIn, arg_name="body")
def new_picture(inspection_id: int, body: InspectionPictureIn) -> Response:
    """Keep a picture of the X-ray or of what was unpacked."""
    at, person_id = datetime.now(UTC), officer_id()

    def act(session: Session) -> Mapping[str, Any]:
        try:
            content = base64.b64decode(body.content, validate=True)
        except binascii.Error:
            raise BadPicture(field="content", most=MOST_PICTURE_BYTES) from None
        made = inspections.add_picture(session, inspection_id, content, at, person_id)
        return {"id": made.id, "sha256": made.sha256.hex(), "media_type": made.media_type}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/parcel-inspections/<int:inspection_id>/result")
@policy("customs_officer")
@bp.input(InspectionResultIn, arg_name="body")
def result(inspection_id: int, body: InspectionResultIn) -> Response:
    """Write what the X-ray or unpacking showed: passed lets the parcel go, failed detains it."""
    at, person_id = datetime.now(UTC), officer_id()
    said = inspections.Result(inspection_id, body.method, body.outcome, body.finding, at, person_id)
    return write(lambda session: _body(inspections.note_result(session, said)), body.model_dump(mode="json"))


@bp.post("/parcel-inspections/<int:inspection_id>/lift")
@policy("customs_officer")
@bp.input(InspectionLiftIn, arg_name="body")
def lift(inspection_id: int, body: InspectionLiftIn) -> Response:
    """Let a detained parcel go after all, with a reason."""
    at, person_id = datetime.now(UTC), officer_id()
    return write(
        lambda session: _body(inspections.lift(session, inspection_id, body.reason, at, person_id)),
        body.model_dump(mode="json"),
    )
