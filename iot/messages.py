"""What each device sent and how it was understood: reads for pages and API, and reading again with today's adapters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from iot.parsing import Done, replay
from iot.register import load
from iot.tables import DeadLetter, Device, DeviceGap, Inbox, InboxConflict, Reading
from wms.errors import NotFound
from wms.record.service import append_leaf

MOST_AT_ONCE = 500
SHOWN = 500

DEVICES = text(
    """
    SELECT device.id, device.code, device.name_zh, device.name_en, device.family, device.format, device.lane,
           device.is_active, site.code AS site, state.is_online, state.last_seen_at, state.skew_ms,
           coalesce(sent.n, 0) AS sent, coalesce(gap.n, 0) AS missing, coalesce(letter.n, 0) AS unread
    FROM device
    JOIN site ON site.id = device.site_id
    LEFT JOIN device_state AS state ON state.device_id = device.id
    LEFT JOIN (SELECT device_id, sum(high) AS n FROM device_seq GROUP BY device_id) AS sent
           ON sent.device_id = device.id
    LEFT JOIN (SELECT device_id, sum(seq_to - seq_from + 1) AS n FROM device_gap WHERE closed_at IS NULL
               GROUP BY device_id) AS gap ON gap.device_id = device.id
    LEFT JOIN (SELECT inbox.device_id, count(*) AS n
               FROM (SELECT inbox_id FROM dead_letter WHERE closed_at IS NULL ORDER BY id DESC LIMIT 5000) AS open
               JOIN inbox ON inbox.id = open.inbox_id GROUP BY inbox.device_id) AS letter
           ON letter.device_id = device.id
    WHERE device.id > :after
    ORDER BY device.id LIMIT :limit
    """
)


@dataclass(frozen=True)
class DeviceRow:
    """A device: how many messages it says it sent, how many of them are missing, how many of its could not be read.

    ``sent`` is 0 for devices that do not count: of those only silence can be seen.
    """

    id: int
    code: str
    name_zh: str
    name_en: str
    family: str
    format: str
    lane: str | None
    is_active: bool
    site: str
    is_online: bool | None
    last_seen_at: datetime | None
    skew_ms: int | None
    sent: int
    missing: int
    unread: int

    @property
    def held(self) -> int:
        """Of those sent, how many are here."""
        return self.sent - self.missing


@dataclass(frozen=True)
class MessageRow:
    """One stored message in a list."""

    id: int
    device: str | None
    source: str
    topic: str
    state: str
    received_at: datetime
    adapter: str | None
    adapter_version: int | None
    bytes: int
    copies: int
    reason: str | None


@dataclass(frozen=True)
class Asked:
    """Which messages are wanted: of a device, in a state (``open``: a letter that nobody could read), in a period."""

    device_id: int | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int = 0


def devices(session: Session, *, after: int = 0, limit: int = SHOWN) -> list[DeviceRow]:
    """Devices in the order of their entry."""
    found = session.execute(DEVICES, {"after": after, "limit": limit})
    numbers = ("sent", "missing", "unread")
    return [DeviceRow(**{**row._mapping, **{name: int(row._mapping[name]) for name in numbers}}) for row in found]


def messages(session: Session, asked: Asked, limit: int = 50) -> list[MessageRow]:
    """Stored messages, the newest first, below the row ``asked.before`` (0: from the newest)."""
    reason = (
        select(DeadLetter.reason)
        .where(DeadLetter.inbox_id == Inbox.id, DeadLetter.closed_at.is_(None))
        .order_by(DeadLetter.id)
        .limit(1)
        .scalar_subquery()
    )
    query = select(Inbox, Device.code, reason).outerjoin(Device, Device.id == Inbox.device_id)
    if asked.device_id is not None:
        query = query.where(Inbox.device_id == asked.device_id)
    if asked.state == "open":
        waiting = select(DeadLetter.inbox_id).where(DeadLetter.closed_at.is_(None))
        query = query.where(Inbox.id.in_(waiting))
    elif asked.state:
        query = query.where(Inbox.state == asked.state)
    if asked.since:
        query = query.where(Inbox.received_at >= asked.since)
    if asked.until:
        query = query.where(Inbox.received_at < asked.until)
    if asked.before:
        query = query.where(Inbox.id < asked.before)
    rows = session.execute(query.order_by(Inbox.id.desc()).limit(limit))
    return [
        MessageRow(
            one.id,
            code,
            one.source,
            one.topic,
            one.state,
            one.received_at,
            one.adapter,
            one.adapter_version,
            len(one.payload),
            one.copies,
            why,
        )
        for one, code, why in rows
    ]


@dataclass(frozen=True)
class Understanding:
    """One message with its bytes, what was read from it, what was not, and what came under its id with other bytes."""

    message: Inbox
    device: Device | None
    readings: Sequence[Reading]
    letters: Sequence[DeadLetter]
    conflicts: Sequence[InboxConflict]


def understanding(session: Session, inbox_id: int) -> Understanding:
    """Everything about one message. Raises :class:`NotFound`."""
    found = session.scalars(select(Inbox).where(Inbox.id == inbox_id)).one_or_none()
    if found is None:
        raise NotFound(what=f"device message {inbox_id}")
    return Understanding(
        found,
        session.get(Device, found.device_id) if found.device_id else None,
        session.scalars(_of(Reading, inbox_id)).all(),
        session.scalars(_of(DeadLetter, inbox_id)).all(),
        session.scalars(_of(InboxConflict, inbox_id)).all(),
    )


def _of(table: Any, inbox_id: int) -> Any:
    return select(table).where(table.inbox_id == inbox_id).order_by(table.id).limit(SHOWN)


def gaps(session: Session, device_id: int, limit: int = 100) -> Sequence[DeviceGap]:
    """Numbers that never came, the open ones first."""
    query = select(DeviceGap).where(DeviceGap.device_id == device_id)
    return session.scalars(query.order_by(DeviceGap.closed_at.is_not(None), DeviceGap.id.desc()).limit(limit)).all()


def read_again(session: Session, inbox_ids: Sequence[int], secret_key: str, person_id: int | None = None) -> Done:
    """Read at most :data:`MOST_AT_ONCE` stored messages with today's adapters and profiles; it stands in the record.

    What comes of it is history: it never moves a barrier. ``secret_key`` makes the keys that devices sign with.
    """
    ids = sorted(set(inbox_ids))[:MOST_AT_ONCE]
    done = replay(session, load(session, secret_key), ids)
    body: dict[str, Any] = {"messages": done.messages, "inbox_ids": ids}
    append_leaf(session, "device_messages_read_again", {**body, "by": person_id})
    return done


def open_letters(session: Session, device_id: int | None = None, limit: int | None = MOST_AT_ONCE) -> list[int]:
    """The messages with a letter that nobody could read yet, the one whose letter is oldest first.

    Not what a device may not say: that stays in quarantine however often it is read.
    """
    query = select(DeadLetter.inbox_id).where(DeadLetter.closed_at.is_(None), DeadLetter.reason != "foreign_topic")
    if device_id is not None:
        query = query.join(Inbox, Inbox.id == DeadLetter.inbox_id).where(Inbox.device_id == device_id)
    return list(session.scalars(query.group_by(DeadLetter.inbox_id).order_by(func.min(DeadLetter.id)).limit(limit)))


def shown_raw(payload: bytes) -> tuple[str, str]:
    """A payload for eyes: how it is shown (``json``, ``text`` or ``hex``) and its text, at most 64 KiB of it."""
    head = payload[:65_536]
    try:
        return "json", json.dumps(json.loads(head), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        pass
    for charset in ("utf-8", "gb18030"):
        try:
            read = head.decode(charset)
        except UnicodeDecodeError:
            continue
        if all(sign.isprintable() or sign in "\r\n\t" for sign in read):
            return "text", read
    return "hex", head.hex(" ")
