"""The worker process: joins the names of jobs with their bodies, which live in the rooms that know how.

A module that has jobs says so in ``TASKS``: name → a function that takes the :class:`wms.db.Database` and the job's
arguments. Delivery is at least once, so each body is safe to repeat. A name that also stands in its ``EVERY`` (name →
five fields of cron, UTC) is called by the clock too, with the time of the call as ``timestamp``.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import psycopg
import structlog
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.worker import Worker
from sqlalchemy.exc import InterfaceError, OperationalError

from web.databases import app_url
from web.metrics import JOB_SECONDS, JOBS
from wms.customs import mail
from wms.db import Database
from wms.errors import WmsError
from wms.parties.private import give_keys, open_vault
from wms.postgres import libpq
from wms.settings import Settings

log = structlog.get_logger("worker")

Body = Callable[..., Any]

MODULES = (
    "wms.stock.jobs",
    "wms.customs.parcels.jobs",
    "wms.floor.jobs",
    "wms.watch.jobs",
    "wms.gate.jobs",
    "wms.freight.jobs",
    "routing.desk",
    "routing.desk_parts",
    "routing.replan.desk",
    "routing.rounds.desk.asking",
    "routing.curves",
    "routing.emergency_desk",
    "routing.jobs",
    "routing.hand_over.working",
    "iot.jobs",
    "web.out.jobs",
    "web.waving",
    "web.imports.queued",
    "web.cartoning",
)
ASK_EVERY_S = 0.5  # new jobs are asked for: NOTIFY would make commits wait for each other
HEARTBEAT_S = 5.0
GRACE_S = 3.0  # for running jobs at the end; what does not end in time is run again by the next worker

# The database went away or two transactions met: the same job may succeed a moment later. A refusal never does.
AGAIN = RetryStrategy(
    max_attempts=8,
    exponential_wait=2,
    retry_exceptions={OperationalError, InterfaceError, psycopg.OperationalError},
)


def tasks() -> dict[str, Body]:
    """All jobs of all rooms by name. A name given twice is a mistake of ours."""
    found: dict[str, Body] = {}
    for module in _modules():
        theirs: Mapping[str, Body] = getattr(module, "TASKS", {})
        if twice := found.keys() & theirs.keys():
            raise ValueError(f"two jobs are called {', '.join(twice)}")
        found |= theirs
    return found


def timetable() -> dict[str, str]:
    """Which jobs the clock calls, and when."""
    return {name: cron for module in _modules() for name, cron in getattr(module, "EVERY", {}).items()}


def _modules() -> Iterator[ModuleType]:
    for name in MODULES:
        if find_spec(name.rpartition(".")[0]) is not None and find_spec(name) is not None:
            yield import_module(name)


def make_app(settings: Settings, database: Database) -> App:
    """Procrastinate's app with every task and the sweep of jobs whose worker died."""
    connector = PsycopgConnector(conninfo=libpq(app_url(settings)), min_size=1, max_size=max(3, settings.worker_jobs))
    app = App(connector=connector)
    called = timetable()
    for name, body in tasks().items():
        task = app.task(name=name, retry=AGAIN)(partial(run_job, name, body, database))
        if name in called:
            app.periodic(cron=called[name])(task)
    sweep = app.task(name="worker.sweep_stalled", queueing_lock="worker.sweep_stalled")(
        partial(sweep_stalled, app, settings.job_stalled_s)
    )
    app.periodic(cron="*/1 * * * *")(sweep)
    return app


def run_job(name: str, body: Body, database: Database, /, **args: Any) -> None:
    """Run one job and count it. A refusal is an answer: logged, not repeated."""
    started_s = time.perf_counter()
    outcome = "failed"
    try:
        body(database, **args)
        outcome = "done"
    except WmsError as refusal:
        outcome = "refused"
        log.warning("job refused", task=name, code=refusal.code, text=str(refusal), args=args)
    finally:
        spent_s = time.perf_counter() - started_s
        JOBS.labels(name, outcome).inc()
        JOB_SECONDS.labels(name).observe(spent_s)
        log.info("job", task=name, outcome=outcome, ms=round(spent_s * 1000, 1))


async def sweep_stalled(app: App, stalled_s: int, /, **_when: int) -> int:
    """Give the jobs of workers that gave no sign for ``stalled_s`` seconds to those that live; return how many."""
    manager = app.job_manager
    stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=stalled_s))
    for job in stalled:
        await manager.retry_job(job, retry_at=datetime.now(UTC))
        log.warning("job of a dead worker is run again", task=job.task_name, job_id=job.id)
    return len(stalled)


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    with closing(Database(app_url(settings), pool_size=settings.worker_pool, max_overflow=0)) as database:
        database.refuse_owner()
        give_keys(database, partial(open_vault, settings.data_dir))
        mail.register()
        asyncio.run(_work(make_app(settings, database), settings))


async def _work(app: App, settings: Settings) -> None:
    worker = Worker(
        app,
        concurrency=settings.worker_jobs,
        fetch_job_polling_interval=ASK_EVERY_S,
        listen_notify=False,
        shutdown_graceful_timeout=GRACE_S,
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=settings.job_stalled_s,
        delete_jobs="successful",  # what a job made stands in its own room's tables
        install_signal_handlers=False,
    )
    loop = asyncio.get_running_loop()

    def end() -> None:
        worker.stop()  # type: ignore[no-untyped-call]
        loop.call_later(GRACE_S, lambda: loop.create_task(_give_back(app, worker)))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    async with app.open_async():
        await sweep_stalled(app, settings.job_stalled_s)
        await worker.run()  # type: ignore[no-untyped-call]


async def _give_back(app: App, worker: Worker) -> None:
    """Queue again what still runs after the time of grace, and end: a body in a thread cannot be interrupted."""
    manager = app.job_manager
    for job in await manager.list_jobs_async(status="doing", worker_id=worker.worker_id):
        await manager.retry_job(job, retry_at=datetime.now(UTC))
        log.warning("job did not end in time and is queued again", task=job.task_name, job_id=job.id)
    logging.shutdown()
    os._exit(0)
