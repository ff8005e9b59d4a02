"""the ground: scope functions for row-level security, the refusal of edits, tenants"""

import sqlalchemy as sa
from alembic import op

from migrations.support import APP, AUDITOR

revision = "0001_pre_ground"
down_revision = None
branch_labels = None
depends_on = None

# After RESET a custom setting reads as an empty string, not NULL: a bare cast would raise.
SCOPE = """
CREATE FUNCTION app_tenant() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.tenant', true), '')::bigint $$;
CREATE FUNCTION app_company() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.company', true), '')::bigint $$;
CREATE FUNCTION app_person() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.person', true), '')::bigint $$;
CREATE FUNCTION app_sees_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(current_setting('app.sees_all', true), '') = 'on' $$;
CREATE FUNCTION refuse_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never edited or removed', TG_TABLE_NAME USING ERRCODE = 'DT001';
END $$;
"""


def upgrade() -> None:
    op.execute(SCOPE)
    op.create_table(
        "tenant",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP}, {AUDITOR}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {APP}")
    op.execute(f"GRANT SELECT ON tenant TO {APP}, {AUDITOR}")
    op.execute("INSERT INTO tenant (name) VALUES ('Dongting')")


def downgrade() -> None:
    op.drop_table("tenant")
    for function in ("app_tenant", "app_company", "app_person", "app_sees_all", "refuse_edit"):
        op.execute(f"DROP FUNCTION {function}()")
