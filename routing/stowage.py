"""Whether the boxes of a plan can really be loaded: the loader is asked, and its load is kept with the box.

Cartons of equal sides are one kind to the loader, whoever owns them; which consignment's carton stands on which of the
equal places is decided afterwards, so that the weight lies where it may. Work is counted in completions of the loader,
never in seconds: the same goods in the same box have the same answer on any machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from routing.crew import spread
from routing.demand import Consignment
from routing.loading import balance, sequence
from routing.loading.balance import Placed
from routing.loading.cargo import MOST_PIECES, Container, LoadProblem, Piece, containers
from routing.loading.load import make_load
from routing.network import Equipment
from routing.plan import LoadLine, PlanLoad, Word
from routing.problem import Problem
from routing.towers import Place, stand

WORK, MOST_BLOCKS = 3, 3000
TRIES = ((1.25, 0), (1.12, 2), (0.0, 0), (0.0, 3))
"""Goods that would fill part of the height only are spread along the floor: height allowed over height needed; 0 is
the whole height. Beside it, which of the loader's tastes it begins with."""
HOPELESS_PERMILLE = 985
MM2_IN_M2 = 1_000_000
NO_DIMENSIONS: Final = "no_dimensions"
TOO_MANY: Final = "too_many_pieces"
TOGETHER, HEAVY_FIRST, EVENLY = HOW = ("together", "heavy first", "evenly")
Sides = tuple[int, int, int]


@dataclass(frozen=True)
class Answer:
    """What the loader said of one box: its load, or None with the volume of what stayed out in mm³ (0: no balance)."""

    load: PlanLoad | None
    missing_mm3: int = 0


def container_of(unit: Equipment) -> Container:
    """The loader's container for a kind of equipment: the shipped one where the sides are its own, else plain walls."""
    known = containers().get(unit.code)
    if (
        known is not None
        and known.inner_mm[:2] == unit.inner_mm[:2]
        and known.inner_mm[2] <= unit.inner_mm[2] <= known.inner_mm[2] + 100
    ):
        return known.model_copy(update={"payload_g": unit.payload_g})
    return Container(
        code=unit.code, inner_mm=unit.inner_mm, payload_g=unit.payload_g, has_door=unit.kind == "box",
        source=unit.source, mark=unit.mark,
    )  # fmt: skip


class Stower:
    """Asks the loader, once for each set of consignments in a kind of box."""

    def __init__(self, problem: Problem, *, work: int = WORK, seed: int = 1) -> None:
        self._goods = problem.consignments
        self._containers = {one.code: container_of(one) for one in problem.network.equipment}
        self._answers: dict[tuple[str, frozenset[int]], Answer] = {}
        self._loader = Loader(work, 1 + seed % 4)
        self.asked = 0

    def ask_all(self, boxes: Iterable[tuple[str, Iterable[int]]]) -> None:
        """The answers for many boxes, kept for `ask`."""
        keys = [(code, frozenset(ks)) for code, ks in boxes]
        fresh = [key for key in dict.fromkeys(keys) if key not in self._answers]
        jobs = [(self._containers[code], [self._goods[k] for k in sorted(ks)]) for code, ks in fresh]
        self.asked += len(fresh)
        self._answers.update(zip(fresh, spread(self._loader, jobs), strict=True))

    def ask(self, code: str, ks: Iterable[int]) -> Answer:
        """The answer for these consignments in a box of this code."""
        key = (code, frozenset(ks))
        if key not in self._answers:
            self.asked += 1
            self._answers[key] = self._loader((self._containers[code], [self._goods[k] for k in sorted(key[1])]))
        return self._answers[key]

    def know(self, load: PlanLoad, ks: Iterable[int]) -> None:
        """A load of these consignments that is known to be sound need not be sought again."""
        self._answers[load.container, frozenset(ks)] = Answer(load)

    def size_mm3(self, k: int) -> int:
        """Volume of a consignment's pieces."""
        return sum(one.count * one.length_mm * one.width_mm * one.height_mm for one in self._goods[k].pieces)


