"""Rounds worked out by hand, and small random ones against trying all."""

from dataclasses import replace
from typing import Any

import pytest

from routing.rounds.alone import jobs
from routing.rounds.answer import RoundsPlan
from routing.rounds.bound import Bound, bound
from routing.rounds.case import Case, Round, Visit
from routing.rounds.check import check
from routing.rounds.engine import Found, Search
from routing.rounds.mend import mend
from routing.rounds.polish import Polish
from routing.rounds.reading import problem_of
from routing.rounds.solve import make_rounds
from routing.rounds.timing import timed
from routing.rounds.words import lines
from tests.routing.rounds.cases import HUB, TRUCK, at, cheapest_minor, document, random_document, stop

WORK = 200


def rounds(problem_document: dict[str, Any], **more: Any) -> RoundsPlan:
    """The plan of a document, checked."""
    problem = problem_of(problem_document)
    plan = make_rounds(problem, work=WORK, **more)
    assert check(problem.model_dump(mode="json"), plan.model_dump(mode="json")) == []
    assert plan.bound_minor <= plan.cost_minor
    assert list(lines(plan, []))
    return plan


def orders(plan: RoundsPlan) -> set[tuple[str, ...]]:
    """What each round visits; a round and its reverse are the same."""
    found = set()
    for one in plan.rounds:
        ids = tuple(call.id for call in one.calls if call.kind != "depot")
        found.add(min(ids, ids[::-1]))
    return found


def test_two_stops_on_one_road_share_a_truck() -> None:
    plan = rounds(document([stop("A", 10), stop("B", 20)]))
    assert orders(plan) == {("A", "B")}
    assert plan.cost_minor == pytest.approx(1000 + 2 * 20 * 100, abs=3)
    assert plan.metres == pytest.approx(40_000, abs=30)
    assert plan.alone_minor == pytest.approx(2 * 1000 + 2 * 30 * 100, abs=6)


def test_a_dear_truck_serves_both_sides_and_a_cheap_one_only_its_own() -> None:
    sides = [stop("A", 30, window=("07:00", "08:00")), stop("C", -30, window=("07:00", "08:00"))]
    assert orders(rounds(document(sides))) == {("A",), ("C",)}
    apart = [stop("A", 30, window=("07:00", "08:00")), stop("C", -30)]
    assert orders(rounds(document(apart))) == {("A", "C")}


def test_what_does_not_fit_together_goes_in_two_trucks() -> None:
    heavy = {"deliver": {"weight_g": 600}}
    assert orders(rounds(document([stop("A", 10, **heavy), stop("B", 20, **heavy)]))) == {("A",), ("B",)}


def test_what_is_collected_takes_the_place_of_what_was_delivered() -> None:
    full = {"deliver": {"weight_g": 500}, "collect": {"weight_g": 500}}
    plan = rounds(document([stop("A", 10, **full), stop("B", 20, **full)]))
    assert orders(plan) == {("A", "B")}
    assert {call.load.weight_g for call in plan.rounds[0].calls[:-1]} == {1000}


def test_a_collection_never_overloads_the_truck_on_the_way() -> None:
    """The collection is nearer; but the truck is full until it has delivered."""
    stops = [
        stop("A", 10, deliver={"weight_g": 0}, collect={"weight_g": 900}),
        stop("B", 20, deliver={"weight_g": 900}),
    ]
    plan = rounds(document(stops))
    assert [call.id for call in plan.rounds[0].calls] == ["HUB", "B", "A", "HUB"]


@pytest.mark.parametrize("part", ["weight_g", "volume_cm3", "pallets"])
def test_weight_volume_and_pallets_each_count(part: str) -> None:
    truck = TRUCK | {"payload_g": 10, "volume_cm3": 10, "pallets": 10}
    stops = [stop("A", 10, deliver={part: 6}), stop("B", 20, deliver={part: 6})]
    assert len(rounds(document(stops, trucks=[truck])).rounds) == 2


def test_the_cheaper_mix_of_trucks_is_taken() -> None:
    large = TRUCK | {"code": "L", "payload_g": 3000, "fixed_minor": 1500, "km_minor": 120}
    stops = [stop(name, 30, deliver={"weight_g": 900}) for name in "ABC"]
    plan = rounds(document(stops, trucks=[TRUCK, large]))
    assert [one.truck for one in plan.rounds] == ["L"]


def test_a_truck_leaves_late_so_as_not_to_wait() -> None:
    truck = TRUCK | {"hour_minor": 3600}
    plan = rounds(document([stop("A", 36, window=("12:00", "13:00"))], trucks=[truck]))
    assert plan.rounds[0].calls[0].begin_at == plan.rounds[0].calls[1].begin_at - plan.rounds[0].drive_s // 2
    assert plan.duration_s == pytest.approx(7200, abs=3)


