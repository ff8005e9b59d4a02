"""How long events are kept (``partitions.sql``): weeks made ahead, old weeks dropped, what is referred to kept longer.

Messages and readings stand in weeks. A week goes as a whole once its period is over (dated value ``retention.events``),
which takes milliseconds however large it is: what a passage, a decision or an alarm refers to was copied before, and
the keys by which its messages were known were forgotten in small steps. Whoever drops waits at most 50 ms for a lock
and tries again, so that no device waits for it.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from wms.db import Database, Scope
from wms.parties import dated

log = structlog.get_logger(__name__)

NAME = "retention.events"
AHEAD = 4
BATCH = 2_000
PAUSE_S = 0.005  # between two steps: whoever stores events goes first
TRIES, TRY_AGAIN_S = 100, 0.1

MAKE = text("SELECT make_weeks(:ahead)")
DUE = text(
    """
    SELECT piece FROM event_weeks()
    WHERE high <= event_week(:ended_before) ORDER BY parent = 'inbox', low
    """
)
KEEP = text("SELECT keep_referred(:piece)")
FORGET_KEYS = text("SELECT forget_keys(:piece, :after, :batch)")
FORGET_LETTERS = text("SELECT forget_letters(:piece, :batch)")
DROP = text("SELECT drop_week(:piece, :ended_before)")
FORGET_KEPT = text("SELECT forget_kept(:recorded_before, :batch)")


@dataclass(frozen=True)
class Periods:
    """Days for which raw messages and readings are kept, and those that a record of the gate refers to."""

    raw_days: int
    referred_days: int


@dataclass(frozen=True)
class Dropped:
    """What one round of retention did: pieces dropped, rows kept, pieces that were too busy and wait for the next."""

    pieces: tuple[str, ...] = ()
    kept: int = 0
    busy: tuple[str, ...] = ()


def periods(session: Session, on: date) -> Periods:
    """The periods that hold on a day. Raises NoDatedValue."""
    value = dated.value(session, NAME, on)
    return Periods(int(value["raw_days"]), int(value["referred_days"]))


def make_ahead(database: Database, scope: Scope, ahead: int = AHEAD) -> int:
    """Make the running week and the ``ahead`` next ones where they are missing; return how many were made."""
    for _ in _tries():
        try:
            with database.unit_of_work(scope) as session:
                return int(session.execute(MAKE, {"ahead": ahead}).scalar_one())
        except OperationalError as error:
            _refuse_other(error)
    return 0


def drop_old(database: Database, scopes: Sequence[Scope], now: datetime) -> Dropped:
    """Drop the weeks whose period is over for every installation, keeping what is referred to; safe to repeat."""
    kept_for = [_periods_of(database, scope, now.date()) for scope in scopes]
    if not kept_for:
        return Dropped()
    ended_before = now - timedelta(days=max(one.raw_days for one in kept_for))
    with database.unit_of_work(scopes[0]) as session:
        due = list(session.execute(DUE, {"ended_before": ended_before}).scalars())
    dropped: list[str] = []
    busy: list[str] = []
    kept = 0
    for piece in due:
        kept += sum(_keep(database, scope, piece) for scope in scopes)
        for scope in scopes:
            _forget(database, scope, piece)
        (dropped if _drop(database, scopes[0], piece, ended_before) else busy).append(piece)
    for scope, one in zip(scopes, kept_for, strict=True):
        _forget_kept(database, scope, now - timedelta(days=max(one.raw_days, one.referred_days)))
    return Dropped(tuple(dropped), kept, tuple(busy))


def _periods_of(database: Database, scope: Scope, on: date) -> Periods:
    with database.unit_of_work(scope) as session:
        return periods(session, on)


def _keep(database: Database, scope: Scope, piece: str) -> int:
    """Copy what is referred to; return how many rows were copied."""
    with database.unit_of_work(scope) as session:
        return int(session.execute(KEEP, {"piece": piece}).scalar_one())


def _forget(database: Database, scope: Scope, piece: str) -> None:
    """Forget the keys, and the letters of the messages that are not kept, in small steps."""
    after: int | None = 0
    while after is not None:
        with database.unit_of_work(scope) as session:
            given = {"piece": piece, "after": after, "batch": BATCH}
            after = session.execute(FORGET_KEYS, given).scalar_one()
        time.sleep(PAUSE_S)
    forgotten = piece.startswith("inbox_")
    while forgotten:
        with database.unit_of_work(scope) as session:
            forgotten = bool(session.execute(FORGET_LETTERS, {"piece": piece, "batch": BATCH}).scalar_one())
        time.sleep(PAUSE_S)


def _drop(database: Database, scope: Scope, piece: str, ended_before: datetime) -> bool:
    for attempt in _tries():
        try:
            with database.unit_of_work(scope) as session:
                session.execute(DROP, {"piece": piece, "ended_before": ended_before})
        except OperationalError as error:
            _refuse_other(error)
        else:
            log.info("week_dropped", piece=piece, attempts=attempt)
            return True
    log.warning("week_busy", piece=piece, attempts=TRIES)
    return False


def _forget_kept(database: Database, scope: Scope, recorded_before: datetime) -> None:
    while True:
        with database.unit_of_work(scope) as session:
            if not session.execute(FORGET_KEPT, {"recorded_before": recorded_before, "batch": BATCH}).scalar_one():
                return
        time.sleep(PAUSE_S)


def _tries() -> Iterator[int]:
    for attempt in range(1, TRIES + 1):
        yield attempt
        time.sleep(TRY_AGAIN_S)


def _refuse_other(error: OperationalError) -> None:
    """Anything but a lock that was not had in time is not ours to try again."""
    if not isinstance(error.orig, LockNotAvailable):
        raise error


def every_scope(database: Database) -> list[Scope]:
    """The scope of each installation of the database."""
    with database.engine.connect() as connection:
        ids: Iterable[int] = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars()
        return [Scope.system(tenant_id) for tenant_id in ids]


def weeks_job(database: Database, *, timestamp: int | None = None) -> int:
    """Make weeks ahead; called by the clock."""
    del timestamp  # what is missing now is made now
    return make_ahead(database, Scope.system())


def drop_job(database: Database, *, timestamp: int | None = None) -> tuple[str, ...]:
    """Drop weeks whose period is over; called by the clock."""
    del timestamp
    return drop_old(database, every_scope(database), datetime.now(UTC)).pieces
