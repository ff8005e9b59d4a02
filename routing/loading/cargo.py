"""What is to be loaded, into what, under which rules: integers in mm, g and g/m²; faults by field and rule.

Axes of a container: x from the far end to the door, y from the left wall, z from the floor. ``stop`` 1 is unloaded
first. A container's ``slabs`` are the largest boxes of its contour, each standing on the floor: an air pallet whose
corners are cut has a wide low slab and a narrow high one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from routing.files import read_json
from routing.loading.measure import union_mm3
from routing.network import Frozen, NotNegative, Positive
from routing.problem import BadProblem, Fault, from_validation

FORMAT: Final = "dongting-load/1"
MOST_KINDS, MOST_PIECES, MOST_BYTES = 2_000, 4_000, 50_000_000
LONGEST_MM = 30_000

Side = Annotated[int, Field(gt=0, le=LONGEST_MM)]


class Axles(Frozen):
    """Two supports of a trailer seen from the far end of the container, and what each may carry of the cargo."""

    front_mm: int
    rear_mm: int
    front_limit_g: Positive
    rear_limit_g: Positive


class Container(Frozen):
    """A box, rail box or air pallet.

    ``half_permille``: at most this share of the mass lies in one half of the length; ``lateral_permille``: how far the
    centre of gravity may lie from the middle, of the width; ``height_permille``: how high, of the height.
    """

    code: str
    inner_mm: tuple[Side, Side, Side]
    slabs_mm: tuple[tuple[NotNegative, NotNegative, Side, Side, Side], ...] = ()
    payload_g: Positive
    floor_g_m2: Positive | None = None
    half_permille: Annotated[int, Field(ge=500, le=1000)] = 1000
    lateral_permille: Annotated[int, Field(ge=0, le=500)] = 500
    height_permille: Annotated[int, Field(ge=0, le=1000)] = 1000
    axles: Axles | None = None
    has_door: bool = True
    source: str = ""
    mark: str = ""

    def slabs(self) -> list[tuple[int, int, int, int, int, int]]:
        """The largest boxes of the inside as x1 y1 z1 x2 y2 z2."""
        length, width, height = self.inner_mm
        cut = self.slabs_mm or ((0, 0, length, width, height),)
        return [(x1, y1, 0, x2, y2, z2) for x1, y1, x2, y2, z2 in cut]

    def volume_mm3(self) -> int:
        """Room inside the contour; slabs that overlap are counted once."""
        return union_mm3(self.slabs())


class Piece(Frozen):
    """Boxes of one kind. ``upright``: this side up, it may only be turned on the floor. ``vertical`` names the sides
    that may stand upright where not all may. ``bears_g_m2``: what its top carries, None anything, 0 nothing (fragile).
    ``together``: all pieces of that name travel in this container or none."""

    id: Annotated[str, Field(min_length=1, max_length=80)]
    length_mm: Side
    width_mm: Side
    height_mm: Side
    weight_g: NotNegative
    count: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    upright: bool = False
    vertical: tuple[Literal["length", "width", "height"], ...] = ("length", "width", "height")
    bears_g_m2: NotNegative | None = None
    stop: Annotated[int, Field(ge=1, le=50)] = 1
    together: str | None = None

    def lies(self) -> list[tuple[int, int, int]]:
        """Every way it may lie: length, width, height as they come to lie; no way twice."""
        sides = {"length": self.length_mm, "width": self.width_mm, "height": self.height_mm}
        found = set()
        for up in ("height",) if self.upright else self.vertical:
            one, two = (sides[name] for name in sides if name != up)
            found |= {(one, two, sides[up]), (two, one, sides[up])}
        return sorted(found)


class Loaded(Frozen):
    """A box that stands in the container already and stays where it is."""

    id: str
    x_mm: NotNegative
    y_mm: NotNegative
    z_mm: NotNegative
    length_mm: Side
    width_mm: Side
    height_mm: Side
    weight_g: NotNegative
    bears_g_m2: NotNegative | None = None
    stop: Annotated[int, Field(ge=1, le=50)] = 1


class LoadProblem(Frozen):
    """All that a load plan depends on besides seed and time."""

    format: Literal["dongting-load/1"] = FORMAT
    container: Container
    pieces: Annotated[tuple[Piece, ...], Field(min_length=1, max_length=MOST_KINDS)]
    support: Literal["full", "none"] = "full"
    loaded: tuple[Loaded, ...] = ()


@lru_cache
def containers() -> dict[str, Container]:
    """The containers that ship with the program, by code (``routing/data/containers.json``)."""
    document = json.loads(files("routing").joinpath("data/containers.json").read_text("utf-8"))
    return {one["code"]: Container.model_validate(one) for one in document["containers"]}


def read_load(path: Path) -> LoadProblem:
    """The problem in a file. Raises :class:`routing.problem.BadProblem` with every fault by field and rule."""
    return load_problem_of(read_json(path, MOST_BYTES, "lengths are whole mm, weights whole g"))


def load_problem_of(document: Any) -> LoadProblem:
    """The problem in plain JSON data; ``container`` may be the code of one that ships. Raises BadProblem."""
    if not isinstance(document, dict):
        raise BadProblem([Fault("(file)", "not_object", "a load is a JSON object with container and pieces")])
    code = document.get("container")
    if isinstance(code, str):
        if code not in containers():
            known = ", ".join(sorted(containers()))
            raise BadProblem([Fault("container", "unknown_container", f"{code!r} is none of {known}")])
        document = {**document, "container": containers()[code].model_dump(mode="json")}
    try:
        problem = LoadProblem.model_validate(document)
    except ValidationError as error:
        raise from_validation(error) from error
    if problem.support == "none":  # for the same reason the floor's limit is not looked at
        problem = problem.model_copy(update={"container": problem.container.model_copy(update={"floor_g_m2": None})})
    if faults := list(_faults(problem)):
        raise BadProblem(faults)
    return problem


def _faults(problem: LoadProblem) -> Any:
    seen: set[str] = set()
    for index, piece in enumerate(problem.pieces):
        if piece.id in seen:
            yield Fault(f"pieces.{index}.id", "duplicate", f"{piece.id} stands in the file more than once")
        seen.add(piece.id)
        if not piece.vertical and not piece.upright:
            yield Fault(f"pieces.{index}.vertical", "no_way_to_lie", f"{piece.id} may stand on no side")
    total = sum(piece.count for piece in problem.pieces)
    if total > MOST_PIECES:
        yield Fault("pieces", "too_many", f"{total} pieces; at most {MOST_PIECES} in one container")
    yield from _container_faults(problem.container)
    yield from _loaded_faults(problem)
    yield from _bearing_faults(problem)


def _bearing_faults(problem: LoadProblem) -> Any:
    """Where a base need not be supported nobody can say how hard it presses: then no top may have a limit."""
    if problem.support == "none":
        both: tuple[tuple[str, Sequence[Piece | Loaded]], ...] = (
            ("pieces", problem.pieces),
            ("loaded", problem.loaded),
        )
        for name, boxes in both:
            for index, one in enumerate(boxes):
                if one.bears_g_m2 is not None:
                    text = f"{one.id} says what its top bears: that holds only with full support"
                    yield Fault(f"{name}.{index}.bears_g_m2", "needs_full_support", text)


def _container_faults(container: Container) -> Any:
    length, width, height = container.inner_mm
    for index, (x1, y1, x2, y2, z2) in enumerate(container.slabs_mm):
        if not (x1 < x2 <= length and y1 < y2 <= width and z2 <= height):
            yield Fault(f"container.slabs_mm.{index}", "outside", "a slab of the contour sticks out of the container")
    if container.axles and container.axles.front_mm >= container.axles.rear_mm:
        yield Fault("container.axles", "axles_crossed", "the front support lies behind the rear one")


def _loaded_faults(problem: LoadProblem) -> Any:
    boxes = problem.loaded
    slabs = problem.container.slabs()
    for index, one in enumerate(boxes):
        field = f"loaded.{index}({one.id})"
        if one.id in {other.id for other in boxes[:index]}:
            yield Fault(field, "duplicate", "stands in the list more than once")
        ends = (one.x_mm + one.length_mm, one.y_mm + one.width_mm, one.z_mm + one.height_mm)
        if not any(
            one.x_mm >= slab[0] and one.y_mm >= slab[1] and all(end <= slab[axis + 3] for axis, end in enumerate(ends))
            for slab in slabs
        ):
            yield Fault(field, "outside", "sticks out of the container")
        for other in boxes[:index]:
            if _overlap(one, other):
                yield Fault(field, "overlap", f"lies where {other.id} lies")
                break
    if sum(one.weight_g for one in boxes) > problem.container.payload_g:
        yield Fault("loaded", "too_heavy", "what is loaded already is heavier than the payload")


def _overlap(a: Loaded, b: Loaded) -> bool:
    return (
        a.x_mm < b.x_mm + b.length_mm and b.x_mm < a.x_mm + a.length_mm
        and a.y_mm < b.y_mm + b.width_mm and b.y_mm < a.y_mm + a.width_mm
        and a.z_mm < b.z_mm + b.height_mm and b.z_mm < a.z_mm + a.height_mm
    )  # fmt: skip
