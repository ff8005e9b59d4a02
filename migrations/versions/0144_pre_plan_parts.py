"""plans whose work is done in parts by several workers, told while they are made, and stopped early"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect, ship_value

revision = "0144_pre_plan_parts"
down_revision = "0143_pre_emergency"
branch_labels = None
depends_on = None

OF_PLAN = "EXISTS (SELECT 1 FROM plan p WHERE p.id = plan_id AND p.company_id = app_company())"


def upgrade() -> None:
    op.add_column("plan", sa.Column("effort", sa.Integer(), nullable=True))
    op.add_column("plan", sa.Column("stop_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plan", sa.Column("stop_asked_by", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_plan_stop_asked_by"), "plan", "person", ["stop_asked_by"], ["id"])
    _create_progress()
    _create_parts()
    protect("plan_progress", OF_PLAN, app="SELECT, INSERT")
    protect("plan_part", OF_PLAN, app="SELECT, INSERT, UPDATE")
    ship_value("plan.split_from", 1_000, source="our own limit, 2026-11")


def _create_progress() -> None:
    op.create_table(
        "plan_progress",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("permille", sa.Integer(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("bound_minor", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_progress_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "step_no", name=op.f("pk_plan_progress")),
    )


def _create_parts() -> None:
    op.create_table(
        "plan_part",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("input", sa.LargeBinary(), nullable=True),
        sa.Column("input_sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'taken', 'done')", name=op.f("ck_plan_part_state_known")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_part_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "part_no", name=op.f("pk_plan_part")),
    )


def downgrade() -> None:
    op.execute("DELETE FROM shipped_value WHERE name = 'plan.split_from'")
    op.drop_table("plan_part")
    op.drop_table("plan_progress")
    op.drop_constraint(op.f("fk_plan_stop_asked_by"), "plan", type_="foreignkey")
    op.drop_column("plan", "stop_asked_by")
    op.drop_column("plan", "stop_asked_at")
    op.drop_column("plan", "effort")
