"""the fencing number of a message to a device, since when a site is held, keys and certificates of devices"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect

revision = "0128_pre_sites"
down_revision = "0127_pre_event_weeks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("fence", sa.BigInteger(), nullable=True))
    op.add_column(
        "lease",
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
    )
    op.add_column("device", sa.Column("certificate_from_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("device", sa.Column("must_sign", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "device_key",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("valid_from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(algorithm = 'ed25519') = (public_key IS NOT NULL)", name=op.f("ck_device_key_ed25519_has_key")
        ),
        sa.CheckConstraint("algorithm IN ('ed25519', 'hmac-sha256')", name=op.f("ck_device_key_algorithm_known")),
        sa.CheckConstraint("key_id ~ '^[A-Za-z0-9_.-]{1,64}$'", name=op.f("ck_device_key_key_id_is_name")),
        sa.CheckConstraint("length(public_key) = 32", name=op.f("ck_device_key_key_length")),
        sa.CheckConstraint("valid_from_at < valid_until_at", name=op.f("ck_device_key_period_ordered")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_key_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_key")),
        sa.UniqueConstraint("device_id", "key_id", name=op.f("uq_device_key_device_id_key_id")),
    )
    protect("device_key", app="SELECT, INSERT, UPDATE (valid_until_at)")


def downgrade() -> None:
    op.drop_table("device_key")
    op.drop_column("device", "must_sign")
    op.drop_column("device", "certificate_from_at")
    op.drop_column("lease", "taken_at")
    op.drop_column("outbox", "fence")
