"""Many consignments: the dual bound never exceeds the optimum, and large plans pass the checker."""

from __future__ import annotations

import pytest

from routing import rough
from routing.bulk import Bulk
from routing.consolidate import blocks_of, bound
from routing.generate import problem as generated
from routing.paths import PathFinder
from routing.rough import Rough
from routing.search import assemble, unserved_prices
from routing.solve import make_plan
from routing.verify import verify
from routing.watching import Deadline
from tests.routing.tiny import brute_force, random_problem

TINY = 1000
"""Random problems of two to five consignments."""


@pytest.mark.parametrize("first", range(0, TINY, 100))
def test_neither_bound_exceeds_the_optimum_by_brute_force(first: int) -> None:
    for seed in range(first, first + 100):
        paths = PathFinder(random_problem(seed)).find()
        unserved = unserved_prices(paths)
        if not unserved:
            continue
        bulk = Bulk(paths, unserved, blocks_of(paths))
        for block in bulk.blocks:
            bulk.climb(block, 40, float(unserved_total(unserved)))
        proved = sum(bulk.bound_minor(block) for block in bulk.blocks)
        best = brute_force(paths, unserved)
        assert proved <= best, f"seed {seed}"
        assert bound(paths, unserved, Deadline.within(20), workers=1).bound_minor <= best, f"seed {seed}"


def unserved_total(unserved: dict[int, int]) -> int:
    return sum(unserved.values())


def test_the_dual_and_the_exact_solver_agree_on_one_set() -> None:
    paths = PathFinder(generated(150, seed=4)).find()
    unserved = unserved_prices(paths)
    blocks = blocks_of(paths)[::-1]
    first = Rough(paths, unserved, blocks)
    first.run(1, Deadline(), 1, lambda _: None)
    exact = bound(paths, unserved, Deadline.within(120))
    dual = sum(first.bound_minor(at) for at in range(len(blocks)))
    whole = assemble(paths, unserved, first.choice()).total_minor
    assert dual <= whole
    assert exact.bound_minor <= whole
    assert dual >= exact.bound_minor * 85 // 100
    assert bound(paths, unserved, Deadline.within(120), rough=first).bound_minor >= dual


def test_a_plan_by_way_of_the_rough_one_passes_the_checker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.solve.MANY_PATHS", 100)
    assert rough.MANY_PATHS > 100
    one = generated(60, seed=3)
    plan = make_plan(one, seconds=30, rounds=2, work=1)
    assert verify(one, plan.model_dump(mode="json")) == []
    assert plan.bound_minor <= plan.objective_minor
    assert set(plan.stages_ms) >= {"paths", "rough plan", "bound", "search", "loading", "check"}


def test_a_rough_plan_comes_out_the_same_for_the_same_seed() -> None:
    one = generated(150, seed=6)
    paths = PathFinder(one).find()
    unserved = unserved_prices(paths)
    found = []
    for lanes in (1, 2):
        first = Rough(paths, unserved, blocks_of(paths)[::-1])
        first.run(7, Deadline(), lanes, lambda _: None)
        found.append((first.choice(), [first.bound_minor(at) for at in range(len(first.values))]))
    assert found[0] == found[1]
