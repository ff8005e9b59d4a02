"""The ingest process: a door, the committer, the parser, the lanes, messages to devices, and the leases.

One asyncio loop holds the embedded broker and its committer (or, with a site's own broker, only waits); everything
that talks to the database in its own time is a thread of :mod:`iot.rounds`. When a part ends that must not end, the
process ends with it and its supervisor starts it anew: a door that takes and never answers is worse than none.
"""

import asyncio
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import text

from iot import alarms, barrier, health, lanes, outbox, sequence, topics
from iot.broker import EmbeddedBroker
from iot.client import SiteBroker
from iot.committer import RETRY_S, Committer, InboxWriter, is_away
from iot.doorway import Door, EmbeddedDoor
from iot.inbox import Arrival, Outcome
from iot.lease import RENEW_S, Fenced, LeaseLost, Leases, new_holder
from iot.parsing import parse_waiting
from iot.register import REFRESH_S, KnownDevice, Registry
from iot.rounds import Round
from iot.sending import OutboxRound
from wms.db import Database, Scope
from wms.parties.private import give_keys, open_vault
from wms.postgres import EmbeddedPostgres, libpq
from wms.settings import Settings

log = structlog.get_logger(__name__)
TICK_S = 0.2
BEAT_S = 1.0
SILENCE_S = 10.0
SWITCH_S = 0.001  # a parsing thread must not keep the loop waiting for the interpreter
STOP_S = 5.0

RETAINED = text(
    "SELECT status_topic, status_payload FROM device_state JOIN device ON device.id = device_state.device_id"
    " WHERE device.is_active AND status_topic IS NOT NULL"
)
GAPS_DUE = text(
    "SELECT DISTINCT device_id FROM device_gap WHERE closed_at IS NULL AND (asked_at IS NULL OR asked_at < :before)"
    " LIMIT 500"
)


