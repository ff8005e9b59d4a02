"""What tests of the scan page share: waiting, scanning as a wedge does, and what the server took."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select

from wms.db import Database, Scope
from wms.floor.tables import Scan

PHONE = {"width": 390, "height": 844}
SMALL = {"width": 360, "height": 640}
DESK = {"width": 1280, "height": 800}


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
