"""Forms of the three documents: which fields a person fills in, under the message's own field names.

What follows from other fields (totals) and what is always the same for imports is filled in here.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from wms.customs.clock import BEIJING
from wms.customs.parcels import taking
from wms.customs.parcels.order_view import OrderView
from wms.customs.parcels.rules import documents
from wms.errors import N_

LINES = 5


@dataclass(frozen=True)
class Field:
    """A field of a form. ``kind``: text, number; ``personal``: never filled in from what stands."""

    name: str
    label: str
    kind: str = "text"
    is_needed: bool = True
    is_personal: bool = False
    hint: str = ""


ORDER_NO = Field("orderNo", N_("Order number"))
PLATFORM = (Field("ebpCode", N_("Platform: customs number")), Field("ebpName", N_("Platform: name")))
RECEIVER = (
    Field("consignee", N_("Consignee"), is_personal=True),
    Field("consigneeTelephone", N_("Telephone of the consignee"), is_personal=True),
    Field("consigneeAddress", N_("Address of the consignee"), is_personal=True),
)
ORDER = (
    ORDER_NO, *PLATFORM,
    Field("ebcCode", N_("Shop: customs number")), Field("ebcName", N_("Shop: name")),
    Field("freight", N_("Freight, yuan"), "number"), Field("discount", N_("Discount, yuan"), "number"),
    Field("taxTotal", N_("Tax, yuan"), "number"), Field("acturalPaid", N_("Paid, yuan"), "number"),
    Field("buyerName", N_("Buyer"), is_personal=True),
    Field("buyerIdNumber", N_("Identity number of the buyer"), is_personal=True),
    Field("buyerTelephone", N_("Telephone of the buyer"), is_personal=True), *RECEIVER,
)  # fmt: skip
PAYMENT = (
    ORDER_NO, *PLATFORM,
    Field("payTransactionId", N_("Transaction number")),
    Field("payCode", N_("Payment firm: customs number")), Field("payName", N_("Payment firm: name")),
    Field("amountPaid", N_("Amount paid, yuan"), "number"),
    Field("payerName", N_("Payer"), is_personal=True),
    Field("payerIdNumber", N_("Identity number of the payer"), is_personal=True),
)  # fmt: skip
WAYBILL = (
    ORDER_NO,
    Field("logisticsNo", N_("Waybill number")),
    Field("logisticsCode", N_("Carrier: customs number")), Field("logisticsName", N_("Carrier: name")),
    Field("weight", N_("Gross weight, kg"), "number"), *RECEIVER,
)  # fmt: skip
GOODS = (
    Field("itemNo", N_("Item number")), Field("itemName", N_("Name of the goods")), Field("gmodel", N_("Model")),
    Field("unit", N_("Unit (customs code)")), Field("qty", N_("Quantity"), "number"),
    Field("price", N_("Price, yuan"), "number"), Field("country", N_("Country of origin (customs code)")),
)  # fmt: skip
TITLES = {"order": N_("Order"), "payment": N_("Payment"), "waybill": N_("Waybill")}
FORMS: Mapping[str, tuple[Field, ...]] = {"order": ORDER, "payment": PAYMENT, "waybill": WAYBILL}
TAKES: Mapping[str, Callable[..., Sequence[taking.Taken]]] = {
    "order": taking.take_orders, "payment": taking.take_payments, "waybill": taking.take_waybills
}  # fmt: skip
ALWAYS = {"currency": "142", "buyerIdType": "1", "payerIdType": "1", "orderType": "I", "packNo": "1"}


def filled(kind: str, seen: OrderView | None) -> dict[str, str]:
    """What a form begins with: what is known of the order and is nobody's personal data."""
    if seen is None:
        return {"freight": "0", "discount": "0"}
    order, payment, waybill = seen.order, seen.payment, seen.waybill
    known = {"orderNo": order.order_no, "ebpCode": order.ebp_code, "ebpName": order.ebp_name}
    if kind == "order":
        amounts = {
            "freight": order.freight, "discount": order.discount, "taxTotal": order.tax_total, "acturalPaid": order.paid
        }  # fmt: skip
        known |= {"ebcCode": order.ebc_code, "ebcName": order.ebc_name}
        known |= {name: plain(amount) for name, amount in amounts.items()}
    elif kind == "payment" and payment is not None:
        known |= {"payTransactionId": payment.transaction_no, "payCode": payment.pay_code, "payName": payment.pay_name,
                  "amountPaid": plain(payment.amount)}  # fmt: skip
    elif kind == "waybill" and waybill is not None:
        known |= {"logisticsNo": waybill.waybill_no, "logisticsCode": waybill.logistics_code,
                  "logisticsName": waybill.logistics_name, "weight": plain(waybill.gross_weight)}  # fmt: skip
    return known


def goods_of(seen: OrderView | None) -> list[dict[str, str]]:
    """The lines that an order's form begins with, and empty ones after them."""
    names = {"itemNo": "item_no", "itemName": "item_name", "gmodel": "model", "unit": "unit", "qty": "qty",
             "price": "price", "country": "country"}  # fmt: skip
    rows = [
        {name: plain(Decimal(line[of])) if name in ("qty", "price") else str(line[of] or "")
         for name, of in names.items()}
        for line in (seen.order.lines if seen else ())
    ]  # fmt: skip
    return [*rows, *({} for _ in range(max(1, LINES - len(rows))))]


def given_goods(form: Mapping[str, str]) -> list[dict[str, str]]:
    """The lines that a person filled in; those left empty are left out."""
    rows = []
    for n in range(1, 100):
        if f"itemName-{n}" not in form:
            break
        row = {one.name: form.get(f"{one.name}-{n}", "").strip() for one in GOODS}
        if any(row.values()):
            rows.append(row)
    return rows


def read(kind: str, form: Mapping[str, str], goods: Sequence[Mapping[str, str]], *, is_change: bool) -> Any:
    """Return the document that a form says. Raises BadDocument."""
    now = datetime.now(UTC).astimezone(BEIJING)
    head: dict[str, Any] = {one.name: form.get(one.name, "").strip() for one in FORMS[kind]} | ALWAYS
    head |= {"guid": str(uuid.uuid4()).upper(), "appType": "2" if is_change else "1", "appStatus": "2",
             "appTime": f"{now:%Y%m%d%H%M%S}"}  # fmt: skip
    if kind == "payment":
        return documents.read_payment("I", head)
    if kind == "waybill":
        return documents.read_waybill("I", head)
    lines = [
        {**row, "gnum": str(n), "totalPrice": _times(row), "currency": "142"} for n, row in enumerate(goods, 1)
    ]
    head["goodsValue"] = plain(sum((_number(line["totalPrice"]) for line in lines), Decimal(0)))
    return documents.read_order("I", head, lines)


def _times(row: Mapping[str, str]) -> str:
    return plain(_number(row["qty"]) * _number(row["price"]))


def _number(text: str) -> Decimal:
    """A number as typed; what is none counts as nothing here and is named by its own field's rule."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() and abs(number) < 10**14 else Decimal(0)


def plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
