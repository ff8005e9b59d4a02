"""Do order, payment and waybill agree (三单比对)? Every mismatch is named by field, both values and rule.

Personal values are compared by their blind indexes and shown masked (customs reference, 2.5, rules 1 to 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wms.errors import N_

ORDER_NUMBER = N_("the order number is the same in all three documents")
AMOUNT = N_("what was paid is what the order says is to be paid")
CURRENCY = N_("order and payment are in one currency")
PAYER = N_("the payer is the buyer")
CONSIGNEE = N_("order and waybill name the same consignee, phone and address")


@dataclass(frozen=True)
class Value:
    """A value as it is compared and as it may be shown."""

    compared: Any
    shown: str


@dataclass(frozen=True)
class Mismatch:
    """A field in which two documents differ: their values as they may be shown, and the rule in words."""

    field: str
    documents: str
    one: str
    other: str
    rule: str

    def as_json(self) -> dict[str, str]:
        """Plain values to be kept."""
        return vars(self)


@dataclass(frozen=True)
class OrderSide:
    """What of an order is compared; an export order has no people."""

    order_no: Value
    paid: Decimal
    currency: str
    buyer: tuple[tuple[str, Value], ...] = ()
    consignee: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class OtherSide:
    """What of a payment or a waybill is compared; ``people`` by the order's field names."""

    order_no: Value | None
    people: tuple[tuple[str, Value], ...] = ()
    amount: Decimal | None = None
    currency: str | None = None


def compare(order: OrderSide, payment: OtherSide | None, waybill: OtherSide | None) -> list[Mismatch]:
    """Return every mismatch of an order with the documents that are there."""
    found: list[Mismatch] = []
    if payment is not None:
        found += _numbers(order, payment, "order/payment")
        if payment.amount is not None and payment.amount != order.paid:
            found.append(Mismatch("amountPaid", "order/payment", f"{order.paid:f}", f"{payment.amount:f}", AMOUNT))
        if payment.currency is not None and payment.currency != order.currency:
            found.append(Mismatch("currency", "order/payment", order.currency, payment.currency, CURRENCY))
        found += _people(order.buyer, payment.people, "order/payment", PAYER)
    if waybill is not None:
        found += _numbers(order, waybill, "order/waybill")
        found += _people(order.consignee, waybill.people, "order/waybill", CONSIGNEE)
    return found


def _numbers(order: OrderSide, other: OtherSide, documents: str) -> list[Mismatch]:
    if other.order_no is None or other.order_no.compared == order.order_no.compared:
        return []
    return [Mismatch("orderNo", documents, order.order_no.shown, other.order_no.shown, ORDER_NUMBER)]


def _people(
    ours: Sequence[tuple[str, Value]], theirs: Sequence[tuple[str, Value]], documents: str, rule: str
) -> list[Mismatch]:
    by_name = dict(theirs)
    return [
        Mismatch(name, documents, value.shown, by_name[name].shown, rule)
        for name, value in ours
        if name in by_name and by_name[name].compared != value.compared
    ]


def state_of(mismatches: Sequence[Mismatch], *, is_whole: bool) -> str:
    """``differs`` as soon as anything does, ``agrees`` when all documents are there, else ``waiting``."""
    if mismatches:
        return "differs"
    return "agrees" if is_whole else "waiting"
