"""The compiled heart of the loader: free spaces, greedy completion and the choice of the next block.

Everything here is plain integer arrays, so that it can be compiled by numba; what the columns mean stands in
:mod:`routing.loading.blocks` and :mod:`routing.loading.beam`. Lengths are of one unit (mm for cargo, cm for the
benchmark files), a free space is ``x1 y1 z1 x2 y2 z2`` and its bearing is the pressure its floor may still carry.

Method: maximal free spaces, the space nearest to a corner of the container, and for each block the volume times what it
wastes, touches and is made of (VCS of Araya, Guerrero and Nuñez, "VCS: a new heuristic function for selecting boxes in
the single container loading problem", Computers & Operations Research 82, 2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

MAX_SPACES = 1500
MAX_PLACED = 1200


@njit(cache=True, nogil=True)
def nearest_space(spaces: Any, n: int, box: Any, both_ends: bool, tops: bool) -> tuple[int, int]:
    """The free space whose corner is nearest to the container's same corner, and that corner as bits x, y, z."""
    best, best_far, best_low, best_corner = -1, 1 << 60, 1 << 60, 0
    for i in range(n):
        s = spaces[i]
        dx0, dx1 = s[0], box[0] - s[3]
        dy0, dy1 = s[1], box[1] - s[4]
        dz0, dz1 = s[2], box[2] - s[5]
        corner = 0
        dx, dy, dz = dx0, dy0, dz0
        if both_ends and dx1 < dx0:
            dx, corner = dx1, corner | 1
        if dy1 < dy0:
            dy, corner = dy1, corner | 2
        if tops and dz1 < dz0:
            dz, corner = dz1, corner | 4
        far = dx + dy + dz
        size = (s[3] - s[0]) * (s[4] - s[1]) * (s[5] - s[2])
        if far < best_far or (far == best_far and size > best_low):
            best, best_far, best_low, best_corner = i, far, size, corner
    return best, best_corner


@njit(cache=True, nogil=True)
def touching(x: int, y: int, z: int, ln: int, w: int, h: int, box: Any, placed: Any, n: int, near: Any) -> float:
    """Share of a block's surface that lies against a wall or another block (within ``near``)."""
    total = 2.0 * (ln * w + ln * h + w * h)
    area = 0.0
    if x <= near[0]:
        area += w * h
    if x + ln >= box[0] - near[0]:
        area += w * h
    if y <= near[1]:
        area += ln * h
    if y + w >= box[1] - near[1]:
        area += ln * h
    if z <= near[2]:
        area += ln * w
    if z + h >= box[2] - near[2]:
        area += ln * w
    for i in range(n):
        p = placed[i]
        ox = min(x + ln, p[4]) - max(x, p[1])
        oy = min(y + w, p[5]) - max(y, p[2])
        oz = min(z + h, p[6]) - max(z, p[3])
        if oy > 0 and oz > 0 and ox <= 0 and ox >= -near[0]:
            area += oy * oz
        elif ox > 0 and oz > 0 and oy <= 0 and oy >= -near[1]:
            area += ox * oz
        elif ox > 0 and oy > 0 and oz <= 0 and oz >= -near[2]:
            area += ox * oy
    return min(1.0, area / total)


