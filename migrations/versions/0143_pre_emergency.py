"""emergency plans: the rank of relief goods, and what a plan was told of closed places"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0143_pre_emergency"
down_revision = "0142_pre_curves"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consignment", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_consignment_priority_range"), "consignment", "priority BETWEEN 0 AND 9")
    op.add_column("plan", sa.Column("emergency", postgresql.JSONB(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("plan", "emergency")
    op.drop_constraint(op.f("ck_consignment_priority_range"), "consignment", type_="check")
    op.drop_column("consignment", "priority")
