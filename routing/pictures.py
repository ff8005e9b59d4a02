"""A load in three dimensions as a flat picture: the faces that can be seen, in the order in which they are drawn.

Seen from above with the door on the right: a parallel projection, integers throughout. Nothing is drawn that stands
wholly behind a neighbour of equal size, so that the picture of a full box stays small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from routing.demand import Consignment
from routing.plan import PlanLoad

Point = tuple[int, int]
Edge = tuple[Point, Point]
Side = Literal["top", "long", "door"]
Solid = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Face:
    """One visible face: whose goods (place in ``Picture.consignments``), which side, its four corners."""

    whose: int
    side: Side
    corners: tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Picture:
    """Faces from the farthest to the nearest inside a frame of ``width`` x ``height``; edges behind and before them."""

    width: int
    height: int
    behind: tuple[Edge, ...]
    faces: tuple[Face, ...]
    before: tuple[Edge, ...]
    consignments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction to the floor: so many equal pieces of a consignment, one after the other, from here to there.

    ``first`` and ``last`` count the pieces of the box from 1. Sides and places in mm, the least of each place.
    """

    first: int
    last: int
    consignment: str
    length_mm: int
    width_mm: int
    height_mm: int
    from_end_mm: int
    from_left_mm: int
    from_floor_mm: int

    @property
    def count(self) -> int:
        """How many pieces."""
        return self.last - self.first + 1


def project(x: int, y: int, z: int) -> Point:
    """A point of the box on paper: x to the right and a little down, y down and to the left, z up."""
    return (980 * x - 430 * y) // 1000, (170 * x + 360 * y) // 1000 - z


def solids(load: PlanLoad, goods: Mapping[str, Consignment]) -> list[Solid]:
    """The pieces in loading order as x1 y1 z1 x2 y2 z2."""
    heights = [goods[line.consignment].pieces[line.piece - 1].height_mm for line in load.lines]
    return [(x, y, z, x + length, y + width, z + heights[line]) for line, x, y, z, length, width in load.spots]


def steps(load: PlanLoad, goods: Mapping[str, Consignment]) -> list[Step]:
    """The loading sequence: neighbours in the sequence that are equal pieces of one consignment make one step."""
    found: list[Step] = []
    for number, (spot, solid) in enumerate(zip(load.spots, solids(load, goods), strict=True), 1):
        name, sides = load.lines[spot[0]].consignment, (spot[4], spot[5], solid[5] - solid[2])
        last = found[-1] if found else None
        if last and last.consignment == name and (last.length_mm, last.width_mm, last.height_mm) == sides:
            place = (min(last.from_end_mm, spot[1]), min(last.from_left_mm, spot[2]), min(last.from_floor_mm, spot[3]))
            found[-1] = Step(last.first, number, name, *sides, *place)
        else:
            found.append(Step(number, number, name, *sides, *spot[1:4]))
    return found


def picture(load: PlanLoad, inner_mm: tuple[int, int, int], goods: Mapping[str, Consignment]) -> Picture:
    """The picture of a load in its box. ``inner_mm``: length, width and height of the inside."""
    names = tuple(dict.fromkeys(line.consignment for line in load.lines))
    pieces = solids(load, goods)
    whose = [names.index(load.lines[spot[0]].consignment) for spot in load.spots]
    faces = [
        Face(whose[at], side, _corners(pieces[at], side)) for at in _far_to_near(pieces) for side in _seen(pieces)[at]
    ]
    box: Solid = (0, 0, 0, *inner_mm)
    left, top = project(0, inner_mm[1], 0)[0], project(0, 0, inner_mm[2])[1]
    right, bottom = project(inner_mm[0], 0, 0)[0], project(inner_mm[0], inner_mm[1], 0)[1]
    behind, before = _edges(box)
    return Picture(
        right - left, bottom - top, _moved(behind, left, top), tuple(_moved_face(face, left, top) for face in faces),
        _moved(before, left, top), names,
    )  # fmt: skip


