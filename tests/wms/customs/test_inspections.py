"""Inspection centres 1210 and 9610: exactly the ordered parcels are held, from the order to the gate."""

from collections.abc import Collection
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests import build
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, sale
from tests.wms.floor.leaving import Yard, build_yard, by
from tests.wms.floor.loads import refused, sscc_of
from tests.wms.floor.service.test_retail import declare, loaded_on, put_on
from wms.customs import inspection_queries as queries
from wms.customs import inspection_rules as rules
from wms.customs import inspections
from wms.customs.inspections import Order, Result
from wms.customs.parcels.guard import Leaving, ParcelHeld, ParcelNotReleased, refuse_unreleased
from wms.customs.tables import (
    GatePass,
    InspectionDraw,
    InspectionLane,
    InspectionOrder,
    ParcelInspection,
)
from wms.customs.tables.parcels import ParcelDeclaration
from wms.errors import NotFound
from wms.floor.service import departing, loading
from wms.gate.service.facts import pass_facts
from wms.parties import dated

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 20
LATER = AT + timedelta(hours=3)


@pytest.fixture
def lane(session: Session) -> InspectionLane:
    site = build.make_site(session)
    site.kind = "inspection"
    session.flush()
    return inspections.add_lane(session, site.id, "X1", "1210", ("一号线", "Line 1"))


def number_of(session: Session, declaration_id: int) -> str:
    return str(world.row(session, declaration_id).cop_no)


def ordered(session: Session, *declaration_ids: int, mode: str = "1210") -> list[ParcelInspection]:
    numbers = tuple(number_of(session, one) for one in declaration_ids)
    made = inspections.order(session, Order(numbers, mode, "布控查验", LATER, customs_no="4912-1"))
    query = select(ParcelInspection).where(ParcelInspection.order_id == made.id).order_by(ParcelInspection.id)
    return list(session.scalars(query))


def on_hold(session: Session, declaration_id: int) -> bool:
    return world.row(session, declaration_id).is_on_hold


def test_exactly_the_ordered_parcels_are_held_and_let_go(session: Session, lane: InspectionLane) -> None:
    one, other = world.released(session, sale()), world.released(session, sale())
    (inspection,) = ordered(session, one)
    assert (on_hold(session, one), on_hold(session, other)) == (True, False)
    inspections.start(session, inspection.id, lane.id, LATER, None)
    done = inspections.note_result(session, Result(inspection.id, "xray", "passed", "", LATER))
    assert done.state == "cleared"
    assert (on_hold(session, one), on_hold(session, other)) == (False, False)


def test_a_suspicious_picture_is_settled_by_unpacking_alone(session: Session, lane: InspectionLane) -> None:
    declaration = world.released(session, sale())
    (inspection,) = ordered(session, declaration)
    inspections.start(session, inspection.id, lane.id, LATER, None)
    inspections.note_result(session, Result(inspection.id, "xray", "suspicious", "轮廓不符", LATER))
    assert on_hold(session, declaration)
    for outcome in ("passed", "suspicious"):
        with pytest.raises(rules.NeedsUnpacking):
            inspections.note_result(session, Result(inspection.id, "xray", outcome, "再看一次", LATER))
    inspections.note_result(session, Result(inspection.id, "unpack", "passed", "", LATER))
    assert not on_hold(session, declaration)
    _, steps, _ = queries.inspection(session, inspection.id)
    assert [(step.step, step.outcome) for step in steps] == [
        ("ordered", None), ("started", None), ("xray", "suspicious"), ("unpack", "passed"),
    ]  # fmt: skip


