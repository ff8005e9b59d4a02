"""An hour of three houses at work, cut out of the ten days of ``make soak``: people, mistakes, and kills."""

import os
import random

import pytest

from benchmarks.floor_day import simulate

HOURS, SECONDS, PEOPLE, KILLS = 1, 24, 40, 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_hour_in_three_houses_ends_with_every_unit_accounted_for() -> None:
    seed = int(os.environ.get("DONGTING_SOAK_SEED", random.SystemRandom().randrange(10**9)))
    print(f"\nfloor seed {seed}")
    assert simulate(HOURS / 24, SECONDS, PEOPLE, KILLS, seed) == []
