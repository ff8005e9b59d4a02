"""Video: cameras with their links, recorders, the index of clips, what recordings lack. Frames stay in the recorder."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

CAMERA_PLACES = ("gate", "fence", "warehouse", "yard")
CLIP_STATES = ("wanted", "held", "missing", "expired")
CLIP_SUBJECTS = ("alarm", "passage", "event")
RECORDER_KINDS = ("frigate",)


class Recorder(Tenanted, Base):
    """A recorder that keeps the frames of cameras. ``address`` is where its own interface answers (http or https)."""

    __tablename__ = "recorder"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        one_of("kind", RECORDER_KINDS),
        CheckConstraint("address ~ '^https?://[^/]+'", name="address_shape"),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]  # the device's code in the register, where it publishes too
    kind: Mapped[str] = mapped_column(server_default="frigate")
    address: Mapped[str]


class Camera(Tenanted, Base):
    """A camera with its 20-digit code (devices reference, section 10) and what it looks at.

    ``recorder_camera`` is what its recorder calls it; ``recording_since_at`` the day from which it must hold pictures.
    """

    __tablename__ = "camera"
    __table_args__ = (
        UniqueConstraint("tenant_id", "camera_code"),
        one_of("place", CAMERA_PLACES),
        CheckConstraint("camera_code ~ '^[0-9]{20}$'", name="camera_code_digits"),
        CheckConstraint("(recorder_id IS NULL) = (recorder_camera IS NULL)", name="recorder_knows_it"),
        Index("uq_camera_of_recorder", "recorder_id", "recorder_camera", unique=True),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    camera_code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    place: Mapped[str]
    device: Mapped[str | None]
    fence_section_id: Mapped[int | None] = mapped_column(ForeignKey("fence_section.id"))
    recorder_id: Mapped[int | None] = mapped_column(ForeignKey("recorder.id"))
    recorder_camera: Mapped[str | None]
    recording_since_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class CameraLink(Tenanted, Base):
    """What a camera looks at besides: a lane of its site (by code), a section of the fence, or a bin."""

    __tablename__ = "camera_link"
    __table_args__ = (
        CheckConstraint("num_nonnulls(lane, fence_section_id, location_id) = 1", name="one_thing"),
        UniqueConstraint("camera_id", "lane"),
        UniqueConstraint("camera_id", "fence_section_id"),
        UniqueConstraint("camera_id", "location_id"),
        Index(None, "fence_section_id"),
    )
    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    lane: Mapped[str | None]
    fence_section_id: Mapped[int | None] = mapped_column(ForeignKey("fence_section.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))


class Clip(Tenanted, Base):
    """A stretch of one camera's recording that belongs to an alarm, a passage or an event of the recorder.

    ``wanted`` until the recorder gave its bytes once, to be hashed; then ``held`` (there), with address and SHA-256.
    ``missing`` is a fault of the event: the recorder had nothing, or could not be asked for long enough.
    """

    __tablename__ = "clip"
    __table_args__ = (
        UniqueConstraint("camera_id", "subject", "subject_id"),
        one_of("state", CLIP_STATES),
        one_of("subject", CLIP_SUBJECTS),
        CheckConstraint("until_at > from_at", name="until_after_from"),
        CheckConstraint("(state = 'held') <= (sha256 IS NOT NULL AND uri IS NOT NULL)", name="held_has_hash"),
        CheckConstraint("length(sha256) = 32", name="hash_length"),
        Index("ix_clip_wanted", "id", postgresql_where=text("state = 'wanted'")),
        Index(None, "tenant_id", "subject", "subject_id"),
    )
    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    subject: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    from_at: Mapped[Instant]
    until_at: Mapped[Instant]
    state: Mapped[str] = mapped_column(server_default="wanted")
    uri: Mapped[str | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[Instant]
    fault: Mapped[str | None]
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class CameraCheck(Tenanted, Base):
    """What the recorder said of a camera at one time: there or not, its oldest picture, how its clock stands."""

    __tablename__ = "camera_check"
    __table_args__ = (UniqueConstraint("camera_id", "at"),)
    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    at: Mapped[Instant]
    is_online: Mapped[bool]
    oldest_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    skew_ms: Mapped[int | None] = mapped_column(BigInteger)
    fault: Mapped[str | None]


class VideoGap(Tenanted, Base):
    """A stretch in which a camera recorded nothing. Filled by later recordings or not, it stays on record."""

    __tablename__ = "video_gap"
    __table_args__ = (
        UniqueConstraint("camera_id", "from_at"),
        CheckConstraint("until_at > from_at", name="until_after_from"),
    )
    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    from_at: Mapped[Instant]
    until_at: Mapped[Instant]
    found_at: Mapped[Instant]
    filled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
