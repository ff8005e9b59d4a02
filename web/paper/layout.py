"""What stands on a label and where, in dots of an eighth of a millimetre: the grain of a 203 dpi label printer."""

from dataclasses import dataclass

DOTS_PER_MM = 8


@dataclass(frozen=True)
class Text:
    """A line of text: ``x``, ``y`` of its upper left corner, ``height`` of its letters, cut to ``room``."""

    x: int
    y: int
    height: int
    text: str
    room: int
    is_bold: bool = False


@dataclass(frozen=True)
class Bars:
    """A Code 128 symbol of ``data``, or a GS1-128 one of ``elements`` (AI, value); ``module`` is its narrowest bar."""

    x: int
    y: int
    module: int
    height: int
    data: str = ""
    elements: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Matrix:
    """A GS1 DataMatrix of ``elements`` (AI, value); ``module`` is the edge of one of its squares."""

    x: int
    y: int
    module: int
    elements: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rule:
    """A horizontal line."""

    x: int
    y: int
    width: int
    thickness: int = 3


@dataclass(frozen=True)
class Label:
    """A label of ``width`` × ``height``; printed ``copies`` times."""

    width: int
    height: int
    parts: tuple[Text | Bars | Matrix | Rule, ...]
    copies: int = 1


def mm(millimetres: float) -> int:
    """Return millimetres in dots, rounded."""
    return round(millimetres * DOTS_PER_MM)
