"""The three documents of a parcel (三单) as customs means them: field names and limits of CEB311/303, 411/403, 511/505.

A document is read from a mapping of texts under the message's own field names, so that a message, a form and the API
say the same. Each mistake is named by field and rule before anything is stored (customs reference, 2.3 and 2.5).
"""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from wms.customs.clock import BEIJING
from wms.errors import N_, Kind, WmsError

NUMBER = re.compile(r"-?\d{1,14}(\.\d{1,5})?", re.ASCII)
GUID = re.compile(r"[0-9A-Z-]{36}", re.ASCII)
CNY, ID_CARD = "142", "1"
MOST_LINES = {"I": 99, "E": 100}
TYPES_OF_ORDER = {"I": ("I",), "E": ("E", "B", "W")}
ADD, CHANGE, DELETE = "1", "2", "3"


class BadDocument(WmsError):
    """A field breaks a rule of the message."""

    code = "bad_retail_document"
    kind = Kind.INVALID
    text = N_("%(name)s: %(rule)s (given: %(given)s).")


def is_free_again(head: "Head", used_at: datetime, months: int | None) -> bool:
    """Whether a document that adds a number may take one that was used at ``used_at``; ``months`` None: never."""
    return months is not None and head.app_type == ADD and head.app_at >= months_later(used_at, months)


def months_later(at: datetime, months: int) -> datetime:
    """The same day and time of Beijing so many months later; of a shorter month its last day."""
    local = at.astimezone(BEIJING)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


@dataclass(frozen=True)
class Consignee:
    """Who receives a parcel."""

    name: str
    phone: str
    address: str


@dataclass(frozen=True)
class Person:
    """A buyer or payer with their identity number."""

    id_number: str
    name: str
    phone: str = ""


@dataclass(frozen=True)
class OrderGoods:
    """A line of an order."""

    line_no: int
    item_no: str
    item_name: str
    model: str
    unit: str
    qty: Decimal
    price: Decimal
    total_price: Decimal
    country: str
    bar_code: str


@dataclass(frozen=True)
class Head:
    """What every document begins with."""

    guid: str
    app_type: str
    app_at: datetime


@dataclass(frozen=True)
class Order:
    """CEB311 (``direction`` I) or CEB303 (E); amounts in ``currency``. An export order names no person."""

    head: Head
    direction: str
    order_type: str
    order_no: str
    ebp_code: str
    ebp_name: str
    ebc_code: str
    ebc_name: str
    goods_value: Decimal
    freight: Decimal
    discount: Decimal
    tax_total: Decimal
    paid: Decimal
    currency: str
    buyer: Person | None
    consignee: Consignee | None
    lines: tuple[OrderGoods, ...]

    @property
    def number(self) -> str:
        """Platform and order number: what makes an order one of its kind."""
        return f"{self.ebp_code}|{self.order_no}"


@dataclass(frozen=True)
class Payment:
    """CEB411 or CEB403 (no payer)."""

    head: Head
    direction: str
    pay_code: str
    pay_name: str
    transaction_no: str
    order_no: str
    ebp_code: str
    payer: Person | None
    amount: Decimal
    currency: str

    @property
    def number(self) -> str:
        """Payment firm and transaction."""
        return f"{self.pay_code}|{self.transaction_no}"


@dataclass(frozen=True)
class Waybill:
    """CEB511 or CEB505 (no order, no consignee). Weight in kg."""

    head: Head
    direction: str
    logistics_code: str
    logistics_name: str
    waybill_no: str
    order_no: str | None
    freight: Decimal
    insured_fee: Decimal
    currency: str
    weight: Decimal
    pack_count: int
    consignee: Consignee | None

    @property
    def number(self) -> str:
        """Carrier and waybill number."""
        return f"{self.logistics_code}|{self.waybill_no}"


@dataclass(frozen=True)
class _Fields:
    """Texts of one node, read field by field; ``where`` goes before the field's name in a refusal."""

    given: Mapping[str, Any]
    where: str = ""

    def bad(self, name: str, rule: str, *, hide: bool = False) -> BadDocument:
        """A refusal of one field; what is personal is not repeated in it."""
        value = self.given.get(name)
        shown = "***" if hide and value else "-" if value in (None, "") else str(value)[:60]
        return BadDocument(field=self.where + name, name=self.where + name, rule=rule, given=shown)

    def text(self, name: str, most: int, *, least: int = 1, hide: bool = False) -> str:
        value = str(self.given.get(name) or "").strip()
        if len(value) < least:
            raise self.bad(name, N_("must not be empty"), hide=hide)
        if len(value) > most:
            raise self.bad(name, N_("is too long"), hide=hide)
        return value

    def amount(self, name: str, *, default: str | None = None) -> Decimal:
        value = str(self.given.get(name) if self.given.get(name) not in (None, "") else default or "").strip()
        if not NUMBER.fullmatch(value):
            raise self.bad(name, N_("must be a number of at most 14 digits before and 5 after the point"))
        try:
            found = Decimal(value)
        except InvalidOperation as broken:  # pragma: no cover - the pattern holds
            raise self.bad(name, N_("must be a number")) from broken
        if found < 0:
            raise self.bad(name, N_("must not be negative"))
        return found

    def one_of(self, name: str, values: Sequence[str]) -> str:
        value = str(self.given.get(name) or "").strip()
        if value not in values:
            raise self.bad(name, N_("is not one of the values allowed"))
        return value

    def at(self, name: str) -> datetime:
        value = str(self.given.get(name) or "").strip()
        try:
            return datetime.strptime(value, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING).astimezone(UTC)
        except ValueError:
            raise self.bad(name, N_("must be a time like 20260601123000")) from None


