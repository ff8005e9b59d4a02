"""bonded goods have no account at a place outside customs' supervision, by whatever door"""

from alembic import op

from migrations.support import run_sql

revision = "0123_pre_supervised"
down_revision = "0122_pre_pass_rules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("wms.stock", "supervised.sql")


def downgrade() -> None:
    op.execute("DROP TRIGGER location_stays_supervised ON location")
    op.execute("DROP TRIGGER account_supervised ON account")
    op.execute("DROP FUNCTION stock_refuse_withdrawal")
    op.execute("DROP FUNCTION stock_refuse_unsupervised")
