"""Events as the revision before the weeks kept them: a message read, one dead, one met again with other bytes."""

import hashlib

from sqlalchemy import text
from sqlalchemy.orm import Session

MESSAGE = text(
    "INSERT INTO inbox (source, message_key, is_weak_key, topic, payload, payload_sha256, qos, is_dup, is_retained,"
    " is_will, door, received_at, state) VALUES (:source, :key, false, 't', :payload, :sha256, 1, false, false, false,"
    " 'embedded', now() - interval '10 days', :state) RETURNING id"
)
READING = text(
    "INSERT INTO reading (inbox_id, source, reading_key, kind, recorded_at, is_live, payload, adapter, adapter_version)"
    " VALUES (:inbox_id, 'old', :key, 'PlateRead', now() - interval '10 days', true, '{}', 'zhenshi', 1) RETURNING id"
)


def old_message(session: Session, key: str, payload: bytes, state: str = "parsed") -> int:
    """A message of the old inbox; returns its id."""
    given = {"source": "old", "key": key, "payload": payload, "state": state}
    return int(session.execute(MESSAGE, {**given, "sha256": hashlib.sha256(payload).digest()}).scalar_one())


def old_reading(session: Session, inbox_id: int, key: str) -> int:
    """A reading of the old table; returns its id."""
    return int(session.execute(READING, {"inbox_id": inbox_id, "key": key}).scalar_one())
