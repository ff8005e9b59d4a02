"""Cancellations and returns go to customs as messages, and customs' answers move them: forward only."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import mail, world
from tests.wms.customs.parcels.test_exports import TERMS as EXPORT
from tests.wms.customs.parcels.test_exports import exported
from tests.wms.customs.parcels.world import AT, LET_GO_AT, VAULT, sale
from wms.customs import mail as handlers_of
from wms.customs.messages import NotSchemaValid, post_office
from wms.customs.outgoing import Desk
from wms.customs.parcels import notices, request_mail, requests
from wms.customs.parcels.rules import notices as notice_rules
from wms.customs.parcels.rules import requests as rules
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.parcels.rules.requests import ReturnLine, WayBack
from wms.customs.tables.parcels import ParcelRequest

WAY = WayBack("5", "CZ3002", "CZ3002", "4902", "502")
CUP = ReturnLine(1, "6912001000", Decimal(1))
SITE = ("4306600001", "场站")


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes messages in is there; what a test registers ends with it."""
    monkeypatch.setattr(post_office, "HANDLERS", dict(post_office.HANDLERS))
    handlers_of.register()


def waiting(session: Session) -> int:
    """A declared import that customs has given its number."""
    made = world.declared(session, sale())
    world.receipt(session, made, "120")
    return made


def as_it_stands(session: Session, asked: ParcelRequest) -> ParcelRequest:
    return session.get_one(ParcelRequest, asked.id, populate_existing=True)


def test_a_cancellation_goes_out_signed_and_the_answer_cancels(session: Session, shared: Path) -> None:
    made = waiting(session)
    asked = request_mail.ask_to_cancel(session, VAULT, made, "买家撤单", LET_GO_AT, mail.desk(session))
    head, row = mail.last(session, "CEB623"), world.row(session, made)
    assert (head["copNo"], head["invtNo"], head["reason"]) == (asked.cop_no, row.invt_no, "买家撤单")
    assert (head["buyerName"], head["buyerIdNumber"]) == ("张三丰", "11010519491231002X")
    assert mail.is_publicly_valid(session, shared, "CEB623")
    said = {"copNo": asked.cop_no or "", "preNo": "B20260601000000009"}
    assert mail.answer(session, "CEB624", LET_GO_AT, **said, returnStatus="399").state == "taken"
    assert world.row(session, made).state == "cancelled"
    late = mail.answer(session, "CEB624", LET_GO_AT + timedelta(minutes=1), **said, returnStatus="100")
    assert (late.state, world.row(session, made).state) == ("taken", "cancelled")


def test_an_answer_to_an_earlier_request_does_not_decide_the_next_one(session: Session) -> None:
    made, desk = waiting(session), mail.desk(session)
    first = request_mail.ask_to_cancel(session, VAULT, made, "买家撤单", LET_GO_AT, desk)
    numbers = {"copNo": first.cop_no or "", "preNo": "B20260601000000009"}
    mail.answer(session, "CEB624", LET_GO_AT, **numbers, returnStatus="-623005", returnInfo="state")
    assert as_it_stands(session, first).state == "refused"
    second = request_mail.ask_to_cancel(session, VAULT, made, "重复下单", LET_GO_AT, desk)
    mail.answer(session, "CEB624", LET_GO_AT + timedelta(minutes=1), **numbers, returnStatus="399")
    assert (as_it_stands(session, second).state, world.row(session, made).state) == ("applied", "declared")


