"""What freight does by itself: transfers follow their gate passes, proposals are worked out anew each night."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.db import Database, Scope
from wms.errors import WmsError
from wms.freight.queries.supply import ways
from wms.freight.service.proposals import Propose, propose
from wms.freight.service.transfer_passes import follow_all

log = structlog.get_logger("freight")


def _tenants(database: Database) -> list[int]:
    with database.engine.connect() as connection:
        return list(connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars())


def follow_passes(database: Database, *, timestamp: int | None = None) -> int:
    """Take up every transfer that the gate let out, of every installation; return how many."""
    del timestamp
    return sum(_of_tenant(database, tenant_id) for tenant_id in _tenants(database))


def _of_tenant(database: Database, tenant_id: int) -> int:
    with database.unit_of_work(Scope.system(tenant_id)) as session:
        return len(follow_all(session))


def propose_all(database: Database, *, timestamp: int | None = None) -> int:
    """Work out proposals for every way that goods were sent or proposed on before; return how many were made.

    Each way is a transaction of its own: one that is refused (its site was closed …) does not hold up the others.
    """
    del timestamp
    made = 0
    for tenant_id in _tenants(database):
        scope = Scope.system(tenant_id)
        with database.unit_of_work(scope) as session:
            commands = [Propose(*way, is_scheduled=True) for way in ways(session)]
        for command in commands:
            try:
                made += database.run(scope, partial(_count, command=command))
            except WmsError as refusal:
                log.warning("no proposals", way=command, code=refusal.code, text=str(refusal))
    return made


def _count(session: Session, command: Propose) -> int:
    return len(propose(session, command, datetime.now(UTC)))


TASKS: Mapping[str, Callable[..., object]] = {
    "freight.follow_passes": follow_passes, "freight.propose_all": propose_all,
}  # fmt: skip
# 02:30 in Yueyang: the day before is over there and at every site to the east of it.
EVERY: Mapping[str, str] = {"freight.follow_passes": "* * * * *", "freight.propose_all": "30 18 * * *"}
