"""The committer: takes whatever waits, writes it in one transaction, and only then lets it be acknowledged.

There is no flush timer: while one batch is being committed the next one gathers, so batches grow with the load by
themselves. When the database is away nothing is acknowledged and the same batch is tried again, for as long as it
takes; when the committer ends for any other reason the process must end too, or the door would take and never answer.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from iot.inbox import Arrival, Outcome
from iot.storing import AWAY, InboxWriter

__all__ = ["BATCH", "RETRY_S", "Committer", "InboxWriter", "Write", "is_away"]

log = structlog.get_logger(__name__)
BATCH = 1000
FULL = 4000
RETRY_S = 0.5
NO_SPACE = "53100"  # PostgreSQL: disk_full
DISK_FULL, AWAY_NOW = "disk_full", "database_away"

Write = Callable[[Sequence[Arrival]], list[Outcome]]


def is_away(error: BaseException) -> bool:
    """Whether the database cannot be reached or cannot write just now (restart, recovery, disk full)."""
    return isinstance(error, (OperationalError, InterfaceError, *AWAY))


def trouble_of(error: BaseException) -> str:
    """Why nothing can be written: ``disk_full``, or ``database_away`` for all else."""
    cause = getattr(error, "orig", None) or error
    return DISK_FULL if getattr(cause, "sqlstate", None) == NO_SPACE else AWAY_NOW


def _resolve(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():  # a closing connection cancels its own; the row stays, the device sends again
        future.set_result(outcome)


class Committer:
    """Joins the waiting arrivals of all connections of one event loop into batches."""

    def __init__(self, write: Write, after_commit: Callable[[Sequence[Arrival], Sequence[Outcome]], None]) -> None:
        self._write, self._after_commit = write, after_commit
        self._waiting: deque[tuple[Arrival, Callable[[Outcome], None], float]] = deque()
        self._in_hand: float | None = None
        self._more = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, "committer")
        self.room = asyncio.Event()
        self.room.set()
        self.away_since: float | None = None
        self.trouble = ""

    @property
    def waiting(self) -> int:
        """Messages that are neither committed nor acknowledged."""
        return len(self._waiting)

    @property
    def oldest_waiting_s(self) -> float:
        """How long the oldest of them has been waiting, in seconds."""
        first = self._in_hand if self._in_hand is not None else self._waiting[0][2] if self._waiting else None
        return 0.0 if first is None else time.monotonic() - first

    def put(self, arrival: Arrival, committed: Callable[[Outcome], None]) -> None:
        """Queue an arrival; ``committed`` is called in the loop, in the order of the queue, once it is.

        While :attr:`room` is clear, read no more.
        """
        self._waiting.append((arrival, committed, time.monotonic()))
        if len(self._waiting) >= FULL:
            self.room.clear()
        self._more.set()

    def submit(self, arrival: Arrival) -> asyncio.Future[Outcome]:
        """As :meth:`put`, with a future that is done when the arrival is committed."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.put(arrival, partial(_resolve, future))
        return future

    async def run(self) -> None:
        """Commit until cancelled. Raises what is not the database being away."""
        while True:
            await self._more.wait()
            while self._waiting:
                await self._commit_waiting()
            self._more.clear()

    async def settle(self, patience_s: float) -> None:
        """Wait until nothing is waiting any more, at most ``patience_s`` seconds."""
        deadline = time.monotonic() + patience_s
        while (self._waiting or self._in_hand is not None) and time.monotonic() < deadline:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.02)

    def close(self) -> None:
        """Let the writer's thread go once its statement is over."""
        self._executor.shutdown(wait=False)

    async def _commit_waiting(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
        self._in_hand = taken[0][2]
        arrivals = [arrival for arrival, _, _ in taken]
        outcomes = await self._write_until_done(arrivals)
        self._in_hand = None
        if len(self._waiting) < FULL // 2:
            self.room.set()
        for (_, committed, _), outcome in zip(taken, outcomes, strict=True):
            committed(outcome)
        self._after_commit(arrivals, outcomes)

    async def _write_until_done(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        while True:
            try:
                outcomes = await loop.run_in_executor(self._executor, self._write, arrivals)
            except Exception as error:
                if not is_away(error):
                    raise
                if self.away_since is None:
                    self.away_since = time.monotonic()
                if self.trouble != (trouble := trouble_of(error)):
                    self.trouble = trouble
                    log.error(trouble, waiting=self.waiting, error=str(error)[:200])
                await asyncio.sleep(RETRY_S)
            else:
                if self.away_since is not None:
                    log.info("database_back", away_s=round(time.monotonic() - self.away_since, 1))
                    self.away_since, self.trouble = None, ""
                return outcomes
