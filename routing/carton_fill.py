"""Boxes into one box by extreme points: each piece at the lowest, rearmost, leftmost corner where it rests and fits.

After T. G. Crainic, G. Perboli and R. Tadei, "Extreme Point-Based Heuristics for Three-Dimensional Bin Packing",
INFORMS Journal on Computing 20(3), 2008, with the rules of a packing table added: a base rests on what lies under it,
nothing rests on a fragile piece, a piece that stands upright stays upright. Integers only; the same input gives the
same places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

Point = tuple[int, int, int]
Spot = tuple[str, int, int, int, int, int, int]  # piece, x, y, z, length, width, height as it lies
Block = tuple[int, int, int, int, int, int, bool]  # x, y, z from and to, fragile


@dataclass(frozen=True)
class Box:
    """A piece to be placed; sizes in mm."""

    id: str
    length: int
    width: int
    height: int
    upright: bool
    fragile: bool

    @cached_property
    def _turns(self) -> tuple[Point, ...]:
        a, b, c = self.length, self.width, self.height
        found = [(a, b, c), (b, a, c)]
        if not self.upright:
            found += [(a, c, b), (c, a, b), (b, c, a), (c, b, a)]
        return tuple(dict.fromkeys(found))

    def turns(self) -> tuple[Point, ...]:
        """Every way the piece may lie, as (length, width, height)."""
        return self._turns


def fits_alone(box: Box, length: int, width: int, height: int) -> bool:
    """Whether the empty carton takes the piece in some turn."""
    return any(a <= length and b <= width and c <= height for a, b, c in box.turns())


def cannot_hold(boxes: Sequence[Box], length: int, width: int, height: int) -> bool:
    """Whether it is proven that the carton does not hold all pieces.

    Dual feasible functions (S. P. Fekete and J. Schepers, Mathematics of Operations Research 29(2), 2004): along each
    axis what is longer than the limit less a threshold counts as the whole limit and what is shorter than the threshold
    as nothing. Each piece counts with its smallest value over all turns, so the sum holds whichever way they lie.
    """
    limits = (length, width, height)
    room = length * width * height
    turns = [[t for t in box.turns() if all(a <= b for a, b in zip(t, limits, strict=True))] for box in boxes]
    steps = [(0, limit // 3, limit // 2) for limit in limits]
    for thresholds in product(steps[0], steps[1], steps[2]):
        whole = 0
        for each in turns:
            whole += min((_counts(turn, limits, thresholds) for turn in each), default=room + 1)
        if whole > room:
            return True
    return False


def _counts(turn: Point, limits: Point, thresholds: Point) -> int:
    counted = 1
    for size, limit, threshold in zip(turn, limits, thresholds, strict=True):
        counted *= limit if size > limit - threshold else 0 if size < threshold else size
    return counted


_ORDERS: tuple[Callable[[Box], tuple[int, ...]], ...] = (
    lambda box: (-box.length * box.width * box.height, -max(box.length, box.width, box.height)),
    lambda box: (-max(box.length, box.width, box.height), -box.length * box.width * box.height),
    lambda box: (-box.length * box.width, -box.height),
    lambda box: (-min(box.length, box.width, box.height), -box.length * box.width * box.height),
)
_CORNERS: tuple[Callable[[Point], Point], ...] = (
    lambda at: (at[2], at[1], at[0]),
    lambda at: (at[1], at[2], at[0]),
    lambda at: (at[0], at[2], at[1]),
)
_TURNS: tuple[Callable[[Point], tuple[int, ...]], ...] = (
    lambda turn: (turn[2], -turn[0] * turn[1], -turn[0]),
    lambda turn: (-turn[2], turn[0] * turn[1], -turn[0]),
    lambda turn: (-turn[0], turn[2], turn[1]),
)
WAYS = tuple((order, corner, turn) for corner in _CORNERS for turn in _TURNS for order in _ORDERS)


def fill(
    boxes: Sequence[Box], length: int, width: int, height: int, support_permille: int, tries: int | None = None
) -> tuple[list[Spot], list[Box]]:
    """Return what was placed and what was left over, by the first way that leaves nothing, else by the one that fills
    most. ``tries`` bounds the ways that are looked at.
    """
    best: tuple[list[Spot], list[Box]] = ([], list(boxes))
    most = -1
    for order, corner, turn in WAYS[:tries]:
        room = Room(length, width, height, support_permille, corner)
        queue = sorted(boxes, key=lambda box: (box.fragile, *order(box), box.id))
        rest = [box for box in queue if not room.take(box, turn)]
        if not rest:
            return room.spots, []
        taken = sum(spot[4] * spot[5] * spot[6] for spot in room.spots)
        if taken > most:
            most, best = taken, (room.spots, rest)
    return best


class Room:
    """The inside of one carton while it is filled."""

    def __init__(
        self, length: int, width: int, height: int, support_permille: int, corner: Callable[[Point], Point]
    ) -> None:
        self.size = (length, width, height)
        self.support_permille, self.corner = support_permille, corner
        self.blocks: list[Block] = []
        self.spots: list[Spot] = []
        self.points: list[Point] = [(0, 0, 0)]
        self.shut: dict[Point, set[Point]] = {}  # turned sizes that hit something at a point: that never gets better

    def take(self, box: Box, prefer: Callable[[Point], tuple[int, ...]]) -> bool:
        """Place the piece; False where it fits nowhere."""
        turns = sorted(box.turns(), key=prefer)
        for point in self.points:
            for turn in turns:
                if self._fits(point, turn, box.fragile):
                    self._place(box, point, turn)
                    return True
        return False

    def _fits(self, point: Point, turn: Point, fragile: bool) -> bool:
        shut = self.shut.setdefault(turn, set())
        if point in shut:
            return False
        x1, y1, z1 = point
        x2, y2, z2 = x1 + turn[0], y1 + turn[1], z1 + turn[2]
        if x2 > self.size[0] or y2 > self.size[1] or z2 > self.size[2]:
            shut.add(point)
            return False
        rests = 0
        for bx1, by1, bz1, bx2, by2, bz2, is_fragile in self.blocks:
            if x1 < bx2 and bx1 < x2 and y1 < by2 and by1 < y2:
                if z1 < bz2 and bz1 < z2:
                    shut.add(point)
                    return False
                if bz2 == z1:
                    if is_fragile:
                        return False
                    rests += (min(x2, bx2) - max(x1, bx1)) * (min(y2, by2) - max(y1, by1))
                elif fragile and bz1 == z2:
                    return False
        return z1 == 0 or rests * 1000 >= self.support_permille * turn[0] * turn[1]

    def _place(self, box: Box, point: Point, turn: Point) -> None:
        x, y, z = point
        self.spots.append((box.id, x, y, z, *turn))
        self.blocks.append((x, y, z, x + turn[0], y + turn[1], z + turn[2], box.fragile))
        inside = self.blocks[-1]
        fresh = set(self._corners(inside))
        kept = {at for at in self.points if not _covers(inside, at)} | {at for at in fresh if self._open(at)}
        self.points = sorted(kept, key=self.corner)

    def _corners(self, block: Block) -> Iterator[Point]:
        """The block's three far corners, and each slid back to what it meets along the two other axes."""
        x1, y1, z1, x2, y2, z2, _ = block
        for at, axes in (((x2, y1, z1), (1, 2)), ((x1, y2, z1), (0, 2)), ((x1, y1, z2), (0, 1))):
            yield at
            for axis in axes:
                yield self._slid(at, axis)
            yield self._slid(self._slid(at, axes[0]), axes[1])

    def _slid(self, at: Point, axis: int) -> Point:
        one, two = (other for other in range(3) if other != axis)
        stop = 0
        for block in self.blocks:
            if block[one] <= at[one] < block[one + 3] and block[two] <= at[two] < block[two + 3]:
                far = block[axis + 3]
                if stop < far <= at[axis]:
                    stop = far
        moved = list(at)
        moved[axis] = stop
        return moved[0], moved[1], moved[2]

    def _open(self, at: Point) -> bool:
        inside = at[0] < self.size[0] and at[1] < self.size[1] and at[2] < self.size[2]
        return inside and not any(_covers(block, at) for block in self.blocks)


def _covers(block: Block, at: Point) -> bool:
    return block[0] <= at[0] < block[3] and block[1] <= at[1] < block[4] and block[2] <= at[2] < block[5]