def test_a_failed_parcel_is_detained_until_an_officer_lifts_it_with_a_reason(
    session: Session, lane: InspectionLane
) -> None:
    declaration = world.released(session, sale())
    (inspection,) = ordered(session, declaration)
    inspections.start(session, inspection.id, lane.id, LATER, None)
    failed = Result(inspection.id, "unpack", "failed", "夹带未申报物品", LATER)
    with pytest.raises(rules.PictureNeeded):
        inspections.note_result(session, failed)
    first = inspections.add_picture(session, inspection.id, JPEG, LATER, None)
    assert inspections.add_picture(session, inspection.id, JPEG, LATER, None).id == first.id
    assert inspections.note_result(session, failed).state == "detained"
    assert on_hold(session, declaration)
    assert queries.picture(session, first.id) == ("image/jpeg", JPEG)
    with pytest.raises(rules.FindingNeeded):
        inspections.lift(session, inspection.id, " ok ", LATER, None)
    inspections.lift(session, inspection.id, "补充申报已核实", LATER, None)
    assert not on_hold(session, declaration)
    with pytest.raises(rules.NotAtThisStep):
        inspections.lift(session, inspection.id, "再次解除", LATER, None)


def test_each_mistake_has_its_own_words(session: Session, lane: InspectionLane) -> None:
    declaration = world.released(session, sale())
    number = number_of(session, declaration)
    for command, refusal in (
        (Order((number,), "9610", "布控查验", LATER), rules.WrongModeForInspection),
        (Order((number,), "1210", " no ", LATER), rules.FindingNeeded),
        (Order((number, "PD-NONE"), "1210", "布控查验", LATER), NotFound),
        (Order((number,), "5000", "布控查验", LATER), rules.UnknownMode),
    ):
        with pytest.raises(refusal):
            inspections.order(session, command)
    assert not on_hold(session, declaration)
    (inspection,) = ordered(session, declaration)
    with pytest.raises(rules.InspectionStands):
        ordered(session, declaration)
    with pytest.raises(rules.NotAtThisStep):
        inspections.note_result(session, Result(inspection.id, "xray", "passed", "", LATER))
    with pytest.raises(rules.NotAtThisStep):
        inspections.add_picture(session, inspection.id, JPEG, LATER, None)
    with pytest.raises(NotFound):
        inspections.start(session, inspection.id, 0, LATER, None)
    lane.is_open = False
    with pytest.raises(rules.LaneShut):
        inspections.start(session, inspection.id, lane.id, LATER, None)
    lane.is_open, lane.mode = True, "9610"
    with pytest.raises(rules.WrongModeForInspection):
        inspections.start(session, inspection.id, lane.id, LATER, None)
    lane.mode = "1210"
    inspections.start(session, inspection.id, lane.id, LATER, None)
    for result, wrong in (
        (Result(inspection.id, "unpack", "suspicious", "拆开后可疑", LATER), rules.SuspiciousIsOfXray),
        (Result(inspection.id, "xray", "suspicious", "", LATER), rules.FindingNeeded),
        (Result(0, "xray", "passed", "", LATER), NotFound),
    ):
        with pytest.raises(wrong):
            inspections.note_result(session, result)
    for content in (b"GIF89a", JPEG + b"x" * rules.MOST_PICTURE_BYTES):
        with pytest.raises(rules.BadPicture):
            inspections.add_picture(session, inspection.id, content, LATER, None)
    site = build.make_site(session)
    site.kind = "ordinary"
    with pytest.raises(rules.NotACentre):
        inspections.add_lane(session, site.id, "X2", "1210", ("二", "2"))


