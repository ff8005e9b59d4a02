"""the firm's trucks, plans of collection and delivery rounds, what they do with each order, rounds that are driven"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect

revision = "0141_pre_rounds"
down_revision = "0140_pre_hand_over"
branch_labels = None
depends_on = None

OF_PLAN = "EXISTS (SELECT 1 FROM round_plan p WHERE p.id = plan_id)"


def upgrade() -> None:
    _trucks()
    _plans()
    _orders()
    _driven()
    protect("fleet_truck", "company_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("round_plan", "company_id = app_company()", app="SELECT, INSERT, UPDATE")
    # Whoever makes a plan sees all of it; an owner or forwarder its own orders in the plans of others.
    own = f"owner_id = app_company() OR forwarder_id = app_company() OR {OF_PLAN}"
    protect("round_order", own, app="SELECT, INSERT, UPDATE")
    protect("round_truck", OF_PLAN, app="SELECT, INSERT, UPDATE")


def _trucks() -> None:
    op.create_table(
        "fleet_truck",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("depot", sa.String(), nullable=False),
        sa.Column("payload_g", sa.BigInteger(), nullable=False),
        sa.Column("volume_cm3", sa.BigInteger(), nullable=False),
        sa.Column("pallets", sa.Integer(), nullable=True),
        sa.Column("fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("km_minor", sa.BigInteger(), nullable=False),
        sa.Column("hour_minor", sa.BigInteger(), nullable=False),
        sa.Column("speed_km_h", sa.Integer(), nullable=False),
        sa.Column("start_min", sa.Integer(), nullable=False),
        sa.Column("end_min", sa.Integer(), nullable=False),
        sa.Column("shift_s", sa.Integer(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_reason IS NULL)", name=op.f("ck_fleet_truck_withdrawn_with_reason")
        ),
        sa.CheckConstraint("payload_g > 0 AND volume_cm3 > 0", name=op.f("ck_fleet_truck_holds_something")),
        sa.CheckConstraint(
            "start_min >= 0 AND start_min < end_min AND end_min <= 1440", name=op.f("ck_fleet_truck_hours_in_order")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_fleet_truck_company_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_fleet_truck_recorded_by")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["person.id"], name=op.f("fk_fleet_truck_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fleet_truck")),
    )
    op.create_index(
        "uq_fleet_truck_plate",
        "fleet_truck",
        ["tenant_id", "plate"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def _plans() -> None:
    op.create_table(
        "round_plan",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("hub", sa.String(), nullable=False),
        sa.Column("day_on", sa.Date(), nullable=False),
        sa.Column("seconds_limit", sa.Integer(), nullable=False),
        sa.Column("work_limit", sa.Integer(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_sha256", sa.String(), nullable=False),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("orders", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fleet", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("document", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("bound_minor", sa.BigInteger(), nullable=True),
        sa.Column("gap_ppm", sa.Integer(), nullable=True),
        sa.Column("alone_minor", sa.BigInteger(), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=True),
        sa.Column("unserved", sa.Integer(), nullable=True),
        sa.Column("solver", sa.String(), nullable=True),
        sa.Column("elapsed_ms", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.BigInteger(), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("source IN ('desk', 'upload')", name=op.f("ck_round_plan_source_known")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'solved', 'infeasible', 'failed', 'accepted', 'cancelled')",
            name=op.f("ck_round_plan_state_known"),
        ),
        sa.CheckConstraint("bound_minor <= cost_minor", name=op.f("ck_round_plan_bound_below_cost")),
        sa.ForeignKeyConstraint(["accepted_by"], ["person.id"], name=op.f("fk_round_plan_accepted_by")),
        sa.ForeignKeyConstraint(["cancelled_by"], ["person.id"], name=op.f("fk_round_plan_cancelled_by")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_round_plan_company_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["person.id"], name=op.f("fk_round_plan_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_plan")),
    )
    op.create_index(
        op.f("ix_round_plan_tenant_id_requested_at"), "round_plan", ["tenant_id", "requested_at"], unique=False
    )


def _orders() -> None:
    op.create_table(
        "round_order",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("forwarder_id", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("round_no", sa.String(), nullable=True),
        sa.Column("plate", sa.String(), nullable=True),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("arrive_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leave_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("share_minor", sa.BigInteger(), nullable=True),
        sa.Column("alone_minor", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("values", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("(round_no IS NULL) = (reason IS NOT NULL)", name=op.f("ck_round_order_served_or_reason")),
        sa.ForeignKeyConstraint(["consignment_id"], ["consignment.id"], name=op.f("fk_round_order_consignment_id")),
        sa.ForeignKeyConstraint(["forwarder_id"], ["company.id"], name=op.f("fk_round_order_forwarder_id")),
        sa.ForeignKeyConstraint(["order_id"], ["outbound_order.id"], name=op.f("fk_round_order_order_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_round_order_owner_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["round_plan.id"], name=op.f("fk_round_order_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "order_no", name=op.f("pk_round_order")),
    )
    op.create_index(
        "uq_round_order_consignment",
        "round_order",
        ["tenant_id", "consignment_id", "kind"],
        unique=True,
        postgresql_where=sa.text("booked_at IS NOT NULL AND ended_at IS NULL"),
    )
    op.create_index(
        "uq_round_order_order",
        "round_order",
        ["tenant_id", "order_id"],
        unique=True,
        postgresql_where=sa.text("booked_at IS NOT NULL AND ended_at IS NULL"),
    )


def _driven() -> None:
    op.create_table(
        "round_truck",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("round_no", sa.String(), nullable=False),
        sa.Column("truck_id", sa.BigInteger(), nullable=True),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("day_on", sa.Date(), nullable=False),
        sa.Column("leave_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_by", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["booked_by"], ["person.id"], name=op.f("fk_round_truck_booked_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_round_truck_ended_by")),
        sa.ForeignKeyConstraint(["plan_id"], ["round_plan.id"], name=op.f("fk_round_truck_plan_id")),
        sa.ForeignKeyConstraint(["truck_id"], ["fleet_truck.id"], name=op.f("fk_round_truck_truck_id")),
        sa.PrimaryKeyConstraint("plan_id", "round_no", name=op.f("pk_round_truck")),
    )
    op.create_index(
        "uq_round_truck_day",
        "round_truck",
        ["tenant_id", "truck_id", "day_on"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("round_truck", "round_order", "round_plan", "fleet_truck"):
        op.drop_table(table)
