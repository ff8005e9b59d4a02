"""trade-off curves: plans of one snapshot under several weights of money, time and carbon"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect

revision = "0142_pre_curves"
down_revision = "0141_pre_rounds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_curve",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seconds_limit", sa.Integer(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("seconds_limit > 0", name=op.f("ck_plan_curve_seconds_positive")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_plan_curve_company_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["person.id"], name=op.f("fk_plan_curve_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_curve")),
    )
    protect("plan_curve", "company_id = app_company()", app="SELECT, INSERT")
    op.add_column("plan", sa.Column("curve_id", sa.BigInteger(), nullable=True))
    op.add_column("plan", sa.Column("weighting", postgresql.JSONB(none_as_null=True), nullable=True))
    op.create_foreign_key(op.f("fk_plan_curve_id"), "plan", "plan_curve", ["curve_id"], ["id"])
    op.create_index(op.f("ix_plan_curve_id"), "plan", ["curve_id"], unique=False)
    op.create_check_constraint(op.f("ck_plan_curve_has_weighting"), "plan", "(curve_id IS NULL) = (weighting IS NULL)")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_plan_curve_has_weighting"), "plan", type_="check")
    op.drop_index(op.f("ix_plan_curve_id"), "plan")
    op.drop_constraint(op.f("fk_plan_curve_id"), "plan", type_="foreignkey")
    op.drop_column("plan", "weighting")
    op.drop_column("plan", "curve_id")
    op.drop_table("plan_curve")
