"""Whether the boxes of a plan can really be loaded: the loader is asked, and its load is kept with the box.

Cartons of equal sides are one kind to the loader, whoever owns them; which consignment's carton stands on which of the
equal places is decided afterwards, so that the weight lies where it may. Work is counted in completions of the loader,
never in seconds: the same goods in the same box have the same answer on any machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from routing.crew import BATCH, Crew, Kind, batches, spread
from routing.demand import Consignment
from routing.loading import balance, sequence
from routing.loading.balance import Placed
from routing.loading.cargo import MOST_PIECES, Container, LoadProblem, Piece, containers
from routing.loading.load import make_load
from routing.network import Equipment
from routing.plan import LoadLine, PlanLoad, Word
from routing.problem import Problem
from routing.spots import Spots
from routing.towers import Place, stand
from routing.watching import Deadline

WORK, MOST_BLOCKS = 3, 3000
TRIES = ((1.25, 0), (1.12, 2), (0.0, 0), (0.0, 3))
"""Goods that would fill part of the height only are spread along the floor: height allowed over height needed; 0 is
the whole height. Beside it, which of the loader's tastes it begins with."""
HOPELESS_PERMILLE = 985
MM2_IN_M2 = 1_000_000
NO_DIMENSIONS: Final = "no_dimensions"
TOO_MANY: Final = "too_many_pieces"
LONGEST = 100_000
"""No side in mm and no kind of a consignment comes to this number."""
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

    def __init__(self, problem: Problem, *, work: int = WORK, seed: int = 1, crew: Crew | None = None) -> None:
        self._goods = problem.consignments
        self._containers = {one.code: container_of(one) for one in problem.network.equipment}
        self._answers: dict[tuple[str, frozenset[int]], Answer] = {}
        self._loader = Loader(work, 1 + seed % 4)
        self._crew = crew
        self.asked = 0

    def ask_all(self, boxes: Iterable[tuple[str, Iterable[int]]]) -> None:
        """The answers for many boxes, kept for `ask`."""
        keys = [(code, frozenset(ks)) for code, ks in boxes]
        fresh = [key for key in dict.fromkeys(keys) if key not in self._answers]
        jobs = [(self._containers[code], [self._goods[k] for k in sorted(ks)]) for code, ks in fresh]
        self.asked += len(fresh)
        answers = spread(self._loader, jobs) if self._crew is None or len(jobs) <= BATCH else self._by(self._crew, jobs)
        self._answers.update(zip(fresh, answers, strict=True))

    def _by(self, crew: Crew, jobs: Sequence[tuple[Container, Sequence[Consignment]]]) -> list[Answer]:
        """The answers by a crew, some boxes in each part."""
        boxes = [(container, tuple(goods)) for container, goods in jobs]
        parts = [Batch(self._loader.work, self._loader.seed, tuple(some)) for some in batches(boxes)]
        found = crew.work(LOADING, parts, Deadline(), [len(part.boxes) for part in parts])
        return [answer for part in found for answer in part]

    def ask(self, code: str, ks: Iterable[int]) -> Answer:
        """The answer for these consignments in a box of this code."""
        key = (code, frozenset(ks))
        if key not in self._answers:
            self.asked += 1
            self._answers[key] = self._loader((self._containers[code], [self._goods[k] for k in sorted(key[1])]))
        return self._answers[key]

    def fresh(self, code: str, ks: Iterable[int]) -> Answer:
        """The loader's answer, worked out now and not kept."""
        return self._loader((self._containers[code], [self._goods[k] for k in sorted(ks)]))

    def know(self, load: PlanLoad, ks: Iterable[int]) -> None:
        """A load of these consignments that is known to be sound need not be sought again."""
        self._answers[load.container, frozenset(ks)] = Answer(load)

    def size_mm3(self, k: int) -> int:
        """Volume of a consignment's pieces."""
        return sum(one.count * one.length_mm * one.width_mm * one.height_mm for one in self._goods[k].pieces)


class Loader:
    """Loads one box: quickly where that goes, else by search."""

    def __init__(self, work: int, seed: int) -> None:
        self.work, self.seed = work, seed
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
        rows = Rows(held)
        stood = _quickly(container, rows, kinds)
        if stood is not None:
            return Answer(_written(container, held, *stood, rows, spared))
        least = volume
        for share, taste in TRIES:
            low = _lower(container, volume, max(sides[2] for sides in kinds), share)
            if low is None:
                continue
            spots, missing = self._place(low, kinds, taste)
            least = min(least, missing)
            if not missing:
                stood = _stands(container, rows, spots)
                if stood is not None:
                    return Answer(_written(container, held, *stood, rows, spared))
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
            LoadProblem(container=free, pieces=pieces), work_limit=self.work, seed=self.seed + taste,
            most_blocks=MOST_BLOCKS,
        )  # fmt: skip
        size = {piece.id: piece.length_mm * piece.width_mm * piece.height_mm for piece in pieces}
        self.searched += 1
        spots = [(at.x_mm, at.y_mm, at.z_mm, at.length_mm, at.width_mm, at.height_mm) for at in found.spots]
        return spots, sum(one.count * size[one.piece] for one in found.left_out)


@dataclass(frozen=True)
class Batch:
    """Boxes that one part of a plan's work loads, with the loader's limit and seed."""

    work: int
    seed: int
    boxes: tuple[tuple[Container, tuple[Consignment, ...]], ...]


def _load(batch: Batch, _deadline: Deadline) -> list[Answer]:
    loader = Loader(batch.work, batch.seed)
    return [loader(box) for box in batch.boxes]


LOADING = Kind("loading", _load, TypeAdapter(Batch), TypeAdapter(list[Answer]))


