"""a large ledger: checkpoints of account sums, indexes by time, item, lot and owner, policies the planner can judge"""

import sqlalchemy as sa
from alembic import op

from migrations.support import APP, protect, run_sql

revision = "0015_pre_scale"
down_revision = "0014_pre_paper"
branch_labels = None
depends_on = None

OWNED = "owner_id = app_company()"

# Policies of databases that are older than migrations.support._visible, rewritten in its form.
REWRITE = r"""
DO $$
DECLARE p record;
BEGIN
  FOR p IN SELECT tablename, policyname, stock_new_rule(qual) AS rule, stock_new_rule(with_check) AS checked
             FROM pg_policies WHERE schemaname = 'public' AND (qual <> stock_new_rule(qual)
                                                           OR with_check <> stock_new_rule(with_check)) LOOP
    EXECUTE format('ALTER POLICY %I ON %I USING (%s) WITH CHECK (%s)', p.policyname, p.tablename, p.rule, p.checked);
  END LOOP;
END $$
"""
NEW_RULE = r"""
CREATE FUNCTION stock_new_rule(rule text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(regexp_replace(regexp_replace(rule,
    '^\(\(tenant_id = app_tenant\(\)\) AND \(app_sees_all\(\) OR true\)\)$', '(tenant_id = app_tenant())'),
    '^\(\(tenant_id = app_tenant\(\)\) AND \(app_sees_all\(\) OR (.*)\)\)$',
    '((tenant_id = app_tenant()) AND CASE WHEN app_sees_all() THEN true ELSE \1 END)'),
    '^\(\(tenant_id = app_tenant\(\)\) AND app_sees_all\(\)\)$',
    '((tenant_id = app_tenant()) AND CASE WHEN app_sees_all() THEN true ELSE false END)')
$$
"""


def upgrade() -> None:
    op.create_index(op.f("ix_account_trade_item_id"), "account", ["trade_item_id"])
    op.create_index(op.f("ix_account_lot_id"), "account", ["lot_id"])
    op.create_index(op.f("ix_balance_owner_id_account_id"), "balance", ["owner_id", "account_id"])
    op.create_index(
        "ix_entry_times",
        "entry",
        ["event_at", "recorded_at", "posting_id"],
        postgresql_using="brin",
        postgresql_ops={"event_at": "timestamptz_minmax_multi_ops", "recorded_at": "timestamptz_minmax_multi_ops"},
        postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
    )
    checkpoints()
    run_sql("wms.stock", "past.sql")
    op.execute("REVOKE EXECUTE ON FUNCTION stock_make_checkpoint FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION stock_make_checkpoint TO {APP}")
    policies()


def policies() -> None:
    op.execute(NEW_RULE)
    op.execute(REWRITE)
    op.execute("DROP FUNCTION stock_new_rule")
    # OFFSET 0 keeps the planner from reading every entry to know which postings a firm sees (311 ms instead of 9).
    op.execute(
        "ALTER POLICY posting_rows ON posting USING (tenant_id = app_tenant() AND CASE WHEN app_sees_all() THEN true"
        " ELSE EXISTS (SELECT 1 FROM entry e WHERE e.posting_id = posting.id OFFSET 0) END)"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION stock_make_checkpoint, stock_sums_at, stock_late, stock_nearest")
    op.drop_table("stock_checkpoint_sum")
    op.drop_table("stock_checkpoint")
    for table, index in (
        ("entry", "ix_entry_times"),
        ("balance", "ix_balance_owner_id_account_id"),
        ("account", "ix_account_lot_id"),
        ("account", "ix_account_trade_item_id"),
    ):
        op.drop_index(index, table_name=table)


def checkpoints() -> None:
    op.create_table(
        "stock_checkpoint",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("event_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("through_posting_id", sa.BigInteger(), nullable=False),
        sa.Column("first_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accounts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_checkpoint")),
        sa.UniqueConstraint("tenant_id", "event_before", name=op.f("uq_stock_checkpoint_tenant_id_event_before")),
    )
    op.create_table(
        "stock_checkpoint_sum",
        sa.Column("checkpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"],
            ["stock_checkpoint.id"],
            name=op.f("fk_stock_checkpoint_sum_checkpoint_id"),
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("checkpoint_id", "account_id", name=op.f("pk_stock_checkpoint_sum")),
    )
    protect("stock_checkpoint", "true", app="SELECT", firm_writes="app_sees_all()")
    protect("stock_checkpoint_sum", OWNED, app="SELECT", firm_writes="app_sees_all()")
