"""The independent checker of load plans: it reads problem and plan as plain JSON values.

It shares no code with the loader and looks at every rule in its own way: overlap by a sweep along the length, support
by the area of contacts, weight on top passed down through contacts in proportion to their area, unloading by asking of
every two boxes whether one bars the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from routing.loading import check_kernel as kernel

Row = Mapping[str, Any]
AXES = (("x_mm", "length_mm"), ("y_mm", "width_mm"), ("z_mm", "height_mm"))
M2 = 1_000_000  # mm² in a m²
MOST_G = 1_000_000_000
"""Heavier boxes are summed in Python's numbers, which do not overflow."""


@dataclass(frozen=True)
class Finding:
    """One fault: the rule broken, where, in words."""

    rule: str
    where: str
    text: str


@dataclass(frozen=True)
class Boxes:
    """The boxes of a load as the checker sees them: names, and a row each of corners, g, what the top bears in g/m²
    (-1: anything), stop and turn. Weights that are no whole numbers of a machine's size stand as Python's own.
    """

    names: Sequence[str]
    low: Any
    high: Any
    weight_g: Any
    bears: Any
    stop: Any
    step: Any
    kept: Any

    def base(self) -> Any:
        """Areas of the bases in mm²."""
        return (self.high[:, 0] - self.low[:, 0]) * (self.high[:, 1] - self.low[:, 1])


def boxes_of(names: Sequence[str], corners: Any, weights: Any, bears: Any, stop: Any, step: Any, kept: Any) -> Boxes:
    """Boxes out of x, y, z, length, width, height and the other columns."""
    spots = np.asarray(corners, np.int64).reshape(len(names), 6)
    grams = np.asarray(weights) if len(names) else np.zeros(0, np.int64)
    heavy = len(names) > 0 and grams.max() > MOST_G
    return Boxes(
        names, spots[:, :3].copy(), spots[:, :3] + spots[:, 3:], grams.astype(object if heavy else np.int64),
        np.asarray(bears, np.int64), np.asarray(stop, np.int64), np.asarray(step, np.int64), np.asarray(kept, np.bool_),
    )  # fmt: skip


def check(problem: Row, plan: Row) -> list[Finding]:
    """Every fault of a plan; an empty list for a sound one."""
    pieces = {one["id"]: one for one in problem["pieces"]}
    found = list(_complete(pieces, problem, plan))
    found += _orientation(pieces, plan)
    if plan["support"] != problem["support"]:
        found.append(Finding("sums", "support", f"{plan['support']} was not asked for"))
    boxes = _boxes([spot for spot in plan["spots"] if spot["kept"] or spot["piece"] in pieces], pieces, problem)
    found += standing(problem["container"], boxes, plan, full=problem["support"] == "full")
    return found


def standing(container: Row, boxes: Boxes, plan: Row, *, full: bool) -> list[Finding]:
    """Every fault of boxes that stand somewhere; ``plan``: what it says of itself (state, container and sums). Where
    two lie in one place, that is all that is said.
    """
    found = list(_inside(container, boxes))
    overlaps, contacts = _meetings(boxes)
    names = boxes.names
    found += [Finding("overlap", f"{names[a]}/{names[b]}", "two boxes lie in one place") for a, b in overlaps]
    if len(overlaps):
        return found
    on = Contacts(boxes, contacts)
    if full:
        found += _support(boxes, on)
    found += _bearing(container, boxes, on)
    found += _weight(container, boxes, plan)
    found += _turns(container, boxes)
    found += _sums(container, boxes, plan)
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


def _boxes(spots: Sequence[Row], pieces: Mapping[str, Row], problem: Row) -> Boxes:
    before = {one["id"]: one for one in problem["loaded"]}
    sources = [
        before.get(spot["piece"], {"weight_g": 0}) if spot["kept"] else pieces[spot["piece"]] for spot in spots
    ]  # fmt: skip
    return boxes_of(
        [spot["piece"] for spot in spots],
        [[spot[at] for at, _ in AXES] + [spot[size] for _, size in AXES] for spot in spots],
        [one["weight_g"] for one in sources],
        [-1 if one.get("bears_g_m2") is None else one["bears_g_m2"] for one in sources],
        [one.get("stop", 1) for one in sources], [spot["step"] for spot in spots], [spot["kept"] for spot in spots],
    )  # fmt: skip


def _inside(container: Row, boxes: Boxes) -> Iterator[Finding]:
    length, width, height = container["inner_mm"]
    held = np.zeros(len(boxes.names), np.bool_)
    for x1, y1, x2, y2, z2 in container["slabs_mm"] or [(0, 0, length, width, height)]:
        held |= (boxes.low >= (x1, y1, 0)).all(axis=1) & (boxes.high <= (x2, y2, z2)).all(axis=1)
    for i in np.flatnonzero(~held).tolist():
        yield Finding("inside", boxes.names[i], "sticks out of the container's contour")


def _meetings(boxes: Boxes) -> tuple[Any, Any]:
    """Pairs in one place, and pairs on one another (upper, lower, mm² of contact), by a sweep along the length."""
    order = np.argsort(boxes.low[:, 0], kind="stable")
    room = (8 * len(order) + 8, 8 * len(order) + 8)
    while True:
        overlaps, contacts = np.zeros((room[0], 2), np.int64), np.zeros((room[1], 3), np.int64)
        inside, touch = kernel.meetings(boxes.low, boxes.high, order, overlaps, contacts)
        if inside <= room[0] and touch <= room[1]:
            return overlaps[:inside], contacts[:touch]
        room = (inside, touch)


