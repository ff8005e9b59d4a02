"""Processes that post as fast as they can: through the ledger's service, or the same SQL by bare psycopg."""

import hashlib
import multiprocessing
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import psycopg

from wms.db import SET_SCOPE, Database, Scope
from wms.postgres import libpq
from wms.stock.accounts import account_ids
from wms.stock.ledger import POST, AccountKey, Posting, moved, post

SCOPE = Scope.system(1)


@dataclass(frozen=True)
class Load:
    """What a writer does: carry one unit from one of ``taken`` to one of ``placed``, each drawn by lot."""

    url: str
    taken: tuple[AccountKey, ...]
    placed: tuple[AccountKey, ...]


class Writer:
    """One process's two ways to post; each call of a way runs for a time and tells how many were committed."""

    def __init__(self, load: Load, seed: int) -> None:
        self._load, self._draw, self._prefix, self._number = load, random.Random(seed), uuid.uuid4().hex, 0
        self._database = Database(load.url, pool_size=1, max_overflow=0)
        with self._database.unit_of_work(SCOPE) as session:
            self._ids = account_ids(session, {*load.taken, *load.placed})
        self._bare = psycopg.connect(libpq(load.url))

    def _next(self) -> tuple[str, AccountKey, AccountKey]:
        self._number += 1
        while True:
            taken, placed = self._draw.choice(self._load.taken), self._draw.choice(self._load.placed)
            if taken != placed:
                return f"{self._prefix}-{self._number}", taken, placed

    def ledger(self) -> None:
        key, taken, placed = self._next()
        with self._database.unit_of_work(SCOPE) as session:
            post(session, Posting(key, "move", datetime.now(UTC), moved(taken, placed, 1)))

    def bare(self) -> None:
        key, taken, placed = self._next()
        hashed = hashlib.sha256(key.encode()).digest()
        (one, one_qty), (two, two_qty) = sorted(((self._ids[taken], -1), (self._ids[placed], 1)))
        with self._bare.cursor() as cursor:
            cursor.execute(SET_SCOPE, ("1", "", "", "on", "system"))
            cursor.execute(
                POST,
                ([key], [hashed], ["move"], [datetime.now(UTC)], [None], [None], [None], [None], [1, 1], [one, two],
                 [one_qty, two_qty], [None, None], [None, None], [], [], [], [], [], [], []),
            )  # fmt: skip
            cursor.fetchall()
        self._bare.commit()

    def measure(self, way: str, seconds: float) -> tuple[int, float]:
        """(postings committed, longest wait in seconds)."""
        act, count, longest = getattr(self, way), 0, 0.0
        at = end = time.perf_counter()
        end += seconds
        while at < end:
            act()
            done = time.perf_counter()
            at, longest, count = done, max(longest, done - at), count + 1
        return count, longest


def serve(load: Load, seed: int, orders: Connection) -> None:
    """The life of one writer process: warm up, then measure on order, until told to end."""
    writer = Writer(load, seed)
    for way in ("ledger", "bare"):
        writer.measure(way, 0.3)
    orders.send("ready")
    while (order := orders.recv()) is not None:
        orders.send(writer.measure(*order))


class Crew:
    """Several writers that work at the same time."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = pipes
        for pipe in pipes:
            pipe.recv()

    def rate(self, way: str, seconds: float) -> float:
        """Postings a second of all together."""
        for pipe in self._pipes:
            pipe.send((way, seconds))
        counts: list[int] = [pipe.recv()[0] for pipe in self._pipes]
        return sum(counts) / seconds


@contextmanager
def crew(load: Load, writers: int) -> Iterator[Crew]:
    """``writers`` processes, warmed up."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.writers"])
    pipes, processes = [], []
    for seed in range(writers):
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(load, seed, theirs), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        yield Crew(pipes)
    finally:
        for pipe in pipes:
            pipe.send(None)
        for process in processes:
            process.join(10)