class Loader:
    """Loads one box: quickly where that goes, else by search."""

    def __init__(self, work: int, seed: int) -> None:
        self._work, self._seed = work, seed
        self.searched = 0

    def __call__(self, box: tuple[Container, Sequence[Consignment]]) -> Answer:
        """The answer for these goods in this container."""
        container, goods = box
        spared = tuple(one.id for one in goods if not one.pieces)
        held = [one for one in goods if one.pieces]
        count = sum(piece.count for one in held for piece in one.pieces)
        if not held or count > MOST_PIECES:
            word: Word = TOO_MANY if held else NO_DIMENSIONS
            return Answer(PlanLoad(box="", container=container.code, spared=tuple(one.id for one in goods), word=word))
        kinds: dict[Sides, list[int]] = {}
        for one in held:
            for piece in one.pieces:
                sides = (*sorted((piece.length_mm, piece.width_mm), reverse=True), piece.height_mm)
                kinds.setdefault(sides, [0, 0])  # type: ignore[arg-type]
                kinds[sides][0] += piece.count  # type: ignore[index]
                kinds[sides][1] = max(kinds[sides][1], piece.weight_g)  # type: ignore[index]
        volume = sum(a * b * c * n for (a, b, c), (n, _) in kinds.items())
        over = volume - container.volume_mm3() * HOPELESS_PERMILLE // 1000
        if over > 0:
            return Answer(None, over)
        boxes = _quickly(container, held, kinds)
        if boxes is not None:
            return Answer(_written(container, held, boxes, spared))
        least = volume
        for share, taste in TRIES:
            low = _lower(container, volume, max(sides[2] for sides in kinds), share)
            if low is None:
                continue
            spots, missing = self._place(low, kinds, taste)
            least = min(least, missing)
            if not missing:
                boxes = _stands(container, held, spots)
                if boxes is not None:
                    return Answer(_written(container, held, boxes, spared))
        return Answer(None, least)

    def _place(self, container: Container, kinds: dict[Sides, list[int]], taste: int) -> tuple[list[Place], int]:
        """Places for all pieces by their sides alone, or the volume of those without one."""
        free = container.model_copy(
            update={
                "payload_g": 10**12, "half_permille": 1000, "lateral_permille": 500, "height_permille": 1000,
                "axles": None,
            }
        )  # fmt: skip
        pieces = tuple(
            Piece(id=f"{a}x{b}x{c}", length_mm=a, width_mm=b, height_mm=c, weight_g=weight, count=n, upright=True)
            for (a, b, c), (n, weight) in sorted(kinds.items())
        )
        found = make_load(
            LoadProblem(container=free, pieces=pieces), work_limit=self._work, seed=self._seed + taste,
            most_blocks=MOST_BLOCKS,
        )  # fmt: skip
        size = {piece.id: piece.length_mm * piece.width_mm * piece.height_mm for piece in pieces}
        self.searched += 1
        spots = [(at.x_mm, at.y_mm, at.z_mm, at.length_mm, at.width_mm, at.height_mm) for at in found.spots]
        return spots, sum(one.count * size[one.piece] for one in found.left_out)


def _lower(container: Container, volume: int, tallest: int, share: float) -> Container | None:
    """The container with a lower roof, so that goods cover its floor; None where that is the container itself."""
    length, width, height = container.inner_mm
    if not share:
        return container
    roof = max(tallest, round(volume / (length * width) * share))
    if container.slabs_mm or not container.has_door or roof >= height:
        return None
    return container.model_copy(update={"inner_mm": (length, width, roof)})


def _quickly(container: Container, goods: Sequence[Consignment], kinds: dict[Sides, list[int]]) -> list[Placed] | None:
    """The goods in towers on strips, where they fit that way and floor and balance allow; no search. Where the highest
    towers press the floor too much, lower ones are tried.
    """
    x = y = 0
    inner = container.inner_mm
    if container.slabs_mm:  # the highest part of the contour; the rest is left to the loader
        x, y, far, side, top = container.slabs_mm[-1]
        inner = (far - x, side - y, top)
    floor = container.floor_g_m2
    for bears in (None,) if floor is None else (None, _heights(kinds, floor)):
        found = stand(inner, {sides: n for sides, (n, _) in kinds.items()}, bears)
        if found is None:
            return None
        spots = [(a + x, b + y, c, along, across, high) for a, b, c, along, across, high in found]
        borne = False
        for boxes in _orders(container, goods, spots):
            if not _floor_bears(container, boxes):
                continue
            borne = True
            held = balance.balanced(container, boxes, fixed=False, turns=True)
            if held is not None:
                return sorted(held, key=lambda one: (one.x, one.z, one.y))
        if borne:
            return None
    return None


