"""The fence by API: sections on the plan, arming, every edge, alarms step by step, rates of false alarms, patrols."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.gates import officer_id
from web.api.idempotency import write
from web.api.lookups import id_of
from web.api.paging import page_of
from web.api.schemas import Body, Code, Instant, Page, Query, Small
from web.auth.policy import policy
from web.context import unit_of_work
from web.live import WATCHERS
from wms.parties.tables import Site
from wms.watch.queries import fence as queries
from wms.watch.queries.fence import AlarmStory
from wms.watch.rules import UnknownAlarm
from wms.watch.service import alarms as stepping
from wms.watch.service import fence, patrols
from wms.watch.tables import OUTCOMES, Alarm

bp = APIBlueprint("api_fence", __name__, url_prefix="/api/v1", tag="Fence")
TAKES, SETS_UP, WALKS = ("customs_officer", "supervisor"), ("supervisor",), ("customs_officer", "supervisor", "clerk")
Words = Annotated[str, Field(min_length=1, max_length=500)]
Coordinate = Annotated[int, Field(strict=True, ge=-1_000_000, le=1_000_000)]


class SectionIn(Body):
    """A section of the fence: its sensor, its figures, and where it stands on the plan (x, y, x, y … in decimetres)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "CLJ", "code": "N3", "name_zh": "北侧围网三段", "name_en": "North fence, section 3",
                    "sensor": "fence-n3", "height_mm": 2600, "length_mm": 120_000, "path": [3900, 0, 5100, 0],
                }
            ]
        }
    )  # fmt: skip

    site: Code
    code: Code
    name_zh: Code
    name_en: Code
    sensor: Code
    height_mm: Small
    length_mm: Small
    zone: Code | None = None
    path: Annotated[list[Coordinate], Field(max_length=400)] = []  # noqa: RUF012
    mesh_mm2: Small | None = None
    post_gap_mm: Small | None = None
    barbed_rows: Annotated[int, Field(strict=True, ge=0, le=20)] | None = None
    strip_inside_mm: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None
    strip_outside_mm: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None


class ZoneIn(Body):
    """A zone that a fence goes round."""

    site: Code
    code: Code
    name_zh: Code
    name_en: Code


class FenceSensorIn(Body):
    """A further sensor of a section; ``part`` is what the device itself calls the section."""

    device: Code
    part: Annotated[str, Field(max_length=200)] = ""


class SwitchIn(Body):
    """Why a section is armed or disarmed."""

    reason: Words


class DispatchIn(Body):
    """Who goes to look."""

    to: Annotated[str, Field(min_length=1, max_length=200)]


class SettleIn(Body):
    """What it was: the cause in words, and whether the alarm was real, false or a test."""

    cause: Words
    outcome: Literal[OUTCOMES]  # type: ignore[valid-type]


class AlarmReviewIn(Body):
    """What another person says of a settled alarm; ``outcome`` where it was something else."""

    note: Words
    outcome: Literal[OUTCOMES] | None = None  # type: ignore[valid-type]


class CheckpointIn(Body):
    """A place on a patrol's round."""

    code: Code
    name_zh: Code
    name_en: Code
    x_dm: Coordinate | None = None
    y_dm: Coordinate | None = None