def test_the_random_rule_draws_each_parcel_once_and_can_be_made_again(session: Session) -> None:
    """Share and seed of the day: the same parcels for whoever draws again with the same."""
    before = [world.released(session, sale()) for _ in range(3)]
    rule = {"share_bp": 5_000, "seed": "of this test"}
    dated.set_value(
        session, "inspection.random", rule, valid_from_on=date(2026, 1, 1), source="test", subject="1210"
    )  # fmt: skip
    after = [world.released(session, sale()) for _ in range(40)]
    wanted = {
        one for one in after
        if rules.is_drawn("of this test", date(2026, 6, 1), number_of(session, one), 5_000)
    }  # fmt: skip
    assert {one for one in after if on_hold(session, one)} == wanted
    assert 0 < len(wanted) < 40
    assert not any(on_hold(session, one) for one in before)
    drawn, made = inspections.draw(session, "1210", AT)
    assert drawn >= len(before)
    assert inspections.draw(session, "1210", AT) == (0, None)
    held = {one for one in before if on_hold(session, one)}
    assert held == {
        one for one in before if rules.is_drawn("of this test", date(2026, 6, 1), number_of(session, one), 5_000)
    }
    assert (made is not None) == bool(held)
    told = session.scalars(select(InspectionDraw.rule).where(InspectionDraw.declaration_id == after[0])).one()
    assert told == {**rule, "on": "2026-06-01"}
    orders = session.scalars(select(InspectionOrder).where(InspectionOrder.made_by == "rule")).all()
    assert all(order.rule == told for order in orders)


def test_the_share_is_what_it_says() -> None:
    taken = sum(rules.is_drawn("seed", date(2026, 6, 1), f"PD{n:08d}", 300) for n in range(20_000))
    assert 500 < taken < 700
    assert not any(rules.is_drawn("seed", date(2026, 6, 1), f"PD{n:08d}", 0) for n in range(1_000))
    assert all(rules.is_drawn("seed", date(2026, 6, 1), f"PD{n:08d}", 10_000) for n in range(1_000))


def test_customs_receipt_500_orders_and_800_ends_it(session: Session, lane: InspectionLane) -> None:
    declaration = world.declared(session, sale())
    world.receipt(session, declaration, "500", hours=1)
    found = session.scalars(select(ParcelInspection).where(ParcelInspection.declaration_id == declaration)).one()
    assert (found.state, on_hold(session, declaration)) == ("waiting", True)
    world.receipt(session, declaration, "800", hours=2)
    session.refresh(found)
    assert (found.state, on_hold(session, declaration)) == ("cleared", False)


def test_what_was_found_suspicious_is_not_freed_by_a_receipt(session: Session, lane: InspectionLane) -> None:
    declaration = world.declared(session, sale())
    world.receipt(session, declaration, "500", hours=1)
    found = session.scalars(select(ParcelInspection).where(ParcelInspection.declaration_id == declaration)).one()
    inspections.start(session, found.id, lane.id, LATER, None)
    inspections.note_result(session, Result(found.id, "xray", "suspicious", "轮廓不符", LATER))
    world.receipt(session, declaration, "800", hours=5)
    assert on_hold(session, declaration)


def test_customs_own_order_outlasts_an_officers(session: Session, lane: InspectionLane) -> None:
    """Receipt 500 comes while an officer's order is being carried out: its passing does not end customs' order."""
    lane.mode = "9610"
    declaration = world.declared(session, sale())
    row = world.row(session, declaration)
    leaving = Leaving("106141412345678908", 0, None, row.waybill_no, "9610", is_retail=False)
    row.direction, row.trade_mode = "E", "9610"
    session.flush()
    (inspection,) = ordered(session, declaration, mode="9610")
    inspections.start(session, inspection.id, lane.id, LATER, None)
    world.receipt(session, declaration, "500", hours=1)
    inspections.note_result(session, Result(inspection.id, "xray", "passed", "", LATER))
    assert on_hold(session, declaration)
    with pytest.raises(ParcelNotReleased):
        refuse_unreleased(session, [leaving])
    query = select(ParcelInspection.id).where(
        ParcelInspection.declaration_id == declaration, ParcelInspection.state == "waiting"
    )
    own = session.scalars(query).one()
    inspections.start(session, own, lane.id, LATER, None)
    inspections.note_result(session, Result(own, "xray", "passed", "", LATER))
    assert not on_hold(session, declaration)
    (again,) = ordered(session, declaration, mode="9610")
    inspections.start(session, again.id, lane.id, LATER, None)
    inspections.note_result(session, Result(again.id, "xray", "passed", "", LATER))
    assert not on_hold(session, declaration)


