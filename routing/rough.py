"""The planner's first look at many consignments: a bound and a rough choice of paths for each block, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from routing.bulk import Bulk
from routing.paths import Paths
from routing.watching import Deadline

MANY_PATHS = 3000
"""Fewer are left to the exact solver alone."""
ROUNDS = 60
VARIED, IDLE = 12, 12
"""How often each block is varied unless told; rounds that bring nothing, after which it ends."""
PART = (0.05, 0.5)
"""How much of a block is drawn anew."""
SETTLED = 2e-4
"""A block whose gap is smaller is good enough."""


class Rough:
    """Bounds and choices of all blocks, in the order the blocks were given."""

    def __init__(self, paths: Paths, unserved: dict[int, int], blocks: Sequence[Sequence[int]]) -> None:
        self.bulk = Bulk(paths, unserved, blocks)
        self._ways = self.bulk.best_of(self.bulk.guess)
        self.values = [float("inf")] * len(blocks)
        self._proved = [0] * len(blocks)

    def warm(self) -> None:
        """Touch everything compiled once, so that numba's first compilation on a machine falls into nobody's share."""
        self.bulk.settle(self._ways)
        self.bulk.search(self.bulk.blocks[0], 1, 1, Deadline())
        self.bulk.climb(self.bulk.blocks[0], 1, 1.0)

    def run(
        self, seed: int, deadline: Deadline, lanes: int, said: Callable[[float], None], varied: int | None = None
    ) -> None:
        """A rough plan, the dual prices that prove how good it is, and better plans out of those prices, varied so many
        times (unless told, twelve)."""
        climbed = deadline.share(0.8)
        self.offer(self._ways, seed, deadline, lanes)
        self.bulk.climb_all(climbed, self.values, lanes, said)
        self.offer(self.bulk.best_of(-self.bulk.mean), seed + 1000, deadline, lanes)
        self.vary(seed + 3000, deadline, lanes, VARIED if varied is None else varied)

    def vary(self, seed: int, deadline: Deadline, lanes: int, rounds: int) -> None:
        """Part of each block drawn anew out of the dual and searched again: each once, then each once more, so many
        times, until the time is over or a few rounds bring nothing.
        """
        self.bulk.settle(self._ways)
        idle = 0
        with ThreadPoolExecutor(lanes) as pool:
            for turn in range(rounds):
                open_ = [at for at in range(len(self.values)) if self.gap(at) > SETTLED][::-1]
                if deadline.over() or not open_ or idle >= IDLE:
                    return
                before = sum(self.values)
                list(pool.map(self._vary_one, open_, [turn] * len(open_), [seed] * len(open_), [deadline] * len(open_)))
                idle = 0 if sum(self.values) < before else idle + 1

    def _vary_one(self, at: int, turn: int, seed: int, deadline: Deadline) -> None:
        if deadline.over():
            return
        bulk, block = self.bulk, self.bulk.blocks[at]
        rng = np.random.default_rng((seed, at, turn))
        bulk.resettle(block, bulk.drawn(block, rng, rng.uniform(*PART)))
        bulk.search(block, seed + at + 1000 * turn, ROUNDS, deadline)
        value = bulk.value(block)
        if value < self.values[at]:
            self.values[at] = value
            self._ways[block.ks] = bulk.way[block.ks]
        else:
            bulk.resettle(block, self._ways[block.ks])

    def offer(self, way: Any, seed: int, deadline: Deadline, lanes: int) -> None:
        """Another choice of paths: made better by the rough search, and kept block by block where it costs less."""
        self.bulk.settle(way)
        self.bulk.search_all(seed, ROUNDS, deadline, lanes)
        for at, block in enumerate(self.bulk.blocks):
            value = self.bulk.value(block)
            if value < self.values[at]:
                self.values[at] = value
                self._ways[block.ks] = self.bulk.way[block.ks]

    def offer_choice(self, choice: dict[int, int], seed: int, deadline: Deadline, lanes: int) -> None:
        """The same with a choice of another solver; blocks without one keep theirs."""
        way = self._ways.copy()
        for k, index in choice.items():
            way[k] = self.bulk.start[k] + index if index >= 0 else -1
        self.offer(way, seed, deadline, lanes)

    def bound_minor(self, at: int) -> int:
        """The proven bound of a block in fen."""
        return max(self._proved[at], self.bulk.bound_minor(self.bulk.blocks[at]))

    def take_over(self, at: int, proved: int, value: float, ways: Sequence[int]) -> None:
        """What another process proved and found of a block: the index of each of its consignments' paths, or -1."""
        self._proved[at] = max(self._proved[at], proved)
        if value < self.values[at]:
            ks = self.bulk.blocks[at].ks
            self.values[at] = value
            self._ways[ks] = [self.bulk.start[k] + way if way >= 0 else -1 for k, way in zip(ks, ways, strict=True)]

    def gap(self, at: int) -> float:
        """The share of a block's rough cost that its bound leaves open; only an order of trying."""
        return 1 - self.bound_minor(at) / max(1.0, self.values[at])

    def choice(self) -> dict[int, int]:
        """The index of each consignment's path in the best rough plan, -1 where it stays behind."""
        index = self._ways - self.bulk.start[:-1]
        used = np.flatnonzero(np.diff(self.bulk.start))
        return {int(k): int(index[k]) if self._ways[k] >= 0 else -1 for k in used}
