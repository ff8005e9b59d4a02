"""Devices that send too much or nonsense: kept with a reason, alarmed, and no neighbour disturbed."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iot.broker.handler import MOST_IN_FLIGHT
from iot.broker.packets import TURN
from tests.conftest import Urls
from tests.iot.doors import Client, RunningDoor, running, until
from tests.iot.processes import IngestProcess
from tests.iot.test_broker import acknowledged, connect_packet, publish_packet
from tests.iot.world import Sender, count, rows, site_with
from wms.db import Database, Scope

PATIENCE_S = 60
FLOOD = 10_000


@pytest.fixture
def ingest(urls: Urls, tenant: int, tmp_path: Path) -> Iterator[IngestProcess]:
    process = IngestProcess(urls.app, tenant, tmp_path)
    yield process
    process.stop()


def connected(ingest: IngestProcess, device: Sender) -> Client:
    client = Client(ingest.port, device.code, device.token)
    client.paho.max_inflight_messages_set(1000)
    return client.connect()


def test_a_neighbour_waits_behind_a_bounded_part_of_a_flood(database: Database, scope: Scope) -> None:
    noisy, quiet = site_with(database, scope, "gate", "scale")
    door = RunningDoor(database, scope)
    with running(door) as visit:
        flood = visit.raw(connect_packet(noisy, keepalive=0))
        assert flood.recv(4) == b"\x20\x02\x00\x00"
        neighbour = visit(quiet)
        door.go.clear()  # the commit that is just going on takes as long as it likes
        packets = b"".join(publish_packet(noisy.topic(), noisy.message(seq=seq), seq) for seq in range(1, FLOOD + 1))
        flood.settimeout(PATIENCE_S)
        pouring = threading.Thread(target=flood.sendall, args=(packets,))
        pouring.start()
        until(lambda: door.committer.waiting >= MOST_IN_FLIGHT // 2, PATIENCE_S)
        mid = neighbour.publish(quiet.topic(), quiet.message(seq=1))
        until(lambda: any(one.source == quiet.code for one, _, _ in list(door.committer._waiting)), PATIENCE_S)
        door.go.set()
        until(lambda: neighbour.is_acked(mid), PATIENCE_S)
        pouring.join(PATIENCE_S)
        assert acknowledged(flood, FLOOD) == list(range(1, FLOOD + 1))
    query = "SELECT count(*) FROM inbox WHERE id < (SELECT id FROM inbox WHERE source = :quiet)"
    [(before,)] = rows(database, scope, query, quiet=quiet.code)
    assert before <= MOST_IN_FLIGHT + TURN
    assert count(database, scope, "inbox") == FLOOD + 1


def test_ten_thousand_events_at_once_are_all_read_and_are_an_alarm(
    ingest: IngestProcess, database: Database, scope: Scope
) -> None:
    noisy, quiet = site_with(database, scope, "gate", "scale")
    ingest.start()
    flood, neighbour = connected(ingest, noisy), connected(ingest, quiet)
    mids, own = [], []
    for seq in range(1, FLOOD + 1):
        mids.append(flood.publish(noisy.topic(), noisy.message(seq=seq)))
        if not seq % 1000:
            own.append(neighbour.publish(quiet.topic(), quiet.message(seq=seq // 1000)))
    until(lambda: set(own) <= neighbour.acked, PATIENCE_S)
    until(lambda: set(mids) <= flood.acked, PATIENCE_S)
    query = "SELECT code, upto FROM device_seq JOIN device ON device.id = device_seq.device_id"
    until(lambda: dict(rows(database, scope, query)) == {noisy.code: FLOOD, quiet.code: 10}, PATIENCE_S)
    assert count(database, scope, "inbox", "state = 'parsed' AND NOT is_will") == FLOOD + 10
    assert count(database, scope, "device_gap") == 0
    assert count(database, scope, "device_alarm", "code = 'flood' AND subject = :code", code=quiet.code) == 0
    for client in (flood, neighbour):
        client.close()


def nested(device: Sender) -> bytes:
    head, tail = json.dumps(device.envelope(data={"deep": 1})).encode().split(b'{"deep": 1}')
    return head + b"[" * 100_000 + b"]" * 100_000 + tail


def test_each_mistake_is_kept_under_its_own_reason_and_the_good_ones_are_read(
    ingest: IngestProcess, database: Database, scope: Scope
) -> None:
    wrong, good = site_with(database, scope, "gate", "gate")
    [stranger] = site_with(database, scope, "gate")
    ingest.start()
    sender, neighbour = connected(ingest, wrong), connected(ingest, good)
    sent = [
        (wrong.topic(), b"x" * 1_100_000),
        (wrong.topic(), nested(wrong)),
        (wrong.topic(), wrong.message(seq=2).decode().replace("loop", "环").encode("gb2312")),
        (wrong.topic(), wrong.message(seq=3, id="a\0b")),
        (wrong.topic(), wrong.message(seq=4, id="\ud800")),
        (good.topic(), wrong.message(seq=5)),
        (stranger.topic(), wrong.message(seq=6)),
        (wrong.topic(), wrong.message(seq=7, device=good.code)),
        (wrong.topic(), wrong.message(seq=8, ts=(datetime.now(UTC) + timedelta(days=365)).isoformat())),
        (wrong.topic(), wrong.message(seq=9, ts=(datetime.now(UTC) - timedelta(days=365)).isoformat())),
        (wrong.topic(), b'{"id":"same","v":1}'),
        (wrong.topic(), b'{"id":"same","v":2}'),
    ]
    mids, own = [], []
    for seq, (topic, payload) in enumerate(sent, 1):
        mids.append(sender.publish(topic, payload))
        own.append(neighbour.publish(good.topic(), good.message(seq=seq)))
    until(lambda: set(mids) <= sender.acked and set(own) <= neighbour.acked, PATIENCE_S)
    until(lambda: count(database, scope, "inbox", "state = 'received'") == 0, PATIENCE_S)
    read = "SELECT count(*) FROM reading WHERE source = :code AND is_live"
    assert rows(database, scope, read, code=good.code) == [(len(sent),)]
    assert rows(database, scope, read, code=wrong.code) == [(0,)]
    found = rows(
        database, scope, "SELECT reason, count(*) FROM dead_letter JOIN inbox ON inbox.id = inbox_id GROUP BY 1"
    )
    reasons = dict(found)
    assert reasons["oversized"] == 1
    assert reasons["bad_id"] == 2
    assert reasons["foreign_topic"] == 2
    assert sum(reasons.values()) == 9, reasons
    assert count(database, scope, "inbox_conflict") == 1
    alarms = {
        code for (code,) in rows(database, scope, "SELECT code FROM device_alarm WHERE subject = :c", c=wrong.code)
    }
    assert {"oversized", "bad_id", "foreign_topic", "conflict", "dead_letter"} <= alarms
    flags = "SELECT flags FROM reading WHERE source = :code ORDER BY id"
    assert rows(database, scope, flags, code=wrong.code) == [(["ahead"],), (["late"],)]
    for client in (sender, neighbour):
        client.close()
