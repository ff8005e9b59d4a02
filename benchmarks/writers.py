"""Processes that post as fast as they can: through the ledger's service, or the same SQL by bare psycopg."""

import hashlib
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from benchmarks.crews import Hand
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


class Writer(Hand):
    """One process's two ways to post; each call of a way commits one posting."""

    ways = ("ledger", "bare")

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

    def ledger(self) -> int:
        key, taken, placed = self._next()
        with self._database.unit_of_work(SCOPE) as session:
            post(session, Posting(key, "move", datetime.now(UTC), moved(taken, placed, 1)))
        return 1

    def bare(self) -> int:
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
        return 1
