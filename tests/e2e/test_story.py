"""The main job from end to end, in a browser, on real parts: scan, gate, plan, and clean books afterwards."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browsing import CAMERA, DESK, PHONE, at_work, scan, show, until
from tests.e2e.conftest import Demo
from web.demo.goods import draw_items, gtin14
from web.demo.notice import DOCK, NOTICE_NO, SITE, Expected, expected
from web.demo.people import DEMO_USERS
from web.symbols import SymbolKind

SEED = 2020
SCANS = ("clerk", "supervisor")
HELD = {"weight_high", "plate_differs", "empty_needs_pass"}


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_three_jobs_run_end_to_end_in_a_browser(demo: Demo, chromium: Browser) -> None:
    everybody_logs_in(demo, chromium)
    clerk_receives_and_puts_away(demo, chromium)
    customs_watches_and_releases(demo, chromium)
    administrator_releases_nothing(demo, chromium)
    planner_plans_and_accepts(demo, chromium)
    firms_see_their_own_cargo(demo, chromium)
    auditor_finds_the_books_true(demo, chromium)
    verify_is_clean(demo)


def everybody_logs_in(demo: Demo, chromium: Browser) -> None:
    """Each role has a login, printed at the start, and finds their own ways on the first page."""
    said = "\n".join(demo.up.lines)
    roles = set()
    for user in DEMO_USERS:
        assert user.login in said
        assert user.password in said
        with at_work(chromium, demo.address, user.login) as page:
            assert user.name_zh in page.inner_text("body")
            roles.add(user.role)
            assert (page.request.get(f"{demo.address}/admin").status == 200) == (
                user.role in ("administrator", "customs_officer")
            )
            assert (page.request.get(f"{demo.address}/scan").status == 200) == (user.role in SCANS)
    assert roles == {"clerk", "supervisor", "planner", "declarant", "customs_officer", "administrator", "auditor"}


def clerk_receives_and_puts_away(demo: Demo, chromium: Browser) -> None:
    """Notice and pallet by the wedge, carton and piece by the camera; what is missing is a recorded difference."""
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date()
    pallet, cartons, pieces = expected(draw_items(SEED), today)
    with at_work(chromium, demo.address, "clerk", viewport=PHONE, service_workers="block") as page:
        page.add_init_script(CAMERA)
        page.goto(f"{demo.address}/scan")
        page.wait_for_selector("body[data-ready]")
        assert scan(page, NOTICE_NO) == "ok"
        assert scan(page, DOCK) == "ok"
        assert scan(page, f"]C100{pallet.sscc}") == "ok"
        assert str(pallet.qty) in page.inner_text("#band")
        _camera_receives(page, cartons, pieces)
        _closes(page)
        _puts_away(page, pallet)
    with at_work(chromium, demo.address, "supervisor") as page:
        page.goto(f"{demo.address}/desk?item={pallet.item.code}&quality=hold")
        assert str(pallet.qty) in page.inner_text("main")  # bonded goods wait for their list


def _camera_receives(page: Page, cartons: Expected, pieces: Expected) -> None:
    page.locator("#camera").click()
    assert cartons.expires_on is not None
    assert scan(page, f"QTY {cartons.qty // cartons.item.per_carton}") == "ok"
    label = f"[01]{gtin14(cartons.item.gtin, 1)}[17]{cartons.expires_on:%y%m%d}[10]{cartons.lot_no}"
    assert show(page, SymbolKind.GS1_DATAMATRIX, label) == "ok"
    assert f"{cartons.qty}" in page.inner_text("#band")
    assert scan(page, f"QTY {pieces.qty - 1}") == "ok"  # one is missing
    assert show(page, SymbolKind.EAN, pieces.item.gtin) == "ok"
    page.locator("#camera").click()


def _closes(page: Page) -> None:
    """The first CONFIRM shows the difference, the second one closes."""
    assert scan(page, "CONFIRM") in {"ok", "warn"}
    assert scan(page, "CONFIRM") in {"ok", "warn"}
    assert page.get_attribute("#band", "data-state") in {"ok", "warn"}


def _puts_away(page: Page, pallet: Expected) -> None:
    page.locator('[data-job="put_away"]').click()
    page.locator("#choose summary").click()
    page.locator(f'[data-value="{SITE}"]').click()
    assert scan(page, f"]C100{pallet.sscc}") == "ok"
    place = re.search(r"[AP]\d{2}-\d{2}-\d", page.inner_text("#band"))
    assert place, page.inner_text("#band")
    assert scan(page, place[0]) == "ok"


def customs_watches_and_releases(demo: Demo, chromium: Browser) -> None:
    """The yard's trucks: the approved ones are let out by the rules, the others are held with their codes."""
    trucks = json.loads((demo.data / "yard.json").read_text(encoding="utf-8"))["trucks"]
    approved = {truck["plate"] for truck in trucks if truck["story"] == "approved"}
    codes: set[str] = set()
    with at_work(chromium, demo.address, "customs") as page:
        page.goto(f"{demo.address}/gate")

        def has_seen_all() -> bool:
            codes.update(page.locator(".hold-words .code").all_inner_texts())
            return codes >= HELD and bool(_passed(page) & approved)

        until(has_seen_all, f"holds with the codes {HELD} and a truck let out", 420)
        _release_the_heavy_one(page, demo)


