"""Where the weight of a load lies, and whether that may be: halves, sides, height, axles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from routing.loading.cargo import Container
from routing.loading.plan import Gravity


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


def gravity(container: Container, boxes: Sequence[Placed]) -> Gravity:
    """The figures of a load; an empty one lies in the middle of the floor."""
    total = sum(one.weight_g for one in boxes)
    length, width, _ = container.inner_mm
    if total == 0:
        return _with_axles(container, Gravity(x_mm=length // 2, y_mm=width // 2, z_mm=0, half_permille=500), 0)
    x = sum(one.weight_g * (2 * one.x + one.length) for one in boxes) // (2 * total)
    y = sum(one.weight_g * (2 * one.y + one.width) for one in boxes) // (2 * total)
    z = sum(one.weight_g * (2 * one.z + one.height) for one in boxes) // (2 * total)
    # doubled lengths keep the half of an odd length whole
    far = sum(one.weight_g * _covered(2 * one.x, 2 * one.length, length) // (2 * one.length) for one in boxes)
    half = -(-max(far, total - far) * 1000 // total)
    return _with_axles(container, Gravity(x_mm=x, y_mm=y, z_mm=z, half_permille=half), total)


def _covered(start: int, length: int, end: int) -> int:
    return max(0, min(length, end - start))


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
    for way in _ways(container, boxes, fixed=fixed, turns=turns):
        if not faults(container, gravity(container, way)):
            return way
    return None


def _ways(container: Container, boxes: Sequence[Placed], *, fixed: bool, turns: bool) -> Iterator[list[Placed]]:
    """One after the other, for most loads hold where they stand."""
    ways = [list(boxes)]
    yield ways[0]
    if fixed or container.slabs_mm or not boxes:
        return
    for axis in (1, 0) if turns else (1,):
        mirrored = [_mirrored(container, way, axis) for way in ways]
        yield from mirrored
        ways += mirrored
    for way in ways:
        yield from _slid(container, way)


def _mirrored(container: Container, boxes: Sequence[Placed], axis: int) -> list[Placed]:
    length, width, _ = container.inner_mm
    if axis == 0:
        return [_at(one, length - one.x - one.length, one.y) for one in boxes]
    return [_at(one, one.x, width - one.y - one.width) for one in boxes]


def _at(one: Placed, x: int, y: int) -> Placed:
    return Placed(one.piece, one.part, x, y, one.z, one.length, one.width, one.height, one.weight_g, one.stop)


def _slid(container: Container, boxes: Sequence[Placed]) -> Iterator[list[Placed]]:
    """The whole load moved as far towards the middle as there is room, along one axis or both, and along the length in
    eighths of its play: axles want it somewhere between."""
    length, width, _ = container.inner_mm
    x1, x2 = min(one.x for one in boxes), max(one.x + one.length for one in boxes)
    y1, y2 = min(one.y for one in boxes), max(one.y + one.width for one in boxes)
    found = gravity(container, boxes)
    dx = min(max(length // 2 - found.x_mm, -x1), length - x2)
    dy = min(max(width // 2 - found.y_mm, -y1), width - y2)
    play = length - x2 + x1
    moves = [(dx, 0), (0, dy), (dx, dy), *((play * eighth // 8 - x1, dy) for eighth in range(9))]
    for a, b in moves:
        yield [_at(one, one.x + a, one.y + b) for one in boxes]
