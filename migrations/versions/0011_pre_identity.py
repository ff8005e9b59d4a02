"""serial numbers and catch weight in the ledger, what was done to handling units, put-away strategies"""

import sqlalchemy as sa
from alembic import op

from migrations.support import APP, append_only, protect, run_sql, ship_value

revision = "0011_pre_identity"
down_revision = "0010_pre_orders"
branch_labels = None
depends_on = None

STRATEGIES = ("fixed", "same_lot", "same_item", "velocity", "zone", "empty", "beside", "any")
UNIT_EVENT_KINDS = (
    "made", "nested", "taken_out", "moved", "split", "merged", "repacked", "unpacked", "packed", "given",
)  # fmt: skip
OWNED = "owner_id = app_company()"
# The routines as they were called before they knew serial numbers and weights.
BEFORE = (
    ("stock_post(text[], bytea[], text[], timestamptz[], text[], text[], text[], bigint[], int[], bigint[], bigint[],"
     " bigint[], bigint[], int[], bigint[], bigint[])"),
    ("stock_write(int[], text[], text[], timestamptz[], text[], text[], text[], bigint[], int[], bigint[], bigint[],"
     " bigint[], bigint[], int[], bigint[], bigint[])"),
)  # fmt: skip


def listed(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    pieces()
    unit_events()
    put_away()


def downgrade() -> None:
    raise RuntimeError("serial numbers and weights would be lost: restore a backup of the older version instead")


def pieces() -> None:
    op.add_column("balance", sa.Column("weight_g", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_balance_weight_with_qty"), "balance", "weight_g >= 0 AND (weight_g = 0) = (qty = 0)"
    )
    op.create_index(
        "ix_trade_item_pieces", "trade_item", ["tenant_id"],
        postgresql_where=sa.text("is_serial_controlled OR is_catch_weight"),
    )  # fmt: skip
    op.create_table(
        "serial",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("serial_no", sa.String(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("length(serial_no) BETWEEN 1 AND 60", name=op.f("ck_serial_serial_no_length")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_serial_trade_item_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"], ["account.tenant_id", "account.id"], name=op.f("fk_serial_tenant_id_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serial")),
        sa.UniqueConstraint("trade_item_id", "serial_no", name=op.f("uq_serial_trade_item_id_serial_no")),
    )
    op.create_index(op.f("ix_serial_account_id"), "serial", ["account_id"])
    op.create_table(
        "serial_move",
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("serial_id", sa.BigInteger(), nullable=False),
        sa.Column("from_account_id", sa.BigInteger(), nullable=False),
        sa.Column("to_account_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("from_account_id <> to_account_id", name=op.f("ck_serial_move_moves")),
        sa.ForeignKeyConstraint(["serial_id"], ["serial.id"], name=op.f("fk_serial_move_serial_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "posting_id"], ["posting.tenant_id", "posting.id"],
            name=op.f("fk_serial_move_tenant_id_posting_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "from_account_id"], ["account.tenant_id", "account.id"],
            name=op.f("fk_serial_move_tenant_id_from_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "to_account_id"], ["account.tenant_id", "account.id"],
            name=op.f("fk_serial_move_tenant_id_to_account_id"),
        ),
        sa.PrimaryKeyConstraint("posting_id", "serial_id", name=op.f("pk_serial_move")),
    )  # fmt: skip
    op.create_index(op.f("ix_serial_move_serial_id"), "serial_move", ["serial_id"])
    protect("serial", OWNED, app="SELECT")
    protect("serial_move", "EXISTS (SELECT 1 FROM serial s WHERE s.id = serial_id)", app="SELECT")
    append_only("serial_move")
    for routine in BEFORE:
        op.execute(f"DROP FUNCTION IF EXISTS {routine}")
    run_sql("wms.stock", "pieces.sql")
    run_sql("wms.stock", "posting.sql")
    op.execute("REVOKE EXECUTE ON FUNCTION stock_post FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION stock_post TO {APP}")


def unit_events() -> None:
    run_sql("wms.stock", "units.sql")
    op.create_table(
        "unit_event",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("from_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("to_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=True),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(listed("kind", UNIT_EVENT_KINDS), name=op.f("ck_unit_event_kind_known")),
        sa.CheckConstraint(
            "from_unit_id IS NOT NULL OR to_unit_id IS NOT NULL", name=op.f("ck_unit_event_names_a_unit")
        ),
        sa.CheckConstraint(
            "qty > 0 AND (qty IS NULL) = (trade_item_id IS NULL)", name=op.f("ck_unit_event_goods_have_qty")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_unit_event_owner_id")),
        sa.ForeignKeyConstraint(["from_unit_id"], ["handling_unit.id"], name=op.f("fk_unit_event_from_unit_id")),
        sa.ForeignKeyConstraint(["to_unit_id"], ["handling_unit.id"], name=op.f("fk_unit_event_to_unit_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_unit_event_trade_item_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_unit_event_lot_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_unit_event_location_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_unit_event_posting_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_unit_event_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_event")),
    )
    for column in ("from_unit_id", "to_unit_id", "lot_id"):
        op.create_index(op.f(f"ix_unit_event_{column}"), "unit_event", [column])
    protect("unit_event", OWNED, app="SELECT, INSERT")
    append_only("unit_event")
    ship_value("units.deepest", 8, source="our own limit: carton in tote in pallet in roll cage in container and room")


def put_away() -> None:
    op.add_column("put_away", sa.Column("strategy", sa.String(), nullable=True))
    op.add_column(
        "location", sa.Column("mixes_owners", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.create_index(
        "ix_location_way",
        "location",
        ["site_id", "temperature_class", "is_bonded", sa.text("coalesce(pick_sequence::bigint, id)")],
        postgresql_where=sa.text("kind IN ('bin', 'shop_floor')"),
    )
    op.create_table(
        "put_away_rule",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=True),
        sa.Column("temperature_class", sa.String(), nullable=True),
        sa.Column("customs_status", sa.String(), nullable=True),
        sa.Column("velocity_class", sa.String(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(listed("strategy", STRATEGIES), name=op.f("ck_put_away_rule_strategy_known")),
        sa.CheckConstraint(
            listed("temperature_class", ("ambient", "chilled", "frozen")),
            name=op.f("ck_put_away_rule_temperature_class_known"),
        ),
        sa.CheckConstraint(
            listed("velocity_class", ("A", "B", "C")), name=op.f("ck_put_away_rule_velocity_class_known")
        ),
        sa.CheckConstraint(
            listed("customs_status", ("free", "bonded", "export")), name=op.f("ck_put_away_rule_customs_status_known")
        ),
        sa.CheckConstraint(
            "(strategy = 'fixed') = (location_id IS NOT NULL)", name=op.f("ck_put_away_rule_fixed_names_place")
        ),
        sa.CheckConstraint("(strategy = 'zone') = (zone IS NOT NULL)", name=op.f("ck_put_away_rule_zone_names_zone")),
        sa.CheckConstraint("valid_until_on >= valid_from_on", name=op.f("ck_put_away_rule_period_forward")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_put_away_rule_site_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_put_away_rule_owner_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_put_away_rule_trade_item_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_put_away_rule_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_put_away_rule")),
    )
    op.create_index(op.f("ix_put_away_rule_tenant_id_priority"), "put_away_rule", ["tenant_id", "priority"])
    protect("put_away_rule", OWNED, app="SELECT, INSERT, UPDATE (valid_until_on)")
    ship_value(
        "putaway.strategies",
        ["same_lot", "empty", "beside", "any"],
        source="our own order: one lot together, then the nearest free place, then room beside other goods",
    )