def test_receipts_of_a_request_move_forward_only(session: Session) -> None:
    made = world.released(session, sale(goods=(("MILK", 3, "100"),), tax="0"))
    line = ReturnLine(1, "1901101090", Decimal(2))
    asked = request_mail.ask_to_return(session, VAULT, made, [line], "不需要", LET_GO_AT, mail.desk(session))
    numbers = {"copNo": asked.cop_no or "", "preNo": "T20260601000000009"}
    said = []
    for minute, status in enumerate(("120", "2", "120", "18", "399", "100")):
        taken = mail.answer(session, "CEB626", LET_GO_AT + timedelta(minutes=minute), **numbers, returnStatus=status)
        said.append((taken.state, as_it_stands(session, asked).status, as_it_stands(session, asked).state))
    assert [one[0] for one in said] == ["taken"] * 6
    assert said[1][1:] == ("120", "applied")
    assert said[4][1:] == said[5][1:] == ("399", "approved")


def test_a_return_names_the_lines_of_the_original_list(session: Session, shared: Path) -> None:
    made = world.released(session, sale(goods=(("MILK", 1, "279.00"), ("CREAM", 2, "50"))))
    line = ReturnLine(2, "3304990039", Decimal(1))
    request_mail.ask_to_return(session, VAULT, made, [line], "过敏", LET_GO_AT, mail.desk(session))
    document = mail.sent(session, "CEB625")[0].documents[0]
    assert document["InvtRefundList"] == (
        {"gnum": "2", "gcode": "3304990039", "gname": "商品CREAM", "qty": "1", "unit": "011"},
    )
    assert mail.is_publicly_valid(session, shared, "CEB625")


def test_without_a_list_number_there_is_nothing_to_cancel_by_message(session: Session) -> None:
    made = world.declared(session, sale())
    with pytest.raises(rules.NoListNumber, match="has not given parcel declaration PD"):
        request_mail.ask_to_cancel(session, VAULT, made, "买家撤单", LET_GO_AT, mail.desk(session))


def test_where_customs_is_told_by_hand_nothing_is_queued(session: Session) -> None:
    made = world.declared(session, sale())
    by_hand = Desk(is_by_hand=True)
    assert request_mail.ask_to_cancel(session, VAULT, made, "买家撤单", LET_GO_AT, by_hand).state == "applied"
    assert mail.sent(session, "CEB623") == []


@pytest.mark.parametrize(
    ("reason", "rule"), [("49022026I000000001", "REASON"), ("x" * 1001, "SCH-LENGTH")]
)  # fmt: skip
def test_what_customs_would_refuse_is_not_sent(session: Session, reason: str, rule: str) -> None:
    with pytest.raises(NotSchemaValid) as refusal:
        request_mail.ask_to_cancel(session, VAULT, waiting(session), reason, LET_GO_AT, mail.desk(session))
    assert rule in [one.rule for one in refusal.value.findings]
    assert refusal.value.findings[0].field.endswith("reason")


def test_an_export_is_cancelled_by_its_own_message(session: Session, shared: Path) -> None:
    made = exported(session, code="120")
    world.row(session, made).invt_no = "49022026E000000077"
    asked = request_mail.ask_to_cancel(session, VAULT, made, "缺货", LET_GO_AT, mail.desk(session))
    assert mail.last(session, "CEB605")["copNo"] == asked.cop_no
    assert mail.is_publicly_valid(session, shared, "CEB605")
    said = {"copNo": asked.cop_no or "", "preNo": "B20260601000000009", "invtNo": "49022026E000000009"}
    mail.answer(session, "CEB606", LET_GO_AT, **said, returnStatus="399")
    assert world.row(session, made).state == "cancelled"


def back_from_abroad(session: Session, desk: Desk, **way: str) -> tuple[int, ParcelRequest]:
    made = exported(session)
    world.row(session, made).invt_no = "49022026E000000077"
    asked = request_mail.ask_to_return(session, VAULT, made, [CUP], "退货", LET_GO_AT, desk, replace(WAY, **way))
    return made, asked


