"""``dongting db``: the schema of the database."""

import sys

import click

from migrations.run import current, head, migrate
from web.commands._options import data_option, settings_from
from web.databases import database_running, owner_url
from web.machine.upgrade import upgrade_cluster
from wms.postgres import EmbeddedPostgres


@click.group()
def command() -> None:
    """Upgrade the schema, or say whether it is current."""


@command.command("migrate")
@data_option
def migrate_(data: str | None) -> None:
    """Upgrade the schema to this version."""
    settings = settings_from(data=data)
    with database_running(settings):
        migrate(owner_url(settings), lock_timeout_s=settings.lock_timeout_s)
    click.echo(f"The schema is at {head()}.")


@command.command()
@data_option
def check(data: str | None) -> None:
    """Say whether the schema is current; exit status 1 when it is not."""
    settings = settings_from(data=data)
    with database_running(settings):
        found = current(owner_url(settings))
    if found == head():
        click.echo(f"The schema is current: {found}.")
        return
    click.echo(f"The schema is at {found or 'nothing'}, this version needs {head()}: run `dongting db migrate`.")
    sys.exit(1)


@command.command()
@data_option
def upgrade(data: str | None) -> None:
    """Bring the embedded database's files to the PostgreSQL of this version; the old ones are kept beside."""
    settings = settings_from(data=data)
    kept = upgrade_cluster(EmbeddedPostgres(settings.data_dir))
    if kept is None:
        click.echo("Nothing to do: the files are of this version already.")
    else:
        click.echo(f"Done. The old files are kept in {kept}; remove them when all is well.")
