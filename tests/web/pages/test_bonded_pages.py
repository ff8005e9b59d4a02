"""Customs' documents of bonded goods on pages: each says how far it is; differences are settled where they stand."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from tests.build import make_company, number
from tests.web import customs_subjects as subjects
from tests.web.conftest import Doorman
from tests.web.test_pages import DESK, PHONE, look_at
from wms.customs.tables import BookDifference
from wms.db import Database, Scope

PAGES: dict[str, tuple[Callable[..., Any], str]] = {
    "list": (subjects.verification_list, "/desk/verification-lists/{number}"),
    "pass": (subjects.gate_pass, "/desk/gate-passes/{number}"),
    "filing": (subjects.business_filing, "/desk/filings/{number}"),
    "slip": (subjects.movement_slip, "/desk/slips/{number}"),
    "write-off": (subjects.write_off, "/oversight/books/write-offs/{number}"),
}


def made(database: Database, scope: Scope, name: str) -> str:
    """The address of a new document of that kind."""
    build, address = PAGES[name]
    with database.unit_of_work(scope) as session:
        return address.format(**build(session, make_company(session)))


@pytest.mark.parametrize("name", PAGES)
def test_a_document_has_a_page_that_everybody_of_the_house_may_read(
    doorman: Doorman, database: Database, scope: Scope, name: str
) -> None:
    address = made(database, scope, name)
    for role in ("declarant", "customs_officer", "auditor"):
        assert doorman.browser(role, locale="en").get(address).status_code == 200


def test_a_draft_list_says_that_it_is_not_declared(doorman: Doorman, database: Database, scope: Scope) -> None:
    page = doorman.browser("auditor", locale="en").get(made(database, scope, "list")).text
    assert "It is drawn up and not declared yet." in page


def test_an_unknown_number_is_not_found(doorman: Doorman) -> None:
    browser = doorman.browser("auditor", locale="en")
    for path in ("verification-lists", "gate-passes", "filings", "slips"):
        assert browser.get(f"/desk/{path}/NOTHING").status_code == 404


@pytest.fixture
def difference(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return int(str(subjects.book_difference(session, make_company(session))["difference_id"]))


def settle(browser: FlaskClient, csrf: Callable[..., str], difference_id: int, **form: str) -> str:
    keys = {"csrf_token": csrf(browser, "/desk"), "idempotency_key": f"k{number()}"}
    answer = browser.post(f"/oversight/books/differences/{difference_id}", data={**form, **keys}, follow_redirects=True)
    return answer.text


def test_a_difference_is_explained_by_its_document(
    doorman: Doorman, database: Database, scope: Scope, csrf: Callable[..., str], difference: int
) -> None:
    browser = doorman.browser("declarant", locale="en")
    settle(browser, csrf, difference, deed="explain", document="LETTER-7", reason="two cartons broken")
    with database.unit_of_work(scope) as session:
        found = session.get_one(BookDifference, difference)
        assert (found.state, found.document) == ("explained", "LETTER-7")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"deed": "explain", "document": "", "reason": ""}, "An explanation needs its document and its reason."),
        ({"deed": "assign", "person": "x", "due_on": "2026-12-01"}, "Answers for it: choose a person"),
    ],
)
def test_a_mistake_in_settling_is_said(
    doorman: Doorman, csrf: Callable[..., str], difference: int, form: dict[str, str], said: str
) -> None:
    assert said in settle(doorman.browser("declarant", locale="en"), csrf, difference, **form)


def test_a_day_that_is_none_is_said(
    doorman: Doorman, database: Database, csrf: Callable[..., str], difference: int, scope: Scope
) -> None:
    browser = doorman.browser("supervisor", locale="en")
    page = browser.get("/oversight/books").text
    person = page.partition('<option value="')[2].partition('"')[0]
    assert "must be a day like" in settle(browser, csrf, difference, deed="assign", person=person, due_on="soon")
    settle(browser, csrf, difference, deed="assign", person=person, due_on="2026-12-24")
    with database.unit_of_work(scope) as session:
        found = session.get_one(BookDifference, difference)
        assert (found.person_id, found.due_on) == (int(person), date(2026, 12, 24))


def test_an_officer_notes_differences_and_an_auditor_only_reads(
    doorman: Doorman, difference: int, csrf: Callable[..., str]
) -> None:
    officer, auditor = (doorman.browser(role, locale="en") for role in ("customs_officer", "auditor"))
    assert difference
    assert "Settle" not in officer.get("/oversight/books").text
    assert "Note the differences" not in auditor.get("/oversight/books").text


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_pages_fit(
    doorman: Doorman, database: Database, scope: Scope, chromium: Browser, live_server: str, size: Any
) -> None:
    addresses = [made(database, scope, name) for name in PAGES]
    context = doorman.page_context(chromium, live_server, "declarant", viewport=size, bypass_csp=False)
    page = context.new_page()
    for path in (*addresses, "/desk/verification-lists", "/desk/gate-passes", "/desk/filings", "/oversight/books"):
        assert not look_at(page, live_server + path, [])
    context.close()
