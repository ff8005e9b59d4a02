"""Volumes of unions of boxes, by slicing at all their edges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Box = tuple[int, int, int, int, int, int]


def union_mm3(boxes: Sequence[Box]) -> int:
    """Volume that lies in at least one box (x1 y1 z1 x2 y2 z2). Exact; meant for a handful of boxes."""
    cuts = [sorted({edge for box in boxes for edge in (box[axis], box[axis + 3])}) for axis in range(3)]
    total = 0
    for x1, x2 in pairwise(cuts[0]):
        for y1, y2 in pairwise(cuts[1]):
            for z1, z2 in pairwise(cuts[2]):
                if any(
                    b[0] <= x1 and x2 <= b[3] and b[1] <= y1 and y2 <= b[4] and b[2] <= z1 and z2 <= b[5] for b in boxes
                ):
                    total += (x2 - x1) * (y2 - y1) * (z2 - z1)
    return total
