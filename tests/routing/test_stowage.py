"""Boxes of a plan that must load in three dimensions: refusals go back as cuts, and every load is checked again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from routing.demand import Consignment, Piece
from routing.generate import problem as generated
from routing.problem import Problem
from routing.report import lines, reason
from routing.solve import make_plan
from routing.stowage import Stower
from routing.verify import verify
from tests.routing.tiny import goods, network_document, problem

Document = dict[str, Any]
TWO_CUBES = Piece(count=2, length_mm=1900, width_mm=1900, height_mm=1900, weight_g=400_000)
# The box is 5.9 x 2.35 x 2.39 m: three such cubes stand in a row in it, a fourth finds no place.


def cubes(name: str, **more: Any) -> Consignment:
    return goods(name, 14, 0.9, pieces=(TWO_CUBES,), **more)


def small(name: str, count: int = 20) -> Consignment:
    piece = Piece(count=count, length_mm=500, width_mm=400, height_mm=300, weight_g=10_000)
    return goods(name, count * 0.0615, count * 0.0101, pieces=(piece,))


def roomy(**more: Any) -> Document:
    """The small network with a box that is said to take 30 m3."""
    document = network_document(**more)
    document["equipment"][0]["usable_cm3"] = 30_000_000
    return document


def test_goods_that_fit_by_volume_and_not_by_shape_go_in_two_boxes() -> None:
    # 28 m3 in one box of "30 m3" would cost 10,000; the loader refuses the four cubes, so two boxes at 20,000.
    plan = make_plan(problem([cubes("K1"), cubes("K2")], roomy()), seconds=20)
    assert (plan.state, plan.cost_minor) == ("solved", 2_000_000)
    assert [box.consignments for box in plan.boxes] == [("K1",), ("K2",)]
    assert [len(load.spots) for load in plan.loads] == [2, 2]
    assert plan.bound_minor <= 1_000_000


def test_what_the_loader_refuses_stays_behind_where_there_is_no_other_box() -> None:
    plan = make_plan(problem([cubes("K1"), cubes("K2")], roomy(capacity=1, loose=False)), seconds=20)
    assert len(plan.assignments) == 1
    assert [one.reason for one in plan.unserved] == ["no_capacity"]


def test_what_must_go_is_not_what_leaves_a_box_that_the_loader_refuses() -> None:
    given = problem([cubes("K1", must_go=True), cubes("K2")], roomy(capacity=1, loose=False))
    plan = make_plan(given, seconds=20)
    assert plan.state == "solved"
    assert [one.consignment for one in plan.assignments] == ["K1"]


def test_a_consignment_that_no_box_takes_by_shape_stays_behind_and_says_so() -> None:
    four = TWO_CUBES.model_copy(update={"count": 4})
    plan = make_plan(problem([goods("K1", 28, 1.7, pieces=(four,)), cubes("K2")], roomy(loose=False)), seconds=20)
    assert [(one.consignment, one.reason) for one in plan.unserved] == [("K1", "not_loadable")]
    assert "(BOX)" in reason(plan.unserved[0])
    assert plan.state == "solved"


def test_towers_that_press_the_floor_too_much_are_loaded_lower() -> None:
    """11 cartons of 62 kg on 0.12 m2 are 5,683 kg/m2, the floor bears 4,500; the tall cartons keep the roof high."""
    document = network_document(loose=False)
    document["equipment"][0] |= {
        "code": "40HQ", "inner_mm": [12032, 2352, 2698], "payload_g": 26_500_000, "usable_cm3": 68_000_000,
    }  # fmt: skip
    document["services"][0]["freight_minor"] = {"40HQ": 1_000_000}
    flat = Piece(count=300, length_mm=400, width_mm=300, height_mm=200, weight_g=62_000)
    tall = Piece(count=3, length_mm=1000, width_mm=1000, height_mm=2250, weight_g=62_000)
    plan = make_plan(problem([goods("K1", 14, 19, pieces=(flat, tall))], document), seconds=20, rounds=5)
    assert (plan.state, len(plan.boxes), len(plan.loads[0].spots)) == ("solved", 1, 303)
    assert max(spot[3] for spot in plan.loads[0].spots) <= 1400  # eight on one another


def test_goods_without_dimensions_are_spared_and_named() -> None:
    plan = make_plan(problem([goods("K1", 7), cubes("K2")], roomy()), seconds=20)
    assert [(load.spared, load.word, len(load.spots)) for load in plan.loads] == [(("K1",), "no_dimensions", 2)]
    text = "\n".join(lines(plan))
    assert "not looked at, without dimensions of pieces: K1" in text
    assert "loaded in 3D 1 of 1 boxes, 2 pieces" in text


def test_the_loader_is_asked_once_for_the_same_goods_and_answers_the_same_everywhere() -> None:
    one = generated(60, seed=5, mean_dm3=2500)
    ks = range(12)
    first, again = Stower(one, work=2), Stower(one, work=2)
    assert first.ask("40HQ", ks) == again.ask("40HQ", reversed(ks))
    assert first.ask("40HQ", list(ks)) is first.ask("40HQ", ks)
    assert first.asked == 1


def test_with_a_work_limit_the_same_seed_gives_the_same_plan() -> None:
    one = problem([*(small(f"S{n}") for n in range(8)), cubes("K1"), cubes("K2")], roomy())
    plans = [
        make_plan(one, seconds=300, rounds=2, work=2).model_dump(exclude={"elapsed_ms", "stages_ms", "started_at"})
        for _ in range(2)
    ]  # fmt: skip
    assert plans[0] == plans[1]


@pytest.fixture(scope="module")
def sound() -> tuple[Problem, Document]:
    one = problem([cubes("K1"), small("K2"), goods("K3", 1)], roomy())
    return one, make_plan(one, seconds=20).model_dump(mode="json")


def forget_a_load(plan: Document) -> None:
    plan["loads"].pop()


def lose_a_piece(plan: Document) -> None:
    plan["loads"][0]["spots"].pop()


def through_the_wall(plan: Document) -> None:
    plan["loads"][0]["spots"][0][1] = 5000


def in_one_place(plan: Document) -> None:
    spots = plan["loads"][0]["spots"]
    spots[0][1:4] = spots[1][1:4]


def in_the_air(plan: Document) -> None:
    plan["loads"][0]["spots"][-1][3] += 1


def backwards(plan: Document) -> None:
    plan["loads"][0]["spots"].reverse()


def lay_it_down(plan: Document) -> None:
    spot = next(one for one in plan["loads"][0]["spots"] if one[4] != one[5])
    spot[4] -= 1


def spare_what_has_dimensions(plan: Document) -> None:
    plan["loads"][0]["spared"].append("K1")


def another_box(plan: Document) -> None:
    plan["loads"][0]["container"] = "40HQ"


def lighter(plan: Document) -> None:
    plan["loads"][0]["weight_g"] -= 1


PLANTED: list[tuple[Callable[[Document], None], str]] = [
    (forget_a_load, "load_3d"), (lose_a_piece, "load_complete"), (through_the_wall, "load_inside"),
    (in_one_place, "load_overlap"), (in_the_air, "load_support"), (backwards, "load_order"),
    (lay_it_down, "load_orientation"), (spare_what_has_dimensions, "load_spared"), (another_box, "load_3d"),
    (lighter, "load_sums"),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "rule"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_the_checker_finds_a_fault_planted_in_a_load(
    sound: tuple[Problem, Document], plant: Callable[[Document], None], rule: str
) -> None:
    one, plan = sound
    assert verify(one, plan) == []
    damaged = copy.deepcopy(plan)
    plant(damaged)
    assert rule in {finding.rule for finding in verify(one, damaged)}
