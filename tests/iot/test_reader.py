"""The reader beside its parts: what cannot be understood keeps no lane waiting, and no command is lost unsaid."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from iot import barrier, outbox, reader
from iot.link import pair
from iot.parser import ParserEnd, parser_pair
from iot.parsing import Done
from iot.reader import Reader
from iot.tables import Outbox
from tests.iot.gate_yard import SECRET, ingest_settings, register_lane
from tests.wms.gate.world import crossing, make_pass, make_world, seen_of
from wms.db import Database, Scope
from wms.gate.service import decide_passage


@contextmanager
def made(database: Database, scope: Scope, folder: Path) -> Iterator[Reader]:
    """A reader that nobody runs."""
    doors, readers = pair()
    ours, theirs = parser_pair()
    settings = ingest_settings(scope.tenant_id, database.url, folder)
    try:
        yield Reader(settings, database, scope, readers, ParserEnd(ours))
    finally:
        for end in (doors, readers, ours, theirs):
            end.close()


def away(*_: Any, **__: Any) -> Any:
    raise OperationalError("SELECT", {}, Exception("statement timeout"))


def test_lanes_are_looked_at_though_nothing_can_be_understood(
    database: Database, scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.unit_of_work(scope) as session:
        register_lane(session, make_world(session))
    looked: list[object] = []
    monkeypatch.setattr(reader, "parse_begun", away)
    monkeypatch.setattr(reader.lanes, "tick", lambda *given: looked.append(given) or 0)
    with made(database, scope, tmp_path) as one:
        with pytest.raises(OperationalError):
            one._lanes_step()  # nobody has to decide here: it is tried again in a while
        assert not looked
        one._leases.renew()
        one._is_heard.set()
        assert one._lanes_step() == 0
        assert len(looked) == 1
        one._leases.give_back()


def test_a_full_batch_is_followed_by_the_next_at_once(
    database: Database, scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = iter((reader.BATCH, 3, 0))
    monkeypatch.setattr(reader, "parse_begun", lambda *_: Done(messages=next(read)))
    with made(database, scope, tmp_path) as one:
        assert [one._understand(), one._understand()] == [reader.BATCH, 3]
        assert one._understand() == 0


def test_commands_leave_in_the_order_of_their_commits_and_none_is_lost_unsaid(
    database: Database, scope: Scope, tmp_path: Path
) -> None:
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        register_lane(session, world)
        decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
        site_id = world.shelf.site_id
    with made(database, scope, tmp_path) as one:
        with database.unit_of_work(scope) as session:
            first = outbox.send_along(session, "t/first", b"1", site_id=site_id)
        one._let_leave([first])
        now = datetime.now(UTC)
        assert barrier.tick(database, scope, [site_id], now, secret_key=SECRET, leave=one._let_leave) >= 1
        assert [due.topic.rpartition("/")[2] for due, _ in one._leaving] == ["first", "cmd"]
        one._end()  # it stops before they are sent
    with database.unit_of_work(scope) as session:
        assert list(session.scalars(select(Outbox.state))) == ["unheard", "unheard"]
