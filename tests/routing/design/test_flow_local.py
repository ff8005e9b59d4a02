"""The search for which arcs to open: against the optimum of small networks, and by itself on one of middle size."""

import random

import numpy as np
import pytest

from routing.design.answer import MICRO
from routing.design.flow_linear import FlowLinear
from routing.design.flow_local import FlowLocal
from routing.design.flow_paths import moves_of, value_of
from routing.design.instance import Arc, Commodity, Instance
from routing.design.solve import solve
from tests.routing.design.small import flowing


def _searched(instance: Instance, calls: int, seed: int = 1) -> tuple[float, FlowLocal]:
    bound, opens, carried = FlowLinear(instance, lambda: float("inf")).solve()
    local = FlowLocal(instance, seed, lambda done: 1 - done / calls)
    local.search(opens, carried)
    return bound, local


def _middle(seed: int) -> Instance:
    """Twelve nodes in a ring with chords, forty goods: arcs are shared, capacities bind now and then."""
    draw = random.Random(seed)
    ends = [(i, (i + 1) % 12) for i in range(12)] + [
        (i, j) for i in range(12) for j in range(12) if (i + 3 * j) % 5 == 0
    ]
    arcs = tuple(Arc(i, j, draw.randint(1, 5), draw.randint(60, 300), draw.randint(60, 160)) for i, j in ends if i != j)
    pairs = [draw.sample(range(12), 2) for _ in range(40)]
    return Instance("dow", 12, arcs, tuple(Commodity(i, j, draw.randint(2, 9)) for i, j in pairs))


def test_small_networks_are_solved_by_the_search_alone() -> None:
    """Between the optimum and three hundredths above it, and most of the time at it."""
    at_best, solved = 0, 0
    for seed in range(40):
        instance = flowing(seed)
        bound, local = _searched(instance, 100)
        exact = solve(instance, work=20, seed=seed)
        flows = local.whole()
        assert (flows is None) == (exact.state == "infeasible"), seed
        if flows is not None:
            moves = moves_of(instance, flows)
            assert moves is not None
            value = value_of(instance, moves)
            assert value == pytest.approx(local.best_value * MICRO, abs=1000), seed
            assert bound * MICRO - 1000 <= exact.value_micro <= value + 1000, seed
            at_best += value <= exact.value_micro + 1000
            solved += 1
    assert solved >= 8
    assert at_best >= 0.8 * solved


def test_more_search_is_never_worse_and_the_same_calls_give_the_same_plan() -> None:
    instance = _middle(3)
    bound, little = _searched(instance, 30)
    _, more = _searched(instance, 600)
    _, again = _searched(instance, 600)
    assert bound <= more.best_value < little.best_value
    assert more.best_value == again.best_value
    assert np.array_equal(more.best, again.best)
    assert more.best_value <= 1.12 * bound


def test_goods_of_one_origin_share_out_its_flow() -> None:
    """Each commodity gets what it wants, and together they use the arcs as the search priced them."""
    instance = _middle(5)
    _, local = _searched(instance, 100)
    flows = local.whole()
    assert flows is not None
    assert flows.sum(axis=0) == pytest.approx(local.best.sum(axis=0), abs=1e-4)
    for one, row in zip(instance.commodities, flows, strict=True):
        sent = sum(row[a] for a, arc in enumerate(instance.arcs) if arc.tail == one.origin)
        assert sent == pytest.approx(one.quantity, abs=1e-4)
