"""Fixed-charge network design: hand-made optimum, and the model against opening every set of arcs."""

from itertools import product

from ortools.linear_solver import pywraplp

from routing.design.answer import MICRO
from routing.design.check import check
from routing.design.instance import Arc, Commodity, Instance
from routing.design.solve import solve
from tests.routing.design.small import SPLIT, SPLIT_VALUE, flowing


def test_a_flow_takes_the_cheaper_arcs() -> None:
    plan = solve(SPLIT, work=1)
    assert (plan.value_micro, plan.opened) == (SPLIT_VALUE * MICRO, (1, 2))
    assert plan.gap_ppm <= 1
    assert check(SPLIT, plan.model_dump(mode="json")) == []


def test_a_flow_splits_where_no_arc_holds_it() -> None:
    narrow = Instance("dow", 3, (SPLIT.arcs[0], Arc(0, 1, 1, 4, 4), SPLIT.arcs[2]), SPLIT.commodities)
    plan = solve(narrow, work=1)
    assert sorted(move.amount_micro for move in plan.moves) == [3 * MICRO, 5 * MICRO]
    assert plan.value_micro == (5 * 1 + 3 * 2 + 10 + 4 + 4) * MICRO
    assert check(narrow, plan.model_dump(mode="json")) == []


def test_against_opening_every_set_of_arcs() -> None:
    """Never a bound above the optimum, never a plan below it, and at this size both meet."""
    solved = 0
    for seed in range(12):
        instance = flowing(seed)
        best, plan = _best(instance), solve(instance, work=20, seed=seed)
        assert check(instance, plan.model_dump(mode="json")) == [], seed
        assert (plan.state == "infeasible") == (best is None), seed
        if best is not None:
            assert plan.bound_micro <= best * MICRO + 1, seed
            assert plan.value_micro >= best * MICRO - 100, seed
            assert plan.gap_ppm <= 5, seed
            solved += 1
    assert solved >= 3


def test_demands_that_cannot_go_have_their_reason() -> None:
    full = Instance("dow", 2, (Arc(0, 1, 1, 1, 4),), (Commodity(0, 1, 3), Commodity(0, 1, 2)))
    assert solve(full, work=1).unserved[0] == (0, "the arcs, all open, cannot carry all demands together")
    cut = Instance("dow", 2, (Arc(0, 1, 1, 1, 4),), (Commodity(1, 0, 3),))
    assert solve(cut, work=1).unserved == ((0, "no arcs lead from node 2 to node 1"),)


def _best(instance: Instance) -> float | None:
    found = [
        cost
        for opened in product((0, 1), repeat=len(instance.arcs))
        if (cost := _flow_cost(instance, opened)) is not None
    ]
    return min(found, default=None)


def _flow_cost(instance: Instance, opened: tuple[int, ...]) -> float | None:
    lp = pywraplp.Solver.CreateSolver("GLOP")
    flows = [[lp.NumVar(0, lp.infinity(), "") for _ in instance.arcs] for _ in instance.commodities]
    for a, arc in enumerate(instance.arcs):
        lp.Add(sum(row[a] for row in flows) <= arc.capacity * opened[a])
    for row, one in zip(flows, instance.commodities, strict=True):
        for node in range(instance.nodes):
            out = sum((row[a] for a, arc in enumerate(instance.arcs) if arc.tail == node), start=0)
            into = sum((row[a] for a, arc in enumerate(instance.arcs) if arc.head == node), start=0)
            need = one.quantity * ((node == one.origin) - (node == one.destination))
            if isinstance(out - into, int):
                if need:
                    return None
                continue
            lp.Add(out - into == need)
    cost = sum(instance.arcs[a].variable * row[a] for row in flows for a in range(len(instance.arcs)))
    lp.Minimize(cost)
    if lp.Solve() != pywraplp.Solver.OPTIMAL:
        return None
    return float(lp.Objective().Value() + sum(a.fixed for a, on in zip(instance.arcs, opened, strict=True) if on))
