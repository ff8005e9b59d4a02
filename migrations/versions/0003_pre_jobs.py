"""the job queue of Procrastinate"""

revision = "0003_pre_jobs"
down_revision = "0002_pre_stock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
