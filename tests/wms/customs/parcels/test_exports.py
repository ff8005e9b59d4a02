"""Exports: declared with their own documents, summed up, exempted, assessed, refunded on departure."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, VAULT
from wms.customs.parcels import declaring, exports, papers, queries, requests, taking
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules import exports as rules
from wms.customs.parcels.rules import requests as request_rules
from wms.customs.parcels.rules.declaring import Filing, Terms
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.parcels.rules.requests import ReturnLine
from wms.customs.tables.parcels import RetailWaybill
from wms.parties import dated

TERMS = Terms(
    "E", "9610", "4902", "4902", "4306960005", "代理公司", "5", "502", pod="502", wrap_type="2", ie_date="20260601",
    statistics_flag="B", owner_code="4306960009", owner_name="生产企业",
)  # fmt: skip
FILINGS = {"CUP": Filing("6912001000", "", "035", Decimal("0.3"), net_weight=Decimal("0.3"))}
YUAN = {"currency": "142"}
SIX = {"exported_on": "2026-06-01", "name": "茶杯", "unit": "007", "qty": "2", "price": "50", "amount": "100"}


def head(number: str) -> dict[str, Any]:
    return {"guid": f"{build.number():036d}", "appType": "1", "appTime": world.stamp(AT), "appStatus": "2",
            "orderNo": number, "ebpCode": "无", "ebpName": "AMZ", "ebcCode": world.EBC, "ebcName": "电商"}  # fmt: skip


def exported(session: Session, terms: Terms = TERMS, code: str = "800", value: str = "50", qty: int = 2) -> int:
    """An export from its three documents to customs' answer."""
    number = f"E-{build.number()}"
    total = f"{qty * Decimal(value)}"
    order_type = "W" if terms.trade_mode == "9810" else "E"
    line = {"gnum": 1, "itemNo": "CUP", "itemName": "茶杯", "gmodel": "陶瓷", "unit": "007", "currency": "142",
            "qty": str(qty), "price": value, "totalPrice": total, "country": "142"}  # fmt: skip
    order = head(number) | {"orderType": order_type, "goodsValue": total, "freight": "0", "currency": "142"}
    paid = head(number) | {"payCode": "P", "payName": "银行", "payNo": f"R-{number}", "charge": total} | YUAN
    way = head(number) | {"logisticsCode": "L", "logisticsName": "物流", "logisticsNo": f"W-{number}"[:32],
                          "freight": "9", "insuredFee": "0", "grossWeight": "0.9", "packNo": "2"} | YUAN  # fmt: skip
    taking.take_orders(session, VAULT, [documents.read_order("E", order, [line])])
    taking.take_payments(session, VAULT, [documents.read_payment("E", paid)])
    waybill = documents.read_waybill("E", way)
    taking.take_waybills(session, VAULT, [waybill])
    row = session.scalars(select(RetailWaybill).where(RetailWaybill.waybill_no == waybill.waybill_no)).one()
    orders = queries.orders_by_no(session, "无", [number])
    drawn = declaring.draw_up(session, orders, terms, AT.date(), filings=FILINGS, waybills={number: row})[0]
    if drawn.refusal is not None:
        raise drawn.refusal
    assert drawn.declaration_id is not None
    assert declaring.declare(session, VAULT, [drawn.declaration_id], AT) == [None]
    world.receipt(session, drawn.declaration_id, code, kind="CEB604")
    return drawn.declaration_id


def test_an_export_is_declared_without_buyer_quota_and_tax(session: Session) -> None:
    row = world.row(session, exported(session))
    assert (row.state, row.buyer_id, row.quota_minor, row.vat) == ("released", None, 0, 0)


def test_the_message_of_an_export_names_cost_flags_and_owner(session: Session) -> None:
    made = papers.inventories(session, VAULT, [exported(session)], AT)[0]
    names = ("ieFlag", "statisticsFlag", "ownerCode", "fFlag", "POD", "packNo", "freight")
    assert [made["InventoryHead"][name] for name in names] == ["E", "B", "4306960009", "3", "502", "2", "9"]
    assert made["InventoryList"][0]["barCode"] == "无"


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (replace(TERMS, trade_mode="1210"), "ems_no: is needed"),
        (replace(TERMS, pod=""), "pod: is needed"),
        (replace(TERMS, trade_mode="0110"), "trade_mode: is no trade mode"),
    ],
)
def test_each_mistake_of_an_export_s_head_has_its_own_words(session: Session, terms: Terms, said: str) -> None:
    with pytest.raises(BadDocument, match=said):
        exported(session, terms)


def test_released_exports_are_summed_up_once(session: Session) -> None:
    parcels = [exported(session) for _ in range(3)]
    exported(session, code="120")
    exported(session, replace(TERMS, statistics_flag="A"))
    since, until = AT, AT + timedelta(days=1)
    made = exports.sum_up(session, world.EBC, since, until, AT)
    assert exports.summed_lines(session, made.id) == [
        {"gcode": "6912001000", "unit": "007", "parcels": len(parcels), "qty": Decimal(6), "value": Decimal(300)}
    ]
    with pytest.raises(exports.NothingToSum):
        exports.sum_up(session, world.EBC, since, until, AT)


def test_a_summary_becomes_a_declaration_by_customs_result(session: Session) -> None:
    exported(session)
    made = exports.sum_up(session, world.EBC, AT, AT + timedelta(days=1), AT)
    cop_no = made.cop_no or ""
    assert exports.take_summary_result(session, cop_no, sum_no="S" * 18, entry_no=None, at=AT).state == "accepted"
    done = exports.take_summary_result(session, cop_no, sum_no="S" * 18, entry_no="4" * 18, at=AT)
    assert (done.state, done.entry_no) == ("declared", "4" * 18)
    assert exports.take_summary_result(session, cop_no, sum_no="S" * 18, entry_no=None, at=AT).state == "declared"


