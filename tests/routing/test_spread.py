"""Transit times have a spread: the plan is made on a chosen quantile, and says when goods arrive in the late case."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from routing.changes import Changes, DepartureChange
from routing.generate import problem as generated
from routing.network import Network, yueyang, yueyang_document
from routing.problem import BadProblem, Options, Problem, check
from routing.report import lines
from routing.schedule import Timetable
from routing.solve import make_plan
from routing.spread import delay_s, late_s
from routing.units import DAY_S, HOUR_S, instant_s
from routing.verify import verify
from tests.routing.tiny import START, goods, network_document, problem

NOTE = {"observed": "2026-01-01", "source": "made up", "mark": "test"}


def document(**hours: int) -> dict[str, Any]:
    """The ship leaves Wednesday 12:00 and takes ten days, more for some: `p80=24`."""
    made = network_document(departs=("wed 12:00", "fri 12:00"))
    made["services"][0]["delay"] = {"hours": {name[1:]: given for name, given in hours.items()}, **NOTE}
    return made


def on(whole: Problem, quantile: int | None, **more: Any) -> Problem:
    return whole.model_copy(update={"options": whole.options.model_copy(update={"quantile": quantile}), **more})


@pytest.mark.parametrize(
    ("percent", "hours"), [(None, 0), (50, 2), (60, 2), (80, 24), (70, 13), (95, 96), (90, 72), (99, 96)]
)
def test_between_two_quantiles_the_delay_is_in_proportion(percent: int | None, hours: int) -> None:
    spread = Network.model_validate(document(p60=2, p80=24, p95=96)).services[0].delay
    assert delay_s(spread, percent) == hours * HOUR_S


def test_what_is_reported_counts_and_of_the_planned_delay_only_the_rest() -> None:
    assert late_s(48, 0, 0) == 48
    assert late_s(48, 24, 24) == 72  # left late: all of the spread lies ahead
    assert late_s(48, 0, 100) == 100  # the report is later than the plan
    assert late_s(48, 0, 30) == 48
    assert late_s(0, 24, 10) == 10


def test_arrival_and_lateness_follow_the_quantile() -> None:
    whole = problem([goods("K1", 2, due_day=14)], document(p50=0, p80=72, p95=240))
    by = {at: make_plan(on(whole, at), seconds=1) for at in (None, 50, 80)}
    assert [plan.legs[0].delay_s for plan in by.values()] == [0, 0, 72 * HOUR_S]
    assert by[80].legs[0].arrive_at - by[50].legs[0].arrive_at == 72 * HOUR_S
    assert [plan.assignments[0].late_s > 0 for plan in by.values()] == [False, False, True]
    late = by[80].segments[0].late_at
    assert late is not None
    assert late - by[80].legs[0].depart_at == 10 * DAY_S + 240 * HOUR_S
    assert make_plan(on(whole, 95), seconds=1).unserved[0].reason == "arrives_late"
    assert [" ".join(line.split()) for line in lines(by[80]) if line.startswith("AB@")] == [
        "AB@20260304T1200 2026-03-03T12:00Z 2026-03-04T12:00Z 2026-03-17T12:00Z 2026-03-24T12:00Z"
    ]


def test_a_transfer_waits_for_the_quantile_and_the_late_case_for_the_latest() -> None:
    made = yueyang_document()
    barge, ship = (next(one for one in made["services"] if one["code"] == code) for code in ("BARGE-DOWN", "OCEAN-HAM"))
    barge["delay"] = {"hours": {"50": 0, "80": 24 * 4, "95": 24 * 12}, **NOTE}
    ship["delay"] = {"hours": {"50": 10, "95": 20}, **NOTE}
    whole = Problem(
        network=Network.model_validate(made), options=Options(start_at=instant_s(START), weeks=2), consignments=()
    )
    for quantile in (None, 80):
        segments = [one for one in Timetable(on(whole, quantile)).segments if one.corridor.code == "CLJ-HAM"]
        for one in segments:
            first, second = one.legs
            ready = first.depart_at + 84 * HOUR_S + (24 * 4 * HOUR_S if quantile else 0) + 24 * HOUR_S
            assert ready <= second.depart_at < ready + 4 * DAY_S
            latest = first.depart_at + 84 * HOUR_S + 12 * DAY_S + 24 * HOUR_S
            assert one.late_at is not None
            joined = one.late_at - (912 + 20) * HOUR_S
            assert latest <= joined < latest + 4 * DAY_S


def test_by_default_nothing_changes() -> None:
    whole = problem([goods("K1", 2)])
    for name in ("quantile", "delay"):
        assert name not in whole.model_dump_json()
    said = make_plan(whole, seconds=1).model_dump_json()
    assert "late_at" not in said
    assert "delay_s" not in said


@pytest.mark.parametrize(
    ("hours", "quantile", "rule"),
    [
        ({"p50": 10, "p80": 5}, None, "falling_spread"),
        ({"p0": 10}, None, "bad_spread"),
        ({"pfew": 10}, None, "bad_spread"),
        ({"p50": 0, "p80": 5}, 90, "beyond_spread"),
    ],
)
def test_a_spread_that_is_none_is_refused_by_name(hours: dict[str, int], quantile: int | None, rule: str) -> None:
    with pytest.raises(BadProblem) as caught:
        check(on(problem([goods("K1", 2)], document(**hours)), quantile))
    assert [one.rule for one in caught.value.faults] == [rule]


def test_every_service_of_the_seeded_network_has_a_spread_with_its_source() -> None:
    for service in yueyang().services:
        assert service.delay is not None, service.code
        assert service.delay.source
        assert service.delay.known()[0] == (50, 0)  # the timetable is the median


@pytest.fixture(scope="module")
def sound() -> tuple[Problem, dict[str, Any]]:
    whole = on(generated(30, seed=5, mean_dm3=4000), 80)
    late = {"BARGE-DOWN@20260304T1000": DepartureChange(depart_late_s=7200, arrive_late_s=7200, cutoff_late_s=3600)}
    whole = whole.model_copy(update={"changes": Changes(departures=late)})
    return whole, make_plan(whole, seconds=2).model_dump(mode="json")


def arrive_by_the_timetable(plan: dict[str, Any]) -> None:
    plan["legs"][0]["arrive_at"] = plan["legs"][0]["depart_at"]


def forget_the_delay(plan: dict[str, Any]) -> None:
    del plan["legs"][0]["delay_s"]


def better_late_case(plan: dict[str, Any]) -> None:
    plan["segments"][0]["late_at"] = plan["segments"][0]["depart_at"]


def no_late_case(plan: dict[str, Any]) -> None:
    next(one for one in plan["segments"] if "late_at" in one).pop("late_at")


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (arrive_by_the_timetable, "transit"),
        (forget_the_delay, "transit"),
        (better_late_case, "late_case"),
        (no_late_case, "late_case"),
    ],
)
def test_the_checker_works_it_out_by_itself(
    sound: tuple[Problem, dict[str, Any]], plant: Callable[[dict[str, Any]], None], rule: str
) -> None:
    whole, plan = sound
    assert verify(whole, plan) == []
    wrong = copy.deepcopy(plan)
    plant(wrong)
    assert rule in {one.rule for one in verify(whole, wrong)}
