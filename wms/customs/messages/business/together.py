"""What only shows when several messages are looked at together: orders, and the payments and waybills for them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from wms.customs.messages.business.lines import plain
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Message, head_of
from wms.customs.messages.values import number
from wms.errors import N_

NO_ORDER = N_("There is no order %(found)s among the messages given.")
AMOUNT = N_("%(name)s is %(found)s; order %(order)s comes to %(due)s.")
OTHER = N_("%(name)s differs from that of order %(order)s.")
ORDER_TYPES = ("CEB311", "CEB303")
_CONSIGNEE = ("consignee", "consigneeTelephone", "consigneeAddress")


@dataclass
class Orders:
    """The orders of the messages given: what each comes to, and to whom it goes."""

    amounts: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    consignees: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, message: Message) -> None:
        for document in message.documents:
            head = head_of(message, document)
            order_no = head.get("orderNo", "")
            if message.type == "CEB311":
                due = number(head.get("acturalPaid"))
                self.consignees[order_no] = tuple(head.get(name, "") for name in _CONSIGNEE)
            else:
                goods, freight = number(head.get("goodsValue")), number(head.get("freight"))
                due = None if goods is None else goods + (freight or Decimal(0))
            if due is not None:
                self.amounts.setdefault(message.type, {})[order_no] = due


def collect(messages: Iterable[Message]) -> Orders:
    """Return the orders among some messages."""
    orders = Orders()
    for message in messages:
        if message.type in ORDER_TYPES:
            orders.add(message)
    return orders


def against(orders: Orders, message: Message) -> list[Finding]:
    """Find payments of other amounts, waybills to other people, and both without their order (rule 3)."""
    if message.type == "CEB411":
        return _amounts(orders, message, "CEB311", "amountPaid")
    if message.type == "CEB403":
        return _amounts(orders, message, "CEB303", "charge")
    if message.type == "CEB511":
        return _consignees(orders, message)
    return []


def _amounts(orders: Orders, message: Message, orders_of: str, name: str) -> list[Finding]:
    known = orders.amounts.get(orders_of)
    found = []
    for place, document in enumerate(message.documents if known else (), 1):
        head = head_of(message, document)
        order_no, paid = head.get("orderNo", ""), number(head.get(name))
        due = known.get(order_no) if known else None
        where = _where(message, place)
        if due is None:
            found.append(Finding("ORDER-UNKNOWN", f"{where}/orderNo", NO_ORDER, {"found": order_no}))
        elif paid is not None and paid != due:
            values = {"name": name, "found": plain(paid), "order": order_no, "due": plain(due)}
            found.append(Finding("ORDER-AMOUNT", f"{where}/{name}", AMOUNT, values))
    return found


def _consignees(orders: Orders, message: Message) -> list[Finding]:
    found = []
    for place, document in enumerate(message.documents if orders.consignees else (), 1):
        head = head_of(message, document)
        order_no = head.get("orderNo", "")
        known = orders.consignees.get(order_no)
        where = _where(message, place)
        if known is None:
            found.append(Finding("ORDER-UNKNOWN", f"{where}/orderNo", NO_ORDER, {"found": order_no}))
            continue
        for name, due in zip(_CONSIGNEE, known, strict=True):
            if head.get(name, "") != due:
                values = {"name": name, "order": order_no}
                found.append(Finding("ORDER-CONSIGNEE", f"{where}/{name}", OTHER, values))
    return found


def _where(message: Message, place: int) -> str:
    return {
        "CEB411": f"Payment[{place}]/PaymentHead",
        "CEB403": f"Receipts[{place}]",
        "CEB511": f"Logistics[{place}]/LogisticsHead",
    }[message.type]
