"""credentials, sessions and tokens"""

revision = "0004_pre_people"
down_revision = "0003_pre_jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
