"""Ask recorders by the clock: fetch the hashes of clips that events want, and see what recordings lack.

The recorder is asked outside of any transaction; what it said is written in one of its own. Two workers may ask for the
same clip: the second writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from web.out.recorder import Clip as Found
from web.out.recorder import Frigate, RecorderFault
from wms.db import Database, Scope
from wms.parties.dated import value
from wms.watch.rules.video import Stretch
from wms.watch.service import clips
from wms.watch.service.alarms import NewAlarm, announce, raise_alarm
from wms.watch.service.video import ONE_CAUSE, Told, note_told
from wms.watch.tables import Camera, CameraCheck, Clip, Recorder

log = structlog.get_logger("recordings")

FETCH, CHECK = "video.fetch_clips", "video.check_recordings"
MOST_ROUNDS = 20
LOOKS_BACK, SETTLES = timedelta(hours=2), timedelta(minutes=5)  # a segment is listed once it is whole


@dataclass(frozen=True)
class Wanted:
    """A clip to be fetched."""

    clip_id: int
    address: str | None
    camera: str | None
    piece: Stretch


@dataclass(frozen=True)
class Watched:
    """A camera whose recorder is to be asked."""

    camera_id: int
    name: str
    since_at: datetime


def fetch_clips(database: Database, *, timestamp: int | None = None) -> int:
    """Fetch what is due of every installation; return how many clips were settled."""
    del timestamp  # what is due is fetched as of now
    return sum(fetch_clips_of(database, scope) for scope in _scopes(database))


def fetch_clips_of(database: Database, scope: Scope, now: datetime | None = None) -> int:
    """The same of one installation."""
    settled = 0
    for _ in range(MOST_ROUNDS):
        at = now or datetime.now(UTC)
        with database.unit_of_work(scope) as session:
            wanted = _wanted(session, at)
        if not wanted:
            break
        for one in wanted:
            settled += _fetch(database, scope, one, at)
    with database.unit_of_work(scope) as session:
        at = now or datetime.now(UTC)
        days = int(value(session, "video.retention_days", at.date()))
        clips.expire(session, at - timedelta(days=days))
    return settled


def _wanted(session: Session, now: datetime) -> list[Wanted]:
    due = [(clip.id, clip.camera_id, Stretch(clip.from_at, clip.until_at)) for clip in clips.due(session, now)]
    found = []
    for clip_id, camera_id, piece in due:
        camera = session.get_one(Camera, camera_id)
        recorder = session.get(Recorder, camera.recorder_id) if camera.recorder_id else None
        found.append(Wanted(clip_id, recorder.address if recorder else None, camera.recorder_camera, piece))
    return found


def _fetch(database: Database, scope: Scope, one: Wanted, now: datetime) -> int:
    given: Found | str
    if one.address is None or one.camera is None:
        given = "no recorder keeps this camera"
    else:
        try:
            given = Frigate(one.address).clip(one.camera, one.piece)
        except RecorderFault as why:
            given = str(why)
    return database.run(scope, lambda session: _write(session, one, given, now))


def _write(session: Session, one: Wanted, given: Found | str, now: datetime) -> int:
    clip = session.scalars(select(Clip).where(Clip.id == one.clip_id).with_for_update()).one()
    if clip.state != "wanted" or clip.until_at != one.piece.until_at:
        return 0  # another worker was first, or the event went on meanwhile
    if isinstance(given, Found):
        clips.settle(session, clip, uri=given.uri, sha256=given.sha256, size_bytes=given.size_bytes, at=now)
    elif clips.fail(session, clip, given, now):
        camera = session.get_one(Camera, clip.camera_id)
        detail = f"{clip.subject} {clip.subject_id}: {given}"[:200]
        raise_alarm(
            session, NewAlarm(camera.site_id, "video", "clip_missing", camera.camera_code, now, detail), ONE_CAUSE
        )
    if clip.subject in ("alarm", "passage"):
        announce(session, clip.subject, clip.subject_id)
    return int(clip.state != "wanted")


def check_recordings(database: Database, *, timestamp: int | None = None) -> int:
    """Ask every recorder of every installation what it holds; return how many cameras were judged."""
    del timestamp
    return sum(check_recordings_of(database, scope) for scope in _scopes(database))


def check_recordings_of(database: Database, scope: Scope, now: datetime | None = None) -> int:
    """The same of one installation."""
    at = now or datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        recorders = [(one.id, one.address) for one in session.scalars(select(Recorder).order_by(Recorder.id))]
        cameras = {recorder_id: _watched(session, recorder_id, at) for recorder_id, _ in recorders}
    judged = 0
    for recorder_id, address in recorders:
        for told in ask(Frigate(address), cameras[recorder_id], at):
            database.run(scope, partial(note_told, told=told))
            judged += 1
    return judged


def _watched(session: Session, recorder_id: int, now: datetime) -> list[Watched]:
    """Cameras of a recorder, each with the end of what was looked at before."""
    last = (
        select(func.max(CameraCheck.at))
        .where(CameraCheck.camera_id == Camera.id, CameraCheck.fault.is_(None))
        .correlate(Camera)
        .scalar_subquery()
    )
    rows = session.execute(select(Camera, last).where(Camera.recorder_id == recorder_id).order_by(Camera.id))
    return [
        Watched(
            camera.id,
            str(camera.recorder_camera),
            max(camera.recording_since_at or now - LOOKS_BACK, (seen or now) - LOOKS_BACK),
        )
        for camera, seen in rows
    ]


def ask(recorder: Frigate, cameras: Sequence[Watched], now: datetime) -> list[Told]:
    """Ask a recorder of its cameras; one that cannot be asked makes each of them a fault, not an exception."""
    try:
        running, skew_ms = recorder.stats()
    except RecorderFault as why:
        return [Told(camera.camera_id, now, is_online=False, fault=str(why)) for camera in cameras]
    return [_ask_of(recorder, camera, running.get(camera.name), skew_ms, now) for camera in cameras]


def _ask_of(recorder: Frigate, camera: Watched, running: object, skew_ms: int | None, now: datetime) -> Told:
    fps = running.get("camera_fps") if isinstance(running, dict) else None
    is_online = isinstance(fps, int | float) and fps > 0
    asked = Stretch(camera.since_at, now - SETTLES)
    fault = None if is_online else "the recorder gets no frames of it"
    if asked.until_at <= asked.from_at:
        return Told(camera.camera_id, now, is_online, skew_ms=skew_ms, fault=fault)
    try:
        recorded, oldest_at = recorder.recorded(camera.name, asked), recorder.oldest(camera.name)
    except RecorderFault as why:
        return Told(camera.camera_id, now, is_online, skew_ms=skew_ms, fault=str(why))
    return Told(camera.camera_id, now, is_online, oldest_at, recorded, asked, skew_ms, fault)


def _scopes(database: Database) -> list[Scope]:
    with database.engine.connect() as connection:
        return [Scope.system(one) for one in connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars()]
