"""The checker finds each planted fault, and none in sound plans."""

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest

from routing.rounds.check import check
from routing.rounds.reading import problem_of
from routing.rounds.solve import make_rounds
from tests.routing.rounds.cases import TRUCK, document, stop

Plan = dict[str, Any]


@lru_cache(maxsize=1)
def sound() -> tuple[Plan, Plan]:
    """A problem and its plan: a long round with a rest, a short one, a transfer, one left out."""
    stops = [
        stop("A", 100, window=("07:00", "12:00"), service_s=600),
        stop("B", 99, collect={"weight_g": 300}),
        stop("C", -10, deliver={"weight_g": 900}),
        stop("D", 12, deliver={"weight_g": 5000}),
    ]
    move = {
        "id": "M", "amount": {"weight_g": 50}, "pick": {"lat_udeg": 0, "lon_udeg": -45_000},
        "drop": {"lat_udeg": 0, "lon_udeg": -81_000},
    }  # fmt: skip
    problem = problem_of(document(stops, transfers=[move], trucks=[TRUCK | {"hour_minor": 1000}]))
    plan = make_rounds(problem, work=100)
    return problem.model_dump(mode="json"), plan.model_dump(mode="json")


def far(plan: Plan) -> Plan:
    """The round with the rest."""
    found: Plan = next(one for one in plan["rounds"] if any(call["rest_before_s"] for call in one["calls"]))
    return found


def near(plan: Plan) -> Plan:
    """The round with the transfer."""
    found: Plan = next(one for one in plan["rounds"] if any(call["kind"] == "pick" for call in one["calls"]))
    return found


def call(plan: Plan, name: str, kind: str = "stop") -> Plan:
    """A call of the plan."""
    found: Plan = next(c for one in plan["rounds"] for c in one["calls"] if (c["id"], c["kind"]) == (name, kind))
    return found


def test_a_sound_plan_has_no_finding() -> None:
    assert check(*sound()) == []
    assert [left["id"] for left in sound()[1]["unserved"]] == ["D"]


def drop_call(plan: Plan) -> None:
    near(plan)["calls"].remove(call(plan, "C"))


def no_rest(plan: Plan) -> None:
    for one in far(plan)["calls"]:
        one["rest_before_s"] = 0


def swap_pair(plan: Plan) -> None:
    calls = near(plan)["calls"]
    a, b = calls.index(call(plan, "M", "pick")), calls.index(call(plan, "M", "drop"))
    calls[a], calls[b] = calls[b], calls[a]


def pick_twice(plan: Plan) -> None:
    """The goods of one transfer are fetched twice at the same place and brought once."""
    calls = near(plan)["calls"]
    pick = call(plan, "M", "pick")
    again = copy.deepcopy(pick) | {"drive_m": 0, "arrive_at": pick["leave_at"], "begin_at": pick["leave_at"]}
    calls.insert(calls.index(pick) + 1, again)


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (drop_call, "complete"),
        (lambda plan: plan["unserved"].clear(), "complete"),
        (lambda plan: plan["unserved"][0].update(reason=""), "complete"),
        (lambda plan: plan["unserved"][0].update(id="A"), "complete"),
        (lambda plan: plan["rounds"].append(copy.deepcopy(plan["rounds"][0])), "complete"),
        (lambda plan: plan.update(state="infeasible"), "state"),
        (lambda plan: far(plan).update(truck="X"), "fleet"),
        (lambda plan: far(plan)["calls"].pop(0), "depot"),
        (lambda plan: call(plan, "A").update(drive_m=1), "road"),
        (lambda plan: call(plan, "A").update(arrive_at="2026-03-02T06:00:01Z"), "times"),
        (lambda plan: call(plan, "A").update(begin_at="2026-03-02T12:00:01Z"), "window"),
        (lambda plan: call(plan, "A").update(begin_at="2026-03-02T21:00:01Z"), "duty"),
        (lambda plan: call(plan, "A").update(trip=2), "trips"),
        (no_rest, "hours"),
        (swap_pair, "pairs"),
        (pick_twice, "pairs"),
        (lambda plan: call(plan, "C")["load"].update(weight_g=7), "sums"),
        (lambda plan: far(plan).update(metres=7), "sums"),
        (lambda plan: far(plan).update(cost_minor=7), "sums"),
        (lambda plan: plan.update(cost_minor=7), "sums"),
        (lambda plan: plan.update(gap_ppm=7), "sums"),
        (lambda plan: plan.update(bound_minor=10**9), "bound"),
    ],
)
def test_each_planted_fault_is_found(plant: Callable[[Plan], object], rule: str) -> None:
    problem, plan = copy.deepcopy(sound())
    plant(plan)
    assert rule in {finding.rule for finding in check(problem, plan)}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"payload_g": 350}, "capacity"),
        ({"count": 1}, "fleet"),
        ({"shift_s": 3600}, "duty"),
    ],
)
def test_a_truck_that_could_do_less_is_found(change: dict[str, int], rule: str) -> None:
    problem, plan = copy.deepcopy(sound())
    problem["trucks"][0].update(change)
    assert rule in {finding.rule for finding in check(problem, plan)}


def test_a_stop_that_others_only_may_serve_is_found() -> None:
    problem, plan = copy.deepcopy(sound())
    problem["stops"][0]["trucks"] = ["OTHER"]
    assert "access" in {finding.rule for finding in check(problem, plan)}


def test_fewer_driving_hours_are_found() -> None:
    problem, plan = copy.deepcopy(sound())
    problem["hours"]["drive_s"] = 3600
    assert "hours" in {finding.rule for finding in check(problem, plan)}
