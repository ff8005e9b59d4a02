"""Messages of the CEB and bonded sets as a firm would write them, with numbers and names that nobody bears."""

from collections.abc import Mapping, Sequence
from uuid import uuid4
from xml.etree import ElementTree as ET

Fields = Mapping[str, str]
PLATFORM, FIRM, PAYER, CARRIER = "4902960P01", "4902960E01", "4902960Y01", "4902960L01"


def guid() -> str:
    return str(uuid4()).upper()


def message(
    kind: str, node: str, head: str, fields: Fields, lines: Sequence[Fields] = (), *, signed: bool = True
) -> bytes:
    """A CEB message of one document."""
    whole = {"guid": guid(), "appType": "1", "appTime": "20261125080000", "appStatus": "2", **fields}
    inner = _node(head, whole, "ceb:") if head else "".join(_field(*pair, "ceb:") for pair in whole.items())
    listed = "".join(_node(f"{node}List", line, "ceb:") for line in lines)
    sign = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>' if signed else ""
    return (
        f'<ceb:{kind}Message guid="{guid()}" version="1.0" xmlns:ceb="http://www.chinaport.gov.cn/ceb">'
        f"<ceb:{node}>{inner}{listed}</ceb:{node}>{sign}</ceb:{kind}Message>"
    ).encode()


def _node(name: str, fields: Fields, prefix: str = "") -> str:
    return f"<{prefix}{name}>{''.join(_field(*pair, prefix) for pair in fields.items())}</{prefix}{name}>"


def _field(name: str, value: str, prefix: str = "") -> str:
    return f"<{prefix}{name}>{value}</{prefix}{name}>"


def parcel(order_no: str, **changed: str) -> dict[str, bytes]:
    """Order, payment, waybill and declaration of one parcel: 2 × 100.00 and 18.20 tax."""
    buyer = {"buyerIdType": "1", "buyerIdNumber": "430601199001010014", "buyerName": "洞庭测试", "buyerTelephone": "1"}
    line = {"gnum": "1", "itemName": "奶粉", "gmodel": "900g", "unit": "011", "qty": "2", "price": "100",
        "totalPrice": "200",
            "currency": "142", "country": "601"}  # fmt: skip
    order = {
        "orderType": "I", "orderNo": order_no, "ebpCode": PLATFORM, "ebpName": "平台", "ebcCode": FIRM,
        "ebcName": "电商",
        "goodsValue": "200", "freight": "0", "discount": "0", "taxTotal": "18.2", "acturalPaid": "218.2",
        "currency": "142",
        "buyerRegNo": "b", **buyer, "consignee": "收件人", "consigneeTelephone": "1", "consigneeAddress": "岳阳",
    }  # fmt: skip
    payment = {
        "payCode": PAYER, "payName": "支付", "payTransactionId": f"P{order_no}", "orderNo": order_no,
        "ebpCode": PLATFORM,
        "ebpName": "平台", "payerIdType": "1", "payerIdNumber": buyer["buyerIdNumber"],
        "payerName": buyer["buyerName"],
        "amountPaid": changed.get("paid", "218.2"), "currency": "142", "payTime": "20261125080000",
    }  # fmt: skip
    waybill = {
        "logisticsCode": CARRIER, "logisticsName": "物流", "logisticsNo": f"W{order_no}", "orderNo": order_no,
        "currency": "142", "weight": "2", "packNo": "1", "consignee": "收件人", "consigneeAddress": "岳阳",
        "consigneeTelephone": "1",
    }  # fmt: skip
    listed = {
        "orderNo": order_no, "ebpCode": PLATFORM, "ebpName": "平台", "ebcCode": FIRM, "ebcName": "电商",
        "logisticsNo": f"W{order_no}", "logisticsCode": CARRIER, "logisticsName": "物流", "copNo": order_no,
        "assureCode": FIRM, "emsNo": "T4902W000001", "ieFlag": "I", "declTime": "20261125", "customsCode": "4902",
        "portCode": "4902", **buyer, "consigneeAddress": "岳阳", "agentCode": "4902960A01", "agentName": "报关",
        "areaCode": "4902960Z01", "areaName": "区内", "tradeMode": "1210", "trafMode": "Y", "country": "142",
        "freight": "0",
        "insuredFee": "0", "currency": "142", "packNo": "1", "grossWeight": "2", "netWeight": "1.8",
    }  # fmt: skip
    of_list = {"gnum": "1", "itemRecordNo": "1", "gcode": "1901101090", "gname": "奶粉", "gmodel": "900g",
        "country": "601",
               "currency": "142", "qty": "2", "unit": "011", "qty1": "1.8", "unit1": "035", "price": "100",
               "totalPrice": "200"}  # fmt: skip
    return {
        "CEB311": message("CEB311", "Order", "OrderHead", order, [line]),
        "CEB411": message("CEB411", "Payment", "PaymentHead", payment),
        "CEB511": message("CEB511", "Logistics", "LogisticsHead", waybill),
        "CEB621": message("CEB621", "Inventory", "InventoryHead", listed, [of_list]),
    }


