"""Rules of the trade: every error listed for the public samples is found; a faultless message has no finding."""

from pathlib import Path
from typing import Any

import pytest

from tests.wms.customs.messages import made
from tests.wms.customs.messages.test_schema import expected, sample
from wms.customs.messages import Message, check
from wms.customs.messages.business import find
from wms.customs.messages.business.together import against, collect
from wms.customs.messages.codes import error, receipt
from wms.customs.messages.message import Document

# What expected.csv lists, as rule and field.
LISTED = {
    "import/CEB311Message.xml": "LINE-TOTAL:totalPrice LIMIT-SINGLE:goodsValue ID-CARD:buyerIdNumber "
    "CODE-DISTRICT:consigneeDistrict REPEATED:guid REPEATED:orderNo",
    "import/CEB312Message.xml": "REPEATED:guid REPEATED:orderNo",
    "import/CEB411Message.xml": "ID-CARD:payerIdNumber LIMIT-SINGLE:amountPaid REPEATED:payTransactionId",
    "import/CEB412Message.xml": "REPEATED:payTransactionId",
    "import/CEB511Message.xml": "CODE-PACKS:packNo REPEATED:logisticsNo REPEATED:orderNo",
    "import/CEB512Message.xml": "REPEATED:logisticsNo",
    "import/CEB513Message.xml": "CODE-DELIVERY:logisticsStatus REPEATED:logisticsNo",
    "import/CEB514Message.xml": "RECEIPT-CODE:returnStatus REPEATED:logisticsNo",
    "import/CEB621Message.xml": "LINE-TOTAL:totalPrice CODE-PACKS:packNo MODE-COUNTRY:country LINE-SAME-UNIT:qty1 "
    "ID-CARD:buyerIdNumber GUARANTEE:assureCode LINE-GCODE-NAMES:gcode CODE-CONVEYANCE:trafMode REPEATED:copNo "
    "REPEATED:orderNo REPEATED:logisticsNo",
    "import/CEB622Message.xml": "REPEATED:copNo",
    "import/CEB623Message.xml": "SHAPE-INVTNO:invtNo NUMBER-OFFICE:invtNo ID-CARD:buyerIdNumber REPEATED:copNo",
    "import/CEB624Message.xml": "RECEIPT-CODE:returnStatus SHAPE-INVTNO:invtNo REPEATED:copNo",
    "import/CEB625Message.xml": "SHAPE-INVTNO:invtNo LINE-GCODE:gcode REASON:reason NUMBER-OFFICE:invtNo "
    "SHAPE-GUID:guid REPEATED:guid",
    "import/CEB626Message.xml": "RECEIPT-CODE:returnStatus SHAPE-GUID:@guid SHAPE-INVTNO:invtNo",
    "import/CEB711Message.xml": "CODE-CONVEYANCE:trafMode CONVEYANCE:trafNo SHAPE-GUID:guid",
    "import/CEB712Message.xml": "RECEIPT-CODE:returnStatus SHAPE-GUID:guid",
    "export/CEB213Message.xml": "MODE-MISSING:tradeMode SHAPE-INVTNO:invtNo REPEATED:coElNo",
    "export/CEB214Message .xml": "SCH-ROOT:CEB214 SCH-UNEXPECTED:appSenderId SHAPE-INVTNO:invtNo",
    "export/CEB215Message.xml": "SHAPE-INVTNO:invtNo SHAPE-GUID:guid REPEATED:guid",
    "export/CEB216Message.xml": "SHAPE-GUID:guid",
    "export/CEB303Message.xml": "SCH-REPEATED:BaseTransfer ORDER-SUM:goodsValue AMOUNT-FULL:goodsValue SHAPE-UNIT:unit "
    "SHAPE-CURRENCY:currency SHAPE-GUID:guid REPEATED:orderNo",
    "export/CEB304Message.xml": "SHAPE-GUID:guid",
    "export/CEB403Message.xml": "SCH-REPEATED:BaseTransfer REPEATED:payNo",
    "export/CEB404Message.xml": "REPEATED:payNo",
    "export/CEB505Message.xml": "SCH-REPEATED:BaseTransfer REPEATED:logisticsNo",
    "export/CEB506Message.xml": "REPEATED:logisticsNo",
    "export/CEB507Message.xml": "SCH-REPEATED:BaseTransfer CODE-CONVEYANCE:trafMode REPEATED:copNo",
    "export/CEB508Message.xml": "REPEATED:copNo",
    "export/CEB509Message.xml": "SCH-REPEATED:BaseTransfer CODE-CONVEYANCE:trafMode CONVEYANCE:voyageNo REPEATED:copNo",
    "export/CEB510Message.xml": "REPEATED:copNo",
    "export/CEB603Message.xml": "SCH-REPEATED:BaseTransfer LINE-TOTAL:totalPrice CODE-TRADEMODE:tradeMode "
    "CODE-DIRECTION:ieFlag SHAPE-COUNTRY:country SHAPE-PORT:POD LINE-SAME-UNIT:qty1 LINE-SAME-UNIT:qty2 "
    "CODE-CONVEYANCE:trafMode REPEATED:copNo",
    "export/CEB604Message.xml": "CODE-STATISTICS:statisticsFlag NUMBER-ENTERPRISE:orderNo SHAPE-INVTNO:invtNo",
    "export/CEB605Message.xml": "SCH-REPEATED:BaseTransfer SHAPE-INVTNO:invtNo REPEATED:copNo",
    "export/CEB606Message.xml": "SHAPE-INVTNO:invtNo",
    "export/CEB607Message.xml": "SCH-REPEATED:BaseTransfer CODE-CONVEYANCE:trafMode CONVEYANCE:trafName REPEATED:copNo",
    "export/CEB608Message.xml": "REPEATED:copNo",
    "export/CEB701Message.xml": "SHAPE-INVTNO:invtNo SHAPE-GUID:guid REPEATED:copNo",
    "export/CEB702Message.xml": "SHAPE-GUID:guid REPEATED:copNo",
    "export/CEB792Message.xml": "SCH-MISSING:gseqno AMOUNT-FULL:grossWeight AMOUNT-FULL:netWeight SHAPE-INVTNO:invtNo "
    "SHAPE-GUID:guid",
}


