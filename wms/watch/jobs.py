"""What the watch does by itself: places, alarms and patrols are judged every minute; account books each night."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import text

from wms.db import Database, Scope
from wms.watch.queries.alarms import place_notes
from wms.watch.service.books import watch_books
from wms.watch.service.cold_evaluating import evaluate, evaluate_due
from wms.watch.service.fence import alarm_long_disarmed
from wms.watch.service.levels import escalate
from wms.watch.service.patrols import judge_rounds

FORGET_NOTES = text(
    "DELETE FROM live_note WHERE id IN (SELECT id FROM live_note WHERE place IS NOT NULL"
    " AND recorded_at < now() - interval '7 days' ORDER BY place LIMIT 5000) RETURNING id"
)


def evaluate_places(database: Database, *, timestamp: int | None = None) -> int:
    """Judge every temperature place that is due, of every installation, one transaction each; return how many."""
    del timestamp  # what is overdue is judged as of now, not as of when it was due
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(evaluate_tenant(database, Scope.system(tenant_id)) for tenant_id in tenants)


def evaluate_tenant(database: Database, scope: Scope) -> int:
    """Judge the places of one installation that are due."""
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        due = evaluate_due(session, now)
    for place_id in due:
        database.run(scope, partial(evaluate, place_id=place_id, now=datetime.now(UTC)))
    return len(due)


def watch_account_books(database: Database, *, timestamp: int | None = None) -> int:
    """Compare every account book with the goods, of every installation; return how many alarms were raised."""
    now = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(watch_books_of(database, Scope.system(tenant_id), now) for tenant_id in tenants)


def watch_books_of(database: Database, scope: Scope, now: datetime) -> int:
    """Compare the account books of one installation with the goods; return how many alarms were raised."""
    return database.run(scope, partial(watch_books, at=now)).alarms


def watch_fence(database: Database, *, timestamp: int | None = None) -> int:
    """Judge patrol rounds, overdue steps of alarms and long disarmings, of every installation; return how many."""
    del timestamp  # what is overdue is judged as of now, not as of when it was due
    now = datetime.now(UTC)
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(watch_fence_of(database, Scope.system(tenant_id), now) for tenant_id in tenants)


def watch_fence_of(database: Database, scope: Scope, now: datetime) -> int:
    """The same of one installation, a transaction for each kind."""
    return sum(
        database.run(scope, partial(judge, now=now)) for judge in (judge_rounds, escalate, alarm_long_disarmed)
    )


def forget_notes(database: Database, *, timestamp: int | None = None) -> int:
    """Forget notes of the live stream that are a week old: they only wake pages, and say nothing of their own."""
    del timestamp
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(forget_notes_of(database, Scope.system(tenant_id)) for tenant_id in tenants)


def forget_notes_of(database: Database, scope: Scope) -> int:
    """Forget the old notes of one installation, some at a time; also where nobody has listened since."""
    forgotten = 0
    with database.unit_of_work(scope) as session:
        place_notes(session)
    while True:
        with database.unit_of_work(scope) as session:
            found = len(session.execute(FORGET_NOTES).all())
        forgotten += found
        if not found:
            return forgotten


TASKS: Mapping[str, Callable[..., object]] = {
    "watch.evaluate_places": evaluate_places,
    "watch.account_books": watch_account_books,
    "watch.fence": watch_fence,
    "watch.forget_notes": forget_notes,
}
EVERY: Mapping[str, str] = {
    "watch.evaluate_places": "* * * * *",
    "watch.fence": "* * * * *",
    "watch.account_books": "7 19 * * *",  # 03:07 in Beijing
    "watch.forget_notes": "41 * * * *",
}
