"""The plan along time: one row a sealed move: what happens to its boxes from the last delivery to the stripping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from routing.plan import Plan
from routing.units import DAY_S

Kind = Literal["wait", "barge", "ocean", "rail", "truck", "air", "strip"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of a row in seconds since 1970: waiting for a departure, a leg by its mode, or stripping."""

    kind: Kind
    from_at: int
    until_at: int
    departure: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One sealed move with the boxes and loose bills on it. `closed_by`: the cut-off at which its first bar begins."""

    segment: str
    stuffing_place: str
    stripping_place: str
    boxes: tuple[str, ...]
    bars: tuple[Bar, ...]
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """All rows in order of time; ``from_at`` and ``until_at`` are whole days (UTC) around them, ``marks`` their days
    to be named: every day of a short plan, every week of a long one.
    """

    from_at: int
    until_at: int
    marks: tuple[int, ...]
    rows: tuple[Row, ...]


MOST_MARKS = 12


def chart(plan: Plan) -> Chart | None:
    """The chart of a plan; None where nothing goes."""
    legs = {leg.departure: leg for leg in plan.legs}
    rows = []
    for segment in plan.segments:
        bars: list[Bar] = []
        now = segment.close_at
        for name in segment.departures:
            leg = legs[name]
            if leg.depart_at > now:
                bars.append(Bar("wait", now, leg.depart_at))
            bars.append(Bar(leg.mode, leg.depart_at, leg.arrive_at, name))  # type: ignore[arg-type]
            now = leg.arrive_at
        if segment.free_at > now:
            bars.append(Bar("strip", now, segment.free_at))
        closed_by = segment.closed_by[1] if segment.closed_by is not None else ""
        inside = tuple(box.id for box in plan.boxes if box.segment == segment.id)
        rows.append(Row(segment.id, segment.stuffing_place, segment.stripping_place, inside, tuple(bars), closed_by))
    if not rows:
        return None
    from_at = min(row.bars[0].from_at for row in rows) // DAY_S * DAY_S
    until_at = -(-max(row.bars[-1].until_at for row in rows) // DAY_S) * DAY_S
    days = (until_at - from_at) // DAY_S
    step = next(step for step in (1, 2, 7, 14, 28, 56, days) if days <= step * MOST_MARKS or step == days)
    last = until_at - (until_at - from_at) // 20  # a name at the very edge would be cut off
    return Chart(from_at, until_at, tuple(range(from_at, last, step * DAY_S)), tuple(rows))
