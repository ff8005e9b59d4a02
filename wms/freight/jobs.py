"""What freight does by itself: transfers follow their gate passes."""

from collections.abc import Callable, Mapping

from sqlalchemy import text

from wms.db import Database, Scope
from wms.freight.service.transfer_passes import follow_all


def follow_passes(database: Database, *, timestamp: int | None = None) -> int:
    """Take up every transfer that the gate let out, of every installation; return how many."""
    del timestamp
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    return sum(_of_tenant(database, tenant_id) for tenant_id in tenants)


def _of_tenant(database: Database, tenant_id: int) -> int:
    with database.unit_of_work(Scope.system(tenant_id)) as session:
        return len(follow_all(session))


TASKS: Mapping[str, Callable[..., object]] = {"freight.follow_passes": follow_passes}
EVERY: Mapping[str, str] = {"freight.follow_passes": "* * * * *"}
