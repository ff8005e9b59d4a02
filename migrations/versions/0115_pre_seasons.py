"""runs of replenishment proposals, and how far back seasons are looked for"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect, ship_value

revision = "0115_pre_seasons"
down_revision = "0114_pre_found"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tables()
    protect("proposal_run", "owner_id = app_company()", app="SELECT, INSERT")
    ship_value("replenish.season_days", 1_095, source="three years: a season must show in two at least")


def downgrade() -> None:
    op.drop_column("proposal", "run_id")
    op.drop_table("proposal_run")


def create_tables() -> None:
    op.create_table(
        "proposal_run",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("from_site_id", sa.BigInteger(), nullable=False),
        sa.Column("to_site_id", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("is_scheduled", sa.Boolean(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "mode IN ('barge', 'ocean', 'rail', 'truck', 'air')", name=op.f("ck_proposal_run_mode_known")
        ),
        sa.CheckConstraint("n_items >= 0", name=op.f("ck_proposal_run_items_not_negative")),
        sa.ForeignKeyConstraint(["from_site_id"], ["site.id"], name=op.f("fk_proposal_run_from_site_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_proposal_run_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_proposal_run_person_id")),
        sa.ForeignKeyConstraint(["to_site_id"], ["site.id"], name=op.f("fk_proposal_run_to_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_run")),
    )
    op.create_index(
        op.f("ix_proposal_run_tenant_id_owner_id_to_site_id"), "proposal_run", ["tenant_id", "owner_id", "to_site_id"]
    )
    op.add_column("proposal", sa.Column("run_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_proposal_run_id"), "proposal", "proposal_run", ["run_id"], ["id"])
