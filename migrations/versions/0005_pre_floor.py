"""receiving and put-away"""

revision = "0005_pre_floor"
down_revision = "0004_pre_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
