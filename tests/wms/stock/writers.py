"""Clients of the ledger that run in processes of their own, all starting at the same moment."""

import multiprocessing
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.synchronize import Barrier
from typing import Any

from wms.db import Database, Scope
from wms.stock.ledger import AccountKey, Posted, Posting, moved, post_many

START_S = 60

started: list[Barrier] = []  # of this process: at most one


def run_together(clients: int, job: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """Run ``job`` once for each of ``clients`` processes, none before all are ready; returns what each returned."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.wms.stock.writers"])
    barrier = context.Barrier(clients)
    with ProcessPoolExecutor(clients, mp_context=context, initializer=started.append, initargs=(barrier,)) as pool:
        return [future.result() for future in [pool.submit(job, *one) for one in arguments]]


@contextmanager
def client(url: str) -> Iterator[Database]:
    """One connection, made before the start signal."""
    database = Database(url, pool_size=1, max_overflow=0)
    database.engine.connect().close()
    for barrier in started:
        barrier.wait(START_S)
    try:
        yield database
    finally:
        database.close()


def take(url: str, tenant: int, shelf: AccountKey, customer: AccountKey, name: str, times: int, at: datetime) -> int:
    """Take one unit ``times`` times; returns how many were granted."""
    granted = 0
    with client(url) as database:
        for i in range(times):
            posting = Posting(f"{name}-{i}", "issue", at, moved(shelf, customer, 1))
            with database.unit_of_work(Scope.system(tenant)) as session:
                granted += isinstance(post_many(session, [posting])[0], Posted)
    return granted


def send_keys(
    url: str, tenant: int, supplier: AccountKey, shelf: AccountKey, keys: int, seed: int, at: datetime, at_once: int
) -> int:
    """Send every key once, in an order of one's own, ``at_once`` in a list; returns how many were new."""
    order = list(range(keys))
    random.Random(seed).shuffle(order)
    applied = 0
    with client(url) as database:
        for start in range(0, keys, at_once):
            postings = [
                Posting(f"same-{i}", "receipt", at, moved(supplier, shelf, 1)) for i in order[start : start + at_once]
            ]
            with database.unit_of_work(Scope.system(tenant)) as session:
                answers = post_many(session, postings)
            assert all(isinstance(answer, Posted) for answer in answers)
            applied += sum(isinstance(answer, Posted) and not answer.replayed for answer in answers)
    return applied


def transfer(url: str, tenant: int, accounts: list[AccountKey], name: str, times: int, seed: int, at: datetime) -> int:
    """Carry goods between two accounts drawn by lot, now single, now in lists; returns how many moves stood."""
    draw, stood = random.Random(seed), 0
    with client(url) as database:
        for i in range(times):
            pairs = [draw.sample(accounts, 2) for _ in range(draw.choice((1, 1, 1, 5)))]
            postings = [
                Posting(f"{name}-{i}-{j}", "move", at, moved(one, other, draw.randint(1, 5)))
                for j, (one, other) in enumerate(pairs)
            ]
            with database.unit_of_work(Scope.system(tenant)) as session:
                stood += sum(isinstance(answer, Posted) for answer in post_many(session, postings))
    return stood
