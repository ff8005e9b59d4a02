"""Unified social credit codes (统一社会信用代码) after GB 32100-2015, with the organisation code of GB 11714 inside."""

import re

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SHAPE = re.compile(rf"[{_ALPHABET}]{{2}}\d{{6}}[{_ALPHABET}]{{10}}", re.ASCII)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def normalise(text: str) -> str:
    """Return the code in capitals without spaces and dashes."""
    return re.sub(r"[\s\-]+", "", text).upper()


def check_character(first_seventeen: str) -> str:
    """Return the 18th character: (31 - sum of value · 3^place modulo 31) modulo 31, in the alphabet of 31 signs."""
    total = sum(_ALPHABET.index(sign) * pow(3, place, 31) for place, sign in enumerate(first_seventeen))
    return _ALPHABET[-total % 31]


def organisation_check(first_eight: str) -> str:
    """Return the check character of an eight-character organisation code (modulo 11, 10 is X, 11 is 0)."""
    total = sum(int(sign, 36) * weight for sign, weight in zip(first_eight, _ORGANISATION_WEIGHTS, strict=True))
    rest = (11 - total % 11) % 11
    return "X" if rest == 10 else str(rest)


def is_uscc(text: str) -> bool:
    """Whether shape, check character and the organisation code's own check character all hold."""
    code = normalise(text)
    return (
        _SHAPE.fullmatch(code) is not None
        and organisation_check(code[8:16]) == code[16]
        and check_character(code[:17]) == code[17]
    )
