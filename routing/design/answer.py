"""The answer to a network design problem, as it is written down."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from routing.network import Frozen

FORMAT: Final = "dongting-design/1"
MICRO: Final = 1_000_000


class Move(Frozen):
    """A path of a commodity: arcs, departures (timed problems only), and how much of it goes, in micro-units."""

    commodity: int
    arcs: tuple[int, ...]
    departs: tuple[int, ...] = ()
    amount_micro: Annotated[int, Field(gt=0)]


class DesignPlan(Frozen):
    """Value and proven lower bound in millionths of the file's unit of cost, so that split flows stay exact.

    ``gap_ppm`` is (value - bound) / value, rounded up. Untimed: ``opened`` names the arcs that are paid for.
    """

    format: Literal["dongting-design/1"] = FORMAT
    kind: Literal["ctsndp", "dow"]
    state: Literal["solved", "infeasible"]
    snapshot_sha256: str
    seed: int
    solver: str
    seconds_limit: float | None
    work_limit: int | None
    elapsed_ms: int
    value_micro: int
    bound_micro: int
    gap_ppm: int
    moves: tuple[Move, ...] = ()
    opened: tuple[int, ...] = ()
    unserved: tuple[tuple[int, str], ...] = ()


def gap_of(value: int, bound: int) -> int:
    """(value - bound) / value in parts per million, rounded up; 0 for a value of 0."""
    return -(-(value - bound) * 1_000_000 // value) if value else 0
