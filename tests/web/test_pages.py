"""Every page of the house in a real Chromium, for who may open it: it fits, it is readable, nothing is blocked.

Taken from the URL map: a new page is looked at without a new test.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.web.conftest import Doorman
from web.assets import FOLDER
from web.auth.policy import policy_of

AXE = next((Path(__file__).parent / "vendor").glob("axe-core@*/axe.min.js"))
HANDHELD, PHONE, DESK = {"width": 360, "height": 640}, {"width": 390, "height": 844}, {"width": 1440, "height": 900}
NO_PAGES = ("/api", "/live", "/healthz", "/readyz", "/metrics")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
LOOKS = [
    pytest.param("zh", "light", HANDHELD, id="zh-light-handheld"),
    pytest.param("en", "dark", PHONE, id="en-dark-phone"),
    pytest.param("en", "light", DESK, id="en-light-desk"),
    pytest.param("zh", "dark", DESK, id="zh-dark-desk"),
]
RUN_AXE = """async () => {
  const said = await axe.run(document, {resultTypes: ['violations']});
  return said.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => one.id + ': ' + one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(', '));
}"""


def pages(doorman: Doorman) -> list[tuple[str, str]]:
    """(address, role that may open it) of every page without parameters."""
    found = []
    for rule in doorman.app.url_map.iter_rules():
        declared = policy_of(doorman.app, rule.endpoint)
        is_page = "GET" in (rule.methods or ()) and not rule.arguments and "." not in rule.rule
        is_open = declared is not None and (declared.is_public or declared.roles)
        if is_page and declared and is_open and not rule.rule.startswith(NO_PAGES):
            found.append((rule.rule, "auditor" if declared.is_public else min(declared.roles)))
    return sorted(found)


def look_at(page: Page, address: str, said: list[str]) -> list[str]:
    """Open a page and return what is wrong with it."""
    said.clear()
    answer = page.goto(address)
    if answer is None or not answer.ok:
        return [f"status {answer.status if answer else 'none'}"]
    if not answer.text().lstrip().lower().startswith("<!doctype html"):
        return []  # data, or a part of a page
    wrong = [f"console: {line}" for line in said]
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        wrong.append(f"{wide} px wider than the screen")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    findings: list[str] = page.evaluate(RUN_AXE)
    return wrong + findings


@pytest.mark.parametrize(("locale", "scheme", "size"), LOOKS)
def test_every_page_fits_and_is_readable(
    doorman: Doorman, chromium: Browser, live_server: str, locale: str, scheme: Any, size: Any
) -> None:
    wrong, roles = [], sorted({role for _, role in pages(doorman)})
    for role in roles:
        context = doorman.page_context(
            chromium, live_server, role, locale=locale, color_scheme=scheme, viewport=size, bypass_csp=False
        )
        page, said = context.new_page(), []
        page.on("console", lambda line, said=said: said.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        for path in [path for path, wanted in pages(doorman) if wanted == role]:
            wrong += [f"{path} ({role}): {one}" for one in look_at(page, live_server + path, said)]
        context.close()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def visitor(chromium: Browser, live_server: str) -> Any:
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{live_server}/login")
    yield page
    context.close()


def test_language_and_colours_are_kept_on_the_device(visitor: Page) -> None:
    assert visitor.locator("html").get_attribute("lang") == "en"
    visitor.get_by_role("button", name="切换到中文").click()
    assert visitor.locator("html").get_attribute("lang") == "zh-Hans"
    visitor.get_by_role("button", name="登录").wait_for(state="visible")
    visitor.get_by_role("button", name="切换为浅色").click()
    assert visitor.locator("html").get_attribute("data-theme") == "light"
    visitor.reload()
    assert visitor.locator("html").get_attribute("data-theme") == "light"


def test_going_back_after_switching_leads_to_our_own_pages_only(visitor: Page, live_server: str) -> None:
    visitor.evaluate("document.querySelector('.preferences [name=next]').value = '//evil.example/'")
    visitor.get_by_role("button", name="切换到中文").click()
    assert visitor.url.startswith(live_server)


def test_a_script_without_the_nonce_does_not_run(visitor: Page) -> None:
    visitor.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"ran=1\">'); }"
    )
    assert visitor.evaluate("window.ran") is None


def test_a_key_is_made_where_the_browser_has_no_uuid(visitor: Page) -> None:
    visitor.evaluate("crypto.randomUUID = undefined")
    keys = visitor.evaluate("[dongting.newKey(), dongting.newKey()]")
    assert keys[0] != keys[1]
    assert all(UUID.fullmatch(key) for key in keys)


def test_the_menu_of_a_narrow_screen_opens_and_closes(doorman: Doorman, chromium: Browser, live_server: str) -> None:
    context = doorman.page_context(chromium, live_server, "administrator", viewport=HANDHELD)
    page = context.new_page()
    page.goto(live_server)
    link = page.locator(".menu .ways").get_by_role("link", name="Administration")
    assert not link.is_visible()
    page.get_by_label("Menu").click()
    assert link.is_visible()
    page.keyboard.press("Escape")
    assert not link.is_visible()
    page.get_by_label("Menu").click()
    link.click()
    assert page.url.endswith("/admin")
    context.close()


def test_dark_by_hand_is_dark_by_device() -> None:
    """The two lists of dark colours in tokens.css are one."""
    text = (FOLDER / "css" / "tokens.css").read_text(encoding="utf-8")
    by_device = re.search(r'not\(\[data-theme="light"\]\) \{(.*?)\n  \}', text, re.DOTALL)
    by_hand = re.search(r'\[data-theme="dark"\] \{(.*?)\n\}', text, re.DOTALL)
    assert by_device is not None
    assert by_hand is not None
    assert by_device[1].split() == by_hand[1].split()
