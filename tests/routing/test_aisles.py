"""Pick routes: exact distances, the shortest order on instances small enough to try all, bad input named."""

import itertools
import random

import pytest

from routing.aisles import BadFloor, BadStop, Floor, Point, Stop, distances, plan

FRONT, BACK = 0, 30_000
FLOOR = Floor((FRONT, BACK), Point(0, -2_000), Point(0, -2_000))


def drawn(count: int, seed: int, aisles: int = 10) -> list[Stop]:
    draw = random.Random(seed)
    return [
        Stop(i, f"A{n:02d}", 3_000 * n + draw.choice((-900, 900)), draw.randrange(1_000, 29_000))
        for i in range(count)
        for n in [draw.randrange(aisles)]
    ]


def walked(stops: list[Stop], floor: Floor, order: tuple[int, ...]) -> int:
    """The length of an order, counted without the solver: leg by leg, over whichever cross-aisle is nearer."""
    at = {stop.id: stop for stop in stops}
    faces = {one.aisle: [other.x_mm for other in stops if other.aisle == one.aisle] for one in stops}
    middle = {aisle: (min(xs) + max(xs)) // 2 for aisle, xs in faces.items()}
    inside = [(at[i].aisle, Point(middle[at[i].aisle], at[i].y_mm)) for i in order]
    legs = [(None, floor.start), *inside, (None, floor.end)]
    total = 0
    for (aisle, one), (other_aisle, other) in itertools.pairwise(legs):
        total += abs(one.x_mm - other.x_mm)
        if aisle is not None and aisle == other_aisle:
            total += abs(one.y_mm - other.y_mm)
        else:
            total += min(abs(one.y_mm - cross) + abs(other.y_mm - cross) for cross in floor.cross_y_mm)
    return total


STARTS = (Point(0, -2_000), Point(7_500, 0), Point(20_000, 33_000), Point(-5_000, 12_000), Point(3_000, 9_000))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("seed", range(6))
def test_finds_the_shortest_of_all_orders_of_seven_stops(seed: int, start: Point) -> None:
    stops, floor = drawn(7, seed, aisles=2 + seed), Floor((FRONT, BACK), start, start)
    best = min(walked(stops, floor, order) for order in itertools.permutations(range(7)))
    route = plan(stops, floor)
    assert route.is_exact
    assert route.length_mm == walked(stops, floor, route.order) == best
    found = plan(stops, floor, budget_ms=200, exactly=False)
    assert (found.is_exact, found.length_mm) == (False, best)


@pytest.mark.parametrize("seed", range(4))
def test_no_search_finds_a_shorter_round_than_the_exact_one(seed: int) -> None:
    stops = drawn(40, seed, aisles=8)
    exact, found = plan(stops, FLOOR), plan(stops, FLOOR, budget_ms=700, exactly=False)
    assert exact.length_mm == walked(stops, FLOOR, exact.order) <= found.length_mm


def test_one_way_trip_ends_at_the_packing_place() -> None:
    floor = Floor((FRONT, BACK), Point(0, -2_000), Point(27_000, 32_000))
    stops = drawn(6, 3, aisles=5)
    best = min(walked(stops, floor, order) for order in itertools.permutations(range(6)))
    assert plan(stops, floor, budget_ms=300).length_mm == best


def test_a_middle_cross_aisle_is_used() -> None:
    stops = [Stop(1, "A", 0, 14_000), Stop(2, "B", 3_000, 16_000)]
    two, three = (
        distances(stops, Floor(crosses, FLOOR.start, FLOOR.end)) for crosses in ((0, 30_000), (0, 15_000, 30_000))
    )
    assert (two[1, 2], three[1, 2]) == (3_000 + 30_000, 3_000 + 2_000)


def test_sixty_stops_are_walked_once_each_on_a_way_shorter_than_the_clerk_s_own() -> None:
    """How long it takes, and how near the best it comes in 200 ms, is measured by ``benchmarks/outbound.py``."""
    stops = drawn(60, 60)
    route = plan(stops, FLOOR, budget_ms=2_000)
    assert sorted(route.order) == list(range(60))
    assert route.length_mm == walked(stops, FLOOR, route.order)
    assert route.length_mm <= route.s_shape_mm < route.item_order_mm
    assert route.saved_on_item_order_permille > 500
    assert route.length_mm <= plan(stops, FLOOR, budget_ms=0).length_mm


def test_more_time_is_never_worse() -> None:
    stops = drawn(40, 5)
    short, long = (plan(stops, FLOOR, budget_ms=budget, exactly=False) for budget in (0, 400))
    assert long.length_mm <= short.length_mm


def test_nothing_to_pick_is_only_the_way_to_the_end() -> None:
    assert plan([], Floor((0, 10), Point(0, 0), Point(5, 0))).length_mm == 5
    assert plan([Stop(7, "A", 0, 10)], FLOOR).order == (7,)


@pytest.mark.parametrize(
    ("stops", "fault"),
    [
        ([Stop(1, "A", 0, 10), Stop(1, "A", 0, 20)], "it stands on the list twice"),
        ([Stop(1, "A", 0, 30_001)], "it lies beyond the cross-aisles"),
        ([Stop(1, "A", 20_000_000, 10)], "a coordinate is no whole number of millimetres within ten kilometres"),
        ([Stop(1, "A", 1.5, 10)], "a coordinate is no whole number of millimetres within ten kilometres"),  # type: ignore[arg-type]
        ([Stop(i, "A", 0, 10) for i in range(501)], "a list has at most 500 stops"),
    ],
)
def test_names_the_stop_that_cannot_be(stops: list[Stop], fault: str) -> None:
    with pytest.raises(BadStop) as refused:
        plan(stops, FLOOR)
    assert refused.value.values["fault"] == fault


def test_refuses_a_floor_whose_aisles_do_not_join() -> None:
    with pytest.raises(BadFloor, match="two cross-aisles"):
        plan([], Floor((0, 0), Point(0, 0), Point(0, 0)))
    with pytest.raises(BadFloor, match="ten kilometres"):
        plan([], Floor((0, 10), Point(0, 0), Point(0, 2**60)))
