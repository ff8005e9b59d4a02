"""Messages to devices: a row in the transaction that decided them, sent after its commit, never after their expiry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

CHANNEL = "dongting_outbox"

QUEUE = text(
    "INSERT INTO outbox (site_id, topic, payload, qos, expires_at, fence)"
    " VALUES (:site_id, :topic, :payload, :qos, :expires_at, (SELECT fence FROM lease WHERE site_id = :site_id))"
    " RETURNING id"
)
ALONG = text(
    "INSERT INTO outbox (site_id, topic, payload, qos, expires_at, fence, state, sent_at)"
    " VALUES (:site_id, :topic, :payload, :qos, :expires_at, (SELECT fence FROM lease WHERE site_id = :site_id),"
    " 'sent', clock_timestamp()) RETURNING id"
)
WAKE = text("SELECT pg_notify(:channel, :tenant)")
DUE = text(
    """
    WITH due AS (
        SELECT outbox.id, expires_at <= clock_timestamp() OR outbox.fence <> ours.fence AS is_over
        FROM outbox
        LEFT JOIN unnest(CAST(:sites AS bigint[]), CAST(:fences AS bigint[])) AS ours (site_id, fence)
               ON ours.site_id = outbox.site_id
        WHERE state = 'queued' AND (outbox.site_id IS NULL OR ours.site_id IS NOT NULL)
        ORDER BY outbox.id LIMIT :limit FOR UPDATE OF outbox SKIP LOCKED)
    UPDATE outbox SET state = CASE WHEN is_over THEN 'expired' ELSE 'sent' END,
                      sent_at = CASE WHEN is_over THEN NULL ELSE clock_timestamp() END
    FROM due WHERE due.id = outbox.id
    RETURNING outbox.id, topic, payload, qos, expires_at, state
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

    It carries the fencing number of its site's lease, so that it dies with its holder. Never retained. ``expires_at``
    is judged on the database's clock when the row is taken out to be sent.
    """
    row = {"site_id": site_id, "topic": topic, "payload": payload, "qos": qos, "expires_at": expires_at}
    outbox_id: int = session.execute(QUEUE, row).scalar_one()
    session.execute(WAKE, {"channel": CHANNEL, "tenant": ""})
    return outbox_id


def send_along(
    session: Session, topic: str, payload: bytes, qos: int = 1, expires_at: datetime | None = None, *, site_id: int
) -> Due:
    """As :func:`publish`, taken out at once: whoever holds the site's lease sends it himself, behind his commit.

    It is marked as sent before it is, as by :func:`take_due`: whatever happens then, it leaves at most once.
    """
    row = {"site_id": site_id, "topic": topic, "payload": payload, "qos": qos, "expires_at": expires_at}
    return Due(session.execute(ALONG, row).scalar_one(), topic, payload, qos, expires_at)


def take_due(session: Session, fences: Mapping[int, int], limit: int = 100) -> list[Due]:
    """Take out what may be sent for the sites of ``fences``, marked as sent **before** it is: it leaves at most once.

    ``fences`` are the numbers of the leases that the caller holds. What expired while it waited, and what an earlier
    holder of the site left behind, is marked as expired and not returned. Commit before sending.
    """
    given = {"sites": list(fences), "fences": list(fences.values()), "limit": limit}
    rows = session.execute(DUE, given).all()
    return [
        Due(row.id, row.topic, bytes(row.payload), row.qos, row.expires_at)
        for row in sorted(rows, key=lambda row: int(row.id))
        if row.state == "sent"
    ]


def mark(session: Session, outbox_ids: Sequence[int], state: str) -> None:
    """Say what became of messages that were taken out: ``unheard`` or ``failed``."""
    session.execute(CLOSE, {"ids": list(outbox_ids), "state": state})
