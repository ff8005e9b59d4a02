"""Import: order, payment, waybill, parcel declaration, cancellation, return, warehouse entry."""

import re
from decimal import Decimal

from wms.customs.messages.business.common import Look
from wms.customs.messages.business.lines import (
    DECLARED,
    PRICED,
    commodity,
    line_sum,
    lines_once,
    numbering,
    plain,
    quantities,
)
from wms.customs.messages.codes import limit
from wms.customs.messages.values import number
from wms.errors import N_

SUM = N_("The lines sum up to %(due)s, goodsValue is %(found)s.")
PAID = N_("acturalPaid must be goodsValue + freight + taxTotal − discount = %(due)s; it is %(found)s.")
SINGLE = N_("%(found)s is above the limit of %(limit)s yuan for one purchase; only a single item may exceed it.")
SINGLE_PAID = N_("%(found)s is above the limit of %(limit)s yuan for one purchase.")
NEEDED = N_("Trade mode %(mode)s needs %(name)s.")
NOT_GIVEN = N_("Trade mode %(mode)s leaves %(name)s empty.")
DEPARTURE = N_("For 9610 the country of the head is that of departure, not China (142).")
ALWAYS_CHINA = N_("For 1210 the country of the head is China (142).")
GUARANTEE = N_("The guarantee must be the platform's, the e-commerce firm's or the carrier's of this declaration.")
CROSSES = N_("Transport mode %(found)s does not cross the border, as 9610 goods do.")
NET = N_("Net weight %(net)s is more than gross weight %(gross)s.")
OFFICE = N_("The number %(number)s is of customs office %(found)s, the document names %(needed)s.")
REASON = N_("The reason %(found)s is a code, not a reason.")
CONVEYANCE = N_("%(name)s %(found)s names no conveyance.")
_BORDER = frozenset("234569")


def order_sums(look: Look) -> None:
    """Rule 2, on the order."""
    goods, lines = look.amount("goodsValue"), line_sum(look)
    if goods is not None and lines is not None and abs(goods - lines) > look.tolerance:
        look.say("ORDER-SUM", "goodsValue", SUM, due=plain(lines), found=plain(goods))
    freight, tax, discount = (look.amount(name) or Decimal(0) for name in ("freight", "taxTotal", "discount"))
    paid = look.amount("acturalPaid")
    if goods is not None and paid is not None and abs(goods + freight + tax - discount - paid) > look.tolerance:
        look.say("ORDER-PAID", "acturalPaid", PAID, due=plain(goods + freight + tax - discount), found=plain(paid))


def order_limit(look: Look) -> None:
    """Rule 7: the single limit (−621005), with the exception of one item that cannot be divided."""
    most, goods = limit("single_limit_cny", look.on), look.amount("goodsValue")
    if most is None or goods is None or goods <= most:
        return
    if len(look.lines) == 1 and number(look.lines[0].get("qty")) == 1:
        return
    look.say("LIMIT-SINGLE", "goodsValue", SINGLE, found=plain(goods), limit=plain(most))


def payment_limit(look: Look) -> None:
    most, paid = limit("single_limit_cny", look.on), look.amount("amountPaid")
    if most is not None and paid is not None and paid > most:
        look.say("LIMIT-SINGLE", "amountPaid", SINGLE_PAID, found=plain(paid), limit=plain(most))


_NEEDED = {
    "9610": ("trafNo", "voyageNo", "billNo"),
    "1210": ("emsNo", "areaCode", "areaName"),
}
_EMPTY = {"9610": (), "1210": ("trafNo", "voyageNo", "billNo")}


def mode_fields(look: Look) -> None:
    """Rule 4: what each mode needs, and what it leaves empty."""
    mode = look.head.get("tradeMode", "")
    for name in _NEEDED.get(mode, ()):
        if not look.head.get(name):
            look.say("MODE-NEEDS", name, NEEDED, mode=mode, name=name)
    for name in _EMPTY.get(mode, ()):
        if look.head.get(name):
            look.say("MODE-EMPTY", name, NOT_GIVEN, mode=mode, name=name)
    if mode == "1210":
        for place, line in enumerate(look.lines, 1):
            if not line.get("itemRecordNo"):
                look.say_line("MODE-NEEDS", place, "itemRecordNo", NEEDED, mode=mode, name="itemRecordNo")


def mode_country(look: Look) -> None:
    mode, country = look.head.get("tradeMode"), look.head.get("country")
    if mode == "9610" and country == "142":
        look.say("MODE-COUNTRY", "country", DEPARTURE)
    if mode == "1210" and country and country != "142":
        look.say("MODE-COUNTRY", "country", ALWAYS_CHINA)
    traffic = look.head.get("trafMode", "")
    if mode == "9610" and traffic and traffic not in _BORDER:
        look.say("CODE-CONVEYANCE", "trafMode", CROSSES, found=traffic)


def guarantee(look: Look) -> None:
    """Rule 5: assureCode is one of the three enterprises of the same declaration."""
    code = look.head.get("assureCode")
    if code and code not in {look.head.get(name) for name in ("ebpCode", "ebcCode", "logisticsCode")}:
        look.say("GUARANTEE", "assureCode", GUARANTEE)


def weights(look: Look) -> None:
    """Rule 6: netWeight ≤ grossWeight."""
    net, gross = look.amount("netWeight"), look.amount("grossWeight")
    if net is not None and gross is not None and net > gross:
        look.say("WEIGHT-NET", "netWeight", NET, net=plain(net), gross=plain(gross))


def number_office(look: Look) -> None:
    """A list number begins with the office that issued it."""
    said, office = look.head.get("invtNo", ""), look.head.get("customsCode", "")
    if len(said) >= 17 and said[:4].isdecimal() and office and said[:4] != office:
        look.say("NUMBER-OFFICE", "invtNo", OFFICE, number=said, found=said[:4], needed=office)


def reason(look: Look) -> None:
    said = look.head.get("reason", "")
    codes = {value for name, value in look.head.items() if name.endswith("Code")}
    if said and (said in codes or re.fullmatch(r"[0-9A-Z]{9,18}", said)):
        look.say("REASON", "reason", REASON, found=said)


def conveyance(look: Look) -> None:
    for name in ("trafNo", "voyageNo"):
        said = look.head.get(name, "")
        if said and not said.strip("0 -"):
            look.say("CONVEYANCE", name, CONVEYANCE, name=name, found=said)


ORDER = (*PRICED, order_sums, order_limit)
PAYMENT = (payment_limit,)
WAYBILL = ()
DECLARATION = (*DECLARED, mode_fields, mode_country, guarantee, weights)
CANCELLATION = (number_office, reason)
RETURN = (lines_once, quantities, commodity, number_office, reason)
ENTRY = (numbering, conveyance)