class RouteIn(Body):
    """A patrol's round: every ``every_s`` from ``first_at``, finished within ``within_s``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "CLJ", "code": "NIGHT", "name_zh": "夜间巡查", "name_en": "Night round",
                    "first_at": "2026-11-26T14:00:00Z", "every_s": 7200, "within_s": 3600,
                    "checkpoints": [{"code": "C1", "name_zh": "北门", "name_en": "North gate", "x_dm": 0, "y_dm": 0}],
                }
            ]
        }
    )  # fmt: skip

    site: Code
    code: Code
    name_zh: Code
    name_en: Code
    first_at: Instant
    every_s: Annotated[int, Field(strict=True, ge=60, le=604_800)]
    within_s: Annotated[int, Field(strict=True, ge=60, le=604_800)]
    checkpoints: Annotated[list[CheckpointIn], Field(min_length=1, max_length=100)]


class VisitIn(Body):
    """A checkpoint was reached; ``finding`` is what is not in order there, and raises an alarm."""

    checkpoint: Code
    finding: Annotated[str, Field(max_length=500)] = ""


class RateQuery(Query):
    """A period; the last thirty days when left out."""

    from_at: Instant | None = None
    until_at: Instant | None = None


@bp.get("/fence/sections")
@policy(*WATCHERS)
def sections() -> Response:
    """List every section as it stands, with what its figures lack."""
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in queries.sections(session, datetime.now(UTC))])


@bp.post("/fence/zones")
@policy(*SETS_UP)
@bp.input(ZoneIn, arg_name="body")
def add_zone(body: ZoneIn) -> Response:
    """File a zone, or give it new names."""

    def act(session: Session) -> Mapping[str, Any]:
        made = fence.add_zone(session, id_of(session, Site, body.site), body.code, body.name_zh, body.name_en)
        return {"id": made.id, "code": made.code}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/fence/sections")
@policy(*SETS_UP)
@bp.input(SectionIn, arg_name="body")
def add_section(body: SectionIn) -> Response:
    """File a section; it is armed from the start."""

    def act(session: Session) -> Mapping[str, Any]:
        given = dict(body) | {"site_id": id_of(session, Site, body.site), "path": tuple(body.path)}
        del given["site"]
        made = fence.add_section(session, fence.NewSection(**given))
        return {"id": made.id, "code": made.code}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/fence/sections/<int:section_id>/sensors")
@policy(*SETS_UP)
@bp.input(FenceSensorIn, arg_name="body")
def add_sensor(section_id: int, body: FenceSensorIn) -> Response:
    """Give a section a further sensor."""

    def act(session: Session) -> Mapping[str, Any]:
        fence.add_sensor(session, section_id, body.device, body.part)
        return {"section_id": section_id, "device": body.device, "part": body.part}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/fence/sections/<int:section_id>/arm")
@policy(*TAKES)
@bp.input(SwitchIn, arg_name="body")
def arm(section_id: int, body: SwitchIn) -> Response:
    """Arm a section under one's name."""
    return _switched(section_id, body, is_armed=True)


@bp.post("/fence/sections/<int:section_id>/disarm")
@policy(*TAKES)
@bp.input(SwitchIn, arg_name="body")
def disarm(section_id: int, body: SwitchIn) -> Response:
    """Disarm a section under one's name; open alarms stay open."""
    return _switched(section_id, body, is_armed=False)


def _switched(section_id: int, body: SwitchIn, *, is_armed: bool) -> Response:
    person, at = officer_id(), datetime.now(UTC)
    given: dict[str, Any] = {"is_armed": is_armed, "person_id": person, "reason": body.reason, "at": at}

    def act(session: Session) -> Mapping[str, Any]:
        made = fence.switch(session, section_id, **given)
        return {"section_id": section_id, "is_armed": made.is_armed}

    return write(act, body.model_dump(mode="json"))


@bp.get("/fence/sections/<int:section_id>/signals")
@policy(*WATCHERS)
@bp.input(Page, location="query", arg_name="query")
def signals(section_id: int, query: Page) -> Response:
    """List every edge of a section's sensors, alarming and clearing, the newest first."""
    with unit_of_work() as session:
        fence.section_of(session, section_id)
        rows = queries.signals(session, section_id=section_id, after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/fence/false-alarms")
@policy(*WATCHERS)
@bp.input(RateQuery, location="query", arg_name="query")
def false_alarms(query: RateQuery) -> Response:
    """Count real, false and test alarms by section in a period."""
    until_at = query.until_at or datetime.now(UTC)
    from_at = query.from_at or until_at - timedelta(days=30)
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in queries.rates(session, from_at, until_at)])


