"""Jobs deferred by name, inside the transaction that makes them necessary: commit → job, rollback → no job.

The job's body lives in the room that knows how; ``web/worker.py`` joins name and body. Delivery is at least
once.
"""

from typing import Any

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.orm import Session

from wms.errors import WmsError

# Never opened: it only writes jobs on connections that it is lent.
_queue = App(connector=SyncPsycopgConnector())


class NotInTransaction(WmsError):
    """The session has no PostgreSQL connection of psycopg under it."""

    code = "not_in_transaction"


def defer(
    session: Session,
    task_name: str,
    /,
    *,
    queueing_lock: str | None = None,
    lock: str | None = None,
    after_s: int = 0,
    **args: Any,
) -> int | None:
    """Queue the task ``task_name`` with ``args`` (JSON values) on the session's own connection.

    ``queueing_lock``: at most one job of that lock waits; a second one is not queued and None is returned.
    ``lock``: jobs of one lock run one after the other. ``after_s``: not before that many seconds from now.
    Returns the job's id.
    """
    schedule_in = {"seconds": after_s} if after_s else None
    options = {"queueing_lock": queueing_lock, "lock": lock, "schedule_in": schedule_in}
    if queueing_lock is None:
        return _defer(session, task_name, options, args)
    try:
        with session.begin_nested():  # the refused row must not take the transaction with it
            return _defer(session, task_name, options, args)
    except AlreadyEnqueued:
        return None


def _defer(session: Session, task_name: str, options: dict[str, Any], args: dict[str, Any]) -> int:
    connection = session.connection().connection.driver_connection  # asked for here: it emits a savepoint due
    if connection is None:
        raise NotInTransaction
    return _queue.configure_task(task_name, connection=connection, **options).defer(**args)
