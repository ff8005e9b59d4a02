"""Leases: one ingest process works for a site at a time; another takes over when it dies or falls silent.

A lease is over at its time, or at once when the database connection of its holder is gone. Every transaction of a
holder's lanes begins by locking its lease rows (:class:`Fenced`): a holder that lost them writes nothing more.
"""

import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from wms.db import Database, Question, Scope, set_scope
from wms.errors import N_, Kind, WmsError

log = structlog.get_logger(__name__)
LEASE_S = 6.0
RENEW_S = 2.0

SELF = text("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
TAKE = text(
    """
    INSERT INTO lease (site_id, holder, backend_pid, backend_start_at, until_at, fence)
    SELECT site_id, :holder, :pid, CAST(:start AS timestamptz), clock_timestamp() + make_interval(secs => :seconds), 1
    FROM (SELECT DISTINCT site_id FROM device WHERE is_active) AS watched ORDER BY site_id
    ON CONFLICT (site_id) DO UPDATE
    SET holder = excluded.holder, backend_pid = excluded.backend_pid, backend_start_at = excluded.backend_start_at,
        until_at = excluded.until_at, fence = lease.fence + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END
    WHERE lease.holder = excluded.holder OR lease.until_at < clock_timestamp()
       OR NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                      WHERE a.pid = lease.backend_pid AND a.backend_start = lease.backend_start_at)
    RETURNING site_id, fence
    """
)
GIVE_BACK = text("UPDATE lease SET until_at = clock_timestamp() WHERE holder = :holder")
HELD = text(
    """
    SELECT count(*) FROM (SELECT 1 FROM lease WHERE site_id = ANY(:sites) AND holder = :holder
                          AND until_at > clock_timestamp() ORDER BY site_id FOR SHARE) AS held
    """
)


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

    def __init__(self, database: Database, scope: Scope, holder: str) -> None:
        self._database, self._scope, self.holder = database, scope, holder
        self._connection: Connection | None = None
        self._backend: Mapping[str, object] = {}
        self._held: dict[int, int] = {}
        self._renewed_at = -1e9

    @property
    def held(self) -> Mapping[int, int]:
        """The fencing number of each site that is surely held; empty once the last renewal is too long ago."""
        return dict(self._held) if time.monotonic() - self._renewed_at < LEASE_S - 1 else {}

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
                held = {row.site_id: row.fence for row in session.execute(TAKE, given)}
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

    def guard(self, session: Session, sites: frozenset[int]) -> None:
        """Lock the lease rows of ``sites`` for this transaction. Raises :class:`LeaseLost`."""
        given = {"sites": list(sites), "holder": self.holder}
        if session.execute(HELD, given).scalar_one() != len(sites):
            raise LeaseLost

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
        self._leases, self._sites = leases, sites

    @contextmanager
    def unit_of_work(self, scope: Scope, first: Question | None = None) -> Iterator[Session]:
        """As :meth:`Database.unit_of_work`. Raises :class:`LeaseLost` before anything is done."""
        with self._inner.unit_of_work(scope, first) as session:
            self._leases.guard(session, self._sites)
            yield session
