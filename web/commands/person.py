"""``dongting person``: the first person of an empty installation."""

import secrets
from contextlib import closing

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.auth.credentials import create_credential
from web.commands._options import data_option, settings_from
from web.databases import app_url, database_running
from wms.db import Database, Scope
from wms.parties.service import NewCompany, NewPerson, add_company, add_person
from wms.parties.tables import COMPANY_ROLES, PERSON_ROLES, Company
from wms.record.service import append_leaf


@click.group()
def command() -> None:
    """Enter people from the command line."""


@command.command()
@data_option
@click.option("--login", required=True, help="The name to log in with.")
@click.option("--role", default="administrator", show_default=True, type=click.Choice(PERSON_ROLES))
@click.option("--name", help="The person's name (else the login).")
@click.option("--company", default="OPERATOR", show_default=True, metavar="CODE", help="Entered when it is missing.")
@click.option("--company-role", default="operator", show_default=True, type=click.Choice(COMPANY_ROLES))
def create(data: str | None, login: str, role: str, name: str | None, company: str, company_role: str) -> None:
    """Enter a person who may log in, and print the password, this once."""
    settings = settings_from(data=data)
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    with (
        database_running(settings),
        closing(Database(app_url(settings), pool_size=1)) as database,
        database.unit_of_work(Scope.system(settings.tenant_id)) as session,
    ):
        company_id = _company(session, company, company_role)
        new = NewPerson(company_id, name or login, name or login, (role,))
        person_id = add_person(session, new)
        create_credential(session, person_id=person_id, login_name=login, password=password)
        told = {"subject_id": person_id, "by": {"command": "person create"}, "role": role, "company_id": company_id}
        append_leaf(session, "person_added", told)
    click.echo(f"{login} {password}")


def _company(session: Session, code: str, role: str) -> int:
    found = session.scalar(select(Company.id).where(Company.code == code))
    return found or add_company(session, NewCompany(code, code, code, (role,)))