@njit(cache=True, nogil=True)
def rank(
    space: Any, corner: int, box: Any, blocks: Any, volume: Any, kinds: Any, counts: Any, live: Any, n_live: int,
    left: Any, weight: Any, weight_left: int, pressure: Any, bearing: int, placed: Any, n_placed: int, reach: Any,
    near: Any, alpha: float, beta: float, gamma: float, want: int, out: Any, score: Any,
) -> int:  # fmt: skip
    """The ``want`` best blocks for a space, best first, into ``out`` and ``score``; returns how many fit.

    ``live`` holds the blocks in falling volume: no score is above its block's volume, so the scan ends early.
    """
    sl, sw, sh = space[3] - space[0], space[4] - space[1], space[5] - space[2]
    room = float(sl) * sw * sh
    found = 0
    for at in range(n_live):
        b = live[at]
        v = float(volume[b])
        if found == want and v <= score[want - 1]:
            break
        ln, w, h = blocks[b, 0], blocks[b, 1], blocks[b, 2]
        if ln > sl or w > sw or h > sh or weight[b] > weight_left or pressure[b] > bearing:
            continue
        fits = True
        for j in range(kinds.shape[1]):
            k = kinds[b, j]
            if k < 0:
                break
            if counts[b, j] > left[k]:
                fits = False
                break
        if not fits:
            continue
        used = float(ln + reach[0, sl - ln]) * (w + reach[1, sw - w]) * (h + reach[2, sh - h])
        s = v * (used / room) ** beta * blocks[b, 3] ** -gamma
        if found == want and s <= score[want - 1]:
            continue
        if alpha > 0.0:
            x = space[3] - ln if corner & 1 else space[0]
            y = space[4] - w if corner & 2 else space[1]
            z = space[5] - h if corner & 4 else space[2]
            s *= touching(x, y, z, ln, w, h, box, placed, n_placed, near) ** alpha
            if found == want and s <= score[want - 1]:
                continue
        i = found if found < want else want - 1
        while i > 0 and score[i - 1] < s:
            score[i], out[i] = score[i - 1], out[i - 1]
            i -= 1
        score[i], out[i] = s, b
        if found < want:
            found += 1
    return found


@njit(cache=True, nogil=True)
def cut(
    spaces: Any, bearings: Any, n: int, x: int, y: int, z: int, ln: int, w: int, h: int, tl: int, tw: int, corner: int,
    top_bearing: int, held: bool, least: Any, fresh: Any, fresh_bearings: Any,
) -> int:  # fmt: skip
    """Take a placed block out of all free spaces; returns how many are left."""
    x2, y2, z2 = x + ln, y + w, z + h
    kept, made = 0, 0
    for i in range(n):
        a, b, c, d, e, f = spaces[i, 0], spaces[i, 1], spaces[i, 2], spaces[i, 3], spaces[i, 4], spaces[i, 5]
        if x >= d or x2 <= a or y >= e or y2 <= b or z >= f or z2 <= c:
            if kept != i:
                for j in range(6):
                    spaces[kept, j] = spaces[i, j]
                bearings[kept] = bearings[i]
            kept += 1
            continue
        carry = bearings[i]
        if x - a >= least[0]:
            made = _push(fresh, fresh_bearings, made, a, b, c, x, e, f, carry)
        if d - x2 >= least[0]:
            made = _push(fresh, fresh_bearings, made, x2, b, c, d, e, f, carry)
        if y - b >= least[1]:
            made = _push(fresh, fresh_bearings, made, a, b, c, d, y, f, carry)
        if e - y2 >= least[1]:
            made = _push(fresh, fresh_bearings, made, a, y2, c, d, e, f, carry)
        if z - c >= least[2]:
            made = _push(fresh, fresh_bearings, made, a, b, c, d, e, z, carry)
        if f - z2 >= least[2]:
            if held:
                # the part of the block's own top that is whole: at the corner from which the block is built
                ta = x2 - tl if corner & 1 else x
                tb = y2 - tw if corner & 2 else y
                a2, d2 = max(a, ta), min(d, ta + tl)
                b2, e2 = max(b, tb), min(e, tb + tw)
                if d2 - a2 >= least[0] and e2 - b2 >= least[1]:
                    made = _push(fresh, fresh_bearings, made, a2, b2, z2, d2, e2, f, top_bearing)
            else:
                made = _push(fresh, fresh_bearings, made, a, b, z2, d, e, f, carry)
    return _merge(spaces, bearings, kept, fresh, fresh_bearings, made)


@njit(cache=True, nogil=True)
def _push(fresh: Any, carry: Any, n: int, a: int, b: int, c: int, d: int, e: int, f: int, bearing: int) -> int:
    if n < fresh.shape[0]:
        fresh[n, 0], fresh[n, 1], fresh[n, 2], fresh[n, 3], fresh[n, 4], fresh[n, 5] = a, b, c, d, e, f
        carry[n] = bearing
        return n + 1
    return n


