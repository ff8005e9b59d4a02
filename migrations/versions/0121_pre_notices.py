"""notices about parcels, the way that exports come back, what became of summaries, waybill numbers used again"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0121_pre_notices"
down_revision = "0120_pre_fast_lists"
branch_labels = None
depends_on = None

KINDS = "'warehouse_in', 'arrival', 'master_list', 'departure', 'delivery', 'tally'"


def upgrade() -> None:
    op.add_column("parcel_request", sa.Column("head", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("export_summary", sa.Column("status", sa.String(), nullable=True))
    op.add_column("export_summary", sa.Column("reason", sa.String(), nullable=True))
    op.add_column("retail_waybill", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("uq_retail_waybill_tenant_id_logistics_code_waybill_no", "retail_waybill", type_="unique")
    op.create_index(
        "uq_retail_waybill_in_use", "retail_waybill", ["tenant_id", "logistics_code", "waybill_no"], unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )  # fmt: skip
    op.execute("GRANT DELETE ON export_summary_parcel TO dongting_app")  # a refused summary lets go of its parcels
    create_parcel_notice()
    protect("parcel_notice", app="SELECT, INSERT, UPDATE")
    create_parcel_notice_line()
    protect("parcel_notice_line", app="SELECT, INSERT")
    ship_value("parcel.waybill_reuse_months", 6, source="CEB specification 202205: unique for a carrier within 6 months")
    ship_value("parcel.return_modes", {"1210": "1261", "*": "9661"}, source="GAC notice 2020 No. 44")


def downgrade() -> None:
    raise RuntimeError("what was told to customs would be lost: restore a backup of the older version instead")


def create_parcel_notice() -> None:
    op.create_table(
        "parcel_notice",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="told", nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("info", sa.String(), nullable=True),
        sa.Column("pre_no", sa.String(), nullable=True),
        sa.Column("carrier_code", sa.String(), nullable=False),
        sa.Column("head", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_parcel_notice_kind_known")),
        sa.CheckConstraint(
            "state IN ('told', 'stored', 'approved', 'refused')", name=op.f("ck_parcel_notice_state_known")
        ),
        sa.CheckConstraint(
            "(kind = 'tally') = (request_id IS NOT NULL)", name=op.f("ck_parcel_notice_tally_of_request")
        ),
        sa.CheckConstraint(
            "(state IN ('approved', 'refused')) = (decided_at IS NOT NULL)",
            name=op.f("ck_parcel_notice_decided_has_time"),
        ),
        sa.ForeignKeyConstraint(["request_id"], ["parcel_request.id"], name=op.f("fk_parcel_notice_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_notice")),
    )
    op.create_index(op.f("ix_parcel_notice_tenant_id_kind_number"), "parcel_notice", ["tenant_id", "kind", "number"])
    op.create_index(op.f("ix_parcel_notice_request_id"), "parcel_notice", ["request_id"])


def create_parcel_notice_line() -> None:
    op.create_table(
        "parcel_notice_line",
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("waybill_no", sa.String(), nullable=False),
        sa.Column("declaration_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["parcel_notice.id"], name=op.f("fk_parcel_notice_line_notice_id")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["parcel_declaration.id"], name=op.f("fk_parcel_notice_line_declaration_id")
        ),
        sa.PrimaryKeyConstraint("notice_id", "line_no", name=op.f("pk_parcel_notice_line")),
        sa.UniqueConstraint("notice_id", "waybill_no", name=op.f("uq_parcel_notice_line_notice_id_waybill_no")),
    )
    op.create_index(op.f("ix_parcel_notice_line_declaration_id"), "parcel_notice_line", ["declaration_id"])
    op.create_index(
        op.f("ix_parcel_notice_line_tenant_id_waybill_no"), "parcel_notice_line", ["tenant_id", "waybill_no"]
    )