def export_parcel(order_no: str, mode: str = "9610") -> dict[str, bytes]:
    """The documents of one parcel that leaves the country, in the order of the notice."""
    ebp = {"ebpCode": PLATFORM, "ebpName": "平台", "ebcCode": FIRM, "ebcName": "电商"}
    carrier = {"logisticsCode": CARRIER, "logisticsName": "物流"}
    order = {"orderType": "E", "orderNo": order_no, **ebp, "goodsValue": "30", "freight": "0", "currency": "142"}
    line = {"gnum": "1", "itemNo": "a", "itemName": "茶", "unit": "011", "currency": "142", "qty": "1", "price": "30",
            "totalPrice": "30"}  # fmt: skip
    listed = {
        "customsCode": "4902", **ebp, "orderNo": order_no, **carrier, "logisticsNo": f"W{order_no}",
        "copNo": order_no,
        "ieFlag": "E", "portCode": "4902", "ieDate": "20261125", "statisticsFlag": "A", "agentCode": "4902960A01",
        "agentName": "报关", "ownerCode": FIRM, "ownerName": "电商", "tradeMode": mode, "trafMode": "5",
        "country": "502",
        "POD": "502", "freight": "0", "grossWeight": "1", "netWeight": "1", "packNo": "1",
    }  # fmt: skip
    goods = {"gnum": "1", "itemNo": "a", "gcode": "0902100000", "gname": "茶", "gmodel": "茶", "barCode": "无",
             "country": "142", "currency": "142", "qty": "1", "qty1": "1", "unit": "011", "unit1": "035",
             "price": "30",
             "totalPrice": "30"}  # fmt: skip
    moved = {"customsCode": "4902", "copNo": f"A{order_no}", "operatorCode": "4902960O01", "operatorName": "场站",
             "ieFlag": "E", "trafMode": "5", "domesticTrafNo": "x", **carrier, "msgCount": "1",
             "msgSeqNo": "1"}  # fmt: skip
    of_waybill = [{"gnum": "1", "logisticsNo": f"W{order_no}"}]
    return {
        "CEB303": message("CEB303", "Order", "OrderHead", order, [line]),
        "CEB403": message("CEB403", "Receipts", "", {**ebp, "orderNo": order_no, "payName": "银行",
            "payNo": f"R{order_no}",
                          "charge": "30", "currency": "142", "accountingDate": "20261125080000"}),
        "CEB505": message("CEB505", "Logistics", "", {**carrier, "logisticsNo": f"W{order_no}", "freight": "0",
                          "insuredFee": "0", "currency": "142", "grossWeight": "1", "packNo": "1",
                          "goodsInfo": "茶"}),
        "CEB603": message("CEB603", "Inventory", "InventoryHead", listed, [goods]),
        "CEB507": message("CEB507", "Arrival", "ArrivalHead", moved, of_waybill),
        "CEB509": message("CEB509", "Departure", "DepartureHead", {**moved, "copNo": f"D{order_no}",
                          "leaveTime": "20261125080000"}, of_waybill),
    }  # fmt: skip


def verification_list(internal_no: str, qty: str = "10", direction: str = "I") -> bytes:
    """INV101 of one line."""
    head = {
        "etpsInnerInvtNo": internal_no, "putrecNo": "T4902W000001", "dclTypecd": "1", "invtType": "0",
        "bizopEtpsno": "4902960Z01", "bizopEtpsSccd": "91430600MA4L000000", "bizopEtpsNm": "区内",
        "impexpMarkcd": direction,
        "supvModecd": "1210", "dclPlcCuscd": "4902", "dclcusFlag": "1", "dclcusTypecd": "2", "genDecFlag": "1",
        "decType": "3",
    }  # fmt: skip
    line = {"gdsSeqno": "1", "putrecSeqno": "1", "gdecd": "1901101090", "gdsMtno": "MILK", "gdsNm": "奶粉",
        "dclUnitcd": "011",
            "dclQty": qty}  # fmt: skip
    return _bonded("InvtMessage", _node("InvtHeadType", head) + _node("InvtListType", line))


def gate_pass(internal_no: str, list_no: str, qty: str = "10", total: str = "14010", change: str = "1") -> bytes:
    """SAS121 for one vehicle with one line of a list."""
    head = {
        "etpsPreentNo": internal_no, "dclTypecd": change, "ioTypecd": "I", "passportTypecd": "2", "bindTypecd": "2",
        "rltTbTypecd": "1", "rltNo": list_no, "masterCuscd": "4902", "areainEtpsno": "4902960Z01",
        "vehicleNo": "湘F12345",
        "vehicleWt": "13000", "vehicleFrameWt": "1000", "totalGrossWt": "10", "totalNetWt": "9", "totalWt": total,
    }  # fmt: skip
    line = {"passportSeqNo": "1", "rltGdsSeqno": "1", "gdsMtno": "MILK", "gdecd": "1901101090", "dclUnitcd": "011",
            "dclQty": qty, "grossWt": "10", "netWt": "9"}  # fmt: skip
    return _bonded("PassPortMessage", _node("PassportHead", head) + _node("PassportList", line))


def passage(pass_no: str, weighed: str = "14000") -> bytes:
    """The site's gate tells that a vehicle went through."""
    told = _node("SasPassportBsc", {"passportNo": pass_no, "passCollectWt": weighed, "stucd": "2"})
    return f"<Package><DataInfo><BussinessData><SAS223>{told}</SAS223></BussinessData></DataInfo></Package>".encode()


def _bonded(node: str, inner: str) -> bytes:
    body = f"<DelcareFlag>1</DelcareFlag><{node}>{inner}</{node}>"
    return (
        "<Signature><Object><Package><EnvelopInfo/>"
        f"<DataInfo><BussinessData>{body}</BussinessData></DataInfo></Package></Object></Signature>"
    ).encode()


def field(text: str, name: str) -> str:
    """The first value of an element anywhere in a message."""
    root = ET.fromstring(text)
    return next((node.text or "" for node in root.iter() if node.tag.rpartition("}")[2] == name), "")
