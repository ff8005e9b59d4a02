"""Alive, ready, counted: what machines ask of the web."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import Urls
from web.app import create_app
from wms.db import Database, Scope
from wms.settings import Settings


@pytest.fixture
def broker() -> Iterator[int]:
    """Somebody who listens where the broker should be."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(5)
        yield listening.getsockname()[1]


@pytest.fixture
def app(web_settings: Settings, fresh_database: Database, broker: int) -> APIFlask:
    return create_app(replace(web_settings, mqtt_url=f"mqtt://127.0.0.1:{broker}"), fresh_database)


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def worker(fresh_urls: Urls, fresh_database: Database) -> None:
    """A worker that gave a sign just now."""
    with fresh_database.engine.begin() as connection:
        connection.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))


def test_alive_says_nothing_of_what_is_behind(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.usefixtures("worker")
def test_ready_when_all_five_are(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json
    assert answer.json is not None
    assert {part: check["ok"] for part, check in answer.json["checks"].items()} == {
        "database": True,
        "migrations": True,
        "workers": True,
        "weeks": True,
        "broker": True,
    }


def broken(client: FlaskClient) -> set[str]:
    answer = client.get("/readyz")
    assert answer.json is not None
    assert (answer.status_code, answer.json["status"]) == (503, "not ready")
    return {part for part, check in answer.json["checks"].items() if not check["ok"]}


def test_not_ready_without_a_worker(client: FlaskClient) -> None:
    assert broken(client) == {"workers"}


@pytest.mark.usefixtures("worker")
def test_not_ready_when_the_worker_is_silent(client: FlaskClient, fresh_database: Database) -> None:
    with fresh_database.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 minutes'"))
    assert broken(client) == {"workers"}


@pytest.mark.usefixtures("worker")
def test_not_ready_at_another_revision(client: FlaskClient, fresh_urls: Urls) -> None:
    owner = Database(fresh_urls.owner)
    with owner.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001_pre_ground'"))
    owner.close()
    assert broken(client) == {"migrations"}


def pulse(database: Database, tenant: int, *, age_s: int, is_connected: bool, oldest_ms: int) -> None:
    with database.unit_of_work(Scope.system(tenant)) as session:
        session.execute(
            text(
                "INSERT INTO ingest_pulse (holder, door, address, started_at, beat_at, waiting, oldest_waiting_ms,"
                " is_connected) VALUES (:holder, 'embedded', 'here', now(), now() - make_interval(secs => :age), 7,"
                " :oldest, :connected)"
            ),
            {"holder": str(uuid4()), "age": age_s, "oldest": oldest_ms, "connected": is_connected},
        )


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("age_s", "is_connected", "oldest_ms", "told"),
    [
        (0, False, 12_000, "messages cannot be stored: 7 messages wait, the oldest for 12 s"),
        (0, True, 40_000, "messages are read late: 7 messages wait, the oldest for 40 s"),
        (600, True, 0, "ingest is silent for 60"),
    ],
)
def test_not_ready_while_messages_cannot_be_stored_or_read(
    client: FlaskClient,
    fresh_database: Database,
    tenant: int,
    age_s: int,
    is_connected: bool,
    oldest_ms: int,
    told: str,
) -> None:
    pulse(fresh_database, tenant, age_s=3000, is_connected=True, oldest_ms=0)  # one that was killed, long replaced
    pulse(fresh_database, tenant, age_s=age_s, is_connected=is_connected, oldest_ms=oldest_ms)
    assert broken(client) == {"broker"}
    assert told in client.get("/readyz").get_json()["checks"]["broker"]["detail"]


@pytest.mark.usefixtures("worker")
def test_ready_when_ingest_stores_and_reads(client: FlaskClient, fresh_database: Database, tenant: int) -> None:
    pulse(fresh_database, tenant, age_s=3000, is_connected=False, oldest_ms=0)
    pulse(fresh_database, tenant, age_s=0, is_connected=True, oldest_ms=100)
    assert client.get("/readyz").status_code == 200


@pytest.mark.usefixtures("worker")
def test_not_ready_without_a_broker(web_settings: Settings, fresh_database: Database) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(replace(web_settings, mqtt_url=f"mqtt://127.0.0.1:{port}"), fresh_database)
    assert broken(app.test_client()) == {"broker"}


def test_not_ready_without_a_database_and_still_alive(web_settings: Settings, broker: int) -> None:
    away = Database("postgresql+psycopg://nobody@/none?host=/nonexistent")
    app = create_app(replace(web_settings, mqtt_url=f"mqtt://127.0.0.1:{broker}"), away)
    client = app.test_client()
    assert broken(client) == {"database"}
    assert client.get("/healthz").status_code == 200
    away.close()


def test_counts_requests_by_route_and_never_by_path(client: FlaskClient) -> None:
    client.get("/healthz")
    client.get("/no/such/page/unheard-of")
    shown = client.get("/metrics").text
    assert 'dongting_request_seconds_count{method="GET",route="/healthz",status="200"}' in shown
    assert "unheard-of" not in shown
