"""Gates by API: lanes, passages and their explanation, an officer's release, alarms."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from iot.evidence import behind
from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Instant, Page, RowId
from web.auth.policy import policy
from web.context import current_scope, settings, unit_of_work
from web.evidence import export
from web.live import WATCHERS
from wms.gate import queries
from wms.gate.rules.refusals import NotAnOfficer
from wms.gate.service import ReleaseHold, approve_release, close_passage, refuse_release, release_hold
from wms.gate.service.by_hand import NoteOpening, lower_barrier, note_opening, unlock_lane
from wms.gate.tables import Release
from wms.record.bundles import signing_key
from wms.watch import queries as watch
from wms.watch import service as watching

bp = APIBlueprint("api_gates", __name__, url_prefix="/api/v1/gates", tag="Gates")

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class ReleaseBody(Body):
    """Why the held vehicle may go: in words, and by a reason of the list."""

    reason: Reason
    reason_code: Annotated[str, Field(min_length=1, max_length=40)] = Field(default="other", examples=["weighed_again"])


class CauseBody(Body):
    """What caused the alarm."""

    cause: Reason


class BarrierBody(Body):
    """What the barrier shall do, and why. To open it needs a release, so it is not asked for here."""

    action: Literal["close", "lock", "unlock"]
    reason: Reason


class OpeningBody(Body):
    """A barrier that was opened by hand: when, why, and the address of the picture in the recorder."""

    cause: Literal["fire", "medical", "barrier_fault", "power", "maintenance", "officer_order"]
    memo: Reason
    picture: Annotated[str, Field(min_length=1, max_length=500)]
    picture_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    opened_at: Instant
    alarm_id: RowId | None = None


class PassageQuery(Page):
    """Filters of the list of passages."""

    state: str | None = None
    plate: str | None = None


def officer_id() -> int:
    """The officer who acts: a person, never a mere token. Raises :class:`NotAnOfficer`."""
    person_id = current_scope().person_id
    if person_id is None:
        raise NotAnOfficer
    return person_id


def release_body(release: Release) -> Mapping[str, Any]:
    """A release as an answer."""
    return {"release_id": release.id, "passage_id": release.passage_id, "state": release.state}


@bp.get("/lanes")
@policy(*WATCHERS)
def lanes() -> Response:
    """Every lane with its barrier and the passage that stands in it."""
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in queries.lanes_now(session)])


@bp.post("/lanes/<int:lane_id>/barrier")
@policy("customs_officer")
@bp.input(BarrierBody, arg_name="body")
def barrier(lane_id: int, body: BarrierBody) -> Response:
    """Close a barrier, lock its lane (it opens for nobody), or put the lane into use again."""
    officer, at = officer_id(), datetime.now(UTC)

    def act(session: Session) -> Mapping[str, Any]:
        if body.action == "unlock":
            made = unlock_lane(session, lane_id, officer_id=officer, reason=body.reason, at=at)
        else:
            locked = body.action == "lock"
            made = lower_barrier(session, lane_id, officer_id=officer, reason=body.reason, locked=locked, at=at)
        return {"lane_id": lane_id, "cmd_id": str(made.cmd_id) if made else None}

    return write(act, body.model_dump(mode="json"))


@bp.post("/lanes/<int:lane_id>/openings")
@policy("customs_officer")
@bp.input(OpeningBody, arg_name="body")
def opening(lane_id: int, body: OpeningBody) -> Response:
    """Note that you opened a barrier by hand; the alarm that told of it is named, and stays open."""
    officer, at = officer_id(), datetime.now(UTC)

    def act(session: Session) -> Mapping[str, Any]:
        row = note_opening(session, NoteOpening(lane_id, officer, at=at, **body.model_dump()))
        return {"id": row.id, "alarm_id": row.alarm_id, "passage_id": row.passage_id}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/passages")
@policy(*WATCHERS)
@bp.input(PassageQuery, location="query", arg_name="query")
def passages(query: PassageQuery) -> Response:
    """Passages, the newest first."""
    with unit_of_work() as session:
        rows = queries.passages(session, after=query.after, limit=query.limit + 1, state=query.state, plate=query.plate)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/passages/<int:passage_id>")
@policy(*WATCHERS)
def passage(passage_id: int) -> Response:
    """Why a vehicle was let out or held: every reading, the checks in order, inputs, releases, commands, goods."""
    with unit_of_work() as session:
        found = queries.explain(session, passage_id)
        body = {name: value for name, value in vars(found).items() if name not in ("case", "gate_pass")}
        for name in ("passage", "hold", "now_hold", "weight", "posting", "question"):
            body[name] = asdict(body[name]) if body[name] is not None else None
        rows = ("checks", "readings", "releases", "commands", "goods", "documents", "registered", "exports", "orders")
        for name in (*rows, "photos", "openings"):
            body[name] = [asdict(row) for row in body[name]]
        body["leaves"] = [{**asdict(leaf), "body": leaf.body.decode()} for leaf in found.leaves]
        raws = behind(session, [reading.reading_id for reading in found.readings])
        for reading in body["readings"]:
            raw = raws.get(reading["reading_id"])
            reading["raw"] = raw and {"inbox_id": raw.inbox_id, "sha256": raw.sha256, "bytes": len(raw.payload)}
    return jsonify(body)


@bp.get("/passages/<int:passage_id>/evidence")
@policy("customs_officer", "auditor")
def evidence(passage_id: int) -> Response:
    """Take the evidence of a passage away as one signed ZIP; that it was taken, by whom, stands in the record."""
    with unit_of_work() as session:
        return export(session, passage_id, settings().data_dir, current_scope().person_id).response()


@bp.get("/evidence-key")
@policy(*WATCHERS)
def evidence_key() -> Response:
    """The public key that signs evidence, and its id: to be given to who must verify a bundle, by another way."""
    key = signing_key(settings().data_dir)
    return jsonify({"key_id": key.key_id, "public_key": key.public_pem.decode()})


@bp.post("/passages/<int:passage_id>/release")
@policy("customs_officer")
@bp.input(ReleaseBody, arg_name="body")
def release(passage_id: int, body: ReleaseBody) -> Response:
    """Release a held vehicle with a reason; ``requested`` where a second officer must agree."""
    command = ReleaseHold(passage_id, officer_id(), body.reason, datetime.now(UTC), body.reason_code)
    return write(lambda session: release_body(release_hold(session, command)), body.model_dump(mode="json"))


@bp.post("/releases/<int:release_id>/approve")
@policy("customs_officer")
def approve(release_id: int) -> Response:
    """Agree as the second officer."""
    officer, at = officer_id(), datetime.now(UTC)
    return write(lambda session: release_body(approve_release(session, release_id, officer_id=officer, at=at)), {})


@bp.post("/releases/<int:release_id>/refuse")
@policy("customs_officer")
def refuse(release_id: int) -> Response:
    """Do not agree: the vehicle stays held."""
    officer = officer_id()
    return write(lambda session: release_body(refuse_release(session, release_id, officer_id=officer)), {})


@bp.post("/passages/<int:passage_id>/gone")
@policy("customs_officer")
def gone(passage_id: int) -> Response:
    """Say that a held vehicle has left the lane backwards, where no loop could see it."""
    officer_id()
    at = datetime.now(UTC)

    def act(session: Any) -> dict[str, Any]:
        closed = close_passage(session, passage_id, at=at, went_through=False)
        return {"passage_id": closed.id, "state": closed.state}

    return write(act, {})


@bp.get("/alarms")
@policy(*WATCHERS)
@bp.input(Page, location="query", arg_name="query")
def alarms(query: Page) -> Response:
    """Alarms that are not closed, the newest first."""
    with unit_of_work() as session:
        rows = watch.alarms(session, after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/alarms/<int:alarm_id>/acknowledge")
@policy("customs_officer", "supervisor")
def acknowledge(alarm_id: int) -> Response:
    """Put a name to an alarm."""
    person, at = officer_id(), datetime.now(UTC)

    def act(session: Any) -> dict[str, Any]:
        alarm = watching.acknowledge(session, alarm_id, person_id=person, at=at)
        return {"alarm_id": alarm.id, "state": alarm.state}

    return write(act, {})


@bp.post("/alarms/<int:alarm_id>/close")
@policy("customs_officer", "supervisor")
@bp.input(CauseBody, arg_name="body")
def close(alarm_id: int, body: CauseBody) -> Response:
    """Close an acknowledged alarm with its cause."""
    person, at = officer_id(), datetime.now(UTC)

    def act(session: Any) -> dict[str, Any]:
        alarm = watching.close(session, alarm_id, person_id=person, cause=body.cause, at=at)
        return {"alarm_id": alarm.id, "state": alarm.state}

    return write(act, body.model_dump(mode="json"))
