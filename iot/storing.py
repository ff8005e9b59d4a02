"""Writing a batch of arrivals: one statement over a connection of its own; whatever is not plain, in full.

Nearly every batch is new and in order. Such a batch is one prepared statement that commits itself: one round trip
where a unit of work takes four. What came again, and what goes to quarantine, is written by :func:`iot.inbox.store`.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from iot.inbox import Arrival, Outcome, store, store_fresh, store_one_by_one
from wms.db import Database, Scope, carry_scope
from wms.failpoints import reach
from wms.postgres import libpq

log = structlog.get_logger(__name__)
AWAY = (psycopg.OperationalError, psycopg.InterfaceError)


class InboxWriter:
    """Writes one batch; one that the database refuses is written row by row. For one thread at a time."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._scope = database, scope
        self._url = libpq(database.url)
        self._connection: psycopg.Connection[Any] | None = None

    def __call__(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Raises what :func:`iot.committer.is_away` knows when the database is away: try the same batch again.

        When this returns, every arrival is committed. When it raises, some may be: they are found again as copies.
        """
        try:
            if any(arrival.reason for arrival in arrivals):
                return self._in_full(arrivals)
            return self._plainly(arrivals)
        except (*AWAY, OperationalError, InterfaceError):
            raise
        except (psycopg.Error, DBAPIError, UnicodeError, ValueError) as refusal:
            log.warning("batch_refused", messages=len(arrivals), error=str(refusal)[:300])
            with self._database.unit_of_work(self._scope) as session:
                return store_one_by_one(session, arrivals)

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()

    def _in_full(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        with self._database.unit_of_work(self._scope) as session:
            return store(session, arrivals)

    def _plainly(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Insert what is new; what is not is looked at in a transaction of its own before any of it is acknowledged."""
        try:
            reach("commit.before")
            fresh = store_fresh(self._connected(), arrivals)
            reach("commit.after")
        except AWAY:
            self.close()
            raise
        if len(fresh) == len(arrivals):
            return [Outcome.STORED] * len(arrivals)
        left = Counter(fresh)
        again: list[int] = []
        for place, arrival in enumerate(arrivals):
            if left[arrival.identity]:
                left[arrival.identity] -= 1
            else:
                again.append(place)
        outcomes = [Outcome.STORED] * len(arrivals)
        repeated = self._in_full([arrivals[place] for place in again])
        for place, outcome in zip(again, repeated, strict=True):
            outcomes[place] = outcome
        return outcomes

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            connection = psycopg.connect(self._url, autocommit=True)
            carry_scope(connection, self._scope)
            self._connection = connection
        return self._connection
