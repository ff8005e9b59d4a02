"""The search by PyVRP: our problem as its data, its routes as our rounds.

A kind of truck becomes two: one that drives no longer than a spell, and one that drives longer and rests once on its
first leg (where a stop needs it, a third that rests on its last). That puts the rest where it costs what it costs;
`timing.py` finds its true place afterwards, and `mend.py` sets right the few rounds that have none. Where a kind may
not go, the road is so long that nobody takes it.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
import pyvrp
from pyvrp.exceptions import PenaltyBoundWarning
from pyvrp.IteratedLocalSearch import IteratedLocalSearch, IteratedLocalSearchParams
from pyvrp.PenaltyManager import PenaltyManager, PenaltyParams
from pyvrp.search import OPERATORS, LocalSearch, NeighbourhoodParams, PerturbationManager, compute_neighbours
from pyvrp.stop import MaxIterations, MaxRuntime, StoppingCriterion

from routing.rounds.alone import Job
from routing.rounds.case import Case, Round, Visit
from routing.rounds.problem import DIMENSIONS, MOST_AMOUNT
from routing.rounds.timing import fits, timed
from routing.units import share_exactly

PROBE_PERMILLE = 120
FLEET_PERMILLE = 800
SHORT, FIRST, LAST = "short", "first", "last"  # no rest, one on the first leg, one on the last
GAPS = {SHORT: (), FIRST: (0,), LAST: (-1,)}
FEN = 1000  # the engine's units in one fen: a metre costs whole units, a second almost
MOST_LOAD = 100_000  # what a truck holds, in the engine's units of load
PENALTIES = PenaltyParams(max_penalty=1e9, solutions_between_updates=100)
NEIGHBOURS, HISTORY = 15, 20  # PyVRP takes 50 and 300: see decision 7


@dataclass(frozen=True)
class Limit:
    """Seconds, or iterations where `work` is given: then the same seed gives the same rounds on any machine."""

    seconds: float
    work: int | None

    def part(self, permille: int) -> Limit:
        """A share of it."""
        return Limit(
            self.seconds * permille / 1000, None if self.work is None else max(1, self.work * permille // 1000)
        )

    def stop(self) -> StoppingCriterion:
        """PyVRP's criterion."""
        return MaxIterations(self.work) if self.work is not None else MaxRuntime(max(0.05, self.seconds))


@dataclass(frozen=True)
class Found:
    """Rounds as the engine sees them; how many iterations it took."""

    rounds: list[Round]
    iterations: int


