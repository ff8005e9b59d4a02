"""HTTP push: 2xx means committed, whoever is not known is kept in quarantine, and no answer ever opens a barrier."""

import base64
import hashlib
import http.client
import json
import re
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from iot.doors.setup import DoorSettings, set_door
from iot.parsing import parse_waiting
from tests.iot.doors import until
from tests.iot.porter import PATIENCE_S, RunningPorter, running, send
from tests.iot.world import Sender, count, make_device, read_register, rows, site_with
from wms.db import Database, Scope
from wms.parties.tables import Site


@pytest.fixture
def door(database: Database, scope: Scope) -> Iterator[RunningPorter]:
    with running(RunningPorter(database, scope)) as porter:
        yield porter


def bearer(sender: Sender) -> dict[str, str]:
    return {"Authorization": f"Bearer {sender.token}"}


def camera(database: Database, scope: Scope, format_name: str) -> Sender:
    return site_with(database, scope, "gate", format=format_name)[0]


def parse_all(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        parse_waiting(session, read_register(database, scope))


def settle(database: Database, scope: Scope, sender: Sender, settings: DoorSettings) -> None:
    with database.unit_of_work(scope) as session:
        set_door(session, sender.code, settings)


@pytest.mark.parametrize(
    ("format_name", "sample", "plate"),
    [
        ("hikvision", "hikvision-anpr-v58.xml", None),
        ("zhenshi", "zhenshi-http-AlarmInfoPlate.json", None),
        ("platerecognizer", "platerecognizer-stream-webhook.json", None),
    ],
)
def test_a_makers_own_message_is_committed_answered_and_read(
    format_name: str,
    sample: str,
    plate: str | None,
    shared: Path,
    door: RunningPorter,
    database: Database,
    scope: Scope,
) -> None:
    sender = camera(database, scope, format_name)
    body = (shared / "data/iot" / sample).read_bytes()
    status, answer, _ = send(door.http, f"/push/{sender.code}", body, bearer(sender))
    assert status == 200, answer
    assert count(database, scope, "inbox", "door = 'http' AND state = 'received'") == 1
    parse_all(database, scope)
    found = rows(database, scope, "SELECT kind, payload ->> 'plate' FROM reading")
    assert {kind for kind, _ in found} == {"PlateRead"}


def test_hikvisions_multipart_with_pictures_is_kept_whole_and_read(
    shared: Path, door: RunningPorter, database: Database, scope: Scope
) -> None:
    sender = camera(database, scope, "hikvision")
    xml = (shared / "data/iot/hikvision-anpr-v58.xml").read_bytes()
    picture = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
    body = b"".join(
        (
            b'--MIME_boundary\r\nContent-Disposition: form-data; name="anpr.xml"\r\nContent-Type: text/xml\r\n\r\n',
            xml, b'\r\n--MIME_boundary\r\nContent-Type: image/jpeg\r\n\r\n', picture, b"\r\n--MIME_boundary--\r\n",
        )
    )  # fmt: skip
    headers = bearer(sender) | {"Content-Type": "multipart/form-data; boundary=MIME_boundary"}
    assert send(door.http, f"/push/{sender.code}", body, headers)[0] == 200
    assert bytes(rows(database, scope, "SELECT payload FROM inbox")[0][0]) == body
    parse_all(database, scope)
    assert count(database, scope, "reading", "kind = 'PlateRead'") == 1


def test_head_is_answered_with_a_head_alone_and_the_connection_goes_on(door: RunningPorter) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.http, timeout=PATIENCE_S)
    for method, path, status, body in (
        ("HEAD", "/healthz", 200, b""), ("GET", "/healthz", 200, b"ok\n"), ("HEAD", "/", 404, b""),
        ("HEAD", "/push/nobody", 405, b""), ("GET", "/healthz", 200, b"ok\n"),
    ):  # fmt: skip
        connection.request(method, path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, body)
    connection.close()


def test_zhenshi_is_never_told_to_open(shared: Path, door: RunningPorter, database: Database, scope: Scope) -> None:
    sender = camera(database, scope, "zhenshi")
    body = (shared / "data/iot/zhenshi-http-AlarmInfoPlate.json").read_bytes()
    for payload in (body, b"{}", b"not json"):
        status, answer, headers = send(door.http, f"/push/{sender.code}", payload, bearer(sender))
        assert status == 200
        assert headers["content-type"] == "application/json"
        told = json.loads(answer)["Response_AlarmInfoPlate"]
        assert told["info"] != "ok"
        assert "manualTrigger" not in told
        assert "serialData" not in told


def test_the_same_message_again_is_one_row_and_ours_with_other_bytes_a_conflict(
    door: RunningPorter, database: Database, scope: Scope
) -> None:
    sender = camera(database, scope, "dongting")
    message = sender.message()
    for _ in range(3):
        assert send(door.http, f"/push/{sender.code}", message, bearer(sender))[0] == 200
    assert rows(database, scope, "SELECT count(*), sum(copies) FROM inbox") == [(1, 2)]
    other = message.replace(b'"seq": 1', b'"seq": 9')
    assert other != message
    assert send(door.http, f"/push/{sender.code}", other, bearer(sender))[0] == 200
    assert count(database, scope, "inbox_conflict") == 1


