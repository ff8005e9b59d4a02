"""The bytes behind readings, as they came: what an officer, an auditor or a court asks for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

BEHIND = text(
    """
    SELECT reading.id AS reading_id, inbox.id AS inbox_id, inbox.payload, inbox.payload_sha256, inbox.topic,
           inbox.source, inbox.message_key, inbox.door, inbox.qos, inbox.is_dup, inbox.is_retained, inbox.copies,
           inbox.received_at, reading.adapter, reading.adapter_version, reading.is_live, reading.flags, reading.skew_ms
    FROM reading JOIN inbox ON inbox.id = reading.inbox_id
    WHERE reading.id = ANY (:ids) ORDER BY reading.id
    """
)


@dataclass(frozen=True)
class Raw:
    """The message that a reading was understood from. ``payload`` is what the device sent, byte by byte."""

    reading_id: int
    inbox_id: int
    payload: bytes
    sha256: str
    topic: str
    source: str
    message_key: str
    door: str
    qos: int
    is_dup: bool
    is_retained: bool
    copies: int
    received_at: datetime
    adapter: str
    adapter_version: int
    is_live: bool
    flags: tuple[str, ...]
    skew_ms: int | None


def behind(session: Session, reading_ids: Collection[int]) -> dict[int, Raw]:
    """The messages behind readings, by the reading's id; one whose bytes are no longer held is left out."""
    found = session.execute(BEHIND, {"ids": list(reading_ids)}) if reading_ids else ()
    return {
        row.reading_id: Raw(
            row.reading_id, row.inbox_id, bytes(row.payload), bytes(row.payload_sha256).hex(), row.topic, row.source,
            row.message_key, row.door, row.qos, row.is_dup, row.is_retained, row.copies, row.received_at, row.adapter,
            row.adapter_version, row.is_live, tuple(row.flags), row.skew_ms,
        )
        for row in found
    }  # fmt: skip
