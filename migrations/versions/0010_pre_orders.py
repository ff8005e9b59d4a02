"""orders, waves, allocations; pick lists and every taking of goods; substitutes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, run_sql, ship_value

revision = "0010_pre_orders"
down_revision = "0009_pre_floor_ground"
branch_labels = None
depends_on = None

OF_ORDER = "EXISTS (SELECT 1 FROM outbound_order o WHERE o.id = order_id AND o.owner_id = app_company())"
OF_LINE = (
    "EXISTS (SELECT 1 FROM order_line l JOIN outbound_order o ON o.id = l.order_id"
    " WHERE l.id = order_line_id AND o.owner_id = app_company())"
)
OF_PICK_LINE = "EXISTS (SELECT 1 FROM pick_line l WHERE l.id = pick_line_id AND l.owner_id = app_company())"


def upgrade() -> None:
    op.add_column("lot", sa.Column("country_of_origin", sa.String(), nullable=True))
    create_tables()
    protect("wave", app="SELECT, INSERT, UPDATE")
    protect("outbound_order", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("order_line", OF_ORDER)
    protect("allocation", OF_LINE)
    protect("item_substitute", "owner_id = app_company()")
    protect("pick_list", app="SELECT, INSERT, UPDATE")
    protect("pick_tote")
    protect("pick_line", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("pick", OF_PICK_LINE, app="SELECT, INSERT, UPDATE (undone_at)")
    protect("substitution", OF_LINE, app="SELECT, INSERT, UPDATE")
    run_sql("wms.stock", "reserving.sql")
    ship_value(
        "allocation.policy",
        {"strategy": "fefo", "whole_units": True, "min_life_days": 0},
        source="our own choice: first expired, first out, and no pallet broken that fits whole; 2026-11",
    )
    ship_value("allocation.hold_days", 30, source="our own choice: a promise that nobody picks ends; 2026-11")
    ship_value("picking.most_lines", 60, source="our own choice: what one round on foot bears; 2026-11")
    ship_value("picking.cart_totes", 8, source="our own choice: slots of a picking cart; 2026-11")
    ship_value(
        "picking.cross_aisles_mm", None, source="no cross-aisles known: taken from where the places of a site stand"
    )


def downgrade() -> None:
    raise RuntimeError("orders and picks would be lost: restore a backup of the older version instead")


def create_tables() -> None:
    op.create_table(
        "item_substitute",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("substitute_item_id", sa.BigInteger(), nullable=False),
        sa.Column("per_qty", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("is_preapproved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("per_qty > 0", name=op.f("ck_item_substitute_per_qty_positive")),
        sa.CheckConstraint("trade_item_id <> substitute_item_id", name=op.f("ck_item_substitute_not_itself")),
        sa.CheckConstraint("valid_until_on >= valid_from_on", name=op.f("ck_item_substitute_valid_in_order")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_item_substitute_owner_id")),
        sa.ForeignKeyConstraint(
            ["substitute_item_id"], ["trade_item.id"], name=op.f("fk_item_substitute_substitute_item_id")
        ),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_item_substitute_trade_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_substitute")),
        sa.UniqueConstraint(
            "trade_item_id",
            "substitute_item_id",
            "valid_from_on",
            name=op.f("uq_item_substitute_trade_item_id_substitute_item_id_valid_from_on"),
        ),
    )
    op.create_table(
        "wave",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("wave_no", sa.String(), nullable=True),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="planned", nullable=False),
        sa.Column("rule", postgresql.JSONB(), nullable=False),
        sa.Column("to_location_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("method IN ('discrete', 'batch', 'cluster', 'zone')", name=op.f("ck_wave_method_known")),
        sa.CheckConstraint(
            "state IN ('planned', 'released', 'picking', 'picked', 'cancelled')", name=op.f("ck_wave_state_known")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_wave_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_wave_site_id")),
        sa.ForeignKeyConstraint(["to_location_id"], ["location.id"], name=op.f("fk_wave_to_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave")),
        sa.UniqueConstraint("tenant_id", "wave_no", name=op.f("uq_wave_tenant_id_wave_no")),
    )
    op.create_index(op.f("ix_wave_tenant_id_site_id_state"), "wave", ["tenant_id", "site_id", "state"], unique=False)
    op.create_table(
        "outbound_order",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="sales", nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("ship_by_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("carrier", sa.String(), nullable=True),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("route", sa.String(), nullable=True),
        sa.Column("chute", sa.String(), nullable=True),
        sa.Column("trade_mode", sa.String(), nullable=False),
        sa.Column("customs_status", sa.String(), nullable=False),
        sa.Column("ship_policy", sa.String(), server_default="partial", nullable=False),
        sa.Column("consignee_name", sa.String(), nullable=True),
        sa.Column("consignee_region", sa.String(), nullable=True),
        sa.Column("wave_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("picked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.BigInteger(), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_at IS NOT NULL)", name=op.f("ck_outbound_order_cancelled_has_time")
        ),
        sa.CheckConstraint("customs_status IN ('free', 'bonded')", name=op.f("ck_outbound_order_customs_status_known")),
        sa.CheckConstraint("kind IN ('sales', 'parcel')", name=op.f("ck_outbound_order_kind_known")),
        sa.CheckConstraint("ship_policy IN ('complete', 'partial')", name=op.f("ck_outbound_order_ship_policy_known")),
        sa.CheckConstraint(
            "state IN ('open', 'part_allocated', 'allocated', 'released', 'picking', 'picked', 'packed', 'loaded', 'shipped', 'cancelled')",
            name=op.f("ck_outbound_order_state_known"),
        ),
        sa.CheckConstraint("trade_mode ~ '^[0-9]{4}$'", name=op.f("ck_outbound_order_trade_mode_shape")),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name=op.f("ck_outbound_order_priority_range")),
        sa.ForeignKeyConstraint(["cancelled_by"], ["person.id"], name=op.f("fk_outbound_order_cancelled_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_outbound_order_owner_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_outbound_order_site_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_outbound_order_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_order")),
        sa.UniqueConstraint("tenant_id", "order_no", name=op.f("uq_outbound_order_tenant_id_order_no")),
    )
    op.create_index(op.f("ix_outbound_order_owner_id"), "outbound_order", ["owner_id"], unique=False)
    op.create_index(
        op.f("ix_outbound_order_tenant_id_site_id_state_ship_by_at"),
        "outbound_order",
        ["tenant_id", "site_id", "state", "ship_by_at"],
        unique=False,
    )
    op.create_index(op.f("ix_outbound_order_wave_id"), "outbound_order", ["wave_id"], unique=False)
    op.create_table(
        "pick_list",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("list_no", sa.String(), nullable=True),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("wave_id", sa.BigInteger(), nullable=True),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("to_location_id", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("route_mm", sa.BigInteger(), nullable=True),
        sa.Column("item_order_mm", sa.BigInteger(), nullable=True),
        sa.Column("s_shape_mm", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "method IN ('discrete', 'batch', 'cluster', 'zone')", name=op.f("ck_pick_list_method_known")
        ),
        sa.CheckConstraint("state IN ('open', 'picking', 'done', 'void')", name=op.f("ck_pick_list_state_known")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_pick_list_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_pick_list_site_id")),
        sa.ForeignKeyConstraint(["to_location_id"], ["location.id"], name=op.f("fk_pick_list_to_location_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name=op.f("fk_pick_list_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_list")),
        sa.UniqueConstraint("tenant_id", "list_no", name=op.f("uq_pick_list_tenant_id_list_no")),
    )
    op.create_index(
        op.f("ix_pick_list_tenant_id_site_id_state"), "pick_list", ["tenant_id", "site_id", "state"], unique=False
    )
    op.create_index(op.f("ix_pick_list_wave_id"), "pick_list", ["wave_id"], unique=False)
    op.create_table(
        "order_line",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("unit_qty", sa.BigInteger(), nullable=False),
        sa.Column("ordered_qty", sa.BigInteger(), nullable=False),
        sa.Column("allocated_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("picked_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("short_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("min_life_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lot_nos", postgresql.ARRAY(sa.String()), nullable=True),
        sa.Column("countries", postgresql.ARRAY(sa.String()), nullable=True),
        sa.Column("strategy", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "allocated_qty >= 0 AND picked_qty >= 0 AND short_qty >= 0 AND picked_qty <= allocated_qty AND allocated_qty + short_qty <= ordered_qty",
            name=op.f("ck_order_line_parts_within_order"),
        ),
        sa.CheckConstraint("min_life_days >= 0", name=op.f("ck_order_line_min_life_not_negative")),
        sa.CheckConstraint("ordered_qty > 0 AND unit_qty > 0", name=op.f("ck_order_line_ordered_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["outbound_order.id"], name=op.f("fk_order_line_order_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_order_line_trade_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "line_no", name=op.f("uq_order_line_order_id_line_no")),
    )
    op.create_index(op.f("ix_order_line_trade_item_id"), "order_line", ["trade_item_id"], unique=False)
    op.create_table(
        "pick_tote",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("pick_list_id", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("slot > 0", name=op.f("ck_pick_tote_slot_positive")),
        sa.ForeignKeyConstraint(["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_pick_tote_handling_unit_id")),
        sa.ForeignKeyConstraint(["order_id"], ["outbound_order.id"], name=op.f("fk_pick_tote_order_id")),
        sa.ForeignKeyConstraint(["pick_list_id"], ["pick_list.id"], name=op.f("fk_pick_tote_pick_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_tote")),
        sa.UniqueConstraint("pick_list_id", "slot", name=op.f("uq_pick_tote_pick_list_id_slot")),
    )
    op.create_index("ix_pick_tote_handling_unit_id", "pick_tote", ["handling_unit_id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("picked_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("void_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_whole_unit", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'open') = (picked_qty + void_qty < qty)", name=op.f("ck_allocation_open_while_promised")
        ),
        sa.CheckConstraint("state IN ('open', 'picked', 'void')", name=op.f("ck_allocation_state_known")),
        sa.CheckConstraint(
            "picked_qty >= 0 AND void_qty >= 0 AND picked_qty + void_qty <= qty",
            name=op.f("ck_allocation_parts_within_qty"),
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_allocation_qty_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_allocation_account_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_allocation_order_line_id")),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"], name=op.f("fk_allocation_reservation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        sa.UniqueConstraint("reservation_id", name=op.f("uq_allocation_reservation_id")),
    )
    op.create_index(
        "ix_allocation_open", "allocation", ["account_id"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(op.f("ix_allocation_order_line_id"), "allocation", ["order_line_id"], unique=False)
    op.create_table(
        "substitution",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("substitute_item_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("substitute_qty", sa.BigInteger(), nullable=False),
        sa.Column("new_order_line_id", sa.BigInteger(), nullable=True),
        sa.Column("pick_list_id", sa.BigInteger(), nullable=True),
        sa.Column("is_preapproved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(), server_default="asked", nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name=op.f("ck_substitution_decided_has_time")),
        sa.CheckConstraint("state IN ('asked', 'approved', 'refused')", name=op.f("ck_substitution_state_known")),
        sa.CheckConstraint(
            "decided_by IS NULL OR is_preapproved OR decided_by <> asked_by", name=op.f("ck_substitution_two_people")
        ),
        sa.CheckConstraint("qty > 0 AND substitute_qty > 0", name=op.f("ck_substitution_qty_positive")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_substitution_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_substitution_decided_by")),
        sa.ForeignKeyConstraint(
            ["new_order_line_id"], ["order_line.id"], name=op.f("fk_substitution_new_order_line_id")
        ),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_substitution_order_line_id")),
        sa.ForeignKeyConstraint(["pick_list_id"], ["pick_list.id"], name=op.f("fk_substitution_pick_list_id")),
        sa.ForeignKeyConstraint(
            ["substitute_item_id"], ["trade_item.id"], name=op.f("fk_substitution_substitute_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_substitution")),
    )
    op.create_index(
        "ix_substitution_asked",
        "substitution",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index(op.f("ix_substitution_order_line_id"), "substitution", ["order_line_id"], unique=False)
    op.create_table(
        "pick_line",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("pick_list_id", sa.BigInteger(), nullable=False),
        sa.Column("allocation_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), server_default="1", nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("from_handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("is_whole_unit", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("picked_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("short_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'picked' OR picked_qty + short_qty = qty", name=op.f("ck_pick_line_picked_is_whole")
        ),
        sa.CheckConstraint("state IN ('open', 'picked', 'short', 'void')", name=op.f("ck_pick_line_state_known")),
        sa.CheckConstraint(
            "picked_qty >= 0 AND short_qty >= 0 AND picked_qty + short_qty <= qty",
            name=op.f("ck_pick_line_parts_within_qty"),
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_pick_line_qty_positive")),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_pick_line_allocation_id")),
        sa.ForeignKeyConstraint(
            ["from_handling_unit_id"], ["handling_unit.id"], name=op.f("fk_pick_line_from_handling_unit_id")
        ),
        sa.ForeignKeyConstraint(["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_pick_line_handling_unit_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_pick_line_location_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_pick_line_lot_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_pick_line_order_line_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_pick_line_owner_id")),
        sa.ForeignKeyConstraint(["pick_list_id"], ["pick_list.id"], name=op.f("fk_pick_line_pick_list_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_pick_line_trade_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_line")),
    )
    op.create_index(op.f("ix_pick_line_allocation_id"), "pick_line", ["allocation_id"], unique=False)
    op.create_index(op.f("ix_pick_line_handling_unit_id"), "pick_line", ["handling_unit_id"], unique=False)
    op.create_index(op.f("ix_pick_line_order_line_id"), "pick_line", ["order_line_id"], unique=False)
    op.create_index(op.f("ix_pick_line_pick_list_id_seq_id"), "pick_line", ["pick_list_id", "seq", "id"], unique=False)
    op.create_table(
        "pick",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("pick_line_id", sa.BigInteger(), nullable=False),
        sa.Column("scan_id", sa.BigInteger(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=True),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("picked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("qty > 0", name=op.f("ck_pick_qty_positive")),
        sa.CheckConstraint("weight_g > 0", name=op.f("ck_pick_weight_positive")),
        sa.ForeignKeyConstraint(["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_pick_handling_unit_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_pick_person_id")),
        sa.ForeignKeyConstraint(["pick_line_id"], ["pick_line.id"], name=op.f("fk_pick_pick_line_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_pick_posting_id")),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name=op.f("fk_pick_scan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick")),
    )
    op.create_index(op.f("ix_pick_pick_line_id"), "pick", ["pick_line_id"], unique=False)
    op.create_index(op.f("ix_pick_scan_id"), "pick", ["scan_id"], unique=False)
