"""The embedded broker: PUBACK means committed, and each trap of the library as shipped stays shut."""

import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError

from iot.broker import EmbeddedBroker, PortTaken
from iot.broker.handler import MOST_IN_FLIGHT
from tests.iot.doors import RunningDoor, Visitors, running, until
from tests.iot.world import Sender, count, rows, site_with
from wms.db import Database, Scope


@pytest.fixture
def door(database: Database, scope: Scope) -> RunningDoor:
    return RunningDoor(database, scope)


@pytest.fixture
def visit(door: RunningDoor) -> Iterator[Visitors]:
    with running(door) as visitors:
        yield visitors


@pytest.fixture
def gates(database: Database, scope: Scope) -> list[Sender]:
    return site_with(database, scope, "gate", "gate")


@pytest.mark.parametrize("qos", [1, 2])
def test_acknowledges_nothing_before_the_commit(
    qos: int, door: RunningDoor, visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    gate = visit(gates[0])
    door.go.clear()
    mids = [gate.publish(gates[0].topic(), gates[0].message(seq=seq), qos) for seq in range(1, 6)]
    time.sleep(1.0)
    assert not gate.acked
    assert count(database, scope, "inbox") == 0
    door.go.set()
    until(lambda: set(mids) <= gate.acked)
    assert count(database, scope, "inbox", f"qos = {qos}") == 5


def test_keeps_the_order_of_one_connection(
    visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    gate = visit(gates[0])
    mids = [gate.publish(gates[0].topic(), gates[0].message(seq=seq)) for seq in range(1, 301)]
    until(lambda: set(mids) <= gate.acked)
    found = rows(database, scope, "SELECT convert_from(payload, 'utf8')::json ->> 'seq' FROM inbox ORDER BY id")
    assert [int(seq) for (seq,) in found] == list(range(1, 301))


def test_database_away_means_no_puback_and_an_open_connection(
    door: RunningDoor, visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    gate = visit(gates[0])
    away = threading.Event()
    away.set()

    def fail() -> None:
        if away.is_set():
            raise OperationalError("INSERT", {}, ConnectionError("the server is gone"))

    door.fail = fail
    mid = gate.publish(gates[0].topic(), gates[0].message())
    time.sleep(1.2)
    assert not gate.is_acked(mid)
    assert door.committer.away_since is not None
    assert gate.paho.is_connected()
    away.clear()
    until(lambda: gate.is_acked(mid))
    assert count(database, scope, "inbox") == 1


def test_wrong_password_with_anothers_client_id_leaves_the_device_alone(
    door: RunningDoor, visit: Visitors, gates: list[Sender]
) -> None:
    gate = visit(gates[0])
    assert gate.subscribe(gates[0].topic("cmd")).value == 1
    for clean in (True, False):
        thief = visit(gates[0], token="wrong", wait=False, clean_session=clean)
        until(lambda who=thief: who.connects)
        assert thief.connects[0][1].is_failure
    with_own_token = visit(gates[1], client_id=gates[0].code, wait=False)
    until(lambda: with_own_token.connects)
    assert with_own_token.connects[0][1].is_failure
    assert gate.paho.is_connected()
    assert door.send(gates[0].topic("cmd"), b"still mine")
    until(lambda: gate.messages)
    assert gate.messages[0].payload == b"still mine"


def test_foreign_topic_is_kept_in_quarantine_acknowledged_and_heard_by_nobody(
    visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    other = visit(gates[1])
    other.subscribe(gates[1].topic("cmd"))
    gate = visit(gates[0])
    for topic in (gates[1].topic(), gates[1].topic("cmd"), gates[0].topic("receipt"), "anything/else"):
        mid = gate.publish(topic, b"x" + topic.encode())
        until(lambda m=mid: gate.is_acked(m))
    assert count(database, scope, "inbox", "state = 'dead' AND source = :code", code=gates[0].code) == 4
    assert {reason for (reason,) in rows(database, scope, "SELECT reason FROM dead_letter")} == {"foreign_topic"}
    assert rows(database, scope, "SELECT count FROM device_alarm WHERE code = 'foreign_topic'") == [(4,)]
    assert not other.messages


def test_a_device_listens_to_nothing_but_its_own(door: RunningDoor, visit: Visitors, gates: list[Sender]) -> None:
    gate = visit(gates[0])
    for refused in (gates[1].topic("cmd"), "#", "wms/v1/#", "+/+/+/+/+/cmd", "$SYS/#"):
        assert gate.subscribe(refused).value == 0x80, refused
    assert gate.subscribe(f"wms/v1/{gates[0].site_code}/gate/{gates[0].code}/#").value == 1
    assert not door.send(gates[1].topic("cmd"), b"not for me")
    assert door.send(gates[0].topic("cmd"), b"for me")
    until(lambda: gate.messages)
    assert [message.payload for message in gate.messages] == [b"for me"]


def test_retained_messages_reach_only_who_may_read_and_subscribed_them(visit: Visitors, gates: list[Sender]) -> None:
    one, two = visit(gates[0]), visit(gates[1])
    for client, sender in ((one, gates[0]), (two, gates[1])):
        client.subscribe(f"wms/v1/{sender.site_code}/gate/{sender.code}/#")
        mid = client.publish(sender.topic("status"), b'{"online": true}', retain=True)
        until(lambda c=client, m=mid: c.is_acked(m))
    late = visit(gates[0], client_id=gates[0].code + ":late")
    late.subscribe(gates[0].topic("cmd"))
    time.sleep(0.5)
    assert not one.messages + two.messages + late.messages


def test_a_silent_client_is_closed_and_its_will_is_in_the_inbox(
    visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    will = {"topic": gates[0].topic("status"), "payload": b'{"online": false}', "qos": 1, "retain": True}
    gate = visit(gates[0], keepalive=2, will=will)
    gate.paho._thread_terminate = True  # the client falls silent without closing its socket
    started = time.monotonic()
    until(lambda: count(database, scope, "inbox", "is_will"), 30)
    assert time.monotonic() - started > 2.5
    [row] = rows(database, scope, "SELECT topic, payload, source FROM inbox WHERE is_will")
    assert (row[0], bytes(row[1]), row[2]) == (gates[0].topic("status"), b'{"online": false}', gates[0].code)


def test_a_will_on_a_foreign_topic_goes_to_quarantine(
    visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    gate = visit(gates[0], will={"topic": gates[1].topic("status"), "payload": b"{}", "qos": 1})
    gate.cut()
    until(lambda: count(database, scope, "inbox", "is_will AND state = 'dead'"))


def test_a_proper_goodbye_sends_no_will(visit: Visitors, gates: list[Sender], database: Database, scope: Scope) -> None:
    gate = visit(gates[0], will={"topic": gates[0].topic("status"), "payload": b"{}", "qos": 1})
    gate.close()
    other = visit(gates[1])
    mid = other.publish(gates[1].topic(), gates[1].message())
    until(lambda: other.is_acked(mid))
    assert count(database, scope, "inbox", "is_will") == 0


@pytest.mark.parametrize("clean", [True, False])
def test_the_same_device_again_ends_the_older_connection_and_hears_commands(
    clean: bool, door: RunningDoor, visit: Visitors, gates: list[Sender]
) -> None:
    first = visit(gates[0], clean_session=clean)
    first.subscribe(gates[0].topic("cmd"))
    second = visit(gates[0], clean_session=clean)
    until(lambda: first.ends)
    assert second.connects[0][0].session_present is not clean
    if clean:
        second.subscribe(gates[0].topic("cmd"))
    assert door.send(gates[0].topic("cmd"), b"open")
    until(lambda: second.messages)
    assert not first.messages


def test_a_command_for_a_device_that_is_away_is_not_kept_for_later(
    door: RunningDoor, visit: Visitors, gates: list[Sender]
) -> None:
    gate = visit(gates[0], clean_session=False)
    gate.subscribe(gates[0].topic("cmd"))
    gate.close()
    until(lambda: not door.send(gates[0].topic("cmd"), b"stale"))
    again = visit(gates[0], clean_session=False)
    assert door.send(gates[0].topic("cmd"), b"fresh")
    until(lambda: b"fresh" in [message.payload for message in again.messages])
    assert [message.payload for message in again.messages][-1] == b"fresh"
    assert all(not message.retain for message in again.messages)


def is_closed(sock: socket.socket, patience_s: float = 30) -> bool:
    sock.settimeout(patience_s)
    try:
        while sock.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def connect_packet(sender: Sender, keepalive: int = 0) -> bytes:
    texts = b"".join(
        struct.pack("!H", len(one.encode())) + one.encode() for one in (sender.code, sender.code, sender.token)
    )
    body = b"\x00\x04MQTT\x04\xc2" + struct.pack("!H", keepalive) + texts
    assert len(body) < 16_384
    return b"\x10" + bytes([len(body) % 128 | 128, len(body) // 128] if len(body) > 127 else [len(body)]) + body


def test_a_connection_that_says_nothing_is_closed(door: RunningDoor, visit: Visitors) -> None:
    started = time.monotonic()
    assert is_closed(visit.raw())
    assert time.monotonic() - started > 4


@pytest.mark.parametrize(
    "first", [b"\x10\xff\xff\xff\x7f", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00", b"\x30\x03\x00\x01a", b"\xff" * 9]
)
def test_nonsense_before_connect_is_closed_and_the_door_stays_open(
    first: bytes, visit: Visitors, gates: list[Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot.broker.door.CONNECT_S", 0.5)
    assert is_closed(visit.raw(first))
    gate = visit(gates[0])
    mid = gate.publish(gates[0].topic(), gates[0].message())
    until(lambda: gate.is_acked(mid))


@pytest.mark.parametrize("topic", [b"$SYS/broker/version", b"$share/all/wms/v1/x", b"wms/v1/+/gate/x/event", b"wms/#"])
def test_a_publish_on_a_topic_that_nobody_may_have_reaches_nobody_and_is_not_acknowledged(
    topic: bytes, visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    other = visit(gates[1])
    sock = visit.raw(connect_packet(gates[0]))
    assert sock.recv(4) == b"\x20\x02\x00\x00"
    body = struct.pack("!H", len(topic)) + topic + b"\x00\x07" + b"{}"
    sock.sendall(b"\x32" + bytes([len(body)]) + body + b"\xc0\x00")  # and a ping, which an open connection answers
    sock.settimeout(30)
    assert sock.recv(4) in (b"", b"\xd0\x00")  # closed, or dropped and open; never a PUBACK
    mid = other.publish(gates[1].topic(), gates[1].message())
    until(lambda: other.is_acked(mid))
    assert not other.messages
    assert count(database, scope, "inbox", "source = :code", code=gates[0].code) == 0


def test_a_packet_of_256_megabytes_is_refused_when_it_is_announced(
    door: RunningDoor, visit: Visitors, gates: list[Sender]
) -> None:
    sock = visit.raw(connect_packet(gates[0]))
    assert sock.recv(4) == b"\x20\x02\x00\x00"
    sock.sendall(b"\x32\xff\xff\xff\x7f")
    assert is_closed(sock, 3)


def test_a_topic_that_is_not_utf8_closes_its_own_connection_only(
    door: RunningDoor, visit: Visitors, gates: list[Sender]
) -> None:
    other = visit(gates[1])
    sock = visit.raw(connect_packet(gates[0]))
    sock.recv(4)
    sock.sendall(b"\x32\x08\x00\x02\xff\xfe\x00\x01ab")
    assert is_closed(sock, 3)
    mid = other.publish(gates[1].topic(), gates[1].message())
    until(lambda: other.is_acked(mid))


def test_two_megabytes_are_kept_with_their_reason_and_no_neighbour_waits(
    visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    gate, other = visit(gates[0]), visit(gates[1])
    large = gate.publish(gates[0].topic(), b"x" * 2_000_000)
    mids = [other.publish(gates[1].topic(), gates[1].message(seq=seq)) for seq in range(1, 51)]
    until(lambda: set(mids) <= other.acked and gate.is_acked(large))
    assert rows(database, scope, "SELECT reason FROM dead_letter") == [("oversized",)]
    assert rows(database, scope, "SELECT octet_length(payload) FROM inbox WHERE state = 'dead'") == [(2_000_000,)]


def test_broken_payloads_are_acknowledged_and_kept_beside_good_ones(
    visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    gate = visit(gates[0])
    broken = [b"", b"no json", b"\x00\xff", b'{"id": "a\\u0000b"}', b'{"id": "\\ud800"}', b"[" * 50_000]
    payloads = [one for bad in broken for one in (bad, gates[0].message())]
    mids = [gate.publish(gates[0].topic(), one) for one in payloads]
    until(lambda: set(mids) <= gate.acked)
    kept = {hashlib.sha256(bytes(row[0])).digest() for row in rows(database, scope, "SELECT payload FROM inbox")}
    assert kept == {hashlib.sha256(one).digest() for one in payloads}


def test_qos_2_is_completed_also_when_its_number_is_unknown(
    door: RunningDoor, visit: Visitors, gates: list[Sender]
) -> None:
    sock = visit.raw(connect_packet(gates[0]))
    sock.recv(4)
    sock.sendall(b"\x62\x02\x12\x34")
    assert sock.recv(4) == b"\x70\x02\x12\x34"


def test_mqtt_5_is_refused_by_its_version(door: RunningDoor, visit: Visitors, gates: list[Sender]) -> None:
    sock = visit.raw(connect_packet(gates[0]).replace(b"MQTT\x04", b"MQTT\x05"))
    assert sock.recv(4) == b"\x20\x02\x00\x01"


def test_a_device_taken_off_the_register_is_not_let_in(
    visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    rows(database, scope, "UPDATE device SET is_active = false WHERE id = :id RETURNING 1", id=gates[0].id)
    gate = visit(gates[0], wait=False)
    until(lambda: gate.connects)
    assert gate.connects[0][1].is_failure


def test_status_of_before_a_restart_is_known_after_it(database: Database, scope: Scope) -> None:
    [gate] = site_with(database, scope, "gate", topic_filters=("vendor/#",))
    with running(RunningDoor(database, scope, [("vendor/status", b'{"online": true}')])) as visit:
        client = visit(gate)
        client.subscribe("vendor/#")
        until(lambda: client.messages)
        assert (client.messages[0].retain, json.loads(client.messages[0].payload)) == (True, {"online": True})


def test_a_taken_port_is_said_clearly(door: RunningDoor, visit: Visitors) -> None:
    import asyncio

    async def second() -> None:
        broker = EmbeddedBroker(None, door.committer, "127.0.0.1", door.port, limit_bytes=1)  # type: ignore[arg-type]
        await broker.open(())

    with pytest.raises(PortTaken, match=f"port {door.port}"):
        asyncio.run(second())


def publish_packet(topic: str, payload: bytes, mid: int) -> bytes:
    body = struct.pack("!H", len(topic)) + topic.encode() + struct.pack("!H", mid) + payload
    return b"\x32" + bytes([len(body) % 128 | 128, len(body) // 128]) + body


def test_a_full_queue_stops_reading_and_closes_nobody(
    door: RunningDoor, visit: Visitors, gates: list[Sender], database: Database, scope: Scope
) -> None:
    sock = visit.raw(connect_packet(gates[0], keepalive=1))
    assert sock.recv(4) == b"\x20\x02\x00\x00"
    door.go.clear()
    packets = b"".join(publish_packet(gates[0].topic(), gates[0].message(seq=seq), seq) for seq in range(1, 7001))
    sending = threading.Thread(target=lambda: sock.sendall(packets))
    sock.settimeout(60)
    sending.start()
    until(lambda: door.committer.waiting >= MOST_IN_FLIGHT // 2, 60)
    time.sleep(2.5)  # beyond its keep-alive: it is we who do not read
    assert door.committer.waiting <= MOST_IN_FLIGHT
    door.go.set()
    sending.join(30)
    assert acknowledged(sock, 7000) == list(range(1, 7001))
    assert count(database, scope, "inbox") == 7000


def test_many_full_connections_are_not_read_while_the_committer_is_full(
    door: RunningDoor, visit: Visitors, database: Database, scope: Scope
) -> None:
    senders = site_with(database, scope, *["gate"] * 20)
    door.go.clear()
    sockets = []
    for one in senders:
        sock = visit.raw(connect_packet(one, keepalive=30))
        assert sock.recv(4) == b"\x20\x02\x00\x00"
        sockets.append(sock)
        sock.sendall(b"".join(publish_packet(one.topic(), one.message(seq=seq), seq) for seq in range(1, 301)))
    until(lambda: not door.committer.room.is_set(), 60)
    assert door.committer.waiting <= 4100
    door.go.set()
    for sock in sockets:
        assert acknowledged(sock, 300) == list(range(1, 301))
    assert count(database, scope, "inbox") == 6000


def acknowledged(sock: socket.socket, n: int) -> list[int]:
    """The numbers of ``n`` PUBACKs in their order, while signs of life are sent."""
    mids, came, alive_at = [], b"", 0.0
    while len(mids) < n:
        if time.monotonic() - alive_at > 0.3:
            sock.sendall(b"\xc0\x00")
            alive_at = time.monotonic()
        came += sock.recv(65536)
        while len(came) >= 2 and len(came) >= 2 + came[1]:
            packet, came = came[: 2 + came[1]], came[2 + came[1] :]
            if packet[0] == 0x40:
                mids.append(int.from_bytes(packet[2:], "big"))
    return mids
