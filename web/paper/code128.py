"""Code 128 as ZPL field data (^BC, mode N): every code set is chosen here, so that the bars are known to the last one.

In ``^BC`` a ``>`` begins a command: ``>:`` and ``>;`` start in set B and C, ``>6`` and ``>5`` change to them, ``>8`` is
FNC1, ``>0`` a ``>`` itself.
"""

from web.symbols import SymbolKind, Unprintable

START_B, START_C, TO_B, TO_C, FNC1 = ">:", ">;", ">6", ">5", ">8"
ESCAPED = {">": ">0", "^": "><", "~": ">="}
GS = "\x1d"


def field_data(data: str, *, is_gs1: bool) -> str:
    """Return ZPL field data for ``data`` (printable ASCII; GS separates GS1 elements), set C wherever it saves bars."""
    if not data or not all(" " <= sign <= "~" or sign == GS for sign in data):
        raise Unprintable(data=data[:60], symbol=SymbolKind.CODE128.value, reason="printable ASCII only")
    in_c = _digits(data, 0) >= (2 if is_gs1 else 4)
    parts = [START_C if in_c else START_B]
    if is_gs1:
        parts.append(FNC1)
    place = 0
    while place < len(data):
        if data[place] == GS:
            parts.append(FNC1)
            place += 1
            continue
        digits = _digits(data, place)
        if in_c and digits < 2:
            parts.append(TO_B)
            in_c = False
        elif not in_c and digits % 2 == 0 and _pays(data, place, digits):
            parts.append(TO_C)
            in_c = True
        step = 2 if in_c else 1
        parts.append("".join(ESCAPED.get(sign, sign) for sign in data[place : place + step]))
        place += step
    return "".join(parts)


def _digits(data: str, place: int) -> int:
    """Return how many digits follow from ``place`` on."""
    end = place
    while end < len(data) and data[end].isdigit():
        end += 1
    return end - place


def _pays(data: str, place: int, digits: int) -> bool:
    """Whether changing to set C here saves symbols: four digits at the end, six in the middle."""
    return digits >= (4 if place + digits == len(data) else 6)


def modules(field: str) -> int:
    """Return how many modules wide the symbol of this field data is, without quiet zones."""
    symbols, place, in_c = 0, 0, False
    while place < len(field):
        if field[place] == ">":
            code = field[place : place + 2]
            in_c = (in_c or code in (START_C, TO_C)) and code not in (START_B, TO_B)
            place += 2
        else:
            place += 2 if in_c else 1
        symbols += 1
    return (symbols + 1) * 11 + 13  # check symbol, and the stop with its final bar
