"""Timed network design: hand-made optima, and bounds and values against trying everything."""

import pytest

from routing.design.answer import MICRO
from routing.design.check import check
from routing.design.instance import Arc, Commodity, Instance
from routing.design.solve import solve
from routing.design.timed_paths import all_ways
from routing.problem import BadProblem
from tests.routing.design.small import APART, APART_VALUE, TOGETHER, TOGETHER_VALUE, best_timed, timed


def test_goods_that_can_wait_for_each_other_share_a_vehicle() -> None:
    plan = solve(TOGETHER, work=2)
    assert (plan.value_micro, plan.bound_micro) == (TOGETHER_VALUE * MICRO,) * 2
    assert check(TOGETHER, plan.model_dump(mode="json")) == []


def test_goods_that_miss_each_other_by_a_minute_do_not() -> None:
    plan = solve(APART, work=3)
    assert (plan.value_micro, plan.bound_micro) == (APART_VALUE * MICRO,) * 2
    assert check(APART, plan.model_dump(mode="json")) == []


def test_against_trying_everything() -> None:
    """Never a bound above the optimum, never a plan below it; and nearly always both meet."""
    met = solved = 0
    for seed in range(120):
        instance = timed(seed)
        best, plan = best_timed(instance), solve(instance, work=2, seed=seed)
        assert check(instance, plan.model_dump(mode="json")) == [], seed
        assert (plan.state == "infeasible") == (best is None), seed
        if best is not None:
            assert plan.bound_micro <= best * MICRO <= plan.value_micro, seed
            solved += 1
            met += plan.bound_micro == plan.value_micro
    assert solved > 50
    assert met > 0.95 * solved


def test_work_gives_the_same_plan_every_time() -> None:
    instance = timed(7)
    one, other = (solve(instance, work=2, seed=3).model_dump(exclude={"elapsed_ms"}) for _ in range(2))
    assert one == other


def test_a_commodity_that_cannot_be_in_time_has_its_reason() -> None:
    late = Instance("ctsndp", 3, (Arc(0, 1, 1, 1, 1, 9),), (Commodity(0, 1, 1, 5, 13), Commodity(0, 2, 1, 0, 9)))
    plan = solve(late, work=1)
    assert plan.state == "infeasible"
    assert plan.unserved == (
        (0, "could arrive at 14 at the earliest, is due at 13"),
        (1, "no arcs lead from node 1 to node 3"),
    )
    assert check(late, plan.model_dump(mode="json")) == []


def test_windows_with_too_many_paths_are_refused() -> None:
    nodes = 13
    arcs = tuple(Arc(i, j, 1, 1, 1, 1) for i in range(nodes) for j in range(nodes) if i != j)
    with pytest.raises(BadProblem, match="more than 200000 paths"):
        all_ways(Instance("ctsndp", nodes, arcs, (Commodity(0, 12, 1, 0, 60),)))
