"""``dongting token``: keys for programs and devices."""

import click

from web.auth.tokens import create_token
from web.commands._options import data_option, settings_from
from web.databases import app_url, database_running
from wms.db import Database, Scope


@click.group()
def command() -> None:
    """Make API tokens."""


@command.command()
@data_option
@click.option("--role", required=True, help="What its bearer may do.")
@click.option("--company", metavar="CODE", help="Bind it to one company's rows.")
@click.option("--label", default="made on the command line", help="What it is for.")
@click.option("--days", default=90, show_default=True, help="How long it lives.")
def create(data: str | None, role: str, company: str | None, label: str, days: int) -> None:
    """Print a new API token. It is shown this once and kept as a hash only."""
    settings = settings_from(data=data)
    with database_running(settings):
        database = Database(app_url(settings), pool_size=1, max_overflow=0)
        try:
            with database.unit_of_work(Scope.system(settings.tenant_id)) as session:
                token = create_token(session, role=role, company=company, label=label, days=days)
        finally:
            database.close()
    click.echo(token.secret)
