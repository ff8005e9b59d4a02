"""Numbers of resident identity cards (居民身份证) after GB 11643: 18 characters with the check of ISO 7064 MOD 11-2."""

import re
from datetime import date

_SHAPE = re.compile(r"[1-9]\d{5}(?P<day>\d{8})\d{3}[\dX]", re.ASCII)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# The first two digits of a division code (行政区划): provinces and cities; 71, 81 to 83: Taiwan, Hong Kong, Macau.
PROVINCES = frozenset(
    (
        *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37"),
        *("41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65"),
        *("71", "81", "82", "83"),
    )
)


def check_character(first_seventeen: str) -> str:
    """Return the 18th character of an identity card number: 0 to 9 or X."""
    return _CHECKS[sum(int(sign) * weight for sign, weight in zip(first_seventeen, _WEIGHTS, strict=True)) % 11]


def birthday(text: str) -> date | None:
    """Return the day of birth that a number names, None when the shape is wrong or there is no such day."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        return None
    said = found["day"]
    try:
        return date(int(said[:4]), int(said[4:6]), int(said[6:]))
    except ValueError:
        return None


def is_identity_card(text: str) -> bool:
    """Whether shape, region, day of birth and check character hold. Says nothing of whether such a person lives."""
    born = birthday(text)
    return born is not None and text[:2] in PROVINCES and check_character(text[:17]) == text[17]


def is_division(text: str) -> bool:
    """Whether six digits can be the code of a county, district or city (行政区划代码)."""
    return re.fullmatch(r"\d{6}", text, re.ASCII) is not None and text[:2] in PROVINCES
