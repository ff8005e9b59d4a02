"""The model against exhaustive search, and the bound of the seeded network."""

from typing import cast

import pytest

from routing.consolidate import Clock, blocks_of, bound, fewest_left_out, leg_prices, solve_block
from routing.exact import Limits
from routing.paths import PathFinder
from routing.rough import Rough
from routing.search import unserved_prices
from routing.solve import make_plan
from routing.verify import verify
from routing.watching import Deadline
from tests.routing.tiny import brute_force, goods, network_document, problem, random_problem


@pytest.mark.parametrize("first", range(0, 240, 40))
def test_bound_never_exceeds_the_optimum_and_the_plan_reaches_it(first: int) -> None:
    reached = 0
    for seed in range(first, first + 40):
        tiny = random_problem(seed)
        paths = PathFinder(tiny).find()
        unserved = unserved_prices(paths)
        plan = make_plan(tiny, seconds=30, seed=seed, rounds=20)
        if not unserved:
            continue
        best = brute_force(paths, unserved)
        assert plan.bound_minor <= best <= plan.objective_minor, f"seed {seed}"
        assert bound(paths, unserved, Deadline.within(20)).bound_minor <= best, f"seed {seed}"
        reached += plan.objective_minor == best
    assert reached >= 37


def test_prices_of_full_legs_keep_the_bound_valid_and_raise_it() -> None:
    document = network_document(capacity=1, loose=False)
    tiny = problem([goods(f"K{n}", 15) for n in range(3)], document)
    paths = PathFinder(tiny).find()
    unserved = unserved_prices(paths)
    prices = leg_prices(paths, list(unserved), unserved, 5)
    assert set(prices) == {"SHIP@20260304T1200"}
    assert bound(paths, unserved, Deadline.within(20)).bound_minor <= brute_force(paths, unserved)
    without = solve_block(paths, list(unserved), unserved, {}, Limits()).bound_minor
    assert bound(paths, unserved, Deadline.within(20)).bound_minor > without


def test_blocks_share_no_group() -> None:
    tiny = random_problem(7)
    blocks = blocks_of(PathFinder(tiny).find())
    assert sorted(k for block in blocks for k in block) == sorted({k for block in blocks for k in block})


def test_counts_the_goods_that_can_never_all_go() -> None:
    tiny = problem([goods(f"K{n}", 15) for n in range(3)], network_document(capacity=1, loose=False))
    assert fewest_left_out(PathFinder(tiny).find(), [0, 1, 2], Limits())[0] == 2
    assert fewest_left_out(PathFinder(tiny).find(), [0], Limits()) == (0, {0: 0})


class Estimate:
    """A first look that says of each block that nothing is left to win."""

    def gap(self, _at: int) -> float:
        return 0.0

    def bound_minor(self, _at: int) -> int:
        return 1


def test_a_block_that_the_solver_never_saw_is_not_called_solved() -> None:
    tiny = random_problem(7)
    paths = PathFinder(tiny).find()
    found = bound(paths, unserved_prices(paths), Deadline.within(20), rough=cast("Rough", Estimate()))
    assert (found.blocks_proved, found.bound_minor) == (0, found.blocks)
    assert found.blocks > 0


def test_what_easy_blocks_leave_over_goes_to_the_hard_one() -> None:
    clock = Clock([1, 1000], Deadline.within(1000), 1)
    assert clock.share(0).left() < 100
    assert clock.share(1).left() > 900


def test_same_seed_gives_the_same_plan_when_time_does_not_bite() -> None:
    tiny = random_problem(3)
    one, other = (
        make_plan(tiny, seconds=20, seed=5, rounds=10).model_dump(exclude={"elapsed_ms", "stages_ms", "started_at"})
        for _ in range(2)
    )
    assert one == other
    assert verify(tiny, make_plan(tiny, seconds=20, seed=5, rounds=10).model_dump(mode="json")) == []
