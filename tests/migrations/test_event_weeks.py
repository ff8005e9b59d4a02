"""The way from one inbox to weeks: old rows stay what and where they are, and are still known when they come again."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from iot.inbox import Arrival, Outcome, store
from migrations.run import migrate
from tests.conftest import Server, Urls
from tests.migrations.old_events import old_message, old_reading
from wms.db import Database, Scope

BEFORE = "0126_pre_display"


@pytest.fixture
def old(server: Server) -> Iterator[Urls]:
    """A database of the revision before the weeks."""
    name = server.clone("template0")
    urls = server.postgres.urls_of(name)
    migrate(urls.owner, revision=BEFORE)
    yield Urls(urls.app, urls.owner, urls.auditor, urls.superuser, name)
    server.postgres.drop_database(name)


def came(key: str, payload: bytes) -> Arrival:
    return Arrival(source="old", message_key=key, topic="t", payload=payload, qos=1, door="embedded")


def test_old_events_keep_their_ids_and_are_known_when_they_come_again(old: Urls) -> None:
    scope, database = Scope.system(1), Database(old.app, pool_size=1)
    with database.unit_of_work(scope) as session:
        ids = [old_message(session, "k1", b"one"), old_message(session, "k2", b"{", "dead")]
        reading = old_reading(session, ids[0], "PlateRead:a|1")
        session.execute(
            text("INSERT INTO dead_letter (inbox_id, reason, detail) VALUES (:id, 'r', 'd')"), {"id": ids[1]}
        )
    migrate(old.owner)
    with database.unit_of_work(scope) as session:
        outcomes = store(session, [came("k1", b"one"), came("k2", b"other"), came("k3", b"new")])
    assert outcomes == [Outcome.COPY, Outcome.CONFLICT, Outcome.STORED]
    with database.unit_of_work(scope) as session:
        rows = session.execute(text("SELECT id, message_key, copies FROM inbox ORDER BY id")).all()
        assert [(row.id, row.copies) for row in rows[:2]] == [(ids[0], 1), (ids[1], 0)]
        assert rows[2].message_key == "k3"
        assert rows[2].id > 10**14
        keys = session.execute(text("SELECT reading_id FROM reading_key")).scalars().all()
        assert keys == [reading]
        assert session.execute(text("SELECT inbox_id FROM inbox_conflict")).scalars().all() == [ids[1]]
        assert session.execute(text("SELECT inbox_id FROM dead_letter")).scalars().all() == [ids[1]]
    database.close()
