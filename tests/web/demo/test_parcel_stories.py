"""Parcels of each retail mode from their first document to customs' last word, over a real exchange."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.web.demo import papers
from tests.web.demo.zone import BOTH, DESK, Zone, stock_in, stock_out
from tests.wms.customs.parcels.world import (
    CARRIER,
    EBC,
    EBP,
    FILINGS,
    PAYER,
    TERMS,
    VAULT,
    Sale,
    draw_up,
    of_mode_9610,
    order_row,
    row,
    sale,
    stamp,
    take_all,
)
from wms.customs import outgoing, parcel_mail
from wms.customs.messages import Message
from wms.customs.parcels import declaring, taking
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.declaring import Terms
from wms.customs.tables.parcels import RetailWaybill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]  # seconds: for a machine that is busy


def written(kind: str, *parts: tuple[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]]) -> Message:
    """A message of one document as its sender writes it."""
    document: dict[str, Any] = {}
    for name, part in parts:
        many = not isinstance(part, Mapping)
        document[name] = tuple(_texts(line) for line in part) if many else _texts(part)  # type: ignore[arg-type]
    body = document.get("", document)
    return Message(kind, papers.guid(), (body,))


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items()}


def send(session: Session, kind: str, number: str, message: Message) -> None:
    assert message.type == kind
    outgoing.queue(session, DESK, message, number, build.now())


def file_three(session: Session, one: Sale) -> None:
    """Platform, payer and carrier tell us and customs of a sale."""
    take_all(session, one)
    send(
        session,
        "CEB311",
        one.order_no,
        written("CEB311", ("OrderHead", one.order_head()), ("OrderList", one.order_lines())),
    )
    send(session, "CEB411", one.order_no, written("CEB411", ("PaymentHead", one.payment_head())))
    send(session, "CEB511", one.order_no, written("CEB511", ("LogisticsHead", one.waybill_head())))  # fmt: skip


def declare(session: Session, one: Sale, terms: Terms, **given: Any) -> int:
    """Draw a parcel's declaration up and send it."""
    drawn = declaring.draw_up(
        session, [order_row(session, one)], terms, build.now().date(), filings=FILINGS, **given
    )[0] if given else draw_up(session, one, terms=terms)[0]  # fmt: skip
    assert drawn.declaration_id is not None, drawn.refusal
    assert parcel_mail.declare(session, VAULT, [drawn.declaration_id], build.now(), DESK) == [None]
    return drawn.declaration_id


def until_state(zone: Zone, declaration_id: int, state: str) -> None:
    zone.until(lambda session: row(session, declaration_id).state == state)


@BOTH
def test_1210_import_from_stock_in_to_the_deducted_book(zone: Zone) -> None:
    came = stock_in(zone, "1210")
    one = sale()

    def act(session: Session) -> int:
        file_three(session, one)
        return declare(session, one, TERMS)

    until_state(zone, zone.run(act), "released")
    left = stock_out(zone, "1210", list_type="8")
    zone.write_off(came, left)
    zone.end()


@BOTH
def test_9610_import_from_order_to_delivery(zone: Zone) -> None:
    one = sale()

    def act(session: Session) -> int:
        file_three(session, one)
        return declare(session, one, of_mode_9610())

    made = zone.run(act)
    until_state(zone, made, "released")

    def deliver(session: Session) -> None:
        head = {**one.waybill_head(), "logisticsStatus": "S", "logisticsTime": stamp(build.now())}
        names = ("guid", "appType", "appTime", "appStatus", "logisticsCode", "logisticsName", "logisticsNo",
                 "logisticsStatus", "logisticsTime")  # fmt: skip
        told = {name: head[name] for name in names} | {"guid": papers.guid()}
        send(session, "CEB513", one.order_no, written("CEB513", ("", told)))

    zone.run(deliver)
    zone.end()