def test_an_export_without_invoice_is_exempt_when_all_three_conditions_are_met(session: Session) -> None:
    made = exports.exempt(session, exported(session), [SIX], AT, is_registered=True)
    assert made.is_exempt
    assert [one["is_met"] for one in made.conditions] == [True, True, True]


@pytest.mark.parametrize("name", rules.SIX_FIELDS)
def test_each_of_the_six_fields_must_be_registered(session: Session, name: str) -> None:
    made = exports.exempt(session, exported(session), [SIX | {name: ""}], AT, is_registered=True)
    assert (made.is_exempt, made.conditions[0]["is_met"]) == (False, False)


def test_an_exporter_who_is_not_registered_and_goods_without_exemption_are_not_exempt(session: Session) -> None:
    made = exports.exempt(session, exported(session), [SIX], AT, is_registered=False)
    assert not made.is_exempt
    dated.enter(session, exports.CANCELLED, ["6912"], valid_from_on=date(2026, 1, 1), source="list")
    again = exports.exempt(session, exported(session), [SIX], AT, is_registered=True)
    assert [one["is_met"] for one in again.conditions] == [True, True, False]


def test_an_export_by_another_mode_is_not_exempt(session: Session) -> None:
    made = exports.exempt(session, exported(session, replace(TERMS, trade_mode="9710")), [SIX], AT, is_registered=True)
    assert [one["is_met"] for one in made.conditions] == [True, False, True]


@pytest.mark.parametrize(("is_small", "tax"), [(False, "200000.00"), (True, "40000.00")])
def test_20_million_revenue_is_800_thousand_income_and_200_thousand_tax_or_40_with_relief(
    session: Session, is_small: bool, tax: str
) -> None:
    terms = rules.levy_terms(dated.value(session, exports.LEVY, date(2026, 6, 1)))
    found = rules.assess(Decimal(20_000_000), terms, is_small=is_small)
    assert (found.income, found.tax) == (Decimal(800_000), Decimal(tax))


def test_above_three_million_income_there_is_no_relief(session: Session) -> None:
    terms = rules.levy_terms(dated.value(session, exports.LEVY, date(2026, 6, 1)))
    assert not rules.assess(Decimal(75_000_001), terms, is_small=True).has_relief
    assert rules.assess(Decimal(75_000_000), terms, is_small=True).has_relief


def test_the_statement_counts_exempt_exports_of_the_period(session: Session) -> None:
    exempt = exported(session, value="500", qty=2)
    exports.exempt(session, exempt, [SIX], AT, is_registered=True)
    exports.exempt(session, exported(session), [SIX], AT, is_registered=False)
    found = exports.levy_statement(session, world.EBC, date(2026, 6, 1), date(2026, 7, 1), is_small=False)
    assert (found.revenue, found.income, found.tax) == (Decimal(1000), Decimal("40.00"), Decimal("10.00"))
    assert exports.levy_statement(session, world.EBC, date(2026, 7, 1), date(2026, 8, 1), is_small=False).revenue == 0


def test_unsold_goods_of_an_overseas_warehouse_are_refunded_on_departure_and_settled_later(session: Session) -> None:
    made = exported(session, replace(TERMS, trade_mode="9810"))
    booking = exports.book_departure(session, made, Decimal("0.13"), Decimal(0), AT)
    assert (booking.business_code, booking.refunded, booking.state) == ("HWC-YT", Decimal("13.00"), "pre_refunded")
    assert booking.settle_by_on == date(2027, 4, 30)
    done = exports.settle_booking(session, made, Decimal(60), AT + timedelta(days=90))
    assert (done.state, done.due) == ("settled", Decimal("-5.20"))
    with pytest.raises(rules.SettledAlready):
        exports.settle_booking(session, made, Decimal(60), AT)


def test_sold_goods_are_refunded_for_good(session: Session) -> None:
    made = exported(session, replace(TERMS, trade_mode="9810"))
    booking = exports.book_departure(session, made, Decimal("0.13"), Decimal(100), AT)
    assert (booking.business_code, booking.state, booking.due) == (None, "settled", 0)


def test_only_9810_and_only_what_left_is_refunded_on_departure(session: Session) -> None:
    with pytest.raises(rules.NotOverseasWarehouse):
        exports.book_departure(session, exported(session), Decimal("0.13"), Decimal(0), AT)
    waiting = exported(session, replace(TERMS, trade_mode="9810"), code="120")
    with pytest.raises(rules.NotExported):
        exports.book_departure(session, waiting, Decimal("0.13"), Decimal(0), AT)
    left = exported(session, replace(TERMS, trade_mode="9810"))
    with pytest.raises(rules.SoldTooMuch):
        exports.book_departure(session, left, Decimal("0.13"), Decimal(101), AT)


def test_an_export_comes_back_within_a_year(session: Session) -> None:
    made, late = exported(session), exported(session)
    line = [ReturnLine(1, "6912001000", Decimal(1))]
    since = AT + timedelta(hours=1)
    asked = requests.ask_to_return(session, made, line, "unwanted", since + timedelta(days=365))
    world.receipt(session, made, "399", kind="CEB214")
    assert requests.goods_back(session, asked.id, "4902", since + timedelta(days=365)).state == "completed"
    with pytest.raises(request_rules.ReturnTooLate):
        requests.ask_to_return(session, late, line, "unwanted", since + timedelta(days=365, seconds=1))
