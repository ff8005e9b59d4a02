"""How ingest is: a pulse each second, and what ``/readyz`` and the pages read of it (devices: ``device_health``)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

PULSE = text(
    """
    INSERT INTO ingest_pulse (holder, door, address, started_at, beat_at, waiting, oldest_waiting_ms, is_connected)
    VALUES (:holder, :door, :address, :started_at, clock_timestamp(), :waiting, :oldest_waiting_ms, :is_connected)
    ON CONFLICT (holder) DO UPDATE
    SET beat_at = excluded.beat_at, waiting = excluded.waiting, oldest_waiting_ms = excluded.oldest_waiting_ms,
        is_connected = excluded.is_connected, address = excluded.address
    """
)
NEIGHBOURS = text(
    "SELECT EXISTS (SELECT 1 FROM ingest_pulse WHERE holder <> :holder"
    " AND beat_at > clock_timestamp() - interval '1 minute')"
)
FORGET = text("DELETE FROM ingest_pulse WHERE beat_at < clock_timestamp() - interval '1 hour'")
END = text("DELETE FROM ingest_pulse WHERE holder = :holder")
UNREAD = text(
    """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)) * 1000, 0)::bigint AS oldest_ms,
           count(*) AS waiting
    FROM (SELECT recorded_at FROM inbox WHERE state = 'received' ORDER BY id LIMIT 10000) AS unread
    """
)
FACTS = text(
    """
    SELECT holder, door, address, waiting, oldest_waiting_ms, is_connected,
           (extract(epoch FROM clock_timestamp() - beat_at) * 1000)::bigint AS beat_age_ms
    FROM ingest_pulse ORDER BY beat_at DESC
    """
)
ALIVE_WITHIN_MS = 10_000
READY_WITHIN_MS = 30_000


def has_neighbours(session: Session, holder: str) -> bool:
    """Whether another ingest process works on this database, or did a minute ago."""
    return bool(session.execute(NEIGHBOURS, {"holder": holder}).scalar_one())


@dataclass(frozen=True)
class IngestFacts:
    """One ingest process as the database knows it; ``oldest_waiting_ms`` counts what is not yet read, too."""

    holder: str
    door: str
    address: str
    waiting: int
    oldest_waiting_ms: int
    is_connected: bool
    beat_age_ms: int

    @property
    def is_alive(self) -> bool:
        """Whether it gave a sign of life in the last ten seconds."""
        return self.beat_age_ms < ALIVE_WITHIN_MS

    @property
    def is_ready(self) -> bool:
        """Alive, connected, and not stuck behind a message."""
        return self.is_alive and self.is_connected and self.oldest_waiting_ms < READY_WITHIN_MS


def facts(session: Session) -> list[IngestFacts]:
    """All ingest processes of the last hour, the latest sign of life first."""
    return [IngestFacts(**row._mapping) for row in session.execute(FACTS)]


def beat(
    session: Session,
    holder: str,
    door: str,
    address: str,
    started_at: datetime,
    *,
    waiting: int,
    oldest_waiting_ms: int,
    is_connected: bool,
) -> None:
    """Leave a sign of life. The oldest waiting message is the older of the door's and the parser's."""
    unread = session.execute(UNREAD).one()
    session.execute(
        PULSE,
        {
            "holder": holder,
            "door": door,
            "address": address,
            "started_at": started_at,
            "waiting": waiting + unread.waiting,
            "oldest_waiting_ms": max(oldest_waiting_ms, unread.oldest_ms),
            "is_connected": is_connected,
        },
    )
    session.execute(FORGET)


def end(session: Session, holder: str) -> None:
    """The process ends as asked: nobody needs to wonder where it went."""
    session.execute(END, {"holder": holder})
