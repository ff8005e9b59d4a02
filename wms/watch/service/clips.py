"""Which stretch of which recording belongs to an event: wanted in the event's own transaction, fetched by a job.

Of cameras whose frames no recorder keeps there is nothing to be wanted; the page of cameras names them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.parties.dated import value
from wms.watch.tables.video import Camera, CameraLink, Clip

TERMS = "video.clip"


def want_for_section(session: Session, alarm_id: int, section_id: int, first_at: datetime, last_at: datetime) -> None:
    """Want the recordings of every camera that looks at a section, round the triggers of an alarm."""
    linked = select(CameraLink.camera_id).where(CameraLink.fence_section_id == section_id)
    looking = select(Camera.id).where(
        Camera.recorder_id.is_not(None), or_(Camera.fence_section_id == section_id, Camera.id.in_(linked))
    )
    _want(session, session.scalars(looking.order_by(Camera.id)), "alarm", alarm_id, first_at, last_at)


def want_for_lane(
    session: Session, passage_id: int, site_id: int, lane: str, first_at: datetime, last_at: datetime
) -> None:
    """Want the recordings of every camera that looks at a lane, from before the vehicle came to after it went."""
    looking = (
        select(Camera.id)
        .join(CameraLink, CameraLink.camera_id == Camera.id)
        .where(Camera.recorder_id.is_not(None), Camera.site_id == site_id, CameraLink.lane == lane)
        .order_by(Camera.id)
    )
    _want(session, session.scalars(looking), "passage", passage_id, first_at, last_at)


def _want(
    session: Session, cameras: Iterable[int], subject: str, subject_id: int, first_at: datetime, last_at: datetime
) -> None:
    """A clip that was fetched already is asked for again when its event went on."""
    ids = list(cameras)
    if not ids:
        return
    terms = value(session, TERMS, last_at.date())
    from_at = first_at - timedelta(seconds=terms["before_s"])
    until_at = last_at + timedelta(seconds=terms["after_s"])
    rows = [
        {
            "camera_id": camera_id, "subject": subject, "subject_id": subject_id, "from_at": from_at,
            "until_at": until_at, "next_try_at": until_at,
        }
        for camera_id in ids
    ]  # fmt: skip
    made = insert(Clip)
    session.execute(
        made.on_conflict_do_update(
            index_elements=["camera_id", "subject", "subject_id"],
            set_={
                "until_at": made.excluded.until_at, "next_try_at": made.excluded.until_at, "state": "wanted",
                "tries": 0, "fault": None, "uri": None, "sha256": None, "size_bytes": None, "settled_at": None,
            },
            where=Clip.until_at < made.excluded.until_at,
        ),
        rows,
    )  # fmt: skip


def due(session: Session, now: datetime, limit: int = 20) -> list[Clip]:
    """Clips whose time to be asked for has come, the oldest first; another worker's are passed over."""
    wanted = (
        select(Clip)
        .where(Clip.state == "wanted", Clip.next_try_at <= now)
        .order_by(Clip.next_try_at, Clip.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(wanted))


def settle(session: Session, clip: Clip, *, uri: str, sha256: bytes, size_bytes: int, at: datetime) -> None:
    """The recorder gave the clip: its address and the hash of its bytes are kept, the frames stay with it."""
    clip.state, clip.uri, clip.sha256, clip.size_bytes = "held", uri, sha256, size_bytes
    clip.settled_at, clip.fault, clip.tries = at, None, clip.tries + 1
    session.flush()


def fail(session: Session, clip: Clip, fault: str, at: datetime) -> bool:
    """The recorder did not give it: try later, or give it up as a fault of the event. True when given up."""
    terms = value(session, TERMS, at.date())
    clip.tries += 1
    clip.fault = fault[:200]
    if at - clip.until_at >= timedelta(seconds=terms["give_up_s"]):
        clip.state, clip.settled_at = "missing", at
    else:
        clip.next_try_at = at + timedelta(seconds=terms["again_s"])
    session.flush()
    return clip.state == "missing"


def expire(session: Session, before: datetime) -> int:
    """Mark clips whose recording is past its retention; address and hash stay as what once was there."""
    done = session.execute(
        update(Clip)
        .where(Clip.state == "held", Clip.until_at < before)
        .values(state="expired")
        .execution_options(synchronize_session=False)
    )
    return int(getattr(done, "rowcount", 0))
