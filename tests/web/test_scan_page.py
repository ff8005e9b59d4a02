"""The scan page in a real Chromium: wedge bursts, camera, offline queue. Nothing lost, nothing doubled."""

import base64
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select

from tests.web.conftest import Doorman
from tests.wms.floor.world import World, build_world, stock
from web import symbols
from web.symbols import SymbolKind
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.floor.tables import Scan

PHONE = {"width": 390, "height": 844}
SMALL = {"width": 360, "height": 640}
DESK = {"width": 1280, "height": 800}


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


def until(check: Callable[[], Any], seconds: float = 15) -> Any:
    """Ask until the answer is true; the last answer is returned."""
    deadline = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found
    return found


def open_page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/scan")
    page.wait_for_selector("body[data-ready]")
    return page


def type_code(page: Page, code: str, delay: float = 0) -> None:
    page.keyboard.type(code, delay=delay)
    page.keyboard.press("Enter")


def scan(page: Page, code: str) -> str:
    """Scan and wait for the answer; the outcome is told."""
    type_code(page, code)
    row = page.locator("#recent li").first
    until(lambda: row.get_attribute("data-state") in {"ok", "warn", "stop"})
    return str(row.get_attribute("data-state"))


def codes(database: Database, scope: Scope) -> list[str]:
    """Everything the server took, in the order of the device."""
    with database.unit_of_work(scope) as session:
        return list(session.scalars(select(Scan.code).order_by(Scan.boot, Scan.seq)))


def queued(page: Page) -> int:
    return int(page.get_attribute("#connection", "data-count") or 0)


def sent(page: Page) -> bool:
    return page.get_attribute("#connection", "data-state") == "online" and queued(page) == 0


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


CAMERA = """
window.__cam={img:null};
(() => {
  const c=document.createElement('canvas'); c.width=1280; c.height=720;
  const x=c.getContext('2d');
  setInterval(() => { x.fillStyle='#998'; x.fillRect(0,0,1280,720);
    const i=__cam.img; if(i) x.drawImage(i,(1280-i.width)/2,(720-i.height)/2); }, 50);
  navigator.mediaDevices.getUserMedia = async () => c.captureStream(20);
  window.__show = async u => { const i=new Image(); i.src=u; await i.decode(); __cam.img=i; };
})();
"""


def picture(kind: SymbolKind, data: str) -> str:
    return "data:image/png;base64," + base64.b64encode(symbols.png(kind, data, scale=2)).decode()


def test_the_camera_reads_what_our_labels_print(
    chromium: Browser, doorman: Doorman, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    context = doorman.page_context(chromium, live_server, "clerk", viewport=PHONE, service_workers="block")
    page = context.new_page()
    page.add_init_script(CAMERA)
    page.goto(f"{live_server}/scan")
    page.wait_for_selector("body[data-ready]")
    page.locator("#camera").click()
    gtin = gs1_keys.gtin14(world.milk.gtin or "")
    shown = [
        (SymbolKind.CODE128, world.notice_no),
        (SymbolKind.CODE128, "DOCK-1"),
        (SymbolKind.GS1_128, f"[00]{world.pallet}"),
        (SymbolKind.GS1_DATAMATRIX, f"[01]{gtin}[17]{world.expires_on:%y%m%d}[10]L1[21]S9"),
        (SymbolKind.EAN, world.cream.gtin or ""),
    ]
    for number, (kind, data) in enumerate(shown, 1):
        page.evaluate("url => __show(url)", picture(kind, data))
        until(lambda n=number: len(codes(database, scope)) == n)  # type: ignore[misc]
    until(lambda: page.locator('#recent li[data-state="ok"]').count() == 5)
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "hold"): 100, ("Milk", "hold"): 1, ("Hand cream", "hold"): 1}
        kept = session.execute(select(Scan.code, Scan.symbology).order_by(Scan.seq)).all()
    assert [row.symbology for row in kept] == ["]C0", "]C0", "]C1", "]d2", "]E0"]
    assert kept[3].code == f"01{gtin}17{world.expires_on:%y%m%d}10L1\x1d21S9"
    context.close()


