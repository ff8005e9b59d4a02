"""The ingest process: a door with its committer, and behind it the reader and the parser in processes of their own.

The door (the embedded broker, or a connection to the site's own) takes, commits and acknowledges; one asyncio loop
holds it. The parser (:mod:`iot.parser`) understands what is stored, the reader (:mod:`iot.reader`) decides about it.
They share nothing but the database and two pipes (:mod:`iot.link`), so that none keeps another waiting for the
interpreter. When a part ends that must not end, all processes end and their supervisor starts them anew: a door that
takes and never answers is worse than none.
"""

import asyncio
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection

import structlog
from sqlalchemy import text

from iot import alarms
from iot.broker import EmbeddedBroker
from iot.broker.tls import ways_in
from iot.client import SiteBroker
from iot.committer import RETRY_S, Committer, InboxWriter, is_away
from iot.doorway import EmbeddedDoor
from iot.inbox import Arrival, Outcome
from iot.link import DoorEnd, Ends, pair
from iot.parser import Parser, ParserEnd, parser_pair
from iot.reader import TICK_S, Reader
from iot.register import REFRESH_S, KnownDevice, Registry
from wms.db import Database, Scope
from wms.parties.private import give_keys, open_vault
from wms.postgres import EmbeddedPostgres
from wms.settings import Settings

log = structlog.get_logger(__name__)
SWITCH_S = 0.001  # a thread must not keep the loop waiting for the interpreter
DOOR_POOL, PARSER_POOL = 4, 2
READER_STOP_S, PARSER_STOP_S = 8.0, 2.0
PARSER_NICE = 5  # what is acknowledged late is sent twice; what is read late is only read late
PR_SET_PDEATHSIG = 1
FROZEN = "-c idle_in_transaction_session_timeout=6000"

RETAINED = text(
    "SELECT status_topic, status_payload FROM device_state JOIN device ON device.id = device_state.device_id"
    " WHERE device.is_active AND status_topic IS NOT NULL"
)


