"""places are found by the code on their label, however its letters are written"""

import sqlalchemy as sa
from alembic import op

revision = "0103_pre_place_codes"
down_revision = "0102_pre_crossdock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_location_site_id_upper_code", "location", ["site_id", sa.text("upper(code)")])


def downgrade() -> None:
    op.drop_index("ix_location_site_id_upper_code", table_name="location")
