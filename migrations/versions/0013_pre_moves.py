"""moves: units that were carried off the unit they stood on"""

import sqlalchemy as sa
from alembic import op

from migrations.support import append_only, protect

revision = "0013_pre_moves"
down_revision = "0012_pre_transfers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unit_parted",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_unit_parted_handling_unit_id")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["handling_unit.id"], name=op.f("fk_unit_parted_parent_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_unit_parted_posting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_parted")),
    )
    op.create_index(op.f("ix_unit_parted_posting_id"), "unit_parted", ["posting_id"], unique=False)
    protect("unit_parted", app="SELECT, INSERT")
    append_only("unit_parted")


def downgrade() -> None:
    op.drop_table("unit_parted")
