"""Many boxes at once: the same work on each, in processes of their own where that pays."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
MANY = 300
"""A process takes seconds to begin; fewer jobs are done before it has."""
CHUNK = 16


def spread(work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    """What `work` makes of each job, in their order; few jobs are done here, one after the other."""
    lanes = os.cpu_count() or 1
    if len(jobs) < MANY or lanes < 2 or multiprocessing.current_process().daemon:
        return [work(job) for job in jobs]
    with ProcessPoolExecutor(lanes, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, jobs, chunksize=CHUNK))
