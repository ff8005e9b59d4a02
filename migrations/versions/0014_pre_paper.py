"""printers and what waits to be printed"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect

revision = "0014_pre_paper"
down_revision = "0013_pre_moves"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "printer",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), server_default="9100", nullable=False),
        sa.Column("dots_per_mm", sa.Integer(), server_default="8", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("kind IN ('zpl', 'pdf')", name=op.f("ck_printer_kind_known")),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name=op.f("ck_printer_port_range")),
        sa.CheckConstraint("dots_per_mm IN (6, 8, 12, 24)", name=op.f("ck_printer_dots_known")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_printer_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printer")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_printer_tenant_id_name")),
    )
    op.create_table(
        "print_job",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("printer_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("state IN ('queued', 'printed', 'failed')", name=op.f("ck_print_job_state_known")),
        sa.CheckConstraint("(state = 'printed') = (printed_at IS NOT NULL)", name=op.f("ck_print_job_printed_has_time")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_print_job_tries_not_negative")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_print_job_person_id")),
        sa.ForeignKeyConstraint(["printer_id"], ["printer.id"], name=op.f("fk_print_job_printer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_job")),
    )
    op.create_index(op.f("ix_print_job_tenant_id_printer_id_id"), "print_job", ["tenant_id", "printer_id", "id"])
    protect("printer", app="SELECT, INSERT, UPDATE")
    protect("print_job", app="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("print_job")
    op.drop_table("printer")
