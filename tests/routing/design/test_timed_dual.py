"""The bound by prices: never above the optimum whatever the prices, and near the linear model's."""

import random

import numpy as np
import pytest

from routing.design import timed_priced
from routing.design.answer import MICRO
from routing.design.instance import Arc, Commodity, Instance
from routing.design.solve import solve
from routing.design.timed_dual import ascend, excess_of, priced_of
from routing.design.timed_linear import solve_linear
from routing.design.timed_model import matrix_of
from routing.design.timed_paths import all_ways
from routing.design.timed_priced import Round, by_prices
from routing.design.timed_slots import first_cuts, slots_of
from tests.routing.design.small import best_timed, timed

FOREVER = float("inf")


def _middle(seed: int) -> Instance:
    """Sixteen goods on six nodes, several to a vehicle and some that need two."""
    draw = random.Random(seed)
    arcs = tuple(
        Arc(i, j, draw.randint(0, 1), draw.randint(20, 60), draw.randint(8, 20), draw.randint(2, 5))
        for i in range(6) for j in range(6) if i != j and (i + 2 * j) % 3
    )  # fmt: skip
    goods = []
    for _ in range(16):
        i, j = draw.sample(range(6), 2)
        release = draw.randint(0, 6)
        goods.append(Commodity(i, j, draw.randint(1, 12), release, release + draw.randint(10, 13)))
    return Instance("ctsndp", 6, arcs, tuple(goods))


def test_no_prices_prove_more_than_the_optimum() -> None:
    """Prices drawn at random, as they come and after steps; and no plan's columns are called too dear."""
    seen = 0
    for seed in range(40):
        instance = timed(seed)
        ways, best = all_ways(instance), best_timed(instance)
        slots = None if ways.stranded else slots_of(instance, ways, first_cuts(instance, ways))
        if best is None or slots is None or not slots.shared:
            continue
        data, prices = priced_of(instance, slots)
        drawn = prices * np.random.default_rng(seed).uniform(0, 3, len(prices))
        for begin in (prices, drawn):
            bound, found = ascend(data, begin, lambda best=best: best, lambda: FOREVER, 3)  # type: ignore[misc]
            assert bound <= best + 1e-6, seed
            excess, cheapest = excess_of(data, found)
            assert excess.min() == pytest.approx(0)
            assert len(cheapest) == len(instance.commodities)
        seen += 1
    assert seen > 10


def test_prices_come_near_the_linear_model() -> None:
    instance = _middle(2)
    ways = all_ways(instance)
    slots = slots_of(instance, ways, first_cuts(instance, ways))
    owner = np.array([column.way.commodity for column in slots.columns])
    guess = np.array([float(column.cost) for column in slots.columns])
    linear = solve_linear(matrix_of(instance, slots), owner, guess, lambda: FOREVER).bound
    data, prices = priced_of(instance, slots)
    assert ascend(data, prices, lambda: 1.1 * linear, lambda: FOREVER, 60)[0] > 0.94 * linear


def test_cuts_where_the_cheapest_columns_cannot_meet_raise_the_bound() -> None:
    instance = _middle(2)
    ways, heard, cuts = all_ways(instance), list[Round](), [[0] for _ in instance.arcs]

    def told(one: Round) -> bool:
        heard.append(one)
        return True

    known = solve(instance, work=1).value_micro // MICRO
    by_prices(instance, ways, cuts, lambda: known, told, lambda: FOREVER, 8)
    assert sum(map(len, cuts)) > len(cuts)
    assert heard[0].bound < max(one.bound for one in heard) <= known


def test_from_whole_time_axes_the_proof_is_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for problems with too many columns: against trying everything."""
    monkeypatch.setattr(timed_priced, "FINE", 0)
    met = solved = 0
    for seed in range(200, 230):
        instance = timed(seed)
        best, plan = best_timed(instance), solve(instance, work=6, seed=seed)
        if best is not None:
            assert plan.bound_micro <= best * MICRO <= plan.value_micro, seed
            solved += 1
            met += plan.bound_micro == plan.value_micro
    assert solved > 10
    assert met > 0.9 * solved
