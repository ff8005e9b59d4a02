"""The gate page and its API: what an officer sees, releases and settles; the live stream; in a real Chromium too."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect
from sqlalchemy import func, select

from tests.build import now, number
from tests.web.conftest import Doorman
from tests.web.scanning import until
from tests.wms.gate.world import World, crossing, make_lane, make_pass, make_world, new_box, new_plate, seen_of
from web import live
from wms.db import Database, Scope
from wms.gate.rules import SeenContainer
from wms.gate.service import CommandStep, close_passage, decide_passage, expire_or_send, record_result, register_vehicle
from wms.gate.service.barrier import set_barrier, set_link
from wms.gate.service.deciding import ReadingUse
from wms.gate.service.setup import blacklist
from wms.gate.tables import BarrierCommand, Passage, Release
from wms.watch.service import NewAlarm, announce, raise_alarm

SHOTS = os.environ.get("DONGTING_SHOTS")  # a folder for pictures of the page, to look at


def readings(plate: str, grams: int) -> tuple[ReadingUse, ...]:
    """A few readings with their reasons."""
    at = now()
    said: list[tuple[str, str, bool, str, dict[str, Any]]] = [
        ("LoopRead", "loops-1", True, "arrive", {"loop": "arrive", "is_occupied": True}),
        ("PlateRead", "cam-1", True, "voted", {"plate": plate, "confidence_pct": 97.0}),
        ("PlateRead", "cam-1", False, "not_a_plate", {"plate": "SCANIA", "confidence_pct": 55.0}),
        ("WeightRead", "scale-1", False, "unstable", {"weight_g": grams // 2, "is_stable": False}),
        ("WeightRead", "scale-1", True, "plateau", {"weight_g": grams, "is_stable": True}),
    ]
    return tuple(ReadingUse(number(), kind, device, used, why, body, at, at) for kind, device, used, why, body in said)


class Scene:
    """Three lanes: one with a held truck, one free with a passed one behind it, one with a blacklisted truck."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self.database, self.scope = database, scope
        with database.unit_of_work(scope) as session:
            self.world: World = make_world(session)
            box = new_box()
            heavy = make_pass(session, self.world, container_nos=(box,), container_weight_g=2_200_000)
            seen = seen_of(heavy, weight_g=heavy.total_weight_g * 109 // 100)
            command = crossing(self.world.lane, seen)
            readings_ = readings(heavy.vehicle_plate, seen.weight_g or 0)
            self.held_id = decide_passage(
                session, command.__class__(**{**vars(command), "readings": readings_})
            ).passage_id
            self.held_plate = heavy.vehicle_plate
            second = make_lane(session, self.world.shelf.site_id)
            third = make_lane(session, self.world.shelf.site_id, direction="I")
            good = make_pass(session, self.world)
            self.passed_id = decide_passage(session, crossing(second, seen_of(good))).passage_id
            self._drive(session, self.passed_id)
            close_passage(session, self.passed_id, at=now(), went_through=True)
            stranger = new_plate()
            register_vehicle(session, stranger, tare_g=14_000_000)
            wrong = seen_of(heavy, plate=stranger, containers=(SeenContainer(box, True),))
            self.wrong_id = decide_passage(session, crossing(second, wrong)).passage_id
            close_passage(session, self.wrong_id, at=now(), went_through=False)
            bad = new_plate()
            register_vehicle(session, bad, tare_g=14_000_000)
            blacklist(session, bad, reason="smuggling case", from_at=now() - timedelta(days=1))
            self.black_id = decide_passage(session, crossing(third, seen_of(good, plate=bad))).passage_id
            for lane, state in ((self.world.lane, "closed"), (second, "open"), (third, "closed")):
                set_barrier(session, lane.id, state, now())
            set_link(session, self.world.lane, is_linked=True)
            site_id = self.world.shelf.site_id
            self.alarm_id = raise_alarm(
                session, NewAlarm(site_id, "fence", "fence_alarm", "fence-n1", now(), "touch animal")
            ).id
            raise_alarm(session, NewAlarm(site_id, "barrier", "barrier_fault", second.code, now(), "barrier_fault"))

    def _drive(self, session: Any, passage_id: int) -> None:
        command = session.scalars(
            select(BarrierCommand)
            .join(Release, Release.id == BarrierCommand.release_id)
            .where(Release.passage_id == passage_id)
        ).one()
        expire_or_send(session, command, now())
        for result in ("accepted", "opened", "passed", "closed"):
            record_result(session, CommandStep(command.cmd_id, command.device, result, now()))

    def state(self, passage_id: int) -> str:
        with self.database.unit_of_work(self.scope) as session:
            return str(session.scalar(select(Passage.state).where(Passage.id == passage_id)))

    def commands(self) -> int:
        with self.database.unit_of_work(self.scope) as session:
            return session.scalar(select(func.count()).select_from(BarrierCommand)) or 0


@pytest.fixture
def scene(database: Database, scope: Scope) -> Scene:
    return Scene(database, scope)


def send(client: FlaskClient, path: str, csrf: str, **form: str) -> Any:
    key = form.pop("key", f"k{number()}")
    return client.post(path, data={"csrf_token": csrf, "idempotency_key": key, **form})


def test_page_tells_the_reason_of_a_hold_in_both_languages(doorman: Doorman, scene: Scene) -> None:
    english = doorman.browser("customs_officer").get("/gate").text
    assert "heavier than the gate pass allows" in english
    assert "weight_high" in english
    chinese = doorman.browser("customs_officer", locale="zh").get("/gate").text
    assert "实际重量高于核放单允许范围" in chinese
    assert "重量异常不抬杆" in chinese


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_why_page_shows_checks_readings_inputs_and_a_replay(doorman: Doorman, scene: Scene, locale: str) -> None:
    browser = doorman.browser("auditor", locale=locale)
    for passage_id in (scene.held_id, scene.passed_id, scene.wrong_id, scene.black_id):
        said = browser.get(f"/gate/passages/{passage_id}")
        assert said.status_code == 200
        assert ("再次判定" if locale == "zh" else "decided again now: same answer") in said.text
    assert "SCANIA" in browser.get(f"/gate/passages/{scene.held_id}").text
    assert browser.get("/gate/passages/999999999").status_code == 404


def test_officer_releases_a_held_vehicle_once_however_often_the_form_is_sent(
    doorman: Doorman, scene: Scene, csrf: Callable[..., str]
) -> None:
    officer = doorman.browser("customs_officer")
    page = f"/gate/passages/{scene.held_id}"
    token, before = csrf(officer, page), scene.commands()
    for _ in range(3):
        said = send(officer, f"{page}/release", token, reason="second weighing agreed", key="the-same")
        assert said.status_code == 302
    assert scene.state(scene.held_id) == "released"
    assert scene.commands() == before + 1
    assert "second weighing agreed" in officer.get(page).text


def test_release_without_a_reason_is_refused_in_words(doorman: Doorman, scene: Scene, csrf: Callable[..., str]) -> None:
    officer = doorman.browser("customs_officer")
    page = f"/gate/passages/{scene.held_id}"
    said = send(officer, f"{page}/release", csrf(officer, page), reason=" ")
    assert said.status_code == 422
    assert "needs its reason" in said.text
    assert scene.state(scene.held_id) == "held"


@pytest.mark.parametrize("role", ["administrator", "supervisor", "auditor"])
def test_nobody_but_an_officer_releases(role: str, doorman: Doorman, scene: Scene, csrf: Callable[..., str]) -> None:
    browser = doorman.browser(role)
    page = f"/gate/passages/{scene.held_id}"
    assert 'id="release"' not in browser.get(page).text
    assert send(browser, f"{page}/release", csrf(browser, page), reason="let it go now").status_code == 403
    token = doorman.token(role, doorman.cast.company_of(role))
    api = f"/api/v1/gates/passages/{scene.held_id}/release"
    said = doorman.app.test_client().post(api, json={"reason": "let it go"}, headers=token | {"Idempotency-Key": "k"})
    assert said.status_code == 403
    assert scene.state(scene.held_id) == "held"


def test_a_token_is_no_person_and_releases_nothing(doorman: Doorman, scene: Scene) -> None:
    token = doorman.token("customs_officer", doorman.cast.customs_id)
    api = f"/api/v1/gates/passages/{scene.held_id}/release"
    said = doorman.app.test_client().post(api, json={"reason": "let it go"}, headers=token | {"Idempotency-Key": "k"})
    assert said.status_code == 403
    assert scene.state(scene.held_id) == "held"


def test_blacklisted_vehicle_opens_only_when_a_second_officer_agrees(
    doorman: Doorman, scene: Scene, csrf: Callable[..., str]
) -> None:
    first, second = doorman.browser("customs_officer"), doorman.browser("customs_officer")
    page = f"/gate/passages/{scene.black_id}"
    send(first, f"{page}/release", csrf(first, page), reason="the case was closed")
    assert scene.state(scene.black_id) == "held"
    release_id = re.search(r'name="release_id" value="(\d+)"', second.get(page).text)
    assert release_id is not None
    own = send(first, f"{page}/second", csrf(first, page), release_id=release_id[1], deed="approve")
    assert own.status_code == 403
    assert "second officer" in own.text
    assert (
        send(second, f"{page}/second", csrf(second, page), release_id=release_id[1], deed="approve").status_code == 302
    )
    assert scene.state(scene.black_id) == "released"


def test_alarm_is_acknowledged_and_closed_with_its_cause(
    doorman: Doorman, scene: Scene, csrf: Callable[..., str]
) -> None:
    officer = doorman.browser("customs_officer")
    token, path = csrf(officer, "/gate"), f"/gate/alarms/{scene.alarm_id}"
    assert send(officer, path, token, deed="close", cause="a heron on the net").status_code == 409
    assert send(officer, path, token, deed="acknowledge").status_code == 302
    assert send(officer, path, token, deed="close", cause="a heron on the net", **{"from": "alarms"}).status_code == 302
    assert "a heron on the net" in officer.get("/gate/alarms").text


def test_api_lists_lanes_and_passages_and_explains_one(doorman: Doorman, scene: Scene) -> None:
    client, token = doorman.app.test_client(), doorman.token("auditor", doorman.cast.operator_id)
    lanes = client.get("/api/v1/gates/lanes", headers=token).json
    assert {lane["barrier"] for lane in lanes} == {"closed", "open"}
    page = client.get("/api/v1/gates/passages?limit=2", headers=token)
    assert [row["id"] for row in page.json] == [scene.black_id, scene.wrong_id]
    following = client.get(page.headers["Link"].partition("<")[2].partition(">")[0], headers=token).json
    assert [row["id"] for row in following] == [scene.passed_id, scene.held_id]
    why = client.get(f"/api/v1/gates/passages/{scene.held_id}", headers=token).json
    assert why["hold"]["code"] == "weight_high"
    assert why["replay_agrees"]
    assert len(why["readings"]) == 5
    assert why["weight"]["outcome"] == "high"
    assert why["checks"][-1]["outcome"] == "not_reached"


# --- the stream ----------------------------------------------------------------------------------------------------


class Listener:
    """One open stream, read line by line in a thread."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self.lines: Queue[str] = Queue()
        self._response = urlopen(Request(address, headers=headers), timeout=30)
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            for line in self._response:
                self.lines.put(line.decode().rstrip("\n"))
        except (OSError, ValueError, AttributeError):
            return  # closed by the test

    def next_event(self) -> dict[str, str]:
        """The next event's fields."""
        event: dict[str, str] = {}
        while line := self.lines.get(timeout=15) or (not event and " "):
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                event[name] = value
        return event

    def close(self) -> None:
        self._response.close()


@pytest.fixture
def open_stream(live_server: str, doorman: Doorman) -> Iterator[Callable[..., Listener]]:
    opened: list[Listener] = []

    def open_one(last: str = "") -> Listener:
        headers = doorman.token("auditor", doorman.cast.operator_id) | ({"Last-Event-ID": last} if last else {})
        opened.append(Listener(f"{live_server}/live?topics=passage,alarm", headers))
        return opened[-1]

    yield open_one
    for listener in opened:
        listener.close()


def note(database: Database, scope: Scope, topic: str, subject_id: int) -> None:
    with database.unit_of_work(scope) as session:
        announce(session, topic, subject_id)


def test_stream_tells_what_changed_by_id_and_leaves_out_other_topics(
    open_stream: Callable[..., Listener], database: Database, scope: Scope
) -> None:
    listener = open_stream()
    assert listener.lines.get(timeout=10).startswith("retry:")
    note(database, scope, "lane", 1)
    note(database, scope, "passage", 42)
    assert listener.next_event() | {"id": ""} == {"id": "", "event": "passage", "data": '{"id": 42}'}


def test_stream_replays_what_was_missed_from_the_table(
    open_stream: Callable[..., Listener], database: Database, scope: Scope
) -> None:
    listener = open_stream()
    listener.lines.get(timeout=10)
    note(database, scope, "passage", 1)
    seen = listener.next_event()["id"]
    listener.close()
    for subject in (2, 3):
        note(database, scope, "alarm", subject)
    again = open_stream(last=seen)
    assert [again.next_event()["data"] for _ in range(2)] == ['{"id": 2}', '{"id": 3}']


def test_one_stream_too_many_is_told_to_poll(app: APIFlask, doorman: Doorman, monkeypatch: pytest.MonkeyPatch) -> None:
    full = live.Dispatcher(doorman.database, doorman.scope.tenant_id, 0)
    full.is_alive = lambda: True  # type: ignore[method-assign]
    app.extensions["live"] = full
    token = doorman.token("auditor", doorman.cast.operator_id)
    said = app.test_client().get("/live", headers=token)
    assert said.status_code == 503
    assert said.headers["Retry-After"] == "5"


def test_stream_keeps_no_database_connection(
    open_stream: Callable[..., Listener], app: APIFlask, database: Database, scope: Scope
) -> None:
    listeners = [open_stream() for _ in range(5)]
    for listener in listeners:
        listener.lines.get(timeout=10)
    note(database, scope, "passage", 7)
    assert all(listener.next_event()["data"] == '{"id": 7}' for listener in listeners)
    pool = database.engine.pool
    # The session of the test at most; the stream's own look for news takes one for a moment, and gives it back.
    until(lambda: pool.checkedout() <= 1)  # type: ignore[attr-defined]


# --- in a browser --------------------------------------------------------------------------------------------------

VIEWS = [(1440, 900), (390, 844)]


@pytest.mark.parametrize("size", VIEWS, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("locale", "colours"), [("zh", "light"), ("en", "dark")])
def test_pages_fit_their_screen(
    chromium: Browser,
    live_server: str,
    doorman: Doorman,
    scene: Scene,
    locale: str,
    colours: Any,
    size: tuple[int, int],
) -> None:
    viewport: Any = {"width": size[0], "height": size[1]}
    context = doorman.page_context(
        chromium, live_server, "customs_officer", locale=locale, viewport=viewport, color_scheme=colours
    )
    with closing(context):
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        for name, path in (
            ("gate", "/gate"),
            ("held", f"/gate/passages/{scene.held_id}"),
            ("passed", f"/gate/passages/{scene.passed_id}"),
            ("black", f"/gate/passages/{scene.black_id}"),
            ("alarms", "/gate/alarms"),
            ("passages", "/gate/passages"),
        ):
            page.goto(live_server + path)
            if name == "gate":
                expect(page.locator("#live-state.live")).to_be_visible(timeout=10_000)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} is {wide} px too wide"
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{locale}-{colours}-{size[0]}.png", full_page=True)
        assert not faults


