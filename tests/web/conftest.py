"""The front of house over this worker's database, for a tenant of the test's own, and people who are logged in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from tests.build import make_company, make_person, number
from tests.conftest import Urls
from web.app import create_app
from web.auth import credentials
from web.auth.tables import Credential
from web.auth.tokens import create_token
from wms.db import Database, Scope
from wms.parties.tables import Company
from wms.settings import Settings, load_settings

# argon2id of "an old lake boat": made once, so that tests that only need somebody logged in do not hash.
PASSWORD = "an old lake boat"
PASSWORD_HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZSBzYWx0IHRoYXQgaXM$0000000000000000000000000000000000000000000"

Opener = Callable[[], Session]


@pytest.fixture
def web_settings(tenant: int, urls: Urls, tmp_path: Path) -> Settings:
    return load_settings(
        {
            "DONGTING_TENANT": str(tenant),
            "DONGTING_DATABASE_URL": urls.app.replace("+psycopg", ""),
            "DONGTING_DATA": str(tmp_path),
            "DONGTING_SECRET_KEY": "only for tests, only for tests, only for tests",
        }
    )


@pytest.fixture
def app(web_settings: Settings, database: Database) -> APIFlask:
    made = create_app(web_settings, database)
    made.testing = False  # errors become answers, as they do in the field
    return made


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """Nobody in particular."""
    return app.test_client()


@dataclass(frozen=True)
class Cast:
    """The companies of a test: who runs the house, customs, and two firms that see only their own cargo."""

    operator_id: int
    customs_id: int
    firm_id: int
    other_firm_id: int

    def company_of(self, role: str) -> int:
        """Where a person with this role works."""
        return self.customs_id if role == "customs_officer" else self.operator_id


@pytest.fixture
def cast(database: Database, scope: Scope) -> Cast:
    with database.unit_of_work(scope) as session:
        made = [
            make_company(session, *roles).id
            for roles in (("operator",), ("customs",), ("logistics_firm", "owner_of_goods"), ("logistics_firm",))
        ]
    return Cast(*made)


@dataclass
class Doorman:
    """Lets people in: browsers that are logged in, and headers of tokens."""

    app: APIFlask
    database: Database
    scope: Scope
    cast: Cast

    def person(self, *roles: str, company_id: int | None = None, password_hash: str = PASSWORD_HASH) -> str:
        """A new person with a login name; the name is told."""
        with self.database.unit_of_work(self.scope) as session:
            company = session.get_one(Company, company_id or self.cast.company_of(roles[0]))
            person = make_person(session, company, *roles)
            name = f"p{number()}"
            session.add(Credential(person_id=person.id, login_name=name, password_hash=password_hash))
        return name

    def browser(self, *roles: str, company_id: int | None = None, locale: str = "en") -> FlaskClient:
        """A browser of a new person with these roles, logged in."""
        name = self.person(*roles, company_id=company_id)
        key = credentials.new_key()
        with self.database.unit_of_work(self.scope) as session:
            credential = session.query(Credential).filter_by(login_name=name).one()
            credentials.start_login(session, credential.id, key, "127.0.0.1", "test")
        client = self.app.test_client()
        with client.session_transaction() as kept:
            kept["_user_id"], kept["_fresh"] = key, True
        client.set_cookie("locale", locale)
        return client

    def page_context(self, chromium: Browser, address: str, *roles: str, **options: Any) -> BrowserContext:
        """A Chromium context of a new person with these roles, logged in at ``address``; ``locale`` is a cookie too."""
        company_id, locale = options.pop("company_id", None), options.pop("locale", "en")
        cookie = self.browser(*roles, company_id=company_id).get_cookie("dongting")
        assert cookie is not None
        context = chromium.new_context(**options)
        kept = {"dongting": cookie.value, "locale": locale}
        context.add_cookies([{"name": name, "value": value, "url": address} for name, value in kept.items()])
        return context

    def token(self, role: str, company_id: int | None = None, days: int = 1) -> dict[str, str]:
        """Headers with a new token of ``role``."""
        with self.database.unit_of_work(self.scope) as session:
            code = session.get_one(Company, company_id).code if company_id else None
            made = create_token(session, role=role, label="test", company=code, days=days)
        return {"Authorization": f"Bearer {made.secret}"}


@pytest.fixture
def doorman(app: APIFlask, database: Database, scope: Scope, cast: Cast) -> Doorman:
    return Doorman(app, database, scope, cast)


@pytest.fixture
def csrf(app: APIFlask) -> Callable[[FlaskClient], str]:
    """Reads the page's token against forged forms, as a script would."""

    def read(client: FlaskClient, page: str = "/login") -> str:
        text = client.get(page).text
        return text.partition('name="csrf-token" content="')[2].partition('"')[0]

    return read


@pytest.fixture
def live_server(app: APIFlask) -> Iterator[str]:
    """The application on a port of its own; the address without a slash at its end."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def opened(database: Database, scope: Scope) -> Iterator[Session]:
    with database.unit_of_work(scope) as session:
        yield session
