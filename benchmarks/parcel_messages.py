"""The three messages of a hundred parcels, as bytes: written once, then given new numbers and people each time."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wms.customs.clock import BEIJING
from wms.customs.messages import Message, write

AT_ONCE = 100  # the most that one message holds
EBP, EBC, CARRIER, PAYER = "4306960001", "4306960002", "4306960003", "4306960004"
TOKEN, PEOPLE = "T0KENT0KEN", "P0PLE"  # filled in by Batch.of
GROUPS = 10_000  # of a hundred people: a million in all
TRANSFER = {"copCode": EBC, "copName": "电商", "dxpMode": "DXP", "dxpId": "DXPENT0000000001"}


def order_no(token: str, n: int) -> str:
    """The number of an order, a payment and a waybill."""
    return f"{token}{n:04}"


@dataclass(frozen=True)
class Batch:
    """A hundred parcels: the token in their numbers, and their messages."""

    token: str
    messages: tuple[bytes, ...]

    @classmethod
    def of(cls, made: tuple[bytes, ...]) -> "Batch":
        """New parcels of people drawn by lot."""
        token, people = secrets.token_hex(5).upper(), f"{secrets.randbelow(GROUPS):05}"
        filled = (one.replace(TOKEN.encode(), token.encode()).replace(PEOPLE.encode(), people.encode()) for one in made)
        return cls(token, tuple(filled))


def templates(at: datetime) -> tuple[bytes, ...]:
    """CEB311, CEB411 and CEB511 of a hundred parcels; :meth:`Batch.of` fills numbers and people in."""
    stamp = at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")
    made = []
    for kind, document in (("CEB311", _order), ("CEB411", _payment), ("CEB511", _waybill)):
        documents = tuple(document(n, stamp) for n in range(AT_ONCE))
        guid = str(uuid.uuid4()).upper()[:-10] + TOKEN
        made.append(write(Message(kind, guid, documents, transfer=TRANSFER)))
    return tuple(made)


def _stamp(kind: int, n: int, at: str) -> dict[str, str]:
    guid = f"00000000-0000-4{kind}00-8{n:03}-00{TOKEN}"
    return {"guid": guid, "appType": "1", "appTime": at, "appStatus": "2"}


def _buyer(n: int) -> str:
    return f"430600{PEOPLE}{n:06}X"


def _order(n: int, at: str) -> dict[str, Any]:
    head = _stamp(1, n, at) | {
        "orderType": "I", "orderNo": order_no(TOKEN, n), "ebpCode": EBP, "ebpName": "平台", "ebcCode": EBC,
        "ebcName": "电商", "goodsValue": "27.90", "freight": "0", "discount": "0", "taxTotal": "2.54",
        "acturalPaid": "30.44", "currency": "142", "buyerRegNo": "u", "buyerName": "测试人",
        "buyerTelephone": "13800001111", "buyerIdType": "1", "buyerIdNumber": _buyer(n), "consignee": "收货人",
        "consigneeTelephone": f"139{PEOPLE}{n:03}", "consigneeAddress": f"湖南省岳阳市岳阳楼区{PEOPLE}路{n}号",
    }  # fmt: skip
    line = {
        "gnum": "1", "itemNo": "MILK", "itemName": "奶粉", "gmodel": "900g/罐", "unit": "122", "qty": "1",
        "price": "27.90", "totalPrice": "27.90", "currency": "142", "country": "609",
    }  # fmt: skip
    return {"OrderHead": head, "OrderList": (line,)}


def _payment(n: int, at: str) -> dict[str, Any]:
    head = _stamp(2, n, at) | {
        "payCode": PAYER, "payName": "支付", "payTransactionId": order_no(TOKEN, n), "orderNo": order_no(TOKEN, n),
        "ebpCode": EBP, "ebpName": "平台", "payerIdType": "1", "payerIdNumber": _buyer(n), "payerName": "测试人",
        "amountPaid": "30.44", "currency": "142", "payTime": at,
    }  # fmt: skip
    return {"PaymentHead": head}


def _waybill(n: int, at: str) -> dict[str, Any]:
    head = _stamp(3, n, at) | {
        "logisticsCode": CARRIER, "logisticsName": "物流", "logisticsNo": order_no(TOKEN, n),
        "orderNo": order_no(TOKEN, n), "freight": "0", "insuredFee": "0", "currency": "142", "weight": "1.2",
        "packNo": "1", "consignee": "收货人", "consigneeTelephone": f"139{PEOPLE}{n:03}",
        "consigneeAddress": f"湖南省岳阳市岳阳楼区{PEOPLE}路{n}号",
    }  # fmt: skip
    return {"LogisticsHead": head}
