"""The independent checker of cartonised orders: it reads pieces, catalogue and answer as plain values.

It shares no code with the code that packs and looks at every rule in its own way: support by counting covered cells
between all edges, overlap by intervals, the packing order by lowering each piece from above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

AXES = (("x_mm", "length_mm"), ("y_mm", "width_mm"), ("z_mm", "height_mm"))
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One fault: the rule broken, the carton (from 1) and pieces, in words."""

    rule: str
    where: str
    text: str


def check(
    pieces: Sequence[Row], types: Sequence[Row], answer: Row, apart: Sequence[Sequence[str]] = (), support: int = 750
) -> list[Finding]:
    """Every fault of an answer; an empty list for a sound one. ``support`` in permille of each piece's base."""
    by_id = {one["id"]: one for one in pieces}
    kinds = {one["code"]: one for one in types}
    found = list(_complete(by_id, answer))
    for number, carton in enumerate(answer["cartons"], 1):
        where = f"carton {number}"
        if carton["carton"] not in kinds:
            found.append(Finding("catalogue", where, f"{carton['carton']} is not in the catalogue"))
            continue
        known = [spot for spot in carton["pieces"] if spot["piece"] in by_id]
        kind = kinds[carton["carton"]]
        for rule in (_shapes, _inside, _weights, _company):
            found += rule(where, carton, kind, known, by_id, apart)
        found += _overlaps(where, known)
        found += _rests(where, known, by_id, support)
        found += _order(where, known)
    found += _sums(answer, kinds)
    return found


def _complete(by_id: Mapping[str, Row], answer: Row) -> Iterator[Finding]:
    told = Counter(spot["piece"] for carton in answer["cartons"] for spot in carton["pieces"])
    told.update(one["piece"] for one in answer["left_out"])
    for name in by_id.keys() | told.keys():
        if name not in by_id:
            yield Finding("complete", name, "nobody asked for this piece")
        elif told[name] != 1:
            yield Finding("complete", name, f"the piece is told {told[name]} times")


def _shapes(where: str, _carton: Row, _kind: Row, spots: list[Row], by_id: Mapping[str, Row], _apart: Any) -> Any:
    for spot in spots:
        piece = by_id[spot["piece"]]
        lies = [spot[size] for _, size in AXES]
        if sorted(lies) != sorted(piece[size] for _, size in AXES):
            yield Finding("size", where, f"{spot['piece']} has another size than it was given")
        if piece.get("this_side_up") and spot["height_mm"] != piece["height_mm"]:
            yield Finding("upright", where, f"{spot['piece']} must stand upright")


def _inside(where: str, _carton: Row, kind: Row, spots: list[Row], _by_id: Any, _apart: Any) -> Any:
    for spot in spots:
        for at, size in AXES:
            if spot[at] < 0 or spot[at] + spot[size] > kind[size]:
                yield Finding("inside", where, f"{spot['piece']} sticks out along {at[0]}")


def _weights(where: str, carton: Row, kind: Row, spots: list[Row], by_id: Mapping[str, Row], _apart: Any) -> Any:
    total = sum(by_id[spot["piece"]]["weight_g"] for spot in spots)
    if total > kind["max_weight_g"]:
        yield Finding("weight", where, f"{total} g are more than {kind['max_weight_g']} g")
    if carton["content_weight_g"] != total or carton["gross_weight_g"] != total + kind["tare_g"]:
        yield Finding("weight", where, "the weight that is told is not the sum of its parts")


def _company(where: str, _carton: Row, _kind: Row, spots: list[Row], by_id: Mapping[str, Row], apart: Any) -> Any:
    forbidden = {tuple(sorted(pair)) for pair in apart}
    for one, other in combinations(spots, 2):
        for a in by_id[one["piece"]].get("classes", ()):
            for b in by_id[other["piece"]].get("classes", ()):
                if tuple(sorted({a, b})) in forbidden:
                    yield Finding("apart", where, f"{one['piece']} ({a}) lies with {other['piece']} ({b})")


def _meets(one: Row, other: Row, axis: int) -> bool:
    at, size = AXES[axis]
    return bool(max(one[at], other[at]) < min(one[at] + one[size], other[at] + other[size]))


def _overlaps(where: str, spots: list[Row]) -> Iterator[Finding]:
    for one, other in combinations(spots, 2):
        if all(_meets(one, other, axis) for axis in range(3)):
            yield Finding("overlap", where, f"{one['piece']} and {other['piece']} are in the same room")


def _rests(where: str, spots: list[Row], by_id: Mapping[str, Row], support: int) -> Iterator[Finding]:
    for spot in spots:
        under = [
            one for one in spots
            if one["z_mm"] + one["height_mm"] == spot["z_mm"] and _meets(one, spot, 0) and _meets(one, spot, 1)
        ]  # fmt: skip
        for one in under:
            if by_id[one["piece"]].get("is_fragile"):
                yield Finding("fragile", where, f"{spot['piece']} stands on {one['piece']}, which is fragile")
        if spot["z_mm"] > 0 and 1000 * _covered(spot, under) < support * spot["length_mm"] * spot["width_mm"]:
            yield Finding("support", where, f"{spot['piece']} hangs in the air")


def _covered(spot: Row, under: list[Row]) -> int:
    """Area of the base that something lies under, cell by cell between all edges."""
    xs = _edges(spot, under, 0)
    ys = _edges(spot, under, 1)
    return sum(
        (x2 - x1) * (y2 - y1)
        for x1, x2 in pairwise(xs)
        for y1, y2 in pairwise(ys)
        if any(_over(one, x1, 0) and _over(one, y1, 1) for one in under)
    )


def _edges(spot: Row, under: list[Row], axis: int) -> list[int]:
    at, size = AXES[axis]
    low, high = spot[at], spot[at] + spot[size]
    cuts = {low, high, *(edge for one in under for edge in (one[at], one[at] + one[size]) if low < edge < high)}
    return sorted(cuts)


def _over(one: Row, place: int, axis: int) -> bool:
    at, size = AXES[axis]
    return bool(one[at] <= place < one[at] + one[size])


def _order(where: str, spots: list[Row]) -> Iterator[Finding]:
    """In the told order each piece must be lowered from above past those that lie there already."""
    for n, later in enumerate(spots):
        for earlier in spots[:n]:
            above = earlier["z_mm"] + earlier["height_mm"] > later["z_mm"]
            if above and _meets(earlier, later, 0) and _meets(earlier, later, 1):
                yield Finding("order", where, f"{later['piece']} cannot get past {earlier['piece']}")


def _sums(answer: Row, kinds: Mapping[str, Row]) -> Iterator[Finding]:
    cost = sum(kinds[one["carton"]]["cost_minor"] for one in answer["cartons"] if one["carton"] in kinds)
    if cost != answer["cost_minor"]:
        yield Finding("cost", "all cartons", f"they cost {cost}, not {answer['cost_minor']}")
    if answer["bound_minor"] > answer["cost_minor"]:
        yield Finding("bound", "all cartons", "the bound is above the cost")
