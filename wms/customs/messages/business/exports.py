"""Export: order, waybill, arrival, declaration, master list, departure, return, summary."""

from wms.customs.messages.business.common import Look
from wms.customs.messages.business.imports import weights
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
from wms.customs.messages.business.lines import second_quantity as both_or_neither
from wms.errors import N_

SUM = N_("The lines sum up to %(due)s, goodsValue is %(found)s.")
MODE_MISSING = N_("A return names its trade mode (9661 or 1261), though the schema lets it out.")
FROM_ABROAD = N_("A return comes from abroad: the country of the head may not be China (142).")
NEEDED = N_("Trade mode %(mode)s needs %(name)s.")
CROSSES = N_("Transport mode %(found)s does not cross the border.")
WORDS = N_("%(name)s %(found)s is a word for a way of transport, not a name or number.")
NAMELESS = N_("voyageNo is given, but trafName is empty.")
PARTS = N_("msgSeqNo %(found)s must lie between 1 and msgCount %(count)s.")
PAIR = N_("startTime and endTime stand both or not at all.")
BACKWARDS = N_("endTime lies before startTime.")
UNNAMED = N_("Without a range of time the application names at least one list.")
_BORDER = frozenset("234569")
_MODE_WORDS = frozenset(["航空", "空运", "飞机", "海运", "水运", "铁路", "公路", "邮件", "AIR", "SEA", "RAIL", "ROAD"])


def order_sum(look: Look) -> None:
    goods, lines = look.amount("goodsValue"), line_sum(look)
    if goods is not None and lines is not None and abs(goods - lines) > look.tolerance:
        look.say("ORDER-SUM", "goodsValue", SUM, due=plain(lines), found=plain(goods))


def return_mode(look: Look) -> None:
    """Rule 13 (GAC 2020-44): 9661 or 1261, from abroad."""
    if not look.head.get("tradeMode"):
        look.say("MODE-MISSING", "tradeMode", MODE_MISSING)
    if look.head.get("country") == "142":
        look.say("MODE-COUNTRY", "country", FROM_ABROAD)


def zone_fields(look: Look) -> None:
    """Rule 12: goods that leave a special zone name its account book, its firm and the record of each item."""
    mode = look.head.get("tradeMode", "")
    if mode != "1210":
        return
    for name in ("emsNo", "iacCode", "iacName"):
        if not look.head.get(name):
            look.say("MODE-NEEDS", name, NEEDED, mode=mode, name=name)
    for place, line in enumerate(look.lines, 1):
        if not line.get("itemRecordNo"):
            look.say_line("MODE-NEEDS", place, "itemRecordNo", NEEDED, mode=mode, name="itemRecordNo")


def crosses(look: Look) -> None:
    said = look.head.get("trafMode", "").strip()
    if said and said not in _BORDER and look.head.get("tradeMode") != "1210":
        look.say("CODE-CONVEYANCE", "trafMode", CROSSES, found=said)


def conveyance(look: Look) -> None:
    for name in ("trafName", "voyageNo"):
        said = look.head.get(name, "").strip()
        if said.upper() in _MODE_WORDS and look.kind.type != "CEB213":
            look.say("CONVEYANCE", name, WORDS, name=name, found=said)
    if look.head.get("voyageNo") and "trafName" in look.head and not look.head["trafName"]:
        look.say("CONVEYANCE", "trafName", NAMELESS)


def parts(look: Look) -> None:
    """Split messages: msgSeqNo from 1 to msgCount."""
    count, place = look.amount("msgCount"), look.amount("msgSeqNo")
    if count is not None and place is not None and not 1 <= place <= count:
        look.say("PARTS", "msgSeqNo", PARTS, found=plain(place), count=plain(count))


def range_of_time(look: Look) -> None:
    """701: both ends or none; with a range the list of numbers is passed over."""
    start, end = look.head.get("startTime"), look.head.get("endTime")
    if bool(start) != bool(end):
        look.say("RANGE", "startTime", PAIR)
    elif start and end and end < start:
        look.say("RANGE", "endTime", BACKWARDS)
    elif not start and not look.lines:
        look.say("RANGE", "startTime", UNNAMED)


ORDER = (*PRICED, order_sum)
WAYBILL = ()
ARRIVAL = (numbering, parts)
DEPARTURE = (numbering, parts, conveyance)
DECLARATION = (*DECLARED, zone_fields, crosses, weights)
MASTER = (numbering, parts, conveyance)
RETURN = (lines_once, quantities, commodity, both_or_neither, return_mode)
SUMMARY = (parts, range_of_time)
RESULT = (parts, weights)
