"""notes of the live stream get their place after they are committed: nothing missed, nothing told twice"""

import sqlalchemy as sa
from alembic import op

revision = "0134_pre_live_places"
down_revision = "0133_pre_inspections"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE live_place_seq")
    op.add_column("live_note", sa.Column("place", sa.BigInteger(), nullable=True))
    op.execute("ALTER TABLE live_note NO FORCE ROW LEVEL SECURITY")  # the notes of every installation
    op.execute("UPDATE live_note SET place = id")
    op.execute("SELECT setval('live_place_seq', (SELECT coalesce(max(id), 0) + 1 FROM live_note))")
    op.execute("ALTER TABLE live_note FORCE ROW LEVEL SECURITY")
    op.create_index(op.f("ix_live_note_tenant_id_place"), "live_note", ["tenant_id", "place"])
    op.create_index("ix_live_note_unplaced", "live_note", ["id"], postgresql_where=sa.text("place IS NULL"))
    op.drop_index(op.f("ix_live_note_tenant_id_id"), "live_note")
    op.execute("GRANT DELETE ON live_note TO dongting_app")  # old notes are forgotten; what they name stays


def downgrade() -> None:
    op.execute("REVOKE DELETE ON live_note FROM dongting_app")
    op.create_index(op.f("ix_live_note_tenant_id_id"), "live_note", ["tenant_id", "id"])
    op.drop_index("ix_live_note_unplaced", "live_note")
    op.drop_index(op.f("ix_live_note_tenant_id_place"), "live_note")
    op.drop_column("live_note", "place")
    op.execute("DROP SEQUENCE live_place_seq")
