"""consignments, bookings, legs and milestones; plans with their boxes, assignments and who stays behind"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import append_only, protect, protect_shared

revision = "0008_pre_freight"
down_revision = "0007_pre_gate"
branch_labels = None
depends_on = None

OWN = "owner_id = app_company() OR forwarder_id = app_company()"
OF_CONSIGNMENT = (
    "EXISTS (SELECT 1 FROM consignment c WHERE c.id = consignment_id"
    " AND (c.owner_id = app_company() OR c.forwarder_id = app_company()))"
)
OF_BOOKING = (
    "EXISTS (SELECT 1 FROM transport_booking b JOIN consignment c ON c.id = b.consignment_id WHERE b.id = booking_id"
    " AND (c.owner_id = app_company() OR c.forwarder_id = app_company()))"
)
OF_PLAN = "EXISTS (SELECT 1 FROM plan p WHERE p.id = plan_id AND p.company_id = app_company())"
TABLES = (
    "consignment",
    "consignment_piece",
    "transport_booking",
    "transport_leg",
    "milestone",
    "allotment_use",
    "plan",
    "plan_box",
    "plan_assignment",
    "plan_unserved",
)


def upgrade() -> None:
    create_tables()
    protect("consignment", OWN, app="SELECT, INSERT, UPDATE")
    protect("consignment_piece", OF_CONSIGNMENT, app="SELECT, INSERT, DELETE")
    protect("transport_booking", OF_CONSIGNMENT, app="SELECT, INSERT")
    protect("transport_leg", OF_BOOKING, app="SELECT, INSERT")
    protect("milestone", OF_CONSIGNMENT, app="SELECT, INSERT")
    # What is left on a departure has to be known to whoever plans on it; of whom the rest is, is not told.
    protect_shared("allotment_use", app="SELECT, INSERT")
    protect("plan", "company_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("plan_box", OF_PLAN, app="SELECT, INSERT")
    protect("plan_assignment", OWN, app="SELECT, INSERT")
    protect("plan_unserved", OWN, app="SELECT, INSERT")
    append_only("milestone")
    append_only("transport_leg")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "allotment_use",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("departure", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("unit IN ('teu', 'kg')", name=op.f("ck_allotment_use_unit_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_allotment_use_amount_positive")),
        sa.PrimaryKeyConstraint("plan_id", "departure", name=op.f("pk_allotment_use")),
    )
    op.create_table(
        "consignment",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("consignment_no", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("forwarder_id", sa.BigInteger(), nullable=True),
        sa.Column("goods_name", sa.String(), server_default="", nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("trade_mode", sa.String(), nullable=False),
        sa.Column("temperature_class", sa.String(), server_default="ambient", nullable=False),
        sa.Column("dangerous_class", sa.String(), server_default="none", nullable=False),
        sa.Column("volume_cm3", sa.BigInteger(), nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), server_default="CNY", nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("must_go", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'booked', 'under_way', 'delivered', 'cancelled')",
            name=op.f("ck_consignment_state_known"),
        ),
        sa.CheckConstraint(
            "temperature_class IN ('ambient', 'chilled', 'frozen')",
            name=op.f("ck_consignment_temperature_class_known"),
        ),
        sa.CheckConstraint("due_at > ready_at", name=op.f("ck_consignment_due_after_ready")),
        sa.CheckConstraint("latest_at >= due_at", name=op.f("ck_consignment_latest_after_due")),
        sa.CheckConstraint(
            "volume_cm3 >= 0 AND weight_g >= 0 AND value_minor >= 0",
            name=op.f("ck_consignment_amounts_not_negative"),
        ),
        sa.ForeignKeyConstraint(["forwarder_id"], ["company.id"], name=op.f("fk_consignment_forwarder_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_consignment_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consignment")),
        sa.UniqueConstraint(
            "tenant_id", "consignment_no", name=op.f("uq_consignment_tenant_id_consignment_no")
        ),
    )
    op.create_index(op.f("ix_consignment_forwarder_id"), "consignment", ["forwarder_id"], unique=False)
    op.create_index(op.f("ix_consignment_owner_id"), "consignment", ["owner_id"], unique=False)
    op.create_index(
        op.f("ix_consignment_tenant_id_state"), "consignment", ["tenant_id", "state"], unique=False
    )
    op.create_table(
        "consignment_piece",
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "count > 0 AND length_mm > 0 AND width_mm > 0 AND height_mm > 0 AND weight_g > 0",
            name=op.f("ck_consignment_piece_sizes_positive"),
        ),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_consignment_piece_consignment_id")
        ),
        sa.PrimaryKeyConstraint("consignment_id", "line_no", name=op.f("pk_consignment_piece")),
    )
    op.create_table(
        "milestone",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("leg_no", sa.Integer(), nullable=True),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "event IN ('collected', 'cut_off', 'departure', 'arrival', 'stripped', 'delivery')",
            name=op.f("ck_milestone_event_known"),
        ),
        sa.CheckConstraint("kind IN ('PLN', 'EST', 'REQ', 'ACT')", name=op.f("ck_milestone_kind_known")),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_milestone_consignment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
    )
    op.create_index(op.f("ix_milestone_consignment_id"), "milestone", ["consignment_id"], unique=False)
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("stage", sa.String(), server_default="queued", nullable=False),
        sa.Column("progress_permille", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seconds_limit", sa.Integer(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("snapshot_sha256", sa.String(), nullable=True),
        sa.Column("problem", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("versions", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("document", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("objective_minor", sa.BigInteger(), nullable=True),
        sa.Column("bound_minor", sa.BigInteger(), nullable=True),
        sa.Column("gap_ppm", sa.Integer(), nullable=True),
        sa.Column("saving_minor", sa.BigInteger(), nullable=True),
        sa.Column("saving_permille", sa.Integer(), nullable=True),
        sa.Column("solver", sa.String(), nullable=True),
        sa.Column("elapsed_ms", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'solved', 'infeasible', 'failed', 'accepted')",
            name=op.f("ck_plan_state_known"),
        ),
        sa.CheckConstraint("bound_minor <= objective_minor", name=op.f("ck_plan_bound_below_objective")),
        sa.ForeignKeyConstraint(["accepted_by"], ["person.id"], name=op.f("fk_plan_accepted_by")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_plan_company_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["person.id"], name=op.f("fk_plan_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    op.create_index(
        op.f("ix_plan_tenant_id_requested_at"), "plan", ["tenant_id", "requested_at"], unique=False
    )
    op.create_table(
        "transport_booking",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("box_no", sa.String(), nullable=False),
        sa.Column("equipment", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("share_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), server_default="CNY", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_transport_booking_consignment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transport_booking")),
        sa.UniqueConstraint(
            "tenant_id", "consignment_id", name=op.f("uq_transport_booking_tenant_id_consignment_id")
        ),
    )
    op.create_index(op.f("ix_transport_booking_plan_id"), "transport_booking", ["plan_id"], unique=False)
    op.create_table(
        "plan_assignment",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("consignment_no", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("forwarder_id", sa.BigInteger(), nullable=True),
        sa.Column("box_no", sa.String(), nullable=False),
        sa.Column("equipment", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("deliver_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late_s", sa.Integer(), nullable=False),
        sa.Column("share_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("alone_minor", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_plan_assignment_consignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["forwarder_id"], ["company.id"], name=op.f("fk_plan_assignment_forwarder_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_plan_assignment_owner_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_assignment_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "consignment_id", name=op.f("pk_plan_assignment")),
    )
    op.create_index(
        op.f("ix_plan_assignment_consignment_id"), "plan_assignment", ["consignment_id"], unique=False
    )
    op.create_table(
        "plan_box",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("box_no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("equipment", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("load_class", sa.String(), nullable=False),
        sa.Column("volume_cm3", sa.BigInteger(), nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=False),
        sa.Column("volume_permille", sa.Integer(), nullable=False),
        sa.Column("weight_permille", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_box_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "box_no", name=op.f("pk_plan_box")),
    )
    op.create_table(
        "plan_unserved",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("consignment_no", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("forwarder_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_plan_unserved_consignment_id")
        ),
        sa.ForeignKeyConstraint(["forwarder_id"], ["company.id"], name=op.f("fk_plan_unserved_forwarder_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_plan_unserved_owner_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_unserved_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "consignment_id", name=op.f("pk_plan_unserved")),
    )
    op.create_table(
        "transport_leg",
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("leg_no", sa.Integer(), nullable=False),
        sa.Column("departure", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("depart_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrive_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "mode IN ('barge', 'ocean', 'rail', 'truck', 'air')", name=op.f("ck_transport_leg_mode_known")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["transport_booking.id"], name=op.f("fk_transport_leg_booking_id")
        ),
        sa.PrimaryKeyConstraint("booking_id", "leg_no", name=op.f("pk_transport_leg")),
    )
    op.create_index(op.f("ix_transport_leg_departure"), "transport_leg", ["departure"], unique=False)
