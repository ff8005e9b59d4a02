"""A proven lower bound on the cost of rounds: the linear master over walks (q-routes), by column generation.

Each node must be visited once. For each kind of truck the walks from its depot and back are taken in steps of time
(opening times and the length of the day are kept) or of load (what the truck holds is kept, and no leg is taken that
cannot be in time); a walk may come to a node again, but not at once after one other (no two-cycles). Nothing is
charged for waiting or rests. By Farley's argument any node prices give the bound theta x their sum, theta the least
ratio of a walk's cost to the prices on it, found by Dinkelbach's method. That last step is counted in integers
(1/18,000 fen), so the bound holds whatever the linear solver rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.design.highs import new_solver
from routing.rounds.alone import Job
from routing.rounds.case import COST, Case, Round
from routing.rounds.timing import Timed
from routing.rounds.walks import cheapest_walks

STEPS, LEAST_STEP_S = 180, 30
FAR, NEVER = 1 << 60, 1 << 28
COLUMNS, CHECK_EVERY, SHIFT = 40, 12, 24
Known = Sequence[tuple[Round, Timed]]
Over = Callable[[int], bool]


@dataclass(frozen=True)
class Bound:
    """A lower bound in 1/18,000 fen, how it was found and in how many rounds of prices."""

    units: int
    kind: str
    rounds: int


@dataclass(frozen=True)
class Kind:
    """One kind of truck to the walks: arc costs and steps (index 0 its depot), windows in steps, cost of a walk."""

    cost: Any
    advance: Any
    low: Any
    high: Any
    fixed: int


def bound(case: Case, jobs: Sequence[Job], known: Known, seconds: float, most: int | None) -> Bound:
    """A bound on what the jobs cost together; `known` rounds that serve them all are the first columns.

    It stops after `most` rounds of prices, or when the time is over; the last look for walks may take a little longer.
    """
    nodes = [node for job in jobs for node in job.nodes]
    if not nodes or {node for one, _ in known for node in one.nodes()} != set(nodes):
        return Bound(0, "nothing to bound", 0)
    begun = time.perf_counter()

    def over(done: int) -> bool:
        """Whether the rounds, or most of the time, are used up: the last evaluation has the rest."""
        return done >= most if most is not None else time.perf_counter() > begun + 0.7 * seconds

    by_load, name = _loaded(case, known), "walks by load"
    step, kind = (0, name) if by_load else _step(case, nodes)
    kinds = [
        one for at in range(len(case.trucks)) if (one := _kind(case, nodes, at, step, by_load=by_load)) is not None
    ]
    master = Master(nodes, known)
    return master.run(kinds, kind, over, begun + seconds if most is None else None)


class Master:
    """The linear master problem and its columns."""

    def __init__(self, nodes: Sequence[int], known: Known) -> None:
        self._size = len(nodes)
        self._solver = new_solver()
        self._solver.addRows(
            self._size, np.ones(self._size), np.full(self._size, np.inf), 0, np.zeros(self._size, np.int32),
            np.array([], np.int32), np.array([]),
        )  # fmt: skip
        at = {node: place for place, node in enumerate(nodes, 1)}
        self._seen: set[tuple[int, ...]] = set()
        for one, found in known:
            self._add([at[node] for node in one.nodes()], found.cost_units)

    def _add(self, walk: Sequence[int], cost: int) -> bool:
        key = (cost, *sorted(walk))
        if key in self._seen:
            return False
        self._seen.add(key)
        rows, counts = np.unique(np.array(walk, np.int32) - 1, return_counts=True)
        self._solver.addCol(cost / COST, 0.0, np.inf, len(rows), rows, counts.astype(float))
        return True

    def _prices(self) -> Any:
        """Node prices in units, rounded down; index 0 is the depot."""
        self._solver.run()
        duals = np.array(self._solver.getSolution().row_dual)
        prices = np.zeros(self._size + 1, np.int64)
        prices[1:] = np.floor(np.maximum(duals, 0) * COST)
        return prices

    def run(self, kinds: Sequence[Kind], name: str, over: Over, until: float | None) -> Bound:
        """Prices from the master, walks for the prices, until no walk is cheaper than its prices, or `until`."""
        prices = self._prices()
        centre, proved, done = prices, 0, 0
        while not over(done):
            done += 1
            smooth = (centre + prices) // 2
            fresh = self._price(kinds, smooth, prices, until)
            if not fresh:
                centre = smooth = prices
                fresh = self._price(kinds, prices, prices, until)
                if not fresh:
                    break
            centre = smooth
            if done % CHECK_EVERY == 0:
                proved = max(proved, farley(kinds, smooth, until))
            prices = self._prices()
        proved = max(proved, farley(kinds, centre, until))
        return Bound(proved if over(done) else max(proved, farley(kinds, prices, until)), name, done)

    def _price(self, kinds: Sequence[Kind], at: Any, prices: Any, until: float | None) -> bool:
        """Add the walks that are cheaper than the master's prices, as found at the smoothed prices."""
        found = False
        for one in kinds:
            if _late(until):
                break
            for least, walk in cheapest_walks(one.cost, at, one.advance, one.low, one.high, COLUMNS):
                cost = least + int(at[walk].sum()) + one.fixed
                if cost < int(prices[walk].sum()) - COST // 100:
                    found |= self._add(walk, cost)
        return found


def _late(until: float | None) -> bool:
    return until is not None and time.perf_counter() > until


