"""Devices, the inbox and what is read from it; dead letters, conflicts, gaps, messages to devices, leases.

All rows belong to a tenant; a logistics firm sees none of them. Payloads are bytes: what a device sent is evidence
and is never changed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

FAMILIES = ("gate", "fence", "video", "scale", "rfid", "temp")
DOORS = ("embedded", "client", "http")  # http: any door of iot/doors; the topic says which
RECEIVED, PARSED, DEAD = "received", "parsed", "dead"
OPEN, MATCHED, IGNORED = "open", "matched", "ignored"
WEEK = 100_000_000_000  # ids of one week: an id is weeks since 1970 times this, and a number of the sequence
QUEUED, SENT, UNHEARD, EXPIRED, FAILED = "queued", "sent", "unheard", "expired", "failed"


class Device(Tenanted, Base):
    """A registered device: who it is, where it stands, what it speaks.

    ``code`` is its MQTT user name and the device part of its topics; ``token_mac`` the keyed SHA-256 of its token.
    ``topic_filters`` are topics of its maker that it may publish besides its own subtree. ``profile`` holds what its
    format must know (time zone, decoder, indicator profile); ``heartbeat_s`` is the interval of its signs of life.
    A client certificate counts when it holds from ``certificate_from_at`` on or later: setting it revokes all older
    ones. What a device that ``must_sign`` says without a right signature is kept and never opens anything.
    """

    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        one_of("family", FAMILIES),
        CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,64}$'", name="code_is_name"),
        CheckConstraint("length(token_mac) = 32", name="mac_length"),
        CheckConstraint("heartbeat_s > 0", name="heartbeat_positive"),
        Index(None, "site_id"),
    )
    id: Mapped[Id]
    code: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    family: Mapped[str]
    format: Mapped[str] = mapped_column(server_default="dongting")
    lane: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    token_mac: Mapped[bytes | None] = mapped_column(LargeBinary)
    topic_filters: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    heartbeat_s: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    certificate_from_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    must_sign: Mapped[bool] = mapped_column(server_default=text("false"))
    recorded_at: Mapped[RecordedAt]


class DeviceKey(Tenanted, Base):
    """A key by which a device signs what it says, from when until when (open end: until it is retired).

    ``public_key`` is that of Ed25519 (32 bytes); a key of HMAC-SHA-256 is derived from the installation's secret, the
    device's code and ``key_id`` (:func:`iot.signing.hmac_key`), so that no secret stands here.
    """

    __tablename__ = "device_key"
    __table_args__ = (
        UniqueConstraint("device_id", "key_id"),
        one_of("algorithm", ("ed25519", "hmac-sha256")),
        CheckConstraint("key_id ~ '^[A-Za-z0-9_.-]{1,64}$'", name="key_id_is_name"),
        CheckConstraint("(algorithm = 'ed25519') = (public_key IS NOT NULL)", name="ed25519_has_key"),
        CheckConstraint("length(public_key) = 32", name="key_length"),
        CheckConstraint("valid_from_at < valid_until_at", name="period_ordered"),
    )
    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    key_id: Mapped[str]
    algorithm: Mapped[str]
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    valid_from_at: Mapped[Instant]
    valid_until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class Message:
    """The columns of a message as it came. ``source`` and ``message_key`` tell it from every other."""

    source: Mapped[str]
    message_key: Mapped[str]
    is_weak_key: Mapped[bool]
    device_id: Mapped[int | None] = mapped_column(BigInteger)
    topic: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    payload_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    qos: Mapped[int] = mapped_column(SmallInteger)
    is_dup: Mapped[bool]
    is_retained: Mapped[bool]
    is_will: Mapped[bool]
    door: Mapped[str]
    received_at: Mapped[Instant]
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))
    state: Mapped[str] = mapped_column(server_default=RECEIVED)
    adapter: Mapped[str | None]
    adapter_version: Mapped[int | None]
    copies: Mapped[int] = mapped_column(server_default=text("0"))


class Inbox(Tenanted, Message, Base):
    """One message as it came, divided by week (``partitions.sql``). No foreign keys: weeks go without a look around.

    State: ``received`` (stored, acknowledged), then ``parsed`` (its readings stand in ``reading``) or ``dead`` (its
    reason stands in ``dead_letter``). ``copies`` counts how often the same message came again.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        one_of("state", (RECEIVED, PARSED, DEAD)),
        one_of("door", DOORS),
        CheckConstraint("qos BETWEEN 0 AND 2", name="qos_known"),
        Index("ix_inbox_waiting", "id", postgresql_where=text("state = 'received'")),
        Index(None, "device_id", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=text("new_inbox_id()"))


