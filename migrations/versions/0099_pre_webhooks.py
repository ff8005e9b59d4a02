"""webhooks for stock changes, and a way to tail postings in the order of their transactions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect

revision = "0099_pre_webhooks"
down_revision = "0021_pre_billing"
branch_labels = None
depends_on = None

OF_SUBSCRIPTION = (
    "EXISTS (SELECT 1 FROM webhook_subscription s WHERE s.id = subscription_id AND s.owner_id = app_company())"
)


def upgrade() -> None:
    create_tables()
    op.create_index(
        op.f("ix_posting_transaction_id"), "posting", ["transaction_id"], postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )  # fmt: skip
    protect("webhook_subscription", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("webhook_delivery", OF_SUBSCRIPTION, app="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_index(op.f("ix_posting_transaction_id"), "posting")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_subscription")


def create_tables() -> None:
    op.create_table(
        "webhook_subscription",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("former_secret", sa.String(), nullable=True),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_xid", sa.BigInteger(), nullable=False),
        sa.Column("last_posting_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "length(url) <= 500 AND length(name) BETWEEN 1 AND 80", name=op.f("ck_webhook_subscription_lengths")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_webhook_subscription_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_subscription")),
        sa.UniqueConstraint(
            "tenant_id",
            "owner_id",
            "name",
            name=op.f("uq_webhook_subscription_tenant_id_owner_id_name"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_webhook_delivery_delivered_has_time")
        ),
        sa.CheckConstraint("state IN ('queued', 'delivered', 'dead')", name=op.f("ck_webhook_delivery_state_known")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_webhook_delivery_tries_not_negative")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_webhook_delivery_posting_id")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["webhook_subscription.id"], name=op.f("fk_webhook_delivery_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint(
            "subscription_id", "posting_id", name=op.f("uq_webhook_delivery_subscription_id_posting_id")
        ),
    )
    op.create_index(
        op.f("ix_webhook_delivery_tenant_id_subscription_id_id"),
        "webhook_delivery",
        ["tenant_id", "subscription_id", "id"],
        unique=False,
    )
