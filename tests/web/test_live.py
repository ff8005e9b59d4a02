"""``dongting live``: a process of its own over real sockets, that leaves out nothing and tells nothing twice."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from werkzeug.serving import make_server

from tests.conftest import Urls
from tests.web.conftest import Doorman
from tests.web.scanning import until
from web.app import create_app, create_live_app
from wms.db import Database, Scope
from wms.settings import Settings
from wms.watch.jobs import forget_notes_of
from wms.watch.service import announce

WAIT_S = 60


class Ear:
    """One listener over a plain socket: what it was told, in order. ``cut`` breaks its connection in the middle."""

    def __init__(self, port: int, headers: dict[str, str], last: str = "", topics: str = "") -> None:
        self.told: list[tuple[int, str, int]] = []
        self._connection = HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        asked = headers | ({"Last-Event-ID": last} if last else {})
        self._connection.request("GET", f"/live?topics={topics}", headers=asked)
        self._socket = self._connection.sock  # the connection forgets it where the answer ends with it
        self.answer: HTTPResponse = self._connection.getresponse()
        self._is_open = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        if self.answer.status == 200:
            self._reader.start()
            assert self._is_open.wait(WAIT_S)

    def _read(self) -> None:
        event: dict[str, str] = {}
        try:
            while raw := self.answer.readline():
                self._is_open.set()
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif "event" in event:
                    self.told.append((int(event["id"]), event["event"], json.loads(event["data"])["id"]))
                    event = {}
                else:
                    event = {}
        except (OSError, ValueError, AttributeError, HTTPException):
            return

    @property
    def subjects(self) -> list[int]:
        """What the notes named, in the order in which they were told."""
        return [subject for _, _, subject in list(self.told)]

    def has_told(self, n: int) -> bool:
        """Whether so many were told."""
        return len(self.told) >= n

    def cut(self) -> str:
        """Break the connection; returns the last event's id, as a browser remembers it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reader.ident is not None:
            self._reader.join(WAIT_S)
        self._connection.close()
        return str(self.told[-1][0]) if self.told else ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def live_port(web_settings: Settings, tmp_path: Path) -> Iterator[int]:
    """The port of a real ``dongting live`` with room for twelve."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DONGTING_")}
    environ |= {
        "DONGTING_DATABASE_URL": str(web_settings.database_url),
        "DONGTING_SECRET_KEY": web_settings.secret_key,
        "DONGTING_TENANT": str(web_settings.tenant_id),
        "DONGTING_DATA": str(tmp_path),
        "DONGTING_LIVE_PROCESS_STREAMS": "12",
    }
    with (tmp_path / "live.out").open("wb") as log:
        command = [sys.executable, "-m", "web.cli", "live", "--port", str(port)]
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        until(lambda: is_open(port), WAIT_S)
        yield port
    finally:
        process.terminate()
        process.wait(WAIT_S)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


Listen = Callable[..., Ear]


@pytest.fixture
def listen(live_port: int, doorman: Doorman) -> Iterator[Listen]:
    opened: list[Ear] = []
    headers = doorman.token("auditor", doorman.cast.operator_id)

    def one(last: str = "", topics: str = "", asked: dict[str, str] | None = None) -> Ear:
        opened.append(Ear(live_port, asked or headers, last, topics))
        return opened[-1]

    yield one
    for ear in opened:
        ear.cut()


def note(database: Database, scope: Scope, subject_id: int, topic: str = "passage") -> None:
    with database.unit_of_work(scope) as session:
        announce(session, topic, subject_id)


def test_cut_again_and_again_a_listener_misses_none_and_hears_none_twice(
    listen: Listen, database: Database, scope: Scope
) -> None:
    """Four writers commit out of order meanwhile; the listener is cut off after every tenth note or so."""
    whole, ear = listen(), listen()
    total, writers = 240, 4

    def write(first: int) -> None:
        for subject in range(first, total, writers):
            note(database, scope, subject)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(writers)]
    for thread in threads:
        thread.start()
    heard: list[int] = []
    while len(heard) + len(ear.told) < total:
        wanted = min(10, total - len(heard))
        until(partial(ear.has_told, wanted), WAIT_S)
        last = ear.cut()
        heard += ear.subjects
        ear = listen(last)
    for thread in threads:
        thread.join()
    note(database, scope, total)
    until(lambda: ear.subjects[-1:] == whole.subjects[-1:] == [total], WAIT_S)
    assert heard + ear.subjects == whole.subjects
    assert sorted(whole.subjects) == list(range(total + 1))


def test_a_note_whose_transaction_commits_late_comes_after_what_was_told_before(
    listen: Listen, database: Database, scope: Scope
) -> None:
    ear = listen()
    with database.unit_of_work(scope) as slow:
        announce(slow, "passage", 1)
        slow.flush()  # it has the lower id, and commits last
        note(database, scope, 2)
        until(lambda: ear.subjects == [2], WAIT_S)
        last = ear.cut()
    again = listen(last)
    until(lambda: again.subjects, WAIT_S)
    assert again.subjects == [1]


def test_a_listener_that_missed_too_much_is_told_to_read_all_anew(
    listen: Listen, database: Database, scope: Scope
) -> None:
    note(database, scope, 1)
    ear = listen("999999999")  # a place that this database never gave: it was restored from a backup
    until(lambda: ear.told, WAIT_S)
    assert ear.told[0][1:] == ("reset", 0)


def test_old_notes_are_forgotten_and_who_slept_longer_reads_all_anew(
    listen: Listen, database: Database, scope: Scope, urls: Urls
) -> None:
    ear = listen()
    for subject in (1, 2):
        note(database, scope, subject)
    until(partial(ear.has_told, 2), WAIT_S)
    last = str(ear.told[0][0])
    superuser = create_engine(urls.superuser, poolclass=NullPool)
    with superuser.begin() as connection:
        sql = "UPDATE live_note SET recorded_at = now() - interval '8 days' WHERE tenant_id = :tenant"
        connection.execute(text(sql), {"tenant": scope.tenant_id})
    assert forget_notes_of(database, scope) == 2
    note(database, scope, 3)
    again = listen(last)
    until(lambda: again.told, WAIT_S)
    assert again.told[0][1] == "reset"


def test_one_too_many_is_told_to_poll_and_finds_room_later(listen: Listen, database: Database, scope: Scope) -> None:
    ears = [listen() for _ in range(12)]
    turned_away = listen()
    assert turned_away.answer.status == 503
    assert turned_away.answer.headers["Retry-After"] == "5"
    assert json.loads(turned_away.answer.read())["type"].endswith("streams_full")
    ears[0].cut()

    def comes_in() -> bool:
        note(database, scope, 1)  # a stream whose listener is gone is found when something is to be told
        ear = listen()
        return ear.answer.status == 200

    until(comes_in, WAIT_S)


@pytest.mark.parametrize(("role", "status"), [("clerk", 403), ("declarant", 403), ("device", 403), (None, 401)])
def test_who_may_not_watch_hears_nothing(listen: Listen, doorman: Doorman, role: str | None, status: int) -> None:
    asked = doorman.token(role, doorman.cast.operator_id) if role else {"Accept": "text/event-stream"}
    assert listen(asked=asked).answer.status == status


def test_another_installation_hears_nothing_of_ours(listen: Listen, database: Database, scope: Scope) -> None:
    ear = listen()
    note(database, replace(scope, tenant_id=scope.tenant_id + 500_000), 66)
    note(database, scope, 7)
    until(lambda: ear.told, WAIT_S)
    assert ear.subjects == [7]


def test_the_process_of_the_streams_serves_nothing_else(live_port: int, doorman: Doorman) -> None:
    with closing(HTTPConnection("127.0.0.1", live_port, timeout=WAIT_S)) as connection:
        for path, status in (("/healthz", 200), ("/gate", 404), ("/api/v1/companies", 404)):
            connection.request("GET", path, headers=doorman.token("auditor", doorman.cast.operator_id))
            answer = connection.getresponse()
            answer.read()
            assert (path, answer.status) == (path, status)


@contextmanager
def served(app: object, port: int = 0) -> Iterator[str]:
    """The address of an application that runs in a thread."""
    server = make_server("127.0.0.1", port, app, threaded=True)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(WAIT_S)


def test_the_web_leads_to_the_process_of_the_streams(web_settings: Settings, database: Database) -> None:
    app = create_app(replace(web_settings, live_url=":8123"), database)
    house = Doorman(app, database, Scope.system(web_settings.tenant_id), None)  # type: ignore[arg-type]
    answer = app.test_client().get(
        "/live?topics=passage&last=4", headers=house.token("auditor"), base_url="http://gate.example:8000"
    )
    assert answer.status_code == 307
    assert answer.headers["Location"] == "http://gate.example:8123/live?topics=passage&last=4"
    assert "connect-src 'self' http://gate.example:8123;" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("origin", "is_let"),
    [
        ("http://localhost:8000", True), ("http://evil.example", False), ("http://[", False), ("http://a]b", False),
        ("null", False), ("http://", False),
    ],
)  # fmt: skip
def test_only_pages_of_the_same_host_may_listen_from_another_port(
    web_settings: Settings, database: Database, doorman: Doorman, origin: str, is_let: bool
) -> None:
    app = create_live_app(web_settings, database)
    headers = doorman.token("auditor", doorman.cast.operator_id) | {"Origin": origin}
    answer = app.test_client().get("/live", headers=headers, base_url="http://localhost:8100")
    assert answer.status_code == 200
    assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is is_let
    answer.close()


def test_the_gate_page_listens_to_the_other_process_by_itself_and_asks_when_it_is_gone(
    chromium: Browser, web_settings: Settings, database: Database, doorman: Doorman, live_port: int
) -> None:
    app = create_app(replace(web_settings, live_url=f":{live_port}"), database)
    with (
        served(app) as address,
        closing(doorman.page_context(chromium, address, "customs_officer", locale="en")) as context,
    ):
        page = context.new_page()
        page.goto(f"{address}/gate")
        expect(page.locator("#live-state.live")).to_be_visible(timeout=WAIT_S * 1000)
        page.evaluate("const f = window.fetch; asked = 0; window.fetch = (...a) => { asked += 1; return f(...a); }")
        before = page.evaluate("asked")
        deadline = time.monotonic() + WAIT_S
        while page.evaluate("asked") == before and time.monotonic() < deadline:
            note(database, Scope.system(web_settings.tenant_id), 1)
            page.wait_for_timeout(200)
        assert page.evaluate("asked") > before  # a note of the other process made the page ask anew
        gone = create_app(replace(web_settings, live_url=f":{free_port()}"), database)
    with (
        served(gone) as address,
        closing(doorman.page_context(chromium, address, "customs_officer", locale="en")) as context,
    ):
        page = context.new_page()
        with page.expect_response(lambda answer: answer.url.endswith("/gate/now"), timeout=WAIT_S * 1000):
            page.goto(f"{address}/gate")


def test_a_full_house_makes_the_gate_page_ask_every_few_seconds(
    chromium: Browser, web_settings: Settings, database: Database, doorman: Doorman, urls: Urls
) -> None:
    app = create_app(replace(web_settings, live_streams=1), database)
    headers = doorman.token("auditor", doorman.cast.operator_id)
    with (
        served(app) as address,
        closing(doorman.page_context(chromium, address, "customs_officer", locale="en")) as context,
    ):
        taken = Ear(int(address.rpartition(":")[2]), headers)
        page = context.new_page()
        page.goto(f"{address}/gate")
        expect(page.locator("#live-state.poll")).to_be_visible(timeout=WAIT_S * 1000)
        with page.expect_response(lambda answer: answer.url.endswith("/gate/now"), timeout=WAIT_S * 1000):
            pass
        taken.cut()