class InboxKey(Tenanted, Base):
    """By what a message is known to have come before, whatever its week: a digest of tenant, source and key."""

    __tablename__ = "inbox_key"
    digest: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    inbox_id: Mapped[int] = mapped_column(BigInteger)


class InboxKept(Tenanted, Message, Base):
    """A message that a passage, a decision or an alarm refers to, kept when its week went."""

    __tablename__ = "inbox_kept"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Understood:
    """The columns of one canonical reading. ``payload`` is the reading as JSON (``iot.events.as_json``).

    ``is_live`` False means that it came late, replayed, retained or with a wrong clock: it joins the history and
    never moves a barrier. ``state`` is the lanes' own mark: ``open`` until they have looked at it.
    """

    inbox_id: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str]
    reading_key: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(BigInteger)
    device_id: Mapped[int | None] = mapped_column(BigInteger)
    lane: Mapped[str | None]
    kind: Mapped[str]
    event_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[Instant]
    skew_ms: Mapped[int | None] = mapped_column(BigInteger)
    is_live: Mapped[bool]
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    adapter: Mapped[str]
    adapter_version: Mapped[int]
    state: Mapped[str] = mapped_column(server_default=OPEN)


class Reading(Tenanted, Understood, Base):
    """One canonical reading, divided by week as the inbox is."""

    __tablename__ = "reading"
    __table_args__ = (
        one_of("state", (OPEN, MATCHED, IGNORED)),
        Index("ix_reading_open", "site_id", "id", postgresql_where=text("state = 'open'")),
        Index(None, "inbox_id"),
        Index(None, "device_id", "recorded_at"),
        Index(None, "site_id", "lane", "recorded_at"),
        Index("ix_reading_period", "recorded_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=text("new_reading_id()"))


class ReadingKey(Tenanted, Base):
    """By what a reading with its maker's own key is known to have come before: a digest of tenant, source and key."""

    __tablename__ = "reading_key"
    digest: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    reading_id: Mapped[int] = mapped_column(BigInteger)


class ReadingKept(Tenanted, Understood, Base):
    """A reading that a passage, a decision or an alarm refers to, kept when its week went."""

    __tablename__ = "reading_kept"
    __table_args__ = (Index(None, "inbox_id"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class DeadLetter(Tenanted, Base):
    """Why a stored message, or a part of it, gave no reading. Closed when a newer adapter has read it."""

    __tablename__ = "dead_letter"
    __table_args__ = (
        Index(None, "inbox_id"),
        Index("ix_dead_letter_open", "id", postgresql_where=text("closed_at IS NULL")),
    )
    id: Mapped[Id]
    inbox_id: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    detail: Mapped[str]
    adapter: Mapped[str | None]
    adapter_version: Mapped[int | None]
    recorded_at: Mapped[RecordedAt]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class InboxConflict(Tenanted, Base):
    """The same source and id came with other bytes: both are kept, neither silently wins."""

    __tablename__ = "inbox_conflict"
    __table_args__ = (UniqueConstraint("inbox_id", "payload_sha256"),)
    id: Mapped[Id]
    inbox_id: Mapped[int] = mapped_column(BigInteger)
    topic: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    payload_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[Instant]
    copies: Mapped[int] = mapped_column(server_default=text("1"))


class DeviceSeq(Tenanted, Base):
    """How far one start of a device is known: all up to ``upto`` are held, ``high`` is the highest seen."""

    __tablename__ = "device_seq"
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True)
    boot: Mapped[str] = mapped_column(primary_key=True)
    upto: Mapped[int] = mapped_column(BigInteger)
    high: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[RecordedAt]
    last_at: Mapped[Instant]


class DeviceGap(Tenanted, Base):
    """Numbers ``seq_from`` to ``seq_to`` of one start of a device that never came; asked for until they do."""

    __tablename__ = "device_gap"
    __table_args__ = (
        CheckConstraint("seq_from <= seq_to", name="range_ordered"),
        Index("ix_device_gap_open", "device_id", "boot", "seq_from", postgresql_where=text("closed_at IS NULL")),
    )
    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    boot: Mapped[str]
    seq_from: Mapped[int] = mapped_column(BigInteger)
    seq_to: Mapped[int] = mapped_column(BigInteger)
    found_at: Mapped[RecordedAt]
    asked: Mapped[int] = mapped_column(server_default=text("0"))
    asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class DeviceState(Tenanted, Base):
    """The latest of each device: its retained status message, its last sign of life.

    ``memory`` is what its format remembers to read the next message by (states, aliases, the last number).
    """

    __tablename__ = "device_state"
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True)
    is_online: Mapped[bool | None]
    boot: Mapped[str | None]
    status_topic: Mapped[str | None]
    status_payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    status_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    skew_ms: Mapped[int | None] = mapped_column(BigInteger)
    memory: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))


