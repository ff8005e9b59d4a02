"""The independent checker of load plans: it reads problem and plan as plain JSON values.

It shares no code with the loader and looks at every rule in its own way: overlap by a sweep along the length, support
by the area of contacts, weight on top passed down through contacts in proportion to their area, unloading by taking the
boxes out again in the reverse of the loading order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

Row = Mapping[str, Any]
AXES = (("x_mm", "length_mm"), ("y_mm", "width_mm"), ("z_mm", "height_mm"))
M2 = 1_000_000  # mm² in a m²


@dataclass(frozen=True)
class Finding:
    """One fault: the rule broken, where, in words."""

    rule: str
    where: str
    text: str


@dataclass(frozen=True)
class Box:
    """One box as the checker sees it: edges, weight, what its top bears, its stop and turn."""

    name: str
    low: tuple[int, int, int]
    high: tuple[int, int, int]
    weight_g: int
    bears: int | None
    stop: int
    step: int
    kept: bool

    def base(self) -> int:
        """Area of the base in mm²."""
        return (self.high[0] - self.low[0]) * (self.high[1] - self.low[1])


def check(problem: Row, plan: Row) -> list[Finding]:
    """Every fault of a plan; an empty list for a sound one."""
    pieces = {one["id"]: one for one in problem["pieces"]}
    found = list(_complete(pieces, problem, plan))
    found += _orientation(pieces, plan)
    if plan["support"] != problem["support"]:
        found.append(Finding("sums", "support", f"{plan['support']} was not asked for"))
    boxes = [_box(spot, pieces, problem) for spot in plan["spots"] if spot["kept"] or spot["piece"] in pieces]
    found += _inside(problem["container"], boxes)
    pairs = list(_touching(boxes))
    overlaps = [(a, b) for a, b in pairs if _volume(boxes[a], boxes[b]) > 0]
    found += [Finding("overlap", f"{boxes[a].name}/{boxes[b].name}", "two boxes lie in one place") for a, b in overlaps]
    if overlaps:
        return found
    on = _contacts(boxes, pairs)
    if problem["support"] == "full":
        found += _support(boxes, on)
    found += _bearing(problem["container"], boxes, on)
    found += _weight(problem["container"], boxes, plan)
    found += _turns(problem["container"], boxes)
    found += _sums(problem["container"], boxes, plan)
    return found


def _complete(pieces: Mapping[str, Row], problem: Row, plan: Row) -> Iterator[Finding]:
    inside = Counter(spot["piece"] for spot in plan["spots"] if not spot["kept"])
    out = Counter[str]()
    for one in plan["left_out"]:
        out[one["piece"]] += one["count"]
        if one["count"] < 1 or not one["reason"]:
            yield Finding("complete", one["piece"], "left out without a number or a reason")
    for name in inside.keys() | out.keys() | pieces.keys():
        if name not in pieces:
            yield Finding("complete", name, "nobody asked for this piece")
        elif inside[name] + out[name] != pieces[name]["count"]:
            yield Finding("complete", name, f"{inside[name]} inside and {out[name]} out of {pieces[name]['count']}")
    kept = sorted(_place(spot) for spot in plan["spots"] if spot["kept"])
    if kept != sorted(_place({**one, "piece": one["id"]}) for one in problem["loaded"]):
        yield Finding("kept", "loaded", "what stood in the container before was moved")
    for name in {one["together"] for one in pieces.values() if one.get("together")}:
        group = [one for one in pieces.values() if one.get("together") == name]
        if any(inside[one["id"]] for one in group) and any(inside[one["id"]] != one["count"] for one in group):
            yield Finding("together", str(name), "a group is torn: part of it stays out")


def _place(spot: Row) -> tuple[Any, ...]:
    return (spot["piece"], *(spot[name] for pair in AXES for name in pair))


def _orientation(pieces: Mapping[str, Row], plan: Row) -> Iterator[Finding]:
    for spot in plan["spots"]:
        piece = pieces.get(spot["piece"])
        if spot["kept"] or piece is None:
            continue
        ups = ("height",) if piece["upright"] else piece["vertical"]
        names = ("length", "width", "height")
        lies = [spot[f"{name}_mm"] for name in names]
        if spot["stop"] != piece["stop"]:
            yield Finding("unloading", spot["piece"], f"is for stop {piece['stop']}, not {spot['stop']}")
        fits = False
        for up in ups:
            floor = sorted(piece[f"{name}_mm"] for name in names if name != up)
            fits = fits or (lies[2] == piece[f"{up}_mm"] and sorted(lies[:2]) == floor)
        if not fits:
            yield Finding("orientation", spot["piece"], f"may not lie as {lies}")


def _box(spot: Row, pieces: Mapping[str, Row], problem: Row) -> Box:
    if spot["kept"]:
        source = next((one for one in problem["loaded"] if one["id"] == spot["piece"]), {"weight_g": 0})
    else:
        source = pieces[spot["piece"]]
    low = tuple(spot[at] for at, _ in AXES)
    high = tuple(spot[at] + spot[size] for at, size in AXES)
    return Box(
        spot["piece"], low, high, source["weight_g"], source.get("bears_g_m2"), source.get("stop", 1), spot["step"],
        spot["kept"],
    )  # fmt: skip


def _inside(container: Row, boxes: Sequence[Box]) -> Iterator[Finding]:
    length, width, height = container["inner_mm"]
    slabs = container["slabs_mm"] or [(0, 0, length, width, height)]
    for one in boxes:
        if not any(
            one.low[0] >= x1 and one.low[1] >= y1 and one.low[2] >= 0 and one.high[0] <= x2 and one.high[1] <= y2
            and one.high[2] <= z2
            for x1, y1, x2, y2, z2 in slabs
        ):  # fmt: skip
            yield Finding("inside", one.name, "sticks out of the container's contour")


def _touching(boxes: Sequence[Box]) -> Iterator[tuple[int, int]]:
    """Pairs whose shadows on the floor overlap, by a sweep along the length."""
    order = sorted(range(len(boxes)), key=lambda i: boxes[i].low[0])
    open_: list[int] = []
    for i in order:
        open_ = [j for j in open_ if boxes[j].high[0] > boxes[i].low[0]]
        for j in open_:
            if boxes[j].low[1] < boxes[i].high[1] and boxes[i].low[1] < boxes[j].high[1]:
                yield (j, i)
        open_.append(i)


def _shared(a: Box, b: Box, axis: int) -> int:
    return min(a.high[axis], b.high[axis]) - max(a.low[axis], b.low[axis])


def _volume(a: Box, b: Box) -> int:
    sides = [_shared(a, b, axis) for axis in range(3)]
    return 0 if min(sides) <= 0 else sides[0] * sides[1] * sides[2]


def _contacts(boxes: Sequence[Box], pairs: Sequence[tuple[int, int]]) -> dict[int, list[tuple[int, int]]]:
    """For each box the boxes it stands on, with the area of contact in mm²."""
    on: dict[int, list[tuple[int, int]]] = {}
    for a, b in pairs:
        for upper, lower in ((a, b), (b, a)):
            if boxes[upper].low[2] == boxes[lower].high[2]:
                area = _shared(boxes[a], boxes[b], 0) * _shared(boxes[a], boxes[b], 1)
                on.setdefault(upper, []).append((lower, area))
    return on


def _support(boxes: Sequence[Box], on: Mapping[int, Sequence[tuple[int, int]]]) -> Iterator[Finding]:
    for i, one in enumerate(boxes):
        if one.kept or one.low[2] == 0:
            continue
        held = sum(area for _, area in on.get(i, ()))
        if held != one.base():
            yield Finding("support", one.name, f"{held} of {one.base()} mm² of its base are supported")


def _bearing(
    container: Row, boxes: Sequence[Box], on: Mapping[int, Sequence[tuple[int, int]]]
) -> Iterator[Finding]:  # fmt: skip
    load = {i: Fraction(one.weight_g) for i, one in enumerate(boxes)}
    floor = container.get("floor_g_m2")
    for i in sorted(range(len(boxes)), key=lambda i: -boxes[i].low[2]):
        one = boxes[i]
        if one.low[2] == 0:
            if floor is not None and load[i] * M2 > floor * one.base():
                yield Finding("floor", one.name, f"presses the floor with more than {floor} g/m²")
            continue
        area = sum(part for _, part in on.get(i, ()))
        for lower, part in on.get(i, ()):
            share = load[i] * part / area
            load[lower] += share
            bears = boxes[lower].bears
            if bears is not None and share * M2 > bears * part:
                text = f"{one.name} presses {boxes[lower].name} with more than {bears} g/m²"
                yield Finding("bearing", boxes[lower].name, text)


def _weight(container: Row, boxes: Sequence[Box], plan: Row) -> Iterator[Finding]:
    total = sum(one.weight_g for one in boxes)
    if total > container["payload_g"]:
        yield Finding("payload", container["code"], f"{total} g, allowed {container['payload_g']} g")
    if total == 0 or plan["state"] != "loaded":
        return
    length, width, height = container["inner_mm"]
    middle = [
        Fraction(sum(one.weight_g * (one.low[axis] + one.high[axis]) for one in boxes), 2 * total) for axis in range(3)
    ]
    far = sum(
        Fraction(one.weight_g) * _part(one.low[0], one.high[0], Fraction(length, 2)) for one in boxes
    )  # fmt: skip
    half = max(far, total - far)
    if half * 1000 > container["half_permille"] * total + len(boxes) * 1000:
        yield Finding("balance", "half", f"{float(half / total):.1%} of the mass lies in one half of the length")
    if abs(middle[1] - Fraction(width, 2)) * 1000 > container["lateral_permille"] * width + 1000:
        yield Finding("balance", "lateral", f"the centre of gravity lies {float(middle[1]):.0f} mm from the left wall")
    if middle[2] * 1000 > container["height_permille"] * height + 1000:
        yield Finding("balance", "height", f"the centre of gravity lies {float(middle[2]):.0f} mm high")
    if axles := container.get("axles"):
        rear = total * (middle[0] - axles["front_mm"]) / (axles["rear_mm"] - axles["front_mm"])
        slack = Fraction(total, axles["rear_mm"] - axles["front_mm"])
        if rear > axles["rear_limit_g"] + slack:
            yield Finding("axle", "rear", f"{float(rear):.0f} g, allowed {axles['rear_limit_g']} g")
        if total - rear > axles["front_limit_g"] + slack:
            yield Finding("axle", "front", f"{float(total - rear):.0f} g, allowed {axles['front_limit_g']} g")


def _part(low: int, high: int, end: Fraction) -> Fraction:
    return max(Fraction(0), min(Fraction(high), end) - low) / (high - low)


def _turns(container: Row, boxes: Sequence[Box]) -> Iterator[Finding]:
    """No box is set where an earlier one bars its way, and none leaves past or from under one of a later stop."""
    if sorted(one.step for one in boxes) != list(range(1, len(boxes) + 1)):
        yield Finding("order", "steps", "the turns are not 1, 2, 3 …")
    bars = _bars(boxes, by_door=container["has_door"])
    for i, j in zip(*np.nonzero(bars), strict=True):
        one, other = boxes[i], boxes[j]
        if other.step < one.step and not one.kept:
            yield Finding("order", one.name, f"{other.name} bars its way in at step {one.step}")
        if other.stop > one.stop and not (one.kept and other.kept):
            yield Finding("unloading", one.name, f"{other.name} of stop {other.stop} bars its way out")


def _bars(boxes: Sequence[Box], *, by_door: bool) -> Any:
    """bool[one, other]: the other stands over the one, or (by the door) between it and the door."""
    low = np.array([one.low for one in boxes], np.int64).reshape(len(boxes), 3)
    high = np.array([one.high for one in boxes], np.int64).reshape(len(boxes), 3)
    shared = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None]) > 0
    found = (low[None, :, 2] >= high[:, None, 2]) & shared[..., 0] & shared[..., 1]
    if by_door:
        found |= (low[None, :, 0] >= high[:, None, 0]) & shared[..., 1] & shared[..., 2]
    return found


def _sums(container: Row, boxes: Sequence[Box], plan: Row) -> Iterator[Finding]:
    volume = sum((b.high[0] - b.low[0]) * (b.high[1] - b.low[1]) * (b.high[2] - b.low[2]) for b in boxes)
    if volume != plan["volume_mm3"]:
        yield Finding("sums", "volume_mm3", f"{plan['volume_mm3']}, counted {volume}")
    if sum(one.weight_g for one in boxes) != plan["weight_g"]:
        yield Finding("sums", "weight_g", f"{plan['weight_g']}, counted {sum(one.weight_g for one in boxes)}")
    for axis, name in enumerate(("x_mm", "y_mm", "z_mm")):
        weight = sum(one.weight_g for one in boxes)
        twice = sum(one.weight_g * (one.low[axis] + one.high[axis]) for one in boxes)
        if weight and abs(2 * weight * plan["gravity"][name] - twice) > 2 * weight:
            yield Finding("sums", f"gravity.{name}", f"{plan['gravity'][name]}, counted {twice / weight / 2:.0f}")
    if plan["container"] != container["code"]:
        yield Finding("sums", "container", f"{plan['container']} is not {container['code']}")
