"""Cameras by API: recorders, cameras with their 20 digits, what they look at, holes in recordings."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.lookups import id_of, place_of
from web.api.paging import page_of
from web.api.schemas import Body, Code, Instant, Page
from web.auth.policy import policy
from web.context import unit_of_work
from web.live import WATCHERS
from wms.parties.tables import Site
from wms.watch.queries import video as queries
from wms.watch.rules.fence import UnknownSection
from wms.watch.rules.video import UnknownCamera
from wms.watch.service import video
from wms.watch.tables import CAMERA_PLACES, Camera, FenceSection

bp = APIBlueprint("api_cameras", __name__, url_prefix="/api/v1", tag="Video")
SETS_UP = ("supervisor",)


class RecorderIn(Body):
    """A recorder by the code of its device, and where its own interface answers."""

    site: Code
    code: Code
    address: Annotated[str, Field(min_length=8, max_length=200)]


class CameraIn(Body):
    """A camera: 20 digits (office, site, who controls it, 10, kind, class of site, place, number) and its recorder."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site": "CLJ", "camera_code": "49020051101313508021", "name_zh": "北侧围网相机",
                    "name_en": "North fence camera", "place": "fence", "recorder": "nvr-1", "recorder_camera": "north",
                }
            ]
        }
    )  # fmt: skip

    site: Code
    camera_code: Code
    name_zh: Code
    name_en: Code
    place: Literal[CAMERA_PLACES]  # type: ignore[valid-type]
    device: Code | None = None
    recorder: Code | None = None
    recorder_camera: Code | None = None
    recording_since_at: Instant | None = None


class CameraLinkIn(Body):
    """What a camera looks at: one of a lane, a section of the fence, a bin of its site."""

    lane: Code | None = None
    section: Code | None = None
    location: Code | None = None


@bp.get("/cameras")
@policy(*WATCHERS)
@bp.input(Page, location="query", arg_name="query")
def cameras(query: Page) -> Response:
    """List cameras with what their recorder said last: there or not, oldest picture, holes, clock."""
    with unit_of_work() as session:
        rows = queries.cameras(session, datetime.now(UTC), after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/recording-gaps")
@policy(*WATCHERS)
@bp.input(Page, location="query", arg_name="query")
def gaps(query: Page) -> Response:
    """List stretches in which a camera recorded nothing, the newest first."""
    with unit_of_work() as session:
        rows = queries.gaps(session, after=query.after, limit=query.limit + 1)
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/recorders")
@policy(*SETS_UP)
@bp.input(RecorderIn, arg_name="body")
def add_recorder(body: RecorderIn) -> Response:
    """File a recorder, or give it another address."""

    def act(session: Session) -> Mapping[str, Any]:
        made = video.add_recorder(session, id_of(session, Site, body.site), body.code, body.address)
        return {"id": made.id, "code": made.code, "address": made.address}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/cameras")
@policy(*SETS_UP)
@bp.input(CameraIn, arg_name="body")
def add_camera(body: CameraIn) -> Response:
    """File a camera; each part of its code is checked."""
    at = datetime.now(UTC)

    def act(session: Session) -> Mapping[str, Any]:
        given = dict(body) | {"site_id": id_of(session, Site, body.site)}
        del given["site"]
        made = video.add_camera(session, video.NewCamera(**given), at)
        return {"id": made.id, "camera_code": made.camera_code}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/cameras/<int:camera_id>/links")
@policy(*SETS_UP)
@bp.input(CameraLinkIn, arg_name="body")
def link(camera_id: int, body: CameraLinkIn) -> Response:
    """Say what a camera looks at."""

    def act(session: Session) -> Mapping[str, Any]:
        camera = session.get(Camera, camera_id)
        if camera is None:
            raise UnknownCamera(camera=camera_id)
        video.link(
            session, camera_id, lane=body.lane, section_id=_section(session, camera.site_id, body.section),
            location_id=place_of(session, camera.site_id, body.location, "location").id if body.location else None,
        )  # fmt: skip
        return {"camera_id": camera_id} | body.model_dump(mode="json", exclude_none=True)

    return write(act, body.model_dump(mode="json"), status=201)


def _section(session: Session, site_id: int, code: str | None) -> int | None:
    if code is None:
        return None
    found = session.scalar(select(FenceSection.id).where(FenceSection.site_id == site_id, FenceSection.code == code))
    if found is None:
        raise UnknownSection(field="section", section=code)
    return found
