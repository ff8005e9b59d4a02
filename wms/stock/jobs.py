"""What the ledger does by itself now and then. No answer waits for it: see :mod:`wms.stock.past`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import text

from wms.db import Database, Scope
from wms.stock.past import make_checkpoint, next_checkpoint_at

MOST_AT_ONCE = 20  # an old and long ledger gets its checkpoints in several runs


def make_checkpoints(database: Database, *, timestamp: int | None = None) -> int:
    """Write the checkpoints that are due at ``timestamp`` (Unix seconds), of every installation; return how many."""
    now = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(_of_tenant(database, Scope.system(tenant_id), now) for tenant_id in tenants)


def _of_tenant(database: Database, scope: Scope, now: datetime) -> int:
    for made in range(MOST_AT_ONCE):
        with database.unit_of_work(scope) as session:
            due = next_checkpoint_at(session, now)
            if due is None or make_checkpoint(session, due) is None:
                return made
    return MOST_AT_ONCE


TASKS: Mapping[str, Callable[..., object]] = {"stock.make_checkpoints": make_checkpoints}
EVERY: Mapping[str, str] = {"stock.make_checkpoints": "17 * * * *"}
