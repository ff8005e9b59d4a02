"""The live stream (server-sent events): ids only, so that a page always reads the row itself under its own rights.

One dispatcher thread for each process listens on PostgreSQL and hands notes to the open streams; a stream holds no
database connection while it sleeps. An event's id is its note's place, given after the note was committed, so
``Last-Event-ID`` is replayed from the table without a gap and nothing is told twice. Streams are capped: one too many
gets 503 and polls. A stream that does not read is ended rather than left with a hole; each ends after ten minutes so
that the browser, which comes back by itself, is asked who it is.

The streams may have a process of their own (``dongting live``); then this route leads there (``DONGTING_LIVE_URL``).
"""

import json
import queue
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg
import structlog
from flask import Blueprint, Flask, Response, current_app, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import policy
from web.context import current_identity, database, settings
from wms.db import Database, Scope
from wms.errors import N_, Kind, WmsError
from wms.watch.queries import Note, first_note_id, last_note_id, notes_after, place_notes

log = structlog.get_logger("live")
bp = Blueprint("live", __name__)

WATCHERS = ("customs_officer", "supervisor", "administrator", "auditor")
OF_PLANNERS = frozenset({"plan"})
"""What a planner who may not watch the gate hears of."""
CHANNEL = "dongting_live"
HEARTBEAT_S, LIVES_S, PATIENCE_S, RETRY_MS = 15.0, 600.0, 1.0, 3_000
TOGETHER_S = 0.01  # what comes so soon after a note is told with it: pages are woken once
REPLAY_LIMIT, WAITING_LIMIT = 1_000, 1_000
IDLE_S = 20.0  # a dispatcher that nobody has needed for so long ends
START = threading.Lock()  # held by who joins and by a dispatcher that decides whether it may end
RESET = "reset"


class StreamsFull(WmsError):
    """All places for live streams are taken; the page asks every few seconds instead."""

    code = "streams_full"
    kind = Kind.UNAVAILABLE
    text = N_("All live streams are in use; this page asks for news every few seconds instead.")


class Stream:
    """What waits for one listener, on ``connection`` where the server tells.

    ``is_late`` once a note found no room, or nobody is there any more: who comes back reads what was missed.
    """

    def __init__(self, connection: socket.socket | None = None) -> None:
        self._notes: queue.Queue[Note | None] = queue.Queue(WAITING_LIMIT)
        self._connection = connection
        self.is_late = False

    def put(self, note: Note) -> None:
        """Add a note; where there is no room the stream is ended."""
        try:
            self._notes.put_nowait(note)
        except queue.Full:
            self.is_late = True

    def end_if_gone(self) -> None:
        """End the stream whose listener has hung up, rather than at the next note: its place is wanted."""
        if self._connection is None or self.is_late:
            return
        try:
            asked = select.poll()
            asked.register(self._connection, getattr(select, "POLLRDHUP", select.POLLHUP))  # the first: Linux alone
            is_gone = bool(asked.poll(0))
        except (OSError, ValueError):  # closed on our side
            is_gone = True
        if is_gone:
            self.is_late = True
            with suppress(queue.Full):
                self._notes.put_nowait(None)

    def next(self, patience_s: float) -> Note | None:
        """The next note, None when none came in time."""
        try:
            return self._notes.get(timeout=patience_s)
        except queue.Empty:
            return None


class Dispatcher(threading.Thread):
    """Listens for all streams of one process."""

    def __init__(self, house: Database, tenant_id: int, limit: int) -> None:
        super().__init__(name="live-dispatcher", daemon=True)
        self._database, self._scope, self._limit = house, Scope.system(tenant_id), limit
        self._streams: set[Stream] = set()
        self._lock = threading.Lock()
        self._alone_since: float | None = None
        self._sweep_after = 0.0
        self.has_ended = False
        with house.unit_of_work(self._scope) as session:
            self._high = last_note_id(session)

    def join_stream(self, connection: socket.socket | None = None) -> Stream:
        """A new stream. Raises :class:`StreamsFull`."""
        with self._lock:
            if sum(not stream.is_late for stream in self._streams) >= self._limit:
                raise StreamsFull
            made = Stream(connection)
            self._streams.add(made)
            return made

    def leave_stream(self, stream: Stream) -> None:
        """The stream has ended."""
        with self._lock:
            self._streams.discard(stream)

    def run(self) -> None:
        """As long as somebody listens, and a little longer; a lost database is waited for."""
        while not self._may_end():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - the stream must come back by itself
                log.warning("live_listener_lost", error=str(error)[:200])
                time.sleep(PATIENCE_S)

    def _listen(self) -> None:
        dsn = self._database.url.replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            while not self._may_end():
                self._hand_out()  # after each note, and each second in case one was missed
                self._sweep()
                for _ in connection.notifies(timeout=PATIENCE_S, stop_after=1):
                    time.sleep(TOGETHER_S)
                for _ in connection.notifies(timeout=0):
                    pass

    def _may_end(self) -> bool:
        """Whether nobody has listened for a while: the next one starts another dispatcher (:func:`join`)."""
        with START:
            if self._streams:
                self._alone_since = None
            elif self._alone_since is None:
                self._alone_since = time.monotonic()
            elif time.monotonic() - self._alone_since > IDLE_S:
                self.has_ended = True
        return self.has_ended

    def _sweep(self) -> None:
        """Each second at most: end the streams of who has hung up."""
        if time.monotonic() >= self._sweep_after:
            self._sweep_after = time.monotonic() + PATIENCE_S
            with self._lock:
                streams = list(self._streams)
            for stream in streams:
                stream.end_if_gone()

    def _hand_out(self) -> None:
        with self._database.unit_of_work(self._scope) as session:
            place_notes(session)
        while fresh := self._read():
            self._high = fresh[-1].id
            with self._lock:
                streams = list(self._streams)
            for stream in streams:
                for note in fresh:
                    stream.put(note)

    def _read(self) -> list[Note]:
        with self._database.unit_of_work(self._scope) as session:
            return notes_after(session, self._high)