def file_export(session: Session, one: Sale, order_type: str) -> RetailWaybill:
    """Order, receipt of money and waybill of a sale abroad, told to us and to customs."""
    head = {name: one.order_head()[name] for name in ("guid", "appType", "appTime", "appStatus", "orderNo", "ebpCode",
            "ebpName", "ebcCode", "ebcName", "goodsValue", "freight", "currency")}  # fmt: skip
    head["orderType"] = order_type
    lines = [{**line, "itemName": "茶", "country": "142"} for line in one.order_lines()]
    kept = ("gnum", "itemNo", "itemName", "unit", "currency", "qty", "price", "totalPrice")
    paid = {"guid": papers.guid(), "appType": "1", "appTime": head["appTime"], "appStatus": "2", "ebpCode": EBP,
            "ebpName": "平台", "ebcCode": EBC, "ebcName": "电商", "orderNo": one.order_no, "payCode": PAYER,
            "payName": "银行", "payNo": f"R-{one.order_no}", "charge": head["goodsValue"], "currency": "142",
            "accountingDate": head["appTime"]}  # fmt: skip
    carried = {"guid": papers.guid(), "appType": "1", "appTime": head["appTime"], "appStatus": "2",
               "logisticsCode": CARRIER, "logisticsName": "物流", "logisticsNo": one.waybill_no, "freight": "0",
               "insuredFee": "0", "currency": "142", "grossWeight": "1.2", "packNo": "1",
               "goodsInfo": "茶"}  # fmt: skip
    taking.take_orders(session, VAULT, [documents.read_order("E", head, lines)])
    taking.take_payments(session, VAULT, [documents.read_payment("E", paid)])
    taking.take_waybills(session, VAULT, [documents.read_waybill("E", carried)])
    short = [{name: line[name] for name in kept} for line in lines]
    send(session, "CEB303", one.order_no, written("CEB303", ("OrderHead", head), ("OrderList", short)))
    send(session, "CEB403", one.order_no, written("CEB403", ("", paid)))
    send(session, "CEB505", one.order_no, written("CEB505", ("", carried)))
    return session.query(RetailWaybill).filter_by(waybill_no=one.waybill_no).one()


def site_notice(kind: str, node: str, one: Sale, **more: str) -> Message:
    """Arrival at the site (507) or departure (509) of a waybill."""
    head = {"guid": papers.guid(), "appType": "1", "appTime": stamp(build.now()), "appStatus": "2",
            "customsCode": "4902", "copNo": f"{kind}-{one.order_no}", "logisticsCode": CARRIER, "logisticsName": "物流",
            "trafMode": "5",
            "msgCount": "1", "msgSeqNo": "1", **more}  # fmt: skip
    return written(kind, (f"{node}Head", head), (f"{node}List", [{"gnum": "1", "logisticsNo": one.waybill_no}]))


def export_terms(mode: str) -> Terms:
    given: dict[str, Any] = {
        "direction": "E",
        "trade_mode": mode,
        "country": "502",
        "traf_mode": "5",
        "assure_code": "",
    }
    if mode == "1210":
        given |= {"iac_code": "4306960007", "iac_name": "区内企业"}
    else:
        given |= {"ems_no": "", "area_code": "", "area_name": ""}
    return replace(TERMS, **given, **EXPORT_ONLY)


EXPORT_ONLY: dict[str, Any] = {
    "owner_code": EBC,
    "owner_name": "电商",
    "pod": "502",
    "statistics_flag": "A",
    "wrap_type": "2",
    "ie_date": "20261126",
}


@pytest.mark.parametrize(("mode", "order_type"), [("9610", "E"), ("9710", "B"), ("9810", "W")])
@BOTH
def test_an_export_parcel_from_order_to_departure(zone: Zone, mode: str, order_type: str) -> None:
    leave(zone, mode, order_type)
    zone.end()


@BOTH
def test_1210_export_from_the_entry_into_the_zone_to_the_deducted_book(zone: Zone) -> None:
    came = stock_in(zone, "1210")
    leave(zone, "1210", "E")
    left = stock_out(zone, "1210", list_type="8")
    zone.write_off(came, left)
    zone.end()


def leave(zone: Zone, mode: str, order_type: str) -> None:
    """A sale abroad, from its order until customs cleared it after its departure."""
    one = sale()

    def act(session: Session) -> int:
        waybill = file_export(session, one, order_type)
        return declare(session, one, export_terms(mode), waybills={one.order_no: waybill})

    made: int = zone.run(act)
    arrive = site_notice("CEB507", "Arrival", one, operatorCode="4306960009", operatorName="场站", ieFlag="E",
                         domesticTrafNo="湘F12345")  # fmt: skip
    depart = site_notice("CEB509", "Departure", one, leaveTime=stamp(build.now()))
    steps: list[tuple[str, Message, Callable[[], None]]] = [
        ("CEB507", arrive, lambda: until_state(zone, made, "released")),
        ("CEB509", depart, lambda: until_state(zone, made, "cleared")),
    ]
    zone.until(lambda session: row(session, made).pre_no is not None)  # customs knows the list before the goods arrive
    for kind, told, wait in steps:
        zone.run(lambda session, kind=kind, told=told: send(session, kind, one.order_no, told))
        wait()
