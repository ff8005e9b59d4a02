"""The process ``dongting doors``: every way in that is not MQTT, on one loop, with a committer of its own.

Connections that we open ourselves (cameras that are asked, scales) are made by one process of an installation at a
time: it holds a lock of the database for as long as its connection lives. Listening is for as many as are started.
"""

import asyncio
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, text

from iot import alarms
from iot.committer import RETRY_S, Committer, InboxWriter, is_away
from iot.doors.frames import FrameServer
from iot.doors.pull import Stream, pull
from iot.doors.push import Push
from iot.doors.scale_line import read_scale
from iot.doors.setup import host_and_port, opened, pull_of
from iot.doors.web_server import WebServer
from iot.inbox import Arrival, Outcome
from iot.ingest import frozen_database
from iot.register import REFRESH_S, KnownDevice, Registry
from wms.db import Database, Scope
from wms.errors import N_, Kind, WmsError
from wms.parties.private import give_keys, open_vault
from wms.settings import Settings

log = structlog.get_logger(__name__)
BEAT_S = 1.0
POOL = 6

ALONE = text("SELECT pg_try_advisory_lock(hashtextextended('dongting doors ' || CAST(:tenant AS text), 0))")


class DoorTaken(WmsError):
    """A door cannot listen on its port."""

    code = "door_taken"
    kind = Kind.UNAVAILABLE
    text = N_("The door cannot listen on %(host)s port %(port)s: %(reason)s. Free it or set %(variable)s.")


