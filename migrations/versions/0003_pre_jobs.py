"""the job queue of Procrastinate"""

from alembic import op

from migrations.support import APP, AUDITOR, run_sql

revision = "0003_pre_jobs"
down_revision = "0002_pre_stock"
branch_labels = None
depends_on = None

TABLES = "procrastinate_jobs, procrastinate_events, procrastinate_workers, procrastinate_periodic_defers"


def upgrade() -> None:
    """Procrastinate's own schema, kept here as it was: a newer release brings its changes in a new revision."""
    run_sql("migrations", "procrastinate_3_10.sql")
    # NOTIFY takes one lock of the whole server at commit, so a posting that defers a job would make all commits wait
    # for each other. The worker asks twice a second instead.
    op.execute("DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON procrastinate_jobs")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLES} TO {APP}")
    op.execute(f"GRANT SELECT ON {TABLES} TO {AUDITOR}")
    for table in TABLES.split(", "):
        op.execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO {APP}")


def downgrade() -> None:
    op.execute(f"DROP TABLE {TABLES} CASCADE")
    op.execute("""
        DO $$ DECLARE found record; BEGIN
          FOR found IN SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'procrastinate%' LOOP
            EXECUTE 'DROP FUNCTION ' || found.name || ' CASCADE';
          END LOOP;
          DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_status, procrastinate_job_event_type;
        END $$
    """)
