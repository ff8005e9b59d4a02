"""a scan is opened, and a plain receipt written, by one call each"""

from alembic import op

from migrations.support import run_sql

revision = "0109_pre_scan_routines"
down_revision = "0108_pre_parcel_flows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("wms.floor", "scanning.sql")


def downgrade() -> None:
    op.execute("DROP FUNCTION floor_receipt_write, floor_receipt_facts, floor_scan_open")
