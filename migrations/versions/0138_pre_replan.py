"""plans that replace plans: what happened, before and after; bookings and room that end when others take their place"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import APP

revision = "0138_pre_replan"
down_revision = "0137_pre_gate_indexes"
branch_labels = None
depends_on = None

STATES = ("queued", "running", "solved", "infeasible", "failed", "accepted")


def upgrade() -> None:
    op.add_column("plan", sa.Column("replaces_id", sa.BigInteger(), nullable=True))
    op.add_column("plan", sa.Column("happened", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("plan", sa.Column("comparison", postgresql.JSONB(none_as_null=True), nullable=True))
    op.create_foreign_key(op.f("fk_plan_replaces_id"), "plan", "plan", ["replaces_id"], ["id"])
    op.create_index(op.f("ix_plan_replaces_id"), "plan", ["replaces_id"], unique=False)
    _states((*STATES, "superseded"))
    op.add_column("transport_booking", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("transport_booking", sa.Column("ended_by_plan_id", sa.BigInteger(), nullable=True))
    op.drop_constraint(op.f("uq_transport_booking_tenant_id_consignment_id"), "transport_booking")
    op.create_index(
        "uq_transport_booking_live", "transport_booking", ["tenant_id", "consignment_id"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.create_index(op.f("ix_transport_booking_consignment_id"), "transport_booking", ["consignment_id"], unique=False)
    op.add_column("allotment_use", sa.Column("given_back_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"GRANT UPDATE (ended_at, ended_by_plan_id) ON transport_booking TO {APP}")
    op.execute(f"GRANT UPDATE (given_back_at) ON allotment_use TO {APP}")


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE (given_back_at) ON allotment_use FROM {APP}")
    op.execute(f"REVOKE UPDATE (ended_at, ended_by_plan_id) ON transport_booking FROM {APP}")
    op.drop_column("allotment_use", "given_back_at")
    op.drop_index(op.f("ix_transport_booking_consignment_id"), "transport_booking")
    op.drop_index("uq_transport_booking_live", "transport_booking")
    op.create_unique_constraint(
        op.f("uq_transport_booking_tenant_id_consignment_id"), "transport_booking", ["tenant_id", "consignment_id"]
    )
    op.drop_column("transport_booking", "ended_by_plan_id")
    op.drop_column("transport_booking", "ended_at")
    _states(STATES)
    op.drop_index(op.f("ix_plan_replaces_id"), "plan")
    op.drop_constraint(op.f("fk_plan_replaces_id"), "plan", type_="foreignkey")
    op.drop_column("plan", "comparison")
    op.drop_column("plan", "happened")
    op.drop_column("plan", "replaces_id")


def _states(states: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_plan_state_known"), "plan", type_="check")
    known = ", ".join(repr(state) for state in states)
    op.create_check_constraint(op.f("ck_plan_state_known"), "plan", f"state IN ({known})")
