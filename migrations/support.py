"""What every migration says of its tables: who sees which rows, who may write, what is never edited."""

import json
from datetime import date
from importlib.resources import files

from alembic import op
from sqlalchemy import text

APP, AUDITOR = "dongting_app", "dongting_auditor"
SHIPPED_FROM = date(2020, 1, 1)  # the first day of a value that has held as long as anybody asks


def protect(
    table: str,
    firm_sees: str | None = None,
    *,
    app: str = "SELECT, INSERT, UPDATE, DELETE",
    firm_writes: str | None = None,
) -> None:
    """Row-level security and grants for ``table``.

    ``firm_sees`` is the SQL condition under which a firm sees a row (for example ``owner_id = app_company()``); without
    it firms see none. ``firm_writes`` is the condition on a row that a firm's transaction writes, where it differs (a
    fact it appends but may not read). ``app`` names the privileges of the product's login; the auditor only reads.
    """
    rule = f"tenant_id = app_tenant() AND {_visible(firm_sees)}"
    check = f"tenant_id = app_tenant() AND ({firm_writes})" if firm_writes else rule
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_rows ON {table} USING ({rule}) WITH CHECK ({check})")
    grant(table, app=app)


def _visible(firm_sees: str | None) -> str:
    """The condition beside the tenant's. Written as CASE, because the planner takes it for a half of the rows.

    ``app_sees_all() OR …`` is a comparison without a column, which it takes for one row in two hundred; then it walks
    whole indexes for what it believes to be a handful (on a ledger of a million entries: 152 ms instead of 10).
    """
    if firm_sees == "true":
        return "true"
    return f"CASE WHEN app_sees_all() THEN true ELSE ({firm_sees or 'false'}) END"


def protect_shared(table: str, *, app: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """As :func:`protect`, for data that every company of the installation may read (sites, items of a list …)."""
    protect(table, "true", app=app)


def grant(table: str, *, app: str = "SELECT") -> None:
    """Privileges for the product's login and for the auditor."""
    if app:
        op.execute(f"GRANT {app} ON {table} TO {APP}")
    op.execute(f"GRANT SELECT ON {table} TO {AUDITOR}")


def append_only(table: str) -> None:
    """Rows of ``table`` are never edited or removed: no privilege, and a trigger that refuses even the owner."""
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP}")
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit()"
    )


def run_sql(package: str, file: str) -> None:
    """Execute a SQL file that ships with ``package`` (``CREATE OR REPLACE``: a later revision may run it again).

    Bodies are not checked: the file is the newest one and may name columns of revisions that follow. Only what the last
    revision leaves is ever called; the first revision has its own copies, so that old data can be made in a test.
    """
    sql = files(package).joinpath(file).read_text(encoding="utf-8")
    driver = op.get_bind().connection.driver_connection  # past the % and : of the layers above
    assert driver is not None
    driver.execute("SET LOCAL check_function_bodies = off")
    driver.execute(sql)


def ship_value(
    name: str, value: object, *, source: str, valid_from_on: date = SHIPPED_FROM, subject: str = ""
) -> None:
    """Enter a dated value that comes with the product (:mod:`wms.parties.dated`), with the source it is taken from."""
    op.get_bind().execute(
        text(
            "INSERT INTO shipped_value (name, subject, value, valid_from_on, source)"
            " VALUES (:name, :subject, cast(:value AS jsonb), :on, :source)"
        ),
        {"name": name, "subject": subject, "value": json.dumps(value), "on": valid_from_on, "source": source},
    )