def test_every_way_to_show_a_token(door: RunningPorter, database: Database, scope: Scope) -> None:
    sender = camera(database, scope, "dongting")
    basic = base64.b64encode(f"{sender.code}:{sender.token}".encode()).decode()
    ways = [
        ("", {"Authorization": f"Bearer {sender.token}"}),
        ("", {"Authorization": f"Token {sender.token}"}),
        ("", {"Authorization": f"Basic {basic}"}),
        ("", {"X-Device-Token": sender.token}),
        (f"/{sender.token}", {}),
        (f"/{sender.token}/devicemanagement/alarm", {}),
    ]
    for seq, (path, headers) in enumerate(ways, 1):
        status, answer, _ = send(door.http, f"/push/{sender.code}{path}", sender.message(seq=seq), headers)
        assert status == 200, (path, headers, answer)
    assert count(database, scope, "inbox", "state = 'received' AND source = :code", code=sender.code) == len(ways)


def test_digest_as_cameras_speak_it(door: RunningPorter, database: Database, scope: Scope) -> None:
    sender = camera(database, scope, "dongting")
    settle(database, scope, sender, DoorSettings(digest_token=sender.token))
    path = f"/push/{sender.code}"
    challenge = ""

    def asked() -> bool:
        nonlocal challenge
        status, _, headers = send(door.http, path, sender.message(seq=90))
        challenge = headers.get("www-authenticate", "")
        return status == 401 and count(database, scope, "inbox") == 0 and challenge.startswith("Digest")

    assert asked()
    nonce = re.search(r'nonce="([^"]+)"', challenge)
    assert nonce

    def credentials(password: str, uri: str = path, given: str = nonce.group(1)) -> dict[str, str]:
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        one, two = md5(f"{sender.code}:dongting:{password}"), md5(f"POST:{uri}")
        answer = md5(f"{one}:{given}:00000001:abc:auth:{two}")
        return {
            "Authorization": f'Digest username="{sender.code}", realm="dongting", nonce="{given}", uri="{uri}",'
            f' qop=auth, nc=00000001, cnonce="abc", response="{answer}"'
        }

    until(lambda: send(door.http, path, sender.message(), credentials(sender.token))[0] == 200, PATIENCE_S)
    assert send(door.http, path, sender.message(seq=2), credentials("wrong"))[0] == 401
    assert send(door.http, path, sender.message(seq=3), credentials(sender.token, uri="/push/other"))[0] == 401
    assert send(door.http, path, sender.message(seq=4), credentials(sender.token, given="1.0"))[0] == 401
    sealed = rows(database, scope, "SELECT profile ->> 'digest' FROM device WHERE code = :c", c=sender.code)[0][0]
    assert sender.token not in sealed


def test_a_configured_address_is_needed_and_where_said_enough(
    door: RunningPorter, database: Database, scope: Scope
) -> None:
    here, elsewhere = site_with(database, scope, "gate", "gate")
    settle(database, scope, here, DoorSettings(source_address="127.0.0.0/24", trust_address=True))
    settle(database, scope, elsewhere, DoorSettings(source_address="10.9.8.7"))
    assert send(door.http, f"/push/{here.code}", here.message())[0] == 200
    assert send(door.http, f"/push/{elsewhere.code}", elsewhere.message(), bearer(elsewhere))[0] == 403
    assert rows(database, scope, "SELECT source, state FROM inbox ORDER BY id") == [
        (here.code, "received"), ("http:127.0.0.1", "dead"),
    ]  # fmt: skip


def test_unknown_devices_and_wrong_tokens_are_kept_in_quarantine_a_few_a_minute(
    door: RunningPorter, database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot.doors.push.monotonic", lambda: 1_000.0)  # all within one minute
    sender = camera(database, scope, "hikvision")
    assert send(door.http, "/push/nobody", b"<x/>")[0] == 403
    assert send(door.http, f"/push/{sender.code}", b"<x/>", {"Authorization": "Bearer wrong"})[0] == 401
    reasons = rows(database, scope, "SELECT reason FROM dead_letter ORDER BY id")
    assert reasons == [("unknown_device",), ("not_authenticated",)]
    for n in range(60):
        assert send(door.http, "/push/nobody", b"<x n='%d'/>" % n)[0] == 403
    assert count(database, scope, "inbox") == 20
    assert not count(database, scope, "inbox", "source = :code", code=sender.code)
    until(
        lambda: rows(
            database,
            scope,
            "SELECT 1 FROM device_alarm WHERE code = 'http_refused' AND subject = 'nobody' AND count >= 61",
        ),
        PATIENCE_S,
    )


def test_what_is_too_large_is_refused_before_it_is_read_and_alarmed(database: Database, scope: Scope) -> None:
    with running(RunningPorter(database, scope, limit_bytes=10_000)) as door:
        sender = camera(database, scope, "hikvision")
        with socket.create_connection(("127.0.0.1", door.http), timeout=PATIENCE_S) as caller:
            head = f"POST /push/{sender.code} HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
            caller.sendall(head.encode())
            assert caller.recv(100).startswith(b"HTTP/1.1 413")
        with socket.create_connection(("127.0.0.1", door.http), timeout=PATIENCE_S) as caller:
            head = f"POST /push/{sender.code} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            caller.sendall(head.encode() + b"2ee0\r\n" + b"x" * 12_000)
            assert caller.recv(100).startswith(b"HTTP/1.1 413")
        assert send(door.http, f"/push/{sender.code}", b"<x/>", bearer(sender))[0] == 200
        until(
            lambda: count(database, scope, "device_alarm", "code = 'http_refused' AND detail = 'oversized'"), PATIENCE_S
        )


BROKEN = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /push/x HTTP/1.1\r\nContent-Length: -5\r\nHost: x\r\n\r\n",
    b"POST /push/x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\nHost: x\r\n\r\n",
    b"POST /push/x HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
    b"\xff\xfe" * 5_000,
)


