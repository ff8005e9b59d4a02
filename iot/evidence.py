"""The bytes behind readings, as they came: what an officer, an auditor or a court asks for.

Also when the week in which they came is gone: what is referred to was kept (:mod:`iot.retention`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

BEHIND = text(
    """
    WITH read AS (
        SELECT id, inbox_id, adapter, adapter_version, is_live, flags, skew_ms FROM reading WHERE id = ANY (:ids)
        UNION ALL
        SELECT id, inbox_id, adapter, adapter_version, is_live, flags, skew_ms FROM reading_kept WHERE id = ANY (:ids)
    )
    SELECT DISTINCT ON (read.id) read.id AS reading_id, message.id AS inbox_id, message.payload, message.payload_sha256,
           message.topic, message.source, message.message_key, message.door, message.qos, message.is_dup,
           message.is_retained, message.copies, message.received_at, read.adapter, read.adapter_version, read.is_live,
           read.flags, read.skew_ms
    FROM read CROSS JOIN LATERAL (
        SELECT id, payload, payload_sha256, topic, source, message_key, door, qos, is_dup, is_retained, copies,
               received_at FROM inbox WHERE inbox.id = read.inbox_id
        UNION ALL
        SELECT id, payload, payload_sha256, topic, source, message_key, door, qos, is_dup, is_retained, copies,
               received_at FROM inbox_kept WHERE inbox_kept.id = read.inbox_id
    ) AS message ORDER BY read.id
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
