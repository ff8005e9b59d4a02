"""Canad files (``.dow``) of fixed-charge network design by Crainic, Frangioni and Gendron.

"Bundle-based relaxation methods for multicommodity capacitated fixed charge network design", Discrete Applied
Mathematics 112 (2001). A title; nodes, arcs, commodities; then one line for each arc and for each commodity.
"""

from __future__ import annotations

from pathlib import Path

from routing.design.instance import Arc, Commodity, Instance
from routing.design.reading import Line, Reader, lines_of

MOST_NODES, MOST_ARCS, MOST_COMMODITIES = 10_000, 100_000, 20_000


def read_dow(path: Path) -> Instance:
    """The problem in a file. Raises BadProblem naming line, field and rule."""
    reader = Reader(lines_of(path), None)
    reader.next("the title")
    sizes = reader.next("nodes, arcs and commodities")
    nodes = sizes.whole(0, "nodes", 2, MOST_NODES)
    arcs, commodities = sizes.whole(1, "arcs", 1, MOST_ARCS), sizes.whole(2, "commodities", 1, MOST_COMMODITIES)
    ways = [_arc(reader.next(f"arc {one + 1} of {arcs}"), nodes) for one in range(arcs)]
    goods = [_commodity(reader.next(f"commodity {one + 1} of {commodities}"), nodes) for one in range(commodities)]
    line = reader.rest()
    if line is not None:
        line.refuse("line", "too_many_lines", f"the header names {arcs} arcs and {commodities} commodities")
    return Instance("dow", nodes, tuple(ways), tuple(goods))


def _ends(line: Line, nodes: int, names: tuple[str, str]) -> tuple[int, int]:
    tail, head = line.whole(0, names[0], 1, nodes) - 1, line.whole(1, names[1], 1, nodes) - 1
    if tail == head:
        line.refuse(names[1], "same_node", f"begins and ends at node {tail + 1}")
    return tail, head


def _arc(line: Line, nodes: int) -> Arc:
    tail, head = _ends(line, nodes, ("tail", "head"))
    return Arc(tail, head, line.whole(2, "variable cost"), line.whole(4, "fixed cost"), line.whole(3, "capacity", 1))


def _commodity(line: Line, nodes: int) -> Commodity:
    origin, destination = _ends(line, nodes, ("origin", "destination"))
    return Commodity(origin, destination, line.whole(2, "demand", 1))
