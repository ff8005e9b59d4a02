"""The scan page in a real Chromium: wedge bursts, offline queue, every screen. Nothing lost, nothing doubled."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext

from tests.web.conftest import Doorman
from tests.web.scanning import DESK, PHONE, SMALL, codes, open_page, queued, scan, sent, type_code, until
from tests.wms.floor.world import World, build_world, stock
from wms.db import Database, Scope


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session)


@pytest.fixture
def phone(chromium: Browser, doorman: Doorman, live_server: str) -> Iterator[BrowserContext]:
    """A clerk's handheld, logged in, with the service worker of the page."""
    context = doorman.page_context(chromium, live_server, "clerk", viewport=SMALL)
    yield context
    context.close()


def test_receives_a_pallet_and_puts_it_away_without_touching_the_screen(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    assert scan(page, world.notice_no) == "ok"
    assert scan(page, "DOCK-1") == "ok"
    assert scan(page, world.pallet_label()) == "ok"
    assert "100" in page.inner_text("#band")
    page.locator('[data-job="put_away"]').click()
    page.locator("#choose summary").click()
    page.locator(f'[data-value="{world.site.code}"]').click()
    assert scan(page, world.pallet_label()) == "ok"
    assert "A-1" in page.inner_text("#band")
    assert scan(page, "A-1") == "ok"
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "hold"): 100}


def test_a_mistake_stays_on_the_screen_until_the_next_scan(
    phone: BrowserContext, live_server: str, world: World
) -> None:
    page = open_page(phone, live_server)
    scan(page, world.notice_no)
    assert scan(page, "6901234567893") == "stop"
    assert page.get_attribute("#band", "data-state") == "stop"
    assert page.locator("[data-way-out]").inner_text()
    assert page.locator("[data-acknowledge]").is_visible()
    scan(page, "DOCK-1")
    assert page.get_attribute("#band", "data-state") == "ok"


@pytest.mark.parametrize("delay", [0, 8])
def test_a_burst_of_forty_codes_loses_none(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope, delay: int
) -> None:
    page = open_page(phone, live_server)
    burst = [f"BURST-{n:04d}-ABCDEF" for n in range(40)]
    for code in burst:
        type_code(page, code, delay)
    until(lambda: len(codes(database, scope)) == 40)
    assert codes(database, scope) == burst


