"""What happens to parcels by itself each night: personal data whose retention is over is erased."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import text

from wms.customs.parcels.privacy import erase
from wms.db import Database, Scope


def erase_due(database: Database, *, timestamp: int | None = None) -> int:
    """Erase what is due at ``timestamp`` (Unix seconds), of every installation; return how many rows."""
    now = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(_of_tenant(database, Scope.system(tenant_id), now) for tenant_id in tenants)


def _of_tenant(database: Database, scope: Scope, now: datetime) -> int:
    return sum(database.run(scope, lambda session: erase(session, now)).values())


TASKS: Mapping[str, Callable[..., object]] = {"parcels.erase_due": erase_due}
EVERY: Mapping[str, str] = {"parcels.erase_due": "43 18 * * *"}  # 02:43 in Beijing
