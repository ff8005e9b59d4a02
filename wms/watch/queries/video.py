"""Reads of video: every camera with what its recorder said last, its links, its holes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from wms.parties.dated import value
from wms.parties.tables import Location, Site
from wms.watch.rules.video import Kept, kept
from wms.watch.tables import Camera, CameraCheck, CameraLink, FenceSection, Recorder, VideoGap
from wms.watch.tables.video import Clip

RATE_OVER = timedelta(days=30)


@dataclass(frozen=True)
class CameraRow:
    """A camera. ``online_permille`` over thirty days; ``kept`` is found, not configured; ``skew_ms`` ours less its."""

    id: int
    site_code: str
    camera_code: str
    name_zh: str
    name_en: str
    place: str
    recorder: str | None
    recorder_camera: str | None
    links: tuple[tuple[str, str], ...]  # what it looks at: lane, section or bin, with its code
    checked_at: datetime | None
    is_online: bool | None
    fault: str | None
    online_permille: int | None
    oldest_at: datetime | None
    kept: Kept | None
    skew_ms: int | None
    is_skewed: bool
    open_gaps: int
    missing_clips: int


@dataclass(frozen=True)
class GapRow:
    """A stretch in which a camera recorded nothing."""

    id: int
    camera_code: str
    camera_zh: str
    camera_en: str
    from_at: datetime
    until_at: datetime
    found_at: datetime
    filled_at: datetime | None


def cameras(session: Session, now: datetime, *, after: int = 0, limit: int = 500) -> list[CameraRow]:
    """Every camera in the order of its number in our books; ``after`` continues behind the camera with that id."""
    found = session.execute(
        select(Camera, Site.code, Recorder.code)
        .join(Site, Site.id == Camera.site_id)
        .outerjoin(Recorder, Recorder.id == Camera.recorder_id)
        .where(Camera.id > after)
        .order_by(Camera.id)
        .limit(limit)
    ).all()
    ids = [camera.id for camera, _, _ in found]
    links, last = _links(session, ids), _last(session, ids)
    rates = _rates(session, ids, now)
    holes = _counted(session, VideoGap, VideoGap.filled_at.is_(None), ids)
    missing = _counted(session, Clip, Clip.state == "missing", ids)
    days = int(value(session, "video.retention_days", now.date()))
    most_ms = int(value(session, "video.skew_ms", now.date()))
    rows = []
    for camera, site, recorder in found:
        check, oldest = last.get(camera.id), _oldest(session, camera.id)
        skew_ms = check.skew_ms if check else None
        rows.append(
            CameraRow(
                camera.id, site, camera.camera_code, camera.name_zh, camera.name_en, camera.place, recorder,
                camera.recorder_camera, links.get(camera.id, ()), check.at if check else None,
                check.is_online if check else None, check.fault if check else None, rates.get(camera.id), oldest,
                kept(oldest, camera.recording_since_at, now, days) if check else None, skew_ms,
                skew_ms is not None and abs(skew_ms) > most_ms, holes.get(camera.id, 0), missing.get(camera.id, 0),
            )
        )  # fmt: skip
    return rows


def _links(session: Session, ids: Sequence[int]) -> dict[int, tuple[tuple[str, str], ...]]:
    made: dict[int, list[tuple[str, str]]] = {}
    own = select(Camera.id, FenceSection.code).join(FenceSection, FenceSection.id == Camera.fence_section_id)
    for camera_id, code in session.execute(own.where(Camera.id.in_(ids))):
        made.setdefault(camera_id, []).append(("section", code))
    linked = (
        select(CameraLink.camera_id, CameraLink.lane, FenceSection.code, Location.code)
        .outerjoin(FenceSection, FenceSection.id == CameraLink.fence_section_id)
        .outerjoin(Location, Location.id == CameraLink.location_id)
        .where(CameraLink.camera_id.in_(ids))
        .order_by(CameraLink.id)
    )
    for camera_id, lane, section, location in session.execute(linked):
        kind = "lane" if lane else "section" if section else "bin"
        made.setdefault(camera_id, []).append((kind, lane or section or location))
    return {camera_id: tuple(dict.fromkeys(links)) for camera_id, links in made.items()}


def _last(session: Session, ids: Sequence[int]) -> dict[int, CameraCheck]:
    newest = (
        select(CameraCheck)
        .where(CameraCheck.camera_id.in_(ids))
        .ext(distinct_on(CameraCheck.camera_id))
        .order_by(CameraCheck.camera_id, CameraCheck.at.desc())
    )
    return {check.camera_id: check for check in session.scalars(newest)}


def _oldest(session: Session, camera_id: int) -> datetime | None:
    """What the recorder said last of its oldest picture; a look that failed says nothing of it."""
    return session.scalar(
        select(CameraCheck.oldest_at)
        .where(CameraCheck.camera_id == camera_id, CameraCheck.oldest_at.is_not(None))
        .order_by(CameraCheck.at.desc())
        .limit(1)
    )


def _rates(session: Session, ids: Sequence[int], now: datetime) -> dict[int, int]:
    n_all, n_on = func.count(), func.count().filter(CameraCheck.is_online)
    found = session.execute(
        select(CameraCheck.camera_id, n_all, n_on)
        .where(CameraCheck.camera_id.in_(ids), CameraCheck.at > now - RATE_OVER)
        .group_by(CameraCheck.camera_id)
    )
    return {camera_id: (on * 1000 + total // 2) // total for camera_id, total, on in found}


def _counted(
    session: Session, table: type[VideoGap] | type[Clip], wanted: ColumnElement[bool], ids: Sequence[int]
) -> dict[int, int]:
    found = session.execute(
        select(table.camera_id, func.count())
        .where(table.camera_id.in_(ids), wanted)
        .group_by(table.camera_id)
    )
    return {row[0]: row[1] for row in found}


def gaps(session: Session, *, after: int = 0, limit: int = 50) -> list[GapRow]:
    """Holes in recordings, the newest first; ``after`` continues below the one with that id."""
    wanted = (
        select(VideoGap, Camera)
        .join(Camera, Camera.id == VideoGap.camera_id)
        .order_by(VideoGap.id.desc())
        .limit(limit)
    )
    if after:
        wanted = wanted.where(VideoGap.id < after)
    return [
        GapRow(
            gap.id, camera.camera_code, camera.name_zh, camera.name_en, gap.from_at, gap.until_at, gap.found_at,
            gap.filled_at,
        )
        for gap, camera in session.execute(wanted)
    ]  # fmt: skip
