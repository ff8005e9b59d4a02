"""Two real ingest processes on one database: a site is one's, and the other's when that one dies or is frozen."""

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from iot import outbox
from tests.conftest import Urls
from tests.iot.doors import Client, until
from tests.iot.processes import IngestProcess
from tests.iot.world import Sender, rows, site_with
from wms.db import Database, Scope

PATIENCE_S = 90.0  # ten seconds are promised; a busy test machine may need longer
LEASE = "SELECT holder, fence, until_at > clock_timestamp() AS lives FROM lease"


class Pair:
    """The two, the first of which holds the site; each with a client of the same device's own."""

    def __init__(self, first: IngestProcess, second: IngestProcess, database: Database, scope: Scope) -> None:
        self.first, self.second, self._database, self._scope = first, second, database, scope

    def holder_pid(self) -> int:
        """The process that holds the site."""
        [lease] = rows(self._database, self._scope, LEASE)
        return int(lease.holder.split(":")[1]) if lease.lives else 0

    def fence(self) -> int:
        [lease] = rows(self._database, self._scope, LEASE)
        return int(lease.fence)

    def is_held_by(self, process: IngestProcess) -> bool:
        return self.holder_pid() in {one.pid for one in tree(process)}


def tree(process: IngestProcess) -> list[psutil.Process]:
    assert process.process is not None
    door = psutil.Process(process.process.pid)
    return [door, *door.children(recursive=True)]


def send_all(process: IngestProcess, number: signal.Signals) -> None:
    for one in tree(process):
        os.kill(one.pid, number)


@pytest.fixture
def gate(database: Database, scope: Scope) -> Sender:
    return site_with(database, scope, "gate")[0]


@pytest.fixture
def pair(gate: Sender, database: Database, scope: Scope, urls: Urls, tenant: int, tmp_path: Path) -> Iterator[Pair]:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, second = (IngestProcess(urls.app, tenant, folder) for folder in folders)
    made = Pair(first, second, database, scope)
    try:
        first.start()
        until(lambda: rows(database, scope, LEASE) and made.is_held_by(first), PATIENCE_S)
        second.start()
        yield made
    finally:
        for process in (first, second):
            if process.process is not None and process.process.poll() is None:
                send_all(process, signal.SIGCONT)
                process.stop()


def command(database: Database, scope: Scope, gate: Sender, payload: bytes, *, seconds: float) -> int:
    site_id = rows(database, scope, "SELECT site_id FROM device")[0][0]
    with database.unit_of_work(scope) as session:
        until_at = datetime.now(UTC) + timedelta(seconds=seconds)
        return outbox.publish(session, gate.topic("cmd"), payload, expires_at=until_at, site_id=site_id)


def listener(process: IngestProcess, gate: Sender) -> Client:
    client = Client(process.port, gate.code, gate.token).connect()
    client.subscribe(gate.topic("cmd"))
    return client


def state(database: Database, scope: Scope, outbox_id: int) -> str:
    return str(rows(database, scope, "SELECT state FROM outbox WHERE id = :id", id=outbox_id)[0][0])


@pytest.mark.slow
def test_a_site_is_taken_over_when_its_holder_is_killed(
    pair: Pair, gate: Sender, database: Database, scope: Scope
) -> None:
    fence, killed_at = pair.fence(), time.monotonic()
    pair.first.kill()
    until(lambda: pair.is_held_by(pair.second), PATIENCE_S)
    print(f"taken over {time.monotonic() - killed_at:.1f} s after SIGKILL")
    assert pair.fence() == fence + 1
    client = listener(pair.second, gate)
    sent = command(database, scope, gate, b"of the second", seconds=60)
    until(lambda: b"of the second" in [message.payload for message in client.messages], PATIENCE_S)
    assert state(database, scope, sent) == "sent"
    client.close()


@pytest.mark.slow
def test_a_frozen_holder_loses_its_site_and_its_commands_die_with_it(
    pair: Pair, gate: Sender, database: Database, scope: Scope
) -> None:
    old = listener(pair.first, gate)
    fence, frozen_at = pair.fence(), time.monotonic()
    send_all(pair.first, signal.SIGSTOP)
    left_behind = command(database, scope, gate, b"of the first", seconds=600)
    until(lambda: pair.is_held_by(pair.second), PATIENCE_S)
    print(f"taken over {time.monotonic() - frozen_at:.1f} s after SIGSTOP")
    assert pair.fence() == fence + 1
    until(lambda: state(database, scope, left_behind) == "expired", PATIENCE_S)
    new = listener(pair.second, gate)
    command(database, scope, gate, b"of the second", seconds=600)
    until(lambda: b"of the second" in [message.payload for message in new.messages], PATIENCE_S)
    send_all(pair.first, signal.SIGCONT)
    old.publish(gate.topic(), gate.message())  # its door stores all the same: anybody may
    until(lambda: rows(database, scope, "SELECT 1 FROM inbox WHERE source = :code", code=gate.code), PATIENCE_S)
    assert pair.is_held_by(pair.second)
    assert not [message for message in old.messages if message.topic.endswith("/cmd")]
    assert b"of the first" not in [message.payload for message in new.messages]
    old.close()
    new.close()


@pytest.mark.slow
def test_a_holder_whose_door_alone_is_frozen_gives_the_site_up(pair: Pair) -> None:
    door = tree(pair.first)[0]
    door.suspend()
    until(lambda: pair.is_held_by(pair.second), PATIENCE_S)
    door.resume()


@pytest.mark.slow
def test_a_device_hears_its_receipts_from_the_process_it_is_connected_to(
    pair: Pair, gate: Sender, database: Database, scope: Scope
) -> None:
    clients = [Client(process.port, gate.code, gate.token) for process in (pair.first, pair.second)]
    for client in clients:
        client.connect()
        client.subscribe(gate.topic("receipt"))
    clients[1].publish(gate.topic(), gate.message(seq=1))
    for client in clients:  # whichever of the two has read it
        until(lambda heard=client: is_held(heard), PATIENCE_S)  # type: ignore[misc]
        client.close()


def is_held(client: Client) -> bool:
    return any(json.loads(message.payload)["upto"] == 1 for message in client.messages)