@njit(cache=True, nogil=True)
def _inside(one: Any, other: Any) -> bool:
    return bool(
        one[0] >= other[0] and one[1] >= other[1] and one[2] >= other[2]
        and one[3] <= other[3] and one[4] <= other[4] and one[5] <= other[5]
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _merge(spaces: Any, bearings: Any, kept: int, fresh: Any, carry: Any, made: int) -> int:
    """Add new spaces that lie in no other."""
    n = kept
    for i in range(made):
        hidden = False
        for j in range(kept):
            if _inside(fresh[i], spaces[j]) and carry[i] <= bearings[j]:
                hidden = True
                break
        if not hidden:
            for j in range(made):
                if j != i and _inside(fresh[i], fresh[j]) and carry[i] <= carry[j]:
                    same = _inside(fresh[j], fresh[i]) and carry[j] <= carry[i]
                    if not same or j < i:
                        hidden = True
                        break
        if not hidden and n < spaces.shape[0]:
            for j in range(6):
                spaces[n, j] = fresh[i, j]
            bearings[n] = carry[i]
            n += 1
    return n


@njit(cache=True, nogil=True)
def put(
    b: int, space: Any, corner: int, blocks: Any, volume: Any, kinds: Any, counts: Any, weight: Any, pressure: Any,
    top: Any, spaces: Any, bearings: Any, n: int, bearing: int, left: Any, placed: Any, state: Any, held: bool,
    least: Any, fresh: Any, fresh_bearings: Any,
) -> int:  # fmt: skip
    """Place block ``b`` at a corner of a space. ``state`` is placed count, volume, weight left. Returns the spaces."""
    ln, w, h = blocks[b, 0], blocks[b, 1], blocks[b, 2]
    x = space[3] - ln if corner & 1 else space[0]
    y = space[4] - w if corner & 2 else space[1]
    z = space[5] - h if corner & 4 else space[2]
    p = placed[state[0]]
    p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7] = b, x, y, z, x + ln, y + w, z + h, corner
    state[0] += 1
    state[1] += volume[b]
    state[2] -= weight[b]
    for j in range(kinds.shape[1]):
        if kinds[b, j] < 0:
            break
        left[kinds[b, j]] -= counts[b, j]
    carry = min(top[b], bearing - pressure[b])
    return cut(
        spaces, bearings, n, x, y, z, ln, w, h, blocks[b, 4], blocks[b, 5], corner, carry, held, least, fresh,
        fresh_bearings,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def sift(live: Any, n_live: int, kinds: Any, counts: Any, left: Any, weight: Any, weight_left: int) -> int:
    """Drop the blocks that what is left cannot make any more."""
    kept = 0
    for at in range(n_live):
        b = live[at]
        fits = weight[b] <= weight_left
        if fits:
            for j in range(kinds.shape[1]):
                k = kinds[b, j]
                if k < 0:
                    break
                if counts[b, j] > left[k]:
                    fits = False
                    break
        if fits:
            live[kept] = b
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def complete(
    box: Any, blocks: Any, volume: Any, kinds: Any, counts: Any, weight: Any, pressure: Any, top: Any, live: Any,
    n_live: int, spaces: Any, bearings: Any, n: int, left: Any, placed: Any, state: Any, reach: Any, near: Any,
    least: Any, held: bool, both_ends: bool, tops: bool, alpha: float, beta: float, gamma: float, fresh: Any,
    fresh_bearings: Any, out: Any, score: Any,
) -> int:  # fmt: skip
    """Greedy: always the best block in the nearest space, until nothing fits. Changes all it is given."""
    space = np.empty(6, np.int64)
    while n > 0 and n_live > 0 and state[0] < placed.shape[0]:
        i, corner = nearest_space(spaces, n, box, both_ends, tops)
        for j in range(6):
            space[j] = spaces[i, j]
        bearing = bearings[i]
        found = rank(
            space, corner, box, blocks, volume, kinds, counts, live, n_live, left, weight, state[2], pressure,
            bearing, placed, state[0], reach, near, alpha, beta, gamma, 1, out, score,
        )  # fmt: skip
        if found == 0:
            for j in range(6):
                spaces[i, j] = spaces[n - 1, j]
            bearings[i] = bearings[n - 1]
            n -= 1
            continue
        n = put(
            out[0], space, corner, blocks, volume, kinds, counts, weight, pressure, top, spaces, bearings, n, bearing,
            left, placed, state, held, least, fresh, fresh_bearings,
        )  # fmt: skip
        n_live = sift(live, n_live, kinds, counts, left, weight, state[2])
    return n
