"""`dongting token create` prints a token that opens the API."""

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from tests.conftest import Urls
from tests.web.conftest import Cast
from web.commands.token import command
from wms.db import Database, Scope
from wms.errors import NotFound
from wms.parties.tables import Company


def run(monkeypatch: pytest.MonkeyPatch, urls: Urls, tenant: int, *options: str) -> str:
    monkeypatch.setenv("DONGTING_DATABASE_URL", urls.app.replace("+psycopg", ""))
    monkeypatch.setenv("DONGTING_TENANT", str(tenant))
    done = CliRunner().invoke(command, ["create", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_prints_a_token_of_the_role(
    monkeypatch: pytest.MonkeyPatch, urls: Urls, tenant: int, client: FlaskClient
) -> None:
    secret = run(monkeypatch, urls, tenant, "--role", "planner")
    said = client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert said.get_json()["roles"] == ["planner"]


def test_binds_it_to_a_company(
    monkeypatch: pytest.MonkeyPatch, urls: Urls, tenant: int, client: FlaskClient, cast: Cast, database: Database,
    scope: Scope,
) -> None:  # fmt: skip
    with database.unit_of_work(scope) as session:
        code = session.get_one(Company, cast.firm_id).code
    secret = run(monkeypatch, urls, tenant, "--role", "planner", "--company", code)
    said = client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert said.get_json()["company_id"] == cast.firm_id
    assert said.get_json()["sees_all"] is False


def test_names_a_company_that_is_not_there(monkeypatch: pytest.MonkeyPatch, urls: Urls, tenant: int) -> None:
    with pytest.raises(NotFound, match="NOWHERE"):
        run(monkeypatch, urls, tenant, "--role", "planner", "--company", "NOWHERE")
