"""parcels are found by their pre-entry number without reading all of them"""

import sqlalchemy as sa
from alembic import op

revision = "0118_pre_parcel_pre_no"
down_revision = "0117_pre_known"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_parcel_declaration_pre_no", "parcel_declaration", ["tenant_id", "pre_no"],
        postgresql_where=sa.text("pre_no IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_parcel_declaration_pre_no", "parcel_declaration")
