"""The declarant's pages: what disagrees, a declaration with its tax, and people who are shown for a reason only."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.web.conftest import Doorman
from tests.web.test_pages import DESK, PHONE, look_at
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import sale
from wms.customs.parcels import declaring, taking
from wms.db import Database, Scope
from wms.parties.private import open_vault
from wms.settings import Settings


def declared(database: Database, scope: Scope, settings: Settings) -> str:
    """A declared parcel whose people this installation can open."""
    keys, one = open_vault(settings.data_dir), sale()
    with database.unit_of_work(scope) as session:
        taking.take_orders(session, keys, [one.order()])
        taking.take_payments(session, keys, [one.payment()])
        taking.take_waybills(session, keys, [one.waybill()])
        made = world.draw_up(session, one)[0].declaration_id
        assert made is not None
        declaring.declare(session, keys, [made], datetime.now(UTC))
        return world.row(session, made).cop_no or ""


def test_orders_show_field_both_values_and_rule(
    doorman: Doorman, database: Database, scope: Scope, web_settings: Settings
) -> None:
    keys, one = open_vault(web_settings.data_dir), sale()
    with database.unit_of_work(scope) as session:
        taking.take_orders(session, keys, [one.order()])
        taking.take_payments(session, keys, [one.payment(payerName="李莫愁")])
    page = doorman.browser("declarant", locale="en").get("/desk/retail-orders?match=differs").text
    for text in (one.order_no, "buyerName", "张****", "李****", "the payer is the buyer"):
        assert text in page


def test_a_declaration_shows_its_tax_and_masks_its_people(
    doorman: Doorman, database: Database, scope: Scope, web_settings: Settings
) -> None:
    number = declared(database, scope, web_settings)
    browser = doorman.browser("declarant", locale="en")
    assert number in browser.get("/desk/declarations?state=declared").text
    page = browser.get(f"/desk/declarations/{number}").text
    assert "25.39" in page
    assert "110****2X" in page
    assert "11010519491231002X" not in page


def test_an_auditor_sees_no_way_to_open_people(
    doorman: Doorman, database: Database, scope: Scope, web_settings: Settings
) -> None:
    number = declared(database, scope, web_settings)
    page = doorman.browser("auditor", locale="en").get(f"/desk/declarations/{number}").text
    assert "Show personal data" not in page


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_declarant_s_pages_fit_and_people_are_shown_for_a_reason(
    doorman: Doorman, database: Database, scope: Scope, web_settings: Settings, chromium: Browser, live_server: str,
    size: Any,
) -> None:  # fmt: skip
    number = declared(database, scope, web_settings)
    context = doorman.page_context(chromium, live_server, "declarant", viewport=size, bypass_csp=False)
    page = context.new_page()
    for path in ("/desk/retail-orders", "/desk/declarations", f"/desk/declarations/{number}"):
        assert not look_at(page, live_server + path, [])
    page.get_by_label("Why you need to know").fill("customs asks who bought")
    page.get_by_role("button", name="Show personal data").click()
    page.get_by_text("11010519491231002X").wait_for(state="visible")
    context.close()
