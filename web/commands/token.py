"""``dongting token``."""

import click

from web.auth.tokens import LONGEST_DAYS, NewToken, create_token
from web.commands._options import data_option, settings_from
from web.databases import app_url, database_running
from wms.db import Database, Scope
from wms.parties.tables import PERSON_ROLES
from wms.record.service import append_leaf
from wms.settings import Settings


@click.group()
def command() -> None:
    """API tokens of machines and scripts."""


@command.command()
@data_option
@click.option("--role", required=True, type=click.Choice(PERSON_ROLES), help="What the token may do.")
@click.option("--company", metavar="CODE", help="See this company's rows alone (else the whole installation).")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, LONGEST_DAYS), help="How long it lives.")
@click.option("--label", default="command line", show_default=True, help="What it is for.")
def create(data: str | None, role: str, company: str | None, days: int, label: str) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    made = make(settings_from(data=data), role=role, company=company, days=days, label=label)
    click.echo(made.secret)
    click.echo(f"Role {role}, {company or 'the installation'}, until {made.expires_at:%Y-%m-%d}.", err=True)


def make(settings: Settings, *, role: str, company: str | None, days: int, label: str) -> NewToken:
    """Make the token in the database of ``settings``; the record says that the command line did."""
    with database_running(settings):
        database = Database(app_url(settings), pool_size=1, max_overflow=0)
        try:
            with database.unit_of_work(Scope.system(settings.tenant_id)) as session:
                made = create_token(session, role=role, label=label, company=company, days=days)
                told = {"subject_id": made.id, "by": {"command": "token create"}, "role": role, "prefix": made.prefix}
                append_leaf(session, "token_created", told)
        finally:
            database.close()
    return made
