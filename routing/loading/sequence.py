"""In which order boxes go in: what lies deeper and what lies lower first.

A box can be pushed in from the door and set down when nothing stands on its way from the door and nothing hangs over
it. Long and tall boxes can lock each other in a ring (each must go in before the next); such a load exists on paper
only, and the highest box of the ring is taken out of it with what stands on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from routing.loading.balance import Placed


def order(boxes: Sequence[Placed], *, by_door: bool) -> list[int]:
    """Indices of the boxes in loading order. ``by_door`` False: an open pallet, only what carries goes first.

    Raises :class:`Locked` when a ring of boxes locks itself out.
    """
    near = sorted(range(len(boxes)), key=lambda i: (boxes[i].x, boxes[i].z, boxes[i].y) if by_door else (boxes[i].z,))
    waits = _before([boxes[i] for i in near], by_door=by_door)
    left = waits.sum(axis=1)
    found: list[int] = []
    while len(found) < len(boxes):
        ready = [int(at) for at in np.flatnonzero(left == 0)]
        if not ready:
            raise Locked(_ring(near, waits, left))
        found.extend(near[at] for at in ready)
        left -= waits[:, ready].sum(axis=1)
        left[ready] = -1
    return found


def _before(boxes: Sequence[Placed], *, by_door: bool) -> Any:
    """bool[i, j]: box j lies under box i, or (by the door) deeper on its way in, and so goes first."""
    low = np.array([(one.x, one.y, one.z) for one in boxes], np.int64).reshape(len(boxes), 3)
    high = low + np.array([(one.length, one.width, one.height) for one in boxes], np.int64).reshape(len(boxes), 3)
    cross = [
        (low[:, None, axis] < high[None, :, axis]) & (low[None, :, axis] < high[:, None, axis]) for axis in range(3)
    ]
    found = (high[None, :, 2] <= low[:, None, 2]) & cross[0] & cross[1]
    if by_door:
        found |= (high[None, :, 0] <= low[:, None, 0]) & cross[1] & cross[2]
    return found


def _ring(near: Sequence[int], waits: Any, left: Any) -> tuple[int, ...]:
    """One ring among the boxes that are left."""
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for at in np.flatnonzero(left > 0):
        sorter.add(near[int(at)], *(near[int(other)] for other in np.flatnonzero(waits[at] & (left > 0))))
    try:
        sorter.prepare()
    except CycleError as ring:
        return tuple(set(ring.args[1]))
    raise AssertionError("boxes wait for each other without a ring")


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


def lower(first: Placed, then: Placed) -> bool:
    """Whether the first box lies under the other, somewhere."""
    return (
        first.z + first.height <= then.z
        and _cross(first.x, first.x + first.length, then.x, then.x + then.length)
        and _cross(first.y, first.y + first.width, then.y, then.y + then.width)
    )
