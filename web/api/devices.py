"""Devices by API: what each sent and how it was understood, and reading stored messages again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from iot import messages
from iot.devices import FORMATS
from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Instant, Page, Query, RowId
from web.auth.policy import policy
from web.context import current_scope, settings, unit_of_work
from web.live import WATCHERS

bp = APIBlueprint("api_devices", __name__, url_prefix="/api/v1", tag="Devices")
READING_AGAIN = ("customs_officer", "supervisor")


class MessageQuery(Query):
    """Which messages: of one device, in a state (received, parsed, dead, open), in a period, below a row."""

    device_id: int | None = Field(default=None, ge=1)
    state: str | None = Field(default=None, pattern="^(received|parsed|dead|open)$")
    since: Instant | None = None
    until: Instant | None = None
    before: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=1, le=500)


class ReadAgainBody(Body):
    """The stored messages to read again with today's adapters and profiles."""

    message_ids: Annotated[list[RowId], Field(min_length=1, max_length=messages.MOST_AT_ONCE, examples=[[4711, 4712]])]


@bp.get("/device-formats")
@policy(*WATCHERS)
def formats() -> Response:
    """The formats that are understood, each with its key, its source of time and its quality list."""
    return jsonify(
        [
            {
                "format": one.name,
                "title": one.title,
                "version": one.version,
                "makers": one.makers,
                "transports": one.transports,
                "topics": one.topics,
                "key": one.key,
                "time": one.time,
                "qos": one.qos,
                "best_effort": one.is_best_effort,
                "heartbeat_s": one.heartbeat_s,
                "quality": dict(one.quality),
            }
            for one in FORMATS.values()
        ]
    )


@bp.get("/devices")
@policy(*WATCHERS)
@bp.input(Page, location="query", arg_name="query")
def devices(query: Page) -> Response:
    """Devices: how many messages each says it sent, how many are held and missing, how many could not be read."""
    with unit_of_work() as session:
        rows = messages.devices(session, after=query.after, limit=query.limit + 1)
    return page_of([{**asdict(row), "held": row.held} for row in rows], after=query.after, limit=query.limit)


@bp.get("/devices/<int:device_id>/gaps")
@policy(*WATCHERS)
def gaps(device_id: int) -> Response:
    """Numbers of a device that never came, the open ones first."""
    names = ("id", "boot", "seq_from", "seq_to", "found_at", "asked", "asked_at", "closed_at")
    with unit_of_work() as session:
        found = messages.gaps(session, device_id)
        return jsonify([{name: getattr(one, name) for name in names} for one in found])


@bp.get("/device-messages")
@policy(*WATCHERS)
@bp.input(MessageQuery, location="query", arg_name="query")
def listed(query: MessageQuery) -> Response:
    """Stored messages, the newest first; the next page begins ``before`` the last id of this one."""
    asked = messages.Asked(query.device_id, query.state, query.since, query.until, query.before)
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in messages.messages(session, asked, query.limit)])


@bp.get("/device-messages/<int:message_id>")
@policy(*WATCHERS)
def one(message_id: int) -> Response:
    """One message: its bytes in hexadecimal, every reading and fault, and what came under its id with other bytes."""
    with unit_of_work() as session:
        return jsonify(_body(messages.understanding(session, message_id)))


def _body(found: messages.Understanding) -> Mapping[str, Any]:
    row = found.message
    plain = ["id", "source", "message_key", "is_weak_key", "topic", "qos", "is_dup", "is_retained", "is_will", "door"]
    plain += ["received_at", "state", "adapter", "adapter_version", "copies"]
    shown_as, shown = messages.shown_raw(bytes(row.payload))
    reading = ("id", "kind", "event_at", "recorded_at", "is_live", "flags", "payload", "adapter_version", "state")
    letter = ("id", "reason", "detail", "adapter", "adapter_version", "recorded_at", "closed_at")
    return {
        **{name: getattr(row, name) for name in plain},
        "device": found.device.code if found.device else None,
        "payload_hex": bytes(row.payload).hex(),
        "payload_sha256": bytes(row.payload_sha256).hex(),
        "shown_as": shown_as,
        "shown": shown,
        "readings": [{name: getattr(each, name) for name in reading} for each in found.readings],
        "letters": [{name: getattr(each, name) for name in letter} for each in found.letters],
        "conflicts": [
            {"received_at": each.received_at, "copies": each.copies, "payload_hex": bytes(each.payload).hex()}
            for each in found.conflicts
        ],
    }


@bp.post("/device-messages/replay")
@policy(*READING_AGAIN)
@bp.input(ReadAgainBody, arg_name="body")
def replay(body: ReadAgainBody) -> Response:
    """Read stored messages again with today's adapters. What comes of it is history and never moves a barrier."""

    def act(session: Session) -> Mapping[str, Any]:
        done = messages.read_again(session, body.message_ids, settings().secret_key, current_scope().person_id)
        return {"messages": done.messages}

    return write(act, body.model_dump(mode="json"))
