"""The door at a site's own broker: a real Mosquitto, a real ingest process, real publishers."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from iot import outbox
from iot.client import BrokerUrl, SiteBroker
from iot.committer import InboxWriter
from iot.inbox import Arrival, Outcome
from iot.register import Registry
from tests.conftest import Urls
from tests.iot.doors import Client, until
from tests.iot.mosquitto import Mosquitto
from tests.iot.processes import IngestProcess
from tests.iot.world import SECRET, Sender, count, rows, site_with
from wms.db import Database, Scope


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path).start()
    yield broker
    broker.stop()


def device_client(port: int, device: Sender) -> Client:
    client = Client(port, device.code, device.token)
    client.paho.max_inflight_messages_set(1000)
    return client.connect()


class Held:
    """A site's door in the test, whose commits can be held back or made to fail."""

    def __init__(self, port: int, database: Database, scope: Scope, client_id: str) -> None:
        self.go = threading.Event()
        self.go.set()
        self.fails = 0
        self.lost: list[str] = []
        self._write = InboxWriter(database, scope)
        self.outcomes: list[Outcome] = []
        registry = Registry(database, scope, SECRET)
        registry.refresh()
        self.door = SiteBroker(
            f"mqtt://127.0.0.1:{port}/?client_id={client_id}",
            registry,
            self._gated,
            lambda _, outcomes: self.outcomes.extend(outcomes),
            limit_bytes=1_000_000,
            on_session_lost=self.lost.append,
        )
        self.door.start()
        until(lambda: self.door.is_connected)
        time.sleep(0.3)  # the subscription is on its way; nothing tells when it has arrived

    def _gated(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        self.go.wait(30)
        if self.fails:
            self.fails -= 1
            raise OperationalError("INSERT", {}, ConnectionError("away"))
        return self._write(arrivals)


def test_takes_a_url_apart() -> None:
    url = BrokerUrl.parse("mqtts://we:p%40ss@broker.site:8884/?client_id=site-1&version=311")
    assert (url.host, url.port, url.is_tls, url.login, url.password) == ("broker.site", 8884, True, "we", "p@ss")
    assert (url.client_id, int(url.version)) == ("site-1", 4)


def test_a_message_that_was_not_committed_comes_again(mosquitto: Mosquitto, database: Database, scope: Scope) -> None:
    [gate] = site_with(database, scope, "gate")
    first = Held(mosquitto.port, database, scope, "again")
    first.go.clear()
    sender = device_client(mosquitto.port, gate)
    mids = [sender.publish(gate.topic(), gate.message(seq=seq)) for seq in range(1, 51)]
    until(lambda: set(mids) <= sender.acked)  # Mosquitto's acknowledgement, not ours
    until(lambda: first.door.oldest_waiting_s > 0.5)
    assert count(database, scope, "inbox") == 0
    first.door._stopping.set()  # it dies before the commit
    first.door._client.loop_stop()
    sock = first.door._client.socket()
    assert sock is not None
    sock.close()
    second = Held(mosquitto.port, database, scope, "again")
    until(lambda: count(database, scope, "inbox") == 50)
    assert not second.lost
    assert rows(database, scope, "SELECT count(*) FROM inbox WHERE is_dup") != [(0,)]
    second.door.stop()
    sender.close()


def test_database_away_keeps_the_order_and_loses_nothing(
    mosquitto: Mosquitto, database: Database, scope: Scope
) -> None:
    [gate] = site_with(database, scope, "gate")
    held = Held(mosquitto.port, database, scope, "away")
    held.fails = 2
    sender = device_client(mosquitto.port, gate)
    for seq in range(1, 201):
        sender.publish(gate.topic(), gate.message(seq=seq))
    until(lambda: count(database, scope, "inbox") == 200)
    found = rows(database, scope, "SELECT convert_from(payload, 'utf8')::json ->> 'seq' FROM inbox ORDER BY id")
    assert [int(seq) for (seq,) in found] == list(range(1, 201))
    held.door.stop()
    sender.close()


def test_unknown_devices_and_topics_are_kept_in_quarantine(
    mosquitto: Mosquitto, database: Database, scope: Scope
) -> None:
    [gate] = site_with(database, scope, "gate")
    held = Held(mosquitto.port, database, scope, "quarantine")
    sender = device_client(mosquitto.port, gate)
    sender.publish(gate.topic().replace(gate.code, "stranger"), b"{}")
    sender.publish(gate.topic().replace("/gate/", "/scale/"), b"{}")
    until(lambda: count(database, scope, "inbox", "state = 'dead'") == 2)
    assert {reason for (reason,) in rows(database, scope, "SELECT reason FROM dead_letter")} == {"unknown_device"}
    held.door.stop()
    sender.close()


def test_kill_9_of_ingest_at_a_sites_own_broker_loses_and_doubles_nothing(
    mosquitto: Mosquitto, database: Database, scope: Scope, urls: Urls, tenant: int, tmp_path: Path
) -> None:
    devices = site_with(database, scope, "gate", "scale")
    url = f"mqtt://127.0.0.1:{mosquitto.port}/?client_id=t{tenant}"
    ingest = IngestProcess(urls.app, tenant, tmp_path, DONGTING_MQTT_URL=url)
    ingest.start(wait=False)
    until(lambda: count(database, scope, "ingest_pulse", "is_connected"), 20)
    time.sleep(0.3)
    clients = [device_client(mosquitto.port, device) for device in devices]
    started = time.monotonic()
    for number in range(1, 1501):
        for device, client in zip(devices, clients, strict=True):
            client.publish(device.topic(), device.message(seq=number))
        time.sleep(max(0.0, started + number / 400 - time.monotonic()))
        if number in (500, 1000):
            ingest.kill()
            ingest.start(wait=False)
    until(lambda: count(database, scope, "inbox") >= 3000, 40)
    until(lambda: rows(database, scope, "SELECT DISTINCT upto FROM device_seq") == [(1500,)], 20)
    found = rows(database, scope, "SELECT source, count(*) FROM inbox GROUP BY source")
    assert sorted(found) == sorted((device.code, 1500) for device in devices)
    assert count(database, scope, "device_gap", "closed_at IS NULL") == 0
    for client in clients:
        client.close()
    assert ingest.stop() == 0


def test_receipts_and_commands_go_out_through_the_sites_broker_and_a_new_session_is_an_alarm(
    mosquitto: Mosquitto, database: Database, scope: Scope, urls: Urls, tenant: int, tmp_path: Path
) -> None:
    [gate] = site_with(database, scope, "gate")
    url = f"mqtt://127.0.0.1:{mosquitto.port}/?client_id=r{tenant}"
    ingest = IngestProcess(urls.app, tenant, tmp_path, DONGTING_MQTT_URL=url)
    ingest.start(wait=False)
    until(lambda: count(database, scope, "ingest_pulse", "is_connected AND door = 'client'"), 20)
    until(lambda: count(database, scope, "device_alarm", "code = 'session_lost'"))
    client = device_client(mosquitto.port, gate)
    client.subscribe(gate.topic("receipt"))
    client.subscribe(gate.topic("cmd"))
    client.publish(gate.topic(), gate.message(seq=1))
    until(lambda: client.messages)
    assert json.loads(client.messages[0].payload)["upto"] == 1
    site_id = rows(database, scope, "SELECT site_id FROM device")[0][0]
    with database.unit_of_work(scope) as session:
        soon = datetime.now(UTC) + timedelta(seconds=5)
        outbox.publish(session, gate.topic("cmd"), b"open", expires_at=soon, site_id=site_id)
    until(lambda: b"open" in [message.payload for message in client.messages])
    client.close()
    assert ingest.stop() == 0
