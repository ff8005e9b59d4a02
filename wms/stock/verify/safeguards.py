"""What holds the invariants must itself be there: triggers, routines, constraints, row-level security, privileges.

Read from the catalogue of the living database and compared with what this program ships.
"""

# ruff: noqa: S608 - the statements are put together from constants of this package alone

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from sqlalchemy import Constraint, text
from sqlalchemy.orm import Session

from wms.db import Base
from wms.errors import N_
from wms.record.tables import Idem, Leaf
from wms.stock import tables
from wms.stock.verify.findings import Check, Finding

SHIPPED = (
    "limits.sql", "posting.sql", "pieces.sql", "reserving.sql", "guards.sql", "units.sql", "past.sql", "supervised.sql",
)  # fmt: skip
APPEND_ONLY = ("account", "posting", "entry", "leaf", "period_close", "book_line", "serial_move")
MAPPED: tuple[type[Base], ...] = (
    tables.Account, tables.Balance, tables.BookLine, tables.Entry, tables.PeriodClose, tables.Posting,
    tables.Reservation, tables.Checkpoint, tables.CheckpointSum, tables.Serial, tables.SerialMove, Idem, Leaf,
)  # fmt: skip
DERIVED = ("stock_checkpoint", "stock_checkpoint_sum")
# What the product's login must not be able to do with its own hands.
BARRED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("posting", "entry", "leaf", "balance", "reservation", "period_close", "serial", "serial_move", *DERIVED),
        ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    ),
    "account": ("UPDATE", "DELETE", "TRUNCATE"),
    "book_line": ("UPDATE", "DELETE", "TRUNCATE"),
    "idem": ("DELETE", "TRUNCATE"),
}
LOGINS = (
    "(SELECT oid, rolname, rolsuper, rolbypassrls FROM pg_roles"
    " WHERE rolname IN (current_user, 'dongting_app', 'dongting_auditor'))"
)
UNBOUND = (
    "(r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid,"
    " (SELECT relowner FROM pg_class WHERE oid = 'posting'::regclass), 'MEMBER'))"
)

ROUTINE = N_("The routine in the database is not the one that this program ships.")


@cache
def shipped_sql() -> str:
    """The ledger's SQL as it ships."""
    return "\n".join(files("wms.stock").joinpath(name).read_text(encoding="utf-8") for name in SHIPPED)


def shipped_routines() -> dict[str, str]:
    """Name → body of each function that ships."""
    found = re.findall(
        r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\s*\(.*?\bAS \$\$(.*?)\$\$", shipped_sql(), flags=re.DOTALL
    )
    return dict(found)


def shipped_triggers() -> list[tuple[str, str]]:
    """(table, trigger) of each guard that ships."""
    guards = re.findall(r"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER (\w+)\b[^;]*? ON (\w+)", shipped_sql())
    return [(table, name) for name, table in guards] + [(table, f"{table}_append_only") for table in APPEND_ONLY]


def _values(rows: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    return "(VALUES " + ", ".join(f"('{one}', '{other}')" for one, other in rows) + ")"


def _constraints() -> Iterator[tuple[str, str]]:
    for mapped in MAPPED:
        table = Base.metadata.tables[mapped.__tablename__]
        for constraint in table.constraints:
            if isinstance(constraint, Constraint) and constraint.name:
                yield table.name, str(constraint.name)


def checks() -> tuple[Check, ...]:
    """The checks of the catalogue; names come from the shipped SQL and the mappings."""
    ledger = ", ".join(f"'{mapped.__tablename__}'::regclass" for mapped in MAPPED)
    barred = _values([(table, right) for table, rights in BARRED.items() for right in rights])
    return (
        Check(
            "I1",
            N_("The trigger %(name)s is missing or disabled."),
            f"SELECT 'table ' || x.tbl AS place, x.name FROM {_values(shipped_triggers())} x(tbl, name)"
            " LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(x.tbl) AND t.tgname = x.name"
            " AND t.tgenabled IN ('O', 'A') WHERE t.oid IS NULL ORDER BY 1, 2",
        ),
        Check(
            "I1",
            N_("Triggers that hold foreign keys are disabled (%(count)s)."),
            "SELECT 'table ' || tgrelid::regclass AS place, count(*) AS count FROM pg_trigger"
            f" WHERE tgrelid IN ({ledger}) AND tgisinternal AND tgenabled NOT IN ('O', 'A')"
            " GROUP BY tgrelid ORDER BY 1",
        ),
        Check(
            "I1",
            N_("The constraint %(name)s is missing, not validated or not enforced."),
            f"SELECT 'table ' || x.tbl AS place, x.name FROM {_values(_constraints())} x(tbl, name)"
            " LEFT JOIN pg_constraint c ON c.conrelid = to_regclass(x.tbl) AND c.conname = x.name AND c.convalidated"
            " AND coalesce(to_jsonb(c) ->> 'conenforced', 'true') = 'true' WHERE c.oid IS NULL ORDER BY 1, 2",
        ),
        Check(
            "I12",
            N_("Row-level security is not forced on this table, or it has no policy."),
            "SELECT 'table ' || c.relname AS place FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity"
            " AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)) ORDER BY 1",
        ),
        Check(
            "I12",
            N_("The policy %(name)s lets rows of other tenants through."),
            "SELECT 'table ' || tablename AS place, policyname AS name FROM pg_policies WHERE schemaname = 'public'"
            " AND permissive = 'PERMISSIVE' AND coalesce(qual, with_check, '') NOT LIKE '%tenant_id = app_tenant()%'"
            " ORDER BY 1, 2",
        ),
        Check(
            "I1",
            N_("The login %(login)s may %(right)s rows of this table by itself."),
            f"SELECT 'table ' || x.tbl AS place, r.rolname AS login, x.privilege AS right FROM {LOGINS} r"
            f" CROSS JOIN {barred} x(tbl, privilege) WHERE NOT {UNBOUND}"
            " AND CASE WHEN x.privilege IN ('INSERT', 'UPDATE') "
            " THEN has_any_column_privilege(r.oid, to_regclass(x.tbl), x.privilege)"
            " ELSE has_table_privilege(r.oid, to_regclass(x.tbl), x.privilege) END ORDER BY 1, 2, 3",
        ),
        Check(
            "I12",
            N_("The login is a superuser, passes row-level security by or owns the tables: no safeguard binds it."),
            f"SELECT 'login ' || r.rolname AS place FROM {LOGINS} r WHERE {UNBOUND} ORDER BY 1",
        ),
    )


def routine_findings(session: Session) -> Iterator[Finding]:
    """Each of the ledger's routines whose body is not the shipped one, or that is missing."""
    rows = session.execute(text("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"))
    living = {row.proname: row.prosrc for row in rows}
    for name, body in shipped_routines().items():
        if living.get(name) != body:
            yield Finding("I1", f"routine {name}", ROUTINE, {})
