"""Plans that a person can work out by hand, states of infeasibility, and how the numbers belong together."""

from dataclasses import replace
from typing import Any

import pytest

from routing.consolidate import Bounded, bound
from routing.generate import problem as generated
from routing.problem import BadProblem
from routing.report import advice, conflict, lines, reason
from routing.solve import Unsound, make_plan
from routing.units import DAY_S, instant_s
from tests.routing.tiny import START, goods, network_document, problem
from tests.routing.watched import Heard


def test_four_consignments_share_one_box_because_it_is_cheaper_than_loose_space() -> None:
    # Loose: 16 m3 x CNY 800 = 12,800. One box of 20 m3: 10,000. Two boxes or any mixture cost more.
    plan = make_plan(problem([goods(f"K{n}", 4) for n in range(4)]), seconds=20)
    assert (plan.state, plan.cost_minor, plan.bound_minor, plan.gap_ppm) == (
        "solved",
        1_000_000,
        plan.bound_minor,
        plan.gap_ppm,
    )
    assert plan.gap_ppm <= 1000
    assert [box.equipment for box in plan.boxes] == ["BOX"]
    assert {one.costs.share_minor for one in plan.assignments} == {250_000}
    assert plan.boxes[0].volume_permille == 800


def test_a_small_consignment_goes_loose_at_the_minimum_of_a_bill() -> None:
    plan = make_plan(problem([goods("K1", 0.2, 0.1)]), seconds=20)
    assert (plan.cost_minor, plan.boxes[0].equipment) == (80_000, "LCL")


def test_indivisible_goods_need_two_boxes_where_the_sum_would_fit_one_and_a_bit() -> None:
    # 12 + 12 m3: no box takes both; two boxes 20,000, one box and 12 m3 loose 19,600, all loose 19,200.
    plan = make_plan(problem([goods("K1", 12), goods("K2", 12)]), seconds=20)
    assert plan.cost_minor == 1_920_000


def test_waits_for_the_next_ship_when_sharing_pays() -> None:
    document = network_document(departs=("wed 12:00", "fri 12:00"))
    items = [goods("K1", 9), goods("K2", 9, ready_day=2)]
    plan = make_plan(problem(items, document), seconds=20)
    assert {one.segment for one in plan.assignments} == {"AB@20260306T1200"}
    assert plan.cost_minor == 1_000_000


def test_what_finds_no_room_names_the_leg_and_what_would_serve_it() -> None:
    document = network_document(capacity=1, loose=False)
    plan = make_plan(problem([goods("K1", 15), goods("K2", 15)], document), seconds=20)
    assert plan.state == "solved"
    left = plan.unserved[0]
    assert left.reason == "no_capacity"
    assert left.values["leg"] == "SHIP@20260304T1200"
    assert left.values["short"] == 1
    assert "SHIP@20260304T1200 has 0 of 1 teu left" in reason(left)
    assert "Buy 1 teu more" in advice(left)
    assert plan.left_out_minor > 0


def test_goods_that_must_go_and_cannot_make_the_plan_infeasible_with_the_limits_named() -> None:
    document = network_document(capacity=1, loose=False)
    plan = make_plan(problem([goods("K1", 15, must_go=True), goods("K2", 15, must_go=True)], document), seconds=20)
    assert plan.state == "infeasible"
    assert plan.infeasible_proved
    assert plan.conflicts[0].limit == "no_capacity"
    assert "SHIP@20260304T1200" in conflict(plan.conflicts[0])


def test_goods_that_must_go_come_before_those_that_need_not() -> None:
    document = network_document(capacity=1, loose=False)
    items = [goods("K1", 19, value_minor=10**9), goods("K2", 15, must_go=True)]
    plan = make_plan(problem(items, document), seconds=20)
    assert [one.consignment for one in plan.assignments] == ["K2"]


def test_goods_that_must_go_are_found_a_place_where_there_is_one() -> None:
    # Two ships of one box each; the first must take the goods that cannot wait.
    document = network_document(departs=("wed 12:00", "fri 12:00"), capacity=1, loose=False)
    hurried = goods("K1", 15, must_go=True, due_day=13, latest_at=instant_s(START) + 14 * DAY_S)
    items = [goods("K0", 15, must_go=True), hurried, goods("K2", 15)]
    plan = make_plan(problem(items, document), seconds=20)
    assert plan.state == "solved"
    assert {one.consignment: one.segment for one in plan.assignments} == {
        "K0": "AB@20260306T1200",
        "K1": "AB@20260304T1200",
    }


def test_no_feasible_service_is_a_state_with_every_reason() -> None:
    plan = make_plan(problem([goods("K1", 2, ready_day=6), goods("K2", 2, dangerous="class7")]), seconds=20)
    assert (plan.state, plan.cost_minor, plan.bound_minor, plan.boxes) == ("infeasible", 0, 0, ())
    assert [one.limit for one in plan.conflicts] == ["too_late", "class_refused"]


def test_nothing_to_plan_is_an_empty_plan() -> None:
    plan = make_plan(problem([]), seconds=20)
    assert (plan.state, plan.cost_minor, plan.gap_ppm) == ("solved", 0, 0)


def test_bad_input_never_reaches_the_solver() -> None:
    with pytest.raises(BadProblem):
        make_plan(problem([goods("K1", 2), goods("K1", 2)]))


def test_a_plan_of_the_seeded_network_has_a_small_gap_saves_and_shares_every_fen() -> None:
    heard = Heard()
    plan = make_plan(
        generated(120, seed=3, mean_dm3=4000),
        seconds=12,
        watch=heard,
    )
    assert plan.gap_ppm < 60_000
    assert plan.saving_minor > 0
    assert sum(one.total_minor for one in plan.assignments) == plan.cost_minor
    for box in plan.boxes:
        assert sum(one.costs.share_minor for one in plan.assignments if one.box == box.id) == box.price_minor
    assert [permille for _, permille in heard.stages] == sorted(permille for _, permille in heard.stages)
    assert heard.stages[-1] == ("done", 1000)
    text = "\n".join(lines(plan))
    assert "proven bound" in text
    assert plan.snapshot_sha256[:16] in text


def test_a_bound_above_the_plan_is_seen_by_the_checker_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_high(*given: Any, **more: Any) -> Bounded:
        found = bound(*given, **more)
        return replace(found, bound_minor=found.bound_minor * 2)

    monkeypatch.setattr("routing.solve.bound", too_high)
    with pytest.raises(Unsound) as refused:
        make_plan(problem([goods("K1", 4)]), seconds=2)
    assert "bound" in {finding.rule for finding in refused.value.findings}