def test_one_of_two_windows_is_enough() -> None:
    windows = [{"open_at": at("06:00"), "close_at": at("06:10")}, {"open_at": at("15:00"), "close_at": at("16:00")}]
    plan = rounds(document([stop("A", 36, windows=windows), stop("B", 37, window=("15:00", "16:00"))]))
    assert orders(plan) == {("A", "B")}


def test_a_driver_rests_before_four_hours_are_over_and_drives_no_more_than_eight() -> None:
    plan = rounds(document([stop("A", 100)]))  # 200 km at 36 km/h: 5 h 33 min
    assert sum(call.rest_before_s for call in plan.rounds[0].calls) == 1200
    assert plan.duration_s == pytest.approx(20_000 + 1200, abs=10)
    short = rounds(document([stop("A", 70)]))
    assert sum(call.rest_before_s for call in short.rounds[0].calls) == 0
    long = rounds(document([stop("A", 145)]))
    assert [(one.id, one.reason, one.values["most_km"]) for one in long.unserved] == [("A", "too_far", 288)]


def test_a_long_stop_may_count_as_rest_where_the_rules_say_so() -> None:
    hours = {"drive_s": 28_800, "spell_s": 14_400, "rest_s": 1200, "service_is_rest": True}
    plan = rounds(document([stop("A", 100, service_s=1800)], hours=hours))
    assert sum(call.rest_before_s for call in plan.rounds[0].calls) == 0


def test_a_truck_may_load_again() -> None:
    truck = TRUCK | {"count": 1, "trips": 2}
    stops = [stop("A", 10, deliver={"weight_g": 1000}), stop("B", -10, deliver={"weight_g": 1000})]
    depot = HUB | {"load_s": 600}
    plan = rounds(document(stops, trucks=[truck], depots=[depot]))
    assert [call.id for call in plan.rounds[0].calls][::2] == ["HUB", "HUB", "HUB"]
    assert plan.unserved == ()
    once = rounds(document(stops, trucks=[truck | {"trips": 1}], depots=[depot]))
    assert [one.reason for one in once.unserved] == ["no_truck_left"]


def test_goods_are_fetched_at_one_shop_and_brought_to_another() -> None:
    move = {
        "id": "M", "amount": {"weight_g": 1000}, "pick": {"lat_udeg": 0, "lon_udeg": 90_000},
        "drop": {"lat_udeg": 0, "lon_udeg": 180_000},
    }  # fmt: skip
    plan = rounds(document([], transfers=[move]))
    assert [(call.kind, call.load.weight_g) for call in plan.rounds[0].calls] == [
        ("depot", 0), ("pick", 1000), ("drop", 0), ("depot", 0),
    ]  # fmt: skip
    stops = [stop("A", 15, deliver={"weight_g": 1000})]
    both = rounds(document(stops, transfers=[move]))
    assert both.unserved == ()


def test_each_stop_is_served_from_its_depot() -> None:
    east = HUB | {"code": "EAST", "lon_udeg": 360_000}
    trucks = [TRUCK, TRUCK | {"code": "E", "depot": "EAST"}]
    stops = [stop("A", 30), stop("B", 31, depot="HUB"), stop("C", 32, trucks=["E"])]
    plan = rounds(document(stops, depots=[HUB, east], trucks=trucks))
    by = {call.id: one.depot for one in plan.rounds for call in one.calls if call.kind == "stop"}
    assert (by["B"], by["C"]) == ("HUB", "EAST")


def test_unified_delivery_calls_each_place_once_for_all_owners() -> None:
    stops = [
        stop("A", 10, owner="X"),
        stop("B", 10, owner="Y"),
        stop("C", 10, deliver={"weight_g": 950}),
        stop("D", 20),
    ]
    plan = rounds(document(stops, mode="unified"))
    assert sorted(name for one in orders(plan) for name in one) == ["A+B", "C", "D"]
    assert len(rounds(document(stops)).rounds[0].calls) > 3
    hours = [stop("A", 10, window=("06:00", "07:00")), stop("B", 10, window=("08:00", "09:00"))]
    assert {name for one in orders(rounds(document(hours, mode="unified"))) for name in one} == {"A", "B"}


