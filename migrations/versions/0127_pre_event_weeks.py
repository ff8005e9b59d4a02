"""messages and readings divided by week, their keys known across the weeks, what is referred to kept"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, run_sql, ship_value

revision = "0127_pre_event_weeks"
down_revision = "0126_pre_display"
branch_labels = None
depends_on = None

WEEK = 100_000_000_000
AHEAD = 4
DIVIDED = {
    "inbox": "SELECT, INSERT, UPDATE (state, adapter, adapter_version, copies)",
    "reading": "SELECT, INSERT, UPDATE (state)",
}


def upgrade() -> None:
    for table in ("reading", "dead_letter", "inbox_conflict"):
        op.drop_constraint(f"fk_{table}_inbox_id", table, type_="foreignkey")
    op.execute("CREATE SCHEMA weeks")
    for table in DIVIDED:
        set_aside(table)
    create_tables()
    run_sql("iot", "partitions.sql")
    for table, rights in DIVIDED.items():
        put_back(table)
        protect(table, app=rights)
    op.execute(f"SELECT make_weeks({AHEAD})")
    know_what_is_there()
    for table in ("inbox_key", "reading_key"):
        protect(table, app="SELECT, INSERT")
    for table in ("inbox_kept", "reading_kept"):
        protect(table, app="SELECT")
    ship_value(
        "retention.events",
        {"raw_days": 92, "referred_days": 1096},
        source="raw messages and readings as long as recordings, three months; what a gate record refers to, three "
        "years: a draft's figure, to be confirmed with customs",
    )


def downgrade() -> None:
    raise RuntimeError("events are divided by week: restore a backup to go back")


def set_aside(table: str) -> None:
    """What is there becomes a piece of the new table, as it is: no row is written again."""
    op.execute(f"ALTER SEQUENCE {table}_id_seq OWNED BY NONE")
    op.execute(f"ALTER SEQUENCE {table}_id_seq MAXVALUE {WEEK - 1} CYCLE")
    key = "message_key" if table == "inbox" else "reading_key"
    op.drop_constraint(f"uq_{table}_tenant_id_source_{key}", table, type_="unique")
    for column in ("device_id", "site_id") if table == "reading" else ("device_id",):
        op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
    op.execute(f"DROP POLICY {table}_rows ON {table}")
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
    op.execute(f"REVOKE ALL ON {table} FROM dongting_app, dongting_auditor")
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    op.execute(f"ALTER TABLE {table}_before SET SCHEMA weeks")


def put_back(table: str) -> None:
    """The old rows below the running week, and a piece for what has no week yet."""
    edge = op.get_bind().execute(sa.text("SELECT event_week(clock_timestamp())")).scalar_one()
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION weeks.{table}_before FOR VALUES FROM (MINVALUE) TO ({edge})")
    op.execute(f"CREATE TABLE weeks.{table}_default PARTITION OF {table} DEFAULT")


def know_what_is_there() -> None:
    """Keys of the old rows: messages all, readings where they have their maker's own key."""
    op.execute(
        "INSERT INTO inbox_key (digest, inbox_id, tenant_id)"
        " SELECT key_digest(tenant_id, source, message_key), id, tenant_id FROM weeks.inbox_before"
    )
    op.execute(
        "INSERT INTO reading_key (digest, reading_id, tenant_id)"
        " SELECT key_digest(tenant_id, source, reading_key), id, tenant_id FROM weeks.reading_before"
        " WHERE reading_key NOT LIKE 'inbox:%'"
    )


def of_message() -> list[sa.Column[Any]]:
    """The columns of a message after its id."""
    return [
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
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("state", sa.String(), server_default="received", nullable=False),
        sa.Column("adapter", sa.String(), nullable=True),
        sa.Column("adapter_version", sa.Integer(), nullable=True),
        sa.Column("copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        tenant(),
    ]


def of_reading() -> list[sa.Column[Any]]:
    """The columns of a reading after its id."""
    return [
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
        tenant(),
    ]


def tenant() -> sa.Column[Any]:
    return sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False)


def create_tables() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        *of_message(),
        sa.CheckConstraint("door IN ('embedded', 'client', 'http')", name=op.f("ck_inbox_door_known")),
        sa.CheckConstraint("state IN ('received', 'parsed', 'dead')", name=op.f("ck_inbox_state_known")),
        sa.CheckConstraint("qos BETWEEN 0 AND 2", name=op.f("ck_inbox_qos_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(op.f("ix_inbox_device_id_id"), "inbox", ["device_id", "id"])
    op.create_index("ix_inbox_waiting", "inbox", ["id"], postgresql_where=sa.text("state = 'received'"))
    op.create_table(
        "reading",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        *of_reading(),
        sa.CheckConstraint("state IN ('open', 'matched', 'ignored')", name=op.f("ck_reading_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_reading_open", "reading", ["site_id", "id"], postgresql_where=sa.text("state = 'open'"))
    op.create_index(op.f("ix_reading_inbox_id"), "reading", ["inbox_id"])
    op.create_index(op.f("ix_reading_device_id_recorded_at"), "reading", ["device_id", "recorded_at"])
    op.create_index(op.f("ix_reading_site_id_lane_recorded_at"), "reading", ["site_id", "lane", "recorded_at"])
    op.create_index(
        "ix_reading_period",
        "reading",
        ["recorded_at"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )
    for table, columns in (("inbox", of_message()), ("reading", of_reading())):
        op.create_table(
            f"{table}_kept",
            sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
            *columns,
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}_kept")),
        )
        op.create_table(
            f"{table}_key",
            sa.Column("digest", sa.Uuid(), nullable=False),
            sa.Column(f"{table}_id", sa.BigInteger(), nullable=False),
            tenant(),
            sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{table}_key")),
        )
    op.create_index(op.f("ix_reading_kept_inbox_id"), "reading_kept", ["inbox_id"])
