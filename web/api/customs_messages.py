"""Messages to and from customs: bring one in, list them, see what is wrong with one, take its bytes for a reason."""

import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Page, Query
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.i18n import localised
from wms.customs.messages import post_office, queries
from wms.customs.tables.messages import IN_STATES, MESSAGE_DIRECTIONS, OUT_STATES
from wms.errors import N_, InvalidField

bp = APIBlueprint("api_customs_messages", __name__, url_prefix="/api/v1", tag="Customs")
NOT_BASE64 = N_("must be base64")


class MessageIn(Body):
    """A message as it came, in base64, and from where."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"content_base64": "PGNlYjpDRUI2MjJNZXNzYWdlLz4=", "source": "e-port"}}
    )

    content_base64: Annotated[str, Field(min_length=1, max_length=24_000_000)]
    source: Code


class MessageQuery(Page):
    """Which messages; ``after`` is the last id of the page before, the newest come first."""

    direction: Literal[MESSAGE_DIRECTIONS] | None = None  # type: ignore[valid-type]
    state: Literal[OUT_STATES + IN_STATES] | None = None  # type: ignore[valid-type]
    kind: Code | None = None
    number: Code | None = None


class ReasonQuery(Query):
    """Why the bytes are needed."""

    reason: Annotated[str, Field(max_length=500)] = ""


@bp.post("/customs-messages")
@policy("declarant", "customs_officer", "device")
@bp.input(MessageIn, arg_name="body")
def bring(body: MessageIn) -> Response:
    """Take a message of customs: kept whatever it is; a receipt moves what it answers, forward only."""
    try:
        data = base64.b64decode(body.content_base64, validate=True)
    except ValueError:  # wrong signs, or none of base64 at all
        raise InvalidField(field="content_base64", name="content_base64", rule=NOT_BASE64) from None
    return write(lambda session: _take(session, data, body.source), body.model_dump(mode="json"), status=201)


def _take(session: Session, data: bytes, source: str) -> Mapping[str, Any]:
    taken = post_office.take(session, data, source)
    if taken.state == "taken":
        post_office.take_up_again(session)  # what came before it and builds on it
    return asdict(taken)


@bp.get("/customs-messages")
@policy(*READERS)
@bp.input(MessageQuery, location="query", arg_name="query")
def listed(query: MessageQuery) -> Response:
    """List messages, the newest first, without their bytes."""
    with unit_of_work() as session:
        rows = queries.messages(
            session, direction=query.direction, kind=query.kind, number=query.number, state=query.state,
            before=query.after, limit=query.limit + 1,
        )  # fmt: skip
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/customs-messages/<int:message_id>")
@policy(*READERS, subject="customs_message")
def one(message_id: int) -> Response:
    """Show a message and what is found in it: rule, field and text in the caller's language."""
    with unit_of_work() as session:
        row = queries.message(session, message_id)
        found = queries.findings(session, message_id)
    said = [
        {"rule": each.rule, "field": each.field, "text": localised(each.text, dict(each.values))} for each in found
    ]  # fmt: skip
    return jsonify(asdict(row) | {"findings": said})


@bp.get("/customs-messages/<int:message_id>/bytes")
@policy("declarant", "customs_officer", "auditor", subject="customs_message")
@bp.input(ReasonQuery, location="query", arg_name="query")
def content(message_id: int, query: ReasonQuery) -> Response:
    """Give a message as it came or left, to the byte. It names people: the reason is put on record."""
    with unit_of_work() as session:
        row, raw = queries.raw_bytes(session, message_id, query.reason)
    answer = Response(raw, mimetype="application/xml")
    answer.headers["Content-Disposition"] = f'attachment; filename="{row.kind.strip("?") or "message"}-{row.id}.xml"'
    return answer
