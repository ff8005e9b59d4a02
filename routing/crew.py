"""Many boxes at once: the same work on each, in processes of their own where that pays."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
MANY = 1000
"""A process takes seconds to begin and a quarter of a gigabyte; fewer boxes are loaded before it has."""
CHUNK = 16


def spread(work: Callable[[Job], Result], jobs: Sequence[Job], boxes: float | None = None) -> list[Result]:
    """What `work` makes of each job, in their order; few jobs are done here, one after the other, and so are all when
    a process was ended from outside. ``boxes``: as much work as loading so many boxes, unless each job is one.
    """
    lanes = os.cpu_count() or 1
    if (len(jobs) if boxes is None else boxes) < MANY or lanes < 2 or multiprocessing.current_process().daemon:
        return [work(job) for job in jobs]
    try:
        with ProcessPoolExecutor(lanes, multiprocessing.get_context("spawn"), initializer=_watch) as pool:
            return list(pool.map(work, jobs, chunksize=CHUNK))
    except BrokenProcessPool:
        return [work(job) for job in jobs]


def _watch() -> None:
    """A process ends with the one that began it, also where that was killed and could say nothing."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
