"""The ingest process as it runs: killed, stopped, shut out; receipts, gaps and commands over a real socket."""

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iot import health, outbox
from migrations.run import migrate
from tests.conftest import Urls
from tests.iot.doors import Client, until
from tests.iot.processes import IngestProcess
from tests.iot.world import Sender, count, rows, site_with
from wms.db import Database, Scope
from wms.postgres import EmbeddedPostgres


@pytest.fixture
def ingest(urls: Urls, tenant: int, tmp_path: Path) -> Iterator[IngestProcess]:
    process = IngestProcess(urls.app, tenant, tmp_path)
    yield process
    if process.process is not None and process.process.poll() is None:
        process.stop()


def publisher(process: IngestProcess, device: Sender) -> Client:
    client = Client(process.port, device.code, device.token, clean_session=False)
    client.paho.max_inflight_messages_set(200)
    client.paho.reconnect_delay_set(1, 1)
    client.paho.connect("127.0.0.1", process.port, keepalive=30)
    client.paho.loop_start()
    return client


def test_kill_9_at_500_events_a_second_loses_and_doubles_nothing(
    ingest: IngestProcess, database: Database, scope: Scope
) -> None:
    devices = site_with(database, scope, "gate", "scale", "rfid", "fence")
    ingest.start()
    clients = [publisher(ingest, device) for device in devices]
    sent: list[list[int]] = [[] for _ in devices]

    def pour(place: int) -> None:
        """1,000 events, 125 a second."""
        started = time.monotonic()
        for number in range(1, 1001):
            body = devices[place].message(seq=number)
            sent[place].append(clients[place].publish(devices[place].topic(), body))
            time.sleep(max(0.0, started + number / 125 - time.monotonic()))

    pouring = [threading.Thread(target=pour, args=(place,)) for place in range(len(devices))]
    for thread in pouring:
        thread.start()
    for _ in range(2):
        time.sleep(2.3)
        ingest.kill()
        ingest.start()
    for thread in pouring:
        thread.join()
    for place, client in enumerate(clients):
        until(lambda c=client, p=place: set(sent[p]) <= c.acked, 60)
        client.close()
    assert count(database, scope, "inbox", "NOT is_will") == 4000
    until(lambda: count(database, scope, "inbox", "state <> 'received'") == count(database, scope, "inbox"), 30)
    found = rows(database, scope, "SELECT source, count(*), max(copies) < 5 FROM inbox WHERE NOT is_will GROUP BY 1")
    assert sorted(found) == sorted((device.code, 1000, True) for device in devices)
    until(lambda: rows(database, scope, "SELECT DISTINCT upto, high FROM device_seq") == [(1000, 1000)])
    assert count(database, scope, "device_gap", "closed_at IS NULL") == 0
    assert count(database, scope, "inbox_conflict") == 0


def test_ends_with_status_0_when_asked_and_gives_its_leases_back(
    ingest: IngestProcess, database: Database, scope: Scope
) -> None:
    site_with(database, scope, "gate")
    ingest.start()
    until(lambda: count(database, scope, "lease", "until_at > now()") == 1)
    started = time.monotonic()
    assert ingest.stop() == 0
    assert time.monotonic() - started < 30
    assert count(database, scope, "lease", "until_at > now()") == 0
    assert count(database, scope, "ingest_pulse") == 0


def test_a_taken_port_ends_it_with_a_clear_line(
    ingest: IngestProcess, database: Database, scope: Scope, urls: Urls, tenant: int, tmp_path: Path
) -> None:
    ingest.start()
    (tmp_path / "second").mkdir()
    second = IngestProcess(urls.app, tenant, tmp_path / "second")
    second.environ["DONGTING_MQTT_PORT"] = str(ingest.port)
    second.start(wait=False)
    assert second.process is not None
    assert second.process.wait(20) == 1
    said = second.log.read_text()
    assert f"port {ingest.port}" in said
    assert "Traceback" not in said


