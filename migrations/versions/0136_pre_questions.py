"""what the customs platform was asked about: its lift opens for nothing else"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0136_pre_questions"
down_revision = "0135_pre_yard"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customs_question", sa.Column("asked_about", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("customs_question", "asked_about")
