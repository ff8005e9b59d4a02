"""indexes: commands of a passage, passages of a period, appointments of a slot and of a visit"""

from alembic import op

revision = "0137_pre_gate_indexes"
down_revision = "0136_pre_questions"
branch_labels = None
depends_on = None

INDEXES = (
    ("barrier_command", ("lane_id", "issued_at")),
    ("passage", ("tenant_id", "opened_at")),
    ("appointment", ("slot_id",)),
    ("appointment", ("visit_id",)),
)


def upgrade() -> None:
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def downgrade() -> None:
    for table, columns in reversed(INDEXES):
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
