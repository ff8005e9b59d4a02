"""The first filter that stops a consignment is its reason, with the figure that would change it."""

from typing import Any

import pytest

from routing.demand import Piece
from routing.paths import PathFinder, Paths
from tests.routing.tiny import goods, network_document, problem


def find(*consignments: Any, document: dict[str, Any] | None = None) -> Paths:
    return PathFinder(problem(list(consignments), document)).find()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "ZZZ"}, "unknown_place"),
        ({"to": "AAA"}, "no_service"),
        ({"m3": 0}, "no_size"),
        ({"t": 0}, "no_size"),
        ({"dangerous": "class3"}, "class_refused"),
        ({"temperature": "frozen"}, "class_refused"),
        ({"m3": 61}, "too_large"),
        ({"t": 61}, "too_large"),
        ({"ready_day": 3}, "too_late"),
        ({"ready_day": 0, "due_day": 6}, "arrives_late"),
    ],
)  # fmt: skip
def test_names_the_first_filter_that_stops_a_consignment(change: dict[str, Any], code: str) -> None:
    found = find(goods("K1", **{"m3": 2, **change}))
    assert found.reasons[0].code == code
    assert found.by_consignment[0] == ()


def test_a_missed_cut_off_says_by_how_many_minutes() -> None:
    # The ship leaves Wednesday 12:00; documents close 12 h before and stuffing 12 h before that: Tuesday 12:00.
    reason = find(goods("K1", 2, ready_day=2)).reasons[0]
    assert reason.values["missed_minutes"] == 12 * 60
    assert reason.values["segment"] == "AB@20260304T1200"


def test_a_late_arrival_names_the_best_one() -> None:
    # Leaves day 2.5, 10 days at sea, 1 day to strip: free on day 13.5; allowed 5 days after due.
    reason = find(goods("K1", 2, due_day=8)).reasons[0]
    assert reason.values["late_s"] == 12 * 3600


def test_a_piece_longer_than_the_box_still_goes_loose_but_not_without_loose_space() -> None:
    long = goods("K1", 2, pieces=(Piece(count=1, length_mm=7000, width_mm=400, height_mm=400, weight_g=1000),))
    assert len(find(long).by_consignment[0][0].offers) == 1
    assert find(long, document=network_document(loose=False)).reasons[0].code == "piece_too_large"


def test_an_oversized_consignment_is_told_into_how_many_parts_it_fits() -> None:
    reason = find(goods("K1", 61, 5), document=network_document(loose=False)).reasons[0]
    assert (reason.code, reason.values["parts"]) == ("too_large", 4)


def test_the_truck_beyond_the_corridor_costs_time_and_money() -> None:
    near, far = (find(goods("K1", 2, to=place)).by_consignment[0][0] for place in ("BBB", "CCC"))
    # 1 degree on the equator = 111.195 km x 1.3 = 144.6 -> 145 km; 12 h to gather + 145/50 h.
    assert far.deliver_at - near.deliver_at == 12 * 3600 + 145 * 72
    # 1 t for 145 km at CNY 1 a t-km + CNY 100.
    assert far.costs.onward_minor - near.costs.onward_minor == 10_000 + 14_500


def test_a_departure_taken_by_earlier_plans_is_smaller() -> None:
    tiny = problem([goods("K1", 2)])
    used = tiny.model_copy(update={"options": tiny.options.model_copy(update={"used": {"SHIP@20260304T1200": 3}})})
    assert PathFinder(used).find().groups[0].segment.legs[0].capacity == 1
