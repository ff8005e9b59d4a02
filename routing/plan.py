"""A plan as it is written down: boxes, assignments, who stays behind, with bound, gap, seed, snapshot and solver."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from routing.network import Canal, Frozen, Instant, Status
from routing.shares import MEASURE, Rule
from routing.spots import Spots

FORMAT: Final = "dongting-plan/1"


class PlanLeg(Frozen):
    """One departure used: what the plan takes of our allotment and its shadow price in fen a unit.

    `cutoff_at`: gate-in; `papers`: the other cut-offs by name. `delay_s`: planned delay, part of `arrive_at`.
    `detour`: the closed canal that it goes round.
    """

    departure: str
    service: str
    mode: str
    origin: str
    destination: str
    depart_at: Instant
    arrive_at: Instant
    cutoff_at: Instant
    delay_s: int = Field(default=0, exclude_if=lambda held: held == 0)
    detour: Canal | None = Field(default=None, exclude_if=lambda held: held is None)
    papers: dict[str, Instant] = Field(default_factory=dict, exclude_if=lambda held: not held)
    unit: Literal["teu", "kg"]
    capacity: int
    taken: int
    price_minor: int


class PlanSegment(Frozen):
    """One sealed move: the departures in order and the instants at both ends. `closed_by`: departure and cut-off that
    close it, where a service names more than gate-in. `late_at`: arrival in the late case."""

    id: str
    corridor: str
    stuffing_place: str
    stripping_place: str
    departures: tuple[str, ...]
    close_at: Instant
    depart_at: Instant
    arrive_at: Instant
    free_at: Instant
    closed_by: tuple[str, str] | None = Field(default=None, exclude_if=lambda held: held is None)
    late_at: Instant | None = Field(default=None, exclude_if=lambda held: held is None)


class PlanBox(Frozen):
    """One box, pallet or loose bill with what is in it. Fill in permille of usable volume and payload; 0 for
    loose bills.
    """

    id: str
    kind: Literal["box", "uld", "loose"]
    equipment: str
    segment: str
    load_class: str
    volume_cm3: int
    weight_g: int
    volume_permille: int
    weight_permille: int
    teu: int
    kg: int
    price_minor: int
    consignments: tuple[str, ...]


Word = Literal["", "no_dimensions", "too_many_pieces"]


class LoadLine(Frozen):
    """Whose pieces: the consignment and which of its kinds of piece, from 1."""

    consignment: str
    piece: int


class PlanLoad(Frozen):
    """How a box is loaded in three dimensions. ``spots`` in loading order: line, x, y, z, length and width in mm; x
    runs from the far end to the door, and pieces stand upright. ``word`` says why `spared` goods were not looked at:
    ``no_dimensions`` or ``too_many_pieces``; their volume and weight are counted all the same."""

    box: str
    container: str
    lines: tuple[LoadLine, ...] = ()
    spots: Spots = Spots()
    spared: tuple[str, ...] = ()
    word: Word = ""
    volume_ppm: int = 0
    weight_g: int = 0
    centre_mm: tuple[int, int, int] | None = None


class PlanCosts(Frozen):
    """What a consignment costs, in fen: its own path and its share of the box."""

    feeder_minor: int
    handling_minor: int
    onward_minor: int
    holding_minor: int
    lateness_minor: int
    carbon_minor: int
    share_minor: int


class Assignment(Frozen):
    """Where a consignment goes. `alone_minor`: the cheapest it could go by itself."""

    consignment: str
    owner: str
    box: str
    segment: str
    deliver_at: Instant
    late_s: int
    co2_g: int
    costs: PlanCosts
    total_minor: int
    alone_minor: int


class Unserved(Frozen):
    """A consignment left out, with the reason's code and the values of its sentence (`report.REASONS`)."""

    consignment: str
    owner: str
    reason: str
    values: dict[str, Any]


class Baselines(Frozen):
    """Costs in fen of A each alone, B cheapest alone then boxes, C the rate of an 85 % full large box then boxes."""

    a_minor: int
    b_minor: int
    c_minor: int


class Conflict(Frozen):
    """One of the limits that together leave no plan."""

    limit: str
    values: dict[str, Any]


class Rank(Frozen):
    """What an emergency plan does for one rank of relief goods: how many go, hours from ready to delivered in all, and
    by how much that step may lie above its bound."""

    priority: int
    consignments: int
    go: int
    hours: int
    gap_ppm: int


class Plan(Frozen):
    """The answer. `objective_minor` = cost of what goes + price of what is left though it has a path; bound <= it.

    `loads`: how each box and pallet is loaded, in the order of `boxes`.

    `stages_ms`: milliseconds spent in each stage of making it.

    `effort`: the limit of work in place of the time. `stopped`: somebody ended the search early.

    `canals`: what its network assumes of them. `infeasible_proved`: what must go cannot all go, whatever a search does.
    """

    format: Literal["dongting-plan/1"] = FORMAT
    state: Literal["solved", "infeasible"]
    snapshot_sha256: str
    seed: int
    solver: str
    seconds_limit: float
    elapsed_ms: int
    started_at: Instant
    cost_minor: int
    left_out_minor: int
    objective_minor: int
    bound_minor: int
    gap_ppm: int
    blocks: int
    blocks_proved: int
    baselines: Baselines
    saving_minor: int
    saving_permille: int
    co2_g: int
    demand_cm3: int
    legs: tuple[PlanLeg, ...]
    segments: tuple[PlanSegment, ...]
    boxes: tuple[PlanBox, ...]
    assignments: tuple[Assignment, ...]
    unserved: tuple[Unserved, ...]
    infeasible_proved: bool = False
    stages_ms: dict[str, int] = Field(default_factory=dict)
    loads: tuple[PlanLoad, ...] = ()
    share_rule: Rule = MEASURE
    effort: int | None = None
    stopped: bool = False
    conflicts: Annotated[tuple[Conflict, ...], Field(default=())]
    ranks: Annotated[tuple[Rank, ...], Field(exclude_if=lambda held: not held)] = ()
    canals: dict[Canal, Status] = Field(default_factory=dict, exclude_if=lambda held: not held)

    def rows(self) -> dict[str, Any]:
        """What the checker reads: the plan as JSON has it, but the spots of its loads as they are held."""
        return {**self.model_dump(mode="json", exclude={"loads"}), "loads": [load.model_dump() for load in self.loads]}
