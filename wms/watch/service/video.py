"""Cameras and recorders: set up, linked, and what a recorder said of them kept: there or not, holes, oldest picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.parties.dated import value
from wms.watch.rules.video import (
    BadRecorderAddress,
    CameraExists,
    OneLink,
    RecorderCameraTaken,
    Stretch,
    UnknownCamera,
    UnknownRecorder,
    gaps,
    kept,
    read_code,
)
from wms.watch.service.alarms import NewAlarm, announce, raise_alarm
from wms.watch.tables import Camera, CameraCheck, CameraLink, FenceSection, Recorder, VideoGap

ONE_CAUSE = timedelta(days=3650)  # what a recorder lacks joins the alarm that nobody has acknowledged yet
GAP, SHORT, OFFLINE = "recording_gap", "retention_short", "camera_offline"


@dataclass(frozen=True)
class NewCamera:
    """A camera; ``recorder`` and ``recorder_camera`` where its frames are kept and under which name."""

    site_id: int
    camera_code: str
    name_zh: str
    name_en: str
    place: str
    device: str | None = None
    recorder: str | None = None
    recorder_camera: str | None = None
    recording_since_at: datetime | None = None


@dataclass(frozen=True)
class Told:
    """What a recorder said of one camera at ``at``; ``recorded`` None: it could not be asked."""

    camera_id: int
    at: datetime
    is_online: bool
    oldest_at: datetime | None = None
    recorded: tuple[Stretch, ...] | None = None
    asked: Stretch | None = None
    skew_ms: int | None = None
    fault: str | None = None


def add_recorder(session: Session, site_id: int, code: str, address: str) -> Recorder:
    """Set a recorder up, or give it another address. Raises :class:`BadRecorderAddress`."""
    given = address.strip().rstrip("/")
    try:
        parts = urlsplit(given)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or parts.query or parts.fragment or parts.username:
        raise BadRecorderAddress(field="address", given=address[:100])
    made = session.execute(
        insert(Recorder)
        .values(site_id=site_id, code=code, address=given)
        .on_conflict_do_update(index_elements=["tenant_id", "code"], set_={"address": given, "site_id": site_id})
        .returning(Recorder.id)
    ).scalar_one()
    return session.get_one(Recorder, made, populate_existing=True)


def add_camera(session: Session, new: NewCamera, on: datetime) -> Camera:
    """Set a camera up. Raises BadCameraCode, CameraExists, UnknownRecorder, RecorderCameraTaken."""
    read_code(new.camera_code, value(session, "video.camera_code", on.date()))
    if session.scalar(select(Camera.id).where(Camera.camera_code == new.camera_code)) is not None:
        raise CameraExists(field="camera_code", camera=new.camera_code)
    recorder_id = None
    if new.recorder is not None:
        recorder_id = session.scalar(select(Recorder.id).where(Recorder.code == new.recorder))
        if recorder_id is None:
            raise UnknownRecorder(field="recorder", recorder=new.recorder)
        name = new.recorder_camera or new.camera_code
        same = select(Camera.id).where(Camera.recorder_id == recorder_id, Camera.recorder_camera == name)
        if session.scalar(same) is not None:
            raise RecorderCameraTaken(field="recorder_camera", recorder=new.recorder, name=name)
    made = Camera(
        site_id=new.site_id, camera_code=new.camera_code, name_zh=new.name_zh, name_en=new.name_en, place=new.place,
        device=new.device, recorder_id=recorder_id,
        recorder_camera=(new.recorder_camera or new.camera_code) if recorder_id else None,
        recording_since_at=new.recording_since_at or on,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def link(
    session: Session,
    camera_id: int,
    *,
    lane: str | None = None,
    section_id: int | None = None,
    location_id: int | None = None,
) -> None:
    """Say what a camera looks at. Raises UnknownCamera, OneLink."""
    if session.get(Camera, camera_id) is None:
        raise UnknownCamera(camera=camera_id)
    given = {"lane": lane, "fence_section_id": section_id, "location_id": location_id}
    if sum(one is not None for one in given.values()) != 1:
        raise OneLink(field="lane")
    session.execute(insert(CameraLink).values(camera_id=camera_id, **given).on_conflict_do_nothing())


def camera_of_recorder(session: Session, recorder: str, name: str) -> Camera | None:
    """The camera that a recorder calls ``name``."""
    return session.scalar(
        select(Camera)
        .join(Recorder, Recorder.id == Camera.recorder_id)
        .where(Recorder.code == recorder, Camera.recorder_camera == name)
    )


def section_of_camera(session: Session, camera: Camera) -> int | None:
    """The section of the fence that a camera looks at; the first one where there are several."""
    return camera.fence_section_id or session.scalar(
        select(CameraLink.fence_section_id)
        .join(FenceSection, FenceSection.id == CameraLink.fence_section_id)
        .where(CameraLink.camera_id == camera.id)
        .order_by(FenceSection.code)
        .limit(1)
    )


def note_told(session: Session, told: Told) -> Sequence[Stretch]:
    """Keep what a recorder said of a camera, and alarm of what it lacks; returns the holes that are new.

    A hole that later recordings fill (a camera that stored by itself while the line was down) is marked as filled and
    stays on record. Nothing closes an alarm.
    """
    camera = session.get_one(Camera, told.camera_id)
    session.execute(
        insert(CameraCheck)
        .values(
            camera_id=camera.id, at=told.at, is_online=told.is_online, oldest_at=told.oldest_at, skew_ms=told.skew_ms,
            fault=told.fault and told.fault[:200],
        )
        .on_conflict_do_nothing(index_elements=["camera_id", "at"])
    )  # fmt: skip
    found: Sequence[Stretch] = ()
    if told.recorded is not None and told.asked is not None:
        longest = timedelta(seconds=int(value(session, "video.gap_s", told.at.date())))
        found = _note_gaps(session, camera, gaps(told.recorded, told.asked, longest), told)
        _fill_gaps(session, camera, told, longest)
        _judge_retention(session, camera, told)
    if not told.is_online:
        _alarm(session, camera, OFFLINE, told.fault or "", told.at)
    announce(session, "camera", camera.id)
    return found


def _note_gaps(session: Session, camera: Camera, holes: Sequence[Stretch], told: Told) -> list[Stretch]:
    """A hole that runs on since the last look grows; a new one is a row and an alarm."""
    new = []
    for hole in holes:
        grown = session.execute(
            update(VideoGap)
            .where(
                VideoGap.camera_id == camera.id, VideoGap.filled_at.is_(None), VideoGap.from_at <= hole.until_at,
                VideoGap.until_at >= hole.from_at,
            )
            .values(until_at=func.greatest(VideoGap.until_at, hole.until_at))
            .returning(VideoGap.id)
            .execution_options(synchronize_session=False)
        ).first()  # fmt: skip
        if grown is not None:
            continue
        session.add(VideoGap(camera_id=camera.id, from_at=hole.from_at, until_at=hole.until_at, found_at=told.at))
        session.flush()
        new.append(hole)
        seconds = (hole.until_at - hole.from_at) // timedelta(seconds=1)
        _alarm(session, camera, GAP, f"{hole.from_at:%Y-%m-%d %H:%M:%S}Z +{seconds} s", told.at)
    return new


def _fill_gaps(session: Session, camera: Camera, told: Told, longest: timedelta) -> None:
    assert told.recorded is not None
    assert told.asked is not None
    open_ = session.scalars(
        select(VideoGap).where(
            VideoGap.camera_id == camera.id, VideoGap.filled_at.is_(None), VideoGap.from_at >= told.asked.from_at
        )
    )
    for gap in open_:
        if not gaps(told.recorded, Stretch(gap.from_at, gap.until_at), longest):
            gap.filled_at = told.at
    session.flush()


def _judge_retention(session: Session, camera: Camera, told: Told) -> None:
    asked_days = int(value(session, "video.retention_days", told.at.date()))
    found = kept(told.oldest_at, camera.recording_since_at, told.at, asked_days)
    if found.is_short:
        _alarm(session, camera, SHORT, f"{found.days} / {found.asked_days} d", told.at)


def _alarm(session: Session, camera: Camera, code: str, detail: str, at: datetime) -> None:
    raise_alarm(session, NewAlarm(camera.site_id, "video", code, camera.camera_code, at, detail), ONE_CAUSE)
