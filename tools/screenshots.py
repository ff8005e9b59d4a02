"""Pictures for the README: the three working places with the data of a running demo.

    python -m tools.screenshots http://127.0.0.1:8000 [docs/images]

Start ``make demo`` first and give the yard a minute.
"""

import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.browsing import DESK, PHONE, at_work, scan, until
from web.demo.notice import DOCK, NOTICE_NO, SSCC

CHROMIUM = "/usr/bin/chromium"
MOST_BYTES = 300_000


def main(address: str, folder: Path) -> None:
    """Take all pictures; what a demo has done already is taken as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for name, take in (("scan", take_scan), ("gate", take_gate), ("plan", take_plan)):
            take(browser, address, folder / f"{name}.png")
            size = (folder / f"{name}.png").stat().st_size
            print(f"{name}.png: {size} bytes{'' if size <= MOST_BYTES else ', TOO LARGE'}")
        browser.close()


def keep(page: Page, path: Path) -> None:
    """Write the picture with 256 colours: a third of the bytes, and nobody sees the difference."""
    from PIL import Image  # noqa: PLC0415 - only maintainers need it

    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


def take_scan(browser: Browser, address: str, path: Path) -> None:
    """A clerk has counted the first pallet of the notice in."""
    with at_work(browser, address, "clerk", viewport=PHONE, device_scale_factor=2) as page:
        page.goto(f"{address}/scan")
        page.wait_for_selector("body[data-ready]")
        for code in (NOTICE_NO, DOCK, f"]C100{SSCC}"):
            scan(page, code)
        keep(page, path)


def take_gate(browser: Browser, address: str, path: Path) -> None:
    """A truck is held at one lane, others come and go."""
    with at_work(browser, address, "customs", viewport=DESK) as page:
        page.goto(f"{address}/gate")
        live = page.get_attribute("#live-state", "data-live") or ""
        held, plates = page.locator(".lane.stop"), page.locator(".lane .plate.big:not(.none)")
        until(lambda: live in page.inner_text("#live-state"), "the live stream", 60)
        until(lambda: held.count() >= 1 and plates.count() >= 2, "a truck held beside another", 240)
        keep(page, path)


def take_plan(browser: Browser, address: str, path: Path) -> None:
    """A solved plan with its figures, map and boxes."""
    with at_work(browser, address, "planner", viewport={"width": 1440, "height": 1250}) as page:
        page.goto(f"{address}/plan")
        page.select_option("[name=seconds]", "30")
        page.locator("form button.primary").click()
        page.wait_for_selector(".plan-figures", timeout=300_000)
        time.sleep(1)  # the map's land is drawn
        keep(page, path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images"))