def test_centralised_delivery_goes_through_the_first_depot() -> None:
    east = HUB | {"code": "EAST", "lon_udeg": 360_000}
    trucks = [TRUCK, TRUCK | {"code": "E", "depot": "EAST"}]
    plan = rounds(document([stop("A", 39, depot="EAST")], depots=[HUB, east], trucks=trucks, mode="centralised"))
    assert [one.depot for one in plan.rounds] == ["HUB"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"deliver": {"weight_g": 1001}}, "too_much"),
        ({"window": ("06:00", "06:10")}, "closed"),
        ({"window": ("19:50", "20:00")}, "back_late"),
        ({"service_s": 42_000}, "shift"),
        ({"trucks": ["NONE"]}, "no_truck"),
        ({"km": 150}, "too_far"),
    ],
)
def test_who_cannot_be_served_is_told_why(more: dict[str, Any], reason: str) -> None:
    none = TRUCK | {"code": "NONE", "count": 0}
    truck = TRUCK | ({"shift_s": 40_000} if reason == "shift" else {})
    one = stop("A", more.pop("km", 30), **more)
    plan = rounds(document([one, stop("B", 20)], trucks=[truck, none]))
    assert [(left.id, left.reason) for left in plan.unserved] == [("A", reason)]
    assert (plan.state, orders(plan)) == ("solved", {("B",)})


def test_a_plan_without_what_must_go_is_infeasible() -> None:
    plan = rounds(document([stop("A", 10, deliver={"weight_g": 1001}, must_go=True), stop("B", 20)]))
    assert plan.state == "infeasible"
    assert [one.must_go for one in plan.unserved] == [True]


def test_nothing_to_serve_is_a_plan() -> None:
    plan = rounds(document([]))
    assert (plan.state, plan.rounds, plan.cost_minor, plan.gap_ppm) == ("solved", (), 0, 0)


def test_too_few_trucks_serve_as_many_as_they_can() -> None:
    stops = [stop(name, km, deliver={"weight_g": 1000}) for name, km in (("A", 10), ("B", 20), ("C", 30))]
    plan = rounds(document(stops, trucks=[TRUCK | {"count": 2}]))
    assert [one.reason for one in plan.unserved] == ["no_truck_left"]
    assert len(plan.rounds) == 2


def test_two_rounds_never_take_the_same_last_truck() -> None:
    """Both halves of the one round would be cheaper on the small truck; there is only one of it."""
    small = TRUCK | {"code": "X", "count": 1, "payload_g": 300, "fixed_minor": 10}
    light = {"deliver": {"weight_g": 200}}
    plan = rounds(document([stop("A", 30, **light), stop("B", -30, **light)], trucks=[TRUCK | {"count": 2}, small]))
    assert [one.truck for one in plan.rounds] == ["T"]


def test_two_jobs_change_places_only_where_the_trucks_for_it_are_there() -> None:
    """The small truck has time for one side only. With two of them each side would get one; with one nothing moves."""
    small = TRUCK | {"code": "X", "payload_g": 300, "fixed_minor": 10, "shift_s": 7200}
    stops = [stop("A", 30), stop("B", -20), stop("C", 20), stop("D", -30)]
    for count in (1, 2):
        case = Case(problem_of(document(stops, trucks=[TRUCK, small | {"count": count}])))
        both = [Round(0, ((Visit(1), Visit(2)),)), Round(0, ((Visit(3), Visit(4)),))]
        kept = [(one, found) for one in both if (found := timed(case, one)) is not None]
        polish = Polish(case, jobs(case), kept, lambda: False)
        assert polish._swaps() == (count == 2)
        assert [one.truck for one, _ in polish._kept] == ([1, 1] if count == 2 else [0, 0])


def test_what_must_go_goes_first_where_trucks_are_few() -> None:
    full = {"deliver": {"weight_g": 1000}}
    stops = [stop("A", 10, **full), stop("B", 30, **full, must_go=True), stop("C", 20, **full)]
    plan = rounds(document(stops, trucks=[TRUCK | {"count": 1}]))
    assert (plan.state, [one.id for one in plan.unserved]) == ("solved", ["A", "C"])
    assert plan.bound_minor > 0


def test_one_that_must_go_is_worth_more_than_all_that_need_not() -> None:
    third = {"deliver": {"weight_g": 300}}
    stops = [*(stop(name, 10, **third) for name in "ABC"), stop("D", 40, deliver={"weight_g": 1000}, must_go=True)]
    plan = rounds(document(stops, trucks=[TRUCK | {"count": 1}]))
    assert (plan.state, orders(plan)) == ("solved", {("D",)})


def test_rounds_without_what_must_go_give_way_to_it() -> None:
    full = {"deliver": {"weight_g": 1000}}
    stops = [stop("A", 10, **full), stop("B", 30, **full, must_go=True), stop("C", 20, **full)]
    case = Case(problem_of(document(stops, trucks=[TRUCK | {"count": 1}])))
    a, b, c = (Round(0, ((Visit(node),),)) for node in (1, 2, 3))
    for found in ([], [a], [a, b, c]):
        kept = mend(case, jobs(case), found)
        assert [one for one, _ in kept.rounds] == [b]
        assert [job.id for job in kept.left] == ["A", "C"]


