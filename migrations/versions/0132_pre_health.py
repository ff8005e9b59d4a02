"""how many readings each device gave in an hour; the limits of a device's health"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect, ship_value

revision = "0132_pre_health"
down_revision = "0131_pre_gate_rules"
branch_labels = None
depends_on = None

SOURCE = "our own limits for devices, 2026-11; signs of life by format as their makers say"
LIMITS = {
    "late_after_intervals": 3,
    "silent_after_intervals": 10,
    "skew_warn_ms": 5000,
    "skew_ignore_ms": 60000,
    "skew_events": 20,
    "gap_shown_after_s": 3600,
    "rate_times": 3,
    "rate_least_per_hour": 10,
    "battery_low_pct": 20,
    "heartbeat_s": {"openalpr": 60, "zhenshi": 60, "zebra": 60},
}


def upgrade() -> None:
    op.create_table(
        "device_hour",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("hour_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_hour_device_id")),
        sa.PrimaryKeyConstraint("device_id", "hour_at", name=op.f("pk_device_hour")),
    )
    protect("device_hour", app="SELECT, INSERT, DELETE")
    ship_value("health.devices", LIMITS, source=SOURCE)


def downgrade() -> None:
    op.execute("DELETE FROM shipped_value WHERE name = 'health.devices'")
    op.drop_table("device_hour")