def test_the_same_code_in_the_picture_is_one_scan(
    chromium: Browser, doorman: Doorman, live_server: str, database: Database, scope: Scope
) -> None:
    context = doorman.page_context(chromium, live_server, "clerk", viewport=PHONE, service_workers="block")
    page = context.new_page()
    page.add_init_script(CAMERA)
    page.goto(f"{live_server}/scan")
    page.wait_for_selector("body[data-ready]")
    page.locator("#camera").click()
    page.evaluate("url => __show(url)", picture(SymbolKind.CODE128, "ONCE-ONLY"))
    until(lambda: codes(database, scope) == ["ONCE-ONLY"])
    page.wait_for_timeout(2500)  # longer than the pause in which a second scan of it would count
    assert codes(database, scope) == ["ONCE-ONLY"]
    context.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three equal frames of a label, as a camera without ffmpeg: Y4M, 4:2:0."""
    frame = Image.new("L", (1280, 720), 150)
    label = Image.open(io.BytesIO(symbols.png(SymbolKind.GS1_DATAMATRIX, "[01]06901234567892[10]FILM[21]1", scale=6)))
    frame.paste(label.convert("L"), ((1280 - label.width) // 2, (720 - label.height) // 2))
    grey = bytes([128]) * (640 * 360)
    path = tmp_path_factory.mktemp("film") / "label.y4m"
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W1280 H720 F10:1 Ip A1:1 C420jpeg\n")
        for _ in range(3):
            file.write(b"FRAME\n" + frame.tobytes() + grey + grey)
    return path


def look_with(doorman: Doorman, address: str, *arguments: str, permissions: Any = (), host: str = "") -> Iterator[Page]:
    """A page in a Chromium of its own, since its cameras are given at its start."""
    found = os.environ.get("DONGTING_CHROMIUM") or shutil.which("chromium")
    assert found
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(arguments))
        target = address.replace("127.0.0.1", host) if host else address
        context = doorman.page_context(
            browser, target, "clerk", viewport=PHONE, service_workers="block", permissions=list(permissions)
        )
        yield open_page(context, target)
        browser.close()


@pytest.fixture
def true_camera(chromium: Browser, doorman: Doorman, live_server: str, film: Path) -> str:
    return found_by_true_camera(doorman, live_server, film)


def in_thread(work: Callable[[], Any]) -> Any:
    """Run with a Playwright of its own: the session's one already drives this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(90)


def found_by_true_camera(doorman: Doorman, address: str, film: Path) -> str:
    def work() -> str:
        arguments = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
        for page in look_with(doorman, address, *arguments, permissions=["camera"]):
            page.locator("#camera").click()
            until(lambda: page.locator("#recent li").count() == 1)  # noqa: B023
            until(lambda: page.locator("#recent li").first.get_attribute("data-state") == "stop")  # noqa: B023
            return page.inner_text("#recent li .code")
        return ""

    return str(in_thread(work))


def test_a_true_camera_device_is_read(true_camera: str, database: Database, scope: Scope) -> None:
    assert codes(database, scope) == ["010690123456789210FILM\x1d211"]
    assert "⏐" in true_camera


def camera_note(doorman: Doorman, address: str, *arguments: str, host: str = "", permissions: Any = ()) -> str:
    def work() -> str:
        for page in look_with(doorman, address, *arguments, host=host, permissions=permissions):
            page.locator("#camera").click()
            until(lambda: "starting" not in page.inner_text("#camera-note"))  # noqa: B023
            return page.inner_text("#camera-note")
        return ""

    return str(in_thread(work))


def test_explains_a_missing_camera(chromium: Browser, doorman: Doorman, live_server: str) -> None:
    assert "no camera" in camera_note(doorman, live_server, "--use-fake-ui-for-media-stream")


def test_explains_a_camera_that_is_not_allowed(chromium: Browser, doorman: Doorman, live_server: str) -> None:
    assert "not allowed" in camera_note(doorman, live_server, "--use-fake-device-for-media-stream")


def test_takes_wedge_scans_at_an_insecure_address_and_explains_the_rest(
    chromium: Browser, doorman: Doorman, live_server: str, world: World, database: Database, scope: Scope
) -> None:
    def work() -> tuple[str, str, bool]:
        rules = "--host-resolver-rules=MAP wh.test 127.0.0.1"
        for page in look_with(doorman, live_server, rules, host="wh.test"):
            shown = page.locator("#insecure").is_visible()
            outcome = scan(page, world.notice_no)
            page.locator("#camera").click()
            until(lambda: "https" in page.inner_text("#camera-note"))  # noqa: B023
            return outcome, page.inner_text("#camera-note"), shown
        return "", "", False

    outcome, note, shown = in_thread(work)
    assert (outcome, shown) == ("ok", True)
    assert "secure address" in note
    assert codes(database, scope) == [world.notice_no]


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
