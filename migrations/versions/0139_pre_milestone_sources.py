"""who said when a leg left or arrived: the source of a milestone and the person who entered it"""

import sqlalchemy as sa
from alembic import op

revision = "0139_pre_milestone_sources"
down_revision = "0138_pre_replan"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing is known of who said what was written before: those rows keep no source.
    op.add_column("milestone", sa.Column("source", sa.String(), nullable=True))
    op.add_column("milestone", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_milestone_person_id"), "milestone", "person", ["person_id"], ["id"])
    sources = ", ".join(
        f"'{one}'" for one in ("plan", "carrier", "forwarder", "terminal", "gate", "floor", "customs", "consignee")
    )
    op.create_check_constraint(op.f("ck_milestone_source_known"), "milestone", f"source IN ({sources})")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_milestone_source_known"), "milestone", type_="check")
    op.drop_constraint(op.f("fk_milestone_person_id"), "milestone", type_="foreignkey")
    op.drop_column("milestone", "person_id")
    op.drop_column("milestone", "source")
