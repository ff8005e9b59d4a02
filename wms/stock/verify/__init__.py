"""Check a living database: every invariant of the ledger that concerns stock, from the rows themselves.

All of it is read in one snapshot (REPEATABLE READ, read only) while work goes on. Sums are made by the database in
sets, leaves are compared here while they stream by: a million entries take well under a minute and no more memory
than a thousand.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.db import Database, Scope, set_scope
from wms.stock.verify import balances, checkpoints, leaves, months, pieces, postings, safeguards
from wms.stock.verify.findings import Check, Finding, found_by

__all__ = ["Check", "Finding", "findings", "found_by", "run", "snapshot"]


# Big sums belong in memory, and a stream that is read to its end is planned for its end.
ROOMY = text(
    "SELECT set_config('work_mem', '64MB', true), set_config('cursor_tuple_fraction', '1', true),"
    " set_config('statement_timeout', '0', true), set_config('jit', 'off', true)"
)


def run(database: Database, scope: Scope) -> list[Finding]:
    """Everything that is wrong with the stock of ``scope``'s tenant; empty when all is well."""
    with snapshot(database, scope) as session:
        return list(findings(session))


@contextmanager
def snapshot(database: Database, scope: Scope) -> Iterator[Session]:
    """Lend a read-only session that sees one instant of the database, under ``scope``."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with (
        database.engine.connect().execution_options(**options) as connection,
        connection.begin(),
        Session(connection) as session,
    ):
        session.info.update(database.info)
        set_scope(session, scope)
        session.execute(ROOMY)
        yield session


def findings(session: Session) -> Iterator[Finding]:
    """The same in a snapshot that the caller holds (:func:`snapshot`), one finding after the other."""
    of_stock = (*balances.CHECKS, *pieces.CHECKS, *postings.CHECKS)
    for check in (*safeguards.checks(), *of_stock, *months.CHECKS, *leaves.CHECKS):
        yield from found_by(session, check)
    yield from safeguards.routine_findings(session)
    yield from checkpoints.checkpoint_findings(session)
    yield from leaves.leaf_findings(session)
