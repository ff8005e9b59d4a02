"""People at work in a real Chromium, against the running demo. Pages are asked until they answer, never slept on."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from web import symbols
from web.demo.people import DEMO_USERS
from web.symbols import SymbolKind

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
PASSWORDS = {user.login: user.password for user in DEMO_USERS}

# The page's camera becomes a canvas; __show(url) holds a picture before it.
CAMERA = """
window.__cam={img:null};
(() => {
  const c=document.createElement('canvas'); c.width=1280; c.height=720;
  const x=c.getContext('2d');
  setInterval(() => { x.fillStyle='#998'; x.fillRect(0,0,1280,720);
    const i=__cam.img; if(i) x.drawImage(i,(1280-i.width)/2,(720-i.height)/2); }, 50);
  navigator.mediaDevices.getUserMedia = async () => c.captureStream(20);
  window.__show = async u => { const i=new Image(); i.src=u; await i.decode(); __cam.img=i; };
  window.__hide = () => { __cam.img=null; };
})();
"""


def until(holds: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Poll until ``holds`` returns something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.1)
    return found


@contextmanager
def at_work(browser: Browser, address: str, login: str, **options: Any) -> Iterator[Page]:
    """A page of the person ``login``, logged in by the form, in Chinese; any error in the page's scripts fails."""
    context = browser.new_context(**({"viewport": DESK, "locale": "zh-CN"} | options))
    context.set_default_timeout(60_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        page.goto(f"{address}/login")
        page.fill("#login_name", login)
        page.fill("#password", PASSWORDS[login])
        page.click("form button.primary")
        page.wait_for_url(lambda url: "/login" not in url)
        yield page
        assert faults == []
    finally:
        context.close()


def newest(page: Page) -> str | None:
    """The key of the newest scan on the screen."""
    row = page.locator("#recent li").first
    return row.get_attribute("data-key") if row.count() else None


def answer_after(page: Page, before: str | None, what: str) -> str:
    """Wait for the answer to the scan that came after the one with the key ``before``."""

    def outcome() -> str | None:
        state = (
            page.locator("#recent li").first.get_attribute("data-state") if newest(page) not in (None, before) else None
        )
        return state if state in {"ok", "warn", "stop"} else None

    return str(until(outcome, f"an answer to {what}"))


def scan(page: Page, code: str) -> str:
    """Scan with a keyboard wedge; return the outcome of the answer."""
    before = newest(page)
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    return answer_after(page, before, code)


def show(page: Page, kind: SymbolKind, data: str) -> str:
    """Hold a printed label before the camera; return the outcome of the answer."""
    url = "data:image/png;base64," + base64.b64encode(symbols.png(kind, data, scale=2)).decode()
    before = newest(page)
    page.evaluate("url => __show(url)", url)
    outcome = answer_after(page, before, data)
    page.evaluate("__hide()")
    return outcome
