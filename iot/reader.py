"""The reader: lanes, barrier commands, messages to devices, leases. What of ingest is neither door nor parser.

It reads the table, never the socket, in a process of its own, so that deciding about a vehicle never delays the
acknowledgement of a message. What devices of lanes said is understood here, in the thread that decides about it: no
vehicle waits for another process to wake up, nor behind the readings of everything else. Everything that talks to the
database in its own time is a thread of :mod:`iot.rounds`. The leases stand and fall with this process: whoever decides
holds them.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from iot import alarms, barrier, device_health, health, lanes, outbox, sequence, topics
from iot.committer import RETRY_S, is_away
from iot.doorway import Report
from iot.lease import RENEW_S, Fenced, LeaseLost, Leases, new_holder
from iot.link import STALE_S, Ends, ReaderEnd
from iot.outbox import Due
from iot.parser import ParserEnd, Read
from iot.parsing import BATCH, OF_LANES, parse_begun
from iot.register import REFRESH_S, Registry
from iot.rounds import Round
from iot.sending import OutboxRound, tell_heard
from wms.db import Database, Scope
from wms.postgres import libpq
from wms.settings import Settings

log = structlog.get_logger(__name__)
TICK_S = 0.2
BEAT_S = 1.0
SILENCE_S = 10.0
STOP_S = 5.0
DOOR_SILENT_S = 4.0

GAPS_DUE = text(
    "SELECT DISTINCT device_id FROM device_gap WHERE closed_at IS NULL AND (asked_at IS NULL OR asked_at < :before)"
    " LIMIT 500"
)


class Reader:
    """All parts behind the door. ``holder`` names this reader among all that ever ran."""

    def __init__(self, settings: Settings, database: Database, scope: Scope, ends: Ends, parser: ParserEnd) -> None:
        self._database, self._scope = database, scope
        self.holder = new_holder()
        self._started_at = datetime.now(UTC)
        self._registry = Registry(database, scope, settings.secret_key)
        sites = [code.strip() for code in settings.ingest_sites.split(",") if code.strip()]
        self._leases = Leases(database, scope, self.holder, sites)
        self._stopping = threading.Event()
        self._link = ReaderEnd(ends, self._stopping)
        self._parser = parser
        self._report: Report | None = None
        self._reported_at = 0.0
        self._due: set[int] = set()
        self._refused: deque[str] = deque(maxlen=10_000)
        self._troubles: dict[str, tuple[datetime, datetime]] = {}
        self._due_lock = threading.Lock()
        self._renew_after, self._listen_after, self._barriers_after = 0.0, 0.0, 0.0
        self._has_neighbours = True
        self._understand_after = 0.0
        self._is_heard = threading.Event()
        self._is_heard.set()
        self._lanes = Round("lanes", self._lanes_step, TICK_S, self._stopping)
        self._looked = lanes.Looked()
        self._beat = Round("beat", self._beat_step, BEAT_S, self._stopping)
        self._commands = Round("commands", self._commands_step, TICK_S, self._stopping)
        self._leaving: deque[tuple[Due, float]] = deque()
        self._outbox = OutboxRound(self._send_due, libpq(database.url), self._stopping, self._owe_receipts)

    # -- life ------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End soon. Safe in a signal handler."""
        self._stopping.set()

    def serve(self) -> int:
        """Run until the door stops or is gone, or :meth:`stop` (exit status 0), or a part ends that must not (1)."""
        self._link.begin(self._told, self._lanes_heard)
        self._parser.begin(self._read)
        self._first_contact()
        for part in self._rounds:
            part.start()
        status = 0
        while not self._stopping.wait(TICK_S):
            ended = [part.name for part in self._rounds if part.has_ended]
            if ended := [*ended, *(["parser"] if self._parser.is_cut else [])]:
                log.critical("part_ended", parts=ended)
                status = 1
                break
        self._end()
        return status

    def _first_contact(self) -> None:
        """The first read of the database belongs inside the retry: it may still be recovering."""
        while not self._stopping.is_set():
            try:
                self._registry.refresh()
                self._leases.renew()
            except Exception as error:
                if not is_away(error):
                    raise
                log.error("database_away", step="start", error=str(error)[:200])
                self._stopping.wait(RETRY_S)
            else:
                return

    @property
    def _rounds(self) -> tuple[Round, ...]:
        return (self._lanes, self._beat, self._commands, self._outbox)

    def _end(self) -> None:
        self._stopping.set()
        self._parser.end()
        for part in self._rounds:
            part.wake()
        for part in self._rounds:
            if part.ident is not None:
                part.join(STOP_S)
        if self._leaving:  # committed while this process stopped: nobody heard it
            ids = [one.outbox_id for one, _ in self._leaving]
            with suppress(Exception), self._database.unit_of_work(self._scope) as session:
                outbox.mark(session, ids, "unheard")
        self._leases.give_back()
        with suppress(Exception), self._database.unit_of_work(self._scope) as session:
            health.end(session, self.holder)

    # -- what the parser and the door tell us -------------------------------------------------------------------------

    def _read(self, read: Read) -> None:
        if read.device_ids:
            self._owe_receipts(read.device_ids)
        if read.is_open:
            self._lanes.wake()

    def _lanes_heard(self) -> None:
        self._is_heard.set()
        self._lanes.wake()

    def _told(self, report: Report) -> None:
        self._report, self._reported_at = report, time.monotonic()
        self._refused.extend(report.refused)
        if report.listening:
            self._owe_receipts(report.listening)
        if report.trouble:
            now = datetime.now(UTC)
            with self._due_lock:
                since, _ = self._troubles.get(report.trouble, (now, now))
                self._troubles[report.trouble] = since, now

    def _owe_receipts(self, device_ids: set[int] | frozenset[int]) -> None:
        with self._due_lock:
            self._due |= device_ids

    # -- the steps of the threads ----------------------------------------------------------------------------------

    def _lanes_step(self) -> int:
        heard = self._understand()
        sites = self._leases.sites
        if not sites:
            return heard
        fenced = Fenced(self._database, self._leases, sites)
        try:
            moved = lanes.tick(fenced, self._scope, sites, datetime.now(UTC), self._looked, self._lift)
            if time.monotonic() >= self._barriers_after:
                self._barriers_after = time.monotonic() + TICK_S
                moved += barrier.tick(fenced, self._scope, sites, datetime.now(UTC), leave=self._let_leave)
            return heard + moved
        except LeaseLost:
            log.warning("lease_lost", sites=sorted(sites))
            return 0

    def _understand(self) -> int:
        """Read what devices of lanes said: when the door tells of it, and each 200 ms, for another's door may have it.

        Returns how many messages were read. What cannot be read now keeps no lane from what was read before.
        """
        now_s = time.monotonic()
        if not self._is_heard.is_set() and now_s < self._understand_after:
            return 0
        self._is_heard.clear()
        self._understand_after = now_s + TICK_S
        try:
            register = self._registry.refresh(REFRESH_S)
            with self._database.unit_of_work(self._scope, OF_LANES.alone) as session:
                done = parse_begun(session, register, self._registry.refresh, OF_LANES)
                if self._has_neighbours:
                    tell_heard(session, done.device_ids)
        except Exception as error:
            if not is_away(error):
                log.exception("not_understood")
            elif not self._leases.sites:  # nobody has to decide: it is tried again in a while
                raise
            else:
                log.error("not_understood", error=str(error)[:200])
            return 0
        self._owe_receipts(done.device_ids)
        if done.messages >= BATCH:
            self._is_heard.set()
        return done.messages

    def _lift(self, session: Session, site_id: int) -> Callable[[], None]:
        """The command to a barrier leaves with the decision that it rests on: its commit, and the vehicle may go."""
        due = barrier.send_along(session, [site_id], datetime.now(UTC))
        return lambda: self._let_leave(due)

    def _let_leave(self, due: Sequence[Due]) -> None:
        """All commands to barriers leave by one queue, in the order in which they were committed."""
        until_s = self._leases.until_s
        self._leaving.extend((one, until_s) for one in due)
        self._commands.wake()

    def _commands_step(self) -> int:
        ready = [self._leaving.popleft() for _ in range(len(self._leaving))]
        self._leave([one for one, _ in ready], min((until_s for _, until_s in ready), default=0.0))
        return len(ready)

    def _beat_step(self) -> int:
        door = self._report
        if door is not None and time.monotonic() - self._reported_at > DOOR_SILENT_S:
            if self._leases.held:  # a gate whose door hears nothing is better served by another process
                log.warning("door_silent", seconds=round(time.monotonic() - self._reported_at, 1))
                self._leases.give_back()
        elif time.monotonic() >= self._renew_after:
            self._leases.renew()
            self._renew_after = time.monotonic() + RENEW_S
        if door is None:
            return 0
        register = self._registry.refresh(REFRESH_S)
        self._link.subscribe([one for device in register.by_code.values() for one in device.topic_filters])
        is_fresh = time.monotonic() - self._reported_at < STALE_S
        with self._database.unit_of_work(self._scope) as session:
            health.beat(
                session,
                self.holder,
                door.name,
                door.address,
                self._started_at,
                waiting=door.waiting,
                oldest_waiting_ms=door.oldest_waiting_ms,
                is_connected=door.is_connected and is_fresh,
            )
            has_neighbours = health.has_neighbours(session, self.holder)
        self._has_neighbours = has_neighbours
        self._parser.tell_neighbours(has_neighbours)
        self._send_receipts()
        self._alarm_refused()
        self._alarm_trouble()
        if time.monotonic() >= self._listen_after:
            self._listen_after = time.monotonic() + SILENCE_S
            with self._database.unit_of_work(self._scope) as session:
                device_health.watch(session, datetime.now(UTC))
        return 0

    def _alarm_refused(self) -> None:
        """Whoever was not let in is shown by name, once a second at most."""
        names = Counter(self._refused.popleft() for _ in range(len(self._refused)))
        if names:
            with self._database.unit_of_work(self._scope) as session:
                for name, n in sorted(names.items())[:100]:
                    alarms.raise_alarm(session, "connect_refused", name, "wrong token or client id", n=n)

    def _alarm_trouble(self) -> None:
        """That nothing could be stored becomes an alarm as soon as one can be written, for a person to close."""
        if self._report is None or self._report.trouble:
            return
        with self._due_lock:
            troubles = dict(self._troubles)
        if not troubles:
            return
        with self._database.unit_of_work(self._scope) as session:
            for trouble, (since, until) in troubles.items():
                lasted = round((until - since).total_seconds())
                alarms.raise_alarm(
                    session, trouble, "inbox", f"nothing was stored for {lasted} s from {since:%F %T} UTC"
                )
        with self._due_lock:
            self._troubles.clear()

    def _send_receipts(self) -> None:
        with self._due_lock:
            due, self._due = self._due, set()
        now = datetime.now(UTC)
        with self._database.unit_of_work(self._scope) as session:
            before = now - timedelta(seconds=sequence.ASK_AGAIN_S)
            due |= {row.device_id for row in session.execute(GAPS_DUE, {"before": before})}
            ready = sequence.receipts(session, sorted(due), now) if due else []
        known = self._registry.current.by_id
        bodies = [
            (known[device_id].topic(topics.RECEIPT), body, None) for device_id, body in ready if device_id in known
        ]
        if bodies:
            self._link.send(bodies)

    def _send_due(self) -> int:
        """Send what the outbox holds for our sites; each row leaves at most once."""
        until_s, held = self._leases.until_s, self._leases.held
        if self._report is None:
            return 0
        try:
            with Fenced(self._database, self._leases, frozenset(held)).unit_of_work(self._scope) as session:
                due = outbox.take_due(session, held)
        except LeaseLost:
            log.warning("lease_lost", sites=sorted(held))
            return 0
        self._leave(due, until_s)
        return len(due)

    def _leave(self, due: Sequence[Due], until_s: float) -> None:
        """Let the door send what was taken out, until ``until_s`` on the monotonic clock at the latest."""
        if not due:
            return
        now, tick_s = datetime.now(UTC), time.monotonic()
        leaving = [
            (
                one.topic,
                one.payload,
                min(until_s, tick_s + (one.expires_at - now).total_seconds()) if one.expires_at else until_s,
            )
            for one in due
        ]
        heard = self._link.send(leaving)
        unheard = [one.outbox_id for one, was_heard in zip(due, heard, strict=True) if not was_heard]
        if unheard:
            log.warning("unheard", messages=unheard)
            with self._database.unit_of_work(self._scope) as session:
                outbox.mark(session, unheard, "unheard")
