"""Transits and parcels collected in person on pages: read by the house, worked by who may; mistakes at their field."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import select

from tests.build import make_company, make_site, number
from tests.web import customs_subjects as subjects
from tests.web.conftest import Doorman
from tests.web.test_pages import DESK, PHONE, look_at
from tests.wms.customs.test_display import parcel
from wms.customs.clock import BEIJING
from wms.customs.tables import CustomsTransit, PickUp, VerificationList
from wms.db import Database, Scope

Send = Callable[..., Any]
READING = ("declarant", "customs_officer", "auditor", "clerk")


@pytest.fixture
def send(csrf: Callable[..., str]) -> Send:
    """Post a form as a browser does: with its key and the token against forgery."""

    def post(browser: FlaskClient, path: str, data: Mapping[str, Any]) -> Any:
        keys = {"csrf_token": csrf(browser, "/desk"), "idempotency_key": f"k{number()}"}
        return browser.post(path, data={**data, **keys}, follow_redirects=True)

    return post


@pytest.fixture
def list_no(database: Database, scope: Scope) -> str:
    """A list that is under way with customs."""
    with database.unit_of_work(scope) as session:
        made = str(subjects.verification_list(session, make_company(session))["number"])
        found = session.scalars(select(VerificationList).where(VerificationList.internal_no == made)).one()
        found.state = "declared"
        return made


def declared(list_no: str, **changes: str) -> dict[str, str]:
    given = {
        "internal_no": f"ZG{number()}", "list_no": list_no, "office_from": "4902", "office_to": "3105",
        "plate": "湘F12345", "seal_no": "S7", "due_at": "",
    }  # fmt: skip
    return given | changes


def transit(database: Database, scope: Scope, internal_no: str) -> CustomsTransit:
    with database.unit_of_work(scope) as session:
        found = session.scalars(select(CustomsTransit).where(CustomsTransit.internal_no == internal_no)).one()
        session.expunge(found)
        return found


def wrong_field(page: str) -> str:
    """The name of the field that a page shows as wrong."""
    return page.partition('<div class="field wrong">')[2].partition('for="')[2].partition('"')[0]


def test_a_transit_goes_from_its_declaration_to_its_arrival(
    doorman: Doorman, database: Database, scope: Scope, send: Send, list_no: str
) -> None:
    browser, officer = (doorman.browser(role, locale="en") for role in ("declarant", "customs_officer"))
    form = declared(list_no, due_at="2999-12-24")
    page = send(browser, "/desk/transits", form).text
    assert "The transit declaration is sent to customs." in page
    assert "It waits for the approval of customs." in page
    path, customs_no = f"/desk/transits/{form['internal_no']}", f"ZGD{number()}"
    found = transit(database, scope, form["internal_no"])
    assert found.due_at == datetime(2999, 12, 24, 23, 59, tzinfo=BEIJING)
    assert "It waits for the other office" in send(officer, path, {"answer": "approved", "transit_no": customs_no}).text
    said = send(browser, path, {"answer": "arrived", "document": " "})
    assert (said.status_code, wrong_field(said.text)) == (422, "document")
    assert "4902-1" in send(browser, path, {"answer": "arrived", "document": "4902-1"}).text
    found = transit(database, scope, form["internal_no"])
    assert (found.state, found.transit_no, found.arrival_document) == ("arrived", customs_no, "4902-1")
    assert "this needs one that is" in send(browser, path, {"answer": "arrived", "document": "again"}).text
    assert customs_no in browser.get("/desk/transits?state=arrived").text


def test_a_transit_is_withdrawn_with_its_reason(
    doorman: Doorman, database: Database, scope: Scope, send: Send, list_no: str
) -> None:
    browser, form = doorman.browser("declarant", locale="en"), declared(list_no)
    send(browser, "/desk/transits", form)
    path = f"/desk/transits/{form['internal_no']}"
    assert wrong_field(send(browser, path, {"answer": "void", "reason": ""}).text) == "reason"
    assert send(browser, path, {"answer": "nothing"}).status_code == 404
    send(browser, path, {"answer": "void", "reason": "goes by rail"})
    assert transit(database, scope, form["internal_no"]).state == "void"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"internal_no": ""}, "internal_no", "Our number: must be given"),
        ({"list_no": "NOTHING"}, "list_no", "NOTHING"),
        ({"office_from": "49"}, "office_from", "must be four digits, like 4902"),
        ({"office_to": "４９０２"}, "office_to", "must be four digits, like 4902"),
        ({"office_to": "4902"}, "office_to", "it names one customs office twice"),
        ({"plate": "12345"}, "plate", "the vehicle&#39;s plate is not a plate"),
        ({"seal_no": " "}, "seal_no", "Seal: must be given"),
        ({"due_at": "soon"}, "due_at", "must be a day like 2026-11-30"),
        ({"due_at": "2020-01-01"}, "due_at", "it must arrive after it leaves"),
    ],
)
def test_a_mistake_in_a_transit_stands_at_its_field(
    doorman: Doorman, send: Send, list_no: str, changes: dict[str, str], field: str, said: str
) -> None:
    answer = send(doorman.browser("declarant", locale="en"), "/desk/transits", declared(list_no) | changes)
    assert (answer.status_code, wrong_field(answer.text)) == (422, field)
    assert said in answer.text


def test_a_number_and_a_list_have_one_transit(
    doorman: Doorman, database: Database, scope: Scope, send: Send, list_no: str
) -> None:
    browser, form = doorman.browser("declarant", locale="en"), declared(list_no)
    send(browser, "/desk/transits", form)
    assert wrong_field(send(browser, "/desk/transits", declared(list_no)).text) == "list_no"
    with database.unit_of_work(scope) as session:
        other = str(subjects.verification_list(session, make_company(session))["number"])
        session.scalars(select(VerificationList).where(VerificationList.internal_no == other)).one().state = "declared"
    answer = send(browser, "/desk/transits", declared(other, internal_no=form["internal_no"]))
    assert wrong_field(answer.text) == "internal_no"
    second = declared(other)
    send(browser, "/desk/transits", second)
    customs_no = f"ZGD{number()}"
    send(browser, f"/desk/transits/{form['internal_no']}", {"answer": "approved", "transit_no": customs_no})
    answer = send(browser, f"/desk/transits/{second['internal_no']}", {"answer": "approved", "transit_no": customs_no})
    assert wrong_field(answer.text) == "transit_no"


def test_who_reads_has_no_form(doorman: Doorman, database: Database, scope: Scope, send: Send) -> None:
    with database.unit_of_work(scope) as session:
        made = subjects.customs_transit(session, make_company(session))["number"]
    for role in READING:
        browser = doorman.browser(role, locale="en")
        pages = [browser.get(path) for path in ("/desk/transits", f"/desk/transits/{made}", "/desk/pick-ups")]
        assert [page.status_code for page in pages] == [200, 200, 200]
        forms = [text in page.text for text, page in zip(
            ("Declare a transit", "Withdraw the transit", "Note a pick-up"), pages, strict=True
        )]  # fmt: skip
        assert forms == [
            role == "declarant", role in ("declarant", "customs_officer"), role in ("declarant", "clerk")
        ]  # fmt: skip
    assert doorman.browser("auditor", locale="en").get("/desk/transits/NOTHING").status_code == 404
    assert send(doorman.browser("auditor", locale="en"), "/desk/pick-ups", {}).status_code == 403


def test_a_pick_up_is_noted_once_and_where_it_may_be(
    doorman: Doorman, database: Database, scope: Scope, send: Send
) -> None:
    browser = doorman.browser("clerk", locale="en")
    with database.unit_of_work(scope) as session:
        zone, shop = make_site(session, "bonded").code, make_site(session, "shop").code
        released, waiting = (parcel(session, state).cop_no or "" for state in ("released", "declared"))

    def note(declaration: str, site: str) -> Any:
        return send(browser, "/desk/pick-ups", {"declaration": declaration, "site": site})

    for declaration, site, field, said in (
        ("", zone, "declaration", "must be given"),
        (released, "", "site", "must be given"),
        ("NOTHING", zone, "declaration", "NOTHING"),
        (released, "NOWHERE", "site", "NOWHERE"),
        (waiting, zone, "declaration", "Customs must let it go first."),
        (released, shop, "site", "notice 49 of 2018"),
    ):
        answer = note(declaration, site)
        assert (answer.status_code, wrong_field(answer.text), said in answer.text) == (422, field, True)
    assert f"The parcel {released} is noted as collected." in note(released, zone).text
    assert wrong_field(note(released, zone).text) == "declaration"
    assert "was collected at" in note(released, zone).text
    with database.unit_of_work(scope) as session:
        assert len(session.scalars(select(PickUp)).all()) == 1
    assert zone in browser.get(f"/desk/pick-ups?number={released}").text
    assert "No parcel by this number was collected." in browser.get("/desk/pick-ups?number=OTHER").text


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_pages_fit(
    doorman: Doorman, database: Database, scope: Scope, chromium: Browser, live_server: str, size: Any
) -> None:
    with database.unit_of_work(scope) as session:
        made = subjects.customs_transit(session, make_company(session))["number"]
    context = doorman.page_context(chromium, live_server, "declarant", viewport=size, bypass_csp=False)
    page = context.new_page()
    for path in ("/desk/transits", f"/desk/transits/{made}", "/desk/pick-ups"):
        assert not look_at(page, live_server + path, [])
    context.close()
