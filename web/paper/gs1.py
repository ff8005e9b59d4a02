"""GS1 element strings for printing: fixed ones first, FNC1 only behind what has no fixed length (GenSpecs 7.8.5)."""

from collections.abc import Sequence

GS = "\x1d"
# AIs of predefined length (General Specifications, figure 7.8.5-2), by their first two digits.
PREDEFINED = frozenset({"00", "01", "02", "03", "04", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "31",
                        "32", "33", "34", "35", "36", "41"})  # fmt: skip

Elements = Sequence[tuple[str, str]]


def message(elements: Elements) -> str:
    """Return elements as they are encoded behind the leading FNC1, GS for each further FNC1."""
    text = ""
    for number, (ai, value) in enumerate(elements, 1):
        is_last = number == len(elements)
        text += ai + value + ("" if is_last or ai[:2] in PREDEFINED else GS)
    return text


def readable(elements: Elements) -> str:
    """Return elements as people read them under the bars: ``(00)3…``."""
    return "".join(f"({ai}){value}" for ai, value in elements)


def bracketed(elements: Elements) -> str:
    """Return elements as zint takes them: ``[00]3…``."""
    return "".join(f"[{ai}]{value}" for ai, value in elements)
