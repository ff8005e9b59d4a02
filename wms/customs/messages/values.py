"""Whether a text is a value of a field, as XML Schema counts signs and digits."""

import re
from decimal import Decimal

from wms.customs.messages.spec import INT_MOST, MANY, Field
from wms.errors import N_

_SPACE = re.compile(r"[ \t\r\n]+")
_DECIMAL = re.compile(r"[+-]?(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))")
_WHOLE = re.compile(r"([+-]?)([0-9]+)")

EMPTY = N_("%(name)s may not be empty.")
LENGTH = N_("%(name)s must have exactly %(most)s signs, it has %(count)s.")
TOO_LONG = N_("%(name)s may have %(most)s signs at most, it has %(count)s.")
TOO_SHORT = N_("%(name)s must have %(least)s signs at least, it has %(count)s.")
NO_NUMBER = N_("%(name)s must be a decimal number with a point, such as 12.5.")
NO_WHOLE = N_("%(name)s must be a whole number of digits.")
TOO_LARGE = N_("%(name)s may have %(most)s digits at most.")
FIXED = N_("%(name)s must be %(default)s.")
PLACES = N_("%(name)s may have %(decimals)s decimal places at most.")

Broken = tuple[str, str]


def collapsed(text: str) -> str:
    """Return the text with white space at its ends dropped and inside made one space, as XML Schema does."""
    return _SPACE.sub(" ", text).strip(" ")


def broken(field: Field, text: str) -> Broken | None:
    """Return rule and msgid of what is wrong with a value, None when nothing is."""
    if not text and field.default is not None:
        return None
    if field.is_fixed and text != field.default:
        return "SCH-FIXED", FIXED
    if field.sort == "text":
        return _broken_text(field, collapsed(text) if field.collapses else text)
    if field.sort == "decimal":
        return _broken_decimal(field, collapsed(text))
    if field.sort == "whole":
        return _broken_whole(field, collapsed(text))
    return None


def _broken_text(field: Field, text: str) -> Broken | None:
    count = len(text)
    if field.least <= count <= field.most:
        return None
    if not count:
        return "SCH-EMPTY", EMPTY
    if field.least == field.most:
        return "SCH-LENGTH", LENGTH
    return ("SCH-LENGTH", TOO_LONG) if count > field.most else ("SCH-LENGTH", TOO_SHORT)


def _broken_decimal(field: Field, text: str) -> Broken | None:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        return ("SCH-EMPTY", EMPTY) if not text else ("SCH-NUMBER", NO_NUMBER)
    whole = (found[1] or "").lstrip("0")
    places = (found[2] or found[3] or "").rstrip("0")
    if len(places) > field.decimals:
        return "SCH-DECIMALS", PLACES
    if len(whole) + len(places) > field.most:
        return "SCH-DIGITS", TOO_LARGE
    return None


def _broken_whole(field: Field, text: str) -> Broken | None:
    found = _WHOLE.fullmatch(text)
    if found is None:
        return ("SCH-EMPTY", EMPTY) if not text else ("SCH-NUMBER", NO_WHOLE)
    digits = found[2].lstrip("0") or "0"
    most = 10 if field.most == MANY else field.most
    if len(digits) > min(most, 10) or int(digits) > INT_MOST + (found[1] == "-"):
        return "SCH-DIGITS", TOO_LARGE
    return None


def number(text: str | None) -> Decimal | None:
    """Return a decimal as written, None when it is absent, empty or no number."""
    if not text:
        return None
    said = collapsed(text)
    return Decimal(said) if _DECIMAL.fullmatch(said) else None
