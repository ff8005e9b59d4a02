"""Orders and waves at the desk: gathered, started, followed and called off by a supervisor."""

import re
from typing import Any

import pytest
from sqlalchemy import text

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.outbound import Hall, build_hall
from wms.db import Database, Scope
from wms.floor.rules.orders import OrderLineIn


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        for place in made.bins:
            made.put(session, made.tea, place, 10)
        return made


def order(database: Database, scope: Scope, hall: Hall, qty: int = 10) -> str:
    with database.unit_of_work(scope) as session:
        return hall.order(session, OrderLineIn(hall.tea.code, qty))[1]


def send(browser: Any, path: str, **form: Any) -> Any:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/desk/waves").text)
    assert token is not None
    data = {"csrf_token": token[1], "idempotency_key": f"form-{build.number()}"} | form
    return browser.post(path, data=data, follow_redirects=True)


def test_a_supervisor_gathers_starts_and_calls_off_a_wave(
    doorman: Doorman, database: Database, scope: Scope, hall: Hall
) -> None:
    numbers = [order(database, scope, hall) for _ in range(3)]
    browser = doorman.browser("supervisor", locale="en")
    said = send(browser, "/desk/waves", site=hall.site.code, method="batch", max_orders="50")
    wave_no = re.search(r"WV[0-9]{8}", said.text)
    assert wave_no is not None
    assert all(number in said.text for number in numbers)
    said = send(browser, f"/desk/waves/{wave_no[0]}", deed="start", to_place="PACK-1")
    list_no = re.search(r"PL[0-9]{8}", said.text)
    assert list_no is not None
    assert "to be picked" in said.text
    assert "B-1-1" in browser.get(f"/desk/pick-lists/{list_no[0]}").text
    assert numbers[0] in browser.get(f"/desk/orders?site={hall.site.code}&state=released").text
    assert "B-" in browser.get(f"/desk/orders/{numbers[0]}").text
    said = send(browser, f"/desk/waves/{wave_no[0]}", deed="cancel")
    assert "cancelled" in said.text
    assert wave_no[0] in browser.get("/desk/waves").text


def test_an_order_found_wholly_short_has_two_ways_out(
    doorman: Doorman, database: Database, scope: Scope, hall: Hall
) -> None:
    numbers = [order(database, scope, hall) for _ in range(2)]
    with database.unit_of_work(scope) as session:
        session.execute(text("UPDATE outbound_order SET state = 'short' WHERE order_no = ANY (:no)"), {"no": numbers})
    browser = doorman.browser("supervisor", locale="en")
    assert "nothing found" in browser.get(f"/desk/orders/{numbers[0]}").text
    assert "waits for stock" in send(browser, f"/desk/orders/{numbers[0]}", deed="back").text
    assert "Reason: must be given" in send(browser, f"/desk/orders/{numbers[1]}", deed="cancel").text
    said = send(browser, f"/desk/orders/{numbers[1]}", deed="cancel", reason="the buyer does not wait")
    assert "cancelled" in said.text
    assert "the buyer does not wait" in said.text


def test_a_refusal_is_said_on_the_page(doorman: Doorman, hall: Hall) -> None:
    browser = doorman.browser("supervisor", locale="en")
    said = send(browser, "/desk/waves", site=hall.site.code, method="batch")
    assert "No order that waits fits this rule." in said.text
    said = send(browser, "/desk/waves", site=hall.site.code, method="magic")
    assert "choose one of the list" in said.text
    said = send(browser, "/desk/waves", site=hall.site.code, method="batch", max_orders="many")
    assert "must be from 1 to 100000" in said.text


def test_a_clerk_looks_but_does_not_start(doorman: Doorman, database: Database, scope: Scope, hall: Hall) -> None:
    number = order(database, scope, hall)
    browser = doorman.browser("clerk", locale="en")
    assert "Gather a wave" not in browser.get("/desk/waves").text
    assert number in browser.get(f"/desk/orders?order_no={number}").text
    assert browser.get("/desk/orders/SO-NOBODY").status_code == 404
    assert browser.get("/desk/waves/WV99999999").status_code == 404
    assert browser.get("/desk/pick-lists/PL99999999").status_code == 404