class Ingest:
    """The door's process: a door, its committer, and its end of the link to the reader."""

    def __init__(self, settings: Settings, database: Database, scope: Scope, ends: Ends) -> None:
        self._settings, self._database, self._scope = settings, database, scope
        self._registry = Registry(database, scope, settings.secret_key)
        self._write = InboxWriter(database, scope)
        self._link = DoorEnd(ends)

    async def serve(self, stop: asyncio.Event) -> int:
        """Run until ``stop`` is set (exit status 0) or a part ends that must not (1)."""
        await self._first_contact(stop)
        if stop.is_set():
            return 0
        if self._settings.mqtt_url:
            return await self._serve_site_broker(stop, self._settings.mqtt_url)
        return await self._serve_embedded(stop)

    async def _first_contact(self, stop: asyncio.Event) -> None:
        """The first read of the database belongs inside the retry: it may still be recovering."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            try:
                await loop.run_in_executor(None, self._registry.refresh)
            except Exception as error:
                if not is_away(error):
                    raise
                log.error("database_away", step="start", error=str(error)[:200])
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RETRY_S)
            else:
                return

    async def _serve_embedded(self, stop: asyncio.Event) -> int:
        tls, is_plain = ways_in(self._settings)
        committer = Committer(self._write, self._committed)
        broker = EmbeddedBroker(
            self._registry,
            committer,
            self._settings.host,
            self._settings.mqtt_port,
            limit_bytes=self._settings.body_limit_bytes,
            tls=tls,
            is_plain=is_plain,
            on_listening=self._listening,
            on_refused=self._link.refused,
        )
        await broker.open(self._retained())
        door = EmbeddedDoor(broker, committer, self._settings.host)
        committing = asyncio.create_task(committer.run())
        log.info("ingest_ready", door="embedded", address=door.address)
        self._link.begin(door)
        try:
            return await self._watch(stop, committing)
        finally:
            self._link.end()
            await broker.close()
            committing.cancel()
            committer.close()
            self._write.close()

    async def _serve_site_broker(self, stop: asyncio.Event, url: str) -> int:
        door = SiteBroker(
            url,
            self._registry,
            self._write,
            self._committed,
            limit_bytes=self._settings.body_limit_bytes,
            on_session_lost=self._session_lost,
        )
        door.start()
        log.info("ingest_ready", door="client", address=door.address)
        self._link.begin(door)
        try:
            return await self._watch(stop, None, door)
        finally:
            self._link.end()
            await asyncio.get_running_loop().run_in_executor(None, door.stop)
            self._write.close()

    async def _watch(
        self, stop: asyncio.Event, committing: "asyncio.Task[None] | None", door: SiteBroker | None = None
    ) -> int:
        """Wait for the end, asked for or not; keep the register fresh meanwhile."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            if committing is not None and committing.done():
                log.critical("committer_ended", error=repr(committing.exception())[:500])
                return 1
            if door is not None and door.failed is not None:
                log.critical("writer_ended", error=repr(door.failed)[:500])
                return 1
            if self._link.is_cut:
                log.critical("part_ended", parts=["reader"])
                return 1
            with suppress(Exception):  # away: what was known goes on being known
                await loop.run_in_executor(None, self._registry.refresh, REFRESH_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK_S)
        return 0

    def _retained(self) -> list[tuple[str, bytes]]:
        with self._database.unit_of_work(self._scope) as session:
            return [(row.status_topic, bytes(row.status_payload)) for row in session.execute(RETAINED)]

    # -- what the door tells us ------------------------------------------------------------------------------------

    def _committed(self, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> None:
        """Wake who reads it; a copy is answered with a receipt again."""
        known = self._registry.current.lane_devices
        of_lanes = sum(arrival.device_id in known for arrival in arrivals)
        self._link.wake(lanes=of_lanes > 0, others=of_lanes < len(arrivals))
        if Outcome.COPY not in outcomes:
            return
        self._link.owe_receipts(
            arrival.device_id
            for arrival, outcome in zip(arrivals, outcomes, strict=True)
            if outcome is Outcome.COPY and arrival.device_id is not None
        )

    def _listening(self, device: KnownDevice) -> None:
        self._link.owe_receipts([device.id])

    def _session_lost(self, detail: str) -> None:
        with self._database.unit_of_work(self._scope) as session:
            alarms.raise_alarm(session, "session_lost", "broker", detail)
        log.warning("session_lost", detail=detail)


def frozen_database(settings: Settings, pool_size: int) -> Database:
    """A transaction that stands still is ended by the server: a frozen process must not hold a site or the parser."""
    url = database_url(settings)
    return Database(url, pool_size=pool_size, connect_args={"options": FROZEN})


def database_url(settings: Settings) -> str:
    """The product's own login, of the given server or of the embedded one."""
    return settings.database_url or EmbeddedPostgres(settings.data_dir).urls.app


def run(settings: Settings, begin: Callable[[str], None] = lambda _: None) -> None:
    """Run all processes until SIGTERM or SIGINT. Exits with status 1 when a part ends that must not.

    ``begin`` is called first thing in the processes behind the door, with their names. Raises
    :class:`iot.broker.PortTaken` when the embedded broker cannot listen. To be called while the
    process has one thread and no connection: it forks.
    """
    gc.collect()
    gc.freeze()  # what is loaded stays: no collection need look at it again
    door_ends, reader_ends = pair()
    fork = multiprocessing.get_context("fork")
    reader = fork.Process(target=_read, args=(settings, door_ends, reader_ends, os.getpid(), begin), name="reader")
    reader.start()
    reader_ends.close()
    sys.setswitchinterval(SWITCH_S)
    database = frozen_database(settings, DOOR_POOL)
    try:
        status = asyncio.run(_serve(settings, database, door_ends))
    finally:
        database.close()
        door_ends.stop()
        reader.join(READER_STOP_S)
        if reader.is_alive():
            reader.kill()
    if status:
        sys.exit(status)


async def _serve(settings: Settings, database: Database, ends: Ends) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await Ingest(settings, database, Scope.system(settings.tenant_id), ends).serve(stop)


def _read(settings: Settings, door_ends: Ends, ends: Ends, parent: int, begin: Callable[[str], None]) -> None:
    """The reader's process, from its first line to its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, it reaches all; the door says when to end
    _die_with(parent)
    door_ends.close()
    ours, theirs = parser_pair()
    fork = multiprocessing.get_context("fork")
    parser = fork.Process(target=_parse, args=(settings, ends, ours, theirs, os.getpid(), begin), name="parser")
    parser.start()
    try:
        theirs.close()
        os.close(ends.wake)  # the parser's
        begin("reader")
        sys.setswitchinterval(SWITCH_S)
        status = _serve_reader(settings, ends, ParserEnd(ours))
    except BaseException:
        parser.kill()  # or it would be waited for, and the door would take what nobody decides about
        raise
    parser.join(PARSER_STOP_S)
    if parser.is_alive():
        parser.kill()
    sys.exit(status)


def _serve_reader(settings: Settings, ends: Ends, parser: ParserEnd) -> int:
    database = frozen_database(settings, settings.ingest_pool)
    try:
        give_keys(database, partial(open_vault, settings.data_dir))  # a passage is told to customs, and kept sealed
        reader = Reader(settings, database, Scope.system(settings.tenant_id), ends, parser)
        signal.signal(signal.SIGTERM, lambda *_: reader.stop())
        return reader.serve()
    finally:
        database.close()


def _parse(
    settings: Settings, ends: Ends, readers: Connection, parsers: Connection, parent: int, begin: Callable[[str], None]
) -> None:
    """The parser's process, from its first line to its end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the reader says when to end, by its end of the connection
    _die_with(parent)
    readers.close()
    ends.connection.close()
    os.close(ends.lanes)
    begin("parser")
    with suppress(OSError):
        os.nice(PARSER_NICE)
    database = frozen_database(settings, PARSER_POOL)
    try:
        Parser(settings, database, Scope.system(settings.tenant_id), ends.wake, parsers).serve()
    finally:
        database.close()


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process at once with its parent (Linux; elsewhere the cut link ends it)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it died a moment before
        os._exit(1)
