"""What a broker's acknowledgement is worth: ``python -m benchmarks.brokers [NAME…] [--events 4000] [--rate 1000]``.

Four devices publish with QoS 1 and keep each event until its PUBACK; a consumer with a persistent session writes each
event down and acknowledges it afterwards. Then somebody is killed (SIGKILL) or asked to end (SIGTERM) in the middle and
started again. What was acknowledged to a device and never reached the consumer is lost. The configurations are those
of docs/brokers.md; a broker that is not installed is said to be so. Needs no database but for ``embedded``.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks import ingest

SENDERS = 4
QUIET_S, PATIENCE_S = 6.0, 90.0
SBIN = ":/usr/sbin:/usr/local/sbin:/usr/lib/rabbitmq/bin"
MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_inflight_messages 1000
set_tcp_nodelay true
user {user}
"""
NATS = """\
server_name: one
listen: "127.0.0.1:{client_port}"
jetstream {{ store_dir: "{folder}/jetstream"{more} }}
mqtt {{ host: "127.0.0.1", port: {port}, ack_wait: "30s", max_ack_pending: 1000 }}
"""
RABBITMQ = """\
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
mqtt.allow_anonymous = true
mqtt.default_user = guest
mqtt.default_pass = guest
mqtt.prefetch = 1000
mqtt.subscription_ttl = 604800000
{more}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def found(program: str) -> str | None:
    """Where a program is."""
    return shutil.which(program, path=os.environ.get("PATH", "") + SBIN)


@dataclass
class Broker:
    """A broker of this machine under one configuration; :meth:`command` writes it and says how to start."""

    name: str
    program: str
    more: str = ""
    folder: Path = field(default_factory=Path)
    port: int = field(default_factory=free_port)
    quiet_s: float = QUIET_S  # no more comes when nothing has come for so long
    _process: "subprocess.Popen[bytes] | None" = None

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Program, arguments and additional environment."""
        raise NotImplementedError

    def start(self) -> None:
        """Start and wait until it listens."""
        command, environ = self.command()
        with (self.folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | environ, stdout=log, stderr=log, start_new_session=True
            )
        ingest.wait_open(self.port, self._process)

    def end(self, how: signal.Signals) -> None:
        """Send the signal to the broker and all its children, and wait until they are gone."""
        assert self._process is not None
        tree = [self._process.pid, *(one.pid for one in psutil.Process(self._process.pid).children(recursive=True))]
        for pid in tree if how == signal.SIGKILL else tree[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        self._process.wait(60)
        deadline = time.monotonic() + 30
        while ingest.is_open(self.port) and time.monotonic() < deadline:
            time.sleep(0.05)


class MosquittoBroker(Broker):
    """Mosquitto; ``more`` are further lines of its configuration."""

    def command(self) -> tuple[list[str], dict[str, str]]:
        user = psutil.Process().username()
        text = MOSQUITTO.format(port=self.port, folder=self.folder, user=user) + self.more + "\n"
        (self.folder / "mosquitto.conf").write_text(text)
        return [str(found(self.program)), "-c", str(self.folder / "mosquitto.conf")], {}


class NatsBroker(Broker):
    """NATS with JetStream; ``more`` goes into its jetstream block."""

    def command(self) -> tuple[list[str], dict[str, str]]:
        given = {"port": self.port, "client_port": free_port(), "folder": self.folder, "more": self.more}
        (self.folder / "nats.conf").write_text(NATS.format(**given))
        return [str(found(self.program)), "-c", str(self.folder / "nats.conf")], {}


class RabbitBroker(Broker):
    """RabbitMQ with its MQTT plugin; ``more`` are further lines of its configuration."""

    def command(self) -> tuple[list[str], dict[str, str]]:
        (self.folder / "rabbitmq.conf").write_text(RABBITMQ.format(port=self.port, more=self.more))
        (self.folder / "plugins").write_text("[rabbitmq_mqtt].\n")
        self._epmd = getattr(self, "_epmd", free_port())
        environ = {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"b{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": str(self.folder / "rabbit.log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
        }
        program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
        return [program if Path(program).exists() else str(found(self.program))], environ

    def end(self, how: signal.Signals) -> None:
        super().end(how)
        if epmd := found("epmd"):
            environ = os.environ | {"ERL_EPMD_PORT": str(self._epmd)}
            subprocess.run([epmd, "-kill"], env=environ, capture_output=True, check=False)


BROKERS = (
    MosquittoBroker("mosquitto_as_shipped", "mosquitto"),
    MosquittoBroker("mosquitto_autosave_10", "mosquitto", "autosave_interval 10\nmax_queued_messages 100000"),
    MosquittoBroker(
        "mosquitto_each_change", "mosquitto",
        "autosave_interval 1\nautosave_on_changes true\nmax_queued_messages 100000",
    ),
    NatsBroker("nats_jetstream", "nats-server", quiet_s=40.0),  # redelivers after ack_wait
    RabbitBroker("rabbitmq_classic", "rabbitmq-server"),
)  # fmt: skip


class Consumer:
    """The consumer as a process of its own, so that it can be killed: what it wrote down stands in ``file``."""

    def __init__(self, port: int, file: Path) -> None:
        self._port, self.file = port, file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until its subscription is confirmed."""
        command = [sys.executable, "-m", "benchmarks.brokers", "--consume", str(self._port), str(self.file)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def end(self, how: signal.Signals) -> None:
        """Send the signal and wait."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def lines(self) -> list[str]:
        """Every event as often as it was written down."""
        return self.file.read_text().split() if self.file.exists() else []


def consume(port: int, file: Path) -> None:
    """Write each event down, then acknowledge it; until a signal."""
    to = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    client = paho.Client(
        CallbackAPIVersion.VERSION2, "consumer", clean_session=False, protocol=MQTTProtocolVersion.MQTTv311,
        manual_ack=True,
    )  # fmt: skip
    client.max_inflight_messages_set(1000)
    client.reconnect_delay_set(1, 1)

    def came(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        os.write(to, message.payload[:40].strip() + b"\n")
        client.ack(message.mid, message.qos)

    client.on_connect = lambda one, _d, _f, _r, _p: one.subscribe("events/#", 1)
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_message = came
    client.connect("127.0.0.1", port, 30)
    client.loop_forever(retry_first_connection=True)


class Senders:
    """Devices that publish ``events`` in all at ``rate`` a second and note what was acknowledged."""

    def __init__(self, port: int, events: int, rate: float) -> None:
        self.acked: set[str] = set()
        self._clients: list[paho.Client] = []
        self._each, self._rate = events // SENDERS, rate / SENDERS
        self._threads = [threading.Thread(target=self._send, args=(n, port), daemon=True) for n in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _send(self, n: int, port: int) -> None:
        mids: dict[int, str] = {}
        early: set[int] = set()
        client = paho.Client(CallbackAPIVersion.VERSION2, f"sender{n}", protocol=MQTTProtocolVersion.MQTTv311)
        client.max_inflight_messages_set(200)
        client.reconnect_delay_set(1, 1)

        def acknowledged(_client: paho.Client, _data: Any, mid: int, _code: Any, _props: Any) -> None:
            if mid in mids:
                self.acked.add(mids.pop(mid))
            else:
                early.add(mid)

        client.on_publish = acknowledged
        client.connect("127.0.0.1", port, 30)
        client.loop_start()
        self._clients.append(client)
        started = time.monotonic()
        for number in range(self._each):
            name = f"{n}-{number}"
            mid = client.publish(f"events/{n}", f"{name:<40}" + "x" * 390, qos=1).mid
            if mid in early:
                self.acked.add(name)
            else:
                mids[mid] = name
            time.sleep(max(0.0, started + number / self._rate - time.monotonic()))
        while mids.keys() & early:
            for mid in mids.keys() & early:
                self.acked.add(mids.pop(mid))

    def wait_acked(self, events: int) -> None:
        """Until so many are acknowledged, as long as patience lasts."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.acked) < events and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        """Disconnect."""
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for client in self._clients:
            client.disconnect()
            client.loop_stop()


def broker_killed_consumer_away(broker: Broker, consumer: Consumer, senders: Senders, events: int) -> None:
    """The consumer's session exists and it is away; the broker is killed in the middle."""
    consumer.end(signal.SIGTERM)
    senders.wait_acked(events // 2)
    broker.end(signal.SIGKILL)
    broker.start()
    senders.wait_acked(events)
    consumer.start()


def broker_killed(broker: Broker, _: Consumer, senders: Senders, events: int) -> None:
    """The consumer works; the broker is killed in the middle."""
    senders.wait_acked(events // 2)
    broker.end(signal.SIGKILL)
    broker.start()
    senders.wait_acked(events)


def broker_ended_consumer_away(broker: Broker, consumer: Consumer, senders: Senders, events: int) -> None:
    """As the first, but the broker is asked to end."""
    consumer.end(signal.SIGTERM)
    senders.wait_acked(events // 2)
    broker.end(signal.SIGTERM)
    broker.start()
    senders.wait_acked(events)
    consumer.start()


def consumer_killed(_: Broker, consumer: Consumer, senders: Senders, events: int) -> None:
    """The consumer is killed twice and comes back."""
    for share in (3, 2):
        senders.wait_acked(events // share)
        consumer.end(signal.SIGKILL)
        consumer.start()
    senders.wait_acked(events)


Trial = Callable[[Broker, Consumer, Senders, int], None]
TRIALS: tuple[Trial, ...] = (consumer_killed, broker_killed, broker_killed_consumer_away, broker_ended_consumer_away)


@contextmanager
def set_up(broker: Broker) -> Iterator[Consumer]:
    """A started broker with a folder of its own, and a consumer that is subscribed."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-broker-", dir="/var/tmp"))
    folder.chmod(0o777)  # RabbitMQ and Mosquitto may run as users of their own
    broker.folder, broker.port = folder, free_port()
    broker.start()
    consumer = Consumer(broker.port, folder / "written")
    consumer.start()
    try:
        yield consumer
    finally:
        consumer.end(signal.SIGTERM)
        with suppress(Exception):
            broker.end(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def tried(broker: Broker, trial: Trial, events: int, rate: float) -> dict[str, Any]:
    """One trial: counts, and whether nothing that was acknowledged was lost."""
    with set_up(broker) as consumer:
        senders = Senders(broker.port, events, rate)
        trial(broker, consumer, senders, events)
        written, quiet_since = len(consumer.lines()), time.monotonic()
        while time.monotonic() - quiet_since < broker.quiet_s:
            time.sleep(0.2)
            if (now := len(consumer.lines())) != written:
                written, quiet_since = now, time.monotonic()
        senders.close()
        lines = consumer.lines()
    lost = len(senders.acked - set(lines))
    return _told(broker.name, trial.__name__, len(senders.acked), len(set(lines)), lost, len(lines) - len(set(lines)))


def embedded(events: int, rate: float) -> Iterator[dict[str, Any]]:
    """The embedded broker: killed in the middle, started again; its consumer is itself."""

    from sqlalchemy import text  # noqa: PLC0415

    with ingest.bench() as made:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
        port = free_port()
        environ |= {"DONGTING_DATABASE_URL": made.url, "DONGTING_SECRET_KEY": ingest.SECRET}
        environ |= {"DONGTING_MQTT_PORT": str(port), "DONGTING_DATA": str(made.folder)}
        command = [sys.executable, "-m", "web.cli", "ingest"]
        out = (made.folder / "ingest.out").open("ab")
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
        ingest.wait_open(port, process)
        publishers = [ingest.Publisher(made, n, port, rate / SENDERS, events // SENDERS) for n in range(SENDERS)]
        for one in publishers:
            one.start()
        while sum(len(one.took_ms) for one in publishers) < events // 2:
            time.sleep(0.01)
        for child in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            child.kill()
        process.wait()
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
        for one in publishers:
            one.join(PATIENCE_S)
        with made.database.unit_of_work(made.scope) as session:
            rows, copies = session.execute(text("SELECT count(*), sum(copies) FROM inbox")).one()
        acked = sum(len(one.took_ms) for one in publishers)
        process.terminate()
        process.wait(30)
        out.close()
    yield _told("embedded", "broker_killed", acked, rows, max(0, acked - rows), int(copies))


def _told(broker: str, trial: str, acked: int, reached: int, lost: int, again: int) -> dict[str, Any]:
    return {"broker": broker, "trial": trial, "acked": acked, "reached": reached, "lost": lost, "again": again}


def measure(names: Sequence[str], events: int, rate: float) -> int:
    """Every trial of the brokers asked for, one JSON line each."""
    for broker in BROKERS:
        if names and not any(broker.name.startswith(name) for name in names):
            continue
        if found(broker.program) is None:
            print(json.dumps({"broker": broker.name, "trial": None, "why": f"{broker.program} is not installed"}))
            continue
        for trial in TRIALS:
            try:
                print(json.dumps(tried(broker, trial, events, rate)), flush=True)
            except Exception as why:  # noqa: BLE001 - the next one is tried all the same
                print(json.dumps({"broker": broker.name, "trial": trial.__name__, "why": repr(why)[:300]}), flush=True)
    if not names or "embedded" in names:
        for row in embedded(events, rate):
            print(json.dumps(row), flush=True)
    return 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.brokers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which brokers; all unless told")
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=1000, help="events a second")
    parser.add_argument("--consume", nargs=2, metavar=("PORT", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.consume:
        consume(int(asked.consume[0]), Path(asked.consume[1]))
        return 0
    return measure(asked.names, asked.events, asked.rate)


if __name__ == "__main__":
    sys.exit(main())