class Contacts:
    """What each box stands on: rows ``first[i]`` to ``first[i + 1]`` of ``lower`` and ``area`` (mm²)."""

    def __init__(self, boxes: Boxes, contacts: Any) -> None:
        order = np.argsort(contacts[:, 0], kind="stable")
        self.first = np.searchsorted(contacts[order, 0], np.arange(len(boxes.names) + 1))
        self.lower, self.area = contacts[order, 1].copy(), contacts[order, 2].copy()
        sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(self.area)))
        self.held = sums[self.first[1:]] - sums[self.first[:-1]]

    def under(self, i: int) -> list[tuple[int, int]]:
        """Index and area of contact of the boxes that one stands on."""
        rows = slice(self.first[i], self.first[i + 1])
        return list(zip(self.lower[rows].tolist(), self.area[rows].tolist(), strict=True))


def _support(boxes: Boxes, on: Contacts) -> Iterator[Finding]:
    base = boxes.base()
    for i in np.flatnonzero(~boxes.kept & (boxes.low[:, 2] != 0) & (on.held != base)).tolist():
        yield Finding("support", boxes.names[i], f"{on.held[i]} of {base[i]} mm² of its base are supported")


def _bearing(container: Row, boxes: Boxes, on: Contacts) -> Iterator[Finding]:
    """Weight passed down: looked over in floating point first, and in fractions where that may come near a limit."""
    floor = container.get("floor_g_m2")
    order = np.argsort(-boxes.low[:, 2], kind="stable")
    on_floor, base = boxes.low[:, 2] == 0, boxes.base()
    if not kernel.presses(
        order, on.first, on.lower, on.area.astype(float), base.astype(float), on_floor, boxes.weight_g.astype(float),
        boxes.bears, -1.0 if floor is None else float(floor),
    ):  # fmt: skip
        return
    load = [Fraction(int(one)) for one in boxes.weight_g]
    for i in order.tolist():
        if on_floor[i]:
            if floor is not None and load[i] * M2 > floor * int(base[i]):
                yield Finding("floor", boxes.names[i], f"presses the floor with more than {floor} g/m²")
            continue
        for lower, part in on.under(i):
            share = load[i] * part / int(on.held[i])
            load[lower] += share
            bears = int(boxes.bears[lower])
            if bears >= 0 and share * M2 > bears * part:
                text = f"{boxes.names[i]} presses {boxes.names[lower]} with more than {bears} g/m²"
                yield Finding("bearing", boxes.names[lower], text)


def _weight(container: Row, boxes: Boxes, plan: Row) -> Iterator[Finding]:
    total = int(boxes.weight_g.sum())
    if total > container["payload_g"]:
        yield Finding("payload", container["code"], f"{total} g, allowed {container['payload_g']} g")
    if total == 0 or plan["state"] != "loaded":
        return
    length, width, height = container["inner_mm"]
    middle = [Fraction(twice, 2 * total) for twice in _twice(boxes)]
    far = _far(boxes, length)
    half = max(far, total - far)
    if half * 1000 > container["half_permille"] * total + len(boxes.names) * 1000:
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


def _twice(boxes: Boxes) -> list[int]:
    """Weight times twice the middle, summed along each axis."""
    return [int((boxes.weight_g * (boxes.low[:, axis] + boxes.high[:, axis])).sum()) for axis in range(3)]


def _far(boxes: Boxes, length: int) -> Fraction:
    """Grams in the half away from the door, exact: boxes of one length are counted together."""
    sides = boxes.high[:, 0] - boxes.low[:, 0]
    inside = np.clip(np.minimum(2 * boxes.high[:, 0], length) - 2 * boxes.low[:, 0], 0, None)
    found = Fraction(0)
    for side in np.unique(sides):
        at = sides == side
        found += Fraction(int((boxes.weight_g[at] * inside[at]).sum()), 2 * int(side))
    return found


def _turns(container: Row, boxes: Boxes) -> Iterator[Finding]:
    """No box is set where an earlier one bars its way, and none leaves past or from under one of a later stop."""
    if sorted(boxes.step.tolist()) != list(range(1, len(boxes.names) + 1)):
        yield Finding("order", "steps", "the turns are not 1, 2, 3 …")
    room = 1000
    while True:
        found = np.zeros((room, 3), np.int64)
        count = kernel.barred(boxes.low, boxes.high, boxes.step, boxes.stop, boxes.kept, container["has_door"], found)
        if count <= room:
            break
        room = count
    for i, j, leaves in found[:count].tolist():
        one, other = boxes.names[i], boxes.names[j]
        if leaves:
            yield Finding("unloading", one, f"{other} of stop {boxes.stop[j]} bars its way out")
        else:
            yield Finding("order", one, f"{other} bars its way in at step {boxes.step[i]}")


def _sums(container: Row, boxes: Boxes, plan: Row) -> Iterator[Finding]:
    volume = int((boxes.base() * (boxes.high[:, 2] - boxes.low[:, 2])).sum())
    if volume != plan["volume_mm3"]:
        yield Finding("sums", "volume_mm3", f"{plan['volume_mm3']}, counted {volume}")
    weight = int(boxes.weight_g.sum())
    if weight != plan["weight_g"]:
        yield Finding("sums", "weight_g", f"{plan['weight_g']}, counted {weight}")
    for name, twice in zip(("x_mm", "y_mm", "z_mm"), _twice(boxes), strict=True):
        if weight and abs(2 * weight * plan["gravity"][name] - twice) > 2 * weight:
            yield Finding("sums", f"gravity.{name}", f"{plan['gravity'][name]}, counted {twice / weight / 2:.0f}")
    if plan["container"] != container["code"]:
        yield Finding("sums", "container", f"{plan['container']} is not {container['code']}")
