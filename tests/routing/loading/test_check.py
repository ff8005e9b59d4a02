"""The checker finds every kind of planted fault in a sound plan."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from routing.loading.check import check
from routing.loading.load import make_load
from tests.routing.loading.cases import random_load

Change = Callable[[dict[str, Any], dict[str, Any]], None]


@pytest.fixture(scope="module")
def sound() -> tuple[dict[str, Any], dict[str, Any]]:
    """A problem of two stops with its sound plan."""
    problem = random_load(7, stops=2)
    plan = make_load(problem, work_limit=20)
    return problem.model_dump(mode="json"), plan.model_dump(mode="json")


def _outside(_problem: Any, plan: Any) -> None:
    plan["spots"][0]["x_mm"] = 5_900


def _overlap(_problem: Any, plan: Any) -> None:
    plan["spots"][0].update({axis: plan["spots"][1][axis] for axis in ("x_mm", "y_mm", "z_mm")})


def _float(problem: Any, plan: Any) -> None:
    problem["container"]["inner_mm"][2] += 1
    max(plan["spots"], key=lambda spot: spot["z_mm"] + spot["height_mm"])["z_mm"] += 1


def _tipped(problem: Any, _plan: Any) -> None:
    for one in problem["pieces"]:
        one["upright"], one["height_mm"] = True, one["height_mm"] + 1


def _stranger(_problem: Any, plan: Any) -> None:
    plan["spots"][0]["piece"] = "X"


def _lost(_problem: Any, plan: Any) -> None:
    plan["spots"].pop()


def _fragile(problem: Any, _plan: Any) -> None:
    for one in problem["pieces"]:
        one["bears_g_m2"] = 0


def _floor(problem: Any, _plan: Any) -> None:
    problem["container"]["floor_g_m2"] = 1


def _payload(problem: Any, _plan: Any) -> None:
    problem["container"]["payload_g"] = 1000


def _half(problem: Any, plan: Any) -> None:
    for spot in plan["spots"]:
        spot["x_mm"] = 0
    plan["spots"] = plan["spots"][:1]
    problem["container"]["half_permille"] = 500


def _order(_problem: Any, plan: Any) -> None:
    n = len(plan["spots"])
    for spot in plan["spots"]:
        spot["step"] = n + 1 - spot["step"]


def _stops(problem: Any, plan: Any) -> None:
    for one in problem["pieces"]:
        one["stop"] = 1 if one["id"] == plan["spots"][0]["piece"] else 2


def _gravity(_problem: Any, plan: Any) -> None:
    plan["gravity"]["x_mm"] += 100


def _stop(_problem: Any, plan: Any) -> None:
    plan["spots"][0]["stop"] += 1


def _volume(_problem: Any, plan: Any) -> None:
    plan["volume_mm3"] += 1


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (_outside, "inside"),
        (_overlap, "overlap"),
        (_float, "support"),
        (_tipped, "orientation"),
        (_stranger, "complete"),
        (_lost, "complete"),
        (_fragile, "bearing"),
        (_floor, "floor"),
        (_payload, "payload"),
        (_half, "balance"),
        (_order, "order"),
        (_stops, "unloading"),
        (_volume, "sums"),
        (_gravity, "sums"),
        (_stop, "unloading"),
    ],
)
def test_finds_a_planted_fault(sound: tuple[dict[str, Any], dict[str, Any]], plant: Change, rule: str) -> None:
    problem, plan = copy.deepcopy(sound)
    assert check(problem, plan) == []
    plant(problem, plan)
    assert rule in {finding.rule for finding in check(problem, plan)}
