"""Rules that lines of orders and declarations share: totals, numbering, second quantity, commodity codes."""

from decimal import Decimal

from wms.codes.hs import is_hs_of
from wms.customs.messages.business.common import Look
from wms.customs.messages.values import number
from wms.errors import N_

TOTAL = N_("Line %(line)s: %(price)s × %(qty)s is %(due)s, not %(found)s.")
NUMBERING = N_("Line numbers must run from 1 without gap or repetition; line %(line)s has %(found)s.")
TWICE = N_("A return names each line of the original list once; line %(line)s has %(found)s again.")
SECOND = N_("qty2 and unit2 stand both or not at all.")
SAME_UNIT = N_("%(one)s and %(other)s count in the same unit %(unit)s, but differ: %(first)s and %(second)s.")
HEADING = N_("%(found)s is no commodity code of ten digits under a heading that exists.")
NAMES = N_("One commodity code %(code)s for goods of quite different names: %(names)s.")
POSITIVE = N_("%(name)s must be more than 0.")


def totals(look: Look) -> None:
    """Rule 2: totalPrice = price × qty, to the tolerance."""
    for place, line in enumerate(look.lines, 1):
        price, qty, total = (number(line.get(name)) for name in ("price", "qty", "totalPrice"))
        if price is None or qty is None or total is None:
            continue
        due = price * qty
        if abs(due - total) > look.tolerance:
            values = {"line": place, "price": _plain(price), "qty": _plain(qty), "due": _plain(due)}
            look.say_line("LINE-TOTAL", place, "totalPrice", TOTAL, **values, found=_plain(total))


def quantities(look: Look) -> None:
    for place, line in enumerate(look.lines, 1):
        for name in ("qty", "qty1"):
            value = number(line.get(name))
            if value is not None and value <= 0:
                look.say_line("LINE-QTY", place, name, POSITIVE, name=name)


def numbering(look: Look) -> None:
    """Rule 6: from 1, continuous, none twice (−301002, −621027)."""
    for place, line in enumerate(look.lines, 1):
        said = line.get("gnum")
        if said and said.strip().lstrip("+0") != str(place):
            look.say_line("LINE-NUMBER", place, "gnum", NUMBERING, line=place, found=said)
            return


def lines_once(look: Look) -> None:
    """Lines of a return bear the numbers of the original list (−625209): any of them, none twice."""
    seen: set[str] = set()
    for place, line in enumerate(look.lines, 1):
        said = (line.get("gnum") or "").strip().lstrip("+0")
        if said in seen:
            look.say_line("LINE-NUMBER", place, "gnum", TWICE, line=place, found=said)
            return
        seen.add(said)


def second_quantity(look: Look) -> None:
    """Rule 6: qty2 and unit2 both or neither (−625009)."""
    for place, line in enumerate(look.lines, 1):
        if bool(line.get("qty2")) != bool(line.get("unit2")):
            look.say_line("LINE-SECOND", place, "qty2", SECOND)


def same_unit(look: Look) -> None:
    """Quantities in one unit are one quantity."""
    for place, line in enumerate(look.lines, 1):
        for one, other in (("", "1"), ("", "2"), ("1", "2")):
            unit = line.get(f"unit{one}")
            if not unit or unit != line.get(f"unit{other}"):
                continue
            first, second = number(line.get(f"qty{one}")), number(line.get(f"qty{other}"))
            if first is not None and second is not None and first != second:
                values = {"one": f"qty{one}", "other": f"qty{other}", "unit": unit}
                values |= {"first": _plain(first), "second": _plain(second)}
                look.say_line("LINE-SAME-UNIT", place, f"qty{other}", SAME_UNIT, **values)


def commodity(look: Look) -> None:
    """Rule 6: ten digits, under a heading of the Harmonized System."""
    for place, line in enumerate(look.lines, 1):
        code = line.get("gcode")
        if code and not is_hs_of(code, look.on):
            look.say_line("LINE-GCODE", place, "gcode", HEADING, found=code)


def one_code_many_goods(look: Look) -> None:
    """A hint: names that share no sign hardly belong under one commodity code."""
    by_code: dict[str, str] = {}
    for place, line in enumerate(look.lines, 1):
        code, name = line.get("gcode", ""), line.get("gname", "")
        known = by_code.setdefault(code, name)
        if code and name and known and not set(name) & set(known):
            look.say_line("LINE-GCODE-NAMES", place, "gcode", NAMES, code=code, names=f"{known}, {name}")


def line_sum(look: Look) -> Decimal | None:
    """Return Σ totalPrice, None where a line has none."""
    found = [number(line.get("totalPrice")) for line in look.lines]
    return sum((one for one in found if one is not None), Decimal(0)) if found and None not in found else None


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


plain = _plain
PRICED = (totals, quantities, numbering)
DECLARED = (*PRICED, second_quantity, same_unit, commodity, one_code_many_goods)
