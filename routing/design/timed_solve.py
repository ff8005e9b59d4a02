"""Timed network design: search and bound side by side, each helping the other."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from routing.design.instance import Instance
from routing.design.timed_bound import Progress, prove
from routing.design.timed_paths import Ways
from routing.design.timed_search import Search, Timed
from routing.design.timed_slots import Column
from routing.problem import BadProblem

TOLERANCE = 1e-3
"""Good enough to stop: proved to within a thousandth."""
HEATS = (0.1, 0.03, 0.05, 0.02)
BATCHES = 25
PART = 6


@dataclass
class _Shared:
    """What the two sides tell each other; plain values, each written by one side only."""

    hints: list[list[Column]]
    over: bool = False


def solve_timed(
    instance: Instance, ways: Ways, *, seconds: float, work: int | None, seed: int, tolerance: float = TOLERANCE
) -> tuple[Timed, int]:
    """Best plan found and proven bound. With ``work`` (rounds of bound and search) the clock plays no part."""
    search = Search(instance, ways, seed)
    if work is not None:
        return _by_work(instance, ways, search, work, tolerance)
    end, shared, progress = time.monotonic() + seconds, _Shared([]), Progress()

    def left() -> float:
        return 0.0 if shared.over else end - time.monotonic()

    def bound_side() -> None:
        try:
            prove(
                instance, ways, progress, lambda: search.value, shared.hints.append, left, tolerance, most_rounds=None
            )
        except BadProblem:  # too large to be cut finer: what was proved stays proved
            if not progress.bound:
                raise

    search.run(HEATS[0], 5, lambda: left() <= 0)
    pool = ThreadPoolExecutor(1)
    proving = pool.submit(bound_side)
    turn = 0
    while left() > 0 and not proving.done() and search.value - progress.bound > tolerance * search.value:
        if shared.hints:
            search.follow(shared.hints.pop())
            shared.hints.clear()
        else:
            search.home()
        search.run(HEATS[turn % len(HEATS)], BATCHES, lambda: left() <= 0)
        turn += 1
    while left() > 0 and search.value - progress.bound > tolerance * search.value:
        search.home()
        search.run(HEATS[turn % len(HEATS)], BATCHES, lambda: left() <= 0)
        turn += 1
    shared.over = True
    proving.result()  # what went wrong there is told here
    pool.shutdown()
    return _finished(search, progress)


def _by_work(instance: Instance, ways: Ways, search: Search, work: int, tolerance: float) -> tuple[Timed, int]:
    progress = Progress()
    search.run(HEATS[0], PART * work, lambda: False)

    def hint(chosen: list[Column]) -> None:
        search.follow(chosen)
        search.run(HEATS[-1], PART, lambda: False)

    prove(instance, ways, progress, lambda: search.value, hint, lambda: float("inf"), tolerance, most_rounds=work)
    return _finished(search, progress)


def _finished(search: Search, progress: Progress) -> tuple[Timed, int]:
    best = search.best()
    return best, min(progress.bound, best.value)
