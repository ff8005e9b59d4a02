"""Pieces in hand: goods that are told apart by number or by weight are named one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wms.floor.rules import piece_mistakes as mistakes

Names = Mapping[str, str]


@dataclass(frozen=True)
class Piece:
    """One piece: its serial number, its net weight in grams, or both, as the item asks.

    ``qty`` is more than 1 for a carton whose label says how many pieces weigh so much together.
    """

    serial: str | None = None
    weight_g: int | None = None
    qty: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return the piece as a handheld's context keeps it."""
        return {"serial": self.serial, "weight_g": self.weight_g, "qty": self.qty}


@dataclass(frozen=True)
class Control:
    """By what the pieces of an item are told apart."""

    names: Names
    by_serial: bool
    by_weight: bool

    @property
    def is_told_apart(self) -> bool:
        return self.by_serial or self.by_weight


def grams(net: Decimal | None) -> int | None:
    """Return the net weight of a label (AI 310n) in grams. Raises WeightNotWhole."""
    if net is None:
        return None
    if net <= 0 or net != net.to_integral_value():
        raise mistakes.WeightNotWhole(weight=str(net.normalize()))
    return int(net)


def named(control: Control, serial: str | None, net: Decimal | None, qty: int, times: int = 1) -> Piece | None:
    """Return the piece that a label names, None where it names none.

    ``qty``: the base units that the label stands for; ``times``: how often QTY said that it counts.

    Raises OneSerialAtATime, WeightOfOne, WeightNotWhole, SerialMissing, WeightMissing.
    """
    number = serial if control.by_serial else None
    weight_g = grams(net) if control.by_weight else None
    if number is None and weight_g is None:
        return None
    if control.by_serial and qty * times != 1:
        raise mistakes.OneSerialAtATime(item=dict(control.names), qty=qty * times)
    if times != 1:
        raise mistakes.WeightOfOne(item=dict(control.names), qty=times)
    if control.by_serial and number is None:
        raise mistakes.SerialMissing(item=dict(control.names))
    if control.by_weight and weight_g is None:
        raise mistakes.WeightMissing(item=dict(control.names))
    return Piece(number, weight_g, qty)


def refuse_unnamed(control: Control) -> None:
    """Raise SerialMissing or WeightMissing where a part of such goods is meant and no piece was named."""
    if control.by_serial:
        raise mistakes.SerialMissing(item=dict(control.names))
    if control.by_weight:
        raise mistakes.WeightMissing(item=dict(control.names))


def added(pieces: Sequence[Piece], piece: Piece, control: Control) -> tuple[Piece, ...]:
    """Return the pieces in hand with one more. Raises SerialInHand."""
    if piece.serial is not None and piece.serial in {one.serial for one in pieces}:
        raise mistakes.SerialInHand(serial=piece.serial, item=dict(control.names))
    return (*pieces, piece)


def count(pieces: Sequence[Piece]) -> int:
    """Return how many base units pieces are together."""
    return sum(one.qty for one in pieces)


def fitting(pieces: Sequence[Piece], room: int) -> tuple[list[Piece], list[Piece]]:
    """Return the pieces, in their order, that ``room`` base units can be, and the rest."""
    inside: list[Piece] = []
    rest: list[Piece] = []
    for one in pieces:
        fits = count(inside) + one.qty <= room
        (inside if fits else rest).append(one)
    return inside, rest


def weight_of(pieces: Sequence[Piece]) -> int | None:
    """Return what pieces weigh together, None where they are not told apart by weight."""
    weights = [one.weight_g for one in pieces if one.weight_g is not None]
    return sum(weights) if weights else None


def serials_of(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Return the serial numbers of pieces."""
    return tuple(one.serial for one in pieces if one.serial is not None)
