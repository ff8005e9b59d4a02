"""The live stream (server-sent events): ids only, so that a page always reads the row itself under its own rights.

One dispatcher thread for each process listens on PostgreSQL and hands notes to the open streams; a stream holds no
database connection while it sleeps. ``Last-Event-ID`` is replayed from the table. Streams are capped: one too many gets
503 and polls. Each stream ends after ten minutes so that the browser, which comes back by itself, is asked who it is.
"""

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import structlog
from flask import Blueprint, Flask, Response, current_app, request

from web.auth.policy import policy
from web.context import database, settings
from wms.db import Database, Scope
from wms.errors import N_, Kind, WmsError
from wms.watch.queries import Note, last_note_id, notes_after

log = structlog.get_logger("live")
bp = Blueprint("live", __name__)

WATCHERS = ("customs_officer", "supervisor", "administrator", "auditor")
CHANNEL = "dongting_live"
HEARTBEAT_S, LIVES_S, PATIENCE_S, RETRY_MS = 15.0, 600.0, 1.0, 3_000
REPLAY_LIMIT, WAITING_LIMIT = 1_000, 1_000
REMEMBERED = 5_000


class StreamsFull(WmsError):
    """All places for live streams are taken; the page asks every few seconds instead."""

    code = "streams_full"
    kind = Kind.UNAVAILABLE
    text = N_("All live streams are in use; this page asks for news every few seconds instead.")


class Dispatcher(threading.Thread):
    """Listens for all streams of one process. Reads notes by id with an overlap, since ids commit out of order."""

    def __init__(self, house: Database, tenant_id: int, limit: int) -> None:
        super().__init__(name="live-dispatcher", daemon=True)
        self._database, self._scope, self._limit = house, Scope.system(tenant_id), limit
        self._streams: set[queue.Queue[Note]] = set()
        self._lock = threading.Lock()
        self._sent: deque[int] = deque(maxlen=REMEMBERED)
        self._known: set[int] = set()
        self._high = 0

    def join_stream(self) -> queue.Queue[Note]:
        """A new stream's queue. Raises :class:`StreamsFull`."""
        with self._lock:
            if len(self._streams) >= self._limit:
                raise StreamsFull
            made: queue.Queue[Note] = queue.Queue(WAITING_LIMIT)
            self._streams.add(made)
            return made

    def leave_stream(self, stream: queue.Queue[Note]) -> None:
        """The stream has ended."""
        with self._lock:
            self._streams.discard(stream)

    def run(self) -> None:
        """Until the process ends; a lost database is waited for."""
        with self._database.unit_of_work(self._scope) as session:
            self._high = last_note_id(session)
        while True:
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - the stream must come back by itself
                log.warning("live_listener_lost", error=str(error)[:200])
                time.sleep(PATIENCE_S)

    def _listen(self) -> None:
        dsn = self._database.url.replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            while True:
                for _ in connection.notifies(timeout=PATIENCE_S, stop_after=1):
                    pass
                self._hand_out()  # after each note, and each second in case one was missed

    def _hand_out(self) -> None:
        with self._database.unit_of_work(self._scope) as session:
            fresh = [note for note in notes_after(session, self._high) if note.id not in self._known]
        for note in fresh:
            if len(self._sent) == REMEMBERED:
                self._known.discard(self._sent[0])
            self._sent.append(note.id)
            self._known.add(note.id)
            self._high = max(self._high, note.id)
        if fresh:
            with self._lock:
                streams = list(self._streams)
            for stream in streams:
                for note in fresh:
                    with suppress(queue.Full):  # a stream that does not read is ended by its own time limit
                        stream.put_nowait(note)


def dispatcher(app: Flask) -> Dispatcher:
    """The process's dispatcher, started at the first stream (after the server has forked)."""
    with START:
        found: Dispatcher | None = app.extensions.get("live")
        if found is None or not found.is_alive():
            found = Dispatcher(database(), settings().tenant_id, settings().live_streams)
            app.extensions["live"] = found
            found.start()
    return found


START = threading.Lock()


@bp.get("/live")
@policy(*WATCHERS)
def live() -> Response:
    """Notes of ``topics`` (comma-separated, else all) as they come: ``id``, ``event`` = topic, ``data`` = id."""
    topics = frozenset(filter(None, request.args.get("topics", "").split(",")))
    last = request.headers.get("Last-Event-ID") or request.args.get("last", "")
    source = dispatcher(current_app._get_current_object())  # type: ignore[attr-defined]
    stream = source.join_stream()
    missed = replay(int(last)) if last.isdecimal() and len(last) < 19 else []
    response = Response(events(source, stream, missed, topics), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: source.leave_stream(stream))
    return response


def replay(last_id: int) -> list[Note]:
    """What came since the note with ``last_id``, up to a thousand; beyond that the page is told to read all anew."""
    with database().unit_of_work(Scope.system(settings().tenant_id)) as session:
        found = notes_after(session, last_id, limit=REPLAY_LIMIT + 1)
    return found if len(found) <= REPLAY_LIMIT else [Note(found[-1].id, "reset", 0)]


def events(source: Dispatcher, stream: queue.Queue[Note], missed: list[Note], topics: frozenset[str]) -> Iterator[str]:
    """The stream's text, ending by itself after ten minutes."""
    try:
        yield f"retry: {RETRY_MS}\n: dongting\n\n"
        yield from (as_event(note) for note in missed if is_wanted(note, topics))
        ends_at = time.monotonic() + LIVES_S
        while time.monotonic() < ends_at and source.is_alive():
            try:
                note = stream.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                yield ": still here\n\n"
                continue
            if is_wanted(note, topics):
                yield as_event(note)
    finally:
        source.leave_stream(stream)


def is_wanted(note: Note, topics: frozenset[str]) -> bool:
    """Whether the stream asked for this topic; ``reset`` concerns everybody."""
    return not topics or note.topic in topics or note.topic == "reset"


def as_event(note: Note) -> str:
    """One server-sent event."""
    return f"id: {note.id}\nevent: {note.topic}\ndata: {json.dumps({'id': note.subject_id})}\n\n"
