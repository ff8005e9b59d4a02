"""advance notices, receipts and differences; scans and their context; put-away"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import append_only, protect

revision = "0005_pre_floor"
down_revision = "0004_pre_people"
branch_labels = None
depends_on = None

OF_NOTICE = "EXISTS (SELECT 1 FROM advance_notice n WHERE n.id = notice_id AND n.owner_id = app_company())"
TABLES = (
    "advance_notice",
    "notice_line",
    "scan",
    "scan_context",
    "receipt_line",
    "difference",
    "put_away_task",
    "put_away",
)


def upgrade() -> None:
    create_tables()
    protect("advance_notice", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("notice_line", OF_NOTICE, app="SELECT, INSERT")
    protect("receipt_line", OF_NOTICE, app="SELECT, INSERT, UPDATE (undone_at)")
    protect("difference", OF_NOTICE, app="SELECT, INSERT")
    protect("scan", app="SELECT, INSERT, UPDATE (outcome, answer, posting_id, undone_at)")
    protect("scan_context")
    protect("put_away_task", app="SELECT, INSERT, UPDATE")
    protect("put_away", app="SELECT, INSERT, UPDATE (undone_at)")
    append_only("difference")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "advance_notice",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("notice_no", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_mode", sa.String(), nullable=False),
        sa.Column("verification_list_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'receiving', 'received', 'cancelled')",
            name=op.f("ck_advance_notice_state_known"),
        ),
        sa.CheckConstraint("trade_mode ~ '^[0-9]{4}$'", name=op.f("ck_advance_notice_trade_mode_shape")),
        sa.ForeignKeyConstraint(["closed_by"], ["person.id"], name=op.f("fk_advance_notice_closed_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_advance_notice_owner_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_advance_notice_site_id")),
        sa.ForeignKeyConstraint(
            ["verification_list_id"],
            ["verification_list.id"],
            name=op.f("fk_advance_notice_verification_list_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advance_notice")),
        sa.UniqueConstraint("tenant_id", "notice_no", name=op.f("uq_advance_notice_tenant_id_notice_no")),
    )
    op.create_index(
        op.f("ix_advance_notice_tenant_id_site_id_state"),
        "advance_notice",
        ["tenant_id", "site_id", "state"],
        unique=False,
    )
    op.create_table(
        "put_away_task",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("from_location_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("is_blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("done_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("state IN ('open', 'done', 'void')", name=op.f("ck_put_away_task_state_known")),
        sa.CheckConstraint(
            "qty > 0 AND done_qty BETWEEN 0 AND qty", name=op.f("ck_put_away_task_done_within_qty")
        ),
        sa.ForeignKeyConstraint(
            ["from_location_id"], ["location.id"], name=op.f("fk_put_away_task_from_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_put_away_task_handling_unit_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_put_away_task_lot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_put_away_task_owner_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_put_away_task_site_id")),
        sa.ForeignKeyConstraint(
            ["trade_item_id"], ["trade_item.id"], name=op.f("fk_put_away_task_trade_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_put_away_task")),
    )
    op.create_index(
        op.f("ix_put_away_task_tenant_id_site_id_state"),
        "put_away_task",
        ["tenant_id", "site_id", "state"],
        unique=False,
    )
    op.create_index(
        "uq_put_away_task_open",
        "put_away_task",
        ["from_location_id", "trade_item_id", "lot_id", "handling_unit_id", "is_blocked"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "scan",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("symbology", sa.String(), nullable=True),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("answer", postgresql.JSONB(), nullable=True),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("outcome IN ('ok', 'warn', 'stop')", name=op.f("ck_scan_outcome_known")),
        sa.CheckConstraint("length(code) <= 500 AND length(key) <= 255", name=op.f("ck_scan_lengths")),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_scan_seq_not_negative")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_scan_person_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_scan_posting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
        sa.UniqueConstraint(
            "tenant_id", "device", "boot", "seq", name=op.f("uq_scan_tenant_id_device_boot_seq")
        ),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_scan_tenant_id_key")),
    )
    op.create_index(op.f("ix_scan_tenant_id_device_id"), "scan", ["tenant_id", "device", "id"], unique=False)
    op.create_table(
        "notice_line",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("expected_qty", sa.BigInteger(), nullable=False),
        sa.Column("lot_no", sa.String(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("sscc", sa.String(), nullable=True),
        sa.Column("verification_line_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("sscc ~ '^[0-9]{18}$'", name=op.f("ck_notice_line_sscc_digits")),
        sa.CheckConstraint("expected_qty > 0", name=op.f("ck_notice_line_expected_positive")),
        sa.ForeignKeyConstraint(["notice_id"], ["advance_notice.id"], name=op.f("fk_notice_line_notice_id")),
        sa.ForeignKeyConstraint(
            ["trade_item_id"], ["trade_item.id"], name=op.f("fk_notice_line_trade_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["verification_line_id"],
            ["verification_line.id"],
            name=op.f("fk_notice_line_verification_line_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_line")),
        sa.UniqueConstraint("notice_id", "line_no", name=op.f("uq_notice_line_notice_id_line_no")),
    )
    op.create_index(op.f("ix_notice_line_tenant_id_sscc"), "notice_line", ["tenant_id", "sscc"], unique=False)
    op.create_table(
        "put_away",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("scan_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("suggested_location_id", sa.BigInteger(), nullable=True),
        sa.Column("override_reason", sa.String(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("qty > 0", name=op.f("ck_put_away_qty_positive")),
        sa.CheckConstraint(
            "suggested_location_id IS NULL OR suggested_location_id = location_id OR override_reason IS NOT NULL",
            name=op.f("ck_put_away_override_has_reason"),
        ),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_put_away_location_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_put_away_person_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_put_away_posting_id")),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name=op.f("fk_put_away_scan_id")),
        sa.ForeignKeyConstraint(
            ["suggested_location_id"], ["location.id"], name=op.f("fk_put_away_suggested_location_id")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["put_away_task.id"], name=op.f("fk_put_away_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_put_away")),
    )
    op.create_index(op.f("ix_put_away_task_id"), "put_away", ["task_id"], unique=False)
    op.create_table(
        "scan_context",
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("next_qty", sa.BigInteger(), nullable=True),
        sa.Column("is_damaged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pending", postgresql.JSONB(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("job IN ('receive', 'put_away')", name=op.f("ck_scan_context_job_known")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_scan_context_location_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["advance_notice.id"], name=op.f("fk_scan_context_notice_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_scan_context_site_id")),
        sa.PrimaryKeyConstraint("tenant_id", "device", "job", name=op.f("pk_scan_context")),
    )
    op.create_table(
        "difference",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("notice_line_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_no", sa.String(), nullable=True),
        sa.Column("expected_qty", sa.BigInteger(), nullable=False),
        sa.Column("found_qty", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('over', 'short', 'damaged', 'wrong_item', 'wrong_lot', 'expired')",
            name=op.f("ck_difference_kind_known"),
        ),
        sa.ForeignKeyConstraint(["notice_id"], ["advance_notice.id"], name=op.f("fk_difference_notice_id")),
        sa.ForeignKeyConstraint(
            ["notice_line_id"], ["notice_line.id"], name=op.f("fk_difference_notice_line_id")
        ),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_difference_posting_id")),
        sa.ForeignKeyConstraint(
            ["trade_item_id"], ["trade_item.id"], name=op.f("fk_difference_trade_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difference")),
    )
    op.create_index(op.f("ix_difference_notice_id"), "difference", ["notice_id"], unique=False)
    op.create_table(
        "receipt_line",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("notice_line_id", sa.BigInteger(), nullable=True),
        sa.Column("scan_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("quality_status", sa.String(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "quality_status IN ('good', 'hold', 'damaged', 'quarantine', 'expired')",
            name=op.f("ck_receipt_line_quality_status_known"),
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_receipt_line_qty_positive")),
        sa.ForeignKeyConstraint(
            ["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_receipt_line_handling_unit_id")
        ),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_receipt_line_location_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_receipt_line_lot_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["advance_notice.id"], name=op.f("fk_receipt_line_notice_id")),
        sa.ForeignKeyConstraint(
            ["notice_line_id"], ["notice_line.id"], name=op.f("fk_receipt_line_notice_line_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_receipt_line_person_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_receipt_line_posting_id")),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name=op.f("fk_receipt_line_scan_id")),
        sa.ForeignKeyConstraint(
            ["trade_item_id"], ["trade_item.id"], name=op.f("fk_receipt_line_trade_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_line")),
    )
    op.create_index(op.f("ix_receipt_line_notice_id"), "receipt_line", ["notice_id"], unique=False)
    op.create_index(
        "uq_receipt_line_standing",
        "receipt_line",
        ["notice_id", "handling_unit_id", "trade_item_id", "lot_id"],
        unique=True,
        postgresql_where=sa.text("handling_unit_id IS NOT NULL AND undone_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_constraint(op.f("fk_api_token_tenant_id"), "api_token", type_="foreignkey")
    op.drop_constraint(op.f("fk_credential_tenant_id"), "credential", type_="foreignkey")
    op.drop_constraint(op.f("fk_login_session_tenant_id"), "login_session", type_="foreignkey")
