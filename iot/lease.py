"""Leases: one ingest process works for a site at a time; another takes over when it dies or falls silent.

A lease is over at its time, or at once when the database connection of its holder is gone. Every transaction of a
holder's lanes begins by locking its lease rows (:class:`Fenced`): a holder that lost them writes nothing more.
"""

import os
import secrets
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from wms.db import Database, Question, Scope, first_answer, set_scope
from wms.errors import N_, Kind, WmsError

log = structlog.get_logger(__name__)
LEASE_S = 6.0
RENEW_S = 1.0
HOLD_S = LEASE_S - 1  # how long we trust a renewal by our own clock; a rival waits for the whole lease

SELF = text("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
KEEP = text(
    """
    UPDATE lease SET until_at = clock_timestamp() + make_interval(secs => :seconds),
                     backend_pid = :pid, backend_start_at = CAST(:start AS timestamptz)
    WHERE holder = :holder RETURNING site_id, fence
    """
)
FIRST = text(
    """
    INSERT INTO lease (site_id, holder, backend_pid, backend_start_at, until_at, fence)
    SELECT id, :holder, :pid, CAST(:start AS timestamptz), clock_timestamp() + make_interval(secs => :seconds), 1
    FROM site WHERE id IN (SELECT site_id FROM device WHERE is_active) AND (:all_sites OR code = ANY(:codes))
    ORDER BY id
    ON CONFLICT (site_id) DO NOTHING
    RETURNING site_id, fence
    """
)
# A row that is locked is left alone: its holder is writing, or frozen in the middle of it; the next look takes it.
TAKE = text(
    """
    UPDATE lease SET holder = :holder, backend_pid = :pid, backend_start_at = CAST(:start AS timestamptz),
                     until_at = clock_timestamp() + make_interval(secs => :seconds), fence = lease.fence + 1,
                     taken_at = clock_timestamp()
    WHERE site_id IN (
        SELECT lease.site_id FROM lease JOIN site ON site.id = lease.site_id
        WHERE lease.holder <> :holder AND (:all_sites OR site.code = ANY(:codes))
          AND (lease.until_at < clock_timestamp()
               OR NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                              WHERE a.pid = lease.backend_pid AND a.backend_start = lease.backend_start_at))
          AND EXISTS (SELECT 1 FROM device WHERE device.site_id = lease.site_id AND device.is_active)
        ORDER BY lease.site_id FOR UPDATE OF lease SKIP LOCKED)
    RETURNING site_id, fence
    """
)
GIVE_BACK = text("UPDATE lease SET until_at = clock_timestamp() WHERE holder = :holder")
HELD = """
    SELECT count(*) FROM (
        SELECT 1 FROM lease JOIN unnest(CAST(%s AS bigint[]), CAST(%s AS bigint[])) AS ours (site_id, fence)
                        ON ours.site_id = lease.site_id AND ours.fence = lease.fence
        WHERE holder = %s AND until_at > clock_timestamp() ORDER BY lease.site_id FOR SHARE OF lease) AS held
    """


class LeaseLost(WmsError):
    """Another ingest process works for the site now; nothing was written."""

    code = "lease_lost"
    kind = Kind.CONFLICT
    text = N_("Another ingest process has taken over the site.")


def new_holder() -> str:
    """A name for this process that no other process ever has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Leases:
    """The leases of one process. :meth:`renew` is to be called every two seconds."""

    def __init__(self, database: Database, scope: Scope, holder: str, codes: Collection[str] = ()) -> None:
        self._database, self._scope, self.holder, self._codes = database, scope, holder, tuple(codes)
        self._connection: Connection | None = None
        self._backend: Mapping[str, object] = {}
        self._held: dict[int, int] = {}
        self._renewed_at = -1e9

    @property
    def held(self) -> Mapping[int, int]:
        """The fencing number of each site that is surely held; empty once the last renewal is too long ago."""
        return dict(self._held) if time.monotonic() < self.until_s else {}

    @property
    def until_s(self) -> float:
        """Until when on the machine's monotonic clock what is held is surely held. Nothing is sent after it."""
        return self._renewed_at + HOLD_S

    @property
    def sites(self) -> frozenset[int]:
        """The sites that are surely held."""
        return frozenset(self.held)

    def renew(self) -> None:
        """Renew what is held and take what is free. Raises what the database raises."""
        started = time.monotonic()
        try:
            connection = self._connected()
            with Session(connection) as session, session.begin():
                set_scope(session, self._scope)
                given = {"holder": self.holder, "seconds": LEASE_S, **self._backend}
                held = {row.site_id: row.fence for row in session.execute(KEEP, given)}
            with Session(connection) as session, session.begin():  # what others hold never delays our own
                set_scope(session, self._scope)
                given |= {"codes": list(self._codes), "all_sites": not self._codes}
                for free in (FIRST, TAKE):
                    held |= {row.site_id: row.fence for row in session.execute(free, given)}
        except DBAPIError:
            self._drop()
            raise
        if held.keys() != self._held.keys():
            log.info("leases", sites=sorted(held))
        self._held, self._renewed_at = held, started

    def give_back(self) -> None:
        """End all leases at once, so that another process need not wait."""
        self._held = {}
        try:
            with self._database.unit_of_work(self._scope) as session:
                session.execute(GIVE_BACK, {"holder": self.holder})
        except DBAPIError as why:
            log.warning("leases_not_given_back", error=str(why.orig)[:200])
        self._drop()

    def guard(self, fences: Mapping[int, int]) -> Question:
        """Lock the lease rows of the sites in ``fences`` for a transaction; the answer is how many are still ours.

        The number counts, not only the name: a lease that was lost and won again meanwhile is another one.
        """
        return Question(HELD, (list(fences), list(fences.values()), self.holder))

    def _connected(self) -> Connection:
        """The connection whose life stands for ours."""
        if self._connection is None:
            connection = self._database.engine.connect()
            pid, start = connection.execute(SELF).one()
            connection.rollback()
            self._connection, self._backend = connection, {"pid": pid, "start": start}
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


class Fenced(Database):
    """A database whose every unit of work holds while, and only while, the leases of ``sites`` are ours."""

    def __init__(self, inner: Database, leases: Leases, sites: frozenset[int]) -> None:
        self.url, self.engine, self._inner = inner.url, inner.engine, inner
        known = leases.held
        self._leases, self._fences = leases, {site_id: known.get(site_id, 0) for site_id in sites}

    @contextmanager
    def unit_of_work(self, scope: Scope, first: Question | None = None) -> Iterator[Session]:
        """As :meth:`Database.unit_of_work`, which begins with the leases. Raises LeaseLost before anything is done."""
        assert first is None, "it begins with its leases"
        with self._inner.unit_of_work(scope, self._leases.guard(self._fences)) as session:
            if first_answer(session) != len(self._fences):
                raise LeaseLost
            yield session
