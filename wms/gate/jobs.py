"""What the gate does by itself: every five minutes it notes vehicles that did not come or stay too long."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import text

from wms.db import Database, Scope
from wms.gate.service.booking import note_no_shows
from wms.gate.service.visiting import note_overstays


def watch_yard(database: Database, *, timestamp: int | None = None) -> int:
    """Look at every installation's yard; return how many alarms were raised."""
    now = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(watch_yard_of(database, Scope.system(tenant_id), now) for tenant_id in tenants)


def watch_yard_of(database: Database, scope: Scope, now: datetime) -> int:
    """Look at one installation's yard as of ``now``."""
    with database.unit_of_work(scope) as session:
        return note_no_shows(session, now) + note_overstays(session, now)


TASKS: Mapping[str, Callable[..., object]] = {"gate.watch_yard": watch_yard}
EVERY: Mapping[str, str] = {"gate.watch_yard": "*/5 * * * *"}
