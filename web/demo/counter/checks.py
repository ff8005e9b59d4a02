"""What the counter looks at on a retail document. Each check returns the rule that is broken in words, or None."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from web.demo.counter.reading import Document

CENT = Decimal("0.01")
Lines = Sequence[Mapping[str, str]]


def number(text: str | None) -> Decimal:
    """A decimal as written; raises ValueError naming it when it is none."""
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        raise ValueError(f"{text} 不是数字 is no number") from None


def same(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= CENT


def numbering(lines: Lines) -> str | None:
    """Lines are numbered from 1 without gaps and without doubles."""
    found = [line.get("gnum", "") for line in lines]
    if found != [str(n) for n in range(1, len(found) + 1)]:
        return "商品序号应从 1 起连续且不重复 line numbers must run from 1 without gaps"
    return None


def totals(document: Document) -> str | None:
    """Each line is price × quantity; together they are the value of the goods."""
    for line in document.lines:
        if not same(number(line.get("price")) * number(line.get("qty")), number(line.get("totalPrice"))):
            return f"第 {line.get('gnum')} 项 totalPrice ≠ price × qty"
    if "goodsValue" in document.head:
        whole = sum((number(line.get("totalPrice")) for line in document.lines), Decimal(0))
        if not same(whole, number(document.of("goodsValue"))):
            return "goodsValue ≠ Σ totalPrice"
    return None


def import_order(document: Document) -> str | None:
    if not document.lines:
        return "订单没有商品 the order has no lines"
    paid = (
        number(document.of("goodsValue")) + number(document.of("freight")) + number(document.of("taxTotal"))
        - number(document.of("discount"))
    )  # fmt: skip
    if not same(paid, number(document.of("acturalPaid"))):
        return "acturalPaid ≠ goodsValue + freight + taxTotal − discount"
    return numbering(document.lines) or totals(document)


def import_waybill(document: Document) -> str | None:
    return None if document.of("packNo") == "1" else "packNo 应为 1 must be 1"


def waybill_status(document: Document) -> str | None:
    return None if document.of("logisticsStatus") == "S" else "logisticsStatus 只能为 S may only be S"


def import_list(document: Document) -> str | None:
    """What a parcel declaration must hold for itself."""
    head, mode = document.head, document.of("tradeMode")
    needed = ("emsNo", "areaCode") if mode == "1210" else ("trafNo", "voyageNo", "billNo")
    broken = [
        (mode not in ("9610", "1210"), "tradeMode 只能为 9610 或 1210"),
        (document.of("packNo") != "1", "packNo 应为 1 must be 1"),
        (document.of("currency") != "142", "currency 应为 142 must be 142"),
        (any(name not in head for name in needed), f"{mode} 需填 needs {', '.join(needed)}"),
        (number(document.of("netWeight")) > number(document.of("grossWeight")), "netWeight > grossWeight"),
        (
            document.of("assureCode") not in (document.of(one) for one in ("ebpCode", "ebcCode", "logisticsCode")),
            "assureCode 应为本清单的平台、电商或物流企业 must be platform, firm or carrier of this list",
        ),
        (
            any(("qty2" in line) != ("unit2" in line) for line in document.lines),
            "qty2 与 unit2 应同时填写 both or neither",
        ),
        (any(len(line.get("gcode", "")) != 10 for line in document.lines), "gcode 应为 10 位 must have 10 digits"),
    ]
    return next((text for wrong, text in broken if wrong), None) or totals(document)


def export_list(document: Document) -> str | None:
    mode = document.of("tradeMode")
    broken = [
        (mode not in ("9610", "1210", "9710", "9810"), "tradeMode 只能为 9610 1210 9710 9810"),
        (document.of("ieFlag") != "E", "ieFlag 应为 E must be E"),
        (number(document.of("netWeight")) > number(document.of("grossWeight")), "netWeight > grossWeight"),
        (mode == "1210" and "emsNo" not in document.head, "1210 需填 needs emsNo"),
    ]
    return next((text for wrong, text in broken if wrong), None) or totals(document)


def three_documents(order: Document, payment: Document, waybill: Document, listed: Document) -> str | None:
    """Order, payment, waybill and list tell the same story."""
    broken = [
        (not same(number(order.of("acturalPaid")), number(payment.of("amountPaid"))), "支付金额与订单不符 amount paid"),
        (order.of("buyerIdNumber") != payment.of("payerIdNumber"), "支付人与订购人不符 payer is not the buyer"),
        (order.of("buyerName") != payment.of("payerName"), "支付人姓名与订购人不符 payer's name"),
        (order.of("buyerIdNumber") != listed.of("buyerIdNumber"), "清单订购人与订单不符 buyer of the list"),
        (order.of("consignee") != waybill.of("consignee"), "收货人与运单不符 consignee"),
        (waybill.of("orderNo") not in ("", order.of("orderNo")), "运单的订单号不符 order number of the waybill"),
        (len(order.lines) != len(listed.lines), "清单与订单商品项数不符 number of lines"),
    ]
    return next((text for wrong, text in broken if wrong), None)