def test_a_receipt_says_what_is_held_and_asks_for_what_is_missing(
    ingest: IngestProcess, database: Database, scope: Scope
) -> None:
    [gate] = site_with(database, scope, "gate")
    ingest.start()
    client = publisher(ingest, gate)
    until(lambda: client.connects)
    client.subscribe(gate.topic("receipt"))

    def told() -> list[dict[str, object]]:
        return [json.loads(message.payload) for message in client.messages]

    for seq in (1, 2, 5):
        client.publish(gate.topic(), gate.message(seq=seq))
    until(lambda: told() and told()[-1]["missing"] == [[3, 4]])
    assert told()[-1]["upto"] == 2
    for seq in (3, 4):
        client.publish(gate.topic(), gate.message(seq=seq))
    until(lambda: told()[-1]["missing"] == [])
    assert told()[-1]["upto"] == 5
    at = datetime.fromisoformat(str(told()[-1]["server_time"]))
    assert abs(datetime.now(UTC) - at) < timedelta(seconds=5)
    assert not any(message.retain for message in client.messages)
    client.close()


def test_a_message_to_a_device_leaves_with_its_transaction_once_and_never_late(
    ingest: IngestProcess, database: Database, scope: Scope
) -> None:
    [gate] = site_with(database, scope, "gate")
    ingest.start()
    client = publisher(ingest, gate)
    until(lambda: client.connects)
    client.subscribe(gate.topic("cmd"))
    site_id = rows(database, scope, "SELECT site_id FROM device")[0][0]
    until(lambda: count(database, scope, "lease") == 1)
    soon = datetime.now(UTC) + timedelta(seconds=5)
    with database.unit_of_work(scope) as session:
        outbox.publish(session, gate.topic("cmd"), b"late", expires_at=datetime.now(UTC), site_id=site_id)
        outbox.publish(session, gate.topic("cmd"), b"open", expires_at=soon, site_id=site_id)
        outbox.publish(session, gate.topic("cmd").replace(gate.code, "nobody"), b"?", site_id=site_id)
    with database.unit_of_work(scope) as session:
        outbox.publish(session, gate.topic("cmd"), b"rolled back", expires_at=soon, site_id=site_id)
        session.rollback()
    until(lambda: client.messages, 2)
    until(lambda: count(database, scope, "outbox", "state = 'unheard'") == 1)  # said after it was taken out as sent
    states = rows(database, scope, "SELECT convert_from(payload, 'utf8'), state FROM outbox ORDER BY id")
    assert states == [("late", "expired"), ("open", "sent"), ("?", "unheard")]
    time.sleep(0.5)
    assert [message.payload for message in client.messages] == [b"open"]
    client.close()


def test_who_was_not_let_in_is_alarmed(ingest: IngestProcess, database: Database, scope: Scope) -> None:
    [gate] = site_with(database, scope, "gate")
    ingest.start()
    thief = Client(ingest.port, gate.code, "wrong").connect(wait=False)
    query = "SELECT subject FROM device_alarm WHERE code = 'connect_refused'"
    until(lambda: rows(database, scope, query) == [(gate.code,)])
    thief.close()


def test_its_pulse_tells_where_it_is_and_how_far_behind(
    ingest: IngestProcess, database: Database, scope: Scope
) -> None:
    site_with(database, scope, "gate")
    ingest.start()

    def known() -> list[health.IngestFacts]:
        with database.unit_of_work(scope) as session:
            return health.facts(session)

    until(known)
    [facts] = known()
    assert facts.is_ready
    assert (facts.door, facts.address) == ("embedded", f"127.0.0.1:{ingest.port}")
    assert facts.oldest_waiting_ms < 2000


def test_a_committer_that_cannot_go_on_ends_the_process(
    fresh_urls: Urls, fresh_database: Database, tmp_path: Path
) -> None:
    scope = Scope.system(1)
    [gate] = site_with(fresh_database, scope, "gate")
    owner = Database(fresh_urls.owner, pool_size=1)
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("REVOKE INSERT ON inbox FROM dongting_app")
    owner.close()
    ingest = IngestProcess(fresh_urls.app, 1, tmp_path).start()
    client = publisher(ingest, gate)
    until(lambda: client.connects)
    mid = client.publish(gate.topic(), gate.message())
    assert ingest.process is not None
    assert ingest.process.wait(20) == 1
    assert not client.is_acked(mid)
    assert "committer_ended" in ingest.log.read_text()
    client.close()


