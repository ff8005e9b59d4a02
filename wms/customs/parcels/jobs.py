"""What happens by itself to personal data: what is over its retention is erased, what stands in clear is sealed."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import text

from wms.customs.messages import keeping
from wms.customs.parcels.privacy import erase
from wms.db import Database, Scope


def erase_due(database: Database, *, timestamp: int | None = None) -> int:
    """Erase what is due at ``timestamp`` (Unix seconds), of every installation; return how many rows."""
    now = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(_of_tenant(database, Scope.system(tenant_id), now) for tenant_id in tenants)


def seal_messages(database: Database, *, timestamp: int | None = None) -> int:
    """Seal the customs messages that an older version kept in clear, of every installation; return how many."""
    del timestamp
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    total = 0
    for tenant_id in tenants:
        while done := database.run(Scope.system(tenant_id), keeping.seal_older):
            total += done
    return total


def _of_tenant(database: Database, scope: Scope, now: datetime) -> int:
    return sum(database.run(scope, lambda session: erase(session, now)).values())


TASKS: Mapping[str, Callable[..., object]] = {
    "parcels.erase_due": erase_due,
    "customs.seal_messages": seal_messages,
}
EVERY: Mapping[str, str] = {
    "parcels.erase_due": "43 18 * * *",  # 02:43 in Beijing
    "customs.seal_messages": "*/10 * * * *",
}
