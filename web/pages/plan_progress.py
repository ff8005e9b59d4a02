"""A plan while it is made, as its page shows it: figures, the two lines of cost and bound over time, stages, parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from routing import queries as stored
from routing.queries import Parts, Step

WIDTH, HEIGHT, MARGIN = 640, 160, 8


@dataclass(frozen=True)
class StageRow:
    """A stage with the milliseconds spent in it and what was known at its end."""

    stage: str
    spent_ms: int
    last: Step


@dataclass(frozen=True)
class Chart:
    """Cost and bound as points of two lines on one scale, with its ends in fen and the seconds it spans."""

    width: int
    height: int
    cost: str
    bound: str
    high_minor: int
    low_minor: int
    seconds: int


@dataclass(frozen=True)
class Progress:
    """Everything that is told of a plan's making."""

    last: Step | None
    elapsed_ms: int
    stages: tuple[StageRow, ...]
    parts: tuple[Parts, ...]
    chart: Chart | None


def progress_of(session: Session, plan_id: int, *, is_made: bool) -> Progress:
    """How far a plan is, or how it was made."""
    steps = stored.steps(session, plan_id)
    ends_at = steps[-1].told_at if is_made and steps else datetime.now(UTC)
    elapsed_ms = _ms(ends_at - steps[0].told_at) if steps else 0
    return Progress(
        steps[-1] if steps else None, elapsed_ms, tuple(_stages(steps, ends_at)),
        tuple(stored.parts(session, plan_id)), chart(steps, ends_at),
    )  # fmt: skip


def _ms(span: timedelta) -> int:
    return max(0, span // timedelta(milliseconds=1))


def _stages(steps: Sequence[Step], ends_at: datetime) -> list[StageRow]:
    found: list[StageRow] = []
    begun_at = ends_at
    for at, step in enumerate(steps):
        if not found or found[-1].stage != step.stage:
            begun_at = step.told_at
            found.append(StageRow(step.stage, 0, step))
        until = steps[at + 1].told_at if at + 1 < len(steps) else ends_at
        found[-1] = StageRow(step.stage, _ms(until - begun_at), step)
    return found


def chart(steps: Sequence[Step], ends_at: datetime) -> Chart | None:
    """The lines; None before both cost and bound are known."""
    costs = [(one.told_at, one.cost_minor) for one in steps if one.cost_minor is not None]
    bounds = [(one.told_at, one.bound_minor) for one in steps if one.bound_minor]
    if not costs or not bounds:
        return None
    begun_at = steps[0].told_at
    values = [value for _, value in costs + bounds]
    low, high, span = min(values), max(values), max(1, _ms(ends_at - begun_at))

    def points(rows: list[tuple[datetime, int]]) -> str:
        """A stair: what is known stays until something better is."""
        found: list[tuple[int, int]] = []
        for moment, value in [*rows, (ends_at, rows[-1][1])]:
            x = MARGIN + (WIDTH - 2 * MARGIN) * min(span, _ms(moment - begun_at)) // span
            y = MARGIN + (HEIGHT - 2 * MARGIN) * (high - value) // max(1, high - low)
            if found:
                found.append((x, found[-1][1]))
            found.append((x, y))
        return " ".join(f"{x},{y}" for x, y in found)

    return Chart(WIDTH, HEIGHT, points(costs), points(bounds), high, low, span // 1000)
