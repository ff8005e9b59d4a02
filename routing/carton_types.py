"""The words of the carton question: pieces, cartons, rules, and the answer. Whole mm, g and minor units; frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from routing.carton_fill import Box

PER_CARTON = 1000  # price of a carton: cost in minor units × 1000 + 1, so that of equal costs fewer cartons win


class Reason(StrEnum):
    """Why a piece goes into no carton."""

    SIZE_UNKNOWN = "size_unknown"
    TOO_LARGE = "too_large"
    TOO_HEAVY = "too_heavy"
    NO_CARTON = "no_carton"


@dataclass(frozen=True)
class Piece:
    """One piece: outer size in mm, weight in g. ``classes`` are what :class:`Rules` may keep apart.

    A fragile piece bears nothing; one with ``this_side_up`` is turned about its upright only.
    """

    id: str
    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int
    this_side_up: bool = False
    is_fragile: bool = False
    classes: frozenset[str] = frozenset()

    @property
    def volume_mm3(self) -> int:
        return self.length_mm * self.width_mm * self.height_mm

    def as_box(self) -> Box:
        """The piece as the filling sees it."""
        return Box(self.id, self.length_mm, self.width_mm, self.height_mm, self.this_side_up, self.is_fragile)


@dataclass(frozen=True)
class CartonType:
    """A carton of the catalogue: inner size in mm, most weight of contents and own weight in g, cost in minor units."""

    code: str
    length_mm: int
    width_mm: int
    height_mm: int
    max_weight_g: int
    tare_g: int
    cost_minor: int

    @property
    def volume_mm3(self) -> int:
        return self.length_mm * self.width_mm * self.height_mm

    @property
    def price(self) -> int:
        return self.cost_minor * PER_CARTON + 1


@dataclass(frozen=True)
class Rules:
    """``apart``: pairs of classes that never share a carton. ``support_permille``: share of a base that must rest."""

    apart: frozenset[frozenset[str]] = frozenset()
    support_permille: int = 750

    def may_share(self, one: Piece, other: Piece) -> bool:
        """Whether two pieces may lie in the same carton."""
        return not any(frozenset((a, b)) in self.apart for a in one.classes for b in other.classes)


@dataclass(frozen=True)
class Placed:
    """A piece in its carton: corner and size as it lies, in mm from the carton's inner lower left rear corner."""

    piece: str
    x_mm: int
    y_mm: int
    z_mm: int
    length_mm: int
    width_mm: int
    height_mm: int


@dataclass(frozen=True)
class Filled:
    """One carton with its pieces in packing order, bottom up. Weights in g; ``fill_permille`` of its inner volume."""

    carton: str
    pieces: tuple[Placed, ...]
    content_weight_g: int
    gross_weight_g: int
    fill_permille: int


@dataclass(frozen=True)
class LeftOut:
    """A piece that fits no carton, and why."""

    piece: str
    reason: Reason


@dataclass(frozen=True)
class Cartonised:
    """The answer. No cartons for these pieces cost less than ``bound_minor``; ``is_proven``: these are the best."""

    cartons: tuple[Filled, ...]
    left_out: tuple[LeftOut, ...]
    cost_minor: int
    bound_minor: int
    is_proven: bool

    @property
    def gap_permille(self) -> int:
        """By how much the answer may be dearer than the best one, at most."""
        return 0 if self.is_proven or not self.cost_minor else 1000 - 1000 * self.bound_minor // self.cost_minor
