"""What each event breaks and the repair that a person would make; what is frozen stays."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from routing.paths import PathFinder
from routing.plan import Plan
from routing.problem import BadProblem, Problem
from routing.replan.bound import _room
from routing.replan.breaks import sentence
from routing.replan.events import Events, apply, events_of
from routing.replan.repair import Repair, repair
from routing.replan.stability import Stability, shipped, stability_at
from routing.replan.words import lines
from routing.schedule import Departure
from routing.solve import make_plan
from routing.units import DAY_S, HOUR_S, instant_s
from routing.verify import verify
from tests.routing.tiny import START, goods, network_document, problem

WED, FRI, SUN = "SHIP@20260304T1200", "SHIP@20260306T1200", "SHIP@20260308T1200"
AB_WED, AB_FRI, AB_SUN = "AB@20260304T1200", "AB@20260306T1200", "AB@20260308T1200"
DEPARTS = ("wed 12:00", "fri 12:00", "sun 12:00")


def happened(*events: dict[str, Any], **more: Any) -> Events:
    return events_of({"events": list(events), **more})


def base(*items: Any, capacity: int = 2, departs: tuple[str, ...] = DEPARTS) -> tuple[Problem, Plan]:
    one = problem(list(items), network_document(departs=departs, capacity=capacity, loose=False))
    return one, make_plan(one, seconds=4)


def hurried(name: str, m3: float = 15) -> Any:
    """It must be there ten days after Friday's ship has left, and goes by Wednesday's when it can."""
    return goods(name, m3, due_day=13, value_minor=10_000_000)


def mended(one: Problem, plan: Plan, events: Events, **more: Any) -> Repair:
    found = repair(one, plan, events.events, seconds=60, work=400, **more)
    assert verify(found.problem, found.plan.model_dump(mode="json")) == []
    return found


def where(plan: Plan) -> dict[str, str]:
    return {one.consignment: one.segment for one in plan.assignments}


def test_a_cancelled_departure_sends_the_whole_box_with_the_next_and_nobody_else_moves() -> None:
    one, plan = base(hurried("K1"), hurried("K2"), goods("K3", 15, ready_day=4))
    gone = plan.segments[0].departures[0]
    broken = repair(one, plan, happened({"kind": "cancelled", "departure": gone}).events).breaks
    assert [(item.code, item.homeless) for item in broken] == [("cancelled", True)]
    assert gone in sentence(broken[0])
    found = mended(one, plan, happened({"kind": "cancelled", "departure": gone}))
    assert gone not in {leg.departure for leg in found.plan.legs}
    assert len(found.plan.assignments) == 3
    before = where(plan)
    assert {name for name, segment in where(found.plan).items() if segment != before[name]} == set(
        broken[0].consignments
    )
    assert found.comparison.unmoved == found.comparison.untouched


def test_a_delay_that_goods_can_bear_moves_nobody() -> None:
    one, plan = base(goods("K1", 15), goods("K2", 15))
    leg = plan.legs[0]
    found = mended(one, plan, happened({"kind": "delay", "departure": leg.departure, "hours": 24}))
    assert [item.code for item in found.breaks] == ["later"]
    assert found.comparison.moves == ()
    late = next(item for item in found.plan.legs if item.departure == leg.departure)
    assert (late.depart_at - leg.depart_at, late.arrive_at - leg.arrive_at) == (24 * HOUR_S, 24 * HOUR_S)
    assert late.cutoff_at == leg.cutoff_at


def test_a_delay_that_goods_cannot_bear_sends_only_those_with_another_departure() -> None:
    start = instant_s(START)
    tight = goods("K1", 9, due_day=14, latest_at=start + 16 * DAY_S)
    one, plan = base(tight, goods("K2", 9), departs=("wed 12:00", "fri 12:00"))
    assert where(plan) == {"K1": where(plan)["K1"], "K2": where(plan)["K1"]}  # together in one box
    moved_to = AB_FRI if where(plan)["K1"] == AB_WED else AB_WED
    found = mended(
        one, plan, happened({"kind": "delay", "departure": plan.legs[0].departure, "hours": 96}),
        stability=Stability(move_minor=1_100_000),
    )  # fmt: skip
    assert [item.code for item in found.breaks] == ["later", "too_late"]
    assert where(found.plan) == {"K1": moved_to, "K2": where(plan)["K2"]}


def test_a_cut_off_that_moves_with_the_ship_lets_late_goods_catch_it() -> None:
    one, plan = base(goods("K1", 15, ready_day=4, due_day=16), departs=("fri 12:00",))
    assert plan.unserved[0].reason == "too_late"
    kept = mended(one, plan, happened({"kind": "delay", "departure": FRI, "hours": 48}))
    assert kept.plan.assignments == ()
    moved = mended(one, plan, happened({"kind": "delay", "departure": FRI, "hours": 48, "cutoff_moves": True}))
    assert where(moved.plan) == {"K1": AB_FRI}
    assert moved.comparison.moves[0].what == "now_goes"
    assert not moved.proved


def test_of_a_full_departure_the_box_leaves_that_it_costs_least() -> None:
    # Both boxes go on Friday; K2's goods lose value by waiting until Sunday, K1's do not.
    document = network_document(departs=("fri 12:00", "sun 12:00"), capacity=2, loose=False)
    document["rules"]["holding"]["rate_permille_year"] = 180
    one = problem([goods("K1", 15), goods("K2", 15, value_minor=10**9)], document)
    plan = make_plan(one, seconds=4)
    assert where(plan) == {"K1": AB_FRI, "K2": AB_FRI}
    found = mended(one, plan, happened({"kind": "full", "departure": FRI, "capacity": 1}))
    assert [item.code for item in found.breaks] == ["full"]
    assert "1 must leave it" in sentence(found.breaks[0])
    assert where(found.plan) == {"K1": AB_SUN, "K2": AB_FRI}
    assert [(move.consignment, move.what) for move in found.comparison.moves] == [("K1", "departure")]


def test_of_the_room_that_a_full_departure_has_in_all_others_hold_some() -> None:
    one, plan = base(goods("K1", 15), departs=("fri 12:00",), capacity=4)
    options = one.options.model_copy(update={"used": {FRI: 1}})
    shared = one.model_copy(update={"options": options})
    plan = make_plan(shared, seconds=4)
    assert plan.legs[0].capacity == 3
    found = mended(shared, plan, happened({"kind": "full", "departure": FRI, "capacity": 2}))
    assert [leg.capacity for leg in found.plan.legs] == [1]
    none = mended(shared, plan, happened({"kind": "full", "departure": FRI, "capacity": 1}))
    assert none.plan.assignments == ()


def test_a_closed_place_stops_what_leaves_it_in_that_time() -> None:
    one, plan = base(hurried("K1"), departs=("wed 12:00", "fri 12:00"))
    shut = {"kind": "closed", "place": "AA1", "from_at": "2026-03-04T00:00:00Z", "until_at": "2026-03-05T00:00:00Z"}
    found = mended(one, plan, happened(shut))
    assert found.problem.changes.departures[WED].cancelled
    assert FRI not in found.problem.changes.departures
    assert where(found.plan) == {"K1": AB_FRI}


def test_a_closed_border_stops_the_trains_that_cross_it() -> None:
    document = network_document(departs=("wed 12:00", "fri 12:00"))
    document["services"][0]["via"] = ["CCC"]
    one = problem([goods("K1", 15)], document)
    plan = make_plan(one, seconds=4)
    shut = {"kind": "closed", "place": "CCC", "from_at": "2026-03-01T00:00:00Z", "until_at": "2026-03-06T00:00:00Z"}
    assert where(mended(one, plan, happened(shut)).plan) == {"K1": AB_FRI}


def test_a_late_consignment_goes_with_the_next_ship_that_it_can_reach() -> None:
    one, plan = base(hurried("K1"), goods("K2", 15), departs=("wed 12:00", "fri 12:00"))
    events = happened({"kind": "late", "consignment": "K1", "ready_at": "2026-03-04T00:00:00Z"})
    found = mended(one, plan, events)
    if where(plan)["K1"] == AB_WED:
        assert [item.code for item in found.breaks] == ["not_ready"]
    assert where(found.plan)["K1"] == AB_FRI
    assert where(found.plan)["K2"] == where(plan)["K2"]


def test_a_new_consignment_takes_the_room_that_is_left() -> None:
    one, plan = base(goods("K1", 9), departs=("fri 12:00",))
    fresh = goods("NEW", 9).model_dump(mode="json")
    found = mended(one, plan, happened({"kind": "new", "consignment": fresh}))
    assert [(item.code, item.consignments) for item in found.breaks] == [("new", ("NEW",))]
    assert {one.box for one in found.plan.assignments} == {"B0001"}
    assert found.plan.cost_minor == plan.cost_minor


def test_one_that_cannot_wait_takes_the_place_of_one_that_can() -> None:
    start = instant_s(START)
    one, plan = base(goods("K1", 15), departs=("wed 12:00", "fri 12:00"), capacity=1)
    urgent = goods("NEW", 15, due_day=13, latest_at=start + 14 * DAY_S, must_go=True).model_dump(mode="json")
    found = mended(one, plan, happened({"kind": "new", "consignment": urgent}))
    assert where(found.plan) == {"K1": AB_FRI, "NEW": AB_WED}


def test_one_that_cannot_wait_leaves_another_behind_where_there_is_no_other_room() -> None:
    one, plan = base(goods("K1", 15), departs=("wed 12:00",), capacity=1)
    urgent = goods("NEW", 15, must_go=True).model_dump(mode="json")
    found = mended(one, plan, happened({"kind": "new", "consignment": urgent}))
    assert where(found.plan) == {"NEW": AB_WED}
    assert [(move.consignment, move.what) for move in found.comparison.moves] == [("K1", "left_behind"), ("NEW", "new")]


def connecting() -> Problem:
    """K1 goes by barge to HUB and on by ship."""
    document = network_document(departs=("wed 12:00",))
    barge = {"code": "BARGE", "destination": "HUB", "departs": ["sun 12:00"], "transit_h": 60}
    feeder = {**document["services"][0], **barge}
    document["services"][0] |= {"origin": "HUB", "departs": ["wed 12:00", "fri 12:00"]}
    document["services"].append(feeder)
    document["places"].append({**document["places"][0], "code": "HUB"})
    document["corridors"][0]["services"] = ["BARGE", "SHIP"]
    return problem([goods("K1", 15, due_day=40)], document)


def test_a_missed_connection_goes_on_with_the_next_ship_and_keeps_its_box() -> None:
    one = connecting()
    plan = make_plan(one, seconds=4)
    assert plan.segments[0].departures == ("BARGE@20260308T1200", "SHIP@20260311T1200")
    found = mended(one, plan, happened({"kind": "delay", "departure": "BARGE@20260308T1200", "hours": 24}))
    assert [item.code for item in found.breaks] == ["missed"]
    assert found.plan.segments[0].departures == ("BARGE@20260308T1200", "SHIP@20260313T1200")
    assert found.comparison.moves == ()
    assert found.plan.loads == plan.loads


# --- frozen ---------------------------------------------------------------------------------------------------


def test_what_closed_before_the_instant_stays_whatever_it_would_save_to_move_it() -> None:
    one, plan = base(hurried("K1"), hurried("K2"), goods("K3", 15, ready_day=4), departs=DEPARTS)
    first = min(plan.segments, key=lambda item: item.depart_at)
    events = happened({"kind": "cancelled", "departure": SUN})
    found = mended(one, plan, events, frozen_until=first.close_at)
    closed = [box for box in plan.boxes if box.segment == first.id]
    assert closed
    for box in closed:
        after = next(item for item in found.plan.boxes if item.id == box.id)
        assert (after.segment, after.consignments, after.equipment) == (box.segment, box.consignments, box.equipment)
    assert set(found.problem.changes.pinned) >= {name for box in closed for name in box.consignments}


def test_a_closed_box_goes_whole_with_the_next_departure_when_its_own_does_not_go() -> None:
    one, plan = base(goods("K1", 9), goods("K2", 9), departs=("wed 12:00", "fri 12:00", "sun 12:00"), capacity=1)
    was = plan.segments[0]
    until = was.close_at + HOUR_S
    events = happened({"kind": "cancelled", "departure": was.departures[0]})
    found = mended(one, plan, events, frozen_until=until)
    later = sorted(name for name in (AB_WED, AB_FRI, AB_SUN) if name > was.id)
    if later:
        assert found.breaks[0].code == "rolled"
        assert set(where(found.plan).values()) == {later[0]}
        assert [box.consignments for box in found.plan.boxes] == [plan.boxes[0].consignments]
        assert found.problem.changes.sealed[0].segment == later[0]


def test_a_closed_box_without_any_departure_is_named_and_its_goods_stay() -> None:
    one, plan = base(goods("K1", 15), departs=("wed 12:00",))
    found = mended(one, plan, happened({"kind": "cancelled", "departure": WED}), frozen=["B0001"])
    assert [item.code for item in found.breaks] == ["stranded"]
    assert [(left.consignment, left.reason) for left in found.plan.unserved] == [("K1", "stranded")]


def test_nothing_is_put_into_a_closed_box() -> None:
    one, plan = base(goods("K1", 9), departs=("fri 12:00",), capacity=2)
    fresh = goods("NEW", 9).model_dump(mode="json")
    found = mended(one, plan, happened({"kind": "new", "consignment": fresh}), frozen=["B0001"])
    assert [box.consignments for box in found.plan.boxes] == [("K1",), ("NEW",)]


def test_a_consignment_frozen_by_name_keeps_its_departure() -> None:
    one, plan = base(goods("K1", 15), goods("K2", 15), departs=("wed 12:00", "fri 12:00"))
    leg = plan.legs[0]
    found = mended(
        one, plan, happened({"kind": "full", "departure": leg.departure, "capacity": 1}), frozen=["K2"]
    )  # fmt: skip
    assert where(found.plan)["K2"] == where(plan)["K2"]


def test_a_repair_can_be_repaired_again_and_what_was_frozen_stays_frozen() -> None:
    one, plan = base(goods("K1", 15), goods("K2", 15, ready_day=4), departs=DEPARTS)
    first = mended(one, plan, happened({"kind": "full", "departure": SUN, "capacity": 1}), frozen=["K1"])
    again = mended(first.problem, first.plan, happened({"kind": "delay", "departure": SUN, "hours": 12}))
    assert where(again.plan)["K1"] == where(plan)["K1"]
    assert again.problem.changes.departures[SUN].capacity == 1
    assert again.problem.changes.departures[SUN].depart_late_s == 12 * HOUR_S


def test_the_live_plan_and_problem_are_not_touched() -> None:
    one, plan = base(goods("K1", 15))
    before = (one.model_dump_json(), plan.model_dump_json())
    mended(one, plan, happened({"kind": "cancelled", "departure": plan.legs[0].departure}))
    assert (one.model_dump_json(), plan.model_dump_json()) == before


def test_a_repair_hands_on_no_bound_to_the_next_one() -> None:
    one, plan = base(goods("K1", 15), goods("K2", 15), departs=DEPARTS)
    full = happened({"kind": "full", "departure": plan.legs[0].departure, "capacity": 1})
    for event in (
        {"kind": "late", "consignment": "K1", "ready_at": "2026-03-03T00:00:00Z"},
        {"kind": "new", "consignment": goods("NEW", 9).model_dump(mode="json")},
    ):
        first = mended(one, plan, happened(event))
        assert first.proved
        again = mended(first.problem, first.plan, full)
        assert not again.proved
        assert again.plan.bound_minor == 0
        assert again.plan.solver == first.plan.solver


def test_room_of_another_unit_than_that_of_the_first_leg_leaves_no_bound() -> None:
    one = connecting()
    plan = make_plan(one, seconds=4)
    after = apply(one, happened({"kind": "delay", "departure": "BARGE@20260308T1200", "hours": 24}).events)
    finder = PathFinder(after)
    assert _room(one, plan, finder, ()) is not None
    in_kg = {
        name: replace(found, legs=(_weighed(found.legs[0]), *found.legs[1:]))
        for name, found in finder.segments.items()
    }
    assert _room(one, plan, cast("PathFinder", SimpleNamespace(segments=in_kg)), ()) is None


def _weighed(leg: Departure) -> Departure:
    return replace(leg, service=leg.service.model_copy(update={"capacity_unit": "kg"}))


# --- figures --------------------------------------------------------------------------------------------------


def test_the_price_of_disturbing_keeps_those_who_would_save_less_by_moving() -> None:
    one, plan = base(goods("K1", 9), goods("K2", 9), departs=("wed 12:00", "fri 12:00"))
    fresh = goods("NEW", 11, due_day=13, ready_day=0).model_dump(mode="json")
    dear = mended(one, plan, happened({"kind": "new", "consignment": fresh}), stability=Stability(move_minor=10**7))
    assert dear.comparison.unmoved == dear.comparison.untouched == 2
    assert dear.comparison.stability_minor == 0


def test_sums_of_before_and_after_and_of_each_owner_agree_with_the_plans() -> None:
    one, plan = base(goods("K1", 15, owner="A"), goods("K2", 15, owner="B"), departs=("wed 12:00", "fri 12:00"))
    found = mended(one, plan, happened({"kind": "full", "departure": plan.legs[0].departure, "capacity": 1}))
    compared = found.comparison
    assert compared.before.cost_minor == plan.cost_minor
    assert compared.after.cost_minor == found.plan.cost_minor == sum(row.after_minor for row in compared.owners)
    assert [row.owner for row in compared.owners] == ["A", "B"]
    assert sum(row.moved for row in compared.owners) == len(compared.moves) == 1
    assert sum(row.delay_s for row in compared.owners) == sum(move.delay_s for move in compared.moves)
    text = "\n".join(lines(found))
    assert "its departure is full" in text
    assert "proven bound CNY" in text


def test_the_same_seed_and_work_give_the_same_repair() -> None:
    one, plan = base(*(goods(f"K{n}", 4 + n) for n in range(6)), departs=DEPARTS)
    events = happened({"kind": "cancelled", "departure": plan.legs[0].departure})
    a, b = mended(one, plan, events), mended(one, plan, events)
    assert where(a.plan) == where(b.plan)
    assert a.plan.cost_minor == b.plan.cost_minor


def test_the_shipped_price_is_that_of_the_day() -> None:
    assert stability_at(instant_s("2026-03-02T00:00:00Z")) in shipped()
    assert stability_at(0) == shipped()[0]


def test_a_box_or_consignment_that_is_not_in_the_plan_cannot_be_frozen() -> None:
    one, plan = base(goods("K1", 15))
    with pytest.raises(BadProblem, match="B0099 is neither a box nor a consignment"):
        repair(one, plan, happened({"kind": "cancelled", "departure": FRI}).events, frozen=["B0099"])
