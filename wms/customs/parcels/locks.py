"""All work on one order queues at a lock of its number: documents that come, and drawing up its declaration.

Locks are taken in one order for a whole message, so that two messages cannot deadlock.
"""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(n, 311)) FROM unnest(cast(:numbers AS text[])) n")


def lock_orders(session: Session, numbers: Iterable[str]) -> None:
    """Hold the locks of these order numbers until the transaction ends."""
    wanted = sorted(set(numbers))
    if wanted:
        session.execute(LOCK, {"numbers": wanted})