def test_a_round_that_does_not_hold_loses_first_what_need_not_go() -> None:
    stops = [stop("A", 10, deliver={"weight_g": 600}, must_go=True), stop("B", 30, deliver={"weight_g": 600})]
    case = Case(problem_of(document(stops, trucks=[TRUCK | {"count": 1}])))
    kept = mend(case, jobs(case), [Round(0, ((Visit(1), Visit(2)),))])
    assert [job.id for job in kept.left] == ["B"]


HALVES = [
    stop(name, km, deliver={"weight_g": grams})
    for name, km, grams in (("A", 10, 400), ("B", 11, 400), ("C", 12, 600), ("D", 13, 600))
]


def test_what_the_probe_left_out_is_in_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put in one after the other A and B share a truck, and D finds no room; the search pairs them well."""
    monkeypatch.setattr(Search, "probed", lambda _: [])
    plan = rounds(document(HALVES, trucks=[TRUCK | {"count": 2}]))
    assert plan.unserved == ()
    assert plan.bound_minor > 0


def test_the_probe_is_taken_where_the_search_leaves_more_out(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Round(0, ((Visit(1), Visit(3)),))
    other = Round(0, ((Visit(2), Visit(4)),))
    monkeypatch.setattr(Search, "probed", lambda _: [one, other])
    monkeypatch.setattr(Search, "run", lambda _: Found([], 1))
    assert rounds(document(HALVES, trucks=[TRUCK | {"count": 2}])).unserved == ()


def test_a_depot_that_opens_after_the_last_truck_has_ended_takes_no_part() -> None:
    night = HUB | {"code": "N", "open_at": at("21:00"), "close_at": at("22:00")}
    trucks = [TRUCK, TRUCK | {"code": "N", "depot": "N"}]
    plan = rounds(document([stop("A", 10), stop("B", 20, depot="N")], depots=[HUB, night], trucks=trucks))
    assert (orders(plan), [(one.id, one.reason) for one in plan.unserved]) == ({("A",)}, [("B", "depot_closed")])


def test_a_truck_that_starts_after_its_depot_has_closed_takes_no_part() -> None:
    morrow = {"start_at": "2026-03-03T06:00:00Z", "end_at": "2026-03-03T20:00:00Z"}
    stops = [stop("A", 10, window=("06:00", "20:00")), stop("B", 20, window=("06:00", "20:00"))]
    plan = rounds(document(stops, trucks=[TRUCK, TRUCK | {"code": "M"} | morrow]))
    assert (orders(plan), plan.bound_minor > 0) == ({("A", "B")}, True)


def test_the_bound_ends_with_its_time() -> None:
    """0 bounds anything: what is not proved when the time is over is not waited for."""
    problem = problem_of(random_document(7))
    case = Case(problem)
    every = jobs(case)
    kept = mend(case, every, [])
    asked = 0

    def clock() -> float:
        nonlocal asked
        asked += 1
        return 0.0 if asked == 1 else 100.0

    assert bound(case, every, kept.rounds, 10.0, None).units > 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("routing.rounds.bound.time.perf_counter", clock)
        patch.setattr("routing.rounds.bound.cheapest_walks", None)  # no walk is looked for any more
        assert bound(case, every, kept.rounds, 10.0, None).units == 0


def test_the_same_seed_and_work_give_the_same_rounds() -> None:
    one, other = (make_rounds(problem_of(random_document(7)), work=50, seed=3) for _ in range(2))
    assert one.model_dump(exclude={"elapsed_ms"}) == other.model_dump(exclude={"elapsed_ms"})


@pytest.mark.parametrize("block", range(8))
def test_small_problems_are_solved_to_the_optimum_and_the_bound_is_never_above_it(block: int) -> None:
    for seed in range(30 * block, 30 * block + 30):
        problem = problem_of(random_document(seed))
        served, cost = cheapest_minor(problem)
        plan = make_rounds(problem, work=60)
        assert check(problem.model_dump(mode="json"), plan.model_dump(mode="json")) == []
        assert len(problem.stops) - len(plan.unserved) == served, seed
        assert plan.bound_minor <= cost, seed
        assert cost <= plan.cost_minor <= cost + len(plan.rounds), seed  # each round is rounded up to a fen


def test_a_bound_above_the_rounds_is_written_down_and_found_by_the_checker(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_high(*given: Any) -> Bound:
        found = bound(*given)
        return replace(found, units=found.units * 100)

    monkeypatch.setattr("routing.rounds.solve.bound", too_high)
    problem = problem_of(document([stop("S1", 10)]))
    plan = make_rounds(problem, seconds=5, work=5)
    assert plan.bound_minor > plan.cost_minor
    assert "bound" in {finding.rule for finding in check(problem.model_dump(mode="json"), plan.model_dump(mode="json"))}
