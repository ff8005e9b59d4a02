"""A plan: solved, improved, re-checked and written down with its bound, gap, seed, snapshot hash, solver and time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import ortools
from pydantic import Field

from routing.consolidate import Bounded, bound
from routing.network import Frozen, Instant
from routing.paths import PathFinder, Paths, Reason
from routing.problem import Problem, check
from routing.search import Search, assemble, large_box_choice, stand_alone, unserved_prices
from routing.state import UNSERVED, Box, State
from routing.tariff import LOOSE, cheapest_loose
from routing.units import ceil_div, share_exactly
from routing.verify import Finding, verify

FORMAT: Final = "dongting-plan/1"
SOLVER = f"OR-Tools {ortools.__version__}, HiGHS"
Progress = Callable[[str, int], None]


class PlanLeg(Frozen):
    """One departure used: what the plan takes of our allotment and its shadow price in fen a unit."""

    departure: str
    service: str
    mode: str
    origin: str
    destination: str
    depart_at: Instant
    arrive_at: Instant
    cutoff_at: Instant
    unit: Literal["teu", "kg"]
    capacity: int
    taken: int
    price_minor: int


class PlanSegment(Frozen):
    """One sealed move: the departures in order and the instants at both ends."""

    id: str
    corridor: str
    stuffing_place: str
    stripping_place: str
    departures: tuple[str, ...]
    close_at: Instant
    depart_at: Instant
    arrive_at: Instant
    free_at: Instant


class PlanBox(Frozen):
    """One box, pallet or loose bill with what is in it. Fill in permille of usable volume and payload; 0 for loose bills."""

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


class Plan(Frozen):
    """The answer. `objective_minor` = cost of what goes + price of what is left though it has a path; bound <= objective."""

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
    conflicts: Annotated[tuple[Conflict, ...], Field(default=())]


class Unsound(Exception):
    """The independent checker found faults in a plan that the planner made: a defect of the planner, never shown as a plan."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{one.rule} {one.where}: {one.text}" for one in findings[:5]))