def _lower(container: Container, volume: int, tallest: int, share: float) -> Container | None:
    """The container with a lower roof, so that goods cover its floor; None where that is the container itself."""
    length, width, height = container.inner_mm
    if not share:
        return container
    roof = max(tallest, round(volume / (length * width) * share))
    if container.slabs_mm or not container.has_door or roof >= height:
        return None
    return container.model_copy(update={"inner_mm": (length, width, roof)})


class Rows:
    """A row for each piece of the goods: whose (their index), which of its kinds from 1, its sides, its weight, and
    how far within its kind."""

    def __init__(self, goods: Sequence[Consignment]) -> None:
        kinds = [
            (at, number, *sorted((piece.length_mm, piece.width_mm)), piece.height_mm, piece.weight_g, piece.count)
            for at, one in enumerate(goods)
            for number, piece in enumerate(one.pieces, 1)
        ]
        table = np.array(kinds, np.int64)
        count = table[:, 6]
        self.at, self.number, self.weight_g = (np.repeat(table[:, column], count) for column in (0, 1, 5))
        self.sides = np.repeat(_code(table[:, 3], table[:, 2], table[:, 4]), count)
        turn = np.arange(len(self.at)) - np.repeat(np.cumsum(count) - count, count)
        self.part = (2 * turn + 1) / np.repeat(count, count)


def _code(long: Any, short: Any, high: Any) -> Any:
    """One number for the sides of a piece."""
    return (long * LONGEST + short) * LONGEST + high


def _quickly(container: Container, rows: Rows, kinds: dict[Sides, list[int]]) -> tuple[Any, Any] | None:
    """The goods in towers on strips, where they fit that way and floor and balance allow; no search. Where the highest
    towers press the floor too much, lower ones are tried. Places and whose piece stands there, in loading order.
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
        spots = np.array(found, np.int64)
        spots[:, :2] += (x, y)
        borne = False
        for places, whose in _orders(container, rows, spots):
            if not _floor_bears(container, places, rows.weight_g[whose]):
                continue
            borne = True
            held = balance.balanced_at(container, places, rows.weight_g[whose], fixed=False, turns=True)
            if held is not None:
                order = np.lexsort((held[:, 1], held[:, 2], held[:, 0]))
                return held[order], whose[order]
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


def _floor_bears(container: Container, spots: Any, weights: Any) -> bool:
    """Whether no tower presses the floor with more than it bears: all of a tower rests on its lowest carton."""
    if container.floor_g_m2 is None:
        return True
    _, tower = np.unique(spots[:, 0] * LONGEST + spots[:, 1], return_inverse=True)
    weight = np.bincount(tower, weights)  # exact: far below 2**53
    lowest = spots[:, 2] == 0
    base = np.zeros(len(weight), np.int64)
    base[tower[lowest]] = spots[lowest, 3] * spots[lowest, 4]
    return bool((weight * MM2_IN_M2 <= container.floor_g_m2 * base).all())


def _stands(container: Container, rows: Rows, spots: Sequence[Place]) -> tuple[Any, Any] | None:
    """The goods on the places, each consignment's cartons together where the balance allows; None where none does."""
    for places, whose in _orders(container, rows, np.array(spots, np.int64)):
        held = balance.balanced_at(container, places, rows.weight_g[whose], fixed=False, turns=True)
        if held is not None:
            boxes = [
                Placed("", 0, x, y, z, along, across, high, weight, 1)
                for (x, y, z, along, across, high), weight in zip(
                    held.tolist(), rows.weight_g[whose].tolist(), strict=True
                )
            ]
            left, turns = sequence.loadable(boxes, by_door=container.has_door)
            if len(left) == len(boxes):
                return held[turns], whose[turns]
    return None


def _orders(container: Container, rows: Rows, spots: Any) -> Iterator[tuple[Any, Any]]:
    """Three ways of sharing the places among the pieces, each as places and the row of the piece that stands there:
    equal places in their order for the consignments in theirs; from the middle of the length for the heaviest pieces
    first; for all consignments evenly.
    """
    sides = _code(spots[:, 3:5].max(axis=1), spots[:, 3:5].min(axis=1), spots[:, 5])
    everyone = np.arange(len(spots))
    middle = np.argsort(np.abs(2 * spots[:, 0] + spots[:, 3] - container.inner_mm[0]), kind="stable")
    for order, turns in (
        (everyone, everyone),
        (middle, np.argsort(-rows.weight_g, kind="stable")),
        (everyone, np.argsort(rows.part, kind="stable")),
    ):
        places = order[np.argsort(sides[order], kind="stable")]
        yield spots[places], turns[np.argsort(rows.sides[turns], kind="stable")]


def _written(
    container: Container, goods: Sequence[Consignment], spots: Any, whose: Any, rows: Rows, spared: tuple[str, ...]
) -> PlanLoad:
    weights = rows.weight_g[whose]
    kinds, line = np.unique(rows.at[whose] * LONGEST + rows.number[whose], return_inverse=True)
    volume = int((spots[:, 3] * spots[:, 4] * spots[:, 5]).sum())
    gravity = balance.gravity_of(container, spots, weights)
    return PlanLoad(
        box="", container=container.code,
        lines=tuple(LoadLine(consignment=goods[kind // LONGEST].id, piece=kind % LONGEST) for kind in kinds.tolist()),
        spots=Spots(np.column_stack((line, spots[:, :5]))),
        spared=spared, word=NO_DIMENSIONS if spared else "", volume_ppm=volume * 1_000_000 // container.volume_mm3(),
        weight_g=int(weights.sum()), centre_mm=(gravity.x_mm, gravity.y_mm, gravity.z_mm),
    )  # fmt: skip
