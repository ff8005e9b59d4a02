"""From an accepted plan to goods that have left: stock reserved, orders in the sequence of the box, papers, loads."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from routing.desk import PlanStale
from routing.hand_over import working
from routing.hand_over.reading import whole
from routing.hand_over.working import BoxHasLoad, NothingToLoad, PlanNotAccepted
from routing.tables import StoredPlan
from tests import build
from tests.routing.stored import stored_plan, successor
from tests.wms.floor.leaving import by, of_kind
from tests.wms.floor.outbound import Hall, build_hall, clean, now
from tests.wms.floor.service.test_picking import lines_of, released
from tests.wms.gate.world import new_plate
from wms.customs.tables import AccountBook, VerificationLine, VerificationList
from wms.db import Database, Scope
from wms.errors import NotFound
from wms.floor import pick_queries
from wms.floor.service import departing, loading
from wms.floor.service.opening_loads import NewLoad
from wms.floor.service.picking import Take, pick
from wms.floor.tables.loading import VehicleLoad
from wms.floor.tables.orders import Allocation, OutboundOrder
from wms.freight.rules import ConsignmentNotOpen
from wms.freight.rules.papers import REASONS, Facts, papers
from wms.freight.service.hand_over import GoodsLine, UnknownPaper, hand_over, name_goods, note_paper
from wms.freight.tables.hand_over import ConsignmentWork
from wms.stock.tables import BookLine


@dataclass
class Ready:
    """A stored plan of one owner whose goods stand on pallets in a hall."""

    hall: Hall
    plan_id: int
    names: tuple[str, ...]
    pallets: tuple[str, str]


def ready(session: Session, kind: str = "ordinary", mode: str = "0110", status: str = "free") -> Ready:
    """K1 and K2 of box B0001 are 40 and 20 of tea, each a whole pallet; K3 is brought by its owner."""
    hall = build_hall(session, kind)
    build.make_location(session, hall.site, kind="dock", code="DOCK-1")
    more: dict[str, object] = {}
    if status == "bonded":
        line = build.make_book_line(session, hall.tea)
        more = {"customs_status": "bonded", "book_line_id": line.id}
    plan = stored_plan(session, hall.owner, hall.owner, modes=(mode, mode))
    names = tuple((plan.versions or {}).keys())
    pallets = []
    for place, qty in enumerate((40, 20)):
        pallet = build.make_handling_unit(session, hall.owner)
        hall.put(session, hall.tea, hall.bins[place], qty, handling_unit_id=pallet.id, **more)
        name_goods(session, names[place], [GoodsLine(hall.site.code, hall.tea.code, qty)])
        pallets.append(pallet.sscc)
    return Ready(hall, plan.id, names, (pallets[0], pallets[1]))


def handed(database: Database, scope: Scope, plan_id: int) -> None:
    with database.unit_of_work(scope) as session:
        working.accept(session, plan_id)
    working.run(database, plan_id=plan_id, tenant_id=scope.tenant_id)


def pick_all(session: Session, hall: Hall) -> None:
    """Release all waiting orders and pick their whole pallets."""
    released(session, hall)
    for row in pick_queries.pick_lists(session):
        for line in lines_of(session, row):
            pick(session, f"p-{build.number()}", Take(line.id, line.qty), now())


def orders(session: Session) -> list[OutboundOrder]:
    return list(session.scalars(select(OutboundOrder).order_by(OutboundOrder.route)))


def test_a_plan_is_handed_over_loaded_in_sequence_and_leaves_clean_books(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    handed(database, scope, made.plan_id)
    with database.unit_of_work(scope) as session:
        found = working.state_of(session, made.plan_id)
        assert found.handed_over_at is not None
        assert [(one.box_no, one.loading_no, one.state) for one in found.work] == [
            ("B0001", 1, "reserved"), ("B0001", 2, "reserved"), ("B0002", 1, "elsewhere"),
        ]  # fmt: skip
        assert [one.route for one in orders(session)] == [f"P{made.plan_id}-B0001-0{n}" for n in (1, 2)]
        assert session.scalar(select(func.sum(Allocation.qty))) == 60
        load = working.open_box_load(session, made.plan_id, "B0001", NewLoad(made.hall.site.id, new_plate(), "DOCK-1"))
        load_id = load.id
        with pytest.raises(BoxHasLoad):
            working.open_box_load(session, made.plan_id, "B0001", NewLoad(made.hall.site.id, new_plate()))
        with pytest.raises(NothingToLoad):
            working.open_box_load(session, made.plan_id, "B0002", NewLoad(made.hall.site.id, new_plate()))
    with database.unit_of_work(Scope(scope.tenant_id, made.hall.person.id, "clerk")) as session:
        pick_all(session, made.hall)
        # K1 stands at the far end: its pallet goes in first and bars nobody's way; the wrong way round is noticed.
        assert loading.put_on(session, load_id, made.pallets[0], by()).is_in_the_way is False
        assert loading.put_on(session, load_id, made.pallets[1], by()).is_in_the_way is False
        departing.close_load(session, load_id, by())
        departing.depart(session, load_id, by())
        assert [one.state for one in orders(session)] == ["shipped", "shipped"]
        assert of_kind(session, "customer", made.hall.tea) == 60
    assert clean(database, scope)


def test_what_is_loaded_before_its_turn_is_said_to_bar_the_way(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    handed(database, scope, made.plan_id)
    with database.unit_of_work(Scope(scope.tenant_id, made.hall.person.id, "clerk")) as session:
        load = working.open_box_load(session, made.plan_id, "B0001", NewLoad(made.hall.site.id, new_plate()))
        pick_all(session, made.hall)
        loading.put_on(session, load.id, made.pallets[1], by())
        assert loading.put_on(session, load.id, made.pallets[0], by()).is_in_the_way is True


def replaced(database: Database, scope: Scope, old_id: int, **changes: Any) -> int:
    """Let a repair take the place of a plan; its job has not run yet."""
    with database.unit_of_work(scope) as session:
        new = successor(session, session.get_one(StoredPlan, old_id), **changes)
        working.accept_in_place(session, new.id)
        return new.id


def promised(session: Session) -> int:
    return session.scalar(select(func.sum(Allocation.qty - Allocation.void_qty))) or 0


def test_a_repair_takes_over_the_orders_of_what_it_carries_and_the_others_are_cancelled(
    database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    handed(database, scope, made.plan_id)
    new_id = replaced(database, scope, made.plan_id, without=made.names[1:2], later_h=1)
    for _ in range(2):
        working.run(database, plan_id=new_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        work = working.state_of(session, new_id).work[0]
        assert (work.consignment_no, work.state, work.stop_code) == (made.names[0], "reserved", f"P{new_id}-B0001-01")
        assert work.order_state == "allocated"
        left = {one.consignment_no: (one.state, one.code) for one in working.state_of(session, made.plan_id).work}
        assert left == {made.names[1]: ("elsewhere", "plan_replaced")}
        [_, carried] = sorted(orders(session), key=lambda one: one.state == "allocated")
        closes = working.tasks_of(session, whole(session, new_id))[0].ship_by_at
        assert (carried.route, carried.ship_by_at) == (f"P{new_id}-B0001-01", closes)
        assert promised(session) == 40
        assert {one.consignment_no for one in working.state_of(session, new_id).papers} <= {
            made.names[0], made.names[2],
        }  # fmt: skip
    assert clean(database, scope)


def test_a_hand_over_that_goes_on_after_its_plan_was_replaced_promises_nothing(
    database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
        working.accept(session, made.plan_id)
        tasks = working.tasks_of(session, whole(session, made.plan_id))
    new_id = replaced(database, scope, made.plan_id)
    working.run(database, plan_id=new_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert [hand_over(session, task, now()) for task in tasks] == [None, None, None]
        assert (len(orders(session)), promised(session)) == (2, 60)
        assert working.state_of(session, made.plan_id).work == ()
    assert clean(database, scope)


def test_a_plan_replaced_before_its_hand_over_ran_hands_on_the_work_of_the_one_before(
    database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    handed(database, scope, made.plan_id)
    middle = replaced(database, scope, made.plan_id)
    last = replaced(database, scope, middle, without=made.names[1:2])
    for plan_id in (middle, last):
        working.run(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert [one.state for one in working.state_of(session, last).work] == ["reserved", "elsewhere"]
        assert sorted(one.state for one in orders(session)) == ["allocated", "cancelled"]
        assert promised(session) == 40
    assert clean(database, scope)


def test_what_stands_on_a_load_is_not_put_into_another_box(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    handed(database, scope, made.plan_id)
    boxes = {made.names[1]: "B0003"}
    with database.unit_of_work(scope) as session:
        asked = successor(session, session.get_one(StoredPlan, made.plan_id), boxes=boxes).id
        load = working.open_box_load(session, made.plan_id, "B0001", NewLoad(made.hall.site.id, new_plate(), "DOCK-1"))
    with database.unit_of_work(scope) as session, pytest.raises(PlanStale, match=made.names[1]):
        working.accept_in_place(session, asked)
    with database.unit_of_work(scope) as session:
        session.get_one(VehicleLoad, load.id).state = "void"
    with database.unit_of_work(scope) as session:
        assert working.accept_in_place(session, asked) == 3


def test_a_firm_that_replaces_its_plan_leaves_what_is_being_loaded_where_it_is(
    database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
        owner_id = made.hall.owner.id
        session.get_one(StoredPlan, made.plan_id).company_id = owner_id
    handed(database, scope, made.plan_id)
    with database.unit_of_work(scope) as session:
        working.open_box_load(session, made.plan_id, "B0001", NewLoad(made.hall.site.id, new_plate(), "DOCK-1"))
        new_id = successor(session, session.get_one(StoredPlan, made.plan_id), without=made.names[2:3]).id
    firm = Scope(scope.tenant_id, role="planner", company_id=owner_id, sees_all=False)
    with database.unit_of_work(firm) as session:
        assert working.accept_in_place(session, new_id) == 2
    working.run(database, plan_id=new_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        stops = [f"P{made.plan_id}-B0001-0{n}" for n in (1, 2)]
        assert [(one.stop_code, one.state) for one in working.state_of(session, new_id).work] == [
            (stop, "reserved") for stop in stops
        ]
        assert [one.route for one in orders(session)] == stops


def test_goods_that_are_picked_go_with_their_order_into_the_next_plan(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    handed(database, scope, made.plan_id)
    with database.unit_of_work(Scope(scope.tenant_id, made.hall.person.id, "clerk")) as session:
        pick_all(session, made.hall)
    second = replaced(database, scope, made.plan_id, without=made.names[:1])
    working.run(database, plan_id=second, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        [left] = working.state_of(session, made.plan_id).work
        assert (left.consignment_no, left.order_state) == (made.names[0], "picked")
        assert left.code is not None
        first, base = session.get_one(StoredPlan, made.plan_id), session.get_one(StoredPlan, second)
        next_id = successor(session, base, document=first.document, without=made.names[1:3], beside=True).id
    handed(database, scope, next_id)
    with database.unit_of_work(scope) as session:
        [work] = working.state_of(session, next_id).work
        assert (work.consignment_no, work.state, work.order_state, work.code) == (
            made.names[0], "reserved", "picked", None,
        )  # fmt: skip
        assert len(orders(session)) == 2
        assert working.state_of(session, made.plan_id).work == ()


@pytest.mark.parametrize(
    ("state", "after", "reason"),
    [("draft", "deleted", "list_deleted"), ("declared", "declared", "list_with_customs")],
)
def test_the_list_of_what_is_carried_no_more_is_deleted_unless_customs_has_it(
    database: Database, scope: Scope, state: str, after: str, reason: str
) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session, "bonded", mode="5034", status="bonded")
        book_no = session.scalars(select(BookLine.book_no)).one()
        owner_id, site_id = made.hall.owner.id, made.hall.site.id
        session.add(AccountBook(book_no=book_no, company_id=owner_id, site_id=site_id, valid_from_on=date(2026, 1, 1)))
    handed(database, scope, made.plan_id)
    with database.unit_of_work(scope) as session:
        session.scalars(select(VerificationList).order_by(VerificationList.id)).all()[0].state = state
    new_id = replaced(database, scope, made.plan_id, without=made.names[:1])
    working.run(database, plan_id=new_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        drawn = session.scalars(select(VerificationList).order_by(VerificationList.id)).all()
        assert [one.state for one in drawn] == [after, "draft"]
        papers = {one.document: one for one in working.state_of(session, made.plan_id).papers}
        paper = papers["INV101"]
        assert (paper.state, paper.document_no, paper.reason) == ("todo", None, reason)
        assert paper.values == {"number": drawn[0].internal_no}
        assert REASONS[reason] % paper.values


def test_handing_over_twice_makes_nothing_twice(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    handed(database, scope, made.plan_id)
    handed(database, scope, made.plan_id)
    with database.unit_of_work(scope) as session:
        assert len(orders(session)) == 2
        assert session.scalar(select(func.sum(Allocation.qty))) == 60
        assert session.scalar(select(func.max(ConsignmentWork.tried))) <= 2


def test_stock_that_lacks_is_named_and_reserved_when_it_has_come(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
        name_goods(session, made.names[0], [GoodsLine(made.hall.site.code, made.hall.tea.code, 70)])
    handed(database, scope, made.plan_id)
    with database.unit_of_work(scope) as session:
        found = working.state_of(session, made.plan_id)
        short = next(one for one in found.work if one.state == "short")
        assert (short.consignment_no, short.code, short.order_state) == (made.names[0], "stock_short", "open")
        made.hall.put(session, made.hall.tea, made.hall.bins[2], 30)
    working.run(database, plan_id=made.plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert working.state_of(session, made.plan_id).counted()["work"]["reserved"] == 2
        assert len(orders(session)) == 2
    assert clean(database, scope)


def test_an_order_that_the_floor_refuses_stands_with_the_refusal(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session, "ordinary", mode="5034")  # bonded goods out of an ordinary warehouse
    handed(database, scope, made.plan_id)
    with database.unit_of_work(scope) as session:
        found = working.state_of(session, made.plan_id)
        assert {one.code for one in found.work if one.state == "refused"} == {"wrong_customs_status"}
        assert orders(session) == []
        assert {one.reason for one in found.papers if one.document == "INV101"} == {"goods_not_promised"}


def test_bonded_goods_get_a_draft_list_of_the_lines_that_are_promised(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session, "bonded", mode="5034", status="bonded")
        book_no = session.scalars(select(BookLine.book_no)).one()
        owner_id, site_id = made.hall.owner.id, made.hall.site.id
        session.add(AccountBook(book_no=book_no, company_id=owner_id, site_id=site_id, valid_from_on=date(2026, 1, 1)))
    handed(database, scope, made.plan_id)
    with database.unit_of_work(scope) as session:
        found = working.state_of(session, made.plan_id)
        mine = {one.document: one for one in found.papers if one.consignment_no == made.names[0]}
        assert list(mine) == ["INV101", "entry", "SAS121", "transit"]
        assert mine["INV101"].state == "drafted"
        assert (mine["SAS121"].state, mine["SAS121"].reason) == ("todo", "vehicle_unknown")
        assert mine["transit"].reason == "seal_unknown"
        drawn = session.scalars(select(VerificationList).order_by(VerificationList.id)).all()
        assert (drawn[0].internal_no, drawn[0].state, drawn[0].direction) == (mine["INV101"].document_no, "draft", "E")
        lines = select(VerificationLine.declared_base_qty).order_by(VerificationLine.id)
        assert session.scalars(lines).all() == [40, 20]
        note_paper(session, made.plan_id, made.names[0], "entry", "490020260000000001", now())
        with pytest.raises(UnknownPaper):
            note_paper(session, made.plan_id, made.names[0], "603", "1", now())
        done = [one for one in working.state_of(session, made.plan_id).papers if one.state == "done"]
        assert [(one.document, one.document_no) for one in done] == [("entry", "490020260000000001")]
    working.run(database, plan_id=made.plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert session.scalar(select(func.count()).select_from(VerificationList)) == 2
    assert clean(database, scope)


def test_goods_are_named_while_the_consignment_is_open(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
        with pytest.raises(NotFound, match="NOWHERE"):
            name_goods(session, made.names[0], [GoodsLine("NOWHERE", made.hall.tea.code, 1)])
        with pytest.raises(NotFound, match="NOTHING"):
            name_goods(session, made.names[0], [GoodsLine(made.hall.site.code, "NOTHING", 1)])
        with pytest.raises(PlanNotAccepted):
            working.ask(session, made.plan_id)
        working.accept(session, made.plan_id)
        with pytest.raises(ConsignmentNotOpen):
            name_goods(session, made.names[0], [])
        assert working.loading_order(whole(session, made.plan_id), "B0001") == [*made.names[:2]]


def test_papers_follow_the_mode_and_say_what_lacks() -> None:
    ordinary = Facts("0110", "E", False, False, (), False, "CNSGH")
    assert [(one.document, one.reason) for one in papers(ordinary, (("entry",), ("gate",)))] == [
        ("entry", "declared_elsewhere"), ("transit", "seal_unknown"),
    ]  # fmt: skip
    zone = Facts("5034", "E", True, True, ("T4912W000001", "T4912W000002"), True, None)
    found = papers(zone, (("INV101",), ("INV201",), ("entry",), ("SAS121",), ("gate",), ("INV211",)))
    assert [(one.document, one.reason) for one in found] == [
        ("INV101", "several_books"), ("entry", "declared_elsewhere"), ("SAS121", "vehicle_unknown"),
    ]  # fmt: skip
    parcels = Facts("9610", "E", False, False, (), False, None)
    assert {one.reason for one in papers(parcels, (("303", "505"), ("603",), ("604",)))} == {"parcels_unknown"}
    assert papers(Facts("9999", "E", False, False, (), False, None), None)[0].reason == "mode_unknown"
