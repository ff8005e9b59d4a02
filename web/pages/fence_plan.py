"""The plan of a fence as lines to be drawn: sections as they stand, scaled so that all of them fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from wms.watch.queries.fence import SectionRow
from wms.watch.rules.fence import path_points

MARGIN = 0.12


@dataclass(frozen=True)
class Line:
    """One section: its points as SVG wants them, and where its name stands."""

    section: SectionRow
    points: str
    x: float
    y: float


@dataclass(frozen=True)
class Plan:
    """A site's fence: the view box, the size of a letter in it, its lines."""

    site_code: str
    site_zh: str
    site_en: str
    box: str
    letter: float
    lines: tuple[Line, ...]


def drawn(sections: Sequence[SectionRow]) -> list[Plan]:
    """One plan for each site with sections that have a place on it."""
    sites = dict.fromkeys(row.site_code for row in sections if row.path)
    return [_plan([row for row in sections if row.site_code == code and row.path]) for code in sites]


def _plan(rows: list[SectionRow]) -> Plan:
    points = {row.id: path_points(list(row.path)) for row in rows}
    xs = [x for line in points.values() for x, _ in line]
    ys = [y for line in points.values() for _, y in line]
    width, height = max(max(xs) - min(xs), 1), max(max(ys) - min(ys), 1)
    room = max(width, height) * MARGIN
    box = f"{min(xs) - room:g} {min(ys) - room:g} {width + 2 * room:g} {height + 2 * room:g}"
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    lines = tuple(_line(row, points[row.id], middle_x, middle_y, room) for row in rows)
    first = rows[0]
    return Plan(first.site_code, first.site_zh, first.site_en, box, max(width, height) / 26, lines)


def _line(row: SectionRow, points: list[tuple[int, int]], middle_x: float, middle_y: float, room: float) -> Line:
    """The name stands inside the fence, beside the middle of its section."""
    (x1, y1), (x2, y2) = points[(len(points) - 1) // 2], points[(len(points) - 1) // 2 + 1]
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    pull = room / 2 / max(((middle_x - x) ** 2 + (middle_y - y) ** 2) ** 0.5, 1)
    return Line(row, " ".join(f"{px},{py}" for px, py in points), x + (middle_x - x) * pull, y + (middle_y - y) * pull)
