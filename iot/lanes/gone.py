"""Whether a vehicle has left its lane: by the loops' edges where there are loops, else by what is read of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from iot.lanes.readings import LaneReading, LaneRules, LoopEdge, Standing


@dataclass(frozen=True)
class Gone:
    """When the vehicle had left, and whether through the exit."""

    at: datetime
    through: bool


def _edges(readings: Sequence[LaneReading]) -> tuple[LoopEdge, ...]:
    return tuple(
        LoopEdge(str(reading.body["loop"]), bool(reading.body["is_occupied"]), reading.at)
        for reading in readings
        if reading.kind == "LoopRead"
    )


def gone_of(rules: LaneRules, standing: Standing, readings: Sequence[LaneReading], now: datetime) -> Gone | None:
    """The first moment at which the vehicle had left, going along the loops' edges in time; None: still there."""
    live = [reading for reading in readings if reading.is_live]
    edges = sorted((*standing.loops, *_edges(live)), key=lambda edge: edge.at)
    if not rules.has_loops or not edges:
        return _gone_unseen(rules, standing, live, now)
    state: dict[str, bool] = {}
    through, last_at = standing.has_passed, edges[0].at
    for edge in edges:
        if _is_empty(state) and edge.at - last_at >= rules.settle:
            return Gone(last_at, through)
        if edge.loop == "exit" and not edge.is_occupied and state.get("exit"):
            return Gone(edge.at, True)
        state[edge.loop], last_at = edge.is_occupied, edge.at
        through = through or (edge.loop == "exit" and edge.is_occupied)
    return Gone(now, through) if _is_empty(state) and now - last_at >= rules.settle else None


def _gone_unseen(rules: LaneRules, standing: Standing, live: Sequence[LaneReading], now: datetime) -> Gone | None:
    """Where no loop tells: after the gap, once it has passed; or it came back, when its plate is read after the gap.

    A held vehicle that waits for the officer is not gone because no camera looks at it; one that is followed as the
    same object, or read again and again, is parked.
    """
    if standing.has_passed:
        last_at = max([standing.opened_at, standing.plate_seen_at or standing.opened_at, *(one.at for one in live)])
        return Gone(now, True) if now - last_at >= rules.gap else None
    if rules.has_loops or not standing.is_decided or standing.plate_seen_at is None:
        return None
    last_at = standing.plate_seen_at
    for reading in live:
        if reading.plate != standing.plate or reading.plate is None:
            continue
        is_followed = reading.object_id is not None and reading.object_id in standing.object_ids
        if reading.at - last_at >= rules.gap and not is_followed:
            return Gone(last_at, False)
        last_at = max(last_at, reading.at)
    return None


def _is_empty(state: dict[str, bool]) -> bool:
    """Whether no loop is occupied and the vehicle had been on the scale; else it may stand between the loops."""
    return bool(set(state) - {"arrive", "exit"}) and not any(state.values())
