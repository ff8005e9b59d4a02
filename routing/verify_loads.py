"""The loads of a plan, checked again: each box's load is written out as a load plan and given to the loads' checker.

It shares no code with the planner's side of the loads; the rules themselves are those of `routing.loading.check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from routing.crew import spread
from routing.demand import Consignment
from routing.loading.cargo import containers
from routing.loading.check import check
from routing.network import Equipment

Row = Mapping[str, Any]
MOST_PIECES = 4000
SLACK_MM = 100


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
    for (load, _, _), faults in zip(jobs, spread(_faults, jobs), strict=True):
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
    held = [one for one in inside if one.pieces]
    problem: dict[str, Any] = {
        "container": _container(unit), "support": "full", "loaded": [],
        "pieces": [
            {
                "id": f"{one.id}#{at}", "length_mm": piece.length_mm, "width_mm": piece.width_mm,
                "height_mm": piece.height_mm, "weight_g": piece.weight_g, "count": piece.count, "upright": True,
                "vertical": ["height"], "bears_g_m2": None, "stop": 1, "together": one.id,
            }
            for one in held for at, piece in enumerate(one.pieces, 1)
        ],
    }  # fmt: skip
    kinds = {piece["id"]: piece for piece in problem["pieces"]}
    written = _plan(load, kinds, unit.code)
    if written is None:
        yield "load_3d", "lines", "names pieces that are not in the box"
        return
    for finding in check(problem, written):
        yield f"load_{finding.rule}", finding.where, finding.text


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


def _plan(load: Row, kinds: Mapping[str, Row], code: str) -> Row | None:
    """The load as a load plan; sums are counted here, so that only what the plan's own figures say is compared."""
    names = [f"{line['consignment']}#{line['piece']}" for line in load["lines"]]
    if any(name not in kinds for name in names) or any(not 0 <= row[0] < len(names) for row in load["spots"]):
        return None
    spots = [
        {
            "piece": names[line], "step": turn, "x_mm": x, "y_mm": y, "z_mm": z, "length_mm": along, "width_mm": across,
            "height_mm": kinds[names[line]]["height_mm"], "stop": 1, "kept": False,
        }
        for turn, (line, x, y, z, along, across) in enumerate(load["spots"], 1)
    ]  # fmt: skip
    inside = Counter(spot["piece"] for spot in spots)
    missing = {name: kind["count"] - inside[name] for name, kind in kinds.items()}
    centre = load["centre_mm"] or (-1, -1, -1)
    return {
        "state": "loaded", "container": code, "support": "full", "spots": spots,
        "left_out": [
            {"piece": name, "count": count, "reason": ""} for name, count in missing.items() if count
        ],
        "volume_mm3": sum(spot["length_mm"] * spot["width_mm"] * spot["height_mm"] for spot in spots),
        "weight_g": load["weight_g"], "gravity": dict(zip(("x_mm", "y_mm", "z_mm"), centre, strict=True)),
    }  # fmt: skip