class DeviceHour(Tenanted, Base):
    """How many readings a device gave in one full hour: what its rate is held against for a week."""

    __tablename__ = "device_hour"
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True)
    hour_at: Mapped[Instant] = mapped_column(primary_key=True)
    events: Mapped[int] = mapped_column(BigInteger)


class DeviceAlarm(Tenanted, Base):
    """Something about a device that a person must see; one row a cause, counted, until someone closes it."""

    __tablename__ = "device_alarm"
    __table_args__ = (
        Index(
            "uq_device_alarm_open",
            "tenant_id",
            "code",
            "subject",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
    id: Mapped[Id]
    code: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    count: Mapped[int] = mapped_column(server_default=text("1"))
    first_at: Mapped[RecordedAt]
    last_at: Mapped[RecordedAt]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Outbox(Tenanted, Base):
    """A message to a device, written in the transaction that decided it. Not sent once ``expires_at`` has passed.

    ``unheard`` means that no connected client listened; it is not sent again: a new one needs a new decision. ``fence``
    is the number of the site's lease when it was written; whoever takes the site over does not send it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("state", (QUEUED, SENT, UNHEARD, EXPIRED, FAILED)),
        CheckConstraint("qos BETWEEN 0 AND 1", name="qos_known"),
        Index("ix_outbox_queued", "id", postgresql_where=text("state = 'queued'")),
    )
    id: Mapped[Id]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    topic: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    qos: Mapped[int] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    queued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))
    state: Mapped[str] = mapped_column(server_default=QUEUED)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    fence: Mapped[int | None] = mapped_column(BigInteger)


class Lease(Tenanted, Base):
    """Which ingest process works for a site, until when; ``fence`` grows with each holder and goes into its writes."""

    __tablename__ = "lease"
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    holder: Mapped[str]
    backend_pid: Mapped[int]
    backend_start_at: Mapped[Instant]
    until_at: Mapped[Instant]
    fence: Mapped[int] = mapped_column(BigInteger)
    taken_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))


class IngestPulse(Tenanted, Base):
    """A sign of life of each ingest process, and how far it is behind; ``/readyz`` reads it."""

    __tablename__ = "ingest_pulse"
    holder: Mapped[str] = mapped_column(primary_key=True)
    door: Mapped[str]
    address: Mapped[str]
    started_at: Mapped[Instant]
    beat_at: Mapped[Instant]
    waiting: Mapped[int]
    oldest_waiting_ms: Mapped[int] = mapped_column(BigInteger)
    is_connected: Mapped[bool]
