"""Any sequence of the floor's use cases leaves the ledger's invariants whole and every unit accounted for.

Hypothesis draws deeds (:mod:`benchmarks.floor_deeds`: receive, put away, move, count, approve, pick, pack, ship, undo,
split, merge, transfer …) in three houses, by right and by mistake; DONGTING_SOAK multiplies their number. After each
deed no balance is below zero and the ledger sums to zero; at the end ``wms.stock.verify`` finds nothing, and what came
in, left and was corrected is what a tally says that knows nothing of the ledger. A failure prints the deeds.
"""

import os
import random
from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import text

from benchmarks.floor_deeds import DEEDS, Tally, Worker, build_houses, unaccounted, weighted
from tests.build import number
from tests.conftest import new_tenant
from wms.db import Database, Scope
from wms.stock.verify import run as verify

SOAK = int(os.environ.get("DONGTING_SOAK", "1"))
DONE: Counter[str] = Counter()


class FloorMachine(RuleBasedStateMachine):
    """Three houses, two workers in each."""

    database: ClassVar[Database]
    owner: ClassVar[Database]

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.scope = Scope.system(new_tenant(self.owner))
        self.tally = Tally()
        with self.database.unit_of_work(self.scope) as session:
            self.houses = build_houses(session, prefix=f"M{number()}")
        self.workers = [
            Worker(
                self.database, self.scope.tenant_id, house, self.tally, random.Random(0), others=self.houses,
                name=f"gun-{house.kind}-{n}",
            )
            for house in self.houses
            for n in range(2)
        ]  # fmt: skip
        self.morning(seed)

    @rule(seed=st.integers(0, 2**32))
    def morning(self, seed: int) -> None:
        """A run of deeds as people mix them, so that there is stock, orders and half-done work for the others."""
        draw = random.Random(seed)
        for _ in range(12):
            self.do(draw.randrange(6), draw.choice(weighted()), draw.randrange(2**32))

    @rule(who=st.integers(0, 5), deed=st.sampled_from(weighted()), seed=st.integers(0, 2**32))
    def do(self, who: int, deed: str, seed: int) -> None:
        worker = self.workers[who]
        worker.draw.seed(seed)
        DONE[f"{deed}: {worker.do(deed)}"] += 1
        with self.database.unit_of_work(self.scope) as session:
            below, off = session.execute(
                text(
                    "SELECT (SELECT count(*) FROM balance WHERE qty < 0 OR qty_reserved NOT BETWEEN 0 AND qty),"
                    " (SELECT count(*) FROM (SELECT 1 FROM entry e JOIN account a ON a.id = e.account_id"
                    " JOIN account_kind k ON k.kind = a.kind GROUP BY a.trade_item_id, k.side"
                    " HAVING sum(e.qty) <> 0) x)"
                )
            ).one()
        assert (below, off) == (0, 0)

    def teardown(self) -> None:
        if hasattr(self, "houses"):
            with self.database.unit_of_work(self.scope) as session:
                assert unaccounted(session, self.houses, self.tally) == []
            assert verify(self.database, self.scope) == []


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_any_sequence_of_the_floors_work_leaves_every_unit_accounted_for(
    database: Database, owner_database: Database
) -> None:
    FloorMachine.database, FloorMachine.owner = database, owner_database
    DONE.clear()
    run_state_machine_as_test(
        FloorMachine,
        settings=settings(
            max_examples=4 * SOAK, stateful_step_count=30, deadline=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink], print_blob=True,
        ),
    )  # type: ignore[no-untyped-call]  # fmt: skip
    print(f"\n{sum(DONE.values())} deeds: {dict(DONE.most_common(60))}")
    assert {name.split(":")[0] for name in DONE} <= set(DEEDS)
