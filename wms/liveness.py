"""Is a pooled connection still alive? Asked at every checkout, so it must cost next to nothing.

A server that ends or restarts closes the socket, and a closed socket is readable: one system call sees it, where the
usual ``SELECT 1`` costs a round trip (a sixth of a posting). Only a connection that has something to read, or has not
been used for a while, is asked in full.
"""

import select
import time
from typing import Any

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.exc import DisconnectionError

IDLE_S = 10.0


def watch(engine: Engine) -> None:
    """Replace a connection that died in the pool before anybody gets it (in place of ``pool_pre_ping``)."""
    event.listen(engine, "checkin", _note)
    dialect = engine.dialect  # not the engine itself: a circle would keep its connections from being closed
    event.listen(engine, "checkout", lambda connection, record, _: _look(dialect, connection, record))


def _note(_: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _look(dialect: Dialect, connection: Any, record: Any) -> None:
    used_at = record.info.get("used_at")
    if used_at is None:  # new
        return
    if time.monotonic() - used_at < IDLE_S and not connection.closed and not _is_readable(connection):
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError("died in the pool") from error


def _is_readable(connection: Any) -> bool:
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
