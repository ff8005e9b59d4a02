"""Account books over HTTP: from a drawn-up list through customs' answers to the book, its reconciliation and pages."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests import build
from tests.web.api.test_units import code_of
from tests.web.conftest import Doorman
from wms.catalog.tables import TradeItem
from wms.customs.tables import AccountBook, VerificationLine
from wms.db import Database, Scope
from wms.parties.tables import Company


class Zone:
    """A zone enterprise with one book and one line."""

    def __init__(self, database: Database, scope: Scope, doorman: Doorman) -> None:
        self.database, self.scope, self.doorman = database, scope, doorman
        self.book_no = f"T4902W{build.number():06d}"
        with database.unit_of_work(scope) as session:
            shelf = build.make_shelf(session)
            book = AccountBook(
                book_no=self.book_no, company_id=shelf.owner_id, site_id=shelf.site_id, valid_from_on=date(2026, 1, 1)
            )
            line = build.make_book_line(session, session.get_one(TradeItem, shelf.trade_item_id), self.book_no)
            session.add(book)
            self.shelf, self.line_no = replace(shelf, book_line_id=line.id), line.line_no
            self.owner = session.get_one(Company, shelf.owner_id).code

    def post(self, path: str, body: dict[str, Any], role: str = "declarant") -> Any:
        headers = self.doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
        return self.doorman.app.test_client().post(f"/api/v1{path}", headers=headers, json=body)

    def get(self, path: str, role: str = "customs_officer") -> Any:
        headers = self.doorman.token(role) | {"Accept-Language": "en"}
        return self.doorman.app.test_client().get(f"/api/v1{path}", headers=headers)

    def new_list(self, **changes: Any) -> Any:
        given = {
            "internal_no": f"IN-{build.number()}", "book_no": self.book_no, "owner": self.owner, "direction": "I",
            "trade_mode": "5034",
            "lines": [{"book_line": self.line_no, "declared_qty": "10", "declared_base_qty": 10}],
        }  # fmt: skip
        return self.post("/verification-lists", given | changes)

    def answer(self, number: str, answer: str, **more: Any) -> Any:
        return self.post(f"/verification-lists/{number}/answers", {"answer": answer} | more)


@pytest.fixture
def zone(database: Database, scope: Scope, doorman: Doorman) -> Zone:
    return Zone(database, scope, doorman)


def test_from_a_draft_to_the_book_and_its_reconciliation(zone: Zone) -> None:
    made = zone.new_list()
    assert made.status_code == 201, made.text
    number, list_no = made.get_json()["internal_no"], f"QD490226I{build.number():09d}"
    assert zone.answer(number, "declared").status_code == 200
    assert zone.answer(number, "pre_deducted", list_no=list_no).status_code == 200
    with zone.database.unit_of_work(zone.scope) as session:
        build.receive_bonded(session, zone.shelf, 10)
        for line in session.query(VerificationLine).filter_by(verification_list_id=made.get_json()["id"]):
            line.on_passes_qty = line.passed_qty = 10
    assert zone.answer(list_no, "entry_released", entry_no="E1").status_code == 200
    assert zone.answer(list_no, "booked", change_count=0).get_json()["state"] == "booked"
    assert zone.answer(list_no, "booked", change_count=0).status_code == 200  # said twice, booked once
    (line,) = zone.get(f"/account-books/{zone.book_no}/lines").get_json()
    assert (line["book"], line["shelf"], line["available"], line["differs"]) == (10, 10, 10, False)
    told = zone.get(f"/account-books/{zone.book_no}/lines/{zone.line_no}").get_json()
    assert [one["number"] for one in told["documents"]] == [list_no]
    books = {one["book_no"]: one for one in zone.get("/account-books").get_json()}
    assert (books[zone.book_no]["lines"], books[zone.book_no]["differing"]) == (1, 0)
    revoked = zone.answer(list_no, "revoked", entry_no="海关 9")
    assert revoked.get_json()["state"] == "pre_deducted"


def test_a_change_is_asked_and_answered(zone: Zone) -> None:
    number = zone.new_list().get_json()["internal_no"]
    body = {"reason": "counted again", "lines": [{"line_no": 1, "declared_qty": "9", "declared_base_qty": 9}]}
    assert code_of(zone.post(f"/verification-lists/{number}/changes", body)) == "wrong_list_state"
    zone.answer(number, "declared")
    assert zone.post(f"/verification-lists/{number}/changes", body).get_json()["change_count"] == 1
    assert zone.answer(number, "changed", change_count=1).get_json()["lines"][0]["declared_base_qty"] == 9
    zone.post(f"/verification-lists/{number}/changes", {"reason": "not wanted"})
    assert zone.answer(number, "changed", change_count=2).get_json()["state"] == "deleted"
    assert code_of(zone.post(f"/verification-lists/{number}/delete", {})) == "wrong_list_state"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"book_no": "T4902W999999"}, "line_not_of_book"),
        ({"lines": [{"book_line": 999_999, "declared_qty": "1", "declared_base_qty": 1}]}, "line_not_of_book"),
        ({"owner": "NOBODY"}, "not_found"),
        ({"trade_mode": "12"}, "invalid_field"),
        ({"direction": "X"}, "invalid_field"),
        ({"lines": []}, "invalid_field"),
        ({"lines": [{"book_line": 1, "declared_qty": "1.000001", "declared_base_qty": 1}]}, "invalid_field"),
    ],
)
def test_each_mistake_has_its_own_answer(zone: Zone, changes: dict[str, Any], code: str) -> None:
    said = zone.new_list(**changes)
    assert said.status_code >= 400
    assert code_of(said) == code


def test_a_mode_that_is_closed_is_named_when_the_list_is_declared(zone: Zone) -> None:
    number = zone.new_list(trade_mode="1239").get_json()["internal_no"]
    said = zone.answer(number, "declared")
    assert (code_of(said), "1239" in said.get_json()["detail"]) == ("trade_mode_closed", True)


def test_modes_are_listed(zone: Zone) -> None:
    codes = {(one["code"], one["direction"]) for one in zone.get("/trade-modes").get_json()}
    assert {("1210", "I"), ("1210", "E"), ("9610", "I"), ("9710", "E"), ("5000", "E")} <= codes


def lose(zone: Zone, qty: int) -> None:
    from wms.customs.accounts import missing_goods
    from wms.stock import ledger

    shelf = zone.shelf
    with zone.database.unit_of_work(zone.scope) as session:
        build.receive_bonded(session, shelf, 10)
        missing = missing_goods(shelf.owner_id, shelf.trade_item_id, shelf.book_line_id, shelf.site_id)
        lines = ledger.moved(shelf.bonded, missing, qty)
        ledger.post(session, ledger.Posting(f"l{build.number()}", "count", build.now(), lines, "CT-7", "not found"))


def test_a_difference_is_noted_explained_and_written_off(zone: Zone) -> None:
    lose(zone, 2)
    (noted,) = zone.post(f"/account-books/{zone.book_no}/reconciliations", {}).get_json()["differences"]
    assert (noted["qty"], noted["state"], noted["role"]) == (2, "open", "declarant")
    period = {"from_on": "2026-01-01", "until_on": "2026-01-31"}
    refused = zone.post(f"/account-books/{zone.book_no}/write-offs", period)
    assert code_of(refused) == "differences_open"
    said = {"document": "海关 12", "reason": "carton broken"}
    assert zone.post(f"/book-differences/{noted['id']}/explain", said).status_code == 200
    mine = [one for one in zone.get("/book-differences").get_json() if one["book_no"] == zone.book_no]
    assert [(one["state"], one["is_late"]) for one in mine] == [("explained", False)]
    made = zone.post(f"/account-books/{zone.book_no}/write-offs", period).get_json()
    assert made["report"]["lines"][0]["difference"]["document"] == "海关 12"
    answer = zone.post(f"/write-offs/{made['write_off_no']}/answers", {"answer": "accepted"}, "customs_officer")
    assert answer.get_json() == {"state": "accepted", "lists": 0}
    assert len(zone.get(f"/account-books/{zone.book_no}/write-offs").get_json()) == 1


def test_the_pages_show_what_differs_and_why(zone: Zone) -> None:
    lose(zone, 2)
    zone.post(f"/account-books/{zone.book_no}/reconciliations", {})
    for role in ("customs_officer", "declarant"):
        browser = zone.doorman.browser(role)
        index = browser.get("/oversight/books").text
        assert zone.book_no in index
        assert "1 lines differ" in index
        book = browser.get(f"/oversight/books/{zone.book_no}?differs=1").text
        assert f"/oversight/books/{zone.book_no}/{zone.line_no}" in book
        line = browser.get(f"/oversight/books/{zone.book_no}/{zone.line_no}").text
        assert "CT-7" in line
        assert "not found" in line
    assert zone.doorman.browser("customs_officer").get("/oversight/books/T4902W999998").status_code == 404
