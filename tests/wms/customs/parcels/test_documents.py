"""Three documents: read field by field, taken in any order, twice, late and amended; matched with readable reasons."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, VAULT, Sale, sale, stamp
from wms.customs.parcels import taking
from wms.customs.parcels.guard import Leaving, ParcelNotDeclared, refuse_unreleased
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.tables.parcels import RetailDocument, RetailWaybill
from wms.db import Database, Scope
from wms.parties import dated


def take(session: Session, one: Sale, kind: str, **fields: Any) -> str:
    done: list[taking.Taken] = {
        "order": lambda: taking.take_orders(session, VAULT, [one.order(**fields)]),
        "payment": lambda: taking.take_payments(session, VAULT, [one.payment(**fields)]),
        "waybill": lambda: taking.take_waybills(session, VAULT, [one.waybill(**fields)]),
    }[kind]()
    return done[0].outcome


@pytest.mark.parametrize("kinds", list(itertools.permutations(("order", "payment", "waybill"))))
def test_the_documents_match_in_whatever_order_they_come(session: Session, kinds: tuple[str, ...]) -> None:
    one = sale()
    for kind in kinds:
        assert take(session, one, kind) == "taken"
    assert world.order_row(session, one).match == "agrees"


def test_an_order_waits_for_its_documents(session: Session) -> None:
    one = sale()
    take(session, one, "order")
    take(session, one, "payment")
    assert world.order_row(session, one).match == "waiting"


def test_the_same_document_twice_changes_nothing_and_is_kept_twice(session: Session) -> None:
    one = sale()
    assert (take(session, one, "order"), take(session, one, "order")) == ("taken", "repeated")
    kept = session.scalars(select(RetailDocument.outcome).where(RetailDocument.number == one.order().number)).all()
    assert sorted(kept) == ["repeated", "taken"]


def test_an_older_message_is_kept_and_not_used(session: Session) -> None:
    one = sale()
    take(session, one, "order")
    later = {"appType": "2", "appTime": stamp(AT + timedelta(hours=2)), "consignee": "王五"}
    assert take(session, one, "order", **later) == "amended"
    older = {"appType": "2", "appTime": stamp(AT + timedelta(hours=1)), "consignee": "赵六"}
    assert take(session, one, "order", **older) == "older"
    row = world.order_row(session, one)
    assert VAULT.open(row.consignee_sealed or b"", "retail_order.consignee") == "王五"


def test_a_change_that_overtakes_its_order_is_taken_and_the_late_order_is_not_used(session: Session) -> None:
    one = sale()
    later = {"appType": "2", "appTime": stamp(AT + timedelta(hours=2)), "consignee": "王五"}
    assert take(session, one, "order", **later) == "taken"
    assert take(session, one, "order") == "older"


def test_a_deletion_that_overtakes_its_order_holds(session: Session) -> None:
    one = sale()
    assert take(session, one, "order", appType="3", appTime=stamp(AT + timedelta(hours=2))) == "deleted"
    assert take(session, one, "order") == "older"


def test_a_second_order_under_the_number_is_refused(session: Session) -> None:
    one = sale()
    take(session, one, "order")
    assert take(session, one, "order", appTime=stamp(AT + timedelta(hours=1)), consignee="王五") == "refused"


def test_an_amended_payment_is_matched_anew(session: Session) -> None:
    one = sale()
    world.take_all(session, one)
    at = stamp(AT + timedelta(hours=1))
    take(session, one, "payment", appType="2", appTime=at, amountPaid="300.00")
    row = world.order_row(session, one)
    assert (row.match, world.numbers(row.mismatches)) == ("differs", ["amountPaid"])
    assert (row.mismatches[0]["one"], row.mismatches[0]["other"]) == ("304.39000", "300.00000")


@pytest.mark.parametrize(
    ("kind", "fields", "field", "shown"),
    [
        ("payment", {"payerIdNumber": "440524188001010014"}, "buyerIdNumber", ("110****2X", "440****14")),
        ("payment", {"payerName": "李莫愁"}, "buyerName", ("张****", "李****")),
        ("waybill", {"consignee": "王重阳"}, "consignee", ("李****", "王****")),
        ("waybill", {"consigneeTelephone": "13700003333"}, "consigneeTelephone", ("139****22", "137****33")),
        ("waybill", {"consigneeAddress": "上海市浦东新区2号"}, "consigneeAddress", ("湖南省****", "上海市****")),
    ],
)  # fmt: skip
def test_a_mismatch_is_named_by_field_with_both_values_masked(
    session: Session, kind: str, fields: dict[str, str], field: str, shown: tuple[str, str]
) -> None:
    one = sale()
    for each in ("order", "payment", "waybill"):
        take(session, one, each, **(fields if each == kind else {}))
    row = world.order_row(session, one)
    assert row.match == "differs"
    assert [(each["field"], each["one"], each["other"]) for each in row.mismatches] == [(field, *shown)]
    assert row.mismatches[0]["rule"].startswith(("the payer is", "order and waybill name"))


def test_width_and_spaces_make_no_mismatch(session: Session) -> None:
    one = sale()
    take(session, one, "order")
    take(session, one, "payment")
    take(session, one, "waybill", consigneeTelephone="139-0000-2222", consigneeAddress="湖南省 岳阳市岳阳楼区１号")
    assert world.order_row(session, one).match == "agrees"


def test_nothing_personal_lies_open_in_the_tables(session: Session) -> None:
    one = sale()
    world.take_all(session, one)
    row = world.order_row(session, one)
    shown = repr({name: getattr(row, name) for name in row.__mapper__.columns.keys()})  # noqa: SIM118
    for text in ("11010519491231002X", "张三丰", "13800001111", "岳阳楼"):
        assert text not in shown
        assert text.encode() not in (row.address_sealed or b"")


def test_documents_that_come_at_once_find_each_other(database: Database, scope: Scope) -> None:
    one = sale()
    with database.unit_of_work(scope) as first:
        take(first, one, "order")
        take(first, one, "payment")
    with database.unit_of_work(scope) as session:
        take(session, one, "waybill")
        assert world.order_row(session, one).match == "agrees"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"acturalPaid": "1"}, "acturalPaid: must be goodsValue"),
        ({"goodsValue": "1"}, "goodsValue: must be the sum"),
        ({"freight": "1.000001"}, "freight: must be a number of at most 14 digits before and 5 after"),
        ({"freight": "-1"}, "freight: must not be negative"),
        ({"buyerIdType": "2"}, "buyerIdType: is not one of"),
        ({"orderNo": ""}, "orderNo: must not be empty"),
        ({"orderNo": "x" * 61}, "orderNo: is too long"),
        ({"appTime": "20261301000000"}, "appTime: must be a time"),
        ({"guid": "a" * 36}, "guid: must be 36 upper-case"),
        ({"orderType": "E"}, "orderType: is not one of"),
        ({"appType": "4"}, "appType: is not one of"),
    ],
)
def test_each_mistake_of_an_order_has_its_own_words(fields: dict[str, str], said: str) -> None:
    with pytest.raises(BadDocument, match=said):
        sale().order(**fields)


def test_an_import_is_in_yuan() -> None:
    one = sale()
    line = one.order_lines()[0] | {"currency": "502"}
    with pytest.raises(BadDocument, match=r"^currency: must be 142"):
        documents.read_order("I", one.order_head() | {"currency": "502"}, [line])


def test_what_is_personal_is_not_repeated_in_a_refusal() -> None:
    with pytest.raises(BadDocument, match=r"buyerName: is too long \(given: \*\*\*\)"):
        sale().order(buyerName="张" * 61)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"gnum": 2}, r"OrderList\[1\].gnum: line numbers run from 1"),
        ({"qty": "0"}, r"OrderList\[1\].qty: must be above 0"),
        ({"totalPrice": "1"}, r"OrderList\[1\].totalPrice: must be price times qty"),
        ({"currency": "502"}, r"OrderList\[1\].currency: must be that of the head"),
        ({"unit": "01"}, r"OrderList\[1\].unit: must not be empty"),
    ],
)
def test_each_mistake_of_a_line_names_the_line(line: dict[str, Any], said: str) -> None:
    one = sale()
    with pytest.raises(BadDocument, match=said):
        documents.read_order("I", one.order_head(), [one.order_lines()[0] | line])


def test_an_order_needs_lines_and_at_most_99() -> None:
    one = sale()
    for lines in ([], one.order_lines() * 100):
        with pytest.raises(BadDocument, match=r"OrderList|gnum"):
            documents.read_order("I", one.order_head(), lines)


def test_a_waybill_of_imports_has_one_piece_with_a_weight() -> None:
    with pytest.raises(BadDocument, match="packNo: must be 1 for imports"):
        sale().waybill(packNo="2")
    with pytest.raises(BadDocument, match="weight: must be above 0"):
        sale().waybill(weight="0")


@pytest.mark.parametrize(
    ("later", "app_type", "outcome"),
    [
        (timedelta(days=182), "1", "refused"),  # 30 November: the day before
        (timedelta(days=183), "1", "taken"),
        (timedelta(days=183), "2", "refused"),  # a change is of the parcel that was declared
    ],
)
def test_a_waybill_number_is_free_again_after_six_months(
    session: Session, later: timedelta, app_type: str, outcome: str
) -> None:
    """AT is the first of June; the rule is dated data (customs reference, 2.5 rule 1)."""
    first = sale()
    old = world.row(session, world.released(session, first))
    second = sale()
    said = {"logisticsNo": first.waybill_no, "appTime": stamp(AT + later), "appType": app_type}
    assert take(session, second, "waybill", **said) == outcome
    row = session.get_one(RetailWaybill, old.waybill_id, populate_existing=True)
    assert (row.retired_at is not None) == (outcome == "taken")
    assert row.order_no == first.order_no


def test_after_how_many_months_a_number_is_free_is_dated_data(session: Session) -> None:
    one = sale()
    world.released(session, one)
    dated.enter(session, taking.REUSE, 12, valid_from_on=date(2026, 9, 1), source="test")
    said = {"logisticsNo": one.waybill_no, "appTime": stamp(AT + timedelta(days=200))}
    assert take(session, sale(), "waybill", **said) == "refused"


def test_an_earlier_parcel_s_release_lets_no_parcel_go_that_has_its_number_now(session: Session) -> None:
    first, second = sale(), sale()
    world.released(session, first)
    take(session, second, "waybill", logisticsNo=first.waybill_no, appTime=stamp(AT + timedelta(days=190)))
    leaving = Leaving("1" * 18, 1, second.order_no, first.waybill_no, "1210", is_retail=True)
    with pytest.raises(ParcelNotDeclared):
        refuse_unreleased(session, [leaving])


@pytest.mark.parametrize(
    ("at", "later"),
    [
        (datetime(2026, 8, 31, 2, tzinfo=UTC), datetime(2027, 2, 28, 2, tzinfo=UTC)),
        (datetime(2026, 12, 31, 20, tzinfo=UTC), datetime(2027, 6, 30, 20, tzinfo=UTC)),  # already January in Beijing
    ],
)
def test_months_are_those_of_the_calendar_in_beijing(at: datetime, later: datetime) -> None:
    assert documents.months_later(at, 6) == later
