"""The whole way of a plan: solved and checked, loaded in 3D, shared to the fen, booked, loaded on the floor in the
sequence of its boxes, declared, left, arrived; and the books are clean.
"""

from datetime import timedelta

from routing import desk
from routing.bill import off_by_minor
from routing.hand_over import working
from routing.hand_over.reading import whole
from routing.verify import verify
from tests import build
from tests.routing.test_hand_over import pick_all
from tests.wms.floor.leaving import by, of_kind
from tests.wms.floor.outbound import build_hall, clean, now
from tests.wms.freight.builders import form
from tests.wms.gate.world import new_plate
from wms.db import Database, Scope
from wms.floor.service import departing, loading
from wms.floor.service.opening_loads import NewLoad
from wms.freight import queries
from wms.freight.rules import Piece
from wms.freight.service import announce
from wms.freight.service.hand_over import GoodsLine, name_goods, note_paper
from wms.freight.service.milestones import Report, report_box

COUNT, EACH = 4, 10


def test_a_plan_goes_from_open_consignments_to_goods_that_have_left(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session, "ordinary")
        build.make_location(session, hall.site, kind="dock", code="DOCK-1")
        pallets = {}
        for number in range(COUNT):
            one = form(
                hall.owner.id, volume_cm3=9_600_000, weight_g=2_000_000,
                pieces=(Piece(8, 1200, 1000, 1000, 250_000),),
            )  # fmt: skip
            announce(session, one)
            pallet = build.make_handling_unit(session, hall.owner)
            hall.put(session, hall.tea, hall.bins[number], EACH + number, handling_unit_id=pallet.id)
            name_goods(session, one.consignment_no, [GoodsLine(hall.site.code, hall.tea.code, EACH + number)])
            pallets[one.consignment_no] = pallet.sscc
        plan_id = desk.request_plan(session, seconds=5)
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        found = whole(session, plan_id)
        assert found.state == "solved"
        assert verify(found.problem, found.plan.model_dump(mode="json")) == []
        assert off_by_minor(found.plan) == {}
        boxes = [box for box in found.plan.boxes if box.kind != "loose"]
        assert all(found.loads[box.id].spots for box in boxes)
        assert working.accept(session, plan_id) == COUNT
    working.run(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(Scope(scope.tenant_id, hall.person.id, "clerk")) as session:
        state = working.state_of(session, plan_id)
        assert state.counted()["work"]["reserved"] == COUNT
        for paper in state.papers:
            note_paper(session, plan_id, paper.consignment_no, paper.document, f"N-{build.number()}", now())
        pick_all(session, hall)
        for box_no in sorted({one.box_no for one in state.work}):
            load = working.open_box_load(session, plan_id, box_no, NewLoad(hall.site.id, new_plate(), "DOCK-1"))
            for name in working.loading_order(found, box_no):
                assert loading.put_on(session, load.id, pallets[name], by()).is_in_the_way is False
            departing.close_load(session, load.id, by())
            departing.depart(session, load.id, by())
        assert of_kind(session, "customer", hall.tea) == sum(EACH + number for number in range(COUNT))
    later = now() + timedelta(days=90)
    with database.unit_of_work(scope) as session:
        for box_no in sorted({one.box_no for one in state.work}):
            segment = next(box.segment for box in found.plan.boxes if box.id == box_no)
            legs = next(one.departures for one in found.plan.segments if one.id == segment)
            times = {leg.departure: (leg.depart_at, leg.arrive_at) for leg in found.plan.legs}
            for leg_no, name in enumerate(legs, 1):
                for event, at in zip(("departure", "arrival"), times[name], strict=True):
                    happened = desk._at(at + 1800)
                    report_box(session, plan_id, box_no, Report(event, "ACT", happened, "carrier", leg_no), later)
            delivered = later - timedelta(hours=1)
            report_box(session, plan_id, box_no, Report("delivery", "ACT", delivered, "consignee"), later)
        assert {one.state for one in queries.consignments(session)} == {"delivered"}
    working.run(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    assert clean(database, scope)
