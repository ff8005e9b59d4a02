"""Parcels by their messages: read and written as customs does it, each document told on its own."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, EBC, VAULT, Sale, sale
from wms.customs.messages import Message, post_office
from wms.customs.messages.keeping import clear
from wms.customs.messages.reading import parse
from wms.customs.messages.shape import look
from wms.customs.outgoing import Desk, Sender
from wms.customs.parcels import declaring, exchange
from wms.customs.tables.messages import CustomsMessage
from wms.customs.tables.parcels import ParcelReceipt

CARDS = ("11010519491231002X", "440524188001010014")
SENDER = Sender(EBC, "电商", "DXPENT0000000001")


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers ends with it."""
    monkeypatch.setattr(post_office, "HANDLERS", dict(post_office.HANDLERS))


def message(kind: str, *documents: Any) -> Message:
    return Message(kind, "0" * 36, documents)


def texts(node: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in node.items()}


def by_messages(session: Session, one: Sale) -> list[str]:
    order = {"OrderHead": one.order_head(), "OrderList": tuple(texts(line) for line in one.order_lines())}
    payment, waybill = {"PaymentHead": one.payment_head()}, {"LogisticsHead": one.waybill_head()}
    given = (("CEB311", order), ("CEB411", payment), ("CEB511", waybill))
    return [exchange.take(session, VAULT, message(kind, document))[0].outcome for kind, document in given]


def answer(session: Session, made: int, kind: str, code: str) -> str:
    row = world.row(session, made)
    head = {"guid": "0" * 36, "copNo": row.cop_no or "", "preNo": f"B{made:017d}", "invtNo": f"49022026I{made:09d}",
            "returnStatus": code, "returnTime": "20260601140000123", "returnInfo": "放行"}  # fmt: skip
    return exchange.take(session, VAULT, message(kind, head))[0].outcome


def test_three_messages_bring_a_parcel_and_receipts_move_it(session: Session) -> None:
    one = sale()
    assert by_messages(session, one) == ["taken", "taken", "taken"]
    made = world.draw_up(session, one)[0].declaration_id
    assert made is not None
    declaring.declare(session, VAULT, [made], AT)
    assert [answer(session, made, "CEB622", code) for code in ("120", "800", "120")] == ["taken", "taken", "repeated"]
    row = world.row(session, made)
    assert (row.state, row.pre_no) == ("released", f"B{made:017d}")
    assert row.released_at is not None
    assert row.released_at.microsecond == 123_000


def test_a_document_that_breaks_a_rule_is_told_and_the_others_are_taken(session: Session) -> None:
    good, bad = sale(), sale()
    heads = (bad.payment_head() | {"payerIdType": "2"}, good.payment_head())
    said = exchange.take(session, VAULT, message("CEB411", *({"PaymentHead": head} for head in heads)))
    assert [(one.outcome, one.number) for one in said] == [
        ("refused", bad.order_no), ("taken", good.payment().number)
    ]  # fmt: skip
    assert str(said[0].refusal).startswith("payerIdType: is not one of")


def test_a_receipt_for_nothing_of_ours_is_told(session: Session) -> None:
    head = {"copNo": "X", "returnStatus": "800", "returnTime": "20260601140000123", "returnInfo": "-"}
    said = exchange.take(session, VAULT, message("CEB622", head))
    assert (said[0].outcome, said[0].number) == ("refused", "X")


def test_receipts_of_one_message_are_told_one_by_one(session: Session) -> None:
    one, other = (world.row(session, world.declared(session, sale(buyer_id=card))) for card in CARDS)
    head = {"returnTime": "20260601140000123", "returnInfo": "-"}
    given = (
        head | {"copNo": one.cop_no or "", "returnStatus": "800", "preNo": "B-1", "invtNo": "I-1"},
        head | {"copNo": "X", "returnStatus": "800"},
        head | {"copNo": other.cop_no or "", "returnStatus": "100"},
        head | {"copNo": other.cop_no or "", "returnStatus": "800", "returnTime": "soon"},
        head | {"copNo": one.cop_no or "", "returnStatus": "120"},
        head | {"copNo": "not ours", "invtNo": "I-1", "returnStatus": "899"},
    )
    said = exchange.take(session, VAULT, message("CEB622", *given))
    assert [each.outcome for each in said] == ["taken", "refused", "taken", "refused", "repeated", "taken"]
    assert str(said[3].refusal).startswith("returnTime: must be a time")
    assert [world.row(session, row.id).state for row in (one, other)] == ["cleared", "returned"]
    kept = session.scalars(select(ParcelReceipt.status).order_by(ParcelReceipt.id)).all()
    assert kept == ["800", "100", "120", "899"]


