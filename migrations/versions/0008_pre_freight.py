"""consignments, services, plans"""

revision = "0008_pre_freight"
down_revision = "0007_pre_gate"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