def farley(kinds: Sequence[Kind], prices: Any, until: float | None = None) -> int:
    """theta x the sum of the prices, theta the least cost / price of all walks (Dinkelbach), rounded down.

    0, which bounds anything, when the time is over before theta is known.
    """
    theta = 1 << SHIFT
    for _ in range(15):
        scaled = (prices * theta) >> SHIFT
        worst: tuple[int, int] | None = None
        for one in kinds:
            if _late(until):
                return 0
            for least, walk in cheapest_walks(one.cost, scaled, one.advance, one.low, one.high, 1):
                if least + one.fixed < 0:
                    cost, gain = least + one.fixed + int(scaled[walk].sum()), int(prices[walk].sum())
                    if worst is None or cost * worst[1] < worst[0] * gain:
                        worst = (cost, gain)
        if worst is None:
            return int(scaled.sum())
        theta = min(theta - 1, (worst[0] << SHIFT) // worst[1])
        if theta <= 0:
            return 0
    return 0


def _loaded(case: Case, known: Known) -> bool:
    """Whether the known rounds fill their trucks more than their day."""
    load, day, rounds = 0, 0, 0
    for one, found in known:
        truck = case.trucks[one.truck]
        day += 1000 * found.duration_s // max(1, min(truck.shift_s, truck.end_at - truck.start_at))
        rounds += len(one.trips)
        for trip in one.trips:
            moved = [case.stays(visit.node) for visit in trip]
            load += max(
                1000 * max(sum(off[part] for off, _ in moved), sum(on[part] for _, on in moved)) // max(1, hold)
                for part, hold in enumerate(truck.holds())
            )
    return load > day


def _step(case: Case, nodes: Sequence[int]) -> tuple[int, str]:
    """Seconds of a step of time, never longer than the shortest way from one node to another with its work."""
    shortest = min(
        (
            case.nodes[a].service_s + case.drive_s(truck, case.metres[a][b])
            for truck in range(len(case.trucks))
            for a in nodes
            for b in nodes
            if a != b
        ),
        default=FAR,
    )
    if shortest >= LEAST_STEP_S:
        wanted = max(LEAST_STEP_S, -(-(case.end - case.start) // STEPS))
        return min(wanted, shortest), "walks in time"
    return 0, "walks by visits"


def _kind(case: Case, nodes: Sequence[int], truck: int, step: int, *, by_load: bool) -> Kind | None:
    one = case.trucks[truck]
    if one.count < 1:
        return None
    all_ = [case.depot_of[truck], *nodes]
    metres = np.array([[case.metres[a][b] for b in all_] for a in all_], np.int64)
    drive = -(-metres * 18 // (5 * one.speed_km_h))
    work = np.array([case.nodes[node].service_s for node in all_], np.int64)
    cost = metres * one.km_minor * 18 + (drive + work[:, None]) * one.hour_minor * 5
    opens = np.array([max(one.start_at, min(w[0] for w in case.nodes[node].windows)) for node in all_]) - one.start_at
    closes = np.array([min(one.end_at, max(w[1] for w in case.nodes[node].windows)) for node in all_]) - one.start_at
    if closes[0] < opens[0]:
        return None  # its depot is closed all its day: it goes nowhere
    early = np.maximum(opens, opens[0] + work[0] + drive[0])
    early[0] = opens[0]
    late = early[:, None] + work[:, None] + drive > closes[None, :]  # no truck is ever in time on this leg
    if by_load:
        advance, low, high = _load_steps(case, nodes, truck)
    elif step:
        advance, low, high = (drive + work[:, None]) // step, early // step, closes // step
    else:
        advance, low = np.ones_like(drive), np.zeros(len(all_), np.int64)
        high = np.full(len(all_), _most_visits(case, nodes, truck) + 1, np.int64)
    advance = np.where(late, NEVER, advance)
    barred = [at for at, node in enumerate(all_) if truck not in case.nodes[node].trucks]
    low[barred], high[barred] = 1, 0
    return Kind(
        cost, advance.astype(np.int32), low.astype(np.int32), high.astype(np.int32), one.fixed_minor * COST // one.trips
    )


def _load_steps(case: Case, nodes: Sequence[int], truck: int) -> tuple[Any, Any, Any]:
    """Steps of load: deliveries and collections, weighted so that no round that fits has more than all of them.

    Goods of less than a step count as one, and there are as many steps more as there are such nodes.
    """
    best: tuple[int, Any] | None = None
    for part, hold in enumerate(case.trucks[truck].holds()):
        off, on = (np.array([case.stays(node)[way][part] for node in nodes], np.int64) for way in (0, 1))
        if hold < 1 or (use := int(off.sum() + on.sum()) * 1000 // hold) < (best[0] if best else 1):
            continue
        share = 1000 if not on.any() else 0 if not off.any() else 900 if off.sum() >= on.sum() else 100
        best = (use, (off * share + on * (1000 - share)) * STEPS // (1000 * hold))
    size = len(nodes) + 1
    load = np.zeros(size, np.int64)
    if best is not None:
        load[1:] = best[1]
    tiny = int((load[1:] == 0).sum())
    load[1:] = np.maximum(load[1:], 1)
    advance = np.tile(load[None, :], (size, 1))
    high = np.full(size, STEPS + tiny, np.int64)
    return advance, np.zeros(size, np.int64), high


def _most_visits(case: Case, nodes: Sequence[int], truck: int) -> int:
    """How many visits a trip can have at most, by its time at work."""
    one = case.trucks[truck]
    work, count = 0, 0
    for service in sorted(case.nodes[node].service_s for node in nodes):
        if work + service > one.shift_s:
            break
        work, count = work + service, count + 1
    return count
