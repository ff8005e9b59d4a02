"""put-away in the one queue of work; buckets of age and expiry, the band in which work is mixed"""

from alembic import op

from migrations.support import run_sql, ship_value

revision = "0018_pre_supervision"
down_revision = "0017_pre_packing"
branch_labels = None
depends_on = None

SOURCE = "our own default, 2026-11; an installation enters its own"


def upgrade() -> None:
    run_sql("wms.floor", "put_away_queue.sql")
    op.execute(
        "CREATE TRIGGER put_away_task_queued AFTER INSERT OR UPDATE OF state, qty, done_qty ON put_away_task"
        " FOR EACH ROW EXECUTE FUNCTION floor_queue_put_away()"
    )
    ship_value("stock.age_buckets_days", [30, 60, 90, 180, 365], source=SOURCE)
    ship_value("stock.expiry_buckets_days", [-1, 30, 60, 90, 180, 365], source=SOURCE)
    ship_value("tasks.interleave_band_mm", 20000, source=SOURCE)


def downgrade() -> None:
    op.execute("DROP TRIGGER put_away_task_queued ON put_away_task")
    op.execute("DROP FUNCTION floor_queue_put_away()")
    op.execute("DELETE FROM shipped_value WHERE name IN ('stock.age_buckets_days', 'stock.expiry_buckets_days',"
               " 'tasks.interleave_band_mm')")  # fmt: skip
