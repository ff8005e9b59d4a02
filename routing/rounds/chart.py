"""The time chart of rounds: one row a truck, what its driver does from leaving the depot to coming back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from routing.rounds.answer import PlanRound, RoundsPlan
from routing.units import HOUR_S

KINDS = ("load", "drive", "rest", "wait", "work")
MOST_MARKS = 16


@dataclass(frozen=True)
class Bar:
    """A stretch of one kind; instants in seconds since 1970. ``id``: the element that it is spent at or goes to."""

    kind: str
    id: str
    from_at: int
    until_at: int


@dataclass(frozen=True)
class Row:
    """One round."""

    round: str
    truck: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Chart:
    """All rounds between two instants, with marks at whole hours."""

    from_at: int
    until_at: int
    marks: tuple[int, ...]
    rows: tuple[Row, ...]


def chart(plan: RoundsPlan) -> Chart | None:
    """The chart of a plan; None where nothing is driven."""
    if not plan.rounds:
        return None
    first = min(one.calls[0].begin_at for one in plan.rounds) // HOUR_S * HOUR_S
    last = -(-max(one.calls[-1].arrive_at for one in plan.rounds) // HOUR_S) * HOUR_S
    step = HOUR_S * -(-(last - first) // (MOST_MARKS * HOUR_S))
    rows = tuple(Row(one.id, one.truck, tuple(_bars(one))) for one in plan.rounds)
    return Chart(first, last, tuple(range(first, last + 1, step)), rows)


def _bars(one: PlanRound) -> Iterator[Bar]:
    """The rest is drawn where the road ends: on arrival at the latest."""
    before = one.calls[0].begin_at
    for call in one.calls:
        rest_at = call.arrive_at - call.rest_before_s
        work = "load" if call.kind == "depot" else "work"
        for kind, begin, end in (
            ("drive", before, rest_at),
            ("rest", rest_at, call.arrive_at),
            ("wait", call.arrive_at, call.begin_at),
            (work, call.begin_at, call.leave_at),
        ):
            if end > begin:
                yield Bar(kind, call.id, begin, end)
        before = call.leave_at