def test_a_lane_without_xray_gives_no_picture(session: Session, lane: InspectionLane) -> None:
    lane.has_xray = False
    (inspection,) = ordered(session, world.released(session, sale()))
    inspections.start(session, inspection.id, lane.id, LATER, None)
    with pytest.raises(rules.NoXray):
        inspections.note_result(session, Result(inspection.id, "xray", "passed", "", LATER))
    assert inspections.note_result(session, Result(inspection.id, "unpack", "passed", "", LATER)).state == "cleared"


def test_a_lane_of_a_centre_has_its_code_once(session: Session, lane: InspectionLane) -> None:
    with pytest.raises(rules.InspectionLaneExists):
        inspections.add_lane(session, lane.site_id, lane.code, "9610", ("又一条", "Another"))


def test_the_random_rule_leaves_alone_what_was_gone_when_it_had_the_lock(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration = world.released(session, sale())
    dated.set_value(
        session, "inspection.random", {"share_bp": 10_000, "seed": "x"}, valid_from_on=date(2026, 1, 1),
        source="test", subject="1210",
    )  # fmt: skip
    lock = inspections._locked

    def cancelled_meanwhile(session: Session, ids: Collection[int]) -> list[ParcelDeclaration]:
        session.execute(update(ParcelDeclaration).where(ParcelDeclaration.id == declaration).values(state="cancelled"))
        return lock(session, ids)

    monkeypatch.setattr(inspections, "_locked", cancelled_meanwhile)
    assert inspections.draw(session, "1210", AT) == (0, None)
    assert not on_hold(session, declaration)


def test_an_export_parcel_under_inspection_stays_too(session: Session) -> None:
    leaving = Leaving("106141412345678908", 0, None, "W-EXPORT-1", "9610", is_retail=False)
    refuse_unreleased(session, [leaving])
    declaration = world.released(session, sale())
    row = world.row(session, declaration)
    leaving = Leaving("106141412345678908", 0, None, row.waybill_no, "9610", is_retail=False)
    row.direction, row.trade_mode = "E", "9610"
    session.flush()
    refuse_unreleased(session, [leaving])
    ordered(session, declaration, mode="9610")
    with pytest.raises(ParcelHeld):
        refuse_unreleased(session, [leaving])


@pytest.fixture
def zone(session: Session) -> Yard:
    return build_yard(session, "bonded")


def test_from_the_order_to_the_gate(session: Session, zone: Yard, lane: InspectionLane) -> None:
    """A parcel that is loaded, ordered, examined, detained and lifted: held at each door until it is free again."""
    load, parcel, order_no = loaded_on(session, zone)
    declaration = declare(session, zone, order_no)
    world.receipt(session, declaration, "500", hours=1)
    assert isinstance(refused(session, put_on(session, load, parcel)), ParcelNotReleased)
    world.receipt(session, declaration, "800", hours=2)
    (inspection,) = ordered(session, declaration)
    assert isinstance(refused(session, put_on(session, load, parcel)), ParcelHeld)
    inspections.start(session, inspection.id, lane.id, LATER, None)
    inspections.note_result(session, Result(inspection.id, "xray", "passed", "", LATER))
    loading.put_on(session, load.id, sscc_of(session, parcel), by())
    departing.close_load(session, load.id, by())
    gate_pass = session.get_one(GatePass, load.gate_pass_id)
    assert pass_facts(session, gate_pass, 0, 1).control_order is None
    (again,) = ordered(session, declaration)
    assert pass_facts(session, gate_pass, 0, 1).control_order == "detain"
    inspections.start(session, again.id, lane.id, LATER, None)
    inspections.add_picture(session, again.id, JPEG, LATER, None)
    inspections.note_result(session, Result(again.id, "unpack", "failed", "夹带未申报物品", LATER))
    assert pass_facts(session, gate_pass, 0, 1).control_order == "detain"
    inspections.lift(session, again.id, "补充申报已核实", LATER, None)
    assert pass_facts(session, gate_pass, 0, 1).control_order is None
