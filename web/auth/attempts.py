"""Counting tries over all processes, in a table: a limit that each process counts alone is not a limit."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from web.auth.refusals import TooMany
from web.auth.tables import Attempts


def window_of(now: datetime, window_s: int) -> datetime:
    """Return the start of the window of ``window_s`` seconds that holds ``now``."""
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % window_s, UTC)


def count(session: Session, bucket: str, window_s: int, now: datetime | None = None) -> int:
    """Count one try in ``bucket`` and return how many the window holds; older windows of the bucket are dropped."""
    start = window_of(now or datetime.now(UTC), window_s)
    session.execute(delete(Attempts).where(Attempts.bucket == bucket, Attempts.window_at < start))
    statement = (
        insert(Attempts)
        .values(bucket=bucket, window_at=start, n=1)
        .on_conflict_do_update(
            index_elements=[Attempts.tenant_id, Attempts.bucket, Attempts.window_at], set_={"n": Attempts.n + 1}
        )
        .returning(Attempts.n)
    )
    return session.execute(statement).scalar_one()


def refuse_over(session: Session, bucket: str, most: int, window_s: int, now: datetime | None = None) -> None:
    """Raise :class:`TooMany` when the window of ``bucket`` already holds ``most`` tries. Counts nothing."""
    now = now or datetime.now(UTC)
    start = window_of(now, window_s)
    held = select(Attempts.n).where(Attempts.bucket == bucket, Attempts.window_at == start)
    if (session.scalar(held) or 0) >= most:
        raise TooMany(wait_s=int((start + timedelta(seconds=window_s) - now).total_seconds()) + 1)


def forget(session: Session, bucket: str) -> None:
    """Empty the bucket: the right password was given, or an administrator unlocked the login."""
    session.execute(delete(Attempts).where(Attempts.bucket == bucket))