def test_kill_9_of_the_database_loses_and_doubles_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="dongting-test-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "data")
    try:
        server.start()
        migrate(server.urls.owner)
        database, scope = Database(server.urls.app), Scope.system(1)
        [gate] = site_with(database, scope, "gate")
        ingest = IngestProcess(server.urls.app, 1, tmp_path).start()
        client = publisher(ingest, gate)
        mids, killed_at = [], 0.0
        for number in range(1, 1201):
            mids.append(client.publish(gate.topic(), gate.message(seq=number)))
            if number == 400:
                pid = server.pid()
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                assert server._child is not None
                server._child.wait(10)
                killed_at = time.monotonic()
            if killed_at and time.monotonic() - killed_at > 1:
                assert len(client.acked) < number  # nothing is acknowledged meanwhile
                server = EmbeddedPostgres(folder / "data").start()
                killed_at = 0.0
            time.sleep(0.002)
        until(lambda: set(mids) <= client.acked, 60)
        assert count(database, scope, "inbox") == 1200
        until(lambda: rows(database, scope, "SELECT upto FROM device_seq") == [(1200,)], 30)
        client.close()
        assert ingest.stop() == 0
        database.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def stat_of(pid: int | str) -> list[str]:
    """State, parent and so on of a process; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def readers_of(process: IngestProcess) -> list[int]:
    """The processes that the door has started."""
    assert process.process is not None
    return children_of(process.process.pid)


def children_of(parent: int) -> list[int]:
    """The processes that this one has started."""
    every = [one.name for one in Path("/proc").iterdir() if one.name.isdigit()]
    return [int(pid) for pid in every if stat_of(pid)[1:2] == [str(parent)]]


def is_running(pid: int) -> bool:
    """Whether the process lives; one that waits to be reaped does not."""
    return stat_of(pid)[:1] not in ([], ["Z"], ["X"])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="tells processes apart by /proc")
class TestThreeProcesses:
    def test_a_killed_door_takes_its_reader_with_it_and_frees_port_and_leases(
        self, ingest: IngestProcess, database: Database, scope: Scope
    ) -> None:
        site_with(database, scope, "gate")
        ingest.start()
        until(lambda: count(database, scope, "lease", "until_at > now()") == 1, 60)
        [reader] = readers_of(ingest)
        [parser] = children_of(reader)
        ingest.kill()
        until(lambda: not is_running(reader) and not is_running(parser), 60)
        fence = rows(database, scope, "SELECT fence FROM lease")[0][0]
        ingest.start()
        until(lambda: rows(database, scope, "SELECT fence FROM lease")[0][0] > fence, 60)

    @pytest.mark.parametrize("part", ["reader", "parser"])
    def test_a_door_without_what_is_behind_it_ends(
        self, ingest: IngestProcess, database: Database, scope: Scope, part: str
    ) -> None:
        [gate] = site_with(database, scope, "gate")
        ingest.start()
        [reader] = readers_of(ingest)
        [parser] = children_of(reader)
        os.kill(reader if part == "reader" else parser, signal.SIGKILL)
        assert ingest.process is not None
        assert ingest.process.wait(60) == 1
        assert "part_ended" in ingest.log.read_text()
        assert not is_running(reader)
        until(lambda: not is_running(parser), 60)
        ingest.start()
        client = publisher(ingest, gate)
        until(lambda: client.connects, 60)
        mid = client.publish(gate.topic(), gate.message())
        until(lambda: client.is_acked(mid), 60)
        until(lambda: count(database, scope, "reading") == 1, 60)
        client.close()

    def test_what_the_door_takes_is_read_at_once(self, ingest: IngestProcess, database: Database, scope: Scope) -> None:
        [gate] = site_with(database, scope, "gate")
        ingest.start()
        [reader] = readers_of(ingest)
        [parser] = children_of(reader)
        client = publisher(ingest, gate)
        until(lambda: client.connects, 60)
        for seq in range(1, 11):
            client.publish(gate.topic(), gate.message(seq=seq))
        until(lambda: count(database, scope, "reading") == 10, 60)
        client.close()
        assert ingest.stop() == 0
        assert not is_running(reader)
        assert not is_running(parser)
