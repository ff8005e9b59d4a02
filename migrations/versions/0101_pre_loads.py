"""find what stands on vehicles by its unit"""

from alembic import op

revision = "0101_pre_loads"
down_revision = "0100_pre_quality"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_load_unit_handling_unit_id"), "load_unit", ["handling_unit_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_load_unit_handling_unit_id"), table_name="load_unit")
