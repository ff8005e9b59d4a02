"""Many consignments at once: paths as arrays, a dual bound and a rough plan for each block, both compiled.

The dual prices out "one path for each consignment" (Lagrange): every group then buys whole boxes for what its goods
would pay, goods cut at will and volume and weight joined in one row. Any prices give a valid bound, so it may stop at
any moment. The rough search knows group prices only; `assemble` packs its choice of paths into real boxes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from routing import bulk_kernel as kernel
from routing import rough_kernel, stairs
from routing.paths import Paths
from routing.stairs import size_of
from routing.tariff import BOX, LOOSE, Offer
from routing.watching import Deadline

LOST_CM3 = 1_000_000
"""Space of a box that whole consignments leave empty on average."""
VOLUME_SHARES, FIRST_SHARE = (0.0, 0.03, 0.06, 0.1, 0.15, 0.22, 0.32, 0.45, 0.6, 0.8, 1.0), 0.1
"""By air volume and weight are joined in one row, of which volume makes one of these shares; the first one tried."""
CHUNK, MOST_ROUNDS = 10, 600
RARE = 1e-3
"""A path that the dual never used is drawn as one that it used in so many of its rounds."""


@dataclass
class Block:
    """Consignments and groups that touch no others, with the state of their dual."""

    ks: Any
    groups: Any
    paths: int
    numbers: Any
    buffers: Any = field(default=None, repr=False)
    places: Any = field(default=None, repr=False)

    def done(self) -> bool:
        """Whether the dual has come to rest."""
        return bool(self.numbers[1] < 1e-3 or self.numbers[3] >= MOST_ROUNDS)


class Bulk:
    """The paths of a problem as arrays, in the order of `Paths`."""

    def __init__(self, paths: Paths, unserved: dict[int, int], blocks: Sequence[Sequence[int]]) -> None:
        ways = paths.by_consignment
        goods = paths.problem.consignments
        counts = np.fromiter((len(one) for one in ways), np.int64, len(ways))
        self.start = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
        total = int(self.start[-1])
        self.owner = np.repeat(np.arange(len(ways)), counts)
        self.group = np.fromiter((way.g for one in ways for way in one), np.int64, total)
        self.cost = np.fromiter((way.cost_minor for one in ways for way in one), np.float64, total)
        self.volume = np.fromiter((one.volume_cm3 for one in goods), np.float64, len(goods))
        self.weight = np.fromiter((one.weight_g for one in goods), np.float64, len(goods))
        self.unserved = np.zeros(len(ways))
        for k, price in unserved.items():
            self.unserved[k] = price
        self.order = np.argsort(self.group, kind="stable")
        self.first = np.searchsorted(self.group[self.order], np.arange(len(paths.groups) + 1))
        self._kinds(paths)
        self._steps()
        self.price = self._first_prices()
        self.best_price, self.drift = self.price.copy(), np.zeros(len(ways))
        self.mean, self.taken = np.zeros(total), np.zeros(total)
        self.blocks = [self._block(ks) for ks in blocks]
        self.way = np.full(len(ways), -1, np.int64)
        self.held: Any = np.zeros(len(paths.groups))
        self.weighs: Any = np.zeros(len(paths.groups))
        self.paid: Any = np.zeros(len(paths.groups))

    def _kinds(self, paths: Paths) -> None:
        """Groups with the same offers are of one kind."""
        seen: dict[int, int] = {}
        self.tables: list[tuple[Offer, ...]] = []
        kind = []
        for group in paths.groups:
            at = seen.setdefault(id(group.offers), len(self.tables))
            if at == len(self.tables):
                self.tables.append(group.offers)
            kind.append(at)
        self.kind = np.array(kind, np.int64)
        rows = [
            (
                one.fixed_minor, one.volume_cm3, one.weight_g, one.extra_max, one.extra_rate_minor / one.per_units,
                one.extra_cm3, one.extra_g, one.kind != LOOSE, max(one.volume_cm3 - LOST_CM3, one.volume_cm3 // 2),
            )
            for table in self.tables for one in table
        ]  # fmt: skip
        self.offers = np.array(rows, np.float64).reshape(len(rows), 9)
        self.offer_first = np.cumsum([0, *(len(table) for table in self.tables)])

    def _steps(self) -> None:
        """The rows of each kind (volume, by air several mixtures with weight): for each its stair of box prices and
        its loose rows.
        """
        mix, per, stair, rates, loose = [], [], [], [], []
        row_first, step_first, loose_first = [0], [0], [0]
        sums = np.zeros((2, len(self.tables)))
        for which, amounts in enumerate((self.volume, self.weight)):
            whole = np.bincount(self.group, amounts[self.owner], len(self.kind))
            np.maximum.at(sums[which], self.kind, whole)
        for at, table in enumerate(self.tables):
            by_air = all(one.kind != BOX for one in table)
            ratio = max((one.extra_g / one.extra_cm3 for one in table if one.extra_cm3), default=1.0) if by_air else 1.0
            for share in VOLUME_SHARES if by_air else (1.0,):
                most = size_of(sums[0, at], sums[1, at], share, ratio)
                steps, rate = stairs.of(table, share, ratio, most)
                mix.append(share)
                per.append(ratio)
                stair.append(steps)
                rates.append(rate)
                step_first.append(step_first[-1] + len(steps))
                loose += [
                    (one.fixed_minor, size_of(one.volume_cm3, one.weight_g, share, ratio),
                     one.extra_rate_minor / one.per_units / unit, one.extra_max * unit)
                    for one in table
                    if one.kind == LOOSE and (unit := size_of(one.extra_cm3, one.extra_g, share, ratio)) > 0
                ]  # fmt: skip
                loose_first.append(len(loose))
            row_first.append(len(mix))
        self.mix, self.per = np.array(mix), np.array(per)
        self.bought, self.paid_steps, self.more = np.concatenate(stair).T.copy()
        self.rate = np.array(rates)
        self.step_first, self.loose_first = np.array(step_first), np.array(loose_first)
        self.loose = np.array(loose, np.float64).reshape(len(loose), 4)
        self.row_first = np.array(row_first)
        middle = VOLUME_SHARES.index(FIRST_SHARE)
        rows = np.diff(self.row_first)
        self.first_row = self.row_first[:-1] + np.where(rows > 1, middle, 0)
        self.pick = self.first_row[self.kind]

    def _first_prices(self) -> Any:
        """What each would pay for its best path at the rate of a box filled to nine tenths, or of loose space."""
        rates = np.empty(len(self.tables))
        for at, row in enumerate(self.first_row):
            low, high = self.step_first[row], self.step_first[row + 1]
            box = np.min(self.paid_steps[low + 1 : high] / self.bought[low + 1 : high], initial=kernel.FAR) / 0.9
            loose = np.min(self.loose[self.loose_first[row] : self.loose_first[row + 1], 2], initial=kernel.FAR)
            rates[at] = min(box, loose)
        row = self.pick[self.group]
        sizes = self.mix[row] * self.volume[self.owner]
        sizes += (1 - self.mix[row]) * self.weight[self.owner] / self.per[row]
        self.guess = self.cost + sizes * rates[self.kind[self.group]]
        price = np.zeros(len(self.start) - 1)
        used = np.flatnonzero(np.diff(self.start))
        price[used] = np.minimum.reduceat(self.guess, self.start[used]) if len(used) else 0.0
        return np.minimum(price, self.unserved)

    def _block(self, ks: Sequence[int]) -> Block:
        inside = np.array(sorted(ks), np.int64)
        at = np.concatenate([np.arange(self.start[k], self.start[k + 1]) for k in inside])
        return Block(inside, np.unique(self.group[at]), len(at), np.array([0.0, 1.2, 0.0, 0.0]))

    # --- the dual ---------------------------------------------------------------------------------------------------

    def climb(self, block: Block, rounds: int, target: float) -> None:
        """Some rounds of the dual of one block; `target`: what a plan of it costs."""
        if block.buffers is None:
            widest = int(np.max(np.diff(self.first)[block.groups]))
            block.buffers, block.places = np.zeros((4, widest)), np.zeros(widest, np.int64)
        kernel.climb(
            rounds, target, self.price, self.best_price, self.drift, self.mean, block.numbers, self.unserved, block.ks,
            self.start, self.cost, self.owner, self.volume, self.weight, self.order, self.first, block.groups,
            self.kind, self.row_first, self.pick, self.mix, self.per, self.step_first, self.bought, self.paid_steps,
            self.more, self.rate, self.loose_first, self.loose, self.taken, block.buffers, block.places,
        )  # fmt: skip

    @staticmethod
    def bound_minor(block: Block) -> int:
        """The proven bound of the block in whole fen, well below the rounding of the sums."""
        return max(0, math.floor(float(block.numbers[0]) * (1 - 1e-9)) - 1)

    def climb_all(
        self, deadline: Deadline, targets: Sequence[float], lanes: int, said: Callable[[float], None]
    ) -> None:
        """All duals, chunk by chunk, until they rest or the time is over."""
        begun, whole = time.monotonic(), deadline.left()
        with ThreadPoolExecutor(lanes) as pool:
            while not deadline.over():
                open_ = [at for at, block in enumerate(self.blocks) if not block.done()]
                if not open_:
                    return
                for _ in pool.map(lambda at: self._chunk(at, targets[at], deadline), open_):
                    said(min(1.0, (time.monotonic() - begun) / max(1e-9, whole)))

    def _chunk(self, at: int, target: float, deadline: Deadline) -> None:
        rounds = CHUNK if self.blocks[at].paths > 10_000 else 10 * CHUNK
        if not deadline.over():
            self.climb(self.blocks[at], rounds, target)

    # --- rough plans ------------------------------------------------------------------------------------------------

    def settle(self, way: Any) -> None:
        """Begin the rough search from these paths (-1: stays behind)."""
        self.way[:] = way
        used = way[way >= 0]
        groups, owners = self.group[used], self.owner[used]
        count = len(self.kind)
        self.held = np.bincount(groups, self.volume[owners], count)
        self.weighs = np.bincount(groups, self.weight[owners], count)
        for g in range(count):
            low, high = self.offer_first[self.kind[g]], self.offer_first[self.kind[g] + 1]
            self.paid[g] = kernel.group_price(self.offers[low:high], self.held[g], self.weighs[g])

    def resettle(self, block: Block, ways: Any) -> None:
        """The same for one block; others are not touched."""
        self.way[block.ks] = ways
        used = ways[ways >= 0]
        groups, owners = self.group[used], self.owner[used]
        count = len(self.kind)
        self.held[block.groups] = np.bincount(groups, self.volume[owners], count)[block.groups]
        self.weighs[block.groups] = np.bincount(groups, self.weight[owners], count)[block.groups]
        for g in block.groups:
            low, high = self.offer_first[self.kind[g]], self.offer_first[self.kind[g] + 1]
            self.paid[g] = kernel.group_price(self.offers[low:high], self.held[g], self.weighs[g])

    def drawn(self, block: Block, rng: Any, part: float) -> Any:
        """The ways of a block, but this part of its consignments has a path drawn by how far the dual used it."""
        lengths = self.start[block.ks + 1] - self.start[block.ks]
        first = np.cumsum(lengths) - lengths
        paths = np.arange(block.paths) + np.repeat(self.start[block.ks] - first, lengths)
        scores = np.log(self.mean[paths] + RARE) + rng.gumbel(size=block.paths)
        best = np.lexsort((-scores, np.repeat(np.arange(len(block.ks)), lengths)))[first]
        return np.where(rng.random(len(block.ks)) < part, paths[best], self.way[block.ks])

    def value(self, block: Block) -> float:
        """About what the rough plan of a block costs."""
        ways = self.way[block.ks]
        left = float(self.unserved[block.ks[ways < 0]].sum())
        return float(self.cost[ways[ways >= 0]].sum() + self.paid[block.groups].sum()) + left

    def best_of(self, scores: Any) -> Any:
        """For each consignment the path with the least score; -1 where it has none."""
        way = np.full(len(self.start) - 1, -1, np.int64)
        order = np.lexsort((scores, self.owner))
        used = np.flatnonzero(np.diff(self.start))
        way[used] = order[self.start[used]]
        return way

    def search(self, block: Block, seed: int, rounds: int, deadline: Deadline) -> None:
        """The rough search on one block until nothing moves any more."""
        rough_kernel.sow(seed)
        rng = np.random.default_rng(seed)
        idle = 0
        members = block.ks[self.way[block.ks] >= 0]
        held = (self.held, self.weighs, self.paid, self.kind, self.offer_first, self.offers)
        path = (self.way, self.start, self.group, self.cost, self.volume, self.weight)
        for turn in range(rounds):
            if idle >= 3 or deadline.over():
                return
            gained = rough_kernel.relocate(rng.permutation(members), 0.0, *path, *held)
            gained += rough_kernel.pull(
                rng.permutation(block.groups), 0.3 * (1 - turn / rounds), self.order, self.first, self.owner, self.way,
                self.group, self.cost, self.volume, self.weight, *held,
            )  # fmt: skip
            first, of = self._members(block)
            gained += rough_kernel.shed(rng.permutation(block.groups), first, of, *path, *held)
            idle = idle + 1 if gained > -1e-4 * self.value(block) / 10 else 0

    def _members(self, block: Block) -> tuple[Any, Any]:
        """Consignments by group as they stand now."""
        ks = block.ks[self.way[block.ks] >= 0]
        groups = self.group[self.way[ks]]
        order = np.argsort(groups, kind="stable")
        return np.searchsorted(groups[order], np.arange(len(self.kind) + 1)), ks[order]

    def search_all(self, seed: int, rounds: int, deadline: Deadline, lanes: int) -> None:
        """The rough search on all blocks."""
        with ThreadPoolExecutor(lanes) as pool:
            jobs = range(len(self.blocks))
            list(pool.map(lambda at: self.search(self.blocks[at], seed + at, rounds, deadline), jobs))
