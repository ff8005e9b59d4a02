"""what an accepted plan becomes: goods of a consignment in our warehouses, floor work, papers for customs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect

revision = "0140_pre_hand_over"
down_revision = "0139_pre_milestone_sources"
branch_labels = None
depends_on = None

OF_CONSIGNMENT = "EXISTS (SELECT 1 FROM consignment c WHERE c.id = consignment_id)"


def upgrade() -> None:
    op.add_column("plan", sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True))
    _create_goods()
    _create_work()
    _create_papers()
    protect("consignment_goods", OF_CONSIGNMENT, app="SELECT, INSERT, DELETE")
    protect("consignment_work", OF_CONSIGNMENT, app="SELECT, INSERT, UPDATE")
    protect("consignment_paper", OF_CONSIGNMENT, app="SELECT, INSERT, UPDATE")


def _create_goods() -> None:
    op.create_table(
        "consignment_goods",
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("qty > 0", name=op.f("ck_consignment_goods_qty_positive")),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_consignment_goods_consignment_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_consignment_goods_site_id")),
        sa.ForeignKeyConstraint(
            ["trade_item_id"], ["trade_item.id"], name=op.f("fk_consignment_goods_trade_item_id")
        ),
        sa.PrimaryKeyConstraint("consignment_id", "line_no", name=op.f("pk_consignment_goods")),
    )
    op.create_index(op.f("ix_consignment_goods_trade_item_id"), "consignment_goods", ["trade_item_id"], unique=False)


def _create_work() -> None:
    op.create_table(
        "consignment_work",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("box_no", sa.String(), nullable=False),
        sa.Column("stop_code", sa.String(), nullable=False),
        sa.Column("loading_no", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("tried", sa.Integer(), server_default="1", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('elsewhere', 'reserved', 'short', 'refused')", name=op.f("ck_consignment_work_state_known")
        ),
        sa.CheckConstraint("state <> 'reserved' OR order_id IS NOT NULL", name=op.f("ck_consignment_work_has_order")),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_consignment_work_consignment_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["outbound_order.id"], name=op.f("fk_consignment_work_order_id")),
        sa.PrimaryKeyConstraint("plan_id", "consignment_id", name=op.f("pk_consignment_work")),
    )
    op.create_index(op.f("ix_consignment_work_consignment_id"), "consignment_work", ["consignment_id"], unique=False)


def _create_papers() -> None:
    op.create_table(
        "consignment_paper",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("consignment_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("step_no", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("document_no", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("state IN ('drafted', 'todo', 'done')", name=op.f("ck_consignment_paper_state_known")),
        sa.CheckConstraint("state <> 'todo' OR reason IS NOT NULL", name=op.f("ck_consignment_paper_todo_has_reason")),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_consignment_paper_done_has_time")),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name=op.f("fk_consignment_paper_consignment_id")
        ),
        sa.ForeignKeyConstraint(["done_by"], ["person.id"], name=op.f("fk_consignment_paper_done_by")),
        sa.PrimaryKeyConstraint("plan_id", "consignment_id", "document", name=op.f("pk_consignment_paper")),
    )
    op.create_index(op.f("ix_consignment_paper_consignment_id"), "consignment_paper", ["consignment_id"], unique=False)


def downgrade() -> None:
    op.drop_table("consignment_paper")
    op.drop_table("consignment_work")
    op.drop_table("consignment_goods")
    op.drop_column("plan", "handed_over_at")
