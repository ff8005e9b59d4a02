"""Retail parcels over HTTP, from three documents to release, return and what was shown to whom."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.customs.parcels.world import EBP, TERMS, Sale, name_sender, sale
from wms.customs.clock import BEIJING
from wms.db import Database, Scope

FILINGS = {"MILK": {"gcode": "1901101090", "record_no": "R1", "unit1": "035", "factor1": "0.9"}}


@pytest.fixture(autouse=True)
def _sender(database: Database, scope: Scope) -> None:
    """Somebody sends to customs."""
    with database.unit_of_work(scope) as session:
        name_sender(session)


def call(doorman: Doorman, method: str, path: str, body: Any = None, role: str = "declarant") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, json=body)


def send(doorman: Doorman, one: Sale, **heads: dict[str, str]) -> list[str]:
    """All three documents; returns what became of each."""
    bodies = (
        ("orders", {"head": one.order_head(), "lines": one.order_lines()}),
        ("payments", {"head": one.payment_head() | heads.get("payment", {})}),
        ("waybills", {"head": one.waybill_head() | heads.get("waybill", {})}),
    )
    return [
        call(doorman, "POST", f"/retail-{name}", {"documents": [body]}).get_json()["documents"][0]["outcome"]
        for name, body in bodies
    ]


def drawn_up(doorman: Doorman, one: Sale) -> dict[str, Any]:
    terms = {name: value for name, value in vars(TERMS).items() if value}
    body = {"ebp_code": EBP, "orders": [one.order_no], "terms": terms, "filings": FILINGS}
    said: dict[str, Any] = call(doorman, "POST", "/parcel-declarations", body).get_json()["orders"][0]
    return said


def declared(doorman: Doorman, one: Sale) -> str:
    send(doorman, one)
    number = str(drawn_up(doorman, one)["number"])
    said = call(doorman, "POST", "/parcel-declarations/declare", {"numbers": [number]}).get_json()
    assert said == {"declarations": [{"number": number, "outcome": "declared"}]}
    return number


def test_a_parcel_goes_from_three_documents_to_release(doorman: Doorman) -> None:
    one = sale()
    assert send(doorman, one) == ["taken", "taken", "taken"]
    made = drawn_up(doorman, one)
    assert (made["outcome"], made["vat"], made["taxable"]) == ("draft", "25.39000", "279.00000")
    number = made["number"]
    call(doorman, "POST", "/parcel-declarations/declare", {"numbers": [number]})
    receipts, given = f"/parcel-declarations/{number}/receipts", {"kind": "CEB622", "invt_no": "49022026I000000001"}
    answers = [
        call(doorman, "POST", receipts, given | {"status": status}).get_json() for status in ("120", "800", "120")
    ]
    assert [answer["has_moved"] for answer in answers] == [True, True, False]
    whole = call(doorman, "GET", "/parcel-declarations/49022026I000000001").get_json()
    assert (whole["state"], whole["lines"][0]["vat"], len(whole["receipts"])) == ("released", "25.39000", 3)
    listed = call(doorman, "GET", "/parcel-declarations?state=released").get_json()
    assert [row["cop_no"] for row in listed] == [number]


def test_a_bad_document_is_told_by_field_and_the_others_are_taken(doorman: Doorman) -> None:
    good, bad = sale(), sale()
    documents = [
        {"head": bad.order_head() | {"orderType": "B"}, "lines": bad.order_lines()},
        {"head": good.order_head(), "lines": good.order_lines()},
    ]
    said = call(doorman, "POST", "/retail-orders", {"documents": documents}).get_json()["documents"]
    assert (said[0]["outcome"], said[0]["field"]) == ("refused", "orderType")
    assert said[0]["reason"] == "orderType: is not one of the values allowed (given: B)."
    assert said[1]["outcome"] == "taken"


def test_mismatches_are_listed_with_field_values_and_rule(doorman: Doorman) -> None:
    one = sale()
    send(doorman, one, payment={"payerName": "李莫愁"})
    rows = call(doorman, "GET", "/retail-orders?match=differs").get_json()
    assert rows[0]["mismatches"] == [
        {
            "field": "buyerName",
            "documents": "order/payment",
            "one": "张****",
            "other": "李****",
            "rule": "the payer is the buyer",
        }
    ]
    made = drawn_up(doorman, one)
    assert (made["number"], made["code"]) == (None, "parcel_not_matched")


def test_people_are_found_masked_and_shown_for_a_reason(doorman: Doorman) -> None:
    one = sale()
    number = declared(doorman, one)
    found = call(doorman, "POST", "/retail-orders/search", {"phone": "13900002222"}).get_json()
    assert (found[0]["order_no"], found[0]["people"]["consignee_phone"]) == (one.order_no, "139****22")
    path = f"/parcel-declarations/{number}/people"
    assert call(doorman, "POST", path, {"reason": "so"}).status_code == 422
    shown = call(doorman, "POST", path, {"reason": "customs asks who bought"}).get_json()
    assert shown["buyer_id_number"] == one.buyer_id
    assert call(doorman, "POST", path, {"reason": "curiosity"}, role="clerk").status_code == 403


def test_goods_come_back_and_quota_with_them(doorman: Doorman) -> None:
    number = declared(doorman, sale())
    receipt = {"kind": "CEB622", "status": "800"}
    call(doorman, "POST", f"/parcel-declarations/{number}/receipts", receipt)
    body = {"reason": "unwanted", "lines": [{"line_no": 1, "gcode": "1901101090", "qty": "1"}]}
    early = call(doorman, "POST", f"/parcel-declarations/{number}/returns", body)
    assert early.get_json()["type"].endswith("parcel_without_list_number")
    receipt |= {"status": "899", "invt_no": "49022026I000000021"}
    call(doorman, "POST", f"/parcel-declarations/{number}/receipts", receipt)
    asked = call(doorman, "POST", f"/parcel-declarations/{number}/returns", body)
    assert asked.status_code == 201
    queued = call(doorman, "GET", "/customs-messages?kind=CEB625").get_json()
    assert [row["number"] for row in queued] == [asked.get_json()["cop_no"]]
    call(doorman, "POST", f"/parcel-declarations/{number}/receipts", {"kind": "CEB626", "status": "399"})
    elsewhere = call(doorman, "POST", f"/parcel-returns/{asked.get_json()['id']}/back", {"area": "X"})
    assert elsewhere.get_json()["type"].endswith("return_back_elsewhere")
    done = call(doorman, "POST", f"/parcel-returns/{asked.get_json()['id']}/back", {"area": TERMS.area_code}).get_json()
    assert (done["state"], done["quota_restored_minor"]) == ("completed", 27_900)
    assert Decimal(done["tax_restored"]) == Decimal("25.39")


def test_the_annual_limit_is_told_with_its_number(doorman: Doorman) -> None:
    sales = [sale(goods=(("MILK", 1, "5000"),), tax="0") for _ in range(6)]
    numbers = []
    for one in sales:
        send(doorman, one)
        numbers.append(drawn_up(doorman, one)["number"])
    said = call(doorman, "POST", "/parcel-declarations/declare", {"numbers": numbers}).get_json()["declarations"]
    assert [one["outcome"] for one in said] == ["declared"] * 5 + ["refused"]
    year = datetime.now(BEIJING).year
    assert f"has used 25000.00 of 26000 yuan in {year}" in said[5]["reason"]


def test_a_cancelled_declaration_is_cancelled_at_once_when_it_was_never_sent(doorman: Doorman) -> None:
    one = sale()
    send(doorman, one)
    number = drawn_up(doorman, one)["number"]
    said = call(doorman, "POST", f"/parcel-declarations/{number}/cancellation", {"reason": "mistake"}).get_json()
    assert said["state"] == "completed"


@pytest.mark.parametrize("body", [{"documents": []}, {"documents": [{"head": {}}], "direction": "X"}, {"extra": 1}])
def test_a_body_of_another_shape_is_refused(doorman: Doorman, body: dict[str, Any]) -> None:
    assert call(doorman, "POST", "/retail-orders", body).status_code == 422


def test_a_firm_does_not_see_the_parcels_of_others(doorman: Doorman) -> None:
    number = declared(doorman, sale())
    headers = doorman.token("clerk", doorman.cast.firm_id)
    assert doorman.app.test_client().get(f"/api/v1/parcel-declarations/{number}", headers=headers).status_code == 404
