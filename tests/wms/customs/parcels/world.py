"""Orders, payments and waybills as messages say them, and parcels at any point of their way. People are made up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from wms.customs.parcels import declaring, receiving, taking
from wms.customs.parcels.receiving import Receipt
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.declaring import Filing, Terms
from wms.customs.parcels.rules.documents import Order, Payment, Waybill
from wms.customs.tables.parcels import ParcelDeclaration, RetailOrder
from wms.parties import dated
from wms.parties.private import Vault

VAULT = Vault({1: b"k" * 32}, b"i" * 32)
AT = datetime(2026, 6, 1, 4, tzinfo=UTC)
LET_GO_AT = AT + timedelta(hours=1)  # of receipt()
EBP, EBC, CARRIER, PAYER = "4306960001", "4306960002", "4306960003", "4306960004"
TERMS = Terms(
    "I", "1210", "4902", "4902", "4306960005", "代理公司", "4", "142", assure_code=EBC, ems_no="T4902W000001",
    area_code="4306600001", area_name="岳阳城陵矶综合保税区",
)  # fmt: skip
FILINGS = {
    "MILK": Filing("1901101090", "R-MILK", "035", Decimal("0.9"), net_weight=Decimal("0.9")),
    "CREAM": Filing(
        "3304990039", "R-CREAM", "035", Decimal("0.05"), net_weight=Decimal("0.05"), gmodel="牌|霜|50ml/瓶"
    ),
}


@dataclass(frozen=True)
class Sale:
    """One sale; each document of it can be asked for, with other fields where a test wants them."""

    order_no: str
    buyer_id: str = "11010519491231002X"
    goods: tuple[tuple[str, int, str], ...] = (("MILK", 1, "279.00"),)
    freight: str = "0"
    tax: str = "25.39"
    at: datetime = AT
    ebc: str = EBC

    @property
    def waybill_no(self) -> str:
        return f"W-{self.order_no}"

    @property
    def value(self) -> Decimal:
        return sum((qty * Decimal(price) for _item, qty, price in self.goods), Decimal(0))

    def order(self, **fields: Any) -> Order:
        """CEB311."""
        return documents.read_order("I", self.order_head() | fields, self.order_lines())

    def order_head(self) -> dict[str, Any]:
        paid = self.value + Decimal(self.freight) + Decimal(self.tax)
        return _head(self.at) | {
            "orderType": "I", "orderNo": self.order_no, "ebpCode": EBP, "ebpName": "平台", "ebcCode": self.ebc,
            "ebcName": "电商", "goodsValue": f"{self.value}", "freight": self.freight, "discount": "0",
            "taxTotal": self.tax, "acturalPaid": f"{paid}", "currency": "142", "buyerRegNo": "u1",
            "buyerName": "张三丰", "buyerTelephone": "13800001111", "buyerIdType": "1", "buyerIdNumber": self.buyer_id,
            "consignee": "李四光", "consigneeTelephone": "13900002222", "consigneeAddress": "湖南省岳阳市岳阳楼区1号",
        }  # fmt: skip

    def order_lines(self) -> list[dict[str, Any]]:
        return [
            {
                "gnum": n, "itemNo": item, "itemName": f"商品{item}", "gmodel": "型号", "unit": "011", "qty": str(qty),
                "price": price, "totalPrice": f"{qty * Decimal(price)}", "currency": "142", "country": "609",
            }
            for n, (item, qty, price) in enumerate(self.goods, 1)
        ]  # fmt: skip

    def payment(self, **fields: Any) -> Payment:
        """CEB411."""
        return documents.read_payment("I", self.payment_head() | fields)

    def payment_head(self) -> dict[str, Any]:
        paid = self.value + Decimal(self.freight) + Decimal(self.tax)
        return _head(self.at) | {
            "payCode": PAYER, "payName": "支付", "payTransactionId": f"P-{self.order_no}", "orderNo": self.order_no,
            "ebpCode": EBP, "ebpName": "平台", "payerIdType": "1", "payerIdNumber": self.buyer_id,
            "payerName": "张三丰", "amountPaid": f"{paid}", "currency": "142", "payTime": "20260601120000",
        }  # fmt: skip

    def waybill(self, **fields: Any) -> Waybill:
        """CEB511."""
        return documents.read_waybill("I", self.waybill_head() | fields)

    def waybill_head(self) -> dict[str, Any]:
        return _head(self.at) | {
            "logisticsCode": CARRIER, "logisticsName": "物流", "logisticsNo": self.waybill_no, "orderNo": self.order_no,
            "freight": "0", "insuredFee": "0", "currency": "142", "weight": "1.2", "packNo": "1",
            "consignee": "李四光", "consigneeTelephone": "13900002222", "consigneeAddress": "湖南省岳阳市岳阳楼区1号",
        }  # fmt: skip


def _head(at: datetime) -> dict[str, str]:
    written = at.astimezone(documents.BEIJING).strftime("%Y%m%d%H%M%S")
    return {"guid": f"{build.number():036d}", "appType": "1", "appTime": written, "appStatus": "2"}


def sale(**fields: Any) -> Sale:
    """A sale with a number of its own."""
    return Sale(f"O-{build.number()}", **fields)


def stamp(at: datetime) -> str:
    """A time as messages write it."""
    return at.astimezone(documents.BEIJING).strftime("%Y%m%d%H%M%S")


def take_all(session: Session, *sales: Sale) -> None:
    """All three documents of each sale."""
    taking.take_orders(session, VAULT, [one.order() for one in sales])
    taking.take_payments(session, VAULT, [one.payment() for one in sales])
    taking.take_waybills(session, VAULT, [one.waybill() for one in sales])


def order_row(session: Session, one: Sale) -> RetailOrder:
    """The order as it stands."""
    query = select(RetailOrder).where(RetailOrder.order_no == one.order_no).execution_options(populate_existing=True)
    return session.scalars(query).one()


def draw_up(session: Session, *sales: Sale, terms: Terms = TERMS) -> list[declaring.Drawn]:
    """The declarations of sales whose documents are there."""
    orders = [order_row(session, one) for one in sales]
    return declaring.draw_up(session, orders, terms, AT.date(), filings=FILINGS)


def drawn_up(session: Session, one: Sale, terms: Terms = TERMS) -> int:
    """The declaration of one sale from its first document on; a refusal is raised."""
    take_all(session, one)
    made = draw_up(session, one, terms=terms)[0]
    if made.refusal is not None:
        raise made.refusal
    assert made.declaration_id is not None
    return made.declaration_id


def declared(session: Session, one: Sale) -> int:
    """A sale that is declared."""
    made = drawn_up(session, one)
    refusal = declaring.declare(session, VAULT, [made], AT)[0]
    if refusal is not None:
        raise refusal
    return made


def receipt(session: Session, declaration_id: int, status: str, *, kind: str = "CEB622", hours: int = 1) -> bool:
    """Customs' answer."""
    of = row(session, declaration_id)
    at = AT + timedelta(hours=hours)
    pre_no, invt_no = f"B20260601{declaration_id:09d}", f"49022026{of.direction}{declaration_id:09d}"
    return receiving.take_receipt(session, Receipt(kind, status, at, "said", of.cop_no, pre_no, invt_no))


def released(session: Session, one: Sale) -> int:
    """A sale that customs let go."""
    made = declared(session, one)
    receipt(session, made, "800")
    return made


def row(session: Session, declaration_id: int) -> ParcelDeclaration:
    """The declaration as it stands."""
    return session.get_one(ParcelDeclaration, declaration_id, populate_existing=True)


def name_sender(session: Session) -> None:
    """Say who sends to customs."""
    who = {"code": EBC, "name": "电商", "dxp_id": "DXPENT0000000001"}
    dated.set_value(session, "customs.sender", who, valid_from_on=date(2026, 1, 1), source="test")


def of_mode_9610(**fields: Any) -> Terms:
    """Direct purchase from abroad."""
    given = {"trade_mode": "9610", "country": "116", "traf_mode": "5", "traf_no": "CA123", "voyage_no": "V1",
             "bill_no": "B1", "ems_no": "", "area_code": "", "area_name": ""}  # fmt: skip
    return replace(TERMS, **(given | fields))


def numbers(found: Sequence[Any]) -> list[str]:
    """Fields of mismatches."""
    return [one["field"] for one in found]