def _passed(page: Page) -> set[str]:
    """Plates of passages on the page that have passed."""
    plates = page.locator("tr:has(.chip.ok) .plate").all_inner_texts()
    return {plate.replace("·", "").replace("\n", "").replace(" ", "") for plate in plates}


def _release_the_heavy_one(page: Page, demo: Demo) -> None:
    """An officer looks at a held truck and lets it out with a reason; the barrier lets exactly this one out."""
    heavy = page.locator(".lane:has(.code:text-is('weight_high')) a.primary")
    until(lambda: heavy.count() > 0, "a truck that is too heavy stands in a lane", 420)
    heavy.first.click()
    page.fill("#reason", "复磅无误，磅房有记录")
    page.locator("form.stack button.primary").click()
    until(lambda: page.locator(".verdict .chip.ok").count() > 0 or page.reload() is None, "the truck passes", 90)
    assert "复磅无误" in page.inner_text("main")


def administrator_releases_nothing(demo: Demo, chromium: Browser) -> None:
    """Who runs the machines may look at a held truck and not let it out, by whatever door."""
    with at_work(chromium, demo.address, "admin") as page:
        page.goto(f"{demo.address}/gate")
        held = page.locator(".lane.stop .lane-actions a")
        until(lambda: held.count() > 0, "a truck is held", 420)
        held.first.click()
        assert page.locator("#release").count() == 0
        token = page.get_attribute('meta[name="csrf-token"]', "content") or ""
        forced = page.request.post(
            f"{page.url.split('#')[0]}/release", headers={"X-CSRFToken": token}, form={"reason": "开一下门"}
        )
        assert forced.status == 403


def planner_plans_and_accepts(demo: Demo, chromium: Browser) -> None:
    """At least 300 consignments become boxes, at a cost with a proven bound; what stays behind has its reason."""
    with at_work(chromium, demo.address, "planner") as page:
        page.goto(f"{demo.address}/plan")
        waiting = int(re.sub(r"\D", "", page.inner_text(".figure b")))
        assert waiting >= 300
        page.select_option("[name=seconds]", "15")
        page.locator("form button.primary").click()
        page.wait_for_selector("#parts", timeout=300_000)  # until it is made the page tells how far it is
        cost, bound = (_money(text) for text in page.locator(".plan-figures b").all_inner_texts()[:2])
        assert 0 < bound <= cost
        assert page.locator(".plan-map path").count() > 3
        assert page.locator("#parts tbody tr").count() > 10
        assert page.locator("#parts .fill").count() > 10
        address = page.url.split("?")[0].split("#")[0]
        page.goto(f"{address}?view=left")
        rows = page.locator("#parts tbody tr")
        assert rows.count() >= 3
        assert all(len(row.strip()) > 4 for row in rows.locator("td:nth-child(3)").all_inner_texts())
        page.goto(address)
        page.locator("form button.primary").first.click()
        page.wait_for_load_state()
        page.goto(f"{demo.address}/plan?state=booked")
        assert page.locator("tbody tr:has(.code)").count() > 10
        page.goto(f"{demo.address}/plan")
        assert int(re.sub(r"\D", "", page.inner_text(".figure b"))) < waiting // 2


def _money(text: str) -> int:
    """Fen of an amount as the page writes it."""
    found = re.search(r"([\d,]+)\.(\d\d)", text)
    assert found, text
    return int(found[1].replace(",", "")) * 100 + int(found[2])


def firms_see_their_own_cargo(demo: Demo, chromium: Browser) -> None:
    """Two logistics firms: what one sees, the other does not, on the page and by its number."""
    seen = [_numbers(demo, chromium, login) for login in ("firm-a", "firm-b")]
    assert seen[0]
    assert seen[1]
    assert not seen[0] & seen[1]
    with at_work(chromium, demo.address, "firm-a") as page:
        for number, status in ((min(seen[0]), 200), (min(seen[1]), 404)):
            assert page.request.get(f"{demo.address}/track?number={number}").status == status
        assert page.request.get(f"{demo.address}/gate").status == 403


def _numbers(demo: Demo, chromium: Browser, login: str) -> set[str]:
    numbers: set[str] = set()
    with at_work(chromium, demo.address, login) as page:
        page.goto(f"{demo.address}/plan?state=all")
        while True:
            numbers.update(page.locator("tbody strong.code").all_inner_texts())
            following = page.locator(".pager a:last-child")
            if not following.count() or "after=" not in (following.first.get_attribute("href") or ""):
                return numbers
            following.first.click()
            page.wait_for_load_state()


def auditor_finds_the_books_true(demo: Demo, chromium: Browser) -> None:
    """The check reads everything anew, and nothing is wrong."""
    with at_work(chromium, demo.address, "auditor", viewport=DESK) as page:
        page.goto(f"{demo.address}/oversight")
        page.locator("form button.primary").click()
        page.wait_for_load_state()
        assert page.locator("section.card header .chip.ok").count() == 1, page.inner_text("main")[:500]


def verify_is_clean(demo: Demo) -> None:
    """At the command line too, while all goes on, and after the end."""
    assert _verify(demo.data) == 0
    demo.up.ask_to_end()
    assert demo.up.process.returncode == 0
    assert _verify(demo.data) == 0


def _verify(data: Path) -> int:
    command = [sys.executable, "-m", "web.cli", "verify", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    print(done.stdout[-2000:], done.stderr[-500:])
    return done.returncode
