"""A quick way to load upright cartons with full support: towers on strips across the floor.

Cartons of one footprint stand on one another; what is smaller may stand on a tower's top. Towers stand in strips from
wall to wall, strip after strip from the far end. The lowest roof under which everything finds floor is taken, so that
the goods cover the floor. Nothing is searched: where this finds no load, the loader is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Sides = tuple[int, int, int]
"""Length, width and height of an upright carton, the length not below the width."""
Place = tuple[int, int, int, int, int, int]
"""x, y, z, length, width and height of a placed carton."""
Foot = tuple[int, int]
Bears = Mapping[Foot, int]
"""The height up to which the floor bears towers of a footprint."""
Row = tuple[int, tuple[tuple[Foot, bool, int], ...]]
"""Area covered, and the towers of a strip as (footprint, turned, how many)."""
STEPS, MOST_SUMS, MOST_DEPTHS, MOST_FEET = 5, 60, 5, 12


@dataclass(slots=True)
class Tower:
    """Cartons on one another: the base's sides, what stands there as (length, width, height), and how high it is."""

    long: int
    short: int
    top: tuple[int, int]
    high: int = 0
    inside: list[Sides] = field(default_factory=list)

    def add(self, sides: Sides) -> None:
        """One more carton on top."""
        self.inside.append(sides)
        self.high += sides[2]
        self.top = sides[:2]


