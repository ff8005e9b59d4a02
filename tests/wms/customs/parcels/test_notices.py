"""Site and carrier tell customs about parcels (CEB711, 507, 607, 509, 513); receipts move each notice forward only."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import mail, world
from tests.wms.customs.parcels.test_exports import exported
from tests.wms.customs.parcels.world import AT, CARRIER, LET_GO_AT, VAULT, sale
from wms.customs import mail as handlers_of
from wms.customs.messages import NotSchemaValid, post_office
from wms.customs.outgoing import Desk, NoSender
from wms.customs.parcels import notices, taking
from wms.customs.parcels.rules import notices as rules
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.tables.notices import ParcelNotice

SITE = {"customs_code": "4902", "operator_code": "4306600001", "operator_name": "场站"}
HEADS: dict[str, dict[str, str]] = {
    "warehouse_in": SITE | {"traf_mode": "5", "traf_no": "CZ3001", "voyage_no": "CZ3001", "bill_no": "784-1",
                            "place": "A"},
    "arrival": SITE | {"traf_mode": "5", "domestic_traf_no": "湘F12345"},
    "master_list": {"customs_code": "4902", "agent_code": "4306960005", "agent_name": "代理公司", "traf_mode": "5",
                    "traf_no": "CZ3001", "voyage_no": "CZ3001", "bill_no": "784-1"},
    "departure": {"customs_code": "4902", "traf_mode": "5", "traf_no": "CZ3001", "voyage_no": "CZ3001"},
    "delivery": {},
}  # fmt: skip


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes messages in is there; what a test registers ends with it."""
    monkeypatch.setattr(post_office, "HANDLERS", dict(post_office.HANDLERS))
    handlers_of.register()


def parcels_for(session: Session, kind: str, count: int = 2) -> tuple[str, list[str]]:
    """Carrier and waybills of parcels of which a notice of the kind may speak."""
    if rules.KINDS[kind].direction == "E":
        rows = [world.row(session, exported(session)) for _ in range(count)]
        for n, row in enumerate(rows):
            row.invt_no = f"49022026E{row.id + n:09d}"
        return "L", [row.waybill_no for row in rows]
    return CARRIER, [world.row(session, world.released(session, sale())).waybill_no for _ in range(count)]


def told(session: Session, kind: str, **head: str) -> list[ParcelNotice]:
    carrier, waybills = parcels_for(session, kind)
    return notices.tell(session, kind, carrier, waybills, HEADS[kind] | head, LET_GO_AT, mail.desk(session))


def numbers(made: ParcelNotice) -> dict[str, str]:
    if made.kind == "delivery":
        carrier, _bar, waybill = made.number.partition("|")
        return {"logisticsCode": carrier, "logisticsNo": waybill}
    return {"copNo": made.number, "preNo": "B20260601000000001"}


@pytest.mark.parametrize("kind", HEADS)
def test_a_notice_goes_out_valid_and_customs_answer_decides_it(session: Session, shared: Path, kind: str) -> None:
    made = told(session, kind)
    rule = rules.KINDS[kind]
    message = mail.sent(session, rule.message)[0]
    assert mail.is_publicly_valid(session, shared, rule.message)
    assert len(made) == (2 if kind == "delivery" else 1) == len(message.documents)
    for one in made:
        assert mail.answer(session, rule.receipt, LET_GO_AT, **numbers(one), returnStatus="2").state == "taken"
        mail.answer(session, rule.receipt, LET_GO_AT, **numbers(one), returnStatus=rule.final, returnInfo="ok")
        row = session.get_one(ParcelNotice, one.id, populate_existing=True)
        assert (row.state, row.status) == ("approved", rule.final)
        mail.answer(session, rule.receipt, LET_GO_AT + timedelta(minutes=1), **numbers(one), returnStatus="100")
        assert session.get_one(ParcelNotice, one.id, populate_existing=True).state == "approved"


def test_the_master_list_names_list_numbers_and_the_weight_of_all(session: Session) -> None:
    told(session, "master_list")
    document = mail.sent(session, "CEB607")[0].documents[0]
    assert document["WayBillHead"]["grossWeight"] == "1.8"
    assert all(line["invtNo"].startswith("49022026E") for line in document["WayBillList"])


@pytest.mark.parametrize(
    ("codes", "state", "status"),
    [
        (["120", "2", "120"], "stored", "120"),
        (["120", "399", "120", "100"], "approved", "399"),
        (["-800001"], "refused", "-800001"),
        (["120", "-800001"], "stored", "120"),
        (["100", "399"], "refused", "100"),
        (["4", "399"], "approved", "399"),
        (["18", "23"], "told", None),
    ],
)
def test_receipts_of_a_notice_move_forward_only(codes: list[str], state: str, status: str | None) -> None:
    now: tuple[str, str | None] = ("told", None)
    for code in codes:
        step = rules.take_receipt(rules.KINDS["arrival"], *now, code)
        now = (step.state, step.status)
    assert now == (state, status)