def found_in(data: bytes) -> set[str]:
    return {f"{one.rule}:{one.field.rpartition('/')[2]}" for one in check(data).findings}


def test_finds_every_error_listed_for_the_samples(shared: Path) -> None:
    assert set(LISTED) == {row["file"] for row in expected(shared)}
    missed = {name: set(said.split()) - found_in(sample(shared, name)) for name, said in LISTED.items()}
    assert not {name: some for name, some in missed.items() if some}


def test_holds_payments_and_waybills_against_the_orders_given_along(shared: Path) -> None:
    names = ("import/CEB311", "import/CEB411", "import/CEB511", "export/CEB303", "export/CEB403")
    looked = [check(sample(shared, f"{name}Message.xml")).message for name in names]
    messages = [one for one in looked if one]
    orders = collect(messages)
    said = {
        message.type: {f"{one.rule}:{one.field.rpartition('/')[2]}" for one in against(orders, message)}
        for message in messages
    }
    assert "ORDER-UNKNOWN:orderNo" in said["CEB411"]
    assert "ORDER-CONSIGNEE:consignee" in said["CEB511"]
    assert said["CEB403"] == {"ORDER-AMOUNT:charge"}
    assert said["CEB311"] == set()


HEAD = {
    "guid": made.GUID, "appType": "1", "appTime": "20261120080000", "appStatus": "2", "orderNo": "DT-1",
    "ebpCode": "4306000001", "ebpName": "平台", "ebcCode": "4306000002", "ebcName": "电商",
    "logisticsNo": "L-1", "logisticsCode": "4306000003", "logisticsName": "物流", "copNo": "C-1",
    "assureCode": "4306000001", "emsNo": "T4902W000001", "ieFlag": "I", "declTime": "20261120", "customsCode": "4902",
    "portCode": "4902", "buyerIdType": "1", "buyerIdNumber": "11010519491231002X", "buyerName": "甲",
    "buyerTelephone": "0730", "consigneeAddress": "岳阳", "agentCode": "4306000002", "agentName": "电商",
    "areaCode": "4306600001", "areaName": "区内", "tradeMode": "1210", "trafMode": "Y", "country": "142",
    "freight": "0",
    "insuredFee": "0", "currency": "142", "packNo": "1", "grossWeight": "1.2", "netWeight": "1",
}  # fmt: skip
LINE = {
    "gnum": "1", "itemRecordNo": "1", "gcode": "1901101090", "gname": "奶粉", "gmodel": "900克", "country": "609",
    "currency": "142", "qty": "2", "unit": "122", "qty1": "1.8", "unit1": "035", "price": "139.5", "totalPrice": "279",
}  # fmt: skip


