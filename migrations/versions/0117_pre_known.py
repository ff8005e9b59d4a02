"""an invoice keeps the whole snapshot that it was computed from, not its oldest transaction alone"""

import sqlalchemy as sa
from alembic import op

revision = "0117_pre_known"
down_revision = "0116_pre_handheld"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # all that was noted before: nothing from the oldest running transaction on was known
    op.alter_column(
        "invoice", "known_xid", type_=sa.String(), new_column_name="known_snapshot",
        postgresql_using="known_xid || ':' || known_xid || ':'",
    )  # fmt: skip


def downgrade() -> None:
    op.alter_column(
        "invoice", "known_snapshot", type_=sa.BigInteger(), new_column_name="known_xid",
        postgresql_using="split_part(known_snapshot, ':', 1)::bigint",
    )  # fmt: skip