def read_order(direction: str, head: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Order:
    """Read an order. Raises BadDocument."""
    fields = _Fields(head)
    is_import = direction == "I"
    goods = tuple(_goods(fields, n, line, is_import) for n, line in enumerate(lines, 1))
    if not goods or len(goods) > MOST_LINES[direction]:
        raise BadDocument(field="lines", name="OrderList", rule=N_("needs at least one and at most 99 or 100 lines"),
                          given=len(goods))  # fmt: skip
    currency = fields.text("currency", 3, least=3)
    if is_import and currency != CNY:
        raise fields.bad("currency", N_("must be 142 (yuan) for imports"))
    goods_value, freight = fields.amount("goodsValue"), fields.amount("freight")
    discount, tax = fields.amount("discount", default="0"), fields.amount("taxTotal", default="0")
    computed = goods_value + freight + tax - discount
    paid = fields.amount("acturalPaid") if is_import else computed
    _check_sums(fields, goods, goods_value, paid, computed)
    buyer = None
    if is_import:
        fields.one_of("buyerIdType", (ID_CARD,))
        buyer = Person(fields.text("buyerIdNumber", 60, hide=True), fields.text("buyerName", 60, hide=True),
                       fields.text("buyerTelephone", 30, hide=True))  # fmt: skip
    return Order(
        _head(fields), direction, fields.one_of("orderType", TYPES_OF_ORDER[direction]), fields.text("orderNo", 60),
        fields.text("ebpCode", 18), fields.text("ebpName", 100), fields.text("ebcCode", 18),
        fields.text("ebcName", 100), goods_value, freight, discount, tax, paid, currency, buyer,
        _consignee(fields) if is_import else None, goods,
    )  # fmt: skip


def _check_sums(
    fields: _Fields, goods: Sequence[OrderGoods], goods_value: Decimal, paid: Decimal, computed: Decimal
) -> None:
    if sum((line.total_price for line in goods), Decimal(0)) != goods_value:
        raise fields.bad("goodsValue", N_("must be the sum of the lines' totalPrice"))
    if paid != computed:
        raise fields.bad("acturalPaid", N_("must be goodsValue + freight + taxTotal - discount"))


def _goods(fields: _Fields, line_no: int, line: Mapping[str, Any], is_import: bool) -> OrderGoods:
    own = _Fields(line, f"OrderList[{line_no}].")
    if str(line.get("gnum", "")) != str(line_no):
        raise own.bad("gnum", N_("line numbers run from 1 without gap or repetition"))
    qty, price, total = own.amount("qty"), own.amount("price"), own.amount("totalPrice")
    if qty == 0:
        raise own.bad("qty", N_("must be above 0"))
    if price * qty != total:
        raise own.bad("totalPrice", N_("must be price times qty"))
    if str(line.get("currency", fields.given.get("currency"))) != str(fields.given.get("currency")):
        raise own.bad("currency", N_("must be that of the head"))
    return OrderGoods(
        line_no, own.text("itemNo", 30, least=0), own.text("itemName", 250),
        own.text("gmodel", 510, least=int(is_import)), own.text("unit", 3, least=3), qty, price, total,
        own.text("country", 3, least=3 if is_import else 0), own.text("barCode", 50, least=0),
    )  # fmt: skip


def read_payment(direction: str, head: Mapping[str, Any]) -> Payment:
    """Read a payment. Raises BadDocument."""
    fields = _Fields(head)
    is_import = direction == "I"
    currency = fields.text("currency", 3, least=3)
    payer = None
    if is_import:
        if currency != CNY:
            raise fields.bad("currency", N_("must be 142 (yuan) for imports"))
        fields.one_of("payerIdType", (ID_CARD,))
        payer = Person(fields.text("payerIdNumber", 60, hide=True), fields.text("payerName", 60, hide=True))
    return Payment(
        _head(fields), direction, fields.text("payCode", 18, least=int(is_import)), fields.text("payName", 100),
        fields.text("payTransactionId" if is_import else "payNo", 60), fields.text("orderNo", 60),
        fields.text("ebpCode", 18), payer, fields.amount("amountPaid" if is_import else "charge"), currency,
    )  # fmt: skip


def read_waybill(direction: str, head: Mapping[str, Any]) -> Waybill:
    """Read a waybill. Raises BadDocument."""
    fields = _Fields(head)
    is_import = direction == "I"
    packs = str(head.get("packNo") or "")
    if not re.fullmatch(r"[1-9]\d{0,8}", packs, re.ASCII) or (is_import and packs != "1"):
        raise fields.bad("packNo", N_("must be 1 for imports, else a whole number above 0"))
    weight_name = "weight" if is_import else "grossWeight"
    weight = fields.amount(weight_name)
    if weight == 0:
        raise fields.bad(weight_name, N_("must be above 0"))
    return Waybill(
        _head(fields), direction, fields.text("logisticsCode", 18), fields.text("logisticsName", 100),
        fields.text("logisticsNo", 60 if is_import else 32), fields.text("orderNo", 60) if is_import else None,
        fields.amount("freight", default="0"), fields.amount("insuredFee", default="0"),
        fields.text("currency", 3, least=3), weight, int(packs), _consignee(fields) if is_import else None,
    )  # fmt: skip


def _head(fields: _Fields) -> Head:
    guid = fields.text("guid", 36, least=36)
    if not GUID.fullmatch(guid):
        raise fields.bad("guid", N_("must be 36 upper-case letters, digits and dashes"))
    return Head(guid, fields.one_of("appType", (ADD, CHANGE, DELETE)), fields.at("appTime"))


def _consignee(fields: _Fields) -> Consignee:
    return Consignee(fields.text("consignee", 100, hide=True), fields.text("consigneeTelephone", 50, hide=True),
                     fields.text("consigneeAddress", 200, hide=True))  # fmt: skip
