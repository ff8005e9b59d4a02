"""An hour of three houses at work, cut out of the ten days of ``make soak``: people, mistakes, and kills."""

import os
import random
import threading

import pytest

from benchmarks.floor_day import simulate
from benchmarks.floor_deeds import Tally, Worker, build_houses
from tests.build import number
from wms.db import Database, Scope

HOURS, SECONDS, PEOPLE, KILLS = 1, 24, 40, 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_hour_in_three_houses_ends_with_every_unit_accounted_for() -> None:
    seed = int(os.environ.get("DONGTING_SOAK_SEED", random.SystemRandom().randrange(10**9)))
    print(f"\nfloor seed {seed}")
    assert simulate(HOURS / 24, SECONDS, PEOPLE, KILLS, seed) == []


def test_two_who_begin_to_count_a_place_at_once_share_no_round(database: Database, scope: Scope) -> None:
    """Found by the simulated days: the second was answered with a fault of ours."""
    with database.unit_of_work(scope) as session:
        (house,) = build_houses(session, ("ordinary",), prefix=f"C{number()}")
    meet = threading.Barrier(4)
    said: list[str] = []

    def begin(n: int) -> None:
        worker = Worker(database, scope.tenant_id, house, Tally(), random.Random(n), name=f"counter-{n}")
        meet.wait()
        said.append(worker.scan("count", "B-01").code)

    threads = [threading.Thread(target=begin, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 4
    assert len({"counted_by_other", *said}) == 2, said