def declaration(line: dict[str, Any] | None = None, **head: Any) -> Message:
    fields = {name: value for name, value in (HEAD | head).items() if value is not None}
    lines = (LINE | (line or {}),)
    document: Document = {"InventoryHead": fields, "InventoryList": lines}
    return Message("CEB621", made.GUID, (document,), signature=made.SIGNATURE)


def rules(message: Message) -> list[str]:
    return [f"{one.rule}:{one.field.rpartition('/')[2]}" for one in find(message)]


def test_a_faultless_declaration_has_no_finding() -> None:
    assert rules(declaration()) == []


DIRECT = {"tradeMode": "9610", "country": "609", "trafMode": "5"}
VOYAGE = {"trafNo": "CZ305", "voyageNo": "CZ305", "billNo": "784-1"}


def test_a_faultless_direct_purchase_has_no_finding() -> None:
    assert rules(declaration(**DIRECT, **VOYAGE)) == []


@pytest.mark.parametrize(
    ("head", "line", "rule"),
    [
        ({}, {"totalPrice": "280"}, "LINE-TOTAL:totalPrice"),
        ({}, {"gnum": "2"}, "LINE-NUMBER:gnum"),
        ({}, {"qty2": "1"}, "LINE-SECOND:qty2"),
        ({}, {"qty": "0", "totalPrice": "0"}, "LINE-QTY:qty"),
        ({}, {"gcode": "190110"}, "LINE-GCODE:gcode"),
        ({}, {"gcode": "2412000000"}, "LINE-GCODE:gcode"),
        ({}, {"itemRecordNo": ""}, "MODE-NEEDS:itemRecordNo"),
        ({"emsNo": None}, {}, "MODE-NEEDS:emsNo"),
        ({"billNo": "1"}, {}, "MODE-EMPTY:billNo"),
        ({"country": "609"}, {}, "MODE-COUNTRY:country"),
        ({**DIRECT, **VOYAGE, "country": "142"}, {}, "MODE-COUNTRY:country"),
        ({**DIRECT, **VOYAGE, "billNo": None}, {}, "MODE-NEEDS:billNo"),
        ({**DIRECT, **VOYAGE, "trafMode": "Y"}, {}, "CODE-CONVEYANCE:trafMode"),
        ({"tradeMode": "1239"}, {}, "CODE-TRADEMODE:tradeMode"),
        ({"assureCode": "4306000009"}, {}, "GUARANTEE:assureCode"),
        ({"netWeight": "1.3"}, {}, "WEIGHT-NET:netWeight"),
        ({"packNo": "2"}, {}, "CODE-PACKS:packNo"),
        ({"appType": "4"}, {}, "CODE-APPTYPE:appType"),
        ({"appTime": "20261320080000"}, {}, "SHAPE-TIME:appTime"),
        ({"buyerIdNumber": "110105194912310021"}, {}, "ID-CARD:buyerIdNumber"),
        ({"buyerIdType": "2"}, {}, "CODE-IDTYPE:buyerIdType"),
    ],
)
def test_each_rule_of_a_declaration_is_named(head: dict[str, Any], line: dict[str, Any], rule: str) -> None:
    assert rules(declaration(line, **head)) == [rule]


def test_what_is_declared_is_signed() -> None:
    message = declaration()
    unsigned = Message("CEB621", message.guid, message.documents)
    assert rules(unsigned) == ["SIGN-DECLARED:appStatus"]


def test_a_single_item_may_exceed_the_single_limit() -> None:
    order = {
        "OrderHead": {"appTime": "20261120080000", "goodsValue": "6000"},
        "OrderList": ({"gnum": "1", "qty": "1"},),
    }
    two = {**order, "OrderList": ({"gnum": "1", "qty": "2"},)}
    for document, said in ((order, []), (two, ["LIMIT-SINGLE:goodsValue"])):
        assert rules(Message("CEB311", made.GUID, (document,))) == said


def test_codes_of_receipts_and_errors_are_dated_data() -> None:
    from datetime import date

    on = date(2026, 11, 20)
    released = receipt("800", on)
    assert released is not None
    assert (released.name_zh, released.is_terminal) == ("放行", True)
    assert receipt("18", on) is None
    for code, said in (
        ("-621018", "annual limit exceeded"),
        ("-301004", "order not found"),
        ("5000", "defined by the user"),
    ):
        known = error(code)
        assert known is not None
        assert known.name_en == said
    assert error("-999999") is None
