"""The master model: which path each consignment takes and what capacity every group buys, with a proven lower bound.

min  sum c x + sum fixed n + sum rate e + sum U u      x, u binary; n integer; e >= 0 (units beyond the included ones)
  each consignment:  sum x + u = 1
  each group:        volume and weight of its x  <=  what its n and e hold
  each leg:          TEU or kg of its n and e    <=  allotment

The leg rows are priced out with multipliers taken from the linear relaxation, so that the model falls into blocks
that share no group (region x class). The sum of the blocks' proven bounds less sum(price x allotment) bounds the whole:
any prices >= 0 give a valid bound. The model lets a consignment be spread over the boxes of its group, which only
lowers the bound; the plan itself never splits one.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from routing.exact import INFINITY, Limits, Rows, solve
from routing.paths import Group, Path, Paths
from routing.rough import Rough
from routing.tariff import Offer
from routing.watching import Deadline

FEN, CM3, G = 100, 1_000_000, 1_000_000
"""Inside the solver money is yuan, volume m3 and weight t, so that coefficients stay near one."""
EXTRA = 1000
"""Extra units are bought in thousands inside the solver."""
GAP = 1e-3
MOST_SOLVED, MOST_PRICED = 15_000, 60_000
"""Paths of a block that the solver is given, and of a problem whose leg prices it is asked for."""
EASY, HARD = 2500, 20
"""Of blocks with more paths the solver seldom proves more than the dual: they get time as if they were smaller."""


@dataclass(frozen=True)
class BlockAnswer:
    """What a block's solve proved and found: bound and value in fen, the path index each consignment takes (-1:
    none).
    """

    bound_minor: int
    value_minor: int | None
    choice: dict[int, int]
    proved: bool


@dataclass(frozen=True)
class Bounded:
    """The whole model's proven lower bound in fen, leg prices in fen a TEU or kg, and the choices of all blocks."""

    bound_minor: int
    prices: dict[str, int]
    choice: dict[int, int]
    blocks: int
    blocks_proved: int


