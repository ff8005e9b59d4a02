"""Points in two amounts as a picture: where each lies, the marks of both axes, and the line of those nobody beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM, WIDTH, HEIGHT = 84, 32, 30, 38, 460, 280
"""Room for the names of the marks, and the size of the whole, in the picture's units."""
MOST_MARKS = 5
NEAR = 16
"""Points nearer than this in both directions share one sign."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One sign: the numbers of the points there, from 0, and whether all of them are beaten."""

    x: int
    y: int
    numbers: tuple[int, ...]
    beaten: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """Marks of one axis: amount and place."""

    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Scatter:
    """The picture; ``line``: the places of the points that no other beats in these two amounts, from left to right."""

    spots: tuple[Spot, ...]
    line: tuple[tuple[int, int], ...]
    across: Axis
    up: Axis


def scatter(points: Sequence[tuple[int, int]], beaten: Sequence[bool]) -> Scatter | None:
    """The picture of (across, up) amounts, less of both being better; None without a point."""
    if not points:
        return None
    across = _Scale([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = _Scale([y for _, y in points], HEIGHT - BOTTOM, TOP)
    places = [(across.at(x), up.at(y)) for x, y in points]
    best = sorted({point for point in points if not any(_beats(other, point) for other in points)})
    return Scatter(
        tuple(_spots(places, beaten)), tuple((across.at(x), up.at(y)) for x, y in best), across.axis(), up.axis()
    )


def _beats(other: tuple[int, int], point: tuple[int, int]) -> bool:
    return other != point and other[0] <= point[0] and other[1] <= point[1]


def _spots(places: Sequence[tuple[int, int]], beaten: Sequence[bool]) -> list[Spot]:
    found: list[Spot] = []
    for number, ((x, y), worse) in enumerate(zip(places, beaten, strict=True)):
        at = next((k for k, one in enumerate(found) if abs(one.x - x) < NEAR and abs(one.y - y) < NEAR), None)
        if at is None:
            found.append(Spot(x, y, (number,), worse))
        else:
            one = found[at]
            found[at] = Spot(one.x, one.y, (*one.numbers, number), one.beaten and worse)
    return found


class _Scale:
    """Amounts to places along one axis, with whole steps of 1, 2 or 5 around them."""

    def __init__(self, amounts: Sequence[int], first: int, last: int) -> None:
        low, high = min(amounts), max(amounts)
        step = 1
        while (high - low) // step + 2 > MOST_MARKS:
            step = next(more for more in (step * 2, step * 5 // 2, step * 5) if str(more).strip("0") in {"1", "2", "5"})
        self._step, self._low = step, low // step * step
        self._high = max(-(-high // step) * step, self._low + step)
        self._first, self._last = first, last

    def at(self, amount: int) -> int:
        return self._first + (amount - self._low) * (self._last - self._first) // (self._high - self._low)

    def axis(self) -> Axis:
        return Axis(tuple((one, self.at(one)) for one in range(self._low, self._high + 1, self._step)))
