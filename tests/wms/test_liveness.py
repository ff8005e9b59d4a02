"""A pooled connection that died is replaced unseen; a living one is not asked by a round trip."""

import time

import psycopg
import pytest
from sqlalchemy import event, text

from tests.conftest import Urls
from wms import liveness
from wms.db import Database, Scope
from wms.postgres import libpq


def backend(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def kill(urls: Urls, pid: int) -> None:
    with psycopg.connect(libpq(urls.superuser), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        while connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            time.sleep(0.01)


def test_a_connection_that_was_killed_in_the_pool_is_replaced(urls: Urls, scope: Scope) -> None:
    database = Database(urls.app, pool_size=1, max_overflow=0)
    first = backend(database, scope)
    kill(urls, first)
    assert backend(database, scope) != first
    database.close()


def test_a_connection_in_use_a_moment_ago_is_not_asked(urls: Urls, scope: Scope) -> None:
    database, statements = Database(urls.app, pool_size=1, max_overflow=0), []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert backend(database, scope) == backend(database, scope)
    assert len(statements) == 2  # the question, twice; the scope is told by the driver alone
    database.close()


def test_a_connection_that_rested_long_is_asked_in_full(
    urls: Urls, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, asked = Database(urls.app, pool_size=1, max_overflow=0), []
    first = backend(database, scope)
    monkeypatch.setattr(liveness, "IDLE_S", 0.0)
    ping = database.engine.dialect.do_ping
    monkeypatch.setattr(database.engine.dialect, "do_ping", lambda one: asked.append(one) or ping(one))
    assert backend(database, scope) == first
    assert len(asked) == 1
    database.close()