def stand(inner_mm: Sides, kinds: Mapping[Sides, int], bears: Bears | None = None) -> list[Place] | None:
    """Places of all cartons in the order of loading, or None where this way of loading has no room for them.

    With `bears` no tower is higher, and none carries another's cartons.
    """
    length, width, height = inner_mm
    floor = length * width
    volume = sum(a * b * c * n for (a, b, c), n in kinds.items())
    tallest = max(sides[2] for sides in kinds)
    if tallest > height:
        return None
    best = _under(inner_mm, kinds, height, bears)
    if best is None:
        return None
    low, high = max(tallest, volume // floor), height
    for _ in range(STEPS):
        middle = (low + high) // 2
        if not low < middle < high:
            break
        found = _under(inner_mm, kinds, middle, bears)
        if found is None:
            low = middle
        else:
            best, high = found, middle
    return best


def _under(inner_mm: Sides, kinds: Mapping[Sides, int], roof: int, bears: Bears | None) -> list[Place] | None:
    towers = _towers(kinds, roof, bears)
    if towers is None or sum(one.long * one.short for one in towers) > inner_mm[0] * inner_mm[1]:
        return None
    return _strips(towers, inner_mm[0], inner_mm[1])


def _towers(kinds: Mapping[Sides, int], roof: int, bears: Bears | None) -> list[Tower] | None:
    """Towers of each footprint, the largest first; what is left of a footprint stands on others where it can. None
    where the floor does not bear a carton.
    """
    heights: dict[tuple[int, int], dict[int, int]] = {}
    for (long, short, high), count in kinds.items():
        heights.setdefault((long, short), {})[high] = count
    towers: list[Tower] = []
    for foot in sorted(heights, key=lambda foot: (-foot[0] * foot[1], foot)):
        left = dict(sorted(heights[foot].items(), reverse=True))
        while any(left.values()):
            column = _column(left, roof if bears is None else min(roof, bears[foot]))
            if not column:
                return None
            counted = Counter(column)
            times = min(left[high] // count for high, count in counted.items())
            for high, count in counted.items():
                left[high] -= count * times
            inside = [(*foot, high) for high in column]
            if bears is None and not any(left.values()) and _spread(towers, inside, roof):
                times -= 1
            towers += [Tower(*foot, foot, sum(column), list(inside)) for _ in range(times)]
    return towers


def _column(left: Mapping[int, int], roof: int) -> list[int]:
    """Heights that together come near the roof: as many of the tallest as leave room for a good rest."""
    best: list[int] = []
    kinds = [high for high, count in left.items() if count]
    for first in range(len(kinds)):
        for less in range(3):
            column: list[int] = []
            room = roof
            for turn, high in enumerate(kinds[first:]):
                most = min(left[high], room // high)
                take = max(0, most - less) if turn == 0 else most
                column += [high] * take
                room -= high * take
            if sum(column) > sum(best):
                best = column
    return best


def _spread(towers: list[Tower], cartons: Sequence[Sides], roof: int) -> bool:
    """Whether all these cartons found a top that carries them whole; if not, nothing is changed."""
    plan: list[tuple[Tower, Sides]] = []
    high = {id(one): one.high for one in towers}
    tops = {id(one): one.top for one in towers}
    for sides in cartons:
        fits = [
            one
            for one in towers
            if high[id(one)] + sides[2] <= roof and tops[id(one)][0] >= sides[0] and tops[id(one)][1] >= sides[1]
        ]
        if not fits:
            return False
        found = min(fits, key=lambda one: (tops[id(one)][0] * tops[id(one)][1], roof - high[id(one)]))
        high[id(found)] += sides[2]
        tops[id(found)] = sides[:2]
        plan.append((found, sides))
    for tower, sides in plan:
        tower.add(sides)
    return True


def _strips(towers: Sequence[Tower], length: int, width: int) -> list[Place] | None:
    """Strips from the far end; each is as deep as one side of the towers and filled across as well as it can be."""
    waiting: dict[tuple[int, int], list[Tower]] = {}
    for one in towers:
        waiting.setdefault((one.long, one.short), []).append(one)
    found: list[Place] = []
    at = 0
    while waiting:
        depth, row = _row(waiting, width, length - at)
        if not row:
            return None
        times = min(len(waiting[foot]) // sum(one == foot for one, _ in row) for foot, _ in row)
        for _ in range(max(1, min(times, (length - at) // depth))):
            across = 0
            for foot, turned in row:
                tower = waiting[foot].pop()
                _put(found, tower, at, across, turned)
                across += foot[0] if not turned else foot[1]
            at += depth
        waiting = {foot: held for foot, held in waiting.items() if held}
    return found


def _put(found: list[Place], tower: Tower, x: int, y: int, turned: bool) -> None:
    z = 0
    for long, short, high in tower.inside:
        along, across = (long, short) if turned else (short, long)
        found.append((x, y, z, along, across, high))
        z += high


def _row(waiting: Mapping[Foot, Sequence[Tower]], width: int, room: int) -> tuple[int, list[tuple[Foot, bool]]]:
    """The depth and the towers of the strip that wastes least of its floor; `turned` towers lie along the length."""
    area = {foot: foot[0] * foot[1] * len(held) for foot, held in waiting.items()}
    by_side: dict[int, int] = {}
    for foot, whole in area.items():
        for side in set(foot):
            by_side[side] = by_side.get(side, 0) + whole
    depths = sorted((side for side in by_side if side <= room), key=lambda side: (-by_side[side], side))
    best: tuple[float, int, Row] = (0.0, 0, (0, ()))
    for depth in depths[:MOST_DEPTHS]:
        feet = sorted((foot for foot in waiting if foot[1] <= depth), key=lambda foot: (-area[foot], foot))
        row = _across(waiting, feet[:MOST_FEET], depth, width)
        share = row[0] / (depth * width)
        if share > best[0]:
            best = (share, depth, row)
    return best[1], [(foot, turned) for foot, turned, count in best[2][1] for _ in range(count)]


def _across(waiting: Mapping[Foot, Sequence[Tower]], feet: Sequence[Foot], depth: int, width: int) -> Row:
    """The towers that cover most of a strip: the best row for each width reached, foot after foot."""
    sums: dict[int, Row] = {0: (0, ())}
    for foot in feet:
        turned = foot[0] <= depth
        across = foot[1] if turned else foot[0]
        for total, (area, row) in list(sums.items()):
            for count in range(1, min(len(waiting[foot]), (width - total) // across) + 1):
                reached, more = total + count * across, area + count * foot[0] * foot[1]
                if reached not in sums or sums[reached][0] < more:
                    sums[reached] = (more, (*row, (foot, turned, count)))
        if len(sums) > MOST_SUMS:
            sums = dict(sorted(sums.items(), key=lambda one: -one[1][0])[:MOST_SUMS])
    return max(sums.values(), key=lambda row: row[0])
