"""TLS at the embedded broker: certificates that name a device, and everything that is not that device's."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iot.broker import EmbeddedBroker, PortTaken
from iot.broker.tls import OPTIONAL, REQUIRED, NoTlsFiles, NoWayIn, Tls, ways_in
from iot.signing import revoke_certificates
from tests.iot.doors import Client, RunningDoor, until
from tests.iot.world import Sender, count, site_with
from web.machine.certificate import files, make, make_device
from wms.db import Database, Scope
from wms.settings import load_settings


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    ours = make(tmp_path, ())
    return Tls(0, ours.server, ours.server_key, ours.authority, OPTIONAL)


@pytest.fixture
def gates(database: Database, scope: Scope) -> list[Sender]:
    return site_with(database, scope, "gate", "gate")


class Visit:
    """Clients at the TLS port, closed at the end."""

    def __init__(self, door: RunningDoor, folder: Path) -> None:
        self.door, self.folder = door, folder
        self.clients: list[Client] = []

    def context(self, shows: str | None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(files(self.folder).authority))
        if shows:
            made.load_cert_chain(*make_device(self.folder, shows))
        return made

    def client(
        self, user: str, token: str | None = None, *, context: ssl.SSLContext, client_id: str | None = None
    ) -> Client:
        made = Client(self.door.broker.tls_port, user, token, client_id=client_id, tls=context)
        self.clients.append(made)
        return made

    def __call__(
        self, user: str, token: str | None = None, *, shows: str | None = None, client_id: str | None = None
    ) -> Client:
        return self.client(user, token, context=self.context(shows), client_id=client_id).connect(wait=False)

    def is_shut_out(self, client: Client) -> bool:
        """Whether the handshake is refused: at once, or with the first read (TLS 1.3)."""
        try:
            client.connect(wait=False)
            until(lambda: client.ends or client.connects, 30)
        except (ssl.SSLError, OSError):
            return True
        return not client.connects


@pytest.fixture
def visit(tls: Tls, database: Database, scope: Scope, tmp_path: Path) -> Iterator[Visit]:
    yield from _visits(tls, database, scope, tmp_path)


@pytest.fixture
def strict(tls: Tls, database: Database, scope: Scope, tmp_path: Path) -> Iterator[Visit]:
    yield from _visits(replace(tls, clients=REQUIRED), database, scope, tmp_path, is_plain=False)


def _visits(tls: Tls, database: Database, scope: Scope, folder: Path, *, is_plain: bool = True) -> Iterator[Visit]:
    door = RunningDoor(database, scope, tls=tls, is_plain=is_plain).start()
    made = Visit(door, folder)
    try:
        yield made
    finally:
        for client in made.clients:
            client.close()
        door.stop()


def is_let_in(client: Client) -> bool:
    until(lambda: client.connects, 30)
    return not client.connects[0][1].is_failure


def test_a_token_over_tls_is_as_good_as_without(
    visit: Visit, gates: list[Sender], database: Database, scope: Scope
) -> None:
    gate = visit(gates[0].code, gates[0].token)
    assert is_let_in(gate)
    mid = gate.publish(gates[0].topic(), gates[0].message())
    until(lambda: gate.is_acked(mid), 30)
    assert count(database, scope, "inbox", "state = 'received'") == 1


def test_a_certificate_alone_stands_for_the_device_of_its_name(
    visit: Visit, gates: list[Sender], database: Database, scope: Scope
) -> None:
    mine, other = gates
    gate = visit("", shows=mine.code, client_id=mine.code)
    assert is_let_in(gate)
    mids = {gate.publish(mine.topic(), mine.message()), gate.publish(other.topic(), other.message())}
    until(lambda: mids <= gate.acked, 30)
    assert count(database, scope, "inbox", "state = 'received' AND source = :code", code=mine.code) == 1
    assert count(database, scope, "dead_letter", "reason = 'foreign_topic'") == 1


def test_a_certificate_does_not_stand_for_another_device(visit: Visit, gates: list[Sender]) -> None:
    mine, other = gates
    assert not is_let_in(visit(other.code, shows=mine.code))
    assert not is_let_in(visit(other.code, other.token, shows=mine.code))  # not even with the other's token
    assert not is_let_in(visit(mine.code, "wrong", shows=mine.code))  # a token that is given must be right
    assert not is_let_in(visit("", shows=mine.code, client_id=other.code))
    assert not is_let_in(visit("", shows="stranger", client_id="stranger"))
    assert is_let_in(visit(mine.code, mine.token, shows=mine.code))


def test_a_certificate_of_another_authority_ends_in_the_handshake(
    visit: Visit, gates: list[Sender], tmp_path: Path
) -> None:
    context = visit.context(None)
    context.load_cert_chain(*make_device(tmp_path / "elsewhere", gates[0].code))
    assert visit.is_shut_out(visit.client("", context=context, client_id=gates[0].code))


def test_where_certificates_are_required_a_token_is_not_enough_and_no_plain_port_is_open(
    strict: Visit, gates: list[Sender]
) -> None:
    assert strict.door.broker.port == 0
    assert strict.is_shut_out(strict.client(gates[0].code, gates[0].token, context=strict.context(None)))
    assert is_let_in(strict("", shows=gates[0].code, client_id=gates[0].code))


def test_a_revoked_certificate_lets_nobody_in_and_a_later_one_does(
    visit: Visit, gates: list[Sender], database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot.register.REFRESH_S", 0.0)
    code = gates[0].code
    with database.unit_of_work(scope) as session:
        revoke_certificates(session, code, datetime(2200, 1, 1, tzinfo=UTC))
    assert not is_let_in(visit("", shows=code, client_id=code))
    with database.unit_of_work(scope) as session:
        revoke_certificates(session, code, datetime.now(UTC))
    assert is_let_in(visit("", shows=code, client_id=code))


def test_a_taken_tls_port_is_named_with_its_own_setting(tls: Tls) -> None:
    async def second(taken: int) -> None:
        broker = EmbeddedBroker(None, None, "127.0.0.1", 0, limit_bytes=1, tls=replace(tls, port=taken))  # type: ignore[arg-type]
        try:
            await broker.open(())
        finally:
            for server in broker._servers.values():
                server.instance.close()

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port}: .*DONGTING_MQTT_TLS_PORT"):
            asyncio.run(second(port))


def test_missing_files_are_named(tls: Tls, tmp_path: Path) -> None:
    with pytest.raises(NoTlsFiles, match=r"nothing\.crt"):
        replace(tls, certificate=tmp_path / "nothing.crt").context()
    with pytest.raises(NoTlsFiles, match=r"nobody\.crt"):
        replace(tls, authority=tmp_path / "nobody.crt").context()


@pytest.mark.parametrize(
    "environment", [{"DONGTING_MQTT_PLAIN": "off"}, {"DONGTING_MQTT_CLIENT_CERTIFICATES": REQUIRED}]
)
def test_a_plain_port_that_is_closed_without_one_for_tls_is_no_way_in(environment: dict[str, str]) -> None:
    with pytest.raises(NoWayIn):
        ways_in(load_settings(environment))
    tls, is_plain = ways_in(load_settings(environment | {"DONGTING_MQTT_TLS_PORT": "8883"}))
    assert tls is not None
    assert not is_plain
