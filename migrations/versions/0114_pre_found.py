"""the register of goods that nobody can name"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0114_pre_found"
down_revision = "0113_pre_desk"
branch_labels = None
depends_on = None

PEOPLE = ("found_by", "responsible_id", "decided_by", "witness_one", "witness_two")


def upgrade() -> None:
    create_tables()
    protect("found_goods", app="SELECT, INSERT, UPDATE")
    protect("found_photo", app="SELECT, INSERT")
    ship_value("found.decide_days", 30, source="our own limit, 2026-11")


def downgrade() -> None:
    op.drop_table("found_photo")
    op.drop_table("found_goods")


def create_tables() -> None:
    op.create_table(
        "found_goods",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("found_no", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_by", sa.BigInteger(), nullable=True),
        sa.Column("responsible_id", sa.BigInteger(), nullable=True),
        sa.Column("decide_by_on", sa.Date(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("handed_to", sa.String(), nullable=True),
        sa.Column("document_no", sa.String(), nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("witness_one", sa.BigInteger(), nullable=True),
        sa.Column("witness_two", sa.BigInteger(), nullable=True),
        sa.Column("certificate", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("certificate_hash", sa.LargeBinary(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'received', 'returned', 'to_destroy', 'destroyed')",
            name=op.f("ck_found_goods_state_known"),
        ),
        sa.CheckConstraint("pieces > 0", name=op.f("ck_found_goods_pieces_positive")),
        sa.CheckConstraint("length(btrim(description)) >= 3", name=op.f("ck_found_goods_is_described")),
        sa.CheckConstraint(
            "(state = 'received') = (posting_id IS NOT NULL)", name=op.f("ck_found_goods_received_has_posting")
        ),
        sa.CheckConstraint(
            "state <> 'returned' OR handed_to IS NOT NULL", name=op.f("ck_found_goods_returned_to_somebody")
        ),
        sa.CheckConstraint(
            "state <> 'destroyed' OR (witness_one IS NOT NULL AND witness_two IS NOT NULL"
            " AND certificate_hash IS NOT NULL)",
            name=op.f("ck_found_goods_destroyed_under_witness"),
        ),
        sa.CheckConstraint(
            "witness_one <> witness_two AND witness_one <> decided_by AND witness_two <> decided_by",
            name=op.f("ck_found_goods_three_people"),
        ),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_found_goods_decided_has_time")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_found_goods_site_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_found_goods_location_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["advance_notice.id"], name=op.f("fk_found_goods_notice_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_found_goods_posting_id")),
        *(sa.ForeignKeyConstraint([one], ["person.id"], name=op.f(f"fk_found_goods_{one}")) for one in PEOPLE),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_found_goods")),
        sa.UniqueConstraint("tenant_id", "found_no", name=op.f("uq_found_goods_tenant_id_found_no")),
    )
    op.create_index(
        op.f("ix_found_goods_tenant_id_site_id_state"), "found_goods", ["tenant_id", "site_id", "state"], unique=False
    )
    op.create_table(
        "found_photo",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("found_goods_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_found_photo_sha256_shape")),
        sa.CheckConstraint(
            "media_type IN ('image/jpeg', 'image/png', 'image/webp')", name=op.f("ck_found_photo_media_type_known")
        ),
        sa.ForeignKeyConstraint(["found_goods_id"], ["found_goods.id"], name=op.f("fk_found_photo_found_goods_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_found_photo_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_found_photo")),
        sa.UniqueConstraint("found_goods_id", "sha256", name=op.f("uq_found_photo_found_goods_id_sha256")),
    )
