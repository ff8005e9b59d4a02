"""Readings for the lanes: take the open ones of a site in order, and mark them once something was made of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

OPEN = text(
    """
    SELECT reading.id, inbox_id, reading.site_id, device_id, device.code AS device_code, reading.lane, kind, event_at,
           reading.recorded_at, skew_ms, is_live, flags, payload
    FROM reading LEFT JOIN device ON device.id = reading.device_id
    WHERE reading.state = 'open' AND reading.site_id = :site_id
    ORDER BY reading.id LIMIT :limit FOR UPDATE OF reading SKIP LOCKED
    """
)
MARK = text("UPDATE reading SET state = :state WHERE id = ANY(:ids)")


@dataclass(frozen=True)
class OpenReading:
    """A reading as the lanes see it; ``payload`` is ``iot.events.as_json`` of a reading of class ``kind``."""

    id: int
    inbox_id: int
    site_id: int
    device_id: int | None
    device_code: str | None
    lane: str | None
    kind: str
    event_at: datetime | None
    recorded_at: datetime
    skew_ms: int | None
    is_live: bool
    flags: Sequence[str]
    payload: Mapping[str, Any]


def open_readings(session: Session, site_id: int, limit: int = 500) -> list[OpenReading]:
    """The oldest open readings of a site, locked for this transaction; another worker's are passed over."""
    rows = session.execute(OPEN, {"site_id": site_id, "limit": limit})
    return [OpenReading(**row._mapping) for row in rows]


def mark(session: Session, reading_ids: Iterable[int], state: str) -> None:
    """Mark readings ``matched`` (they are part of something) or ``ignored`` (looked at, of no use to a lane)."""
    session.execute(MARK, {"ids": list(reading_ids), "state": state})
