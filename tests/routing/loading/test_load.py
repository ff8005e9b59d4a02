"""Loads that really fit: small ones worked out by hand, random ones against the independent checker."""

from typing import Any

import pytest

from routing.loading import load as load_module
from routing.loading import sequence
from routing.loading.balance import Placed
from routing.loading.beam import seconds
from routing.loading.cargo import containers, load_problem_of
from routing.loading.check import check
from routing.loading.load import make_load
from routing.loading.plan import LoadPlan
from routing.problem import BadProblem
from tests.routing.loading.cases import random_load

CUBE = {"code": "CUBE", "inner_mm": [1000, 1000, 1000], "payload_g": 1_000_000}


def load(document: dict[str, Any], work: int = 60, **more: Any) -> LoadPlan:
    """The plan of a document, checked."""
    problem = load_problem_of(document)
    plan = make_load(problem, work_limit=work, **more)
    assert check(problem.model_dump(mode="json"), plan.model_dump(mode="json")) == []
    return plan


def piece(name: str, length: int, width: int, height: int, **more: Any) -> dict[str, Any]:
    """One kind of piece."""
    return {"id": name, "length_mm": length, "width_mm": width, "height_mm": height, "weight_g": 1000, **more}


def test_eight_cubes_fill_a_cube() -> None:
    plan = load({"container": CUBE, "pieces": [piece("A", 500, 500, 500, count=8)]})
    assert (plan.volume_ppm, plan.left_out) == (1_000_000, ())


def test_nine_cubes_leave_one_out_for_want_of_room() -> None:
    plan = load({"container": CUBE, "pieces": [piece("A", 500, 500, 500, count=9)]})
    assert [(one.piece, one.count, one.reason) for one in plan.left_out] == [("A", 1, "no_room")]


