"""What a plan hands over, without a database: bills to the fen, time chart, pictures, booking requests."""

from dataclasses import replace

import pytest

from routing.bill import bills, off_by_minor
from routing.booking_requests import COLUMNS, document, requests, rows
from routing.chart import chart
from routing.pictures import picture, project, steps
from routing.plan import LoadLine, Plan, PlanLoad
from tests.routing.handmade import goods, make


@pytest.fixture
def plan() -> Plan:
    return make()[1]


def by_number() -> dict[str, object]:
    return {one.id: one for one in make()[0].consignments}


def test_bills_of_the_owners_add_up_to_the_plan_and_to_each_box(plan: Plan) -> None:
    found = bills(plan)
    assert [(one.owner, one.consignments, one.boxes) for one in found] == [("ANNA", 1, 1), ("BERT", 2, 2)]
    assert [one.share_minor for one in found] == [266_668, 253_333]
    assert sum(one.total_minor for one in found) == plan.cost_minor
    assert sum(one.share_minor for one in found) == sum(box.price_minor for box in plan.boxes)
    assert off_by_minor(plan) == {}


def test_a_fen_that_is_missing_is_named(plan: Plan) -> None:
    dear = plan.boxes[0].model_copy(update={"price_minor": plan.boxes[0].price_minor + 1})
    assert off_by_minor(plan.model_copy(update={"boxes": (dear, plan.boxes[1])})) == {"B0001": 1}
    assert off_by_minor(plan.model_copy(update={"cost_minor": plan.cost_minor - 2})) == {"plan": -2}


def test_the_chart_joins_waiting_legs_and_stripping_without_a_hole(plan: Plan) -> None:
    found = chart(plan)
    assert found is not None
    (row,) = found.rows
    assert row.boxes == ("B0001", "B0002")
    assert row.bars[0].from_at == plan.segments[0].close_at
    assert row.bars[-1].until_at == plan.segments[0].free_at
    assert all(one.until_at == other.from_at for one, other in zip(row.bars, row.bars[1:], strict=False))
    assert [bar.departure for bar in row.bars if bar.departure] == [leg.departure for leg in plan.legs]
    assert found.from_at % 86_400 == found.until_at % 86_400 == 0
    assert 1 <= len(found.marks) <= 12
    assert chart(plan.model_copy(update={"segments": ()})) is None


def test_a_picture_draws_what_can_be_seen_from_far_to_near(plan: Plan) -> None:
    found = picture(plan.loads[0], (5900, 2352, 2395), by_number())  # type: ignore[arg-type]
    assert found.consignments == ("K1", "K2")
    shown = [(face.whose, face.side) for face in found.faces]
    # Six crates in two rows and two tiers: what stands against an equal neighbour has no face there.
    assert shown.count((0, "top")) == 2
    assert shown.count((1, "top")) == 1
    assert shown.count((0, "door")) == 2
    assert shown.count((0, "long")) == 2
    assert shown.count((1, "long")) == 2
    first_of_second = shown.index((1, "top"))
    assert all(whose == 1 for whose, _ in shown[first_of_second:]) or shown[-1][0] == 0
    for face in found.faces:
        assert all(0 <= x <= found.width and 0 <= y <= found.height for x, y in face.corners)
    assert len(found.behind) == 9
    assert len(found.before) == 3


def test_what_stands_before_another_is_drawn_after_it() -> None:
    now = 0
    small = goods("S", "ANNA", now, 2)
    for near in ((0, 0, 1200, 0, 1200, 1000), (0, 0, 0, 1000, 1200, 1000), (0, 0, 1100, 0, 1200, 1000)):
        load = PlanLoad(box="B", container="20GP", lines=(LoadLine(consignment="S", piece=1),),
                        spots=(near, (0, 0, 0, 0, 1200, 1000)))  # fmt: skip
        found = picture(load, (5900, 2352, 2395), {"S": small})
        last = found.faces[-1].corners
        points = {project(x, y, z) for x in (near[1], near[1] + 1200) for y in (near[2], near[2] + 1000)
                  for z in (near[3], near[3] + 1000)}  # fmt: skip
        shift = project(0, 2352, 0)[0], project(0, 0, 2395)[1]
        assert {(x + shift[0], y + shift[1]) for x, y in last} <= points


def test_equal_pieces_one_after_the_other_are_one_step(plan: Plan) -> None:
    found = steps(plan.loads[0], by_number())  # type: ignore[arg-type]
    assert [(one.first, one.last, one.consignment, one.count) for one in found] == [(1, 4, "K1", 4), (5, 6, "K2", 2)]
    assert (found[1].from_end_mm, found[1].from_left_mm, found[1].from_floor_mm) == (0, 1000, 0)


def test_each_departure_gets_one_request_with_every_box_on_it(plan: Plan) -> None:
    found = requests(plan, 7, by_number(), {"K1": "瓷器"})  # type: ignore[arg-type]
    assert [one.request_no for one in found] == [f"BR-7-{number:03d}" for number in range(1, len(plan.legs) + 1)]
    first, last = found[0].lines[0], found[-1].lines[0]
    assert (first.previous_departure, first.next_departure) == ("", plan.legs[1].departure)
    assert (last.previous_departure, last.next_departure) == (plan.legs[-2].departure, "")
    assert (first.pieces, first.goods, first.consignments) == (6, ("瓷器",), ("K1", "K2"))
    body = document(found[0])
    assert body["carrier_form"] == "neutral"
    assert body["total"] == {"lines": 2, "teu": 1, "volume_m3": "10.800", "goods_weight_kg": "1800.000"}
    assert [line["box_no"] for line in body["lines"]] == ["B0001", "B0002"]


def test_rows_of_a_request_stand_under_their_columns(plan: Plan) -> None:
    found = rows(requests(plan, 7, by_number())[0])  # type: ignore[arg-type]
    first = dict(zip(COLUMNS, found[0], strict=True))
    assert (first["request_no"], first["line_no"], first["box_no"]) == ("BR-7-001", 1, "B0001")
    assert first["consignments"] == "K1; K2"
    assert len(found) == 2


def test_a_departure_that_carries_nothing_is_not_asked_for(plan: Plan) -> None:
    spare = plan.legs[0].model_copy(update={"departure": "SPARE@20260101T0000"})
    found = requests(plan.model_copy(update={"legs": (*plan.legs, spare)}), 7, by_number())  # type: ignore[arg-type]
    assert "SPARE@20260101T0000" not in {one.leg.departure for one in found}
    assert replace(found[0]).leg == plan.legs[0]
