"""Business filings and movement slips over HTTP: from the filing to the slip, and each mistake its own answer."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests import build
from tests.web.api.test_account_books import Zone
from tests.web.api.test_units import code_of
from tests.web.conftest import Doorman
from wms.customs import accounts
from wms.db import Database, Scope
from wms.parties.tables import Site
from wms.stock import ledger


@pytest.fixture
def zone(database: Database, scope: Scope, doorman: Doorman) -> Zone:
    zone = Zone(database, scope, doorman)
    with database.unit_of_work(scope) as session:
        build.receive_bonded(session, zone.shelf, 20)
        booked = accounts.book(zone.shelf.owner_id, zone.shelf.trade_item_id, zone.shelf.book_line_id, 20)
        ledger.post(session, ledger.Posting(f"b{build.number()}", "book", build.now(), booked))
    return zone


def file(zone: Zone, **changes: Any) -> Any:
    given = {
        "internal_no": f"F-{build.number()}", "book_no": zone.book_no, "owner": zone.owner, "kind": "C",
        "direction": "E", "valid_from_on": (date.today() - timedelta(30)).isoformat(),  # noqa: DTZ011
        "valid_until_on": (date.today() + timedelta(300)).isoformat(),  # noqa: DTZ011
        "guarantee_minor": 1_000, "lines": [{"book_line": zone.line_no, "ceiling_qty": 15, "unit_value_minor": 100}],
    }  # fmt: skip
    return zone.post("/business-filings", given | changes)


def approved(zone: Zone) -> str:
    number = f"SB{build.number()}"
    internal_no = file(zone).get_json()["internal_no"]
    said = zone.post(f"/business-filings/{internal_no}/answers", {"answer": "approved", "filing_no": number})
    assert said.get_json()["state"] == "approved"
    return number


def slip(zone: Zone, filing_no: str, qty: int, **more: Any) -> Any:
    body = {"internal_no": f"S-{build.number()}", "direction": "E", "lines": [{"line": 1, "qty": qty} | more]}
    return zone.post(f"/business-filings/{filing_no}/slips", body)


def test_from_the_filing_to_an_approved_slip_and_back(zone: Zone) -> None:
    filing_no = approved(zone)
    drawn = slip(zone, filing_no, 8).get_json()
    said = zone.post(f"/movement-slips/{drawn['internal_no']}/answers", {"answer": "approved", "slip_no": "CK-A"})
    assert said.get_json()["state"] == "approved"
    shown = zone.get(f"/business-filings/{filing_no}").get_json()
    assert (shown["guarantee_used_minor"], shown["lines"][0]["moved_qty"]) == (800, 8)
    (line,) = zone.get(f"/account-books/{zone.book_no}/lines").get_json()
    assert (line["book"], line["pre_deducted"], line["available"]) == (20, 8, 12)
    assert zone.post("/movement-slips/CK-A/answers", {"answer": "void", "reason": "no truck"}).status_code == 200
    (line,) = zone.get(f"/account-books/{zone.book_no}/lines").get_json()
    assert line["available"] == 20
    assert zone.get("/movement-slips/CK-A").get_json()["state"] == "void"
    assert zone.get("/movement-slips/overdue").get_json() == []


def test_each_mistake_has_its_own_answer(zone: Zone) -> None:
    filing_no = approved(zone)
    answers = [
        slip(zone, filing_no, 16),
        slip(zone, filing_no, 11),
        zone.post(f"/business-filings/{filing_no}/collect", {"internal_no": "J"}),
        zone.post(f"/business-filings/{filing_no}/answers", {"answer": "refused"}),
        slip(zone, "NOTHING", 1),
        file(zone, kind="G"),
        file(zone, valid_until_on="2025-01-01"),
    ]
    assert [code_of(said) for said in answers] == [
        "over_ceiling", "over_guarantee", "nothing_to_collect", "filing_not_in_state", "unknown_filing", "bad_filing",
        "bad_filing",
    ]  # fmt: skip


def a_pass(zone: Zone, document: str, qty: int, **changes: Any) -> Any:
    with zone.database.unit_of_work(zone.scope) as session:
        site = session.get_one(Site, zone.shelf.site_id).code
    at = build.now()
    given = {
        "internal_no": f"HF-{build.number()}", "owner": zone.owner, "site": site, "direction": "I", "pass_type": "2",
        "plate": "湘F12345", "vehicle_weight_g": 14_000_000, "valid_from_at": at.isoformat(),
        "valid_until_at": (at + timedelta(days=1)).isoformat(),
        "goods": [{"document": document, "line_no": 1, "qty": qty, "gross_weight_g": 2_500}],
    }  # fmt: skip
    return zone.post("/gate-passes", given | changes)


def test_a_pass_is_applied_for_approved_and_void_over_http(zone: Zone) -> None:
    document = zone.new_list().get_json()["internal_no"]
    made = a_pass(zone, document, 6)
    assert made.status_code == 201, made.text
    number = made.get_json()["internal_no"]
    assert code_of(a_pass(zone, document, 5)) == "more_than_declared"
    approved_no = zone.post(f"/gate-passes/{number}/answers", {"answer": "approved"}).get_json()["pass_no"]
    assert zone.get(f"/gate-passes/{approved_no}").get_json()["total_weight_g"] == 14_002_500
    said = zone.post(f"/gate-passes/{approved_no}/answers", {"answer": "void", "reason": "no truck"})
    assert said.get_json()["state"] == "void"
    assert a_pass(zone, document, 10).status_code == 201


def test_registered_goods_are_passed_without_stock(zone: Zone) -> None:
    bricks = {"goods_class": "construction", "name": "砖", "qty": "5", "unit": "007", "gross_weight_g": 1_000}
    registered = {"pass_type": "5", "goods": [], "registered": [bricks]}
    assert a_pass(zone, "", 1, **registered).get_json()["total_weight_g"] == 14_001_000
    desk = bricks | {"goods_class": "other"}
    assert code_of(a_pass(zone, "", 1, **(registered | {"registered": [desk]}))) == "bad_gate_pass"
    assert code_of(a_pass(zone, "NOTHING", 1)) == "unknown_verification_list"
    assert code_of(a_pass(zone, "NOTHING", 1, document_kind="2")) == "unknown_slip"


def test_a_sale_from_the_display_waits_for_its_declaration_over_http(zone: Zone) -> None:
    drawn = slip(zone, approved(zone), 8).get_json()
    number = f"CK{build.number()}"
    zone.post(f"/movement-slips/{drawn['internal_no']}/answers", {"answer": "approved", "slip_no": number})
    sale = {"line": 1, "qty": 1, "document": "R-1"}
    assert code_of(zone.post(f"/movement-slips/{number}/sales", sale)) == "sold_before_declared"
    assert code_of(zone.post("/movement-slips/NOTHING/sales", sale)) == "unknown_slip"
    assert code_of(zone.post(f"/movement-slips/{number}/sales", sale | {"line": 2})) == "unknown_slip"


def test_the_way_of_a_pass_is_refused_in_words_over_http(zone: Zone) -> None:
    document = zone.new_list().get_json()["internal_no"]
    assert code_of(a_pass(zone, document, 9, bind_type="2")) == "not_whole_document"
    assert code_of(a_pass(zone, document, 1, direction="E")) == "pass_type_forbids"
    assert code_of(a_pass(zone, document, 1, pass_type="5")) == "pass_type_forbids"
    made = a_pass(zone, document, 10)
    assert made.status_code == 201, made.text


def test_a_pick_up_names_a_parcel_that_is_known(zone: Zone) -> None:
    with zone.database.unit_of_work(zone.scope) as session:
        site = session.get_one(Site, zone.shelf.site_id).code
    assert zone.post("/pick-ups", {"declaration": "NOTHING", "site": site}).status_code == 404
    assert zone.post("/pick-ups", {"declaration": "NOTHING", "site": "NOWHERE"}).status_code == 404
    assert zone.get("/pick-ups").get_json() == []
