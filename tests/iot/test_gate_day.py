"""A cut of the day of traffic: one vehicle of each kind among good ones, through sockets and processes."""

import random
from pathlib import Path

import pytest

from benchmarks.gate_day import KINDS, build, draw_kinds, play
from tests.conftest import Urls
from wms.db import Database, Scope

VEHICLES, LANES, SEED = 60, 20, 2


def test_every_kind_comes_at_least_once_and_one_in_a_hundred() -> None:
    for vehicles in (VEHICLES, 2_000):
        kinds = draw_kinds(vehicles, random.Random(SEED))
        assert len(kinds) == vehicles
        assert {kind: kinds.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, max(1, vehicles // 100))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sixty_vehicles_are_decided_as_the_truth_demands(
    database: Database, scope: Scope, urls: Urls, tmp_path: Path
) -> None:
    yard = build(database, scope, VEHICLES, LANES, random.Random(SEED), decide_within_ms=20_000)
    said = play(database, scope, urls.app, tmp_path, yard)
    assert said.wrong_releases == []
    assert said.differences == []
    assert sum(said.trucks.values()) - said.trucks["tailgater"] == VEHICLES
