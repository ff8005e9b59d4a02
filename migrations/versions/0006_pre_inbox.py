"""devices, inbox, readings, dead letters, gaps, messages to devices, leases"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect

revision = "0006_pre_inbox"
down_revision = "0005_pre_floor"
branch_labels = None
depends_on = None

# What came stays as it came: of an inbox row only its state may change, and nothing is removed.
KEPT = {
    "inbox": "SELECT, INSERT, UPDATE (state, adapter, adapter_version, copies)",
    "inbox_conflict": "SELECT, INSERT, UPDATE (copies)",
    "dead_letter": "SELECT, INSERT, UPDATE (closed_at)",
    "reading": "SELECT, INSERT, UPDATE (state)",
    "device_gap": "SELECT, INSERT, UPDATE",
    "device_alarm": "SELECT, INSERT, UPDATE",
    "outbox": "SELECT, INSERT, UPDATE (state, sent_at)",
}
TABLES = (
    "device",
    "inbox",
    "reading",
    "dead_letter",
    "inbox_conflict",
    "device_seq",
    "device_gap",
    "device_state",
    "device_alarm",
    "outbox",
    "lease",
    "ingest_pulse",
)


def upgrade() -> None:
    create_tables()
    for table in TABLES:
        protect(table, app=KEPT.get(table, "SELECT, INSERT, UPDATE, DELETE"))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("format", sa.String(), server_default="dongting", nullable=False),
        sa.Column("lane", sa.String(), nullable=True),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("token_mac", sa.LargeBinary(), nullable=True),
        sa.Column(
            "topic_filters", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "profile", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("heartbeat_s", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,64}$'", name=op.f("ck_device_code_is_name")),
        sa.CheckConstraint(
            "family IN ('gate', 'fence', 'video', 'scale', 'rfid', 'temp')",
            name=op.f("ck_device_family_known"),
        ),
        sa.CheckConstraint("heartbeat_s > 0", name=op.f("ck_device_heartbeat_positive")),
        sa.CheckConstraint("length(token_mac) = 32", name=op.f("ck_device_mac_length")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_device_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("uq_device_tenant_id_code")),
    )
    op.create_index(op.f("ix_device_site_id"), "device", ["site_id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("message_key", sa.String(), nullable=False),
        sa.Column("is_weak_key", sa.Boolean(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("qos", sa.SmallInteger(), nullable=False),
        sa.Column("is_dup", sa.Boolean(), nullable=False),
        sa.Column("is_retained", sa.Boolean(), nullable=False),
        sa.Column("is_will", sa.Boolean(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("state", sa.String(), server_default="received", nullable=False),
        sa.Column("adapter", sa.String(), nullable=True),
        sa.Column("adapter_version", sa.Integer(), nullable=True),
        sa.Column("copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("door IN ('embedded', 'client', 'http')", name=op.f("ck_inbox_door_known")),
        sa.CheckConstraint("state IN ('received', 'parsed', 'dead')", name=op.f("ck_inbox_state_known")),
        sa.CheckConstraint("qos BETWEEN 0 AND 2", name=op.f("ck_inbox_qos_known")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_inbox_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint(
            "tenant_id", "source", "message_key", name=op.f("uq_inbox_tenant_id_source_message_key")
        ),
    )
    op.create_index(op.f("ix_inbox_device_id_id"), "inbox", ["device_id", "id"], unique=False)
    op.create_index(
        "ix_inbox_waiting", "inbox", ["id"], unique=False, postgresql_where=sa.text("state = 'received'")
    )
    op.create_table(
        "reading",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reading_key", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("device_id", sa.BigInteger(), nullable=True),
        sa.Column("lane", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skew_ms", sa.BigInteger(), nullable=True),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("adapter_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("state IN ('open', 'matched', 'ignored')", name=op.f("ck_reading_state_known")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_reading_device_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_reading_inbox_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_reading_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
        sa.UniqueConstraint(
            "tenant_id", "source", "reading_key", name=op.f("uq_reading_tenant_id_source_reading_key")
        ),
    )
    op.create_index(
        op.f("ix_reading_device_id_recorded_at"), "reading", ["device_id", "recorded_at"], unique=False
    )
    op.create_index(op.f("ix_reading_inbox_id"), "reading", ["inbox_id"], unique=False)
    op.create_index(
        "ix_reading_open",
        "reading",
        ["site_id", "lane", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        op.f("ix_reading_site_id_lane_recorded_at"),
        "reading",
        ["site_id", "lane", "recorded_at"],
        unique=False,
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("adapter", sa.String(), nullable=True),
        sa.Column("adapter_version", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_dead_letter_inbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
    )
    op.create_index(op.f("ix_dead_letter_inbox_id"), "dead_letter", ["inbox_id"], unique=False)
    op.create_index(
        "ix_dead_letter_open",
        "dead_letter",
        ["id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "inbox_conflict",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("copies", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_inbox_conflict_inbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_conflict")),
        sa.UniqueConstraint(
            "inbox_id", "payload_sha256", name=op.f("uq_inbox_conflict_inbox_id_payload_sha256")
        ),
    )
    op.create_table(
        "device_seq",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_seq_device_id")),
        sa.PrimaryKeyConstraint("device_id", "boot", name=op.f("pk_device_seq")),
    )
    op.create_table(
        "device_gap",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("asked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("seq_from <= seq_to", name=op.f("ck_device_gap_range_ordered")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_gap_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_gap")),
    )
    op.create_index(
        "ix_device_gap_open",
        "device_gap",
        ["device_id", "boot", "seq_from"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "device_state",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("is_online", sa.Boolean(), nullable=True),
        sa.Column("boot", sa.String(), nullable=True),
        sa.Column("status_topic", sa.String(), nullable=True),
        sa.Column("status_payload", sa.LargeBinary(), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skew_ms", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_state_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_state")),
    )
    op.create_table(
        "device_alarm",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_alarm_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_alarm")),
    )
    op.create_index(
        "uq_device_alarm_open",
        "device_alarm",
        ["tenant_id", "code", "subject"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("qos", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "queued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'unheard', 'expired', 'failed')", name=op.f("ck_outbox_state_known")
        ),
        sa.CheckConstraint("qos BETWEEN 0 AND 1", name=op.f("ck_outbox_qos_known")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_outbox_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_queued", "outbox", ["id"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_table(
        "lease",
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("backend_pid", sa.Integer(), nullable=False),
        sa.Column("backend_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_lease_site_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_lease")),
    )
    op.create_table(
        "ingest_pulse",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("oldest_waiting_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_connected", sa.Boolean(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_ingest_pulse")),
    )
