"""The camera as a scanner: drawn pictures, one true fake device, and an explanation where there is no picture."""

import base64
import io
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from tests.web.conftest import Doorman
from tests.web.scanning import PHONE, codes, open_page, scan, until
from tests.wms.floor.world import World, build_world, stock
from web import symbols
from web.symbols import SymbolKind
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.floor.tables import Scan


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session)


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