def test_officer_sees_a_change_without_reloading_and_releases(
    chromium: Browser, live_server: str, doorman: Doorman, scene: Scene
) -> None:
    with closing(doorman.page_context(chromium, live_server, "customs_officer", locale="en")) as context:
        page = context.new_page()
        page.goto(f"{live_server}/gate")
        expect(page.locator("#live-state.live")).to_be_visible(timeout=10_000)
        lane = page.locator(f"#lane-{scene.world.lane.id}")
        expect(lane).to_contain_text("heavier than the gate pass allows")
        lane.get_by_role("link", name="Examine and release").click()
        page.get_by_label("Reason").fill("weighed again, within 5 %")
        page.get_by_role("button", name="Release and open").click()
        expect(page.get_by_text("The release is recorded.")).to_be_visible()
        page.goto(f"{live_server}/gate")
        expect(lane).to_contain_text("released")
        with scene.database.unit_of_work(scene.scope) as session:
            scene._drive(session, scene.held_id)
        expect(lane.get_by_text("passed", exact=True)).to_be_visible(timeout=5_000)
        page.locator(f'[data-alarm="{scene.alarm_id}"]').get_by_role("button", name="Acknowledge").click()
        expect(page.locator(f'[data-alarm="{scene.alarm_id}"]')).to_contain_text("acknowledged")
