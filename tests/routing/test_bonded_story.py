"""A bonded box of a plan, on the floor and through customs: list and pass are declared to the simulated counter over
its own exchange, the truck passes the gate on its pass, the list is deducted and written off, the books are clean.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import desk
from routing.bill import off_by_minor
from routing.hand_over import working
from routing.hand_over.reading import whole
from routing.verify import verify
from tests import build
from tests.web.demo.zone import QTY, QUIET, Zone, opened_zone, stock_in
from tests.wms.floor.leaving import by, of_kind
from tests.wms.floor.loads import TRUCK_G
from tests.wms.floor.outbound import Hall, build_hall, clean, now
from tests.wms.floor.service.test_picking import lines_of, released, tote
from tests.wms.freight.builders import form
from tests.wms.gate.world import new_plate
from wms.customs import corresponding, gate_passes, list_queries
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.tables import GatePass, VerificationList
from wms.db import Database, Scope
from wms.floor import pick_queries
from wms.floor.service import departing, loading
from wms.floor.service.opening_loads import NewLoad, bind_pass
from wms.floor.service.picking import Take, pick
from wms.floor.tables.loading import VehicleLoad
from wms.freight.rules import Piece
from wms.freight.service import announce
from wms.freight.service.hand_over import GoodsLine, PaperInBooks, name_goods, note_paper
from wms.gate.service import register_vehicle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]  # seconds: for a machine that is busy


class Warehouse:
    """A bonded hall whose shelf is that of the zone enterprise."""

    hall: Hall

    def shelf(self, session: Session) -> build.Shelf:
        self.hall = build_hall(session, "bonded")
        build.make_location(session, self.hall.site, kind="dock", code="DOCK-1")
        line = build.make_book_line(session, self.hall.tea)
        first, second = self.hall.bins[:2]
        return build.Shelf(self.hall.owner.id, self.hall.tea.id, self.hall.site.id, first.id, second.id, line.id)


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse()


@pytest.fixture
def zone(warehouse: Warehouse, database: Database, scope: Scope, tmp_path: Path) -> Iterator[Zone]:
    with opened_zone(database, scope, tmp_path, QUIET, warehouse.shelf) as made:
        yield made


def test_a_bonded_box_leaves_on_its_list_and_pass_and_the_books_are_clean(zone: Zone, warehouse: Warehouse) -> None:
    hall, database, scope = warehouse.hall, zone.database, zone.scope
    came = stock_in(zone, "5000")

    def ask(session: Session) -> int:
        one = form(
            hall.owner.id, trade_mode="5034", volume_cm3=9_600_000, weight_g=2_000_000,
            pieces=(Piece(8, 1200, 1000, 1000, 250_000),),
        )  # fmt: skip
        announce(session, one)
        name_goods(session, one.consignment_no, [GoodsLine(hall.site.code, hall.tea.code, QTY)])
        return desk.request_plan(session, seconds=5)

    plan_id = zone.run(ask)
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        found = whole(session, plan_id)
        assert verify(found.problem, found.plan.model_dump(mode="json")) == []
        assert off_by_minor(found.plan) == {}
        assert working.accept(session, plan_id) == 1
    working.run(database, plan_id=plan_id, tenant_id=scope.tenant_id)

    with database.unit_of_work(scope) as session:
        state = working.state_of(session, plan_id)
        assert [one.state for one in state.work] == ["reserved"]
        papers = {paper.document: paper for paper in state.papers}
        assert papers["INV101"].state == "drafted"
        number = papers["INV101"].document_no
        list_id = session.scalars(select(VerificationList.id).where(VerificationList.internal_no == number)).one()
        corresponding.declare_list(session, list_id, now())
    zone.until(lambda session: list_queries.list_row(session, list_id).state == "pre_deducted")
    (box_no,) = {one.box_no for one in state.work}
    plate = new_plate()

    def load(session: Session) -> tuple[int, int]:
        opened = working.open_box_load(session, plan_id, box_no, NewLoad(hall.site.id, plate, "DOCK-1"))
        released(session, hall)
        (row,) = pick_queries.pick_lists(session)
        crate = tote(session, hall)
        for line in lines_of(session, row):
            pick(session, f"p-{build.number()}", Take(line.id, line.qty, crate.id), now())
        register_vehicle(session, plate, tare_g=TRUCK_G)
        line, listed = list_queries.lines(session, list_id)[0], list_queries.list_row(session, list_id)
        made = gate_passes.apply_for_pass(
            session,
            NewPass(
                f"HF-{build.number()}", hall.owner.id, hall.site.id, "E", "3", plate, TRUCK_G,
                now() - timedelta(hours=1), now() + timedelta(hours=8),
                lines=(PassLine(hall.tea.id, QTY, 2_000_000, line.id),),
                documents=(PassDocument("1", listed.list_no or "", list_id),),
            ),
        )  # fmt: skip
        bind_pass(session, opened.id, made.internal_no)
        assert loading.put_on(session, opened.id, crate.sscc, by()).is_in_the_way is False
        closing = departing.close_load(session, opened.id, by())
        assert closing.proof is not None
        assert closing.proof.verdict == "agrees"
        corresponding.declare_pass(session, made.id, now())
        return opened.id, made.id

    with database.unit_of_work(Scope(scope.tenant_id, hall.person.id, "clerk")) as session:
        load_id, pass_id = load(session)
    zone.until(lambda session: session.get_one(GatePass, pass_id).state == "approved")
    zone.drive("E", pass_id)
    zone.booked(list_id)
    with database.unit_of_work(scope) as session:
        assert session.get_one(VehicleLoad, load_id).state == "departed"
        assert of_kind(session, "customer", hall.tea) == QTY
        papers = {paper.document: paper for paper in working.state_of(session, plan_id).papers}
        assert {name: paper.state for name, paper in papers.items()} == {
            "INV101": "done", "entry": "done", "SAS121": "done", "transit": "todo",
        }  # fmt: skip
        assert papers["INV101"].document_no == list_queries.list_row(session, list_id).list_no
        assert papers["SAS121"].document_no == session.get_one(GatePass, pass_id).pass_no
        with pytest.raises(PaperInBooks):
            note_paper(session, plan_id, state.work[0].consignment_no, "INV101", "QD-1", now())
    assert clean(database, scope)
    zone.write_off(came, list_id)
    zone.end()
    assert clean(database, scope)