def test_keys_are_caught_wherever_the_focus_is(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    page.evaluate("document.querySelector('[data-command=CONFIRM]').focus()")
    type_code(page, "DOCK-1")
    page.locator("#quantity").click()  # the number pad is open
    type_code(page, "DOCK-2")
    until(lambda: len(codes(database, scope)) == 2)
    assert codes(database, scope) == ["DOCK-1", "DOCK-2"]  # and CONFIRM was not pressed by the scanner's Enter


def test_the_separator_arrives_as_ctrl_and_bracket(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    page.keyboard.type("010690123456789210LOT7")
    page.keyboard.press("Control+]")
    page.keyboard.type("21S9")
    page.keyboard.press("Enter")
    until(lambda: codes(database, scope) == ["010690123456789210LOT7\x1d21S9"])


def test_undoes_one_of_the_last_scans_by_touch(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    scan(page, world.notice_no)
    scan(page, "DOCK-1")
    scan(page, world.pallet_label())
    page.locator("#recent li .undo").first.click()
    until(lambda: page.locator("#recent li.undone").count() == 1)
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {}


def test_queues_offline_survives_a_reload_and_counts_exactly_once(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    scan(page, world.notice_no)
    scan(page, "DOCK-1")
    phone.set_offline(True)
    for _ in range(20):
        type_code(page, world.cream.gtin or "")
    until(lambda: queued(page) == 20)
    assert page.get_attribute("#connection", "data-state") == "offline"
    page.reload()
    page.wait_for_selector("body[data-ready]")
    type_code(page, world.cream.gtin or "")
    until(lambda: queued(page) == 21)

    lost: list[int] = []

    def lose_first(route: Any) -> None:
        response = route.fetch()  # the server did its work …
        if not lost:
            lost.append(response.status)
            route.fulfill(status=503, body="")  # … and the device never hears of it
        else:
            route.fulfill(response=response)

    page.route("**/api/v1/scans/batch", lose_first)
    phone.set_offline(False)
    until(lambda: sent(page), 30)
    assert lost == [200]
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Hand cream", "hold"): 21}
    assert codes(database, scope).count(world.cream.gtin or "") == 21


def test_a_closed_tab_keeps_its_queue(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    phone.set_offline(True)
    type_code(page, "ONE")
    type_code(page, "TWO")
    until(lambda: queued(page) == 2)
    page.close()
    phone.set_offline(False)
    again = open_page(phone, live_server)
    until(lambda: sent(again))
    assert codes(database, scope) == ["ONE", "TWO"]


def test_what_the_server_refuses_lies_in_the_tray(phone: BrowserContext, live_server: str, world: World) -> None:
    page = open_page(phone, live_server)
    page.route(
        "**/api/v1/scans/batch",
        lambda route: route.fulfill(
            json={"results": [{"key": "x", "status": 422, "problem": {"detail": "No such thing."}}]}
        ),
    )
    type_code(page, "WHATEVER")
    until(lambda: page.locator("#tray li").count() == 1)
    assert "No such thing." in page.inner_text("#tray")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    until(lambda: page.locator("#tray li").count() == 1)
    page.locator("#tray li button").click()
    until(lambda: page.locator("#tray li").count() == 0)


def test_two_tabs_send_each_scan_once(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    tabs = [open_page(phone, live_server), open_page(phone, live_server)]
    phone.set_offline(True)
    for number, page in enumerate(tabs):
        page.bring_to_front()
        for n in range(5):
            type_code(page, f"TAB-{number}-{n}")
    phone.set_offline(False)
    until(lambda: len(codes(database, scope)) == 10)
    assert sorted(codes(database, scope)) == [f"TAB-{number}-{n}" for number in range(2) for n in range(5)]


def test_a_wrong_keyboard_layout_is_undone(
    phone: BrowserContext, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    page.evaluate(
        """() => { for (const [key, code] of [["Ф", "KeyA"], ["-", "Minus"], ["1", "Digit1"], ["Enter", "Enter"]]) {
            const field = document.getElementById("scan-field");
            const how = {key, code, shiftKey: key === "Ф", bubbles: true, cancelable: true};
            const down = new KeyboardEvent("keydown", how);
            if (field.dispatchEvent(down)) field.value += key; } }"""
    )
    until(lambda: codes(database, scope) == ["A-1"])


def test_a_lost_login_keeps_the_scans(
    phone: BrowserContext, live_server: str, database: Database, scope: Scope
) -> None:
    page = open_page(phone, live_server)
    kept = phone.cookies()
    phone.clear_cookies()
    type_code(page, "LATER")
    until(lambda: page.locator("#login-again").is_visible())
    assert queued(page) == 1
    phone.add_cookies(kept)  # type: ignore[arg-type]
    until(lambda: sent(page))
    assert codes(database, scope) == ["LATER"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh", "en"])
def test_fits_every_screen_without_sideways_scrolling(
    chromium: Browser, doorman: Doorman, live_server: str, world: World, locale: str, scheme: Any
) -> None:
    context = doorman.page_context(
        chromium, live_server, "clerk", viewport=SMALL, locale=locale, color_scheme=scheme, service_workers="block"
    )
    page = open_page(context, live_server)
    for code in (world.notice_no, "DOCK-1", world.pallet_label(), "6901234567893"):
        scan(page, code)
    for size in (SMALL, PHONE, DESK):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
        small = "[...document.querySelectorAll('.scan-page button')].filter(b => b.offsetParent && b.offsetHeight < 48)"
        assert page.evaluate(f"{small}.map(b => b.textContent.trim())") == []
        assert page.evaluate(
            "document.querySelector('#band').scrollHeight <= document.querySelector('#band').clientHeight"
        )
        if folder := os.environ.get("DONGTING_PICTURES"):
            page.screenshot(path=f"{folder}/scan-{size['width']}-{locale}-{scheme}.png")
    context.close()


def test_the_sheet_of_labels_shows_what_a_notice_needs(phone: BrowserContext, live_server: str, world: World) -> None:
    page = phone.new_page()
    page.goto(f"{live_server}/scan/labels?notice={world.notice_no}")
    alts = page.evaluate("[...document.images].map(i => i.naturalWidth > 0 && i.alt)")
    assert {world.notice_no, "DOCK-1", "A-1", "CONFIRM", f"(00) {world.pallet}"} <= set(alts)
    assert False not in alts
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_device_page_says_whether_a_scanner_sends_what_is_printed(phone: BrowserContext, live_server: str) -> None:
    page = phone.new_page()
    page.goto(f"{live_server}/scan/device")
    type_code(page, "ABCxyz123")
    until(lambda: page.locator('[data-expected="ABCxyz123"]').get_attribute("data-state") == "ok")
    type_code(page, "010690123456789210LOT721S9")  # the separator was lost
    until(lambda: page.locator('[data-state="stop"]').count() == 1)


def test_the_service_worker_keeps_only_what_there_is(client: FlaskClient) -> None:
    said = client.get("/sw.js")
    assert said.headers["Cache-Control"] == "no-cache"
    kept = json.loads(said.text.partition("const PRECACHE = ")[2].partition(";\n")[0])
    assert len(kept) > 15
    assert {url: client.get(url, buffered=True).status_code for url in kept} == dict.fromkeys(kept, 200)
