"""Notices to customs about parcels: taken in, arrived, consolidated, departed, delivered, tallied; their receipts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.retail import plain
from web.api.schemas import Body, Code, Instant, Page
from web.auth.policy import policy
from web.context import customs_desk, unit_of_work
from wms.customs.parcels import notices
from wms.customs.parcels.papers import stamp
from wms.customs.tables.notices import NOTICE_KINDS, NOTICE_STATES, ParcelNotice
from wms.errors import NotFound

bp = APIBlueprint("api_parcel_notices", __name__, url_prefix="/api/v1", tag="Parcels across the border")
DECLARES = ("declarant",)
OFFICE = ("declarant", "customs_officer", "auditor", "supervisor")
TOLD = NOTICE_KINDS[:-1]  # a tally belongs to a return and has an address of its own
Words = Annotated[str, Field(max_length=250)]
HEAD = (
    "customs_code", "operator_code", "operator_name", "agent_code", "agent_name", "traf_mode", "traf_no", "voyage_no",
    "bill_no", "domestic_traf_no", "loct_no", "place", "note",
)  # fmt: skip


class NoticeIn(Body):
    """What is told of which waybills of a carrier; which fields are needed depends on ``kind``.

    ``warehouse_in`` CEB711, ``arrival`` CEB507, ``master_list`` CEB607, ``departure`` CEB509, ``delivery`` CEB513.
    ``at``: when it happened.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "departure", "carrier": "4306960003", "waybills": ["W-1", "W-2"], "customs_code": "4902",
                 "traf_mode": "5", "traf_no": "CZ3001", "voyage_no": "CZ3001", "bill_no": "784-12345675",
                 "at": "2026-12-01T08:00:00+08:00"},
                {"kind": "delivery", "carrier": "4306960003", "waybills": ["W-3"], "at": "2026-12-01T10:00:00+08:00"},
            ]
        }
    )  # fmt: skip

    kind: Literal[TOLD]  # type: ignore[valid-type]
    carrier: Code
    waybills: Annotated[list[Code], Field(min_length=1, max_length=1000)]
    customs_code: Words = ""
    operator_code: Words = ""
    operator_name: Words = ""
    agent_code: Words = ""
    agent_name: Words = ""
    traf_mode: Words = ""
    traf_no: Words = ""
    voyage_no: Words = ""
    bill_no: Words = ""
    domestic_traf_no: Words = ""
    loct_no: Words = ""
    place: Words = ""
    note: Words = ""
    at: Instant | None = None


class TallyIn(Body):
    """Who tallied the goods of an export that came back, and where they lie."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"operator_code": "4306600001", "operator_name": "Site", "place": "R-01"}]}
    )

    operator_code: Code
    operator_name: Code
    place: Words = ""
    at: Instant | None = None


class NoticeReceiptIn(Body):
    """Customs' receipt of a notice (CEB712, 508, 608, 510, 514, 216), entered by hand."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "399", "info": "approved"}]})

    status: Annotated[str, Field(min_length=1, max_length=10)]
    info: Annotated[str, Field(max_length=1000)] = ""
    pre_no: Code | None = None
    at: Instant | None = None


class NoticesQuery(Page):
    """Which notices."""

    kind: Literal[NOTICE_KINDS] | None = None  # type: ignore[valid-type]
    state: Literal[NOTICE_STATES] | None = None  # type: ignore[valid-type]


@bp.post("/parcel-notices")
@policy(*DECLARES)
@bp.input(NoticeIn, arg_name="body")
def tell(body: NoticeIn) -> Response:
    """Tell customs something about parcels; of deliveries one notice for each waybill."""
    desk = customs_desk()

    def act(session: Session) -> Mapping[str, Any]:
        head = {name: value for name in HEAD if (value := getattr(body, name))}
        if body.at is not None:
            head["at"] = stamp(body.at)
        made = notices.tell(session, body.kind, body.carrier, body.waybills, head, datetime.now(UTC), desk)
        return {"notices": [plain(notices.told(row)) for row in made]}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/parcel-notices")
@policy(*OFFICE)
@bp.input(NoticesQuery, location="query", arg_name="query")
def listed(query: NoticesQuery) -> Response:
    """List notices in the order in which they were told, with their waybills and what customs said."""
    with unit_of_work() as session:
        rows = notices.listed(
            session, kind=query.kind, state=query.state, after=query.after, limit=query.limit + 1
        )
    return page_of([plain(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/parcel-notices/<int:notice_id>/receipts")
@policy("declarant", "customs_officer", subject="parcel_notice")
@bp.input(NoticeReceiptIn, arg_name="body")
def receipt(notice_id: int, body: NoticeReceiptIn) -> Response:
    """Take a receipt of customs for a notice; late and repeated ones change nothing."""

    def act(session: Session) -> Mapping[str, Any]:
        row = session.get(ParcelNotice, notice_id)
        if row is None:
            raise NotFound(what=notice_id)
        kind, at = notices.receipt_kind(row), body.at or datetime.now(UTC)
        has_moved = notices.take_receipt(session, kind, row.number, body.status, at, body.info, body.pre_no)
        return {**plain(notices.told(row)), "has_moved": has_moved}

    return write(act, body.model_dump(mode="json"))


@bp.post("/parcel-returns/<int:request_id>/tally")
@policy(*DECLARES, subject="parcel_return")
@bp.input(TallyIn, arg_name="body")
def tally(request_id: int, body: TallyIn) -> Response:
    """Tell customs that the goods of an approved export return are back and were tallied (CEB215)."""
    desk = customs_desk()

    def act(session: Session) -> Mapping[str, Any]:
        operator = (body.operator_code, body.operator_name)
        made = notices.tally(session, request_id, operator, body.at or datetime.now(UTC), desk, body.place)
        return {**plain(notices.told(made))}

    return write(act, body.model_dump(mode="json"), status=201)
