"""visits, passages, decisions, barrier commands, watch"""

revision = "0007_pre_gate"
down_revision = "0006_pre_inbox"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
