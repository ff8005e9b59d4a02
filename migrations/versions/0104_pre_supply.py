"""replenishment proposals: what to send to a warehouse far away, with every number it came from"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0104_pre_supply"
down_revision = "0103_pre_place_codes"
branch_labels = None
depends_on = None

LEAD_TIMES = {
    "truck": {"mean_md": 3_000, "deviation_md": 1_000},
    "barge": {"mean_md": 7_000, "deviation_md": 2_000},
    "air": {"mean_md": 6_000, "deviation_md": 2_000},
    "rail": {"mean_md": 20_000, "deviation_md": 4_000},
    "ocean": {"mean_md": 42_000, "deviation_md": 8_000},
}
REGIONS = {
    **dict.fromkeys(("DE", "NL", "BE", "FR", "PL", "ES", "IT", "CZ", "AT", "HU"), "EU"),
    **dict.fromkeys(("US", "CA", "MX"), "North America"),
    **dict.fromkeys(("JP", "KR"), "East Asia"),
    **dict.fromkeys(("AU", "NZ"), "Oceania"),
    **dict.fromkeys(("SG", "MY", "TH", "VN", "ID", "PH"), "South-East Asia"),
    "GB": "United Kingdom",
}
OURS = "our own limit, 2026-11"


def upgrade() -> None:
    create_tables()
    protect("proposal", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    ship_value(
        "replenish.lead_time", LEAD_TIMES,
        source="door to door with customs, trade knowledge, 2026-11; five transfers of one's own replace it",
    )  # fmt: skip
    ship_value("replenish.service_permille", 950, source=OURS)
    ship_value("replenish.review_days", 7, source=OURS)
    ship_value("replenish.history_days", 182, source=OURS)
    ship_value("replenish.overstock_days", 120, source=OURS)
    ship_value("replenish.least_order", 1, source=OURS)
    ship_value("replenish.pallet_from_permille", 800, source=OURS)
    ship_value("sales.regions", REGIONS, source="countries by sales region, our own list, 2026-11")


def downgrade() -> None:
    op.drop_table("proposal")


def create_tables() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("from_site_id", sa.BigInteger(), nullable=False),
        sa.Column("to_site_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("computed_on", sa.Date(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("risk_permille", sa.Integer(), nullable=False),
        sa.Column("overstock_qty", sa.BigInteger(), nullable=False),
        sa.Column("why", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), server_default="proposed", nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'accepted') = (transfer_id IS NOT NULL)", name=op.f("ck_proposal_accepted_has_transfer")
        ),
        sa.CheckConstraint(
            "(state IN ('accepted', 'dismissed')) = (decided_at IS NOT NULL)", name=op.f("ck_proposal_decided_has_time")
        ),
        sa.CheckConstraint("mode IN ('barge', 'ocean', 'rail', 'truck', 'air')", name=op.f("ck_proposal_mode_known")),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'dismissed', 'superseded')", name=op.f("ck_proposal_state_known")
        ),
        sa.CheckConstraint(
            "qty >= 0 AND risk_permille BETWEEN 0 AND 1000 AND overstock_qty >= 0", name=op.f("ck_proposal_amounts")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_proposal_decided_by")),
        sa.ForeignKeyConstraint(["from_site_id"], ["site.id"], name=op.f("fk_proposal_from_site_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_proposal_owner_id")),
        sa.ForeignKeyConstraint(["to_site_id"], ["site.id"], name=op.f("fk_proposal_to_site_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_proposal_trade_item_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_proposal_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_index(op.f("ix_proposal_to_site_id"), "proposal", ["to_site_id"], unique=False)
    op.create_index(op.f("ix_proposal_trade_item_id"), "proposal", ["trade_item_id"], unique=False)
    op.create_index(
        "uq_proposal_standing",
        "proposal",
        ["owner_id", "from_site_id", "to_site_id", "trade_item_id"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    )
