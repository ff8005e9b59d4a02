"""Packing, sorting and loading on a handheld in a real Chromium, without touching more than the job and the site."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.web.conftest import Doorman
from tests.web.scanning import SMALL, open_page, scan
from tests.wms.floor.leaving import Yard, build_yard, label, now, of_kind, sscc_label, state_of
from tests.wms.gate.world import new_plate
from wms.db import Database, Scope
from wms.floor import packing_queries
from wms.floor.service import departing, opening_loads, sorting
from wms.floor.service.acting import By
from wms.floor.service.opening_loads import NewLoad
from wms.floor.tables.packing import Parcel


@pytest.fixture
def phone(chromium: Browser, doorman: Doorman, live_server: str) -> Iterator[BrowserContext]:
    context = doorman.page_context(chromium, live_server, "clerk", viewport=SMALL)
    yield context
    context.close()


def choose(page: Page, job: str, site: str) -> None:
    page.locator(f'[data-job="{job}"]').click()
    if site not in page.inner_text("#choice-title"):
        page.locator("#choose summary").click()
        page.locator(f'[data-value="{site}"]').click()


def test_an_order_goes_from_tote_to_truck_on_a_handheld(
    phone: BrowserContext, live_server: str, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        yard: Yard = build_yard(session)
        order_id, number, tote = yard.picked_order(session, (yard.tea, 2))
        sorting.add_rule(session, sorting.NewSortRule(yard.site.id, yard.north.id, now().date(), carrier="SF"))
        load = opening_loads.open_load(session, NewLoad(yard.site.id, new_plate(), "DOCK-1", "SF"))
        plate, load_id = load.vehicle_plate, load.id
    page = open_page(phone, live_server)
    choose(page, "pack", yard.site.code)
    assert [scan(page, code) for code in ("PACK-1", number, "P5", sscc_label(tote.sscc))] == ["ok"] * 4
    assert [scan(page, code) for code in ("QTY 2", label(yard.tea))] == ["ok", "ok"]
    assert [scan(page, code) for code in ("DONE", "700")] == ["ok", "stop"]
    assert yard.tea.code in page.inner_text("#band")
    assert scan(page, "1.195 kg") == "ok"
    with database.unit_of_work(scope) as session:
        sscc = packing_queries.sscc_of(session, session.query(Parcel).one())
    choose(page, "sort", yard.site.code)
    assert scan(page, sscc_label(sscc)) == "ok"
    assert "CH-N" in page.inner_text("#band")
    assert [scan(page, code) for code in ("CH-S", "CH-N")] == ["stop", "ok"]
    choose(page, "load", yard.site.code)
    assert [scan(page, code) for code in (plate, sscc_label(sscc), "DONE", "SEAL-1")] == ["ok"] * 4
    with database.unit_of_work(scope) as session:
        departing.depart(session, load_id, By("depart-1", now()))
        assert (state_of(session, order_id), of_kind(session, "customer", yard.tea)) == ("shipped", 2)
