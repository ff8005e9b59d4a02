"""Jobs: deferred inside the transaction, run by a real worker, given back when a worker dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tests.conftest import Urls
from tests.web.machine.running import until
from web import worker
from wms.db import Database, Scope
from wms.errors import NotFound
from wms.postgres import libpq
from wms.record.jobs import defer
from wms.settings import load_settings

SCOPE = Scope.system(1)


def jobs(database: Database) -> list[tuple[str, str]]:
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id"))
        return [(row.task_name, row.status) for row in rows]


def test_a_commit_makes_the_job(fresh_database: Database) -> None:
    with fresh_database.unit_of_work(SCOPE) as session:
        assert defer(session, "test.act", number=7) is not None
        assert jobs(fresh_database) == []
    assert jobs(fresh_database) == [("test.act", "todo")]


def test_a_rollback_makes_none(fresh_database: Database) -> None:
    with suppress(NotFound), fresh_database.unit_of_work(SCOPE) as session:
        defer(session, "test.act")
        raise NotFound(what="x")
    assert jobs(fresh_database) == []


def test_at_most_one_waits_under_a_queueing_lock_and_the_transaction_lives_on(fresh_database: Database) -> None:
    with fresh_database.unit_of_work(SCOPE) as session:
        assert defer(session, "test.act", queueing_lock="one") is not None
        assert defer(session, "test.act", queueing_lock="one") is None
        assert defer(session, "test.other") is not None
    assert jobs(fresh_database) == [("test.act", "todo"), ("test.other", "todo")]


def test_deferring_sends_no_notification(fresh_database: Database, fresh_urls: Urls) -> None:
    with psycopg.connect(libpq(fresh_urls.app), autocommit=True) as listener:
        listener.execute('LISTEN "procrastinate_any_queue_v1"')
        with fresh_database.unit_of_work(SCOPE) as session:
            defer(session, "test.act")
        assert list(listener.notifies(timeout=0.3)) == []


def work(
    urls: Urls, database: Database, bodies: dict[str, Callable[..., Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the worker until no job is due."""
    monkeypatch.setattr(worker, "tasks", lambda: bodies)
    app = worker.make_app(load_settings({"DONGTING_DATABASE_URL": urls.app}), database)

    async def run() -> None:
        async with app.open_async():
            await app.run_worker_async(wait=False, listen_notify=False, install_signal_handlers=False)

    asyncio.run(run())


def test_a_body_gets_the_database_and_its_arguments(
    fresh_urls: Urls, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def body(database: Database, **args: Any) -> None:
        with database.unit_of_work(SCOPE) as session:
            seen.append((session.scalar(text("SELECT current_user")), args))

    with fresh_database.unit_of_work(SCOPE) as session:
        defer(session, "test.act", number=7, name="洞庭")
    work(fresh_urls, fresh_database, {"test.act": body}, monkeypatch)
    assert seen == [("dongting_app", {"number": 7, "name": "洞庭"})]
    assert ("test.act", "succeeded") in jobs(fresh_database)


def test_a_refusal_is_an_answer_and_not_repeated(
    fresh_urls: Urls, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def body(_database: Database) -> None:
        calls.append(1)
        raise NotFound(what="x")

    with fresh_database.unit_of_work(SCOPE) as session:
        defer(session, "test.act")
    work(fresh_urls, fresh_database, {"test.act": body}, monkeypatch)
    assert len(calls) == 1
    assert ("test.act", "succeeded") in jobs(fresh_database)


def test_an_outage_is_tried_again(fresh_urls: Urls, fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def body(_database: Database) -> None:
        raise psycopg.OperationalError

    with fresh_database.unit_of_work(SCOPE) as session:
        defer(session, "test.act")
    work(fresh_urls, fresh_database, {"test.act": body}, monkeypatch)
    with fresh_database.engine.connect() as connection:
        row = connection.execute(
            text(
                "SELECT status::text, attempts, scheduled_at > now() FROM procrastinate_jobs"
                " WHERE task_name = 'test.act'"
            )
        ).one()
    assert tuple(row) == ("todo", 1, True)


def test_names_of_jobs_of_all_rooms_are_one_each() -> None:
    assert all("." in name and callable(body) for name, body in worker.tasks().items())


SLEEPER = """
import sys, time
from web import worker
from wms.settings import load_settings
def body(database, seconds):
    print("begun", flush=True)
    time.sleep(seconds)
worker.tasks = lambda: {"test.sleep": body}
worker.run(load_settings())
"""


def sleeping_worker(urls: Urls, **environ: str) -> "subprocess.Popen[str]":
    made = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "DONGTING_DATABASE_URL": urls.app, **environ},
    )  # fmt: skip
    assert made.stdout
    assert any(line == "begun\n" for line in made.stdout)
    return made


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_long_job_is_given_back_when_its_worker_is_asked_to_end(fresh_urls: Urls, fresh_database: Database) -> None:
    with fresh_database.unit_of_work(SCOPE) as session:
        defer(session, "test.sleep", seconds=600)
    with sleeping_worker(fresh_urls) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert ("test.sleep", "todo") in jobs(fresh_database)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_job_of_a_killed_worker_is_run_by_the_next(fresh_urls: Urls, fresh_database: Database) -> None:
    with fresh_database.unit_of_work(SCOPE) as session:
        defer(session, "test.sleep", seconds=600)
    with sleeping_worker(fresh_urls) as process:
        process.kill()
    assert ("test.sleep", "doing") in jobs(fresh_database)
    with fresh_database.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"))
    with sleeping_worker(fresh_urls) as process:  # it prints "begun": the same job, once more
        process.kill()
    until(lambda: ("test.sleep", "doing") in jobs(fresh_database), "the job runs again")