@bp.get("/alarms/<int:alarm_id>")
@policy(*WATCHERS)
def alarm(alarm_id: int) -> Response:
    """Show one alarm: its steps against their levels, the edges behind it, its clips."""
    with unit_of_work() as session:
        found = queries.alarm_story(session, alarm_id, datetime.now(UTC))
    if found is None:
        raise UnknownAlarm(alarm_id=alarm_id)
    return jsonify(story_body(found))


def story_body(found: AlarmStory) -> dict[str, Any]:
    """An alarm's story as an answer."""
    columns = {column.key: getattr(found.alarm, column.key) for column in Alarm.__table__.columns}
    del columns["tenant_id"]
    return {
        **columns,
        "section": found.section.code if found.section else None,
        "steps": [asdict(step) for step in found.steps],
        "signals": [asdict(row) for row in found.signals],
        "clips": [asdict(row) for row in found.clips],
    }


@bp.post("/alarms/<int:alarm_id>/dispatch")
@policy(*TAKES)
@bp.input(DispatchIn, arg_name="body")
def dispatch(alarm_id: int, body: DispatchIn) -> Response:
    """Send somebody to an acknowledged alarm."""
    person, at = officer_id(), datetime.now(UTC)
    return write(
        lambda session: _state(stepping.dispatch(session, alarm_id, person_id=person, to=body.to, at=at)),
        body.model_dump(mode="json"),
    )


@bp.post("/alarms/<int:alarm_id>/settle")
@policy(*TAKES)
@bp.input(SettleIn, arg_name="body")
def settle(alarm_id: int, body: SettleIn) -> Response:
    """Settle an alarm with its cause."""
    person, at = officer_id(), datetime.now(UTC)
    given: dict[str, Any] = {"person_id": person, "cause": body.cause, "at": at, "outcome": body.outcome}
    return write(lambda session: _state(stepping.close(session, alarm_id, **given)), body.model_dump(mode="json"))


@bp.post("/alarms/<int:alarm_id>/review")
@policy(*TAKES)
@bp.input(AlarmReviewIn, arg_name="body")
def review(alarm_id: int, body: AlarmReviewIn) -> Response:
    """Review an alarm that another person settled."""
    person, at = officer_id(), datetime.now(UTC)
    given: dict[str, Any] = {"person_id": person, "note": body.note, "at": at, "outcome": body.outcome}
    return write(lambda session: _state(stepping.review(session, alarm_id, **given)), body.model_dump(mode="json"))


def _state(made: Alarm) -> dict[str, Any]:
    return {"alarm_id": made.id, "state": made.state, "outcome": made.outcome}


@bp.get("/fence/patrols")
@policy(*WATCHERS)
def patrol_rounds() -> Response:
    """List the newest patrol rounds with their checkpoints."""
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in queries.rounds(session, limit=50)])


@bp.post("/fence/patrol-routes")
@policy(*SETS_UP)
@bp.input(RouteIn, arg_name="body")
def add_route(body: RouteIn) -> Response:
    """File a patrol's round with its checkpoints."""

    def act(session: Session) -> Mapping[str, Any]:
        made = patrols.add_route(
            session,
            patrols.NewRoute(
                id_of(session, Site, body.site), body.code, body.name_zh, body.name_en, body.first_at, body.every_s,
                body.within_s, tuple(patrols.NewCheckpoint(**dict(one)) for one in body.checkpoints),
            ),
        )  # fmt: skip
        return {"id": made.id, "code": made.code}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/fence/patrol-routes/<int:route_id>/visits")
@policy(*WALKS)
@bp.input(VisitIn, arg_name="body")
def visit(route_id: int, body: VisitIn) -> Response:
    """Say under one's name that a checkpoint of the round that is due was reached."""
    person, at = officer_id(), datetime.now(UTC)

    def act(session: Session) -> Mapping[str, Any]:
        made = patrols.visit(
            session, route_id, body.checkpoint, person_id=person, at=at, finding=body.finding
        )
        return {"visit_id": made.id, "round_id": made.round_id}

    return write(act, body.model_dump(mode="json"), status=201)
