"""The embedded broker in a thread of the test, and real MQTT clients that speak to it over a socket."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from iot.broker import EmbeddedBroker
from iot.committer import Committer, InboxWriter
from iot.inbox import Arrival, Outcome
from iot.register import Registry
from tests.iot.world import SECRET, Sender
from wms.db import Database, Scope


def until(what: Callable[[], Any], patience_s: float = 10.0) -> Any:
    """The first true value of ``what``; fails the test when it does not come in time."""
    deadline = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


class RunningDoor:
    """A broker with its committer. ``hold`` keeps commits back; ``fail`` is called before each write."""

    def __init__(
        self, database: Database, scope: Scope, retained: Sequence[tuple[str, bytes]] = (), **options: Any
    ) -> None:
        self._database, self._scope, self._retained, self._options = database, scope, retained, options
        self._write = InboxWriter(database, scope)
        self.go = threading.Event()
        self.go.set()
        self.committed: list[tuple[Arrival, Outcome]] = []
        self.fail: Callable[[], None] = lambda: None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def _gated(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        self.go.wait(30)
        self.fail()
        return self._write(arrivals)

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.committer = Committer(self._gated, lambda a, o: self.committed.extend(zip(a, o, strict=True)))
        registry = Registry(self._database, self._scope, SECRET)
        self.broker = EmbeddedBroker(registry, self.committer, "127.0.0.1", 0, limit_bytes=1_048_576, **self._options)
        await self.broker.open(self._retained)
        self.port = self.broker.port
        committing = asyncio.create_task(self.committer.run())
        self._ready.set()
        await self._stop.wait()
        await self.broker.close()
        committing.cancel()
        self.committer.close()

    def send(self, topic: str, payload: bytes) -> bool:
        """Send a message to whoever listens, from the test's thread."""
        return bool(asyncio.run_coroutine_threadsafe(self.broker.send(topic, payload), self.loop).result(5))

    def start(self) -> "RunningDoor":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self.go.set()
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(15)
        assert not self._thread.is_alive()


class Client:
    """A paho client that keeps what it sees."""

    def __init__(
        self, port: int, user: str, token: str | None, *, client_id: str | None = None, **options: Any
    ) -> None:
        clean = options.pop("clean_session", True)
        self.keepalive = options.pop("keepalive", 30)
        self.port = port
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2, client_id or user, clean, protocol=MQTTProtocolVersion.MQTTv311
        )
        if user:
            self.paho.username_pw_set(user, token)
        if context := options.pop("tls", None):
            self.paho.tls_set_context(context)
        if will := options.pop("will", None):
            self.paho.will_set(**will)
        assert not options
        self.messages: list[paho.MQTTMessage] = []
        self.acked: set[int] = set()
        self.subscribed: list[Any] = []
        self.connects: list[Any] = []
        self.ends: list[Any] = []
        self.paho.on_message = lambda _c, _u, message: self.messages.append(message)
        self.paho.on_publish = lambda _c, _u, mid, _r, _p: self.acked.add(mid)
        self.paho.on_subscribe = lambda _c, _u, _m, reasons, _p: self.subscribed.append(reasons)
        self.paho.on_connect = lambda _c, _u, flags, reason, _p: self.connects.append((flags, reason))
        self.paho.on_disconnect = lambda _c, _u, _f, reason, _p: self.ends.append(reason)

    def connect(self, *, wait: bool = True) -> "Client":
        self.paho.reconnect_delay_set(60, 60)  # a test says itself when to come back
        self.paho.connect("127.0.0.1", self.port, keepalive=self.keepalive)
        self.paho.loop_start()
        if wait:
            until(lambda: self.connects)
            assert not self.connects[0][1].is_failure, self.connects
        return self

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> int:
        return self.paho.publish(topic, payload, qos, retain).mid

    def is_acked(self, mid: int) -> bool:
        return mid in self.acked

    def subscribe(self, topic_filter: str, qos: int = 1) -> Any:
        before = len(self.subscribed)
        self.paho.subscribe(topic_filter, qos)
        until(lambda: len(self.subscribed) > before)
        return self.subscribed[-1][0]

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def cut(self) -> None:
        """Break the connection without DISCONNECT."""
        self.paho.loop_stop()
        sock = self.paho.socket()
        if sock is not None:
            sock.close()


class Visitors:
    """Clients of one test, closed at its end."""

    def __init__(self, door: RunningDoor) -> None:
        self.door = door
        self.clients: list[Client] = []
        self.sockets: list[socket.socket] = []

    def raw(self, data: bytes = b"") -> socket.socket:
        """A bare connection on which ``data`` was sent."""
        made = socket.create_connection(("127.0.0.1", self.door.port), timeout=10)
        self.sockets.append(made)
        made.sendall(data)
        return made

    def __call__(self, sender: Sender, *, token: str | None = None, wait: bool = True, **options: Any) -> Client:
        client = Client(self.door.port, options.pop("user", sender.code), token or sender.token, **options)
        self.clients.append(client)
        return client.connect(wait=wait)


@contextmanager
def running(door: RunningDoor) -> Iterator[Visitors]:
    """The door while the block runs."""
    visitors = Visitors(door.start())
    try:
        yield visitors
    finally:
        for client in visitors.clients:
            client.close()
        for sock in visitors.sockets:
            sock.close()
        door.stop()
