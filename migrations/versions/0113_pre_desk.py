"""orders of which nothing was found; days and zones that were constants become dated values"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, run_sql, ship_value

revision = "0113_pre_desk"
down_revision = "0112_pre_parcel_search"
branch_labels = None
depends_on = None

STATES = (
    "'open', 'part_allocated', 'allocated', 'released', 'picking', 'picked', 'packed', 'loaded', 'shipped', 'short',"
    " 'cancelled'"
)
# Orders that were found wholly short before there was a state for it.
STUCK = """
    UPDATE outbound_order o SET state = 'short' WHERE o.state = 'released'
       AND EXISTS (SELECT 1 FROM pick_line k JOIN order_line l ON l.id = k.order_line_id
                    WHERE l.order_id = o.id AND k.state = 'short')
       AND NOT EXISTS (SELECT 1 FROM pick_line k JOIN order_line l ON l.id = k.order_line_id
                        WHERE l.order_id = o.id AND (k.state = 'open' OR k.picked_qty > 0))
"""
# What is known of goods that lie here already: when the first of them came to their place.
SINCE = """
    UPDATE balance b SET since_at = e.first_at
      FROM (SELECT account_id, min(event_at) AS first_at FROM entry GROUP BY account_id) e
     WHERE e.account_id = b.account_id AND b.qty > 0
"""
# Nothing says since when a unit stands where it stands: as was judged until today, always.
STAYS = """
    INSERT INTO unit_stay (tenant_id, handling_unit_id, parent_id, from_at)
    SELECT tenant_id, id, parent_id, 'epoch' FROM handling_unit WHERE parent_id IS NOT NULL
"""
SOURCES = "'fence', 'barrier', 'lane', 'temperature', 'device', 'ledger', 'webhook'"
READ = ("entry", "handling_unit", "order_line", "outbound_order", "pick_line")
OURS = "our own limit, 2026-11"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_alarm_source_known"), "alarm", type_="check")
    op.create_check_constraint(op.f("ck_alarm_source_known"), "alarm", f"source IN ({SOURCES})")
    op.drop_constraint(op.f("ck_outbound_order_state_known"), "outbound_order", type_="check")
    op.create_check_constraint(op.f("ck_outbound_order_state_known"), "outbound_order", f"state IN ({STATES})")
    _of_all("outbound_order", STUCK)
    op.add_column("balance", sa.Column("since_at", sa.DateTime(timezone=True), nullable=True))
    _of_all("balance", SINCE)
    _make_stays()
    run_sql("wms.stock", "pieces.sql")
    run_sql("wms.stock", "posting.sql")
    _make_imports()
    xact = sa.text("pg_current_xact_id()::text::bigint")
    for table in ("rate_card", "service_done"):
        op.add_column(table, sa.Column("transaction_id", sa.BigInteger(), server_default=xact, nullable=False))
    for name in ("known_xid", "issued_xid"):
        op.add_column("invoice", sa.Column(name, sa.BigInteger(), nullable=True))
    ship_value("order.past_days", 30, source=OURS)
    ship_value("order.ahead_days", 365, source=OURS)
    ship_value("destroy.held_days", 365, source=OURS)
    ship_value("replenish.lead_time_days", 365, source=OURS)
    ship_value(
        "house.time_zone", "Asia/Shanghai", source="the zone of Yueyang; days of the house that belong to no one site"
    )


def _make_stays() -> None:
    op.add_column("handling_unit", sa.Column("nested_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "unit_stay",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("handling_unit_id <> parent_id", name=op.f("ck_unit_stay_not_in_itself")),
        sa.CheckConstraint("until_at >= from_at", name=op.f("ck_unit_stay_times_in_order")),
        sa.ForeignKeyConstraint(["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_unit_stay_handling_unit_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["handling_unit.id"], name=op.f("fk_unit_stay_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_stay")),
    )
    op.create_index(op.f("ix_unit_stay_handling_unit_id"), "unit_stay", ["handling_unit_id"])
    op.create_index(op.f("ix_unit_stay_parent_id"), "unit_stay", ["parent_id"])
    op.create_index(
        "uq_unit_stay_now", "unit_stay", ["handling_unit_id"], unique=True,
        postgresql_where=sa.text("until_at IS NULL"),
    )  # fmt: skip
    _of_all("unit_stay", STAYS)
    protect("unit_stay", "handling_unit_id IN (SELECT id FROM handling_unit)", app="SELECT")
    run_sql("wms.stock", "stays.sql")


def _make_imports() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("keep_existing", sa.Boolean(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("rows_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'entered', 'clean', 'bad', 'refused', 'failed')",
            name=op.f("ck_import_run_state_known"),
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_import_run_sha256_shape")),
        sa.CheckConstraint("size_bytes > 0 AND rows_read >= 0", name=op.f("ck_import_run_amounts")),
        sa.CheckConstraint(
            "(state IN ('waiting', 'running')) = (ended_at IS NULL)", name=op.f("ck_import_run_ended_has_time")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_import_run_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_index(
        "uq_import_run_under_way", "import_run", ["tenant_id", "kind", "sha256", "is_dry_run"], unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )  # fmt: skip
    op.create_table(
        "import_part",
        sa.Column("import_run_id", sa.BigInteger(), nullable=False),
        sa.Column("part_no", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_run_id"], ["import_run.id"], name=op.f("fk_import_part_import_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_run_id", "part_no", name=op.f("pk_import_part")),
    )
    protect("import_run", app="SELECT, INSERT, UPDATE")
    protect("import_part", app="SELECT, INSERT, DELETE")


def _of_all(table: str, statement: str) -> None:
    """Execute a statement on the rows of every installation."""
    names = sorted({table, *READ} - {"unit_stay"})
    for name in names:
        op.execute(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    for name in names:
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    raise RuntimeError("an order may stand short: restore a backup of the older version instead")