def _seen(pieces: list[Solid]) -> dict[int, tuple[Side, ...]]:
    """Which faces of each piece are not wholly covered by one neighbour that touches it."""
    below = {(x1, y1, x2, y2, z1) for x1, y1, z1, x2, y2, _ in pieces}
    left = {(x1, z1, x2, z2, y1) for x1, y1, z1, x2, _, z2 in pieces}
    behind = {(y1, z1, y2, z2, x1) for x1, y1, z1, _, y2, z2 in pieces}
    found: dict[int, tuple[Side, ...]] = {}
    for at, (x1, y1, z1, x2, y2, z2) in enumerate(pieces):
        sides: list[Side] = []
        if (x1, y1, x2, y2, z2) not in below:
            sides.append("top")
        if (x1, z1, x2, z2, y2) not in left:
            sides.append("long")
        if (y1, z1, y2, z2, x2) not in behind:
            sides.append("door")
        if sides:
            found[at] = tuple(sides)
    return found


def _far_to_near(pieces: list[Solid]) -> list[int]:
    """The pieces with a visible face, each after all that it may hide: A hides B only where B reaches below A's upper
    end on all three axes, and of two bodies that do not overlap only one can do so.
    """
    shown = sorted(_seen(pieces))
    if not shown:
        return []
    low = np.array([pieces[at][:3] for at in shown])
    high = np.array([pieces[at][3:] for at in shown])
    first: Any = (low[:, None, :] < high[None, :, :]).all(axis=2)  # first[a, b]: a lies behind b, or they overlap
    np.fill_diagonal(first, False)
    first &= ~first.T
    waiting, left = first.sum(axis=0), np.ones(len(shown), dtype=bool)
    rank = low.sum(axis=1)
    order = []
    for _ in shown:
        free = np.flatnonzero(left & (waiting == 0))
        pool = free if len(free) else np.flatnonzero(left)  # a ring of three: begin with the farthest
        at = int(pool[np.argmin(rank[pool])])
        order.append(shown[at])
        left[at] = False
        waiting = waiting - first[at]
    return order


def _corners(piece: Solid, side: Side) -> tuple[Point, Point, Point, Point]:
    x1, y1, z1, x2, y2, z2 = piece
    corners = {
        "top": ((x1, y1, z2), (x2, y1, z2), (x2, y2, z2), (x1, y2, z2)),
        "long": ((x1, y2, z1), (x2, y2, z1), (x2, y2, z2), (x1, y2, z2)),
        "door": ((x2, y1, z1), (x2, y2, z1), (x2, y2, z2), (x2, y1, z2)),
    }[side]
    a, b, c, d = (project(*corner) for corner in corners)
    return a, b, c, d


def _edges(box: Solid) -> tuple[tuple[Edge, ...], tuple[Edge, ...]]:
    """The twelve edges of the box: nine behind the goods, the three at the nearest upper corner before them."""
    x1, y1, z1, x2, y2, z2 = box
    near = (x2, y2, z2)
    ends = [(x, y, z) for x in (x1, x2) for y in (y1, y2) for z in (z1, z2)]
    pairs = [(a, b) for a in ends for b in ends if a < b and sum(p != q for p, q in zip(a, b, strict=True)) == 1]
    behind = tuple((project(*a), project(*b)) for a, b in pairs if near not in (a, b))
    return behind, tuple((project(*a), project(*b)) for a, b in pairs if near in (a, b))


def _moved(edges: tuple[Edge, ...], left: int, top: int) -> tuple[Edge, ...]:
    return tuple(((a - left, b - top), (c - left, d - top)) for (a, b), (c, d) in edges)


def _moved_face(face: Face, left: int, top: int) -> Face:
    a, b, c, d = ((x - left, y - top) for x, y in face.corners)
    return Face(face.whose, face.side, (a, b, c, d))