def blocks_of(paths: Paths) -> list[list[int]]:
    """Consignments that share no group with any other block, largest block first."""
    parent = list(range(len(paths.by_consignment)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    first: dict[int, int] = {}
    for k, ways in enumerate(paths.by_consignment):
        for way in ways:
            parent[root(k)] = root(first.setdefault(way.g, k))
    found: dict[int, list[int]] = {}
    for k, ways in enumerate(paths.by_consignment):
        if ways:
            found.setdefault(root(k), []).append(k)
    return sorted(found.values(), key=lambda block: (-sum(len(paths.by_consignment[k]) for k in block), block[0]))


class Model:
    """The model of one set of consignments, with leg rows or with leg prices."""

    def __init__(
        self, paths: Paths, ks: Sequence[int], unserved: dict[int, int], prices: dict[str, int] | None
    ) -> None:
        self.rows = Rows()
        self._paths = paths
        self._prices = prices
        self.x: dict[int, list[int]] = {}
        self._legs: dict[str, tuple[int, list[tuple[int, float]]]] = {}
        self.leg_rows: dict[str, int] = {}
        self.left_out: dict[int, int] = {}
        members: dict[int, list[tuple[Path, int]]] = {}
        for k in ks:
            ways = paths.by_consignment[k]
            self.x[k] = [self.rows.column(way.cost_minor / FEN, 1.0, integer=True) for way in ways]
            self.left_out[k] = self.rows.column(unserved[k] / FEN, 1.0, integer=True)
            self.rows.row(1.0, 1.0, [(column, 1.0) for column in (*self.x[k], self.left_out[k])])
            for way, column in zip(ways, self.x[k], strict=True):
                members.setdefault(way.g, []).append((way, column))
        for g in sorted(members):
            self._group(paths.groups[g], members[g])
        if prices is None:
            for leg, (capacity, terms) in sorted(self._legs.items()):
                self.leg_rows[leg] = self.rows.row(-INFINITY, float(capacity), terms)

    def _group(self, group: Group, members: list[tuple[Path, int]]) -> None:
        goods = self._paths.problem.consignments
        volume = [(column, goods[way.k].volume_cm3 / CM3) for way, column in members]
        weight = [(column, goods[way.k].weight_g / G) for way, column in members]
        all_cm3, all_g = (
            sum(goods[way.k].volume_cm3 for way, _ in members),
            sum(goods[way.k].weight_g for way, _ in members),
        )
        for offer in group.offers:
            self._offer(group, offer, all_cm3, all_g, volume, weight)
        self.rows.row(-INFINITY, 0.0, volume)
        self.rows.row(-INFINITY, 0.0, weight)

    def _offer(
        self,
        group: Group,
        offer: Offer,
        all_cm3: int,
        all_g: int,
        volume: list[tuple[int, float]],
        weight: list[tuple[int, float]],
    ) -> None:
        most = max(-(-all_cm3 // max(1, offer.full_cm3())), -(-all_g // max(1, offer.full_g())))
        leg_price = self._leg_price(group, offer)
        count = self.rows.column(
            offer.fixed_minor / FEN + leg_price[0], float(min(offer.count_max, most)), integer=True
        )
        volume.append((count, -offer.volume_cm3 / CM3))
        weight.append((count, -offer.weight_g / G))
        extra = None
        need = self._extra_need(offer, all_cm3, all_g)
        if need > 0:
            rate = offer.extra_rate_minor * EXTRA / offer.per_units / FEN + leg_price[1]
            extra = self.rows.column(rate, INFINITY, integer=False)
            if offer.extra_cm3:
                volume.append((extra, -offer.extra_cm3 * EXTRA / CM3))
            if offer.extra_g:
                weight.append((extra, -offer.extra_g * EXTRA / G))
            ceiling = need if offer.count_max == 1 else offer.extra_max
            self.rows.row(-INFINITY, 0.0, [(extra, 1.0), (count, -ceiling / EXTRA)])
        self._leg_terms(group, offer, count, extra)

    @staticmethod
    def _extra_need(offer: Offer, all_cm3: int, all_g: int) -> int:
        """No group ever needs more extra units of an offer than its goods could fill."""
        need = 0
        if offer.extra_cm3:
            need = max(need, -(-(all_cm3 - offer.volume_cm3) // offer.extra_cm3))
        if offer.extra_g:
            need = max(need, -(-(all_g - offer.weight_g) // offer.extra_g))
        return max(0, min(offer.extra_max, need))

    def _leg_price(self, group: Group, offer: Offer) -> tuple[float, float]:
        """Yuan that the leg prices add to one of the offer and to a thousand extra units."""
        if not self._prices:
            return 0.0, 0.0
        fixed = extra = 0.0
        for leg in group.segment.legs:
            price = self._prices.get(leg.id, 0) / FEN
            if leg.service.capacity_unit == "teu":
                fixed += price * offer.teu
            else:
                fixed += price * offer.kg
                extra += price * offer.extra_kg_permille
        return fixed, extra

    def _leg_terms(self, group: Group, offer: Offer, count: int, extra: int | None) -> None:
        if self._prices is not None:
            return
        for leg in group.segment.legs:
            terms = self._legs.setdefault(leg.id, (leg.capacity, []))[1]
            in_teu = leg.service.capacity_unit == "teu"
            held = offer.teu if in_teu else offer.kg
            if held:
                terms.append((count, float(held)))
            if extra is not None and not in_teu and offer.extra_kg_permille:
                terms.append((extra, float(offer.extra_kg_permille)))

    def chosen(self, values: Any) -> dict[int, int]:
        """The path with the largest share of each consignment, -1 where it stays behind."""
        choice = {}
        for k, columns in self.x.items():
            best = max(range(len(columns)), key=lambda index: (values[columns[index]], -index))
            choice[k] = best if values[columns[best]] > 1e-6 else -1
        return choice


def relaxed(rows: Rows) -> model_pb2.ModelProto:
    """The linear relaxation as MathOpt's message."""
    model = model_pb2.ModelProto()
    count = len(rows.cost)
    model.variables.ids.extend(range(count))
    model.variables.lower_bounds.extend([0.0] * count)
    model.variables.upper_bounds.extend(rows.upper)
    model.variables.integers.extend([False] * count)
    used = [index for index in range(count) if rows.cost[index]]
    model.objective.linear_coefficients.ids.extend(used)
    model.objective.linear_coefficients.values.extend(rows.cost[index] for index in used)
    model.linear_constraints.ids.extend(range(len(rows.limits)))
    model.linear_constraints.lower_bounds.extend(low for low, _ in rows.limits)
    model.linear_constraints.upper_bounds.extend(high for _, high in rows.limits)
    matrix = model.linear_constraint_matrix
    for index, terms in enumerate(rows.terms):
        for column, value in sorted(terms):
            matrix.row_ids.append(index)
            matrix.column_ids.append(column)
            matrix.coefficients.append(value)
    return model


def leg_prices(paths: Paths, ks: Sequence[int], unserved: dict[int, int], seconds: float) -> dict[str, int]:
    """Shadow prices of the leg rows in the linear relaxation, in fen a TEU or kg; only those above zero.

    A time-out gives none: no prices are as valid for the bound as any.
    """
    model = Model(paths, ks, unserved, None)
    if not model.leg_rows:
        return {}
    held = mathopt.Model.from_model_proto(relaxed(model.rows))
    limit = None if seconds == INFINITY else timedelta(seconds=max(1.0, seconds))
    parameters = mathopt.SolveParameters(time_limit=limit)
    result = mathopt.solve(held, mathopt.SolverType.GLOP, params=parameters)
    if not result.has_dual_feasible_solution():
        return {}
    duals = {constraint.id: value for constraint, value in result.dual_values().items()}
    prices = {leg: round(-duals.get(row, 0.0) * FEN) for leg, row in model.leg_rows.items()}
    return {leg: price for leg, price in prices.items() if price > 0}


def solve_block(
    paths: Paths, ks: Sequence[int], unserved: dict[int, int], prices: dict[str, int], limits: Limits,
    heard: Callable[[int], None] | None = None,
) -> BlockAnswer:  # fmt: skip
    """One block by HiGHS; its proven bound is rounded down to whole fen. ``heard``: is told what is proved so far."""
    model = Model(paths, ks, unserved, prices)
    found = solve(model.rows, limits, None if heard is None else lambda proved: heard(_safe(proved)))
    if found.value is None:
        return BlockAnswer(_safe(found.bound), None, {}, found.optimal)
    return BlockAnswer(_safe(found.bound), round(found.value * FEN), model.chosen(found.values), found.optimal)


def _safe(bound: float) -> int:
    """A hair below the solver's figure: its tolerance is relative, ours must hold to the fen."""
    return 0 if not math.isfinite(bound) else max(0, math.floor(bound * FEN * (1 - 1e-9)) - 1)


Apart = Callable[
    [dict[str, int], Sequence[Sequence[int]], Sequence[int], Callable[[int, BlockAnswer], None]], None
]


def bound(
    paths: Paths, unserved: dict[int, int], deadline: Deadline, progress: Callable[[int, int], None] | None = None,
    workers: int | None = None, rough: Rough | None = None, tight: bool = True, *, nodes: int | None = None,
    heard: Callable[[int], None] | None = None, apart: Apart | None = None,
) -> Bounded:  # fmt: skip
    """The proven bound of the whole problem by the deadline, and each block's choice of paths.

    `rough` (of the blocks smallest first): its bounds hold where the solver finds no better ones, and blocks that are
    large, or proved to a thousandth already, are left at that. `tight`: legs may be full, so their prices are worth
    the time. `nodes`: a limit of work for each block. `heard`: is told what is proved so far. `apart`: solves blocks
    elsewhere, by their numbers.
    """
    blocks = blocks_of(paths)[::-1]
    ks = [k for block in blocks for k in block]
    sizes = [sum(len(paths.by_consignment[k]) for k in block) for block in blocks]
    wanted = ks and tight and sum(sizes) <= MOST_PRICED and not deadline.over()
    prices = leg_prices(paths, ks, unserved, deadline.left() / 4) if wanted else {}
    lanes = workers or max(1, min(len(blocks), os.cpu_count() or 1))
    solved = [
        rough is None or (sizes[number] <= MOST_SOLVED and rough.gap(number) > GAP) for number in range(len(blocks))
    ]
    clock = Clock(
        [
            len(block) * size / (HARD if rough is not None and size > EASY else 1) if solved[number] else 0
            for number, (block, size) in enumerate(zip(blocks, sizes, strict=True))
        ],
        deadline,
        lanes,
    )
    capacity = {leg.id: leg.capacity for group in paths.groups for leg in group.segment.legs}
    priced = sum(price * capacity[leg] for leg, price in prices.items())
    tally = Tally([rough.bound_minor(at) if rough is not None else 0 for at in range(len(blocks))], priced, heard)

    def solve_one(number: int) -> BlockAnswer:
        if not solved[number]:
            clock.share(number)
            return BlockAnswer(0, None, {}, False)  # good enough by an estimate, but not solved to the end
        limits = Limits(clock.share(number), nodes, GAP)
        return solve_block(paths, blocks[number], unserved, prices, limits, lambda proved: tally.hear(number, proved))

    answers = [BlockAnswer(0, None, {}, False)] * len(blocks)
    known = set[int]()

    def keep(number: int, answer: BlockAnswer) -> None:
        answers[number] = answer
        known.add(number)
        tally.hear(number, answer.bound_minor)
        if progress is not None:
            progress(len(known), len(blocks))

    if apart is not None:
        apart(prices, blocks, [number for number in range(len(blocks)) if solved[number]], keep)
    else:
        with ThreadPoolExecutor(lanes) as pool:
            for number, answer in enumerate(pool.map(solve_one, range(len(blocks)))):
                keep(number, answer)
    choice = {k: way for answer in answers for k, way in answer.choice.items()}
    return Bounded(tally.total(), prices, choice, len(blocks), sum(answer.proved for answer in answers))


class Tally:
    """What is proved of the whole while its blocks are solved: their bounds less what the priced legs could hold."""

    def __init__(self, floors: Sequence[int], priced: int, heard: Callable[[int], None] | None) -> None:
        self._known, self._priced, self._heard = list(floors), priced, heard
        self._floor = sum(floors)
        self._lock = threading.Lock()

    def hear(self, number: int, proved: int) -> None:
        """A block's bound; lower ones than before are forgotten.

        A bound without leg prices holds with them too: they only add to what a plan of the block costs.
        """
        with self._lock:
            self._known[number] = max(self._known[number], proved)
        if self._heard is not None:
            self._heard(self.total())

    def total(self) -> int:
        """The whole, with the leg prices or without them, whichever proves more."""
        return max(0, self._floor, sum(self._known) - self._priced)


def fewest_left_out(paths: Paths, ks: Sequence[int], limits: Limits) -> tuple[int, dict[int, int]]:
    """How many of these consignments must stay behind whatever they cost (a proven number), and paths for the others.

    The allotments are in the model; goods may be spread over boxes, so the true number can be higher, never lower.
    """
    model = Model(paths, ks, dict.fromkeys(ks, FEN), None)
    counted = set(model.left_out.values())
    model.rows.cost = [1.0 if column in counted else 0.0 for column in range(len(model.rows.cost))]
    found = solve(model.rows, limits)
    proven = math.ceil(found.bound - 1e-6) if math.isfinite(found.bound) else 0
    return max(0, proven), model.chosen(found.values) if found.value is not None else {}


class Clock:
    """Shares the time left among the blocks not yet begun, by how hard they look: what easy blocks leave over,
    hard ones get.
    """

    def __init__(self, sizes: Sequence[float], deadline: Deadline, lanes: int) -> None:
        self._weights = [math.pow(size, 0.6) for size in sizes]
        self._left = sum(self._weights)
        self._deadline = deadline
        self._lanes = lanes
        self._lock = threading.Lock()

    def share(self, number: int) -> Deadline:
        """The end of this block, which begins now."""
        with self._lock:
            part = self._weights[number] / max(self._left, self._weights[number], 1.0)
            self._left -= self._weights[number]
        left = self._deadline.left()
        if left == INFINITY:
            return self._deadline
        seconds = max(0.3, min(left, left * self._lanes * part))
        return Deadline.within(seconds, self._deadline.halted)