def test_a_refused_notice_is_told_again_and_a_standing_one_is_not(session: Session) -> None:
    desk = mail.desk(session)
    carrier, waybills = parcels_for(session, "arrival")
    made = notices.tell(session, "arrival", carrier, waybills, HEADS["arrival"], LET_GO_AT, desk)[0]
    with pytest.raises(rules.ToldAlready, match=made.number):
        notices.tell(session, "arrival", carrier, waybills[:1], HEADS["arrival"], LET_GO_AT, desk)
    mail.answer(session, "CEB508", LET_GO_AT, copNo=made.number, returnStatus="-504011")
    assert notices.tell(session, "arrival", carrier, waybills, HEADS["arrival"], LET_GO_AT, desk)[0].state == "told"


@pytest.mark.parametrize("kind", ["departure", "delivery"])
def test_nothing_departs_or_is_delivered_that_customs_did_not_let_go(session: Session, kind: str) -> None:
    if kind == "departure":
        carrier, waybill = "L", world.row(session, exported(session, code="120")).waybill_no
    else:
        carrier, waybill = CARRIER, world.row(session, world.declared(session, sale())).waybill_no
    with pytest.raises(rules.NotToBeTold, match="declared, not released"):
        notices.tell(session, kind, carrier, [waybill], HEADS[kind], LET_GO_AT, mail.desk(session))


def test_a_parcel_may_be_taken_in_before_it_is_declared(session: Session) -> None:
    one = sale()
    taking.take_waybills(session, VAULT, [one.waybill()])
    made = notices.tell(
        session, "warehouse_in", CARRIER, [one.waybill_no], HEADS["warehouse_in"], AT, mail.desk(session)
    )
    assert made[0].number == f"PW{made[0].id:08d}"


@pytest.mark.parametrize(
    ("kind", "head", "refusal", "field"),
    [
        ("arrival", {"operator_code": ""}, BadDocument, "operator_code"),
        ("master_list", {"bill_no": ""}, BadDocument, "bill_no"),
        ("warehouse_in", {"traf_no": ""}, BadDocument, "traf_no"),
        ("arrival", {"traf_mode": "Y"}, NotSchemaValid, "Arrival[1]/ArrivalHead/trafMode"),
        ("departure", {"traf_no": "空运"}, NotSchemaValid, "Departure[1]/DepartureHead/trafName"),
        ("departure", {"at": "20261301000000"}, NotSchemaValid, "Departure[1]/DepartureHead/leaveTime"),
        ("warehouse_in", {"customs_code": "49"}, NotSchemaValid, "Delivery[1]/DeliveryHead/customsCode"),
    ],
)
def test_each_mistake_in_a_notice_has_its_own_words(
    session: Session, kind: str, head: dict[str, str], refusal: type[Any], field: str
) -> None:
    with pytest.raises(refusal) as said:
        told(session, kind, **head)
    assert said.value.field == field


def test_a_waybill_that_nobody_announced_is_named(session: Session) -> None:
    with pytest.raises(rules.UnknownWaybill, match="W-NONE of carrier"):
        notices.tell(session, "arrival", "L", ["W-NONE"], HEADS["arrival"], AT, mail.desk(session))


def test_without_a_sender_nothing_is_told(session: Session) -> None:
    carrier, waybills = parcels_for(session, "arrival")
    with pytest.raises(NoSender):
        notices.tell(session, "arrival", carrier, waybills, HEADS["arrival"], AT, Desk(mail.key))


def test_a_carrier_tells_that_a_parcel_was_delivered_once_and_only_after_release(session: Session) -> None:
    early = world.row(session, world.declared(session, sale()))
    row = world.row(session, world.released(session, sale()))
    said = {"appTime": world.stamp(AT), "logisticsTime": world.stamp(LET_GO_AT), "logisticsCode": CARRIER,
            "logisticsStatus": "S", "appType": "1", "appStatus": "2"}  # fmt: skip

    def carrier_says(**fields: str) -> post_office.Taken:
        return mail.answer(session, "CEB513", AT, **(said | fields))

    refused = carrier_says(logisticsNo=early.waybill_no)
    assert (refused.state, "declared, not released" in (refused.reason or "")) == ("refused", True)
    assert carrier_says(logisticsNo=row.waybill_no).state == "taken"
    assert carrier_says(logisticsNo=row.waybill_no, logisticsTime=world.stamp(AT)).state == "taken"
    assert len(notices.listed(session, kind="delivery")) == 1
    other = carrier_says(logisticsNo=row.waybill_no, logisticsStatus="R")
    assert (other.state, "logisticsStatus" in (other.reason or "")) == ("refused", True)
