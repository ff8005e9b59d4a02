"""Messages to devices: a row in the transaction that decided them, sent after its commit, never after their expiry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

CHANNEL = "dongting_outbox"

QUEUE = text(
    "INSERT INTO outbox (site_id, topic, payload, qos, expires_at)"
    " VALUES (:site_id, :topic, :payload, :qos, :expires_at) RETURNING id"
)
WAKE = text("SELECT pg_notify(:channel, :tenant)")
DUE = text(
    """
    UPDATE outbox SET state = CASE WHEN expires_at <= clock_timestamp() THEN 'expired' ELSE 'sent' END,
                      sent_at = CASE WHEN expires_at <= clock_timestamp() THEN NULL ELSE clock_timestamp() END
    WHERE id IN (SELECT id FROM outbox WHERE state = 'queued' AND (site_id IS NULL OR site_id = ANY(:sites))
                 ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, topic, payload, qos, expires_at, state
    """
)
CLOSE = text("UPDATE outbox SET state = :state, sent_at = NULL WHERE id = ANY(:ids) AND state = 'sent'")


@dataclass(frozen=True)
class Due:
    """A message that may be sent now; ``expires_at`` None means that it does not go stale."""

    outbox_id: int
    topic: str
    payload: bytes
    qos: int
    expires_at: datetime | None


def publish(
    session: Session,
    topic: str,
    payload: bytes,
    qos: int = 1,
    expires_at: datetime | None = None,
    *,
    site_id: int | None = None,
) -> int:
    """Queue a message to a device and return its row's id; it leaves only if this transaction commits.

    Never retained. ``expires_at`` is judged on the database's clock when the row is taken out to be sent.
    """
    row = {"site_id": site_id, "topic": topic, "payload": payload, "qos": qos, "expires_at": expires_at}
    outbox_id: int = session.execute(QUEUE, row).scalar_one()
    session.execute(WAKE, {"channel": CHANNEL, "tenant": ""})
    return outbox_id


def take_due(session: Session, sites: Sequence[int], limit: int = 100) -> list[Due]:
    """Take out what may be sent for ``sites``, marked as sent **before** it is: a command leaves at most once.

    What expired while it waited is marked so and not returned. Commit before sending.
    """
    rows = session.execute(DUE, {"sites": list(sites), "limit": limit}).all()
    return [
        Due(row.id, row.topic, bytes(row.payload), row.qos, row.expires_at)
        for row in sorted(rows, key=lambda row: int(row.id))
        if row.state == "sent"
    ]


def mark(session: Session, outbox_ids: Sequence[int], state: str) -> None:
    """Say what became of messages that were taken out: ``unheard`` or ``failed``."""
    session.execute(CLOSE, {"ids": list(outbox_ids), "state": state})
