"""A real Mosquitto with the configuration and access list that `dongting broker config` writes for it."""

import getpass
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from iot.client import SiteBroker
from iot.committer import InboxWriter
from iot.register import Registry
from tests.conftest import Urls, lacking
from tests.iot.doors import Client, until
from tests.iot.mosquitto import find
from tests.iot.processes import free_port
from tests.iot.world import SECRET, Sender, count, site_with
from web.commands.broker import command
from web.machine.certificate import files, make_device
from wms.db import Database, Scope


@dataclass
class Site:
    """The broker, its files, two devices of it, and what the command told."""

    port: int
    data: Path
    gates: list[Sender]
    told: str

    @property
    def url(self) -> str:
        [line] = [line for line in self.told.splitlines() if "DONGTING_MQTT_URL" in line]
        return line.split('"')[1]

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(files(self.data).authority))

    def client(self, gate: Sender) -> Client:
        context = self.context()
        context.load_cert_chain(*make_device(self.data, gate.code))
        return Client(self.port, "", None, client_id=gate.code, tls=context).connect()


@pytest.fixture
def site(
    database: Database, scope: Scope, urls: Urls, tenant: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    program = find()
    if program is None:
        lacking("mosquitto", "Mosquitto is not installed (apt install mosquitto)")
    gates = site_with(database, scope, "gate", "gate")
    monkeypatch.setenv("DONGTING_DATABASE_URL", urls.app)
    monkeypatch.setenv("DONGTING_TENANT", str(tenant))
    data, folder, port = tmp_path / "data", tmp_path / "broker", free_port()
    asked = ["config", str(folder), "--data", str(data), "--host", "127.0.0.1", "--port", str(port)]
    done = CliRunner().invoke(command, [*asked, "--state", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    conf = folder / "mosquitto.conf"
    conf.write_text(conf.read_text() + f"user {getpass.getuser()}\n")
    log = (folder / "out.log").open("wb")
    process = subprocess.Popen([str(program), "-c", str(conf)], stdout=log, stderr=log)
    try:
        yield Site(port, data, gates, done.output)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_devices_say_and_hear_their_own_and_ingest_reads_them(site: Site, database: Database, scope: Scope) -> None:
    mine, other = site.gates
    registry = Registry(database, scope, SECRET)
    registry.refresh()
    writer = InboxWriter(database, scope)
    door = SiteBroker(
        site.url, registry, writer, lambda *_: None, limit_bytes=10**6, on_session_lost=lambda _: None
    )  # fmt: skip
    door.start()
    until(lambda: door.is_connected, 60)
    gate, stranger = site.client(mine), site.client(other)
    try:
        gate.subscribe(mine.topic("cmd"))
        stranger.subscribe(mine.topic("cmd"))  # granted, perhaps; nothing comes
        stranger.subscribe(mine.topic("event"))

        def is_stored() -> bool:  # until the subscription of ingest has arrived, too
            gate.publish(mine.topic(), mine.message())
            return count(database, scope, "inbox", "source = :code", code=mine.code) > 0

        until(is_stored, 60)
        stranger.publish(mine.topic(), mine.message(seq=77))  # forged: Mosquitto drops it
        own = stranger.publish(other.topic(), other.message(seq=1))
        until(lambda: stranger.is_acked(own), 60)
        until(lambda: count(database, scope, "inbox", "source = :code", code=other.code) == 1, 60)
        assert not count(database, scope, "inbox", "convert_from(payload, 'utf8') LIKE '%\"seq\": 77%'")
        assert door.send(mine.topic("cmd"), b"open")
        until(lambda: gate.messages, 60)
        assert gate.messages[0].payload == b"open"
        assert not stranger.messages
    finally:
        gate.close()
        stranger.close()
        door.stop()


def test_who_shows_no_certificate_is_not_let_in(site: Site) -> None:
    client = Client(site.port, site.gates[0].code, site.gates[0].token, tls=site.context())
    try:
        client.connect(wait=False)
        until(lambda: client.ends or client.connects, 30)
    except (ssl.SSLError, OSError):
        return
    assert not client.connects
    client.close()