def _heights(kinds: dict[Sides, list[int]], floor_g_m2: int) -> dict[tuple[int, int], int]:
    """How high towers of each footprint may be, if they are of the kind that weighs most for its height."""
    found: dict[tuple[int, int], int] = {}
    for (long, short, high), (_, weight_g) in kinds.items():
        most = floor_g_m2 * long * short * high // (MM2_IN_M2 * max(1, weight_g))
        found[long, short] = min(most, found.get((long, short), most))
    return found


def _floor_bears(container: Container, boxes: Sequence[Placed]) -> bool:
    """Whether no tower presses the floor with more than it bears: all of a tower rests on its lowest carton."""
    if container.floor_g_m2 is None:
        return True
    weight: dict[tuple[int, int], int] = {}
    base: dict[tuple[int, int], int] = {}
    for one in boxes:
        foot = (one.x, one.y)
        weight[foot] = weight.get(foot, 0) + one.weight_g
        if one.z == 0:
            base[foot] = one.length * one.width
    return all(weight[foot] * MM2_IN_M2 <= container.floor_g_m2 * base[foot] for foot in weight)


def _stands(container: Container, goods: Sequence[Consignment], spots: Sequence[Place]) -> list[Placed] | None:
    """The goods on the places, each consignment's cartons together where the balance allows; None where none does."""
    for boxes in _orders(container, goods, spots):
        held = balance.balanced(container, boxes, fixed=False, turns=True)
        if held is not None:
            left, turns = sequence.loadable(held, by_door=container.has_door)
            if len(left) == len(held):
                return [held[i] for i in turns]
    return None


def _orders(container: Container, goods: Sequence[Consignment], spots: Sequence[Place]) -> Iterator[list[Placed]]:
    """Three ways of sharing the places among the consignments."""
    length = container.inner_mm[0]
    middle = sorted(range(len(spots)), key=lambda at: (abs(2 * spots[at][0] + spots[at][3] - length), at))
    for order, how in zip((range(len(spots)), middle, range(len(spots))), HOW, strict=True):
        yield _named(goods, spots, order, how)


def _named(goods: Sequence[Consignment], spots: Sequence[Place], order: Sequence[int], how: str) -> list[Placed]:
    """Who stands where: equal places in this order for the consignments in theirs, for the heaviest pieces first,
    or for all consignments evenly."""
    free: dict[Sides, list[Place]] = {}
    for at in reversed(order):
        spot = spots[at]
        free.setdefault((max(spot[3:5]), min(spot[3:5]), spot[5]), []).append(spot)
    rows = [
        (at, number, piece, (2 * turn + 1) / piece.count)
        for at, one in enumerate(goods)
        for number, piece in enumerate(one.pieces, 1)
        for turn in range(piece.count)
    ]
    if how == HEAVY_FIRST:
        rows.sort(key=lambda row: (-row[2].weight_g, row[0], row[1]))
    elif how == EVENLY:
        rows.sort(key=lambda row: (row[3], row[0], row[1]))
    found = []
    for at, number, piece, _ in rows:
        one, other = sorted((piece.length_mm, piece.width_mm), reverse=True)
        found.append(Placed(f"{at}/{number}", 0, *free[one, other, piece.height_mm].pop(), piece.weight_g, 1))
    return found


def _written(
    container: Container, goods: Sequence[Consignment], boxes: Sequence[Placed], spared: tuple[str, ...]
) -> PlanLoad:
    names = sorted({one.piece for one in boxes}, key=lambda name: tuple(int(part) for part in name.split("/")))
    lines = []
    for name in names:
        at, number = (int(part) for part in name.split("/"))
        lines.append(LoadLine(consignment=goods[at].id, piece=number))
    where = {name: index for index, name in enumerate(names)}
    volume = sum(one.length * one.width * one.height for one in boxes)
    gravity = balance.gravity(container, boxes)
    return PlanLoad(
        box="", container=container.code, lines=tuple(lines),
        spots=tuple((where[one.piece], one.x, one.y, one.z, one.length, one.width) for one in boxes),
        spared=spared, word=NO_DIMENSIONS if spared else "", volume_ppm=volume * 1_000_000 // container.volume_mm3(),
        weight_g=sum(one.weight_g for one in boxes), centre_mm=(gravity.x_mm, gravity.y_mm, gravity.z_mm),
    )  # fmt: skip
