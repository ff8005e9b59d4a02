"""The independent checker finds each planted fault."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from routing.design.check import check
from routing.design.instance import Instance
from routing.design.solve import solve
from tests.routing.design.small import SPLIT, TOGETHER

Spoil = Callable[[dict[str, Any]], Any]


def _set(**values: Any) -> Spoil:
    return lambda plan: plan.update(values)


def _move(number: int, **values: Any) -> Spoil:
    return lambda plan: plan["moves"][number].update(values)


@pytest.mark.parametrize(
    ("instance", "spoil", "rule"),
    [
        (TOGETHER, _set(snapshot_sha256="0"), "snapshot"),
        (TOGETHER, _set(kind="dow"), "kind"),
        (TOGETHER, _set(value_micro=109_000_000), "value"),
        (TOGETHER, _set(bound_micro=111_000_000), "bound"),
        (TOGETHER, _set(bound_micro=100_000_000), "gap"),
        (TOGETHER, _set(state="infeasible"), "reason"),
        (TOGETHER, lambda plan: plan["moves"].pop(), "amount"),
        (TOGETHER, _move(0, amount_micro=4_000_000), "amount"),
        (TOGETHER, _move(0, commodity=5), "name"),
        (TOGETHER, _move(0, arcs=[99, 4]), "name"),
        (TOGETHER, _move(0, arcs=[3, 4]), "ends"),
        (TOGETHER, _move(0, arcs=[2, 1]), "chain"),
        (TOGETHER, _move(1, departs=[8, 11]), "time"),
        (TOGETHER, _move(1, departs=[9, 10]), "time"),
        (TOGETHER, _move(1, departs=[9, 17]), "due"),
        (TOGETHER, _move(1, departs=[9, 12]), "value"),
        (TOGETHER, _move(1, departs=[9]), "departures"),
        (SPLIT, _set(opened=[2]), "opened"),
        (SPLIT, _set(opened=[0, 1, 2]), "value"),
        (SPLIT, _move(0, arcs=[0]), "capacity"),
        (SPLIT, lambda plan: plan["moves"].append(dict(plan["moves"][0], amount_micro=1)), "amount"),
    ],
)
def test_a_planted_fault_is_found(instance: Instance, spoil: Spoil, rule: str) -> None:
    plan = solve(instance, work=2).model_dump(mode="json")
    assert check(instance, plan) == []
    bad = copy.deepcopy(plan)
    spoil(bad)
    assert any(finding.startswith(f"{rule}:") for finding in check(instance, bad))


def test_a_commodity_on_two_paths_is_found_in_a_timed_plan() -> None:
    plan = solve(TOGETHER, work=2).model_dump(mode="json")
    half = dict(plan["moves"][0], amount_micro=2_500_000)
    plan["moves"] = [half, dict(half), plan["moves"][1]]
    assert check(TOGETHER, plan) == ["split: commodity 0: takes 2 paths"]
