"""goods at a dock are queued for put-away once for each statement, not for each row"""

from alembic import op

from migrations.support import run_sql

revision = "0106_pre_queue"
down_revision = "0105_pre_parcels"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("wms.floor", "put_away_queue.sql")
    op.execute("DROP TRIGGER put_away_task_queued ON put_away_task")
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER put_away_task_queued_by_{event.lower()} AFTER {event} ON put_away_task"
            " REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION floor_queue_put_away()"
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER put_away_task_queued_by_insert ON put_away_task")
    op.execute("DROP TRIGGER put_away_task_queued_by_update ON put_away_task")
    op.execute(
        "CREATE TRIGGER put_away_task_queued AFTER INSERT OR UPDATE OF state, qty, done_qty ON put_away_task"
        " FOR EACH ROW EXECUTE FUNCTION floor_queue_put_away()"
    )
