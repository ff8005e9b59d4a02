"""cartons, parcels and sorting; loads with what stands on them and the proof against the gate pass"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import append_only, protect, protect_shared, ship_value

revision = "0017_pre_packing"
down_revision = "0016_pre_inbound"
branch_labels = None
depends_on = None

OF_PARCEL = "EXISTS (SELECT 1 FROM parcel p WHERE p.id = parcel_id AND p.owner_id = app_company())"
OF_ITEM = "EXISTS (SELECT 1 FROM trade_item t WHERE t.id = trade_item_id AND t.owner_id = app_company())"
OF_NAMED_LINE = "EXISTS (SELECT 1 FROM gate_pass_line l WHERE l.id = gate_pass_line_id)"
CARTONS = (  # code, inner length, width, height in mm, most contents in g, own weight in g, cost in fen
    ("P1", 530, 290, 370, 20000, 660, 520),
    ("P2", 530, 230, 290, 20000, 495, 360),
    ("P3", 430, 210, 270, 15000, 380, 260),
    ("P4", 350, 190, 230, 15000, 275, 180),
    ("P5", 290, 170, 190, 10000, 195, 130),
    ("P6", 260, 150, 180, 10000, 160, 105),
    ("P7", 230, 130, 160, 5000, 125, 82),
    ("P8", 210, 110, 140, 5000, 100, 66),
    ("P9", 195, 105, 135, 5000, 90, 58),
    ("P10", 175, 95, 115, 3000, 70, 47),
    ("P11", 145, 85, 105, 3000, 55, 39),
    ("P12", 130, 80, 90, 3000, 40, 33),
)


def upgrade() -> None:
    create_tables()
    protect_shared("carton_type", app="SELECT, INSERT, UPDATE (valid_until_on)")
    protect("pack_rule", OF_ITEM)
    protect("parcel", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("parcel_item", OF_PARCEL, app="SELECT, INSERT, UPDATE (undone_at)")
    protect("sort_rule", app="SELECT, INSERT, UPDATE (valid_until_on)")
    protect("vehicle_load", app="SELECT, INSERT, UPDATE")
    protect("load_stop", app="SELECT, INSERT")
    protect("load_unit", "owner_id = app_company()", app="SELECT, INSERT, UPDATE (unloaded_at, unloaded_by, left_at)")
    protect("load_proof", app="SELECT, INSERT")
    append_only("load_proof")
    protect("gate_pass_goods", OF_NAMED_LINE, app="SELECT, INSERT, DELETE")
    ship_values()


def ship_values() -> None:
    names = ("code", "length_mm", "width_mm", "height_mm", "max_weight_g", "tare_g", "cost_minor")
    ship_value(
        "packing.cartons",
        [dict(zip(names, row, strict=True)) for row in CARTONS],
        source="the customary postal carton series no. 1 to 12 (sizes); tare from 600 g/m2 board, load and cost: our own"
        " estimates, 2026-11",
    )
    ship_value(
        "packing.weight_tolerance",
        {"permille": 20, "least_g": 30},
        source="our own choice: 2 % of the computed weight, at least 30 g for tape and filling; 2026-11",
    )
    ship_value(
        "packing.keep_apart",
        [["food", "smelling"], ["food", "toxic"]],
        source="GB 14881-2013, 10.1: food is not stored or carried together with toxic, harmful or smelling goods",
    )
    ship_value("packing.support_permille", 750, source="our own choice: three quarters of a base must rest; 2026-11")


def downgrade() -> None:
    raise RuntimeError("parcels, loads and their proofs would be lost: restore a backup of the older version instead")


def create_tables() -> None:
    op.create_table(
        "carton_type",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("max_weight_g", sa.BigInteger(), nullable=False),
        sa.Column("tare_g", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), server_default="CNY", nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("length(btrim(source)) > 0", name=op.f("ck_carton_type_has_source")),
        sa.CheckConstraint(
            "length_mm > 0 AND width_mm > 0 AND height_mm > 0", name=op.f("ck_carton_type_size_positive")
        ),
        sa.CheckConstraint(
            "max_weight_g > 0 AND tare_g >= 0 AND cost_minor >= 0", name=op.f("ck_carton_type_amounts_not_negative")
        ),
        sa.CheckConstraint("valid_until_on >= valid_from_on", name=op.f("ck_carton_type_valid_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carton_type")),
        sa.UniqueConstraint(
            "tenant_id", "code", "valid_from_on", name=op.f("uq_carton_type_tenant_id_code_valid_from_on")
        ),
    )
    op.create_table(
        "pack_rule",
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("this_side_up", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_fragile", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("keep_apart_class", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_pack_rule_trade_item_id")),
        sa.PrimaryKeyConstraint("trade_item_id", name=op.f("pk_pack_rule")),
    )
    op.create_table(
        "sort_rule",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=True),
        sa.Column("route", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("chute_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("valid_until_on >= valid_from_on", name=op.f("ck_sort_rule_valid_in_order")),
        sa.ForeignKeyConstraint(["chute_id"], ["location.id"], name=op.f("fk_sort_rule_chute_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_sort_rule_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sort_rule")),
        sa.UniqueConstraint(
            "tenant_id",
            "site_id",
            "carrier",
            "route",
            "region",
            "valid_from_on",
            name=op.f("uq_sort_rule_tenant_id_site_id_carrier_route_region_valid_from_on"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "vehicle_load",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("load_no", sa.String(), nullable=True),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("dock_id", sa.BigInteger(), nullable=True),
        sa.Column("vehicle_plate", sa.String(), nullable=False),
        sa.Column("trailer_plate", sa.String(), nullable=True),
        sa.Column("container_no", sa.String(), nullable=True),
        sa.Column("seal_no", sa.String(), nullable=True),
        sa.Column("carrier", sa.String(), nullable=True),
        sa.Column("gate_pass_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'departed' OR departed_at IS NOT NULL", name=op.f("ck_vehicle_load_departed_has_time")
        ),
        sa.CheckConstraint("state IN ('open', 'closed', 'departed', 'void')", name=op.f("ck_vehicle_load_state_known")),
        sa.ForeignKeyConstraint(["closed_by"], ["person.id"], name=op.f("fk_vehicle_load_closed_by")),
        sa.ForeignKeyConstraint(["dock_id"], ["location.id"], name=op.f("fk_vehicle_load_dock_id")),
        sa.ForeignKeyConstraint(["gate_pass_id"], ["gate_pass.id"], name=op.f("fk_vehicle_load_gate_pass_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_vehicle_load_location_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_vehicle_load_opened_by")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_vehicle_load_posting_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_vehicle_load_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle_load")),
        sa.UniqueConstraint("tenant_id", "load_no", name=op.f("uq_vehicle_load_tenant_id_load_no")),
    )
    op.create_index(
        op.f("ix_vehicle_load_tenant_id_site_id_state"), "vehicle_load", ["tenant_id", "site_id", "state"], unique=False
    )
    op.create_index(
        "uq_vehicle_load_pass",
        "vehicle_load",
        ["gate_pass_id"],
        unique=True,
        postgresql_where=sa.text("gate_pass_id IS NOT NULL AND state <> 'void'"),
    )
    op.create_index(
        "uq_vehicle_load_plate",
        "vehicle_load",
        ["tenant_id", "vehicle_plate"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'closed')"),
    )
    op.create_table(
        "load_proof",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("load_id", sa.BigInteger(), nullable=False),
        sa.Column("gate_pass_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("leaf_id", sa.BigInteger(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("verdict IN ('agrees', 'differs')", name=op.f("ck_load_proof_verdict_known")),
        sa.ForeignKeyConstraint(["gate_pass_id"], ["gate_pass.id"], name=op.f("fk_load_proof_gate_pass_id")),
        sa.ForeignKeyConstraint(["leaf_id"], ["leaf.id"], name=op.f("fk_load_proof_leaf_id")),
        sa.ForeignKeyConstraint(["load_id"], ["vehicle_load.id"], name=op.f("fk_load_proof_load_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_load_proof_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_load_proof")),
    )
    op.create_index(op.f("ix_load_proof_load_id"), "load_proof", ["load_id"], unique=False)
    op.create_table(
        "load_stop",
        sa.Column("load_id", sa.BigInteger(), nullable=False),
        sa.Column("stop_no", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("stop_no > 0", name=op.f("ck_load_stop_stop_no_positive")),
        sa.ForeignKeyConstraint(["load_id"], ["vehicle_load.id"], name=op.f("fk_load_stop_load_id")),
        sa.PrimaryKeyConstraint("load_id", "stop_no", name=op.f("pk_load_stop")),
    )
    op.create_table(
        "load_unit",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("load_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("with_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("from_parent_id", sa.BigInteger(), nullable=True),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=True),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=True),
        sa.Column("stop_no", sa.Integer(), nullable=True),
        sa.Column("is_in_the_way", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("scan_id", sa.BigInteger(), nullable=True),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unloaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unloaded_by", sa.BigInteger(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(handling_unit_id IS NULL) = (trade_item_id IS NOT NULL AND qty IS NOT NULL)",
            name=op.f("ck_load_unit_unit_or_goods"),
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_load_unit_qty_positive")),
        sa.ForeignKeyConstraint(["from_parent_id"], ["handling_unit.id"], name=op.f("fk_load_unit_from_parent_id")),
        sa.ForeignKeyConstraint(["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_load_unit_handling_unit_id")),
        sa.ForeignKeyConstraint(["load_id"], ["vehicle_load.id"], name=op.f("fk_load_unit_load_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_load_unit_lot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_load_unit_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_load_unit_person_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_load_unit_posting_id")),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name=op.f("fk_load_unit_scan_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_load_unit_trade_item_id")),
        sa.ForeignKeyConstraint(["unloaded_by"], ["person.id"], name=op.f("fk_load_unit_unloaded_by")),
        sa.ForeignKeyConstraint(["with_unit_id"], ["handling_unit.id"], name=op.f("fk_load_unit_with_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_load_unit")),
    )
    op.create_index(op.f("ix_load_unit_load_id"), "load_unit", ["load_id"], unique=False)
    op.create_index(op.f("ix_load_unit_scan_id"), "load_unit", ["scan_id"], unique=False)
    op.create_index(
        "uq_load_unit_standing",
        "load_unit",
        ["handling_unit_id"],
        unique=True,
        postgresql_where=sa.text("handling_unit_id IS NOT NULL AND unloaded_at IS NULL AND left_at IS NULL"),
    )
    op.create_table(
        "parcel",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("carton_type_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("carrier", sa.String(), nullable=True),
        sa.Column("route", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("waybill_no", sa.String(), nullable=True),
        sa.Column("label", postgresql.JSONB(), nullable=True),
        sa.Column("expected_weight_g", sa.BigInteger(), nullable=True),
        sa.Column("weight_g", sa.BigInteger(), nullable=True),
        sa.Column("tolerance_g", sa.BigInteger(), nullable=True),
        sa.Column("weight_reason", sa.String(), nullable=True),
        sa.Column("sorted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sorted_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'closed', 'loaded', 'shipped', 'void')", name=op.f("ck_parcel_state_known")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'void') OR closed_at IS NOT NULL", name=op.f("ck_parcel_closed_has_time")
        ),
        sa.CheckConstraint("weight_g > 0 AND expected_weight_g >= 0", name=op.f("ck_parcel_weights_positive")),
        sa.ForeignKeyConstraint(["carton_type_id"], ["carton_type.id"], name=op.f("fk_parcel_carton_type_id")),
        sa.ForeignKeyConstraint(["closed_by"], ["person.id"], name=op.f("fk_parcel_closed_by")),
        sa.ForeignKeyConstraint(["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_parcel_handling_unit_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_parcel_location_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_parcel_opened_by")),
        sa.ForeignKeyConstraint(["order_id"], ["outbound_order.id"], name=op.f("fk_parcel_order_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_parcel_owner_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_parcel_site_id")),
        sa.ForeignKeyConstraint(["sorted_by"], ["person.id"], name=op.f("fk_parcel_sorted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        sa.UniqueConstraint("handling_unit_id", name=op.f("uq_parcel_handling_unit_id")),
    )
    op.create_index(op.f("ix_parcel_order_id"), "parcel", ["order_id"], unique=False)
    op.create_index(op.f("ix_parcel_owner_id"), "parcel", ["owner_id"], unique=False)
    op.create_index(
        op.f("ix_parcel_tenant_id_site_id_state"), "parcel", ["tenant_id", "site_id", "state"], unique=False
    )
    op.create_index(
        "uq_parcel_waybill",
        "parcel",
        ["tenant_id", "carrier", "waybill_no"],
        unique=True,
        postgresql_where=sa.text("waybill_no IS NOT NULL AND state <> 'void'"),
    )
    op.create_table(
        "gate_pass_goods",
        sa.Column("gate_pass_line_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("gross_weight_g", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("qty > 0 AND gross_weight_g >= 0", name=op.f("ck_gate_pass_goods_amounts_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_gate_pass_goods_account_id")),
        sa.ForeignKeyConstraint(
            ["gate_pass_line_id"], ["gate_pass_line.id"], name=op.f("fk_gate_pass_goods_gate_pass_line_id")
        ),
        sa.PrimaryKeyConstraint("gate_pass_line_id", "account_id", name=op.f("pk_gate_pass_goods")),
    )
    op.create_table(
        "parcel_item",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("scan_id", sa.BigInteger(), nullable=True),
        sa.Column("from_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("qty > 0", name=op.f("ck_parcel_item_qty_positive")),
        sa.ForeignKeyConstraint(["from_unit_id"], ["handling_unit.id"], name=op.f("fk_parcel_item_from_unit_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_parcel_item_lot_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_parcel_item_parcel_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_parcel_item_person_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_parcel_item_posting_id")),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name=op.f("fk_parcel_item_scan_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_parcel_item_trade_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_item")),
    )
    op.create_index(
        op.f("ix_parcel_item_from_unit_id_trade_item_id"),
        "parcel_item",
        ["from_unit_id", "trade_item_id"],
        unique=False,
    )
    op.create_index(op.f("ix_parcel_item_parcel_id"), "parcel_item", ["parcel_id"], unique=False)
    op.create_index(op.f("ix_parcel_item_scan_id"), "parcel_item", ["scan_id"], unique=False)