class Ingest:
    """All parts of one ingest process. ``holder`` names it among all that ever ran."""

    def __init__(self, settings: Settings, database: Database, scope: Scope) -> None:
        self._settings, self._database, self._scope = settings, database, scope
        self.holder = new_holder()
        self._started_at = datetime.now(UTC)
        self._registry = Registry(database, scope, settings.secret_key)
        self._leases = Leases(database, scope, self.holder)
        self._write = InboxWriter(database, scope)
        self._stopping = threading.Event()
        self._due: set[int] = set()
        self._refused: deque[str] = deque(maxlen=10_000)
        self._due_lock = threading.Lock()
        self._renew_after, self._listen_after = 0.0, 0.0
        self._door: Door | None = None
        self._parse = Round("parse", self._parse_step, TICK_S, self._stopping)
        self._lanes = Round("lanes", self._lanes_step, TICK_S, self._stopping)
        self._beat = Round("beat", self._beat_step, BEAT_S, self._stopping)
        self._outbox = OutboxRound(self._send_due, libpq(database.url), self._stopping)

    # -- life ------------------------------------------------------------------------------------------------------

    async def serve(self, stop: asyncio.Event) -> int:
        """Run until ``stop`` is set (exit status 0) or a part ends that must not (1)."""
        await self._first_contact(stop)
        if stop.is_set():
            return 0
        if self._settings.mqtt_url:
            status = await self._serve_site_broker(stop, self._settings.mqtt_url)
        else:
            status = await self._serve_embedded(stop)
        await asyncio.get_running_loop().run_in_executor(None, self._end)
        return status

    async def _first_contact(self, stop: asyncio.Event) -> None:
        """The first read of the database belongs inside the retry: it may still be recovering."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            try:
                await loop.run_in_executor(None, self._registry.refresh)
                await loop.run_in_executor(None, self._leases.renew)
            except Exception as error:
                if not is_away(error):
                    raise
                log.error("database_away", step="start", error=str(error)[:200])
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RETRY_S)
            else:
                return

    async def _serve_embedded(self, stop: asyncio.Event) -> int:
        committer = Committer(self._write, self._committed)
        broker = EmbeddedBroker(
            self._registry,
            committer,
            self._settings.host,
            self._settings.mqtt_port,
            limit_bytes=self._settings.body_limit_bytes,
            on_listening=self._listening,
            on_refused=self._refused.append,
        )
        await broker.open(self._retained())
        self._door = EmbeddedDoor(broker, committer, self._settings.host)
        committing = asyncio.create_task(committer.run())
        log.info("ingest_ready", door="embedded", address=self._door.address)
        self._start_rounds()
        try:
            return await self._watch(stop, committing)
        finally:
            await broker.close()
            committing.cancel()
            committer.close()

    async def _serve_site_broker(self, stop: asyncio.Event, url: str) -> int:
        door = SiteBroker(
            url,
            self._registry,
            self._write,
            self._committed,
            limit_bytes=self._settings.body_limit_bytes,
            on_session_lost=self._session_lost,
        )
        self._door = door
        door.start()
        log.info("ingest_ready", door="client", address=door.address)
        self._start_rounds()
        try:
            return await self._watch(stop, None, door)
        finally:
            await asyncio.get_running_loop().run_in_executor(None, door.stop)

    async def _watch(
        self, stop: asyncio.Event, committing: "asyncio.Task[None] | None", door: SiteBroker | None = None
    ) -> int:
        """Wait for the end, asked for or not."""
        while not stop.is_set():
            if committing is not None and committing.done():
                log.critical("committer_ended", error=repr(committing.exception())[:500])
                return 1
            if door is not None and door.failed is not None:
                log.critical("writer_ended", error=repr(door.failed)[:500])
                return 1
            if ended := [part.name for part in self._rounds if part.has_ended]:
                log.critical("part_ended", parts=ended)
                return 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK_S)
        return 0

    @property
    def _rounds(self) -> tuple[Round, ...]:
        return (self._parse, self._lanes, self._beat, self._outbox)

    def _start_rounds(self) -> None:
        for part in self._rounds:
            part.start()

    def _end(self) -> None:
        self._stopping.set()
        for part in self._rounds:
            part.wake()
        for part in self._rounds:
            if part.ident is not None:
                part.join(STOP_S)
        self._leases.give_back()
        with suppress(Exception), self._database.unit_of_work(self._scope) as session:
            health.end(session, self.holder)

    def _retained(self) -> list[tuple[str, bytes]]:
        with self._database.unit_of_work(self._scope) as session:
            return [(row.status_topic, bytes(row.status_payload)) for row in session.execute(RETAINED)]

    # -- what the door tells us ------------------------------------------------------------------------------------

    def _committed(self, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> None:
        """Wake the parser; a copy is answered with a receipt again."""
        self._parse.wake()
        again = {
            arrival.device_id
            for arrival, outcome in zip(arrivals, outcomes, strict=True)
            if outcome is Outcome.COPY and arrival.device_id is not None
        }
        if again:
            self._owe_receipts(again)

    def _listening(self, device: KnownDevice) -> None:
        self._owe_receipts({device.id})

    def _session_lost(self, detail: str) -> None:
        with self._database.unit_of_work(self._scope) as session:
            alarms.raise_alarm(session, "session_lost", "broker", detail)
        log.warning("session_lost", detail=detail)

    def _owe_receipts(self, device_ids: set[int] | frozenset[int]) -> None:
        with self._due_lock:
            self._due |= device_ids

    # -- the steps of the threads ----------------------------------------------------------------------------------

    def _parse_step(self) -> int:
        with self._database.unit_of_work(self._scope) as session:
            done = parse_waiting(session, self._registry.current)
        if done.device_ids:
            self._owe_receipts(done.device_ids)
        if done.reading_id:
            self._lanes.wake()
        return done.messages

    def _lanes_step(self) -> int:
        sites = self._leases.sites
        if not sites:
            return 0
        fenced = Fenced(self._database, self._leases, sites)
        try:
            moved = lanes.tick(fenced, self._scope, sites, datetime.now(UTC))
            return moved + barrier.tick(fenced, self._scope, sites, datetime.now(UTC))
        except LeaseLost:
            log.warning("lease_lost", sites=sorted(sites))
            return 0

    def _beat_step(self) -> int:
        door = self._door
        if door is None:
            return 0
        if time.monotonic() >= self._renew_after:
            self._leases.renew()
            self._renew_after = time.monotonic() + RENEW_S
        register = self._registry.refresh(REFRESH_S)
        door.subscribe([one for device in register.by_code.values() for one in device.topic_filters])
        with self._database.unit_of_work(self._scope) as session:
            health.beat(
                session,
                self.holder,
                door.name,
                door.address,
                self._started_at,
                waiting=door.waiting,
                oldest_waiting_ms=int(door.oldest_waiting_s * 1000),
                is_connected=door.is_connected,
            )
        self._send_receipts(door)
        self._alarm_refused()
        if time.monotonic() >= self._listen_after:
            self._listen_after = time.monotonic() + SILENCE_S
            with self._database.unit_of_work(self._scope) as session:
                health.watch_silence(session, datetime.now(UTC))
        return 0

    def _alarm_refused(self) -> None:
        """Whoever was not let in is shown by name, once a second at most."""
        names = Counter(self._refused.popleft() for _ in range(len(self._refused)))
        if names:
            with self._database.unit_of_work(self._scope) as session:
                for name, n in sorted(names.items())[:100]:
                    alarms.raise_alarm(session, "connect_refused", name, "wrong token or client id", n=n)

    def _send_receipts(self, door: Door) -> None:
        with self._due_lock:
            due, self._due = self._due, set()
        now = datetime.now(UTC)
        with self._database.unit_of_work(self._scope) as session:
            before = now - timedelta(seconds=sequence.ASK_AGAIN_S)
            due |= {row.device_id for row in session.execute(GAPS_DUE, {"before": before})}
            ready = sequence.receipts(session, sorted(due), now) if due else []
        known = self._registry.current.by_id
        for device_id, body in ready:
            if device := known.get(device_id):
                door.send(device.topic(topics.RECEIPT), body)

    def _send_due(self) -> int:
        """Send what the outbox holds for our sites; each row leaves at most once."""
        door, sites = self._door, self._leases.sites
        if door is None:
            return 0
        with self._database.unit_of_work(self._scope) as session:
            due = outbox.take_due(session, sorted(sites))
        unheard = []
        for one in due:
            left = (one.expires_at - datetime.now(UTC)).total_seconds() if one.expires_at else None
            if not door.send(one.topic, one.payload, left):
                unheard.append(one.outbox_id)
        if unheard:
            log.warning("unheard", messages=unheard)
            with self._database.unit_of_work(self._scope) as session:
                outbox.mark(session, unheard, "unheard")
        return len(due)


def database_url(settings: Settings) -> str:
    """The product's own login, of the given server or of the embedded one."""
    return settings.database_url or EmbeddedPostgres(settings.data_dir).urls.app


def run(settings: Settings) -> None:
    """Run the ingest process until SIGTERM or SIGINT. Exits with status 1 when a part ends that must not.

    Raises :class:`iot.broker.PortTaken` when the embedded broker cannot listen.
    """
    sys.setswitchinterval(SWITCH_S)
    database = Database(database_url(settings), pool_size=settings.ingest_pool)
    give_keys(database, partial(open_vault, settings.data_dir))  # a passage is told to customs, and kept sealed
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
    return await Ingest(settings, database, Scope.system(settings.tenant_id)).serve(stop)
