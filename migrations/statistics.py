"""What the planner must know of tables that nobody has analysed yet.

Row-level security puts ``tenant_id = …`` into every query. Without statistics PostgreSQL takes that for a narrow
condition and walks the whole tenant through an index instead of looking one id up: the first thousands of postings of
an installation would each cost more than the one before. So each new table is told that it has one tenant; the next
ANALYZE (autovacuum's own) replaces it by what is true.
"""

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

SINCE = 180_000  # pg_restore_attribute_stats came with PostgreSQL 18; before that nothing is said
TEACH = text("""
    SELECT count(pg_restore_attribute_stats(
        'schemaname', n.nspname::text, 'relname', c.relname::text, 'attname', a.attname::text, 'inherited', false,
        'null_frac', 0::real, 'avg_width', 8, 'n_distinct', 1::real))
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE a.attname = 'tenant_id' AND c.relkind = 'r' AND pg_has_role(c.relowner, 'MEMBER')
       AND c.reltuples < 0  -- nobody has analysed it yet
""")


def teach_planner(url: str) -> int:
    """Tell the planner of tables without statistics, as their owner; returns how many were told."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        if (connection.connection.driver_connection.info.server_version) < SINCE:  # type: ignore[union-attr]
            return 0
        told: int = connection.execute(TEACH).scalar_one()
    return told