class Porter:
    """All doors of one process. ``http_port`` and ``frame_port`` are None where that door is closed."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        secret_key: str,
        *,
        host: str,
        http_port: int | None,
        frame_port: int | None,
        limit_bytes: int,
        first_pause_s: float = 1.0,
    ) -> None:
        self._database, self._scope = database, scope
        self._host, self._limit, self._first_pause_s = host, limit_bytes, first_pause_s
        self.http_port, self.frame_port = http_port, frame_port
        self._registry = Registry(database, scope, secret_key)
        self._news: deque[tuple[str, str, str]] = deque(maxlen=10_000)
        self._errands: dict[str, tuple[object, asyncio.Task[None]]] = {}
        self._lock: Connection | None = None
        self.ready = threading.Event()
        self.write: Callable[[Sequence[Arrival]], list[Outcome]] = InboxWriter(database, scope)
        self.committer: Committer | None = None

    async def serve(self, stop: asyncio.Event) -> int:
        """Run until ``stop`` is set (0) or the committer ends (1). Raises :class:`DoorTaken`."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            try:
                await loop.run_in_executor(None, self._registry.refresh)
                break
            except Exception as error:
                if not is_away(error):
                    raise
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RETRY_S)
        self.committer = committer = Committer(self._write, lambda _a, _o: None)
        committing = asyncio.create_task(committer.run())
        servers = await self._open(committer)
        log.info("doors_ready", http=self.http_port, frames=self.frame_port, host=self._host)
        self.ready.set()
        try:
            while not stop.is_set():
                if committing.done():
                    log.critical("committer_ended", error=repr(committing.exception())[:500])
                    return 1
                await self._beat(committer)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), BEAT_S)
            return 0
        finally:
            for server in servers:
                await server.close()
            errands = [task for _, task in self._errands.values()]
            for task in errands:
                task.cancel()
            await asyncio.gather(*errands, return_exceptions=True)
            await committer.settle(2.0)
            committing.cancel()
            committer.close()
            self._let_go()

    async def _open(self, committer: Committer) -> list[WebServer | FrameServer]:
        servers: list[WebServer | FrameServer] = []
        if self.http_port is not None:
            push = Push(
                self._registry, committer, self._ha1, partial(self._tell, "http_refused"), limit_bytes=self._limit
            )
            web = WebServer(push, limit_bytes=self._limit, on_refused=partial(self._tell, "http_refused"))
            self.http_port = await self._listen(web, self.http_port, "DONGTING_DOOR_PORT")
            servers.append(web)
        if self.frame_port is not None:
            frames = FrameServer(
                self._database, self._scope, self._registry, committer, partial(self._tell, "frame_refused")
            )
            self.frame_port = await self._listen(frames, self.frame_port, "DONGTING_FRAME_PORT")
            servers.append(frames)
        return servers

    async def _listen(self, server: WebServer | FrameServer, port: int, variable: str) -> int:
        try:
            return await server.open(self._host, port)
        except OSError as why:
            raise DoorTaken(host=self._host, port=port, reason=why.strerror or str(why), variable=variable) from why

    def _ha1(self, device: KnownDevice) -> str | None:
        return opened(self._database, self._scope, device.profile.get("digest"))

    def _write(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        return self.write(arrivals)

    def _tell(self, code: str, subject: str, detail: str) -> None:
        self._news.append((code, subject, detail))

    # -- connections of our own ------------------------------------------------------------------------------------

    async def _beat(self, committer: Committer) -> None:
        """Once a second: alarms, and one errand for each camera to ask and each scale to hear."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, self._write_news)
            wanted = await loop.run_in_executor(None, self._wanted)
        except Exception as error:
            if not is_away(error):
                log.exception("beat_failed")
            return
        for code, (setting, task) in list(self._errands.items()):
            if code not in wanted or wanted[code][0] != setting or task.done():
                task.cancel()
                del self._errands[code]
        for code, (setting, device) in wanted.items():
            if code in self._errands:
                continue
            try:  # in a thread: a password is opened with the database
                errand = await loop.run_in_executor(None, self._errand, device, setting, committer)
            except Exception as error:
                if is_away(error):
                    return
                log.exception("profile_unusable", device=code)
                told = f"its profile cannot be used: {type(error).__name__}: {error}"[:200]
                self._tell_of(device, "not_connected", told)
                errand = _nothing()  # until somebody changes it; the other doors stay open
            self._errands[code] = (setting, asyncio.create_task(errand))

    def _wanted(self) -> dict[str, tuple[object, KnownDevice]]:
        register = self._registry.refresh(REFRESH_S)
        out = {
            device.code: (device.profile.get("pull") or device.profile.get("serial_server"), device)
            for device in register.by_code.values()
            if pull_of(device.profile) or device.profile.get("serial_server")
        }
        return out if out and self._is_alone() else {}

    def _errand(self, device: KnownDevice, setting: object, committer: Committer) -> Coroutine[Any, Any, None]:
        tell = partial(self._tell_of, device)
        asked = pull_of(device.profile)
        if asked is None:
            host, port = host_and_port(str(setting)) or ("", 0)
            return read_scale(device, host, port, committer, tell, first_pause_s=self._first_pause_s)
        password = opened(self._database, self._scope, asked.get("password")) or ""
        stream = Stream(asked["url"], str(asked.get("login") or ""), password, float(asked.get("silent_s") or 60))
        return pull(device, stream, committer, tell, limit_bytes=self._limit, first_pause_s=self._first_pause_s)

    def _tell_of(self, device: KnownDevice, code: str, detail: str) -> None:
        self._news.append((code, device.code, detail))

    def _is_alone(self) -> bool:
        """Whether this process is the one that opens connections."""
        if self._lock is not None:
            try:
                self._lock.execute(text("SELECT 1"))
                self._lock.rollback()
            except Exception:
                self._let_go()
                raise
            return True
        connection = self._database.engine.connect()
        try:
            is_ours = bool(connection.execute(ALONE, {"tenant": self._scope.tenant_id}).scalar_one())
            connection.commit()
        except Exception:
            connection.invalidate()
            connection.close()
            raise
        if is_ours:
            self._lock = connection
        else:
            connection.close()
        return is_ours

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.invalidate()
            self._lock.close()
            self._lock = None

    def _write_news(self) -> None:
        news: dict[tuple[str, str, str], int] = {}  # in the order in which each was told last
        for _ in range(len(self._news)):
            one = self._news.popleft()
            news[one] = news.pop(one, 0) + 1
        if not news:
            return
        with self._database.unit_of_work(self._scope) as session:
            for (code, subject, detail), n in list(news.items())[-200:]:
                if code == "connected":
                    alarms.close_alarm(session, "not_connected", subject, datetime.now(UTC))
                else:
                    alarms.raise_alarm(session, code, subject, detail, n=n)


async def _nothing() -> None:
    """An errand that cannot be run waits until its device is set up anew."""
    await asyncio.Event().wait()


def run(settings: Settings) -> None:
    """Run the doors until SIGTERM or SIGINT. Exits with status 1 when the committer ends."""
    database = frozen_database(settings, POOL)
    give_keys(database, partial(open_vault, settings.data_dir))
    try:
        status = asyncio.run(_serve(settings, database))
    finally:
        database.close()
    if status:
        sys.exit(status)


async def _serve(settings: Settings, database: Database) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    porter = Porter(
        database,
        Scope.system(settings.tenant_id),
        settings.secret_key,
        host=settings.host,
        http_port=settings.door_port or None,
        frame_port=settings.frame_port or None,
        limit_bytes=settings.body_limit_bytes,
    )
    return await porter.serve(stop)
