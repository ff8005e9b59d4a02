"""Many jobs at once: the same work on each, in processes of their own where that pays, or by a crew on other machines.

A crew gets jobs that can be written down: what goes in and what comes out is JSON, and nothing else is known to who
works on it. The answers come in the order of the jobs, whoever did them and whenever.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from routing.watching import Deadline

Job = TypeVar("Job")
Result = TypeVar("Result")
MANY = 1000
"""A process takes seconds to begin and a quarter of a gigabyte; fewer boxes are loaded before it has."""
CHUNK = 16
BATCH = 24
"""Boxes that a part of a plan holds: some seconds of work."""


@dataclass(frozen=True)
class Kind(Generic[Job, Result]):
    """One kind of part: its work, which depends on the job alone, and how job and result are written."""

    name: str
    work: Callable[[Job, Deadline], Result]
    job: TypeAdapter[Job]
    result: TypeAdapter[Result]

    def worked(self, job: bytes, deadline: Deadline) -> bytes:
        """The result of a job as it was written down, written down."""
        return self.result.dump_json(self.work(self.job.validate_json(job), deadline))


class Crew(Protocol):
    """Hands that do parts of a plan."""

    def work(
        self, kind: Kind[Job, Result], jobs: Sequence[Job], deadline: Deadline, weights: Sequence[int],
        done: Callable[[int, Result], None] | None = None,
    ) -> list[Result]:  # fmt: skip
        """The results in the order of the jobs. ``weights``: how hard each looks, which shares the time left.
        ``done``: is told each job's place and result as they come.
        """


def batches(jobs: Sequence[Job]) -> list[Sequence[Job]]:
    """The jobs in the lots that one part holds."""
    return [jobs[at : at + BATCH] for at in range(0, len(jobs), BATCH)]


def spread(work: Callable[[Job], Result], jobs: Sequence[Job], boxes: float | None = None) -> list[Result]:
    """What `work` makes of each job, in their order; few jobs are done here, one after the other, and so are all when
    a process was ended from outside. ``boxes``: as much work as loading so many boxes, unless each job is one.
    """
    lanes = os.cpu_count() or 1
    if (len(jobs) if boxes is None else boxes) < MANY or lanes < 2 or multiprocessing.current_process().daemon:
        return [work(job) for job in jobs]
    chunks = [jobs[at : at + CHUNK] for at in range(0, len(jobs), CHUNK)]
    try:
        with ProcessPoolExecutor(lanes - 1, multiprocessing.get_context("spawn"), initializer=_watch) as pool:
            there = [pool.submit(_each, work, chunk) for chunk in chunks[::-1]][::-1]
            # the others begin at the end and this process at the beginning, until they meet
            here = [_each(work, chunk) if one.cancel() else None for chunk, one in zip(chunks, there, strict=True)]
            found = [one.result() if mine is None else mine for mine, one in zip(here, there, strict=True)]
    except BrokenProcessPool:
        return [work(job) for job in jobs]
    return [answer for chunk in found for answer in chunk]


def _each(work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    return [work(job) for job in jobs]


def _watch() -> None:
    """A process ends with the one that began it, also where that was killed and could say nothing."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
