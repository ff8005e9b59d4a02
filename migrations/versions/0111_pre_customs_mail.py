"""customs' mail: messages as they were sent or came, how they went, and what was heard of each document"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0111_pre_customs_mail"
down_revision = "0110_pre_customs_books"
branch_labels = None
depends_on = None

PATIENCE = {"first_s": 300, "last_s": 3_600, "longest_s": 86_400}


def upgrade() -> None:
    messages_may_wait()
    create_numbers()
    create_dispatches()
    protect("customs_number", app="SELECT, INSERT")
    protect("customs_dispatch", app="SELECT, INSERT, UPDATE")
    protect("customs_awaited", app="SELECT, INSERT, UPDATE")
    ship_value("customs.patience", PATIENCE, source="our own limit, 2026-11: customs names no time for its answers")


def downgrade() -> None:
    raise RuntimeError("what was sent to customs would be lost: restore a backup of the older version instead")


def messages_may_wait() -> None:
    for name, rule in (
        (
            "state_known",
            "state IN ('queued', 'sent', 'taken', 'repeated', 'unreadable', 'invalid', 'refused', 'waiting')",
        ),
        ("has_reason", "state NOT IN ('unreadable', 'invalid', 'refused', 'waiting') OR reason IS NOT NULL"),
    ):
        op.drop_constraint(op.f(f"ck_customs_message_{name}"), "customs_message", type_="check")
        op.create_check_constraint(op.f(f"ck_customs_message_{name}"), "customs_message", rule)
    op.create_index(
        "ix_customs_message_waiting", "customs_message", ["tenant_id", "id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip


def create_numbers() -> None:
    op.create_table(
        "customs_number",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("subject IN ('list', 'pass')", name=op.f("ck_customs_number_subject_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customs_number")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_customs_number_tenant_id_number")),
    )
    op.create_index("ix_customs_number_subject", "customs_number", ["subject", "subject_id"])


def create_dispatches() -> None:
    op.create_table(
        "customs_dispatch",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sendings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("tries >= 0 AND sendings >= 0", name=op.f("ck_customs_dispatch_counts_not_negative")),
        sa.CheckConstraint("(sendings > 0) = (sent_at IS NOT NULL)", name=op.f("ck_customs_dispatch_sent_has_time")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'settled')", name=op.f("ck_customs_dispatch_state_known")),
        sa.ForeignKeyConstraint(["message_id"], ["customs_message.id"], name=op.f("fk_customs_dispatch_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customs_dispatch")),
        sa.UniqueConstraint("message_id", name=op.f("uq_customs_dispatch_message_id")),
    )
    op.create_index(
        "ix_customs_dispatch_due", "customs_dispatch", ["tenant_id", "next_at"],
        postgresql_where=sa.text("state <> 'settled'"),
    )  # fmt: skip
    op.create_table(
        "customs_awaited",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("dispatch_id", sa.BigInteger(), nullable=False),
        sa.Column("numbers", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("heard", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["customs_message.id"], name=op.f("fk_customs_awaited_answer_id")),
        sa.ForeignKeyConstraint(["dispatch_id"], ["customs_dispatch.id"], name=op.f("fk_customs_awaited_dispatch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customs_awaited")),
    )
    op.create_index(op.f("ix_customs_awaited_dispatch_id"), "customs_awaited", ["dispatch_id"])
    op.create_index("ix_customs_awaited_numbers", "customs_awaited", ["numbers"], postgresql_using="gin")
