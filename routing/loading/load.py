"""Load one container: boxes into blocks, blocks into free spaces, stop after stop, then the balance and the order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from routing.loading import balance, sequence
from routing.loading.balance import Placed
from routing.loading.beam import Beam, State, Taste, seconds, work
from routing.loading.blocks import STRONG, Blocks, Shape, make_blocks, pressure_g_m2
from routing.loading.cargo import Container, LoadProblem, Piece
from routing.loading.kernel import MAX_SPACES, cut
from routing.loading.plan import LeftOut, LoadPlan, Spot

MOST_BLOCKS = 10_000
TASTES = (Taste(2.0, 2.0, 0.1, 0.0), Taste(4.0, 1.0, 0.2, 0.0), Taste(1.0, 1.0, 0.0, 0.02), Taste(2.0, 1.0, 0.1, 0.04))
Spent = Callable[[int], bool]


def make_load(
    problem: LoadProblem, *, seconds_limit: float = 10.0, work_limit: int | None = None, seed: int = 1,
    most_blocks: int = MOST_BLOCKS,
) -> LoadPlan:  # fmt: skip
    """The best load found in the time, or after ``work_limit`` greedy completions (then the same on any machine).

    Fewer ``most_blocks`` answer sooner and fill less.

    Pieces that must travel together and cannot are left out whole and the rest is loaded again.
    """
    started = time.perf_counter()
    limit = work_limit
    barred: dict[str, str] = {}
    rounds = 1 + len({piece.together for piece in problem.pieces if piece.together})
    boxes: list[Placed] = []
    tried = 0
    for turn in range(rounds):
        wanted = [piece for piece in problem.pieces if piece.id not in barred]
        share = max(0.2, (seconds_limit - (time.perf_counter() - started)) / (1 if turn else min(2, rounds)))
        boxes, n, sound = _rounds(problem, wanted, share, limit, seed, most_blocks)
        tried += n
        broken = _torn(problem.pieces, boxes, barred)
        if not broken:
            break
        out = min(broken)  # one group a time: without it another may fit
        barred |= {piece.id: "together" for piece in problem.pieces if piece.together == out}
    return _written(problem, boxes, barred, sound, seed, tried, started)


def _torn(pieces: Iterable[Piece], boxes: Sequence[Placed], barred: dict[str, str]) -> set[str]:
    count = Counter(one.piece for one in boxes)
    return {
        piece.together
        for piece in pieces
        if piece.together and piece.id not in barred and count[piece.id] < piece.count
    }


def _rounds(
    problem: LoadProblem, pieces: Sequence[Piece], share_s: float, limit: int | None, seed: int, most: int
) -> tuple[list[Placed], int, bool]:
    """The fullest load whose balance holds, else the fullest one. When the first taste's load cannot be balanced the
    others are tried, together for as long again."""
    fullest: tuple[int, list[Placed]] = (-1, [])
    tried = 0
    for turn in range(len(TASTES)):
        taste = TASTES[(seed - 1 + turn) % len(TASTES)]
        boxes, n = _stops(problem, pieces, taste, share_s if turn == 0 else share_s / (len(TASTES) - 1), limit, most)
        tried += n
        boxes, _ = sequence.loadable(boxes, by_door=problem.container.has_door)
        several = len({one.stop for one in boxes}) > 1
        held = balance.balanced(problem.container, boxes, fixed=bool(problem.loaded), turns=not several)
        if held is not None and len(sequence.loadable(held, by_door=problem.container.has_door)[0]) == len(held):
            return held, tried, True
        volume = sum(one.length * one.width * one.height for one in boxes)
        if volume > fullest[0]:
            fullest = (volume, boxes)
    return fullest[1], tried, False


def _stops(
    problem: LoadProblem, pieces: Sequence[Piece], taste: Taste, share_s: float, limit: int | None, most: int
) -> tuple[list[Placed], int]:
    """Load stop after stop, the last to be unloaded first; later stops never bar the way of earlier ones."""
    boxes = [
        Placed(
            one.id, -1, one.x_mm, one.y_mm, one.z_mm, one.length_mm, one.width_mm, one.height_mm, one.weight_g, one.stop
        )
        for one in problem.loaded
    ]  # fmt: skip
    tops = {id(box): one.bears_g_m2 for box, one in zip(boxes, problem.loaded, strict=True)}
    stops = sorted({piece.stop for piece in pieces}, reverse=True)
    tried = 0
    for stop in stops:
        here = [piece for piece in pieces if piece.stop == stop]
        spent = _limit(share_s / len(stops), limit)
        fresh, n = _fill(problem, here, boxes, tops, stop, taste, spent, most)
        boxes += fresh
        for box in fresh:
            tops[id(box)] = problem.pieces[box.part].bears_g_m2
        tried += n
    return boxes, tried


def _limit(share_s: float, limit: int | None) -> Spent:
    return seconds(share_s) if limit is None else work(limit)


def _fill(
    problem: LoadProblem, pieces: Sequence[Piece], boxes: Sequence[Placed], tops: dict[int, int | None], stop: int,
    taste: Taste, spent: Spent, most: int,
) -> tuple[list[Placed], int]:  # fmt: skip
    container, held = problem.container, problem.support == "full"
    shapes = [
        Shape(k, *lies, STRONG if piece.bears_g_m2 is None else piece.bears_g_m2)
        for k, piece in enumerate(pieces)
        for lies in piece.lies()
        if _fits(container, lies)
    ]
    payload = container.payload_g - sum(one.weight_g for one in boxes)
    if not shapes or payload < min(piece.weight_g for piece in pieces):
        return [], 0
    counts, weights = [piece.count for piece in pieces], [piece.weight_g for piece in pieces]
    blocks = make_blocks(container.inner_mm, shapes, counts, weights, held=held, most=most)
    sides = ({one.length for one in shapes}, {one.width for one in shapes}, {one.height for one in shapes})
    least = (min(sides[0]), min(sides[1]), min(sides[2]))
    start = _start(problem, boxes, tops, stop, least, counts, payload, len(blocks.volume))
    beam = Beam(
        container.inner_mm, blocks, start, held=held, both_ends=not container.has_door,
        tops=not container.has_door and not held, least=least,
        sides=sides, taste=taste,
    )  # fmt: skip
    best = beam.run(spent)
    where = {id(piece): at for at, piece in enumerate(problem.pieces)}
    return list(_boxes(best, blocks, pieces, [where[id(piece)] for piece in pieces])), beam.tried


def _fits(container: Container, lies: tuple[int, int, int]) -> bool:
    return any(all(side <= slab[axis + 3] - slab[axis] for axis, side in enumerate(lies)) for slab in container.slabs())


def _start(
    problem: LoadProblem, boxes: Sequence[Placed], tops: dict[int, int | None], stop: int, least: tuple[int, ...],
    counts: list[int], payload: int, blocks: int,
) -> State:  # fmt: skip
    """Free spaces of a part-loaded container, without those that a later stop bars."""
    container = problem.container
    slabs = container.slabs()
    spaces, bearings = np.zeros((MAX_SPACES, 6), np.int64), np.zeros(MAX_SPACES, np.int64)
    spaces[: len(slabs)] = slabs
    bearings[: len(slabs)] = STRONG if container.floor_g_m2 is None else container.floor_g_m2
    fresh, carry = np.empty((MAX_SPACES, 6), np.int64), np.empty(MAX_SPACES, np.int64)
    n, bottom = len(slabs), np.array(least, np.int64)
    still = _bearings(boxes, tops, container)
    for one in boxes:
        n = cut(
            spaces, bearings, n, one.x, one.y, one.z, one.length, one.width, one.height, one.length, one.width, 0,
            still[id(one)], problem.support == "full", bottom, fresh, carry,
        )  # fmt: skip
    keep = [at for at in range(n) if _open(spaces[at], boxes, stop, container)]
    return State(
        spaces[keep].copy(), bearings[keep].copy(), np.array(counts, np.int64), np.arange(blocks, dtype=np.int64),
        np.empty((0, 8), np.int64), np.array([0, 0, payload], np.int64),
    )  # fmt: skip


def _bearings(boxes: Sequence[Placed], tops: dict[int, int | None], container: Container) -> dict[int, int]:
    """What each box that stands there can still take on its top, g/m²: no more than itself and all below it bear."""
    floor = STRONG if container.floor_g_m2 is None else container.floor_g_m2
    left: dict[int, int] = {}
    for one in sorted(boxes, key=lambda box: box.z):
        below = [left[id(other)] for other in boxes if sequence.lower(other, one) and other.z + other.height == one.z]
        own = tops.get(id(one))
        room = min(below, default=floor) - pressure_g_m2(one.weight_g, one.length, one.width)
        left[id(one)] = max(0, min(STRONG if own is None else own, room))
    return left


def _open(space: np.ndarray, boxes: Sequence[Placed], stop: int, container: Container) -> bool:
    """Whether goods of a stop can go into this space and leave it again before all later stops.

    What stood there before also bars the way in, whatever its stop, and its own way out must stay free.
    """
    for one in boxes:
        kept = one.part < 0
        beside = one.y < space[4] and space[1] < one.y + one.width
        level = container.has_door and beside and one.z < space[5] and space[2] < one.z + one.height
        under = beside and one.x < space[3] and space[0] < one.x + one.length
        if (kept or one.stop > stop) and ((level and one.x >= space[3]) or (under and one.z >= space[5])):
            return False
        leaves_first = kept and one.stop < stop
        if leaves_first and ((level and one.x < space[0]) or (under and one.z < space[2])):
            return False
    return True


def _boxes(state: State, blocks: Blocks, pieces: Sequence[Piece], parts: Sequence[int]) -> Iterable[Placed]:
    for row in state.placed[: int(state.sums[0])]:
        block, x1, y1, z1, x2, y2, z2, corner = (int(value) for value in row)
        for at, dx, dy, dz in blocks.parts(block):
            one = blocks.shapes[at]
            piece = pieces[one.kind]
            yield Placed(
                piece.id, parts[one.kind],
                x2 - dx - one.length if corner & 1 else x1 + dx,
                y2 - dy - one.width if corner & 2 else y1 + dy,
                z2 - dz - one.height if corner & 4 else z1 + dz,
                one.length, one.width, one.height, piece.weight_g, piece.stop,
            )  # fmt: skip


def _written(
    problem: LoadProblem,
    boxes: list[Placed],
    barred: dict[str, str],
    sound: bool,
    seed: int,
    tried: int,
    started: float,
) -> LoadPlan:
    container = problem.container
    turn = sequence.order(boxes, by_door=container.has_door)
    steps = {i: at for at, i in enumerate(sorted(turn, key=lambda i: boxes[i].part >= 0), 1)}
    spots = [
        Spot(
            piece=one.piece, step=steps[i], x_mm=one.x, y_mm=one.y, z_mm=one.z, length_mm=one.length,
            width_mm=one.width, height_mm=one.height, stop=one.stop, kept=one.part < 0,
        )
        for i, one in enumerate(boxes)
    ]  # fmt: skip
    volume = sum(one.length * one.width * one.height for one in boxes)
    return LoadPlan(
        state="loaded" if sound else "unbalanced",
        container=container.code,
        support=problem.support,
        spots=tuple(sorted(spots, key=lambda spot: spot.step)),
        left_out=tuple(_left_out(problem, boxes, barred)),
        volume_mm3=volume,
        volume_ppm=volume * 1_000_000 // container.volume_mm3(),
        weight_g=sum(one.weight_g for one in boxes),
        gravity=balance.gravity(container, boxes),
        seed=seed,
        tried=tried,
        elapsed_ms=round((time.perf_counter() - started) * 1000),
    )


def _left_out(problem: LoadProblem, boxes: Sequence[Placed], barred: dict[str, str]) -> Iterable[LeftOut]:
    inside = Counter(one.piece for one in boxes if one.part >= 0)
    container = problem.container
    room_g = container.payload_g - sum(one.weight_g for one in boxes)
    for piece in problem.pieces:
        missing = piece.count - inside[piece.id]
        if missing <= 0:
            continue
        if not any(_fits(container, lies) for lies in piece.lies()):
            reason, detail = "too_large", f"no allowed way to lie fits into {container.inner_mm} mm"
        elif piece.weight_g > container.payload_g:
            reason, detail = "too_heavy", f"{piece.weight_g} g, payload {container.payload_g} g"
        elif piece.id in barred:
            reason, detail = "together", f"not all of {piece.together} find room"
        elif piece.weight_g > room_g:
            reason, detail = "payload", f"{room_g} g of the payload are left, {piece.weight_g} g each"
        elif container.floor_g_m2 is not None and all(
            pressure_g_m2(piece.weight_g, lies[0], lies[1]) > container.floor_g_m2 for lies in piece.lies()
        ):
            reason, detail = "bearing", f"presses the floor with more than {container.floor_g_m2} g/m²"
        else:
            reason, detail = "no_room", "no free space takes it"
        yield LeftOut(piece=piece.id, count=missing, reason=reason, detail=detail)
