"""A plan of rounds as it is written down: who is served when by which truck, what is left out and why, the bound."""

from __future__ import annotations

from typing import Final, Literal

from routing.network import Frozen, Instant
from routing.rounds.problem import Amount

FORMAT: Final = "dongting-rounds-plan/1"


class Call(Frozen):
    """One element of a round: a depot, a stop, or an end of a transfer. `drive_m`: metres from the element before.

    `rest_before_s`: rest that the driver takes between the element before and this one. `load`: on board after it.
    """

    kind: Literal["depot", "stop", "pick", "drop"]
    id: str
    trip: int
    drive_m: int
    rest_before_s: int
    arrive_at: Instant
    begin_at: Instant
    leave_at: Instant
    load: Amount


class PlanRound(Frozen):
    """One truck's work. Fill in permille of what it holds, at the fullest moment, of the measure that is fullest."""

    id: str
    truck: str
    depot: str
    calls: tuple[Call, ...]
    metres: int
    drive_s: int
    duration_s: int
    fill_permille: int
    cost_minor: int


class Left(Frozen):
    """A stop or transfer left out, with the reason's code and the values of its sentence (`words.REASONS`)."""

    id: str
    owner: str
    reason: str
    values: dict[str, int | str]
    must_go: bool = False


class OwnerShare(Frozen):
    """What an owner's goods cost if each of its jobs had a truck to itself."""

    owner: str
    jobs: int
    alone_minor: int


class RoundsPlan(Frozen):
    """`infeasible`: something that must go is left out, or all is. Bound and gap hold for the jobs that are served.

    `alone_minor`: each served job by a truck to itself.
    """

    format: Literal["dongting-rounds-plan/1"] = FORMAT
    state: Literal["solved", "infeasible"]
    snapshot_sha256: str
    seed: int
    solver: str
    seconds_limit: float
    work_limit: int | None
    iterations: int
    elapsed_ms: int
    cost_minor: int
    bound_minor: int
    bound_kind: str
    gap_ppm: int
    alone_minor: int
    metres: int
    drive_s: int
    duration_s: int
    rounds: tuple[PlanRound, ...]
    unserved: tuple[Left, ...]
    owners: tuple[OwnerShare, ...]
