"""The doors without MQTT in a thread of the test, and who knocks: real sockets, real HTTP."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from iot import gather
from iot.doors import frames, push
from iot.doors.porter import Porter
from iot.inbox import Arrival, Outcome
from iot.register import Register, Registry
from tests.iot.world import SECRET
from wms.db import Database, Scope

PATIENCE_S = 60.0


class Eager(Registry):
    """The register, read again at each look: a test's devices are known at once."""

    def refresh(self, older_than_s: float = 0.0) -> Register:
        return super().refresh(0.0 * older_than_s)


class RunningPorter:
    """A porter in a thread. ``fail`` is called before each write: it may raise as the database would."""

    def __init__(self, database: Database, scope: Scope, *, limit_bytes: int = 1_048_576) -> None:
        self.porter = Porter(
            database, scope, SECRET, host="127.0.0.1", http_port=0, frame_port=0, limit_bytes=limit_bytes,
            first_pause_s=0.05,
        )  # fmt: skip
        self.porter._registry = Eager(database, scope, SECRET)
        self._write = self.porter.write
        self.porter.write = self._gated
        self.fail: Callable[[], None] = lambda: None
        self.go = threading.Event()
        self.go.set()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.porter.serve(self._stop)

    def _gated(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        self.go.wait(PATIENCE_S)
        self.fail()
        return self._write(arrivals)

    @property
    def http(self) -> int:
        """The port of the HTTP door."""
        assert self.porter.http_port
        return self.porter.http_port

    @property
    def frames(self) -> int:
        """The port of the front ends' door."""
        assert self.porter.frame_port
        return self.porter.frame_port

    def start(self) -> "RunningPorter":
        self._thread.start()
        assert self.porter.ready.wait(PATIENCE_S)
        return self

    def stop(self) -> None:
        self.go.set()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextmanager
def running(porter: RunningPorter) -> Iterator[RunningPorter]:
    """The doors while the block runs; they wait as long as a busy machine needs."""
    patience = push.PATIENCE_S, frames.ANSWER_S
    push.PATIENCE_S = frames.ANSWER_S = PATIENCE_S
    porter.start()
    try:
        yield porter
    finally:
        porter.stop()
        push.PATIENCE_S, frames.ANSWER_S = patience


def send(
    port: int, path: str, body: bytes, headers: Mapping[str, str] | None = None, *, method: str = "POST"
) -> tuple[int, bytes, dict[str, str]]:
    """One request on a connection of its own: status, body, headers (names in lower case)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


class FrontEnd:
    """A customs front end on a connection: sends frames, reads result frames."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._rest = b""

    def say(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def hear(self, patience_s: float = PATIENCE_S) -> gather.Frame | None:
        """The next result frame; None when the connection ends or nothing comes in time."""
        self.socket.settimeout(patience_s)
        while True:
            pieces, self._rest = gather.split(self._rest)
            if pieces:
                return gather.decode(pieces[0])
            try:
                chunk = self.socket.recv(65_536)
            except (TimeoutError, ConnectionError):
                return None
            if not chunk:
                return None
            self._rest += chunk

    def close(self) -> None:
        self.socket.close()
