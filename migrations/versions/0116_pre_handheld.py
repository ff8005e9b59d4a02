"""units changed by scan; inspections of undone receipts; proposed cartons of an order; how old a scan may be"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0116_pre_handheld"
down_revision = "0115_pre_seasons"
branch_labels = None
depends_on = None

JOBS = ("receive", "put_away", "move", "pick", "pack", "sort", "load", "count", "return")
NEW_JOBS = (*JOBS, "units")
OF_ORDER = "EXISTS (SELECT 1 FROM outbound_order o WHERE o.id = pack_plan.order_id AND o.owner_id = app_company())"


def upgrade() -> None:
    _jobs(NEW_JOBS)
    _states(("open", "passed", "failed", "void"))
    _pack_plans()
    ship_value("scan.oldest_days", 7, source="our own limit: a handheld that was offline over a long weekend, 2026-11")


def downgrade() -> None:
    op.execute("DELETE FROM scan_context WHERE job = 'units'")
    _jobs(JOBS)
    _states(("open", "passed", "failed"))
    op.execute("DELETE FROM shipped_value WHERE name = 'scan.oldest_days'")
    op.drop_column("parcel", "planned_carton")
    op.drop_column("parcel", "plan_step")
    op.drop_table("pack_plan")


def _jobs(jobs: tuple[str, ...]) -> None:
    known = ", ".join(repr(job) for job in jobs)
    op.drop_constraint(op.f("ck_scan_context_job_known"), "scan_context", type_="check")
    op.create_check_constraint(op.f("ck_scan_context_job_known"), "scan_context", f"job IN ({known})")


def _states(states: tuple[str, ...]) -> None:
    known = ", ".join(repr(state) for state in states)
    op.drop_constraint(op.f("ck_inspection_state_known"), "inspection", type_="check")
    op.create_check_constraint(op.f("ck_inspection_state_known"), "inspection", f"state IN ({known})")


def _pack_plans() -> None:
    op.create_table(
        "pack_plan",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("cartons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("left_out", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("bound_minor", sa.BigInteger(), nullable=False),
        sa.Column("is_proven", sa.Boolean(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "bound_minor >= 0 AND bound_minor <= cost_minor", name=op.f("ck_pack_plan_bound_within_cost")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["outbound_order.id"], name=op.f("fk_pack_plan_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack_plan")),
        sa.UniqueConstraint("order_id", name=op.f("uq_pack_plan_order_id")),
    )
    protect("pack_plan", OF_ORDER, app="SELECT, INSERT, UPDATE")
    op.add_column("parcel", sa.Column("plan_step", sa.Integer(), nullable=True))
    op.add_column("parcel", sa.Column("planned_carton", sa.String(), nullable=True))
