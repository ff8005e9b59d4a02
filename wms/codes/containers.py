"""Freight container numbers after ISO 6346: owner, category letter, serial and check digit."""

import re
import unicodedata
from enum import StrEnum

_SHAPE = re.compile(r"[A-Z]{3}[UJZ][0-9]{7}")
_SEPARATORS = re.compile(r"[\s\-./]+")


class ContainerFault(StrEnum):
    """Why a text is not a container number."""

    SHAPE = "shape"
    CHECK_DIGIT = "check_digit"


def _letter_values() -> dict[str, int]:
    values = {str(digit): digit for digit in range(10)}
    number = 10
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        while number % 11 == 0:  # multiples of 11 would not be seen by a check modulo 11
            number += 1
        values[letter] = number
        number += 1
    return values


_VALUES = _letter_values()


def normalise(text: str) -> str:
    """Return the number in capitals without spaces, dashes and slashes; other text is only tidied."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def check_digit(first_ten: str) -> int:
    """Return the check digit of the ten characters before it (sum of value · 2^place, modulo 11, modulo 10)."""
    total = sum(_VALUES[sign] << place for place, sign in enumerate(first_ten))
    return total % 11 % 10


def fault(text: str) -> ContainerFault | None:
    """Return what is wrong with the number, None when shape and check digit hold."""
    number = normalise(text)
    if not _SHAPE.fullmatch(number):
        return ContainerFault.SHAPE
    return None if check_digit(number[:10]) == int(number[10]) else ContainerFault.CHECK_DIGIT


def check(text: str) -> bool:
    """Whether the text is a container number whose check digit holds."""
    return fault(text) is None
