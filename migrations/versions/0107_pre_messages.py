"""customs messages: what goes out and what comes in, kept as bytes"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect

revision = "0107_pre_messages"
down_revision = "0106_pre_queue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customs_message",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("receipt_status", sa.String(), nullable=True),
        sa.Column("same_as_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_customs_message_direction_known")),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'taken', 'repeated', 'unreadable', 'invalid', 'refused')",
            name=op.f("ck_customs_message_state_known"),
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_customs_message_digest_length")),
        sa.CheckConstraint(
            "(direction = 'out') = (state IN ('queued', 'sent'))", name=op.f("ck_customs_message_state_of_direction")
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_customs_message_sent_has_time")),
        sa.CheckConstraint(
            "(direction = 'in') = (received_at IS NOT NULL)", name=op.f("ck_customs_message_received_has_time")
        ),
        sa.CheckConstraint(
            "state NOT IN ('unreadable', 'invalid', 'refused') OR reason IS NOT NULL",
            name=op.f("ck_customs_message_has_reason"),
        ),
        sa.ForeignKeyConstraint(["same_as_id"], ["customs_message.id"], name=op.f("fk_customs_message_same_as_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customs_message")),
    )
    op.create_index(op.f("ix_customs_message_tenant_id_digest"), "customs_message", ["tenant_id", "digest"])
    op.create_index(
        op.f("ix_customs_message_tenant_id_kind_number"), "customs_message", ["tenant_id", "kind", "number"]
    )
    op.create_index(
        "ix_customs_message_queued",
        "customs_message",
        ["tenant_id", "id"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    protect("customs_message", app="SELECT, INSERT, UPDATE (state, reason, sent_at, receipt_status)")


def downgrade() -> None:
    raise RuntimeError("what was sent to customs would be lost: restore a backup of the older version instead")