@pytest.mark.parametrize("nonsense", BROKEN)
def test_nonsense_ends_its_own_connection_alone(
    nonsense: bytes, door: RunningPorter, database: Database, scope: Scope
) -> None:
    sender = camera(database, scope, "dongting")
    with socket.create_connection(("127.0.0.1", door.http), timeout=PATIENCE_S) as caller:
        caller.sendall(nonsense)
        caller.shutdown(socket.SHUT_WR)
        said = b""
        try:
            while chunk := caller.recv(4096):
                said += chunk
        except ConnectionError:
            pass
        assert said == b"" or said.startswith(b"HTTP/1.1 4")
    assert send(door.http, f"/push/{sender.code}", sender.message(), bearer(sender))[0] == 200


def test_a_thousand_callers_who_say_nothing_keep_no_camera_out(
    door: RunningPorter, database: Database, scope: Scope
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8_192 if hard == resource.RLIM_INFINITY else min(8_192, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    n = 1_000 if max(soft, wanted) >= 4_096 else 100
    sender = camera(database, scope, "dongting")
    idle = []
    try:
        for _ in range(n):
            idle.append(socket.create_connection(("127.0.0.1", door.http), timeout=PATIENCE_S))
            idle[-1].sendall(b"POST /push/x HT")  # and then nothing more
        for seq in range(1, 6):
            assert send(door.http, f"/push/{sender.code}", sender.message(seq=seq), bearer(sender))[0] == 200
    finally:
        for one in idle:
            one.close()
    assert count(database, scope, "inbox") == 5


def test_nothing_is_answered_before_the_commit_and_503_while_the_database_is_away(
    door: RunningPorter, database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot.doors.push.PATIENCE_S", 0.3)
    sender = camera(database, scope, "dongting")
    message = sender.message()
    door.go.clear()
    status, _, headers = send(door.http, f"/push/{sender.code}", message, bearer(sender))
    assert (status, headers["retry-after"]) == (503, "5")
    assert count(database, scope, "inbox") == 0
    away = True

    def fail() -> None:
        if away:
            raise OperationalError("INSERT", {}, ConnectionError("the server is gone"))

    door.fail = fail
    door.go.set()
    assert send(door.http, f"/push/{sender.code}", message, bearer(sender))[0] == 503
    away = False
    until(lambda: send(door.http, f"/push/{sender.code}", message, bearer(sender))[0] == 200, PATIENCE_S)
    until(lambda: rows(database, scope, "SELECT count(*), min(state) FROM inbox") == [(1, "received")], PATIENCE_S)


def test_one_connection_may_send_many_messages(door: RunningPorter, database: Database, scope: Scope) -> None:
    import http.client

    sender = camera(database, scope, "dongting")
    connection = http.client.HTTPConnection("127.0.0.1", door.http, timeout=PATIENCE_S)
    for seq in range(1, 101):
        connection.request("POST", f"/push/{sender.code}", sender.message(seq=seq), bearer(sender))
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"stored": true}')
    connection.close()
    found = rows(database, scope, "SELECT convert_from(payload, 'utf8')::json ->> 'seq' FROM inbox ORDER BY id")
    assert [int(seq) for (seq,) in found] == list(range(1, 101))


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "POST", 404), ("/push", "POST", 404), ("/push/x", "GET", 405)]
)
def test_other_addresses_and_methods(path: str, method: str, status: int, door: RunningPorter) -> None:
    assert send(door.http, path, b"", method=method)[0] == status


def test_a_device_registered_a_moment_ago_is_known(door: RunningPorter, database: Database, scope: Scope) -> None:
    camera(database, scope, "dongting")
    with database.unit_of_work(scope) as session:
        site = session.query(Site).first()
        assert site is not None
        new = make_device(session, site, "gate")
    until(lambda: send(door.http, f"/push/{new.code}", new.message(), bearer(new))[0] == 200, PATIENCE_S)
