"""One sale and the three documents of it, under the field names of CEB311, CEB411 and CEB511.

A sale follows a story, which says what is wrong with its documents and who declares it.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from uuid import uuid4

from web.demo.shops.config import Goods, ShopsFile

BEIJING = timezone(timedelta(hours=8))
CENT, LEVIED = Decimal("0.01"), Decimal("0.7")
SINGLE_LIMIT = Decimal(4_900)  # a little below the limit of one purchase
MARK = "SIMULATED 模拟数据，非真实交易"
SURNAMES, NAMES = "云湖洲鹿岳楼桥舟", ("演示", "试用", "虚构", "样例")
WEIGHTS, CHECK = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"

# Stories. The declarant's program declares those of DECLARED by itself, the others wait for a person.
PLAIN, LATE, BACK, CANCELLED, MUCH = "plain", "late_waybill", "comes_back", "cancelled", "buys_much"
BY_HAND, UNPAID, PAID_LESS, OTHER_PAYER, OTHER_PLACE, TOO_MUCH = (
    "by_hand", "not_paid", "paid_less", "other_payer", "other_address", "above_single_limit",
)  # fmt: skip
DECLARED = frozenset({PLAIN, LATE, BACK, CANCELLED, MUCH})
OPENING = (
    PLAIN, BACK, BY_HAND, PAID_LESS, PLAIN, OTHER_PAYER, MUCH, MUCH, LATE, BY_HAND, OTHER_PLACE, MUCH, PLAIN, UNPAID,
    MUCH, BACK, MUCH, BY_HAND, CANCELLED, TOO_MUCH, MUCH, PLAIN, PLAIN, BY_HAND,
)  # fmt: skip
AFTERWARDS = (PLAIN, PLAIN, PLAIN, BY_HAND, LATE, PLAIN, BACK, PAID_LESS, PLAIN, BY_HAND, OTHER_PLACE, PLAIN)


@dataclass(frozen=True)
class Buyer:
    """Nobody: a name that says so, an identity number of 1880, a telephone number that is not given out."""

    name: str
    id_number: str
    phone: str
    address: str


def buyer(number: int) -> Buyer:
    """The invented buyer with that number."""
    born = datetime(1880, 1, 1, tzinfo=BEIJING) + timedelta(days=number % 365)
    body = f"430600{born:%Y%m%d}{number % 1000:03d}"
    check = CHECK[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]
    name = SURNAMES[number % len(SURNAMES)] + NAMES[number // len(SURNAMES) % len(NAMES)]
    return Buyer(name, body + check, f"120{number:08d}", f"湖南省岳阳市演示路{number % 200 + 1}号（虚构地址）")


@dataclass(frozen=True)
class Sale:
    """A sale by its number; ``lines`` are goods with their quantity."""

    number: str
    story: str
    buyer: Buyer
    lines: tuple[tuple[Goods, int], ...]
    at: datetime

    @property
    def value(self) -> Decimal:
        return sum((goods.price * qty for goods, qty in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((tax_of(goods, qty) for goods, qty in self.lines), Decimal(0))


def tax_of(goods: Goods, qty: int) -> Decimal:
    """What a line is taxed within the limits: 70 % of consumption tax and VAT, each rounded to a cent."""
    whole = goods.price * qty / (1 - goods.consumption)
    parts = (whole * goods.consumption, whole * goods.vat)
    return sum(((part * LEVIED).quantize(CENT, ROUND_HALF_UP) for part in parts), Decimal(0))


def draw(file: ShopsFile, story: str, number: int, order_no: str, at: datetime) -> Sale:
    """The sale with that running number; the same number and story give the same goods and buyer."""
    rng = random.Random(f"dongting-shops-{file.seed}-{number}-{story}")  # noqa: S311 - synthetic data, no secret
    if story in (MUCH, TOO_MUCH):
        dear = max((one for one in file.goods if not one.consumption), key=lambda one: one.price)
        qty = int(SINGLE_LIMIT // dear.price)
        return Sale(order_no, story, buyer(0 if story == MUCH else number), ((dear, qty + (story == TOO_MUCH)),), at)
    chosen = rng.sample(file.goods, rng.choice((1, 1, 2)))
    lines = tuple((goods, 1 if goods.price > 200 else rng.randint(1, 3)) for goods in chosen)
    return Sale(order_no, story, buyer(rng.randrange(1, 400)), lines, at)


def _head(at: datetime) -> dict[str, str]:
    return {"guid": str(uuid4()).upper(), "appType": "1", "appTime": f"{at.astimezone(BEIJING):%Y%m%d%H%M%S}",
            "appStatus": "2"}  # fmt: skip


def order(sale: Sale, file: ShopsFile) -> tuple[Mapping[str, str], Sequence[Mapping[str, str]]]:
    """The order: its head and its lines."""
    head = _head(sale.at) | {
        "orderType": "I", "orderNo": sale.number, "ebpCode": file.platform.code, "ebpName": file.platform.name,
        "ebcCode": file.platform.code, "ebcName": file.platform.name, "goodsValue": f"{sale.value}", "freight": "0",
        "discount": "0", "taxTotal": f"{sale.tax}", "acturalPaid": f"{sale.value + sale.tax}", "currency": "142",
        "buyerRegNo": sale.buyer.id_number[-6:], "buyerName": sale.buyer.name, "buyerTelephone": sale.buyer.phone,
        "buyerIdType": "1", "buyerIdNumber": sale.buyer.id_number, "consignee": sale.buyer.name,
        "consigneeTelephone": sale.buyer.phone, "consigneeAddress": sale.buyer.address, "note": MARK,
    }  # fmt: skip
    lines = [
        {"gnum": str(n), "itemNo": goods.item, "itemName": goods.name, "gmodel": goods.model, "unit": goods.unit,
         "qty": str(qty), "price": f"{goods.price}", "totalPrice": f"{goods.price * qty}", "currency": "142",
         "country": goods.country}
        for n, (goods, qty) in enumerate(sale.lines, 1)
    ]  # fmt: skip
    return head, lines


def payment(sale: Sale, file: ShopsFile) -> Mapping[str, str]:
    """The payment; less than due or by somebody else where the story says so."""
    payer = buyer(int(sale.buyer.phone[3:]) + 1) if sale.story == OTHER_PAYER else sale.buyer
    paid = sale.value + sale.tax - (Decimal("5.00") if sale.story == PAID_LESS else 0)
    return _head(sale.at) | {
        "payCode": file.payer.code, "payName": file.payer.name, "payTransactionId": f"P{sale.number}",
        "orderNo": sale.number, "ebpCode": file.platform.code, "ebpName": file.platform.name, "payerIdType": "1",
        "payerIdNumber": payer.id_number, "payerName": payer.name, "amountPaid": f"{paid}", "currency": "142",
        "payTime": f"{sale.at.astimezone(BEIJING):%Y%m%d%H%M%S}", "note": MARK,
    }  # fmt: skip


def waybill(sale: Sale, file: ShopsFile) -> Mapping[str, str]:
    """The waybill; to another address where the story says so."""
    address = sale.buyer.address
    if sale.story == OTHER_PLACE:
        address = buyer(int(sale.buyer.phone[3:]) + 7).address
    grams = sum(goods.weight_g * qty for goods, qty in sale.lines) + 120  # the box
    return _head(sale.at) | {
        "logisticsCode": file.carrier.code, "logisticsName": file.carrier.name, "logisticsNo": f"W{sale.number}",
        "orderNo": sale.number, "freight": "0", "insuredFee": "0", "currency": "142",
        "weight": f"{Decimal(grams) / 1000:.3f}", "packNo": "1", "goodsInfo": sale.lines[0][0].name[:60],
        "consignee": sale.buyer.name, "consigneeAddress": address, "consigneeTelephone": sale.buyer.phone, "note": MARK,
    }  # fmt: skip
