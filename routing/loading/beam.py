"""Beam search with greedy completion over blocks and free spaces.

Each state of the beam tries its best blocks in the chosen space; each child is worth what a greedy completion makes of
it (Araya and Riff, "A beam search approach to the container loading problem", Computers & Operations Research 43,
2014). The beam starts narrow and is widened while there is time or work left. The same work limit gives the same answer
on any machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from routing.loading.blocks import Blocks
from routing.loading.kernel import MAX_PLACED, MAX_SPACES, complete, nearest_space, put, rank, sift


@dataclass(frozen=True, slots=True)
class Taste:
    """Exponents of touching (alpha), of room that stays usable (beta), of pieces (gamma), and what counts as near."""

    alpha: float = 4.0
    beta: float = 1.0
    gamma: float = 0.2
    near: float = 0.04


@dataclass(slots=True)
class State:
    """A part-loaded container: free spaces with what their floors bear, boxes left, blocks placed."""

    spaces: Any
    bearings: Any
    left: Any
    live: Any
    placed: Any
    sums: Any  # placed blocks, volume, weight left
    value: int = 0


@njit(cache=True, nogil=True)
def _choose(
    box: Any, size: Any, volume: Any, kinds: Any, counts: Any, weight: Any, pressure: Any, live: Any, spaces: Any,
    bearings: Any, n: int, left: Any, placed: Any, sums: Any, reach: Any, near: Any, both_ends: bool, tops: bool,
    alpha: float, beta: float, gamma: float, want: int, out: Any, score: Any,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Space, corner, number of blocks that fit there, free spaces left; spaces that hold nothing are dropped."""
    while n > 0:
        i, corner = nearest_space(spaces, n, box, both_ends, tops)
        found = rank(
            spaces[i], corner, box, size, volume, kinds, counts, live, len(live), left, weight, sums[2], pressure,
            bearings[i], placed, sums[0], reach, near, alpha, beta, gamma, want, out, score,
        )  # fmt: skip
        if found:
            return i, corner, found, n
        for j in range(6):
            spaces[i, j] = spaces[n - 1, j]
        bearings[i] = bearings[n - 1]
        n -= 1
    return -1, 0, 0, 0


class Beam:
    """The search for one container, from one starting state."""

    def __init__(
        self, box: tuple[int, int, int], blocks: Blocks, start: State, *, held: bool, both_ends: bool, tops: bool,
        least: tuple[int, int, int], sides: tuple[set[int], set[int], set[int]], taste: Taste,
    ) -> None:  # fmt: skip
        self.blocks, self._start, self.taste = blocks, start, taste
        self._box = np.array(box, np.int64)
        self._held, self._both_ends, self._tops = held, both_ends, tops
        self._least = np.array(least, np.int64)
        self._near = np.array([int(side * taste.near) for side in box], np.int64)
        self._reach = np.zeros((3, max(box) + 1), np.int64)
        for axis in range(3):
            self._reach[axis] = _reachable(np.array(sorted(sides[axis]), np.int64), max(box) + 1)
        self._fresh = np.empty((MAX_SPACES, 6), np.int64)
        self._fresh_bearings = np.empty(MAX_SPACES, np.int64)
        self._spaces = np.empty((MAX_SPACES, 6), np.int64)
        self._bearings = np.empty(MAX_SPACES, np.int64)
        self.best: State = start
        self.tried = 0

    def run(self, spent: Callable[[int], bool], widest: int = 1 << 20) -> State:
        """Beams of width 1, 2, 3, 4, 6, 8 … until ``spent`` (given the greedy completions so far) says so."""
        width = 1.0
        while not spent(self.tried) and int(width) <= widest:
            if not self._one(int(width), spent):
                break
            width = max(width * 2**0.5, width + 1) if width < 3 else width * 2**0.5
        return self.best

    def _one(self, width: int, spent: Callable[[int], bool]) -> bool:
        level = [self._start]
        choice = max(2, width)
        while level:
            found: dict[int, State] = {}
            for state in level:
                for child in self._children(state, choice, spent):
                    if child.value not in found:
                        found[child.value] = child
                if spent(self.tried):
                    return False
            level = [found[value] for value in sorted(found, reverse=True)[:width]]
        return True

    def _children(self, state: State, want: int, spent: Callable[[int], bool]) -> list[State]:
        if int(state.sums[0]) >= MAX_PLACED:
            return []
        b, taste = self.blocks, self.taste
        out, score = np.empty(want, np.int64), np.empty(want, np.float64)
        n = len(state.spaces)
        spaces, bearings = state.spaces.copy(), state.bearings.copy()
        i, corner, fits, n = _choose(
            self._box, b.size, b.volume, b.kinds, b.counts, b.weight, b.pressure, state.live, spaces, bearings, n,
            state.left, state.placed, state.sums, self._reach, self._near, self._both_ends, self._tops, taste.alpha,
            taste.beta, taste.gamma, want, out, score,
        )  # fmt: skip
        children = []
        for at in range(fits):
            if at and spent(self.tried):
                break
            children.append(self._child(state, spaces[:n], bearings[:n], i, corner, int(out[at])))
        return children

    def _child(self, state: State, spaces: Any, bearings: Any, i: int, corner: int, block: int) -> State:
        b, taste = self.blocks, self.taste
        n = len(spaces)
        work, carry = self._spaces, self._bearings
        work[:n], carry[:n] = spaces, bearings
        left, sums, live = state.left.copy(), state.sums.copy(), state.live.copy()
        placed = np.empty((MAX_PLACED, 8), np.int64)
        placed[: sums[0]] = state.placed[: sums[0]]
        space, bearing = spaces[i].copy(), int(bearings[i])
        n = put(
            block, space, corner, b.size, b.volume, b.kinds, b.counts, b.weight, b.pressure, b.top, work, carry, n,
            bearing, left, placed, sums, self._held, self._least, self._fresh, self._fresh_bearings,
        )  # fmt: skip
        n_live = sift(live, len(live), b.kinds, b.counts, left, b.weight, sums[2])
        child = State(work[:n].copy(), carry[:n].copy(), left.copy(), live[:n_live].copy(), placed, sums.copy())
        done = placed.copy()
        complete(
            self._box, b.size, b.volume, b.kinds, b.counts, b.weight, b.pressure, b.top, live, n_live, work, carry, n,
            left, done, sums, self._reach, self._near, self._least, self._held, self._both_ends, self._tops,
            taste.alpha, taste.beta, taste.gamma, self._fresh, self._fresh_bearings, np.empty(1, np.int64),
            np.empty(1, np.float64),
        )  # fmt: skip
        self.tried += 1
        child.value = int(sums[1])
        if child.value > self.best.value:
            self.best = State(child.spaces, child.bearings, left, live, done[: sums[0]].copy(), sums, child.value)
        return child


def seconds(limit: float) -> Callable[[int], bool]:
    """Spent after ``limit`` seconds from now, but not before one greedy completion: no container stays empty for want
    of time."""
    end = time.perf_counter() + limit
    return lambda tried: tried > 0 and time.perf_counter() >= end


def work(limit: int) -> Callable[[int], bool]:
    """Spent after ``limit`` greedy completions: the same answer on any machine."""
    return lambda tried: tried >= limit


@njit(cache=True, nogil=True)
def _reachable(sides: Any, length: int) -> Any:
    """For each length the longest sum of sides, each as often as wanted, that is not above it."""
    reach = np.zeros(length, np.int64)
    for at in range(1, length):
        best = reach[at - 1]
        for side in sides:
            if side > at:
                break
            best = max(best, reach[at - side] + side)
        reach[at] = best
    return reach
