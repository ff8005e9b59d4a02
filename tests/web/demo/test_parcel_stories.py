"""Parcels of each retail mode from their first document to customs' last word, over a real exchange."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
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
from wms.customs.parcels import declaring, notices, request_mail, requests, summaries, taking
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.declaring import Terms
from wms.customs.parcels.rules.requests import ReturnLine, WayBack
from wms.customs.tables.notices import ParcelNotice
from wms.customs.tables.parcel_flows import ExportSummary, ExportSummaryParcel
from wms.customs.tables.parcels import ParcelLine, ParcelRequest, RetailWaybill

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
    file_paid_order(session, one)
    send(session, "CEB511", one.order_no, written("CEB511", ("LogisticsHead", one.waybill_head())))  # fmt: skip


def file_paid_order(session: Session, one: Sale) -> None:
    """We know all of a sale; customs knows its order and payment, and waits for its waybill."""
    take_all(session, one)
    send(
        session,
        "CEB311",
        one.order_no,
        written("CEB311", ("OrderHead", one.order_head()), ("OrderList", one.order_lines())),
    )
    send(session, "CEB411", one.order_no, written("CEB411", ("PaymentHead", one.payment_head())))


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
def test_9610_import_from_order_to_delivery_and_back(zone: Zone) -> None:
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
    come_back(zone, made)
    parcel = zone.run(lambda session: row(session, made))
    levied = parcel.duty + parcel.consumption_tax + parcel.vat
    assert parcel.tax_restored == levied > 0
    assert parcel.quota_restored_minor == parcel.quota_minor > 0
    zone.end()


@BOTH
def test_a_declaration_is_cancelled_while_customs_waits_for_its_waybill(zone: Zone) -> None:
    one = sale()

    def act(session: Session) -> int:
        file_paid_order(session, one)
        return declare(session, one, of_mode_9610())

    made: int = zone.run(act)
    zone.until(lambda session: row(session, made).invt_no is not None)  # customs names a list by its number
    zone.run(lambda session: request_mail.ask_to_cancel(session, VAULT, made, "买方取消", build.now(), DESK).id)
    until_state(zone, made, "cancelled")
    given_back = zone.run(lambda session: row(session, made))
    assert given_back.quota_restored_minor == given_back.quota_minor > 0
    zone.end()


def come_back(zone: Zone, declaration_id: int, way: WayBack | None = None) -> None:
    """All goods of a parcel come back: applied for, approved, an export's tallied at the site, taken in."""

    def ask(session: Session) -> int:
        lines = session.query(ParcelLine).filter_by(declaration_id=declaration_id).order_by(ParcelLine.line_no)
        whole = [ReturnLine(line.line_no, line.gcode, line.qty) for line in lines]
        return request_mail.ask_to_return(
            session, VAULT, declaration_id, whole, "七天无理由退货", build.now(), DESK, way
        ).id  # fmt: skip

    asked: int = zone.run(ask)
    zone.until(lambda session: session.get_one(ParcelRequest, asked).state == "approved")
    if way is not None:
        site = ("4306960009", "场站")
        told: int = zone.run(lambda session: notices.tally(session, asked, site, build.now(), DESK).id)
        zone.until(lambda session: session.get_one(ParcelNotice, told).state == "approved")
    done = zone.run(lambda session: requests.goods_back(session, asked, "4902", build.now()).state)
    assert done == "completed"


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


def export_terms(mode: str, statistics_flag: str = "A") -> Terms:
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
    return replace(TERMS, **given, **(EXPORT_ONLY | {"statistics_flag": statistics_flag}))


EXPORT_ONLY: dict[str, Any] = {
    "owner_code": EBC,
    "owner_name": "电商",
    "pod": "502",
    "wrap_type": "2",
    "ie_date": "20261126",
}


@BOTH
def test_9610_export_from_order_to_the_summary_declaration_and_back(zone: Zone) -> None:
    made = leave(zone, "9610", "E", statistics_flag="B")
    sum_up(zone, made)
    come_back(zone, made, WayBack("5", "CA988", "V9", "4902", "502"))
    zone.end()


def sum_up(zone: Zone, declaration_id: int) -> None:
    """The day's exports are applied for (701), stored (702) and become a declaration (792) that names this one."""
    day = timedelta(days=1)

    def act(session: Session) -> int:
        now = build.now()
        return summaries.apply(session, EBC, now - day, now + day, now, DESK).id

    made: int = zone.run(act)
    zone.until(lambda session: session.get_one(ExportSummary, made).state == "declared")
    summary = zone.run(lambda session: session.get_one(ExportSummary, made))
    assert (len(summary.sum_no), len(summary.entry_no)) == (18, 18)
    of_summary = select(ExportSummaryParcel.declaration_id).where(ExportSummaryParcel.summary_id == made)
    assert zone.run(lambda session: session.scalars(of_summary).all()) == [declaration_id]


@pytest.mark.parametrize(("mode", "order_type"), [("9710", "B"), ("9810", "W")])
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


def bind(zone: Zone, one: Sale) -> None:
    """The parcel stands on the list of a flight's parcels (607)."""
    head = {"customs_code": "4902", "agent_code": "4306960005", "agent_name": "代理公司", "traf_mode": "5",
            "traf_no": "CA987", "voyage_no": "V8", "bill_no": f"B-{one.order_no}"}  # fmt: skip

    def act(session: Session) -> int:
        return notices.tell(session, "master_list", CARRIER, [one.waybill_no], head, build.now(), DESK)[0].id

    told: int = zone.run(act)
    zone.until(lambda session: session.get_one(ParcelNotice, told).state == "approved")


def leave(zone: Zone, mode: str, order_type: str, statistics_flag: str = "A") -> int:
    """A sale abroad, from its order until customs cleared it after its departure."""
    one = sale()

    def act(session: Session) -> int:
        waybill = file_export(session, one, order_type)
        return declare(session, one, export_terms(mode, statistics_flag), waybills={one.order_no: waybill})

    made: int = zone.run(act)
    arrive = site_notice("CEB507", "Arrival", one, operatorCode="4306960009", operatorName="场站", ieFlag="E",
                         domesticTrafNo="湘F12345")  # fmt: skip
    depart = site_notice("CEB509", "Departure", one, leaveTime=stamp(build.now()))
    steps: list[tuple[str, Message, Callable[[], None]]] = [
        ("CEB507", arrive, lambda: until_state(zone, made, "released")),
        ("CEB509", depart, lambda: until_state(zone, made, "cleared")),
    ]
    zone.until(lambda session: row(session, made).pre_no is not None)  # customs knows the list before the goods arrive
    if mode in ("9610", "1210"):
        bind(zone, one)
    for kind, told, wait in steps:
        zone.run(lambda session, kind=kind, told=told: send(session, kind, one.order_no, told))
        wait()
    return made
