"""Blocks: equal boxes side by side and on one another, and pairs of such blocks that fill their envelope.

A block is placed as one. With full support nothing overhangs inside it either, and its *top* is the rectangle of its
highest face, seen from the corner it is built from, on which others may stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

KINDS_IN_BLOCK = 4
WHOLE = 980  # permille of its envelope that a joined block must fill
SIMPLE, ALONG_X, ALONG_Y, ALONG_Z = range(4)
STRONG = 1 << 50  # bears anything


@dataclass(frozen=True, slots=True)
class Shape:
    """One way a kind of box may lie: its sides, and what its top bears (g/m²) in that position."""

    kind: int
    length: int
    width: int
    height: int
    bears: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """Columns over blocks in falling volume. ``size`` is length, width, height, pieces, top length, top width."""

    size: Any  # int64[n, 6]
    volume: Any  # int64[n], of the boxes, not of the envelope
    kinds: Any  # int64[n, 4], -1 where there are fewer
    counts: Any  # int64[n, 4]
    weight: Any  # int64[n], g
    pressure: Any  # int64[n], g/m² on what carries it
    top: Any  # int64[n], g/m² that its top still bears
    made: Any  # int64[n, 5]: how it is made, see ``parts``
    shapes: tuple[Shape, ...]

    def parts(self, block: int) -> list[tuple[int, int, int, int]]:
        """The boxes of a block from bottom to top: shape, and the offsets along the three axes from its corner."""
        how, a, b, c, d = (int(value) for value in self.made[block])
        if how == SIMPLE:
            one = self.shapes[a]
            return [
                (a, i * one.length, j * one.width, k * one.height)
                for k in range(d) for j in range(c) for i in range(b)
            ]  # fmt: skip
        step = [0, 0, 0]
        step[how - 1] = int(self.size[a, how - 1])
        return self.parts(a) + [(s, x + step[0], y + step[1], z + step[2]) for s, x, y, z in self.parts(b)]


def make_blocks(
    box: tuple[int, int, int], shapes: list[Shape], counts: list[int], weights: list[int], *, held: bool, most: int
) -> Blocks:
    """All blocks worth having for a container, at most ``most``; the largest first."""
    rows = list(_simple(box, shapes, counts, weights))
    rows.sort(key=lambda row: (-row[6], row))
    if len(rows) > most:
        rows = _thinned(rows, most)
    table = np.array(rows, np.int64).reshape(len(rows), ROW)
    if len(rows) < most and len(rows) > 0:
        table = _joined(table, np.array(box, np.int64), np.array(counts, np.int64), held, most)
    # children keep their index: the order by volume is a permutation that `made` follows
    order = np.lexsort((np.arange(len(table)), -table[:, 6]))
    place = np.empty(len(table), np.int64)
    place[order] = np.arange(len(table))
    table = table[order]
    made = table[:, 18:23].copy()
    joined = made[:, 0] > 0
    made[joined, 1], made[joined, 2] = place[made[joined, 1]], place[made[joined, 2]]
    return Blocks(
        np.ascontiguousarray(table[:, 0:6]),
        np.ascontiguousarray(table[:, 6]),
        np.ascontiguousarray(table[:, 7:11]),
        np.ascontiguousarray(table[:, 11:15]),
        np.ascontiguousarray(table[:, 15]),
        np.ascontiguousarray(table[:, 16]),
        np.ascontiguousarray(table[:, 17]),
        made,
        tuple(shapes),
    )


ROW = 23  # size 0-5, volume 6, kinds 7-10, counts 11-14, weight 15, pressure 16, top 17, made 18-22


def pressure_g_m2(weight_g: int, length: int, width: int) -> int:
    """Grams a square metre under a box, rounded up."""
    return -(-weight_g * 1_000_000 // (length * width))


def _thinned(rows: list[Any], most: int) -> list[Any]:
    """Half of what there may be: the largest, and of each kind and way to lie some of one, two, four … boxes."""
    some: dict[tuple[Any, ...], Any] = {}
    for row in rows[most // 2 :]:
        key = (row[19], row[3].bit_length(), row[20] == 1, row[21] == 1, row[22] == 1)
        some.setdefault(key, row)
    return [*rows[: most // 2], *some.values()][:most]


def _simple(box: tuple[int, int, int], shapes: list[Shape], counts: list[int], weights: list[int]) -> Any:
    for at, one in enumerate(shapes):
        press = pressure_g_m2(weights[one.kind], one.length, one.width)
        for nx in range(1, min(counts[one.kind], box[0] // one.length) + 1):
            for ny in range(1, min(counts[one.kind] // nx, box[1] // one.width) + 1):
                for nz in range(1, min(counts[one.kind] // (nx * ny), box[2] // one.height) + 1):
                    if (nz - 1) * press > one.bears:
                        break
                    n = nx * ny * nz
                    length, width, height = nx * one.length, ny * one.width, nz * one.height
                    yield (
                        length, width, height, n, length, width, length * width * height,
                        one.kind, -1, -1, -1, n, 0, 0, 0,
                        n * weights[one.kind], nz * press, one.bears - (nz - 1) * press,
                        SIMPLE, at, nx, ny, nz,
                    )  # fmt: skip


@njit(cache=True, nogil=True)
def _joined(simple: Any, box: Any, counts: Any, held: bool, most: int) -> Any:
    """Simple blocks and pairs of blocks along an axis; those joined first are joined again."""
    table = np.empty((most, simple.shape[1]), np.int64)
    n = simple.shape[0]
    table[:n] = simple
    seen = dict()  # noqa: C408 - numba's typed dictionary
    for i in range(n):
        seen[_mark(table[i])] = i
    row = np.empty(simple.shape[1], np.int64)
    first, last = 0, n
    while first < last and n < most:
        for axis in range(3):
            across = 1 if axis == 0 else 0  # pairs must be about as long on this side: others never fill the envelope
            order = np.argsort(table[:last, across])
            side = table[:last, across][order]
            low = 0
            for at in range(last):
                while side[low] * 1000 < side[at] * WHOLE:
                    low += 1
                for other in range(low, at + 1):
                    i, j = order[at], order[other]
                    if i < first and j < first:
                        continue  # tried in an earlier round
                    # along the floor a pair in the other order is its mirror image; on one another it is not
                    for turn in range(2 if axis == 2 and i != j else 1):
                        if turn == 1:
                            i, j = j, i
                        if not _join(table, i, j, axis, box, counts, held, row):
                            continue
                        mark = _mark(row)
                        if mark in seen:
                            continue
                        seen[mark] = n
                        table[n] = row
                        n += 1
                        if n == most:
                            return table
        first, last = last, n
    return table[:n].copy()


@njit(cache=True, nogil=True)
def _mark(row: Any) -> Any:
    mark = np.uint64(1469598103934665603)
    for at in (0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17):
        mark = (mark ^ np.uint64(row[at])) * np.uint64(1099511628211)
    return mark


@njit(cache=True, nogil=True)
def _join(table: Any, a: int, b: int, axis: int, box: Any, counts: Any, held: bool, row: Any) -> bool:
    """``b`` beside (x, y) or on (z) ``a`` into ``row``; False where that is no block."""
    one, two = table[a], table[b]
    total = one[axis] + two[axis]
    if total > box[axis]:
        return False
    envelope = total
    for other in range(3):
        if other != axis:
            if min(one[other], two[other]) * 1000 < max(one[other], two[other]) * WHOLE:
                return False
            envelope *= max(one[other], two[other])
    volume = one[6] + two[6]
    if volume * 1000 < envelope * WHOLE:
        return False
    for side in range(3):
        row[side] = total if side == axis else max(one[side], two[side])
    row[3] = one[3] + two[3]
    row[15] = one[15] + two[15]
    if axis == 2:
        if held and (two[0] > one[4] or two[1] > one[5] or two[16] > one[17]):
            return False
        row[4], row[5] = two[4], two[5]
        row[16] = one[16] + two[16]
        row[17] = min(two[17], one[17] - two[16]) if held else two[17]
    else:
        if held:
            if one[2] != two[2] or one[4 + axis] != one[axis]:
                return False
            row[4 + axis] = one[4 + axis] + two[4 + axis]
            row[5 - axis] = min(one[5 - axis], two[5 - axis])
        else:
            row[4], row[5] = row[0], row[1]
        row[16] = max(one[16], two[16])
        row[17] = min(one[17], two[17])
    row[6] = volume
    if not _add_counts(one, two, counts, row):
        return False
    row[18], row[19], row[20], row[21], row[22] = axis + 1, a, b, 0, 0
    return True


@njit(cache=True, nogil=True)
def _add_counts(one: Any, two: Any, counts: Any, row: Any) -> bool:
    for j in range(4):
        row[7 + j], row[11 + j] = one[7 + j], one[11 + j]
    for j in range(4):
        k = two[7 + j]
        if k < 0:
            break
        at = 0
        while at < 4 and row[7 + at] >= 0 and row[7 + at] != k:
            at += 1
        if at == 4:
            return False
        if row[7 + at] < 0:
            row[7 + at], row[11 + at] = k, 0
        row[11 + at] += two[11 + j]
        if row[11 + at] > counts[k]:
            return False
    return True
