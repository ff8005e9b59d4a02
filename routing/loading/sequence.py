"""In which order boxes go in: what lies deeper and what lies lower first.

A box can be pushed in from the door and set down when nothing stands on its way from the door and nothing hangs over
it. Long and tall boxes can lock each other in a ring (each must go in before the next); such a load exists on paper
only, and the highest box of the ring is taken out of it with what stands on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from routing.loading.balance import Placed


def order(boxes: Sequence[Placed], *, by_door: bool) -> list[int]:
    """Indices of the boxes in loading order. ``by_door`` False: an open pallet, only what carries goes first.

    Raises :class:`Locked` when a ring of boxes locks itself out.
    """
    near = sorted(range(len(boxes)), key=lambda i: (boxes[i].x, boxes[i].z, boxes[i].y) if by_door else (boxes[i].z,))
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for i in near:
        sorter.add(i)
        for j in near:
            if i != j and (lower(boxes[j], boxes[i]) or (by_door and _deeper(boxes[j], boxes[i]))):
                sorter.add(i, j)
    try:
        sorter.prepare()
    except CycleError as ring:
        raise Locked(tuple(set(ring.args[1]))) from ring
    place = {i: at for at, i in enumerate(near)}
    found: list[int] = []
    while sorter.is_active():
        for i in sorted(sorter.get_ready(), key=place.__getitem__):
            found.append(i)
            sorter.done(i)
    return found


class Locked(Exception):
    """Boxes that can only go in one before the other, all round; ``boxes`` are their indices."""

    def __init__(self, boxes: tuple[int, ...]) -> None:
        self.boxes = boxes
        super().__init__(f"{len(boxes)} boxes lock each other")


def loadable(boxes: Sequence[Placed], *, by_door: bool) -> tuple[list[Placed], list[int]]:
    """The boxes that can really be loaded, and their order; rings are opened by taking boxes out."""
    left = list(boxes)
    while True:
        try:
            return left, order(left, by_door=by_door)
        except Locked as ring:
            loose = [i for i in ring.boxes if left[i].part >= 0] or list(ring.boxes)
            out = {max(loose, key=lambda i: (left[i].z + left[i].height, i))}
            for i in sorted(range(len(left)), key=lambda i: left[i].z):
                if any(left[i].z == left[j].z + left[j].height and lower(left[j], left[i]) for j in out):
                    out.add(i)
            left = [one for i, one in enumerate(left) if i not in out]


def _cross(a1: int, a2: int, b1: int, b2: int) -> bool:
    return a1 < b2 and b1 < a2


def _deeper(first: Placed, then: Placed) -> bool:
    return (
        first.x + first.length <= then.x
        and _cross(first.y, first.y + first.width, then.y, then.y + then.width)
        and _cross(first.z, first.z + first.height, then.z, then.z + then.height)
    )


def lower(first: Placed, then: Placed) -> bool:
    """Whether the first box lies under the other, somewhere."""
    return (
        first.z + first.height <= then.z
        and _cross(first.x, first.x + first.length, then.x, then.x + then.length)
        and _cross(first.y, first.y + first.width, then.y, then.y + then.width)
    )
