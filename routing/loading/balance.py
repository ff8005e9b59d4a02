"""Where the weight of a load lies, and whether that may be: halves, sides, height, axles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.loading.cargo import Container
from routing.loading.plan import Gravity

MOST_G = 10**13
"""Heavier loads are summed in Python's numbers, which do not overflow."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One box where it stands. ``piece`` is its kind, ``part`` the index of its kind in the problem (-1: kept)."""

    piece: str
    part: int
    x: int
    y: int
    z: int
    length: int
    width: int
    height: int
    weight_g: int
    stop: int


def columns(boxes: Sequence[Placed]) -> tuple[Any, Any]:
    """Places (x, y, z, length, width, height) and weights as columns."""
    spots = [(one.x, one.y, one.z, one.length, one.width, one.height) for one in boxes]
    heavy = sum(one.weight_g for one in boxes) > MOST_G
    weights = np.array([one.weight_g for one in boxes], object if heavy else np.int64)
    return np.array(spots, np.int64).reshape(len(boxes), 6), weights


def gravity(container: Container, boxes: Sequence[Placed]) -> Gravity:
    """The figures of a load; an empty one lies in the middle of the floor."""
    return gravity_of(container, *columns(boxes))


def gravity_of(container: Container, spots: Any, weights: Any) -> Gravity:
    """The same out of `columns`."""
    total = int(weights.sum())
    length, width, _ = container.inner_mm
    if total == 0:
        return _with_axles(container, Gravity(x_mm=length // 2, y_mm=width // 2, z_mm=0, half_permille=500), 0)
    x, y, z = (int((weights * (2 * spots[:, at] + spots[:, at + 3])).sum()) // (2 * total) for at in range(3))
    # doubled lengths keep the half of an odd length whole
    twice = 2 * spots[:, 3]
    far = int((weights * np.clip(length - 2 * spots[:, 0], 0, twice) // twice).sum())
    half = -(-max(far, total - far) * 1000 // total)
    return _with_axles(container, Gravity(x_mm=x, y_mm=y, z_mm=z, half_permille=half), total)


def _with_axles(container: Container, found: Gravity, total: int) -> Gravity:
    axles = container.axles
    if axles is None:
        return found
    rear = total * (found.x_mm - axles.front_mm) // (axles.rear_mm - axles.front_mm)
    return found.model_copy(update={"front_axle_g": total - rear, "rear_axle_g": rear})


def faults(container: Container, found: Gravity) -> list[str]:
    """Names of the limits that a load breaks: half, lateral, height, front_axle, rear_axle."""
    _, width, height = container.inner_mm
    broken = []
    if found.half_permille > container.half_permille:
        broken.append("half")
    if abs(2 * found.y_mm - width) * 1000 > 2 * container.lateral_permille * width:
        broken.append("lateral")
    if found.z_mm * 1000 > container.height_permille * height:
        broken.append("height")
    if container.axles and (found.front_axle_g or 0) > container.axles.front_limit_g:
        broken.append("front_axle")
    if container.axles and (found.rear_axle_g or 0) > container.axles.rear_limit_g:
        broken.append("rear_axle")
    return broken


def balanced(container: Container, boxes: Sequence[Placed], *, fixed: bool, turns: bool) -> list[Placed] | None:
    """The load where it stands, mirrored, or slid as a whole so that all limits hold; None where none of these does.

    ``fixed`` loads (part of them stood there before) stay; ``turns`` says whether the load may be mirrored lengthwise
    (never where stops are unloaded in turn).
    """
    held = balanced_at(container, *columns(boxes), fixed=fixed, turns=turns)
    if held is None:
        return None
    return [
        Placed(one.piece, one.part, x, y, one.z, one.length, one.width, one.height, one.weight_g, one.stop)
        for one, (x, y) in zip(boxes, held[:, :2].tolist(), strict=True)
    ]


def balanced_at(container: Container, spots: Any, weights: Any, *, fixed: bool, turns: bool) -> Any:
    """The same out of `columns`: the places that hold, or None."""
    for way in _ways(container, spots, weights, fixed=fixed, turns=turns):
        if not faults(container, gravity_of(container, way, weights)):
            return way
    return None


def _ways(container: Container, spots: Any, weights: Any, *, fixed: bool, turns: bool) -> Iterator[Any]:
    """One after the other, for most loads hold where they stand."""
    ways = [spots]
    yield spots
    if fixed or container.slabs_mm or not len(spots):
        return
    for axis in (1, 0) if turns else (1,):
        mirrored = [_mirrored(container, way, axis) for way in ways]
        yield from mirrored
        ways += mirrored
    for way in ways:
        yield from _slid(container, way, weights)


def _mirrored(container: Container, spots: Any, axis: int) -> Any:
    found = spots.copy()
    found[:, axis] = container.inner_mm[axis] - spots[:, axis] - spots[:, axis + 3]
    return found


def _slid(container: Container, spots: Any, weights: Any) -> Iterator[Any]:
    """The whole load moved as far towards the middle as there is room, along one axis or both, and along the length in
    eighths of its play: axles want it somewhere between."""
    length, width, _ = container.inner_mm
    x1, y1 = (int(least) for least in spots[:, :2].min(axis=0))
    x2, y2 = (int(most) for most in (spots[:, :2] + spots[:, 3:5]).max(axis=0))
    found = gravity_of(container, spots, weights)
    dx = min(max(length // 2 - found.x_mm, -x1), length - x2)
    dy = min(max(width // 2 - found.y_mm, -y1), width - y2)
    play = length - x2 + x1
    moves = [(dx, 0), (0, dy), (dx, dy), *((play * eighth // 8 - x1, dy) for eighth in range(9))]
    for a, b in moves:
        moved = spots.copy()
        moved[:, :2] += (a, b)
        yield moved
