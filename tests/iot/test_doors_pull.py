"""Streams that we ask a camera for, and a scale behind a serial server (both simulated, over real sockets)."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DataError

from iot.doors.parts import Lines, Part, Parts, TooLong, boundary_of
from iot.doors.porter import Porter
from iot.doors.scale_line import Displays
from iot.doors.setup import AddressNeeded, BadAddress, BadLine, BadStream, DoorSettings, UnknownDevice, set_door
from iot.parsing import parse_waiting
from iot.tables import Device
from tests.iot.camera import LOGIN, PASSWORD, Camera, playing
from tests.iot.doors import until
from tests.iot.porter import PATIENCE_S, RunningPorter, running, send
from tests.iot.world import SECRET, Sender, count, read_register, rows, site_with
from wms.db import Database, Scope
from wms.errors import WmsError


def settle(database: Database, scope: Scope, sender: Sender, settings: DoorSettings) -> None:
    with database.unit_of_work(scope) as session:
        set_door(session, sender.code, settings)


def parse_all(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        parse_waiting(session, read_register(database, scope))


def hikvision_stream(shared: Path) -> list[bytes]:
    xml = (shared / "data/iot/hikvision-anpr-v58.xml").read_bytes()
    beat = b"<EventNotificationAlert><eventType>videoloss</eventType><ipAddress>10.0.0.9</ipAddress>"
    beat += b"</EventNotificationAlert>"
    head = b'--boundary\r\nContent-Type: application/xml; charset="UTF-8"\r\nContent-Length: %d\r\n\r\n%s\r\n'
    parts = [head % (len(one), one) for one in (beat, xml)]
    stream = (
        b"".join(parts) + b"--boundary\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xe0\r\n"
    )
    return [stream[n : n + 97] for n in range(0, len(stream), 97)]


@pytest.mark.parametrize("scheme", ["digest", "basic", "none"])
def test_hikvisions_alert_stream_is_read_part_by_part(
    scheme: str, shared: Path, database: Database, scope: Scope
) -> None:
    camera = Camera("multipart/mixed; boundary=boundary", hikvision_stream(shared), scheme=scheme)
    sender = site_with(database, scope, "gate", format="hikvision")[0]
    with playing(camera), running(RunningPorter(database, scope)):
        settle(database, scope, sender, DoorSettings(pull_url=camera.url, pull_login=LOGIN, pull_password=PASSWORD))
        until(lambda: count(database, scope, "inbox") == 2, PATIENCE_S)
    parse_all(database, scope)
    assert count(database, scope, "reading", "kind = 'PlateRead'") == 1
    assert not count(database, scope, "inbox", "topic NOT LIKE 'pull/%'")
    stored = rows(database, scope, "SELECT profile #>> '{pull,password}' FROM device WHERE code = :c", c=sender.code)
    assert PASSWORD not in stored[0][0]


def test_dahuas_attach_without_lengths_is_read_when_the_line_is_quiet(database: Database, scope: Scope) -> None:
    event = b'Code=TrafficJunction;action=Pulse;index=0;data={\n"Plate" : 1\n}\n'
    chunks = [
        b"--myboundary\nContent-Type: text/plain\n\nHeartbeat\n",
        b"--myboundary\nContent-Type: text/plain\n\n" + event,
    ]
    sender = site_with(database, scope, "gate", format="dahua")[0]
    with (
        playing(Camera("multipart/x-mixed-replace; boundary=myboundary", chunks)) as camera,
        running(RunningPorter(database, scope)),
    ):
        settle(database, scope, sender, DoorSettings(pull_url=camera.url, pull_login=LOGIN, pull_password=PASSWORD))
        until(lambda: count(database, scope, "inbox") == 2, PATIENCE_S)
    found = [bytes(payload) for (payload,) in rows(database, scope, "SELECT payload FROM inbox ORDER BY id")]
    assert found[0] == b"Heartbeat"
    assert found[1].startswith(b"Code=TrafficJunction")
    assert found[1].rstrip().endswith(b"}")


def test_impinjs_stream_is_one_message_a_line(shared: Path, database: Database, scope: Scope) -> None:
    event = json.dumps(json.loads((shared / "data/iot/impinj-r700-tagInventory.json").read_bytes())).encode()
    sender = site_with(database, scope, "rfid", format="impinj")[0]
    with (
        playing(Camera("application/json", [event[:50], event[50:] + b"\r\n\r\n"], scheme="none")) as camera,
        running(RunningPorter(database, scope)),
    ):
        settle(database, scope, sender, DoorSettings(pull_url=camera.url))
        until(lambda: count(database, scope, "inbox") == 1, PATIENCE_S)
    parse_all(database, scope)
    assert count(database, scope, "reading", "kind = 'TagRead'") == 1


def test_a_stream_that_ends_is_asked_for_again_and_alarmed_until_it_is_back(
    shared: Path, database: Database, scope: Scope
) -> None:
    camera = Camera("multipart/mixed; boundary=boundary", hikvision_stream(shared))
    sender = site_with(database, scope, "gate", format="hikvision")[0]
    with playing(camera), running(RunningPorter(database, scope)):
        camera.end.set()  # it ends each answer at once
        settle(database, scope, sender, DoorSettings(pull_url=camera.url, pull_login=LOGIN, pull_password=PASSWORD))
        until(lambda: camera.let_in >= 3, PATIENCE_S)
        alarms = (
            "SELECT count(*) FILTER (WHERE closed_at IS NULL), count(*) FROM device_alarm WHERE code = 'not_connected'"
        )
        until(lambda: rows(database, scope, alarms)[0][1] >= 1, PATIENCE_S)
        camera.end.clear()
        until(lambda: rows(database, scope, alarms)[0][0] == 0, PATIENCE_S)
    assert count(database, scope, "inbox") == 2  # the same bytes again are copies


@pytest.mark.parametrize("change", [{"pull_password": "wrong"}, {"pull_url": "http://127.0.0.1:1/"}])
def test_a_camera_that_does_not_let_us_in_is_an_alarm(
    change: dict[str, str], shared: Path, database: Database, scope: Scope
) -> None:
    sender = site_with(database, scope, "gate", format="hikvision")[0]
    with (
        playing(Camera("multipart/mixed; boundary=boundary", hikvision_stream(shared))) as camera,
        running(RunningPorter(database, scope)),
    ):
        given = {"pull_url": camera.url, "pull_login": LOGIN, "pull_password": PASSWORD} | change
        settle(database, scope, sender, DoorSettings(**given))  # type: ignore[arg-type]
        until(
            lambda: count(database, scope, "device_alarm", "code = 'not_connected' AND subject = :c", c=sender.code),
            PATIENCE_S,
        )
    assert count(database, scope, "inbox") == 0


def test_a_part_without_end_breaks_the_stream_off(database: Database, scope: Scope) -> None:
    sender = site_with(database, scope, "gate", format="hikvision")[0]
    head = b"--boundary\r\nContent-Type: application/xml\r\n\r\n"
    with (
        playing(Camera("multipart/mixed; boundary=boundary", [head, b"x" * 60_000], scheme="none")) as camera,
        running(RunningPorter(database, scope, limit_bytes=20_000)),
    ):
        settle(database, scope, sender, DoorSettings(pull_url=camera.url))
        until(
            lambda: count(database, scope, "device_alarm", "code = 'not_connected' AND detail LIKE 'a part of more%'"),
            PATIENCE_S,
        )
    assert count(database, scope, "inbox") == 0


@pytest.mark.parametrize("content_type", ["multipart/mixed; boundary=b", "application/json"])
def test_the_last_part_of_a_stream_that_ends_is_kept(content_type: str, database: Database, scope: Scope) -> None:
    head = b"--b\r\nContent-Type: application/json\r\n\r\n" if content_type.startswith("multi") else b""
    sender = site_with(database, scope, "rfid", format="impinj")[0]
    with (
        playing(Camera(content_type, [head, b'{"last": 1}'], scheme="none")) as camera,
        running(RunningPorter(database, scope)),
    ):
        camera.end.set()
        settle(database, scope, sender, DoorSettings(pull_url=camera.url))
        until(lambda: count(database, scope, "inbox") == 1, PATIENCE_S)
    assert rows(database, scope, "SELECT payload FROM inbox") == [(b'{"last": 1}',)]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b'Code=A;data={\n"Plate": 1,\n', b'"Lane": 2\n}\n'),
        (b"<?xml version='1.0'?>\n<Alert>\n<a>1</a>\n", b"</Alert>\n"),
        (b"<Alert>\n<empty/>\n", b"<a>1</a></Alert>\n"),
        (b'[{"a": 1},\n', b'{"a": 2}]\n'),
    ],
)
def test_a_part_is_not_cut_where_its_sender_pauses(first: bytes, then: bytes) -> None:
    cutter = Parts(b"--b", 1_000)
    assert cutter.feed(b"--b\nContent-Type: text/plain\n\n" + first) == cutter.flush() == []
    assert cutter.feed(then) == []
    assert cutter.flush() == [Part("text/plain", (first + then).strip())]
    assert cutter.flush() == cutter.finish() == []


def test_a_profile_that_cannot_be_used_is_told_and_closes_no_door(database: Database, scope: Scope) -> None:
    event = b'--b\nContent-Type: text/plain\n\nCode=A;action=Pulse;index=0\n'
    bad, good = site_with(database, scope, "gate", "gate", format="dahua")
    with (
        playing(Camera("multipart/mixed; boundary=b", [event], scheme="none")) as camera,
        running(RunningPorter(database, scope)) as porter,
    ):
        with database.unit_of_work(scope) as session:
            pull = {"pull": {"url": camera.url, "silent_s": "for ever"}}
            session.execute(update(Device).where(Device.code == bad.code).values(profile=pull))
        settle(database, scope, good, DoorSettings(pull_url=camera.url))
        until(lambda: count(database, scope, "inbox") == 1, PATIENCE_S)
        told = "code = 'not_connected' AND subject = :c AND detail LIKE 'its profile%'"
        until(lambda: count(database, scope, "device_alarm", told, c=bad.code), PATIENCE_S)
        assert send(porter.http, "/healthz", b"", method="GET")[0] == 200


def test_a_lock_that_cannot_be_asked_for_keeps_no_connection(
    database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    porter = Porter(database, scope, SECRET, host="", http_port=None, frame_port=None, limit_bytes=1)
    pool: Any = database.engine.pool
    before = pool.checkedout()
    monkeypatch.setattr("iot.doors.porter.ALONE", text("SELECT 1 / 0 WHERE :tenant = :tenant"))
    for _ in range(3):
        with pytest.raises(DataError):
            porter._is_alone()
    assert pool.checkedout() == before


STREAM = (
    b"--b\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n--b\r\n\r\n--b\r\nContent-Type: Image/JPEG\r\n\r\n"
    b"\xff\xd8\r\n\r\n--b\nContent-Type: text/plain\n\nbare\n--b--\r\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_parts_are_the_same_however_they_are_cut(size: int) -> None:
    cutter = Parts(b"--b", 1_000)
    found = [part for n in range(0, len(STREAM), size) for part in cutter.feed(STREAM[n : n + size])]
    assert found == [
        Part("text/plain", b"--b\r\n"), Part("image/jpeg", b"\xff\xd8\r\n"), Part("text/plain", b"bare"),
    ]  # fmt: skip


def test_boundaries_and_limits() -> None:
    assert boundary_of("multipart/x-mixed-replace; boundary=--myboundary") == b"--myboundary"
    assert boundary_of('Multipart/Mixed;boundary="a b"') is not None
    assert boundary_of("application/json") is None
    with pytest.raises(TooLong):
        Parts(b"--b", 10).feed(b"--b\r\nContent-Length: 99\r\n\r\n")
    with pytest.raises(TooLong):
        Lines(10).feed(b"x" * 11)
    assert Lines(10).feed(b"a\n\nb\nc") == [Part("application/json", b"a"), Part("application/json", b"b")]
    assert Parts(b"--b", 100).feed(b"no boundary at all" * 100) == []


def test_the_display_is_stored_when_it_changes_and_once_a_second() -> None:
    displays = Displays()
    assert displays.feed(b"ST,GS,+  1.000kg\r\nST,GS,+  1.0", 0.0) == [b"ST,GS,+  1.000kg"]
    assert displays.feed(b"00kg\r\n", 0.1) == []
    assert displays.feed(b"ST,GS,+  1.000kg\r\n", 1.0) == [b"ST,GS,+  1.000kg"]
    assert displays.feed(b"US,GS,+  1.100kg\r\n", 1.1) == [b"US,GS,+  1.100kg"]
    assert displays.feed(b"\x02+0001000A\x03\x02+0001000A\x03", 1.2) == [b"\x02+0001000A\x03"]
    assert displays.feed(b"x" * 300, 1.3) == [b"x" * 256]


@contextmanager
def serial_server(lines: list[bytes]) -> Iterator[tuple[int, list[socket.socket]]]:
    """A simulated serial server: sends its lines to whoever connects, and keeps the line open."""
    listener = socket.create_server(("127.0.0.1", 0))
    callers: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            callers.append(caller)
            for line in lines:
                caller.sendall(line)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1], callers
    finally:
        listener.close()
        for caller in callers:
            caller.close()


def test_a_scale_behind_a_serial_server_becomes_weights_and_is_called_again(database: Database, scope: Scope) -> None:
    sender = site_with(database, scope, "scale", format="scale")[0]
    lines = [b"US,GS,+12340.0kg\r\n", b"ST,GS,+", b"12360.0kg\r\n", b"\xff\xfe broken \r\n"]
    with serial_server(lines) as (port, callers), running(RunningPorter(database, scope)):
        settle(database, scope, sender, DoorSettings(serial_server=f"127.0.0.1:{port}"))
        until(lambda: count(database, scope, "inbox") == 3, PATIENCE_S)
        callers[0].close()
        until(lambda: len(callers) >= 2, PATIENCE_S)
        until(lambda: count(database, scope, "inbox") == 6, PATIENCE_S)
        until(lambda: count(database, scope, "device_alarm", "code = 'not_connected'"), PATIENCE_S)
    parse_all(database, scope)
    found = rows(
        database, scope, "SELECT payload ->> 'weight_g', payload ->> 'is_stable' FROM reading ORDER BY id LIMIT 2"
    )
    assert found == [("12340000", "false"), ("12360000", "true")]
    assert count(database, scope, "inbox", "state = 'dead'") == 2


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        (DoorSettings(source_address="10.0.0.300"), BadAddress),
        (DoorSettings(source_address="gate.example"), BadAddress),
        (DoorSettings(trust_address=True), AddressNeeded),
        (DoorSettings(source_address="0.0.0.0/0", trust_address=True), AddressNeeded),
        (DoorSettings(pull_url="ftp://10.0.0.1/"), BadStream),
        (DoorSettings(pull_url="http://admin:secret@10.0.0.1/"), BadStream),
        (DoorSettings(serial_server="10.0.0.1"), BadLine),
        (DoorSettings(serial_server="10.0.0.1:0"), BadLine),
    ],
)
def test_each_wrong_setting_has_its_own_words(
    settings: DoorSettings, refusal: type[WmsError], database: Database, scope: Scope
) -> None:
    sender = site_with(database, scope, "gate")[0]
    with database.unit_of_work(scope) as session, pytest.raises(refusal):
        set_door(session, sender.code, settings)
    with database.unit_of_work(scope) as session, pytest.raises(UnknownDevice):
        set_door(session, "nobody", settings)
