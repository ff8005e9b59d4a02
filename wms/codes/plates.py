"""Chinese vehicle number plates: spelling, grammar, and which characters cameras confuse.

Grammar after GA 36-2018 (号牌) with its new-energy layout of 2016: a province character, an office letter and five
or six places. The letters I and O are never issued after the office letter, so a reader that sees them saw 1 and 0.
"""

import re
import unicodedata
from enum import StrEnum

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"

_LETTER = "A-HJ-NP-Z"
_HEAD = f"[{PROVINCES}][{_LETTER}]"
_SEPARATORS = re.compile(r"[\s·•‧・.\-_*]+")
_NEVER_ISSUED = str.maketrans("OI", "01")


class PlateKind(StrEnum):
    """What the layout of a plate says of the vehicle."""

    ORDINARY = "ordinary"
    SMALL_NEW_ENERGY = "small_new_energy"
    LARGE_NEW_ENERGY = "large_new_energy"
    TRAILER = "trailer"
    SPECIAL = "special"


_GRAMMAR: tuple[tuple[PlateKind, re.Pattern[str]], ...] = (
    (PlateKind.ORDINARY, re.compile(rf"{_HEAD}[{_LETTER}0-9]{{5}}")),
    (PlateKind.TRAILER, re.compile(rf"{_HEAD}[{_LETTER}0-9]{{4}}挂")),
    (PlateKind.SPECIAL, re.compile(rf"{_HEAD}[{_LETTER}0-9]{{4}}[学警港澳]")),
    (PlateKind.SMALL_NEW_ENERGY, re.compile(rf"{_HEAD}[ABCDEFGHJK][{_LETTER}0-9][0-9]{{4}}")),
    (PlateKind.LARGE_NEW_ENERGY, re.compile(rf"{_HEAD}[0-9]{{5}}[DF]")),
)

# Pairs that plate cameras mix up in rain, dirt and low sun. Symmetric; the order inside a group says nothing.
CONFUSED_GROUPS: tuple[str, ...] = ("0DQ", "8B", "1LT", "2Z", "5S", "6G", "7T", "4A", "VY", "MN", "CG", "EF", "KX")


def _partners() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in CONFUSED_GROUPS:
        for sign in group:
            found.setdefault(sign, set()).update(set(group) - {sign})
    return {sign: frozenset(others) for sign, others in found.items()}


_PARTNERS = _partners()


def normalise(text: str) -> str:
    """Return the plate as it is compared and stored: no spaces or dots, capitals, I and O read as 1 and 0.

    Text that is no plate comes back tidied too, so that two spellings of it still compare equal.
    """
    tidy = unicodedata.normalize("NFKC", _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).upper()))
    if len(tidy) > 2 and tidy[0] in PROVINCES:
        return tidy[:2] + tidy[2:].translate(_NEVER_ISSUED)
    return tidy


def kind_of(text: str) -> PlateKind | None:
    """Return the layout that the (not yet normalised) text fits, None when it fits none."""
    plate = normalise(text)
    return next((kind for kind, pattern in _GRAMMAR if pattern.fullmatch(plate)), None)


def is_plate(text: str) -> bool:
    """Whether the text is a plate of the mainland's civil grammar once it is normalised."""
    return kind_of(text) is not None


def look_alikes(text: str) -> frozenset[str]:
    """Return every valid plate that differs from this one by a single confusable character."""
    plate = normalise(text)
    return frozenset(
        other
        for place, sign in enumerate(plate)
        if place > 0
        for partner in _PARTNERS.get(sign, ())
        if is_plate(other := plate[:place] + partner + plate[place + 1 :])
    )


def looks_like(first: str, second: str) -> bool:
    """Whether two plates differ, and only where a camera confuses the characters (or the province sign).

    A look-alike is a hint to the officer; it never opens a barrier by itself.
    """
    one, two = normalise(first), normalise(second)
    if one == two or len(one) != len(two):
        return False
    differing = [(place, a, b) for place, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
    return len(differing) <= 2 and all(place == 0 or b in _PARTNERS.get(a, ()) for place, a, b in differing)
