"""One PostgreSQL server for a run, one migrated template, one clone of it for each worker.

Isolation without clean-up: every test works as a tenant of its own, and row-level security hides the others. A test
that destroys something takes ``fresh_database``, a clone that is its own.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.schema import migrate_template
from wms.db import Database, Scope
from wms.parties.private import Vault, give_keys
from wms.postgres import EmbeddedPostgres

SERVER_FOLDER = "DONGTING_TEST_SERVER"
TEMPLATE = "dongting_template"
KEYS = Vault({1: b"k" * 32}, b"i" * 32)  # of tests without an application; each application has its own


def required(what: str) -> bool:
    """Whether a test may not be skipped for want of ``what`` (shared, chromium, mosquitto)."""
    return what in os.environ.get("DONGTING_REQUIRE", "").split(",")


def lacking(what: str, why: str) -> None:
    """Skip the test with a plain message, or fail it where ``what`` is required."""
    if required(what):
        pytest.fail(f"{what} is required by DONGTING_REQUIRE, but {why}")
    pytest.skip(why)


@pytest.fixture
def shared() -> Path:
    """The folder of public samples (DONGTING_SHARED, else ../shared)."""
    root = Path(__file__).parents[1]
    folder = Path(os.environ.get("DONGTING_SHARED", root.parent / "shared"))
    if not (folder / "data").is_dir():
        lacking("shared", f"there is no folder of public samples at {folder} (DONGTING_SHARED)")
    return folder


@dataclass
class Server:
    """The run's server and the clones made on it."""

    postgres: EmbeddedPostgres
    numbers: Iterator[int]

    def clone(self, template: str = TEMPLATE) -> str:
        """A new database like ``template``; its name is told."""
        name = f"test_{os.getpid()}_{next(self.numbers)}"
        self.postgres.create_database(name, template=template)
        return name


def pytest_configure(config: pytest.Config) -> None:
    """The controller (or the only process) starts the server; workers find it by its folder."""
    if hasattr(config, "workerinput") or SERVER_FOLDER in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="dongting-test-")
    os.environ[SERVER_FOLDER] = folder
    options = {"max_connections": "200", "shared_buffers": "128MB"}
    server = EmbeddedPostgres(Path(folder) / "data", durable=False, options=options)
    config.stash[SERVER] = server


SERVER = pytest.StashKey[EmbeddedPostgres]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start and migrate once, before any worker asks for a clone."""
    server = session.config.stash.get(SERVER, None)
    if server is not None and not session.config.option.collectonly:
        Path(os.environ[SERVER_FOLDER]).chmod(0o711)
        server.start()
        server.create_database(TEMPLATE)
        migrate_template(server.urls_of(TEMPLATE))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The server ends with the run, and its folder goes."""
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.stop()
        shutil.rmtree(os.environ.pop(SERVER_FOLDER), ignore_errors=True)


@pytest.fixture(scope="session")
def server() -> Server:
    """The run's server."""
    return Server(EmbeddedPostgres(Path(os.environ[SERVER_FOLDER]) / "data", durable=False), itertools.count(1))


@dataclass(frozen=True)
class Urls:
    """One database as the product's login, its owner, the auditor and the superuser."""

    app: str
    owner: str
    auditor: str
    superuser: str
    name: str


def _urls(server: Server, name: str) -> Urls:
    urls = server.postgres.urls_of(name)
    return Urls(urls.app, urls.owner, urls.auditor, urls.superuser, name)


@pytest.fixture(scope="session")
def urls(server: Server) -> Iterator[Urls]:
    """This worker's clone."""
    name = server.clone()
    yield _urls(server, name)
    server.postgres.drop_database(name)


@pytest.fixture(scope="session")
def database(urls: Urls) -> Iterator[Database]:
    """This worker's clone as the product sees it (login dongting_app)."""
    made = Database(urls.app, pool_size=10, max_overflow=30)
    give_keys(made, lambda: KEYS)
    yield made
    made.close()


@pytest.fixture(scope="session")
def owner_database(urls: Urls) -> Iterator[Database]:
    """This worker's clone as its owner; row-level security binds it too."""
    made = Database(urls.owner, pool_size=2)
    yield made
    made.close()


@pytest.fixture
def fresh_urls(server: Server) -> Iterator[Urls]:
    """A clone of the template for this test alone."""
    name = server.clone()
    yield _urls(server, name)
    server.postgres.drop_database(name)


@pytest.fixture
def fresh_database(fresh_urls: Urls) -> Iterator[Database]:
    """A database that a test may damage."""
    made = Database(fresh_urls.app, pool_size=10, max_overflow=30)
    give_keys(made, lambda: KEYS)
    yield made
    made.close()


def new_tenant(owner: Database) -> int:
    """A further tenant in ``owner``'s database."""
    with owner.engine.begin() as connection:
        made: int = connection.execute(text("INSERT INTO tenant (name) VALUES ('test') RETURNING id")).scalar_one()
    return made


@pytest.fixture
def tenant(owner_database: Database, database: Database) -> int:
    """A tenant of this test's own; an application that was made for another test leaves no keys behind."""
    give_keys(database, lambda: KEYS)
    return new_tenant(owner_database)


@pytest.fixture
def scope(tenant: int) -> Scope:
    """The installation's own scope for this test's tenant: sees all companies."""
    return Scope.system(tenant)


@pytest.fixture
def session(database: Database, scope: Scope) -> Iterator[Session]:
    """An open unit of work; committed when the test ends well."""
    with database.unit_of_work(scope) as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; DONGTING_CHROMIUM, else the one on the path.

    For one module at a time: while Playwright drives a thread, nothing else in it can run an event loop.
    """
    found = os.environ.get("DONGTING_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        lacking("chromium", "no Chromium was found (DONGTING_CHROMIUM)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()