def join(app: Flask) -> tuple[Dispatcher, Stream]:
    """A new stream of the process's dispatcher, which is started with the first one (after the server has forked).

    Raises :class:`StreamsFull`.
    """
    with START:
        found: Dispatcher | None = app.extensions.get("live")
        if found is None or found.has_ended or not found.is_alive():
            found = Dispatcher(database(), settings().tenant_id, settings().live_streams)
            app.extensions["live"] = found
            found.start()
        return found, found.join_stream(request.environ.get("gunicorn.socket"))


@bp.get("/live")
@policy(*WATCHERS, "planner")
def live() -> AnyResponse:
    """Notes of ``topics`` (comma-separated, else all) as they come: ``id``, ``event`` = topic, ``data`` = id."""
    if (elsewhere := live_origin()) is not None:
        return redirect(f"{elsewhere}{request.full_path.rstrip('?')}", 307)
    topics = frozenset(filter(None, request.args.get("topics", "").split(",")))
    who = current_identity()
    if who is None or not who.roles & set(WATCHERS):
        topics = OF_PLANNERS
    last = request.headers.get("Last-Event-ID") or request.args.get("last", "")
    source, stream = join(current_app._get_current_object())  # type: ignore[attr-defined]
    try:
        came_before = last.isdecimal() and len(last) < 19
        heard = int(last) if came_before else 0
        missed = replay(heard) if came_before else []
    except BaseException:
        source.leave_stream(stream)
        raise
    response = Response(events(source, stream, heard, missed, topics), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: source.leave_stream(stream))
    return response


def live_origin() -> str | None:
    """Where browsers reach the process of the streams, None when this process serves them itself."""
    given = settings().live_url
    if given and given.startswith(":"):
        return f"{request.scheme}://{_host_of(request.host)}{given}"
    return given


def _host_of(address: str) -> str:
    """The host without its port, as it stands in an address (IPv6 in brackets); empty for what is no address."""
    try:
        name = urlsplit("//" + address).hostname or ""
    except ValueError:  # an IPv6 address without its end
        return ""
    return f"[{name}]" if ":" in name else name


@bp.after_app_request
def allow_own_pages(response: Response) -> Response:
    """Pages of the same host may listen from another port; nobody else's page may."""
    origin = request.headers.get("Origin", "")
    if request.endpoint == "live.live" and origin:
        response.vary.add("Origin")
        if _host_of(origin.partition("://")[2]) == _host_of(request.host) != "":
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
    return response


def replay(last_id: int) -> list[Note]:
    """What came since the note at that place, up to a thousand; beyond that the page is told to read all anew."""
    with database().unit_of_work(Scope.system(settings().tenant_id)) as session:
        place_notes(session)
        found = notes_after(session, last_id, limit=REPLAY_LIMIT + 1)
        is_whole = len(found) <= REPLAY_LIMIT and _is_known(session, last_id)
        return found if is_whole else [Note(last_note_id(session), RESET, 0)]


def _is_known(session: Session, last_id: int) -> bool:
    """Whether all that came after that place is still kept, and the place is one of ours."""
    return first_note_id(session) - 1 <= last_id <= last_note_id(session)


def events(
    source: Dispatcher, stream: Stream, heard: int, missed: list[Note], topics: frozenset[str]
) -> Iterator[str]:
    """The stream's text, ending by itself after ten minutes. ``heard``: the last place of the connection before."""
    sent = heard
    try:
        yield f"retry: {RETRY_MS}\n: dongting\n\n"
        for note in missed:
            sent = note.id
            if is_wanted(note, topics):
                yield as_event(note)
        ends_at = time.monotonic() + LIVES_S
        while time.monotonic() < ends_at and source.is_alive() and not stream.is_late:
            coming = stream.next(HEARTBEAT_S)
            if stream.is_late:
                break
            if coming is None:
                yield ": still here\n\n"
            elif coming.id > sent:  # what was replayed, now or before, may wait here too
                sent = coming.id
                if is_wanted(coming, topics):
                    yield as_event(coming)
    finally:
        source.leave_stream(stream)


def is_wanted(note: Note, topics: frozenset[str]) -> bool:
    """Whether the stream asked for this topic; ``reset`` concerns everybody."""
    return not topics or note.topic in topics or note.topic == RESET


def as_event(note: Note) -> str:
    """One server-sent event."""
    return f"id: {note.id}\nevent: {note.topic}\ndata: {json.dumps({'id': note.subject_id})}\n\n"
