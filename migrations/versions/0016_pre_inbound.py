"""blind receipts, changed and cancelled notices, weights and orders on notice lines, receipts by list"""

import sqlalchemy as sa
from alembic import op

revision = "0016_pre_inbound"
down_revision = "0015_pre_scale"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("advance_notice", sa.Column("kind", sa.String(), server_default="announced", nullable=False))
    op.add_column("advance_notice", sa.Column("is_blind", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("advance_notice", sa.Column("delivery_no", sa.String(), nullable=True))
    op.add_column("advance_notice", sa.Column("cancel_reason", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_advance_notice_kind_known"), "advance_notice", "kind IN ('announced', 'blind')"
    )
    op.create_check_constraint(
        op.f("ck_advance_notice_blind_is_ordinary"),
        "advance_notice",
        "kind <> 'blind' OR verification_list_id IS NULL",
    )
    op.add_column("notice_line", sa.Column("weight_g", sa.BigInteger(), nullable=True))
    op.add_column("notice_line", sa.Column("order_line_id", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_notice_line_weight_positive"), "notice_line", "weight_g > 0")
    op.create_foreign_key(
        op.f("fk_notice_line_order_line_id"), "notice_line", "order_line", ["order_line_id"], ["id"]
    )
    op.execute("GRANT DELETE ON notice_line TO dongting_app")  # an open notice may be changed until goods are counted
    op.alter_column("receipt_line", "scan_id", nullable=True)  # goods received by list have no scan
    op.add_column("receipt_line", sa.Column("weight_g", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("blind receipts would be lost: restore a backup of the older version instead")
