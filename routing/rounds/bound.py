"""A proven lower bound on the cost of rounds: Lagrangean relaxation over walks in time (q-routes).

Each node must be visited once; that is priced with a multiplier per node and otherwise dropped. What is left is, for
each kind of truck, the cheapest walk from its depot and back that keeps opening times and the length of the day; it may
come to a node again, but not at once after one other (no two-cycles). Nothing is charged for waiting or rests, and
what a truck holds is not looked at: where trucks are full the bound is weak. By Farley's argument any multipliers
lambda give the bound theta x sum(lambda), theta the least ratio of cost to lambda over all walks. All is counted in
integers (1/18,000 fen), so the bound holds whatever the rounding.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.rounds.alone import Job
from routing.rounds.case import COST, Case, Round
from routing.rounds.timing import Timed
from routing.rounds.walks import cheapest_walk

STEPS, LEAST_STEP_S = 180, 30
FAR = 1 << 60
WAIT, SHRINK, FIRST = 6, 0.8, 1.2
CHECK_EVERY = 15


@dataclass(frozen=True)
class Bound:
    """A lower bound in 1/18,000 fen, how it was found and in how many rounds of multipliers."""

    units: int
    kind: str
    rounds: int


@dataclass(frozen=True)
class Kind:
    """One kind of truck to the walks: arc costs and steps (index 0 its depot), windows in steps, load per node."""

    cost: Any
    advance: Any
    low: Any
    high: Any
    fixed: int
    routes: int


def bound(
    case: Case, jobs: Sequence[Job], known: Sequence[tuple[Round, Timed]], seconds: float, most: int | None
) -> Bound:
    """A bound on what the jobs cost together; `known` rounds that serve them all start the multipliers.

    It stops after `most` rounds of multipliers, or when the time is over.
    """
    nodes = [node for job in jobs for node in job.nodes]
    if not nodes or not known:
        return Bound(0, "nothing to bound", 0)
    until = time.perf_counter() + seconds
    step, kind = _step(case, nodes)
    kinds = [one for truck in range(len(case.trucks)) if (one := _kind(case, nodes, truck, step, known)) is not None]
    upper = sum(one.cost_units for _, one in known)
    prices = _first(case, nodes, known)
    best, best_prices, theta, idle, proved, done = -FAR, prices, FIRST, 0, 0, 0
    while theta > 0.02 and (done < most if most is not None else time.perf_counter() < until):
        value, slope = _relaxed(kinds, prices)
        done += 1
        if value > best:
            best, best_prices, idle = value, prices, 0
        else:
            idle += 1
            if idle >= WAIT:
                theta, idle, prices = theta * SHRINK, 0, best_prices
                value, slope = best, _relaxed(kinds, prices)[1]
        if done % CHECK_EVERY == 0:
            proved = max(proved, farley(kinds, best_prices))
        norm = float((slope * slope).sum())
        if norm == 0 or value >= upper:
            break
        move = theta * max(upper - value, upper // 500) / norm
        prices = np.maximum(0, prices + np.rint(move * slope).astype(np.int64))
    return Bound(max(proved, farley(kinds, best_prices), 0), kind, done)


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
    wanted = max(LEAST_STEP_S, -(-(case.end - case.start) // STEPS))
    if shortest >= LEAST_STEP_S:
        return min(wanted, shortest), "walks in time"
    return 0, "walks by visits"


def _kind(
    case: Case, nodes: Sequence[int], truck: int, step: int, known: Sequence[tuple[Round, Timed]]
) -> Kind | None:  # fmt: skip
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
    if step:
        advance, low, high = (drive + work[:, None]) // step, opens // step, closes // step
        low[0] = max(0, opens[0]) // step
    else:
        advance, low = np.ones_like(drive), np.ones(len(all_), np.int64)
        low[0] = 0
        high = np.full(len(all_), _most_visits(case, nodes, truck) + 1, np.int64)
    barred = [at for at, node in enumerate(all_) if truck not in case.nodes[node].trucks]
    low, high = np.maximum(low, 0), high.copy()
    low[barred], high[barred] = 1, 0
    used = sum(len(round_.trips) for round_, _ in known if round_.truck == truck)
    return Kind(
        cost, advance.astype(np.int32), low.astype(np.int32), high.astype(np.int32),
        one.fixed_minor * COST // one.trips, used,
    )  # fmt: skip


def _most_visits(case: Case, nodes: Sequence[int], truck: int) -> int:
    """How many visits a trip can have at most, by its time at work and by what the truck holds."""
    one = case.trucks[truck]
    work, count = 0, 0
    for service in sorted(case.nodes[node].service_s for node in nodes):
        if work + service > one.shift_s:
            break
        work, count = work + service, count + 1
    return count


def _first(case: Case, nodes: Sequence[int], known: Sequence[tuple[Round, Timed]]) -> Any:
    """What each node costs in the known rounds: the round's cost shared by how far away it is and how long it takes."""
    at = {node: place for place, node in enumerate(nodes)}
    prices = np.zeros(len(nodes) + 1, np.int64)
    for one, found in known:
        depot = case.depot_of[one.truck]
        weights = [case.metres[depot][node] + 10 * case.nodes[node].service_s + 1000 for node in one.nodes()]
        for node, weight in zip(one.nodes(), weights, strict=True):
            prices[at[node] + 1] = found.cost_units * weight // sum(weights)
    return prices


def _relaxed(kinds: Sequence[Kind], prices: Any) -> tuple[int, Any]:
    """The relaxation's value for the known number of routes, and where to move the prices."""
    value = int(prices.sum())
    slope = np.ones(len(prices))
    slope[0] = 0
    for one in kinds:
        least, walk = cheapest_walk(one.cost, prices, one.advance, one.low, one.high)
        reduced = int(least) + one.fixed
        if reduced < 0:
            routes = max(1, one.routes)
            value += routes * reduced
            np.subtract.at(slope, walk, routes)
    slope[0] = 0
    return value, slope


def farley(kinds: Sequence[Kind], prices: Any) -> int:
    """theta x the sum of the prices, theta the least cost / price of all walks (Dinkelbach), rounded down."""
    shift = 20
    theta = 1 << shift
    for _ in range(12):
        scaled = (prices * theta) >> shift
        worst: tuple[int, int] | None = None
        for one in kinds:
            least, walk = cheapest_walk(one.cost, scaled, one.advance, one.low, one.high)
            if int(least) + one.fixed < 0:
                gain = int(prices[walk].sum())
                cost = int(least) + one.fixed + int(scaled[walk].sum())
                if worst is None or cost * worst[1] < worst[0] * gain:
                    worst = (cost, gain)
        if worst is None:
            return int(scaled.sum())
        theta = min(theta - 1, (worst[0] << shift) // worst[1])
        if theta <= 0:
            return 0
    return 0