def make_plan(
    problem: Problem, *, seconds: float = 30.0, seed: int = 1, rounds: int = 200, progress: Progress | None = None
) -> Plan:
    """The best plan found in about `seconds`, checked by `verify`. Raises BadProblem for bad input, Unsound for a defect.

    Time: half for the bound, the rest for the search. `rounds` limits the search by work; when neither limit of time
    bites, the same seed gives the same plan.
    """
    started, said = time.monotonic(), progress or (lambda stage, permille: None)
    wall = int(time.time())
    check(problem)
    said("paths", 0)
    paths = PathFinder(problem).find()
    alone = stand_alone(paths)
    unserved = unserved_prices(paths, alone)
    said("baselines", 20)
    starts = [
        assemble(paths, unserved, {k: way for k, (way, _) in alone.items()}),
        assemble(paths, unserved, large_box_choice(paths)),
    ]
    baselines = Baselines(
        a_minor=sum(cost for _, cost in alone.values()), b_minor=starts[0].total_minor, c_minor=starts[1].total_minor
    )
    until = started + seconds
    better = min(starts, key=lambda state: state.total_minor)
    improve(better, seed, rounds, started + seconds * 0.15, SETTLED)
    said("bound", 150)
    left = until - time.monotonic()
    # The last search wants about what the first one took, and a share of the rest to shake the plan.
    bounded = bound(paths, unserved, left * 0.7, lambda done, of: said("bound", 150 + 500 * done // of))
    said("search", 650)
    chosen = assemble(paths, unserved, bounded.choice)
    left = until - time.monotonic()
    goal = bounded.bound_minor + bounded.bound_minor // 20_000
    improve(chosen, seed + 1, rounds, until - left * 0.5, SETTLED, goal)
    best = min((chosen, better), key=lambda state: state.total_minor)
    said("search", 800)
    improve(best, seed + 2, rounds, until, None, goal)
    said("check", 950)
    plan = Writer(problem, paths, best, bounded, baselines, {k: cost for k, (_, cost) in alone.items()}).plan(
        seed=seed, seconds=seconds, elapsed_ms=round((time.monotonic() - started) * 1000), started_at=wall
    )
    findings = verify(problem, plan.model_dump(mode="json"))
    if findings:
        raise Unsound(findings)
    said("done", 1000)
    return plan


SETTLED = 0
"""Search until nothing moves, without shaking."""


def improve(state: State, seed: int, rounds: int, until: float, shakes: int | None, goal: int = -1) -> None:
    """Local search on one plan until it settles, costs no more than `goal` fen, or time.monotonic() reaches `until`."""
    Search(state, seed, lambda: time.monotonic() > until or state.total_minor <= goal).run(rounds, shakes)


class Writer:
    """Turns a finished state into a plan document."""

    def __init__(
        self,
        problem: Problem,
        paths: Paths,
        state: State,
        bounded: Bounded,
        baselines: Baselines,
        alone: dict[int, int],
    ) -> None:
        self._problem, self._paths, self._state = problem, paths, state
        self._bounded, self._baselines, self._alone = bounded, baselines, alone
        self._goods = problem.consignments

    def plan(self, *, seed: int, seconds: float, elapsed_ms: int, started_at: int) -> Plan:
        """The document; boxes in order of departure, consignments in the order of the problem."""
        boxes, assignments = self._boxes()
        unserved = self._unserved()
        cost = sum(one.total_minor for one in assignments)
        objective = self._state.total_minor
        bound_minor = min(self._bounded.bound_minor, objective)
        better = min(self._baselines.b_minor, self._baselines.c_minor)
        conflicts = self._conflicts(unserved)
        nothing = bool(self._goods) and not assignments
        return Plan(
            state="infeasible" if conflicts or nothing else "solved",
            snapshot_sha256=self._problem.snapshot_sha256(), seed=seed, solver=SOLVER, seconds_limit=seconds, elapsed_ms=elapsed_ms,
            started_at=started_at, cost_minor=cost, left_out_minor=objective - cost, objective_minor=objective, bound_minor=bound_minor,
            gap_ppm=ceil_div((objective - bound_minor) * 1_000_000, objective) if objective else 0,
            blocks=self._bounded.blocks, blocks_proved=self._bounded.blocks_proved, baselines=self._baselines,
            saving_minor=better - objective, saving_permille=(better - objective) * 1000 // better if better else 0,
            co2_g=sum(one.co2_g for one in assignments), demand_cm3=sum(one.volume_cm3 for one in self._goods),
            legs=self._legs(), segments=self._segments(), boxes=tuple(boxes), assignments=tuple(assignments),
            unserved=tuple(unserved), conflicts=tuple(conflicts),
        )  # fmt: skip

    def _used_boxes(self) -> list[Box]:
        held = {id(box): box for box in self._state.box.values()}
        groups = self._state.groups
        return sorted(
            held.values(),
            key=lambda box: (groups[box.g].segment.depart_at, groups[box.g].id, box.offer is None, min(box.items)),
        )

    def _boxes(self) -> tuple[list[PlanBox], list[Assignment]]:
        boxes: list[PlanBox] = []
        by_k: dict[int, Assignment] = {}
        for number, box in enumerate(self._used_boxes(), 1):
            name = f"B{number:04d}"
            boxes.append(self._box(name, box))
            ks = sorted(box.items)
            shares = share_exactly(box.price_minor, [self._weight(box, k) for k in ks])
            for k, share in zip(ks, shares, strict=True):
                by_k[k] = self._assignment(name, box, k, share)
        return boxes, [by_k[k] for k in sorted(by_k)]

    def _weight(self, box: Box, k: int) -> int:
        """The larger of volume and weight share of the box (of the load, for a loose bill), in parts per thousand million."""
        one = self._goods[k]
        if box.offer is None:
            full_cm3, full_g = box.volume_cm3, box.weight_g
        else:
            offer = self._state.groups[box.g].offers[box.offer]
            full_cm3, full_g = offer.full_cm3(), offer.full_g()
        return max(one.volume_cm3 * 10**9 // full_cm3, one.weight_g * 10**9 // full_g, 1)

    def _box(self, name: str, box: Box) -> PlanBox:
        group = self._state.groups[box.g]
        if box.offer is None:
            bought = cheapest_loose(group.offers, box.volume_cm3, box.weight_g)
            assert bought is not None
            kind, equipment, full_cm3, full_g = LOOSE, bought[1].code, 0, 0
        else:
            offer = group.offers[box.offer]
            kind, equipment, full_cm3, full_g = offer.kind, offer.code, offer.full_cm3(), offer.full_g()
        return PlanBox(
            id=name, kind=kind, equipment=equipment, segment=group.segment.id, load_class=group.load_class,  # type: ignore[arg-type]
            volume_cm3=box.volume_cm3, weight_g=box.weight_g,
            volume_permille=box.volume_cm3 * 1000 // full_cm3 if full_cm3 else 0,
            weight_permille=box.weight_g * 1000 // full_g if full_g else 0,
            teu=box.teu, kg=box.kg, price_minor=box.price_minor, consignments=tuple(self._goods[k].id for k in sorted(box.items)),
        )  # fmt: skip

    def _assignment(self, name: str, box: Box, k: int, share: int) -> Assignment:
        path = self._state.ways[k][self._state.way[k]]
        costs = path.costs
        return Assignment(
            consignment=self._goods[k].id, owner=self._goods[k].owner, box=name, segment=self._state.groups[box.g].segment.id,
            deliver_at=path.deliver_at, late_s=path.late_s, co2_g=path.co2_g,
            costs=PlanCosts(
                feeder_minor=costs.feeder_minor, handling_minor=costs.handling_minor, onward_minor=costs.onward_minor,
                holding_minor=costs.holding_minor, lateness_minor=costs.lateness_minor, carbon_minor=costs.carbon_minor, share_minor=share,
            ),
            total_minor=path.cost_minor + share, alone_minor=self._alone[k],
        )  # fmt: skip

    def _used_segments(self) -> list[Any]:
        used = {
            self._state.groups[box.g].segment.id: self._state.groups[box.g].segment for box in self._state.box.values()
        }
        return sorted(used.values(), key=lambda segment: (segment.depart_at, segment.id))

    def _segments(self) -> tuple[PlanSegment, ...]:
        return tuple(
            PlanSegment(
                id=one.id, corridor=one.corridor.code, stuffing_place=one.corridor.stuffing_place,
                stripping_place=one.corridor.stripping_place, departures=tuple(leg.id for leg in one.legs),
                close_at=one.close_at, depart_at=one.depart_at, arrive_at=one.arrive_at, free_at=one.free_at,
            )
            for one in self._used_segments()
        )  # fmt: skip

    def _legs(self) -> tuple[PlanLeg, ...]:
        legs = {leg.id: leg for segment in self._used_segments() for leg in segment.legs}
        return tuple(
            PlanLeg(
                departure=leg.id, service=leg.service.code, mode=leg.service.mode, origin=leg.service.origin,
                destination=leg.service.destination, depart_at=leg.depart_at, arrive_at=leg.arrive_at, cutoff_at=leg.cutoff_at,
                unit=leg.service.capacity_unit, capacity=leg.capacity, taken=leg.capacity - self._state.left[leg.id],
                price_minor=self._bounded.prices.get(leg.id, 0),
            )
            for leg in sorted(legs.values(), key=lambda leg: (leg.depart_at, leg.id))
        )  # fmt: skip

    def _unserved(self) -> list[Unserved]:
        found = []
        for k, one in enumerate(self._goods):
            reason = self._paths.reasons.get(k)
            if reason is None and self._state.way[k] == UNSERVED:
                reason = self._no_room(k)
            if reason is not None:
                found.append(Unserved(consignment=one.id, owner=one.owner, reason=reason.code, values=reason.values))
        return found

    def _no_room(self, k: int) -> Reason:
        """Paths exist but what they need is taken: the fullest leg of the path that would be cheapest alone."""
        state, one = self._state, self._goods[k]
        choices = []
        for way in state.ways[k]:
            offers = state.groups[way.g].offers
            for index in way.offers:
                price = offers[index].price(one.volume_cm3, one.weight_g)
                extra = offers[index].units(one.volume_cm3, one.weight_g)
                if price is not None and extra is not None:
                    choices.append((way.cost_minor + price, way.g, offers[index].teu, offers[index].leg_kg(extra)))
        cost, g, teu, kg = min(choices)
        short = [(leg, teu if leg.service.capacity_unit == "teu" else kg) for leg in state.groups[g].segment.legs]
        leg, need = max(short, key=lambda item: item[1] - state.left[item[0].id])
        return Reason(
            "no_capacity",
            {
                "leg": leg.id, "unit": leg.service.capacity_unit, "capacity": leg.capacity, "left": state.left[leg.id],
                "short": max(0, need - state.left[leg.id]), "price_minor": self._bounded.prices.get(leg.id, 0), "cost_minor": cost,
            },
        )  # fmt: skip

    def _conflicts(self, unserved: list[Unserved]) -> list[Conflict]:
        """What stands against a plan: the reasons of those that must go, or of all where nothing can go at all."""
        must = {one.id for one in self._goods if one.must_go}
        none_goes = bool(self._goods) and len(unserved) == len(self._goods)
        return [
            Conflict(limit=one.reason, values={"consignment": one.consignment, **one.values})
            for one in unserved
            if none_goes or one.consignment in must
        ]