class Search:
    """A short probe first (it tells whether the fleet is large enough), then the rest of the limit.

    `typical_units`: what a usual round costs, in 1/18,000 fen; penalties begin in proportion to it.
    """

    def __init__(self, case: Case, jobs: Sequence[Job], limit: Limit, seed: int, typical_units: int) -> None:
        self._case, self._limit, self._seed = case, limit, seed
        self._started = time.perf_counter()
        ways = {job.id: _ways(case, job) for job in jobs}
        variants = (SHORT, FIRST, LAST) if any(way == {LAST} for way in ways.values()) else (SHORT, FIRST)
        reached = [job for job in jobs if ways[job.id]]  # the others rest in the middle: `mend.py` puts them in
        self._model = Model(case, reached, typical_units * FEN // 18_000)
        self._counts = [dict.fromkeys(variants, one.count) for one in case.trucks]
        self._data = self._model.data(self._counts, required=True)
        self._probe = self._solve(self._data, limit.part(PROBE_PERMILLE), None)

    def _solve(self, data: pyvrp.ProblemData, limit: Limit, warm: pyvrp.Solution | None) -> pyvrp.Result:
        """PyVRP's own search, with penalties that suit our units."""
        rng = pyvrp.RandomNumberGenerator(seed=self._seed)
        local = LocalSearch(
            data, rng, compute_neighbours(data, NeighbourhoodParams(num_neighbours=NEIGHBOURS)), PerturbationManager()
        )
        for operator in OPERATORS:
            if operator.supports(data):
                local.add_operator(operator(data))
        penalties = PenaltyManager(self._model.penalties(), PENALTIES)
        if warm is None:
            warm = local(pyvrp.Solution.make_random(data, rng), penalties.max_cost_evaluator(), exhaustive=True)
        algorithm = IteratedLocalSearch(data, penalties, local, warm, IteratedLocalSearchParams(history_length=HISTORY))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PenaltyBoundWarning)  # told to its maker; we see whether the result holds
            return algorithm.run(limit.stop(), collect_stats=False)

    def probed(self) -> list[Round]:
        """The rounds of the probe; none where they do not hold."""
        return self._model.rounds(self._probe.best) if self._probe.is_feasible() else []

    def run(self) -> Found:
        """The rounds of the whole search. They need not keep every rule of rests, nor the number of trucks."""
        data, warm = self._data, self._probe.best if self._probe.is_feasible() else None
        if warm is not None and (split := self._model.split(warm)) is not None:
            data, warm = self._model.data(split, required=True), None
        left = self._limit.part(1000 - PROBE_PERMILLE)
        if left.work is None:
            left = Limit(self._limit.seconds - (time.perf_counter() - self._started), None)
        half = left if warm is not None else left.part(500)
        result = self._solve(data, half, warm)
        iterations = self._probe.num_iterations + result.num_iterations
        if not result.is_feasible() and warm is None:  # too few trucks: who stays behind is chosen too
            result = self._solve(self._model.data(self._counts, required=False), half, None)
            iterations += result.num_iterations
        elif warm is None:
            result = self._solve(data, half, result.best)
            iterations += result.num_iterations
        return Found(self._model.rounds(result.best) if result.is_feasible() else self.probed(), iterations)


def _ways(case: Case, job: Job) -> set[str]:
    """In which variants some truck can do the job alone."""
    found = set()
    for truck in case.nodes[job.nodes[0]].trucks:
        for window in range(len(case.nodes[job.nodes[0]].windows)):
            one = Round(truck, (tuple(Visit(node, window) for node in job.nodes),))
            if case.trucks[truck].count and fits(case, one):
                found |= {variant for variant, gap in GAPS.items() if timed(case, one, gap) is not None}
    return found