def test_a_declaration_is_written_as_the_schema_wants_it_but_for_its_signature(session: Session) -> None:
    made = [world.declared(session, sale()), world.declared(session, sale(buyer_id="440524188001010014"))]
    written = exchange.unsigned(exchange.declaration(session, VAULT, made, SENDER, AT))
    read, findings = look(parse(written))
    assert read is not None
    assert [one["InventoryHead"]["orderNo"] for one in read.documents] == [
        world.row(session, one).order_no for one in made
    ]
    assert {finding.field for finding in findings} <= {"Signature", "ds:Signature", ""}
    head = read.documents[0]["InventoryHead"]
    assert (head["buyerIdNumber"], head["ieFlag"], head["country"]) == ("11010519491231002X", "I", "142")


def test_a_tax_bill_comes_by_its_messages(session: Session) -> None:
    row = world.row(session, world.released(session, sale()))
    head = {"guid": "0" * 36, "returnTime": "20260602000000000", "invtNo": row.invt_no, "taxNo": "T-1",
            "customsTax": "0", "valueAddedTax": "25.39", "consumptionTax": "0", "status": "1"}  # fmt: skip
    line = {"gnum": "1", "gcode": "1901101090", "taxPrice": "279", "customsTax": "0", "valueAddedTax": "25.39",
            "consumptionTax": "0"}  # fmt: skip
    bill = message("CEB816", {"TaxHeadRd": head, "TaxListRd": (line,)})
    assert exchange.take(session, VAULT, bill)[0].outcome == "taken"
    later = replace(bill, type="CEB818", documents=({"TaxHeadStatus": head | {
        "status": "2", "returnTime": "20260603000000000"}},))  # fmt: skip
    assert exchange.take(session, VAULT, later)[0].outcome == "taken"
    assert Decimal(head["valueAddedTax"]) == row.vat


class Stamp:
    """Signs nothing, but says that it was asked."""

    def sign(self, data: bytes) -> bytes:
        return data.replace(b"</ceb:CEB621Message>", b"<!--signed--></ceb:CEB621Message>")


def test_declared_parcels_are_queued_in_the_transaction_that_declares_them(session: Session) -> None:
    world.name_sender(session)
    made = [world.declared(session, sale()), world.declared(session, sale(buyer_id="440524188001010014"))]
    sent = exchange.post(session, VAULT, made, Desk(Stamp), AT)
    rows = [session.get_one(CustomsMessage, one) for one in sent]
    assert [(row.kind, row.number, row.state) for row in rows] == [
        ("CEB621", world.row(session, made[0]).cop_no, "queued")
    ]
    data = clear(session, rows[0])
    assert b"<!--signed-->" in data
    assert b"<ceb:copCode>4306960002</ceb:copCode>" in data


def test_what_the_post_office_takes_reaches_the_parcels(session: Session) -> None:
    exchange.register(lambda _session: VAULT)
    one = sale()
    nodes = {"OrderHead": one.order_head(), "OrderList": tuple(texts(line) for line in one.order_lines())}
    sent = Message("CEB311", str(uuid.uuid4()).upper(), (nodes,), transfer=SENDER.node())
    taken = post_office.take(session, exchange.unsigned(sent), "test")
    assert (taken.state, taken.reason) == ("taken", None)
    assert world.order_row(session, one).match == "waiting"
    assert post_office.take(session, exchange.unsigned(sent), "test").state == "repeated"


def test_a_message_all_of_whose_documents_are_refused_says_why(session: Session) -> None:
    exchange.register(lambda _session: VAULT)
    heads = {"PaymentHead": sale().payment_head() | {"payerIdType": "2"}}
    sent = Message("CEB411", str(uuid.uuid4()).upper(), (heads,), transfer=SENDER.node())
    taken = post_office.take(session, exchange.unsigned(sent), "test")
    assert taken.state == "refused"
    assert (taken.reason or "").startswith("payerIdType: is not one of")


def test_a_tax_bill_that_comes_before_the_number_it_names_waits(session: Session) -> None:
    exchange.register(lambda _session: VAULT)
    head = {"guid": "0" * 36, "returnTime": "20260602000000000", "invtNo": "49022026I999999999", "taxNo": "T-EARLY",
            "customsTax": "0", "valueAddedTax": "25.39", "consumptionTax": "0", "status": "1"}  # fmt: skip
    line = {"gnum": "1", "gcode": "1901101090", "taxPrice": "279", "customsTax": "0", "valueAddedTax": "25.39",
            "consumptionTax": "0"}  # fmt: skip
    sent = Message("CEB816", str(uuid.uuid4()).upper(), ({"TaxHeadRd": head, "TaxListRd": (line,)},))
    taken = post_office.take(session, exchange.unsigned(sent), "test")
    assert taken.state == "waiting"
