"""lists that use up promises look each up once; an item's page is read in its order"""

from alembic import op

from migrations.support import run_sql

revision = "0120_pre_fast_lists"
down_revision = "0119_pre_sealed_mail"
branch_labels = None
depends_on = None

OLD, NEW = "ix_account_tenant_id_owner_id_trade_item_id", "ix_account_tenant_id_owner_id_trade_item_id_id"
COLUMNS = ["tenant_id", "owner_id", "trade_item_id"]


def upgrade() -> None:
    run_sql("wms.stock", "posting.sql")
    op.create_index(NEW, "account", [*COLUMNS, "id"])
    op.drop_index(OLD, table_name="account")


def downgrade() -> None:
    op.create_index(OLD, "account", COLUMNS)
    op.drop_index(NEW, table_name="account")
