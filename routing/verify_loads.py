"""The loads of a plan, checked again: contents and orientation here, how they stand by the checker of loads.

It shares no code with the planner's side of the loads; the rules themselves are those of `routing.loading.check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from routing.crew import spread
from routing.demand import Consignment, Piece
from routing.loading.cargo import containers
from routing.loading.check import boxes_of, standing
from routing.network import Equipment
from routing.spots import Spots

Row = Mapping[str, Any]
MOST_PIECES = 4000
SLACK_MM = 100
CHECK_BOXES = 0.2
"""What checking a box costs, measured by loading one."""


def load_faults(
    plan: Row, goods: Mapping[str, Consignment], equipment: Mapping[str, Equipment], before: Row | None = None
) -> Iterator[tuple[str, str, str]]:
    """Rule, box and words of every fault; a box without a load is one, unless no piece of it has dimensions.

    ``before``: a sound plan of the same goods; a load that stands in it for the same contents is sound still.
    """
    sound = _loads_of(before) if before is not None else {}
    loads = Counter(load["box"] for load in plan["loads"])
    boxes = {box["id"]: box for box in plan["boxes"] if box["kind"] != "loose" and box["equipment"] in equipment}
    for name in loads.keys() | boxes.keys():
        if loads[name] != 1 or name not in boxes:
            yield "load_3d", name, f"has {loads[name]} loads"
    jobs = []
    for load in plan["loads"]:
        if load["box"] in boxes:
            box = boxes[load["box"]]
            if not (sound and sound.get(_contents(box)) == {**load, "box": ""}):
                jobs.append((load, [goods[name] for name in box["consignments"]], equipment[box["equipment"]]))
    for (load, _, _), faults in zip(jobs, spread(_faults, jobs, len(jobs) * CHECK_BOXES), strict=True):
        for rule, where, text in faults:
            yield rule, f"{load['box']} {where}", text


def _faults(job: tuple[Row, list[Consignment], Equipment]) -> list[tuple[str, str, str]]:
    """Every fault of one load."""
    return list(_load(*job))


def _contents(box: Row) -> tuple[str, ...]:
    return (box["equipment"], *sorted(box["consignments"]))


def _loads_of(plan: Row) -> dict[tuple[str, ...], Row]:
    boxes = {box["id"]: box for box in plan["boxes"]}
    return {_contents(boxes[load["box"]]): {**load, "box": ""} for load in plan["loads"]}


def _load(load: Row, inside: list[Consignment], unit: Equipment) -> Iterator[tuple[str, str, str]]:
    number = sum(piece.count for one in inside for piece in one.pieces)
    bare = [one.id for one in inside if not one.pieces]
    word, spared = ("too_many_pieces", [one.id for one in inside]) if number > MOST_PIECES else ("", bare)
    word = word or ("no_dimensions" if bare else "")
    if sorted(load["spared"]) != sorted(spared) or load["word"] != word:
        yield "load_spared", "spared", f"{sorted(spared)} should be spared, for {word or 'nothing'}"
        return
    if load["container"] != unit.code:
        yield "load_3d", load["container"], f"is not the box's {unit.code}"
        return
    if word == "too_many_pieces" or len(bare) == len(inside):
        if load["spots"]:
            yield "load_3d", "spots", "nothing was looked at, and something stands somewhere"
        return
    kinds = {f"{one.id}#{at}": piece for one in inside for at, piece in enumerate(one.pieces, 1)}
    names = [f"{line['consignment']}#{line['piece']}" for line in load["lines"]]
    spots = _table(load["spots"])
    line = spots[:, 0]
    if any(name not in kinds for name in names) or (len(line) and not (0 <= line.min() <= line.max() < len(names))):
        yield "load_3d", "lines", "names pieces that are not in the box"
        return
    yield from _complete(names, line, kinds)
    yield from _upright(names, spots, kinds)
    high, weighs = (
        np.array([getattr(kinds[name], what) for name in names], np.int64)[line] for what in ("height_mm", "weight_g")
    )
    stood = len(line)
    boxes = boxes_of(
        [names[at] for at in line.tolist()], np.column_stack((spots[:, 1:], high)), weighs, np.full(stood, -1),
        np.ones(stood), np.arange(1, stood + 1), np.zeros(stood),
    )  # fmt: skip
    centre = load["centre_mm"] or (-1, -1, -1)
    said = {
        "state": "loaded", "container": unit.code, "weight_g": load["weight_g"],
        "volume_mm3": int((spots[:, 4] * spots[:, 5] * high).sum()),  # told in millionths; what is inside is counted
        "gravity": dict(zip(("x_mm", "y_mm", "z_mm"), centre, strict=True)),
    }  # fmt: skip
    for finding in standing(_container(unit), boxes, said, full=True):
        yield f"load_{finding.rule}", finding.where, finding.text


def _table(spots: Any) -> Any:
    """Six numbers a row, out of lists or as a plan holds them."""
    return np.asarray(spots.rows if isinstance(spots, Spots) else spots, np.int64).reshape(-1, 6)


def _complete(names: Sequence[str], line: Any, kinds: Mapping[str, Piece]) -> Iterator[tuple[str, str, str]]:
    """Every piece of every consignment is inside, no more and no less."""
    inside = Counter[str]()
    for name, count in zip(names, np.bincount(line, minlength=len(names)).tolist(), strict=True):
        inside[name] += count
    for name, piece in kinds.items():
        if inside[name] != piece.count:
            yield "load_complete", name, f"{inside[name]} inside of {piece.count}"


def _upright(names: Sequence[str], spots: Any, kinds: Mapping[str, Piece]) -> Iterator[tuple[str, str, str]]:
    """Every piece stands on its base, lengthwise or across."""
    sides = np.array(
        [sorted((kinds[name].length_mm, kinds[name].width_mm)) for name in names], np.int64
    ).reshape(-1, 2)[spots[:, 0]]  # fmt: skip
    for at in np.flatnonzero((np.sort(spots[:, 4:], axis=1) != sides).any(axis=1)).tolist():
        yield "load_orientation", names[spots[at, 0]], f"may not lie as {spots[at, 4:].tolist()}"


def _container(unit: Equipment) -> Row:
    """The box's walls and limits: those of the containers that ship where they are of the same size."""
    plain = {
        "code": unit.code, "inner_mm": list(unit.inner_mm), "slabs_mm": [], "payload_g": unit.payload_g,
        "floor_g_m2": None, "half_permille": 1000, "lateral_permille": 500, "height_permille": 1000, "axles": None,
        "has_door": unit.kind == "box",
    }  # fmt: skip
    ships = containers().get(unit.code)
    if ships is None or ships.inner_mm[:2] != unit.inner_mm[:2]:
        return plain
    if not 0 <= unit.inner_mm[2] - ships.inner_mm[2] <= SLACK_MM:
        return plain
    return {**ships.model_dump(mode="json"), "payload_g": unit.payload_g}
