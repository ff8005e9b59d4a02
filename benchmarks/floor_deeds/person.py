"""How a deed is done: with a handheld or at a desk, in a unit of work of its own, under a key of its own."""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.floor_deeds.houses import PLACES, House
from benchmarks.floor_deeds.tally import Tally
from wms.db import Database, Scope
from wms.floor.service.acting import By
from wms.floor.service.scanning import TakeScan, take_scan


class Someone:
    """One person of one house with a handheld: scans, keys, and a unit of work for each deed."""

    _numbers = itertools.count(1)

    def __init__(
        self, database: Database, tenant_id: int, house: House, tally: Tally, draw: random.Random,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC), others: tuple[House, ...] = (), name: str = "",
    ) -> None:  # fmt: skip
        self.database, self.tenant_id, self.house, self.tally, self.draw = database, tenant_id, house, tally, draw
        self.clock, self.others, self.outcomes = clock, others, Counter[str]()
        self.name = name or f"w{next(self._numbers)}"
        self._seq, self._prefix = 0, f"{self.name}-{draw.getrandbits(40):x}"

    def work(self, act: Callable[[Session], Any], *, boss: bool = False) -> Any:
        """One unit of work of a clerk, or of a supervisor; what it notes is noted only once it stands."""
        ids = self.house.boss_ids if boss else self.house.clerk_ids
        scope = Scope(self.tenant_id, self.draw.choice(ids), "supervisor" if boss else "clerk")
        return self.database.run(scope, act)

    def key(self) -> str:
        self._seq += 1
        return f"{self._prefix}-{self._seq}"

    def by(self) -> By:
        return By(self.key(), self.clock(), self.name)

    def item(self) -> tuple[int, str, str]:
        return self.draw.choice(self.house.items)

    def bin(self) -> str:
        return self.draw.choice([code for code, kind in PLACES.items() if kind == "bin"])

    def scan(self, job: str, code: str, **given: Any) -> Any:
        """One scan of this worker's device; sometimes sent twice, as a device does that got no answer."""
        self._seq += 1
        at = self.clock()
        scan = TakeScan(
            f"{self._prefix}:{self._seq}", self.name, self._prefix, self._seq, code, at, job,
            site_code=self.house.site_code, **given,
        )  # fmt: skip
        person = self.house.clerk_ids[sum(self.name.encode()) % len(self.house.clerk_ids)]
        scope = Scope(self.tenant_id, person, "clerk")
        taken = self.database.run(scope, lambda session: take_scan(session, scan, at))
        if self.draw.random() < 0.05:
            again = self.database.run(scope, lambda session: take_scan(session, scan, at))
            assert (again.replayed, again.answer.code) == (True, taken.answer.code)
        return taken.answer

    def one(self, session: Session, sql: str, **values: Any) -> Any:
        """One row of those that a statement finds, drawn; None where there is none."""
        rows = session.execute(text(sql), values).all()
        return self.draw.choice(rows) if rows else None