def test_an_export_comes_back_by_application_tally_and_count(session: Session, shared: Path) -> None:
    desk = mail.desk(session)
    made, asked = back_from_abroad(session, desk)
    head = mail.last(session, "CEB213")
    row = world.row(session, made)
    assert (head["tradeMode"], head["country"], head["billNo"]) == ("9661", "502", row.waybill_no)
    line = mail.sent(session, "CEB213")[0].documents[0]["InvtRefundList"][0]
    assert (line["qty"], line["qty1"], line["unit1"]) == ("1", "0.3", "035")
    with pytest.raises(rules.RequestNotOpen):
        notices.tally(session, asked.id, SITE, LET_GO_AT, desk)
    mail.answer(session, "CEB214", LET_GO_AT, coElNo=asked.cop_no or "", returnStatus="399")
    tally = notices.tally(session, asked.id, SITE, LET_GO_AT, desk, "R-01")
    told = mail.last(session, "CEB215")
    assert (told["coElNo"], told["invtNo"], told["location"]) == (tally.number, row.invt_no, "R-01")
    with pytest.raises(notice_rules.NotDecided):
        requests.goods_back(session, asked.id, "4902", LET_GO_AT)
    mail.answer(session, "CEB216", LET_GO_AT, coElNo=tally.number, returnStatus="399")
    assert requests.goods_back(session, asked.id, "4902", LET_GO_AT).state == "completed"
    assert all(mail.is_publicly_valid(session, shared, kind) for kind in ("CEB213", "CEB215"))


def test_a_tally_that_customs_refused_is_told_again(session: Session) -> None:
    desk = mail.desk(session)
    _made, asked = back_from_abroad(session, desk)
    mail.answer(session, "CEB214", LET_GO_AT, coElNo=asked.cop_no or "", returnStatus="399")
    first = notices.tally(session, asked.id, SITE, LET_GO_AT, desk)
    with pytest.raises(notice_rules.ToldAlready):
        notices.tally(session, asked.id, SITE, LET_GO_AT, desk)
    mail.answer(session, "CEB216", LET_GO_AT, coElNo=first.number, returnStatus="-625001")
    second = notices.tally(session, asked.id, SITE, LET_GO_AT, desk)
    assert second.number != first.number
    mail.answer(session, "CEB216", LET_GO_AT + timedelta(minutes=1), coElNo=first.number, returnStatus="399")
    assert (notices.tally_of(session, asked.id) or first).state == "told"


def test_goods_of_a_special_zone_come_back_by_1261(session: Session) -> None:
    said = rules.way_back(WAY, {"waybill_no": "W1"}, {"1210": "1261", "*": "9661"}, "1210")
    assert (said["trade_mode"], said["bill_no"]) == ("1261", "W1")


@pytest.mark.parametrize(
    ("way", "refusal", "field"),
    [
        ({"country": "142"}, rules.FromChina, "country"),
        ({"traf_name": ""}, BadDocument, "traf_name"),
        ({"trade_mode": "9610"}, BadDocument, "trade_mode"),
        ({"country": "999"}, NotSchemaValid, "InvtRefund[1]/InvtRefundHead/country"),
        ({"bill_no": "9" * 38}, NotSchemaValid, "InvtRefund[1]/InvtRefundHead/billNo"),
    ],
)
def test_each_mistake_in_the_way_back_has_its_own_words(
    session: Session, way: dict[str, str], refusal: type[BadDocument], field: str
) -> None:
    with pytest.raises(refusal) as said:
        back_from_abroad(session, mail.desk(session), **way)
    assert said.value.field == field


def test_an_export_return_by_message_tells_the_way(session: Session) -> None:
    made = exported(session, EXPORT)
    world.row(session, made).invt_no = "49022026E000000077"
    with pytest.raises(request_mail.NoWayBack):
        request_mail.ask_to_return(session, VAULT, made, [CUP], "退货", LET_GO_AT, mail.desk(session))


def test_an_answer_to_nothing_of_ours_is_kept_with_its_reason(session: Session) -> None:
    taken = mail.answer(session, "CEB624", AT, copNo="PR99999999", preNo="B20260601000000001", returnStatus="399")
    assert taken.state == "refused"
    assert "PR99999999" in (taken.reason or "")
