"""Timed service network design files (CTSNDP) of Boland, Hewitt, Marshall and Savelsbergh.

"The continuous-time service network design problem", Operations Research 65 (2017); format of the public instances of
Marshall, Boland, Savelsbergh and Hewitt, Transportation Science 55 (2021). Three sections NODES, ARCS, COMMODITIES.
"""

from __future__ import annotations

from pathlib import Path

from routing.design.instance import Arc, Commodity, Instance
from routing.design.reading import Line, Reader, lines_of

MOST_NODES, MOST_ARCS, MOST_COMMODITIES = 10_000, 100_000, 20_000


def read_ctsndp(path: Path) -> Instance:
    """The problem in a file, instants in its ticks. Raises BadProblem naming line, field and rule."""
    reader = Reader(lines_of(path), ",")
    nodes = _count(reader, "NODES", MOST_NODES)
    for index in range(nodes):
        line = reader.next(f"node {index + 1} of {nodes}")
        if line.whole(0, "index") != index + 1:
            line.refuse("index", "order", f"nodes count from 1; here {index + 1} is awaited")
    count = _count(reader, "ARCS", MOST_ARCS)
    arcs = [_arc(reader.next(f"arc {index} of {count}"), index, nodes) for index in range(count)]
    count = _count(reader, "COMMODITIES", MOST_COMMODITIES)
    goods = [_commodity(reader.next(f"commodity {index} of {count}"), index, nodes) for index in range(count)]
    rest = reader.rest()
    if rest is not None and not rest.words[0].startswith("horizon="):
        rest.refuse("section", "unknown_section", f"{rest.words[0][:40]!r} stands after the last commodity")
    return Instance("ctsndp", nodes, tuple(arcs), tuple(goods))


def _count(reader: Reader, name: str, most: int) -> int:
    line = reader.next(f"section {name}")
    if line.words[0].strip() != name:
        line.refuse("section", "missing_section", f"{name} is awaited, {line.words[0][:40]!r} stands there")
    return line.whole(1, "count", 1, most)


def _in_order(line: Line, index: int) -> None:
    if line.whole(0, "index") != index:
        line.refuse("index", "order", f"rows count from 0; here {index} is awaited")


def _ends(line: Line, nodes: int, names: tuple[str, str]) -> tuple[int, int]:
    tail, head = line.whole(1, names[0], 1, nodes) - 1, line.whole(2, names[1], 1, nodes) - 1
    if tail == head:
        line.refuse(names[1], "same_node", f"begins and ends at node {tail + 1}")
    return tail, head


def _arc(line: Line, index: int, nodes: int) -> Arc:
    _in_order(line, index)
    tail, head = _ends(line, nodes, ("tail", "head"))
    return Arc(
        tail, head, line.whole(3, "variable cost"), line.whole(4, "fixed cost"), line.whole(5, "capacity", 1),
        line.whole(7, "transit in minutes", 1),
    )  # fmt: skip


def _commodity(line: Line, index: int, nodes: int) -> Commodity:
    _in_order(line, index)
    origin, destination = _ends(line, nodes, ("origin", "destination"))
    release, due = line.whole(6, "release in minutes"), line.whole(7, "due in minutes")
    if due <= release:
        line.refuse("due in minutes", "before_release", f"due at {due}, released at {release}")
    return Commodity(origin, destination, line.whole(3, "quantity", 1), release, due)
