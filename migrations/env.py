"""Alembic's entry: one connection, one revision a transaction, never waiting long for a lock."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from migrations.metadata import all_tables, is_ours
from migrations.support import APP, AUDITOR
from wms.postgres import EmbeddedPostgres
from wms.settings import load_settings

ONE_AT_A_TIME = 0x646F6E67  # advisory lock: two processes that start at once migrate one after the other


def url() -> str:
    """The owner's URL: given by the caller, else from the settings, else of the embedded server."""
    given: str | None = context.config.attributes.get("url")
    if given:
        return given
    settings = load_settings(os.environ)
    owner = settings.database_owner_url or settings.database_url
    return owner or EmbeddedPostgres(settings.data_dir).urls.owner


def run(connection: Connection) -> None:
    lock_timeout_s = int(context.config.attributes.get("lock_timeout_s", 10))
    connection.execute(text(f"SELECT pg_advisory_lock({ONE_AT_A_TIME})"))
    connection.execute(text(f"SET lock_timeout = '{lock_timeout_s}s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=all_tables(),
        include_name=lambda name, kind, _parents: is_ours(name, kind),
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.dialect.has_table(connection, "alembic_version"):
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {APP}, {AUDITOR}"))  # for /readyz
    connection.commit()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database; SQL alone is not written.")

engine = create_engine(url(), poolclass=NullPool)
with engine.connect() as connection:
    run(connection)