class Model:
    """PyVRP's data for a case, and the way back."""

    def __init__(self, case: Case, jobs: Sequence[Job], typical: int) -> None:
        self._case, self._jobs, self._typical = case, jobs, typical
        self._nodes = [*range(len(case.problem.depots)), *(node for job in jobs for node in job.nodes)]
        self._at = {node: at for at, node in enumerate(self._nodes)}
        self._metres = np.array([[case.metres[a][b] for b in self._nodes] for a in self._nodes], np.int64)
        self._alone: list[Visit] = []  # the visit that each client stands for
        self._shipped: list[tuple[int, int]] = []
        self._kinds: list[tuple[int, str]] = []  # of each of PyVRP's vehicle types: our kind, and its variant
        self._scale = self._scales()

    def _scales(self) -> list[int]:
        """By what each measure of load is divided: exact where a common divisor will do, else on the safe side."""
        found = []
        for part in range(len(DIMENSIONS)):
            holds = [hold for one in self._case.trucks if (hold := one.holds()[part]) < MOST_AMOUNT]
            amounts = [amount[part] for job in self._jobs for node in job.nodes for amount in self._case.amounts(node)]
            common = max(1, gcd(*holds, *amounts))
            most = max(holds, default=1) // common
            found.append(common * max(1, most // MOST_LOAD))
        return found

    def _load(self, amounts: Sequence[int]) -> list[int]:
        return [-(-amount // scale) for amount, scale in zip(amounts, self._scale, strict=True)]

    def penalties(self) -> tuple[list[float], float, float]:
        """Where the penalties begin: a truck twice too full costs six rounds, a second too many thirtyfold."""
        hours = max(one.hour_minor for one in self._case.trucks) * FEN / 3600
        metre = max(one.km_minor for one in self._case.trucks) * FEN / 1000
        loads = []
        for part, scale in enumerate(self._scale):
            holds = sorted(hold // scale for one in self._case.trucks if (hold := one.holds()[part]) < MOST_AMOUNT)
            loads.append(6 * self._typical / max(1, holds[len(holds) // 2] if holds else 1))
        return loads, max(1.0, 30 * hours), max(1.0, 30 * metre)

    def data(self, counts: Sequence[dict[str, int]], *, required: bool) -> Any:
        """The data; `counts` has for each kind of truck how many may drive in each variant."""
        hours = self._case.problem.hours
        case = self._case
        self._alone, self._shipped, self._kinds = [], [], []
        clients, groups = self._clients(required=required)
        locations = [pyvrp.Location(case.points[at][1], case.points[at][0]) for at in self._nodes]
        profiles: dict[tuple[Any, ...], int] = {}
        distances: list[Any] = []
        durations: list[Any] = []
        types = []
        for truck, numbers in enumerate(counts):
            if not self._open(truck):
                continue
            for variant, count in numbers.items():
                if count < 1 or (variant != SHORT and hours.drive_s <= hours.spell_s):
                    continue
                key = (case.trucks[truck].speed_km_h, self._barred(truck), variant)
                if key not in profiles:
                    profiles[key] = len(distances)
                    distance, duration = self._roads(truck, variant)
                    distances.append(distance)
                    durations.append(duration)
                types.append(self._type(truck, count, profiles[key], variant))
                self._kinds.append((truck, variant))
        return pyvrp.ProblemData(
            locations, clients, self._depots(), types, distances, durations, groups, self._shipments(required=required)
        )

    def _open(self, truck: int) -> bool:
        """Whether the depot of a kind of truck is ever open while it may drive."""
        one, depot = self._case.trucks[truck], self._case.problem.depots[self._case.depot_of[truck]]
        return max(one.start_at, depot.open_at) <= min(one.end_at, depot.close_at)

    def _depots(self) -> list[Any]:
        case = self._case
        return [
            pyvrp.Depot(at, *self._relative((one.open_at, one.close_at)), one.load_s)
            for at, one in enumerate(case.problem.depots)
        ]

    def _clients(self, *, required: bool) -> tuple[list[Any], list[Any]]:
        case = self._case
        clients: list[pyvrp.Client] = []
        groups: list[pyvrp.ClientGroup] = []
        for job in self._jobs:
            if len(job.nodes) > 1:
                continue
            node = case.nodes[job.nodes[0]]
            off, on = case.amounts(job.nodes[0])
            open_ = [(at, window) for at, window in enumerate(node.windows) if self._meets(window)]
            group = len(groups) if len(open_) > 1 else None
            for at, window in open_:
                opens, closes = self._relative(window)
                clients.append(
                    pyvrp.Client(
                        self._at[job.nodes[0]], self._load(off), self._load(on), node.service_s, opens, closes,
                        prize=0 if required else self._prize(job), required=required and group is None, group=group,
                    )
                )  # fmt: skip
                self._alone.append(Visit(job.nodes[0], at))
            if group is not None:
                groups.append(
                    pyvrp.ClientGroup(list(range(len(clients) - len(open_), len(clients))), required=required)
                )
        return clients, groups

    def _shipments(self, *, required: bool) -> list[Any]:
        case = self._case
        found = []
        for job in self._jobs:
            if len(job.nodes) < 2:
                continue
            pick, drop = (case.nodes[node] for node in job.nodes)
            found.append(
                pyvrp.Shipment(
                    self._at[job.nodes[0]], self._at[job.nodes[1]], *self._relative(pick.windows[0]), pick.service_s,
                    *self._relative(drop.windows[0]), drop.service_s, self._load(case.amounts(job.nodes[0])[1]),
                    prize=0 if required else self._prize(job), required=required,
                )
            )  # fmt: skip
            self._shipped.append((job.nodes[0], job.nodes[1]))
        return found

    def _meets(self, window: tuple[int, int]) -> bool:
        return window[1] >= self._case.start and window[0] <= self._case.end

    def _relative(self, window: tuple[int, int]) -> tuple[int, int]:
        """From the first start on. What opens after the last truck has ended stays beyond the day of each."""
        case = self._case
        opens = max(0, window[0] - case.start)
        return opens, max(opens, min(window[1], case.end) - case.start)

    def _prize(self, job: Job) -> int:
        """More than any round costs; for what must go, more than all that need not go together."""
        case = self._case
        hours = case.problem.hours
        others = sum(not other.must_go for other in self._jobs) if job.must_go else 0
        dearest = max(
            case.units(one, case.most_metres(at, hours.drive_s), one.shift_s) * FEN // 18_000
            for at, one in enumerate(case.trucks)
        )
        return 2 * dearest * (1 + others)

    def _barred(self, truck: int) -> tuple[int, ...]:
        return tuple(at for at, node in enumerate(self._nodes) if truck not in self._case.nodes[node].trucks)

    def _roads(self, truck: int, variant: str) -> tuple[Any, Any]:
        """Metres and seconds; where the truck may not go both are beyond its day."""
        case = self._case
        distance = self._metres.copy()
        speed = 5 * case.trucks[truck].speed_km_h
        duration = -(-distance * 18 // speed)
        depots = len(case.problem.depots)
        if variant == FIRST:
            duration[:depots, depots:] += case.problem.hours.rest_s
        elif variant == LAST:
            duration[depots:, :depots] += case.problem.hours.rest_s
        barred = list(self._barred(truck))
        span = 2 * (case.end - case.start)
        for table, far_away in ((distance, 2 * case.most_metres(truck, case.problem.hours.drive_s)), (duration, span)):
            table[barred, :] = far_away
            table[:, barred] = far_away
            np.fill_diagonal(table, 0)
        return distance, duration

    def _type(self, truck: int, count: int, profile: int, variant: str) -> Any:
        case, one = self._case, self._case.trucks[truck]
        hours = case.problem.hours
        depot = case.depot_of[truck]
        seconds = min(hours.drive_s, hours.spell_s) if variant == SHORT else hours.drive_s
        holds = [hold // scale for hold, scale in zip(one.holds(), self._scale, strict=True)]
        return pyvrp.VehicleType(
            count, holds, depot, depot, one.fixed_minor * FEN, one.start_at - case.start, one.end_at - case.start,
            one.shift_s, case.most_metres(truck, seconds), one.km_minor * FEN // 1000,
            (one.hour_minor * FEN + 1800) // 3600, profile, reload_depots=[depot] if one.trips > 1 else [],
            max_reloads=one.trips - 1,
        )  # fmt: skip

    def split(self, best: Any) -> list[dict[str, int]] | None:
        """How many of each kind drive in each variant, where the fleet may run out; None where it is large enough."""
        used: list[Counter[str]] = [Counter() for _ in self._case.trucks]
        for route in best.routes():
            truck, variant = self._kinds[route.vehicle_type()]
            used[truck][variant] += 1
        pairs = list(zip(used, self._case.trucks, strict=True))
        if all(number.total() * 1000 <= one.count * FLEET_PERMILLE for number, one in pairs):
            return None
        variants = list(dict.fromkeys(variant for _, variant in self._kinds))
        weights = [
            [number[variant] for variant in variants] if number else [1] + [0] * (len(variants) - 1)
            for number, _ in pairs
        ]
        return [
            dict(zip(variants, share_exactly(one.count, weight), strict=True))
            for weight, (_, one) in zip(weights, pairs, strict=True)
        ]

    def rounds(self, best: Any) -> list[Round]:
        """The routes as rounds."""
        found = []
        for route in best.routes():
            trips: list[list[Visit]] = [[]]
            for activity in route.schedule():
                if activity.is_client():
                    trips[activity.trip].append(self._alone[activity.idx])
                elif activity.is_pickup():
                    trips[activity.trip].append(Visit(self._shipped[activity.idx][0]))
                elif activity.is_delivery():
                    trips[activity.trip].append(Visit(self._shipped[activity.idx][1]))
                else:
                    while len(trips) <= activity.trip:
                        trips.append([])
            kept = tuple(tuple(trip) for trip in trips if trip)
            if kept:
                found.append(Round(self._kinds[route.vehicle_type()][0], kept))
        return found