def test_no_time_at_all_still_loads_every_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time may be over before the first block is placed, on a busy machine: one completion is always made."""
    monkeypatch.setattr(load_module, "seconds", lambda _: seconds(-1.0))
    pieces = [piece("A", 500, 500, 500, count=4, stop=1), piece("B", 500, 500, 500, count=4, stop=2)]
    problem = load_problem_of({"container": CUBE, "pieces": pieces})
    plan = make_load(problem, seconds_limit=0.0)
    assert check(problem.model_dump(mode="json"), plan.model_dump(mode="json")) == []
    assert {one.piece for one in plan.spots} == {"A", "B"}


def test_two_kinds_that_only_fit_turned() -> None:
    pieces = [piece("A", 1000, 300, 500, count=2), piece("B", 700, 500, 1000, count=2)]
    assert load({"container": CUBE, "pieces": pieces}).left_out == ()


def test_a_piece_that_stands_this_side_up_is_not_tipped() -> None:
    plan = load({"container": CUBE, "pieces": [piece("A", 400, 400, 1000, upright=True, count=4)]})
    assert {spot.height_mm for spot in plan.spots} == {1000}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"length_mm": 1001}, "too_large"),
        ({"weight_g": 1_000_001}, "too_heavy"),
        ({"weight_g": 600_000, "count": 2}, "payload"),
        ({"count": 2, "length_mm": 1000, "width_mm": 1000, "height_mm": 1000}, "no_room"),
        ({"count": 2, "length_mm": 1000, "width_mm": 1000, "height_mm": 1000, "together": "G"}, "together"),
    ],
)
def test_each_piece_left_out_has_its_reason(more: dict[str, Any], reason: str) -> None:
    plan = load({"container": CUBE, "pieces": [{**piece("A", 500, 500, 500), **more}]})
    assert [one.reason for one in plan.left_out] == [reason]


def test_the_floor_bears_no_more_than_it_may() -> None:
    container = {**CUBE, "floor_g_m2": 100_000}
    plan = load({"container": container, "pieces": [piece("A", 500, 500, 500, weight_g=30_000)]})
    assert [one.reason for one in plan.left_out] == ["bearing"]


def test_nothing_stands_on_fragile_goods() -> None:
    plan = load({"container": CUBE, "pieces": [piece("A", 500, 500, 500, count=8, bears_g_m2=0)]})
    assert {spot.z_mm for spot in plan.spots} == {0}
    assert [(one.count, one.reason) for one in plan.left_out] == [(4, "no_room")]


def test_no_more_is_stacked_than_the_lowest_bears() -> None:
    tower = [piece("A", 1000, 1000, 250, weight_g=10_000, count=4, upright=True, bears_g_m2=20_000)]
    plan = load({"container": CUBE, "pieces": tower})
    assert len(plan.spots) == 3  # the lowest bears two of 10 kg a square metre


def test_the_last_stop_is_loaded_deepest() -> None:
    pieces = [piece("A", 500, 1000, 1000, stop=1), piece("B", 500, 1000, 1000, stop=2)]
    plan = load({"container": CUBE, "pieces": pieces})
    assert [(spot.piece, spot.x_mm, spot.step) for spot in plan.spots] == [("B", 0, 1), ("A", 500, 2)]


def test_a_part_loaded_container_keeps_what_stands_there() -> None:
    there = {"x_mm": 0, "y_mm": 0, "z_mm": 0, "length_mm": 500, "width_mm": 1000, "height_mm": 500, "weight_g": 10_000}
    document = {
        "container": CUBE,
        "pieces": [piece("A", 500, 500, 500, count=9)],
        "loaded": [{"id": "OLD", **there, "bears_g_m2": None}],
    }
    plan = load(document)
    assert sum(spot.kept for spot in plan.spots) == 1
    assert sum(not spot.kept for spot in plan.spots) == 6


def test_a_group_that_does_not_fit_stays_out_whole_and_others_take_its_room() -> None:
    pieces = [piece("A", 500, 500, 500, count=9, together="G"), piece("B", 500, 500, 500, count=4)]
    plan = load({"container": CUBE, "pieces": pieces})
    assert {spot.piece for spot in plan.spots} == {"B"}


def test_a_load_is_moved_to_the_middle_where_the_limits_ask_for_it() -> None:
    container = {**CUBE, "inner_mm": [4000, 1000, 1000], "half_permille": 600}
    plan = load({"container": container, "pieces": [piece("A", 1000, 1000, 1000)]})
    assert plan.state == "loaded"
    assert plan.gravity.half_permille == 500


def test_a_load_that_no_arrangement_balances_says_so() -> None:
    axles = {"front_mm": 0, "rear_mm": 1000, "front_limit_g": 100, "rear_limit_g": 100}
    plan = load({"container": {**CUBE, "axles": axles}, "pieces": [piece("A", 500, 500, 500)]})
    assert plan.state == "unbalanced"


def test_the_axles_carry_what_they_may() -> None:
    axles = {"front_mm": 0, "rear_mm": 1000, "front_limit_g": 700, "rear_limit_g": 400}
    plan = load({"container": {**CUBE, "axles": axles}, "pieces": [piece("A", 500, 500, 500)]})
    assert plan.state == "loaded"
    assert plan.gravity.front_axle_g is not None
    assert plan.gravity.front_axle_g <= 700
    assert plan.gravity.rear_axle_g is not None
    assert plan.gravity.rear_axle_g <= 400


def test_the_same_work_gives_the_same_plan() -> None:
    problem = random_load(5)
    one, two = (make_load(problem, work_limit=40, seed=3).model_dump(exclude={"elapsed_ms"}) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("code", sorted(containers()))
def test_every_container_that_ships_is_loaded_within_its_contour(code: str) -> None:
    pieces = [piece(f"K{n}", 300 + 50 * n, 250 + 30 * n, 200 + 40 * n, count=15, weight_g=9_000) for n in range(6)]
    plan = load({"container": code, "pieces": pieces}, work=20)
    assert plan.spots


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("stops", "support"), [(1, "full"), (3, "full"), (1, "none")])
def test_random_loads_pass_the_checker(seed: int, stops: int, support: str) -> None:
    problem = random_load(seed, stops=stops, support=support)
    plan = make_load(problem, work_limit=25, seed=seed + 1)
    assert check(problem.model_dump(mode="json"), plan.model_dump(mode="json")) == []
    assert plan.volume_ppm > 300_000


def test_a_ring_of_boxes_that_lock_each_other_is_opened() -> None:
    def box(name: str, x: int, y: int, z: int, x2: int, y2: int, z2: int) -> Placed:
        return Placed(name, 0, x, y, z, x2 - x, y2 - y, z2 - z, 1, 1)

    ring = [
        box("B", 0, 0, 5, 10, 1, 6),
        box("C", 0, 0, 7, 1, 2, 20),
        box("D", 1, 1, 0, 2, 2, 8),
        box("E", 2, 0, 0, 3, 2, 1),
    ]
    with pytest.raises(sequence.Locked):
        sequence.order(ring, by_door=True)
    left, turns = sequence.loadable(ring, by_door=True)
    assert [one.piece for one in left] == ["B", "D", "E"]
    assert [left[i].piece for i in turns] == ["D", "E", "B"]


def test_a_box_that_stands_before_the_door_bars_what_lies_behind_it() -> None:
    there = {"x_mm": 500, "y_mm": 0, "z_mm": 0, "length_mm": 500, "width_mm": 1000, "height_mm": 1000, "weight_g": 1}
    plan = load({"container": CUBE, "pieces": [piece("A", 500, 500, 500)], "loaded": [{"id": "OLD", **there}]})
    assert [(one.piece, one.reason) for one in plan.left_out] == [("A", "no_room")]


def test_goods_of_a_later_stop_do_not_bar_a_box_that_leaves_first() -> None:
    there = {"x_mm": 0, "y_mm": 0, "z_mm": 0, "length_mm": 500, "width_mm": 1000, "height_mm": 1000, "weight_g": 1}
    pieces = [piece("A", 500, 500, 500, stop=2)]
    plan = load({"container": CUBE, "pieces": pieces, "loaded": [{"id": "OLD", **there, "stop": 1}]})
    assert [(one.piece, one.reason) for one in plan.left_out] == [("A", "no_room")]


def test_a_stack_of_an_earlier_stop_bears_no_more_than_its_lowest_box() -> None:
    low = {"x_mm": 0, "y_mm": 0, "z_mm": 0, "length_mm": 1000, "width_mm": 1000, "height_mm": 250, "weight_g": 10_000}
    loaded = [
        {"id": "A", **low, "bears_g_m2": 20_000, "stop": 2},
        {"id": "B", **low, "z_mm": 250, "weight_g": 15_000, "stop": 2},
    ]
    plan = load({"container": CUBE, "pieces": [piece("C", 1000, 1000, 250, weight_g=6_000)], "loaded": loaded})
    assert [one.reason for one in plan.left_out] == ["no_room"]


def test_without_full_support_a_limit_of_a_top_is_refused() -> None:
    with pytest.raises(BadProblem, match="only with full support"):
        load_problem_of({"container": CUBE, "pieces": [piece("A", 10, 10, 10, bears_g_m2=0)], "support": "none"})
