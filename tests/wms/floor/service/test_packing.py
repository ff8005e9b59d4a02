"""The packing desk on a real database: from a picked tote to a weighed parcel, each mistake with its own message."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.leaving import Gun, Yard, build_yard, by, in_unit, label, now, sscc_label, state_of
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor import packing_queries
from wms.floor.leaving_queries import contents
from wms.floor.rules import packing as rules
from wms.floor.rules.mistakes import LotMissing, MovedSince, NothingToUndo
from wms.floor.service import cartons, closing_parcels, packing, splitting_parcels
from wms.floor.service.acting import Portion, carry
from wms.floor.service.cartons import NewCarton
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel, ParcelItem
from wms.floor.tables.tasks import Task
from wms.parties import dated
from wms.stock.tables import HandlingUnit, Posting

P5_TARE = 195


@pytest.fixture
def yard(session: Session) -> Yard:
    return build_yard(session)


def opened(session: Session, yard: Yard, carton: str = "P5", order_id: int | None = None) -> Parcel:
    return packing.open_parcel(session, OpenParcel(yard.packing.id, yard.owner.id, carton, order_id), by())


def test_an_order_is_packed_weighed_and_closed_and_its_goods_lie_in_the_parcel(session: Session, yard: Yard) -> None:
    order_id, number, tote = yard.picked_order(session, (yard.tea, 2), (yard.cup, 1), consignee_region="HN")
    parcel = opened(session, yard, order_id=order_id)
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 2), by())
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.cup.id, 1), by())
    assert (in_unit(session, tote.id), in_unit(session, parcel.handling_unit_id)) == (0, 3)
    assert state_of(session, order_id) == "picked"
    weight_g = P5_TARE + 1310
    closed = closing_parcels.close_parcel(
        session, parcel.id, by(), weight_g=weight_g, carrier="SF", waybill_no="SF1"
    )
    assert (closed.weighing.expected_g, closed.weighing.tolerance_g) == (P5_TARE + 1300, 30)
    assert state_of(session, order_id) == "packed"
    row = packing_queries.parcel(session, packing_queries.sscc_of(session, parcel))
    assert row is not None
    assert (row.state, row.order_no, row.carrier, row.waybill_no, row.region) == ("closed", number, "SF", "SF1", "HN")
    assert row.label is not None
    assert (row.label["weight_g"], row.label["sscc"], len(row.label["items"])) == (P5_TARE + 1310, row.sscc, 2)
    task = session.scalars(select(Task).where(Task.kind == "sort", Task.subject_id == parcel.id)).one()
    assert task.state == "open"
    kinds = set(session.scalars(select(Posting.kind).where(Posting.source_doc == f"parcel:{row.sscc}")))
    assert kinds == {"pack"}


def test_a_parcel_that_is_too_light_is_stopped_with_what_may_be_missing(session: Session, yard: Yard) -> None:
    parcel = opened(session, yard)
    tote = yard.tote(session, (yard.tea, 3), (yard.cup, 2))
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 3), by())
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.cup.id, 2), by())
    expected = P5_TARE + 3 * 500 + 2 * 300
    with pytest.raises(rules.TooLight) as light:
        closing_parcels.close_parcel(session, parcel.id, by(), weight_g=expected - 510)
    assert light.value.values["suspects"] == f"1 × {yard.tea.code}"
    with pytest.raises(rules.TooHeavy) as heavy:
        closing_parcels.close_parcel(session, parcel.id, by(), weight_g=expected + 300)
    assert heavy.value.values["suspects"] == f"1 × {yard.cup.code}"
    light_g, reason = expected - 510, "lid was left off"
    said = closing_parcels.close_parcel(session, parcel.id, by(), weight_g=light_g, weight_reason=reason)
    assert (said.parcel.state, said.parcel.weight_reason) == ("closed", "lid was left off")


def test_the_tolerance_is_dated_data_and_may_differ_by_carton(session: Session, yard: Yard) -> None:
    parcel = opened(session, yard)
    tote = yard.tote(session, (yard.tea, 1))
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 1), by())
    dated.set_value(
        session, "packing.weight_tolerance", {"permille": 500, "least_g": 1}, subject="P5", source="test",
        valid_from_on=now().date(),
    )  # fmt: skip
    closed = closing_parcels.close_parcel(session, parcel.id, by(), weight_g=P5_TARE + 800)
    assert closed.weighing.tolerance_g == (P5_TARE + 500) // 2


def refusal_of(session: Session, yard: Yard, wanted: PutIn) -> WmsError:
    with pytest.raises(WmsError) as refused, session.begin_nested():
        packing.put_in(session, wanted, by())
    return refused.value


def test_each_packing_mistake_has_its_own_message(session: Session, yard: Yard) -> None:
    order_id, number, tote = yard.picked_order(session, (yard.tea, 2))
    extra = yard.tote(session, (yard.tea, 5), (yard.cup, 5))
    parcel = opened(session, yard, order_id=order_id)

    def refused(unit: HandlingUnit, item_id: int, qty: int, **more: object) -> str:
        return refusal_of(session, yard, PutIn(parcel.id, unit.id, item_id, qty, **more)).code  # type: ignore[arg-type]

    stranger = build.make_company(session, "owner_of_goods")
    foreign = build.make_item(session, stranger)
    yard.put(session, foreign, yard.packing, 1, extra)
    held = yard.tote(session)
    yard.put(session, yard.tea, yard.packing, 1, held, quality_status="hold")
    assert refused(extra, yard.cup.id, 1) == "wrong_item_for_order"
    assert refused(extra, yard.tea.id, 3) == "too_many_for_order"
    assert refused(tote, yard.cup.id, 1) == "not_in_unit"
    assert refused(tote, yard.tea.id, 1, lot_no="L9") == "not_in_unit"
    assert refused(extra, foreign.id, 1) == "belongs_to_other"
    assert refused(held, yard.tea.id, 1) == "unit_on_hold"
    session.execute(
        update(OutboundOrder).where(OutboundOrder.id == order_id).values(state="cancelled", cancelled_at=now())
    )
    assert refused(tote, yard.tea.id, 1) == "order_is_cancelled"
    assert in_unit(session, parcel.handling_unit_id) == 0
    assert number


def test_without_an_order_only_what_is_in_the_unit_counts(session: Session, yard: Yard) -> None:
    tote = yard.tote(session, (yard.tea, 2))
    parcel = opened(session, yard)
    assert refusal_of(session, yard, PutIn(parcel.id, tote.id, yard.tea.id, 3)).code == "too_many_in_hand"
    lots = [build.make_lot(session, yard.cup).id for _ in range(2)]
    mixed = build.make_handling_unit(session, yard.owner, "crate")
    for lot in lots:
        yard.put(session, yard.cup, yard.packing, 1, mixed, lot_id=lot)
    with pytest.raises(LotMissing):
        packing.put_in(session, PutIn(parcel.id, mixed.id, yard.cup.id, 1), by())


def test_what_was_packed_already_names_who_and_when(session: Session, yard: Yard) -> None:
    tote = yard.tote(session, (yard.tea, 1))
    first, second = opened(session, yard), opened(session, yard)
    packing.put_in(session, PutIn(first.id, tote.id, yard.tea.id, 1), by())
    refused = refusal_of(session, yard, PutIn(second.id, tote.id, yard.tea.id, 1))
    assert refused.code == "already_packed"
    assert refused.values["sscc"] == packing_queries.sscc_of(session, first)
    assert {"person", "at"} <= set(refused.values)


def test_a_tote_of_several_orders_asks_which(session: Session, yard: Yard) -> None:
    one, _, tote = yard.picked_order(session, (yard.tea, 1))
    other, _, _ = yard.picked_order(session, (yard.tea, 2), tote=tote)
    parcel = opened(session, yard)
    assert refusal_of(session, yard, PutIn(parcel.id, tote.id, yard.tea.id, 1)).code == "order_first"
    for order_id, qty in ((one, 1), (other, 2)):
        mine = opened(session, yard, order_id=order_id)
        packing.put_in(session, PutIn(mine.id, tote.id, yard.tea.id, qty), by())
        closing_parcels.close_parcel(session, mine.id, by(), weight_g=P5_TARE + qty * 500)
        assert state_of(session, order_id) == "packed"


def test_the_first_goods_make_a_parcel_that_of_their_order(session: Session, yard: Yard) -> None:
    order_id, _, tote = yard.picked_order(session, (yard.tea, 1), carrier="YTO", route="R7")
    parcel = opened(session, yard)
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 1), by())
    session.refresh(parcel)
    assert (parcel.order_id, parcel.carrier, parcel.route) == (order_id, "YTO", "R7")


def test_closing_refuses_what_cannot_be(session: Session, yard: Yard) -> None:
    parcel, rival = opened(session, yard), opened(session, yard, "P12")
    tote = yard.tote(session, (yard.tea, 10))
    with pytest.raises(rules.EmptyParcel):
        closing_parcels.close_parcel(session, parcel.id, by(), weight_g=100)
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 1), by())
    packing.put_in(session, PutIn(rival.id, tote.id, yard.tea.id, 7), by())
    with pytest.raises(rules.BadWeight):
        closing_parcels.close_parcel(session, parcel.id, by(), weight_g=0)
    with pytest.raises(rules.CartonOverloaded):
        closing_parcels.close_parcel(session, rival.id, by(), weight_g=3540)
    closing_parcels.close_parcel(session, parcel.id, by(), weight_g=P5_TARE + 500, carrier="SF", waybill_no="W1")
    with pytest.raises(rules.ParcelClosed):
        closing_parcels.close_parcel(session, parcel.id, by(), weight_g=P5_TARE + 500)
    assert refusal_of(session, yard, PutIn(parcel.id, tote.id, yard.tea.id, 1)).code == "parcel_closed"
    third = opened(session, yard)
    packing.put_in(session, PutIn(third.id, tote.id, yard.tea.id, 1), by())
    with pytest.raises(rules.WaybillTaken):
        closing_parcels.close_parcel(session, third.id, by(), weight_g=P5_TARE + 500, carrier="SF", waybill_no="W1")


def test_undo_posts_the_mirror_image_and_reopening_takes_the_order_back(session: Session, yard: Yard) -> None:
    order_id, _, tote = yard.picked_order(session, (yard.tea, 2))
    parcel = opened(session, yard, order_id=order_id)
    item = packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 2), by())
    closing_parcels.close_parcel(session, parcel.id, by(), weight_g=P5_TARE + 1000)
    with pytest.raises(rules.ParcelClosed):
        packing.take_back(session, item.id, by())
    assert closing_parcels.reopen_parcel(session, parcel.id).weight_g is None
    assert state_of(session, order_id) == "picked"
    packing.take_back(session, item.id, by())
    assert (in_unit(session, tote.id), in_unit(session, parcel.handling_unit_id)) == (2, 0)
    reversal = session.scalars(select(Posting).where(Posting.reverses_id == item.posting_id)).one()
    assert reversal.kind == "reversal"
    with pytest.raises(NothingToUndo):
        packing.take_back(session, item.id, by())
    closing_parcels.void_parcel(session, parcel.id)
    with pytest.raises(rules.ParcelNotClosed):
        closing_parcels.reopen_parcel(session, parcel.id)


def test_a_parcel_is_split_into_another_carton_and_joined_again(session: Session, yard: Yard) -> None:
    order_id, _, tote = yard.picked_order(session, (yard.tea, 4))
    parcel = opened(session, yard, order_id=order_id)
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 4), by())
    with pytest.raises(rules.EmptyParcel), session.begin_nested():
        splitting_parcels.split_parcel(session, parcel.id, "P6", [(yard.tea.id, None, 4)], by())
    with pytest.raises(rules.TooManyInHand), session.begin_nested():
        splitting_parcels.split_parcel(session, parcel.id, "P6", [(yard.tea.id, None, 5)], by())
    with pytest.raises(rules.NotInUnit), session.begin_nested():
        splitting_parcels.split_parcel(session, parcel.id, "P6", [(yard.cup.id, None, 1)], by())
    new = splitting_parcels.split_parcel(session, parcel.id, "P6", [(yard.tea.id, None, 3)], by())
    assert (in_unit(session, parcel.handling_unit_id), in_unit(session, new.handling_unit_id)) == (1, 3)
    assert [row.qty for row in packing_queries.packed_items(session, parcel.id)] == [1]
    assert [row.qty for row in packing_queries.packed_items(session, new.id)] == [3]
    rest = packing_queries.packed_items(session, parcel.id)[0]
    with pytest.raises(MovedSince):
        packing.take_back(session, rest.id, by())
    packing.take_back(session, packing_queries.packed_items(session, new.id)[0].id, by())
    assert (in_unit(session, parcel.handling_unit_id), in_unit(session, new.handling_unit_id)) == (4, 0)
    assert [row.qty for row in packing_queries.packed_items(session, parcel.id)] == [4]
    packing.take_back(session, packing_queries.packed_items(session, parcel.id)[0].id, by())
    assert in_unit(session, tote.id) == 4


def test_bonded_goods_are_packed_at_bonded_places_only(session: Session) -> None:
    yard = build_yard(session, "bonded")
    tote = yard.tote(session, (yard.tea, 1), place=yard.dock)
    yard.packing.is_bonded = False
    session.flush()
    parcel = opened(session, yard)
    assert refusal_of(session, yard, PutIn(parcel.id, tote.id, yard.tea.id, 1)).code == "not_bonded"


def test_goods_moved_out_of_a_parcel_meanwhile_cannot_be_taken_back(session: Session, yard: Yard) -> None:
    tote = yard.tote(session, (yard.tea, 1))
    parcel = opened(session, yard)
    item = packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, 1), by())
    inside = contents(session, [parcel.handling_unit_id])
    carry(session, [Portion(one, one.qty) for one in inside], yard.dock, by(), "move")
    with pytest.raises(MovedSince):
        packing.take_back(session, item.id, by())


def test_the_catalogue_holds_from_a_day_on_and_starts_with_the_shipped_list(session: Session, yard: Yard) -> None:
    today = now().date()
    shipped = cartons.carton_types(session, today)
    assert {one.code for one in shipped} == {f"P{n}" for n in range(1, 13)}
    assert all(one.source for one in shipped)
    new = NewCarton("P5", "五号", "No. 5", 300, 180, 200, 9_000, 200, 140, today + timedelta(days=1), "a test")
    cartons.add_carton(session, new)
    assert cartons.carton_type(session, "p5", today).length_mm == 290
    assert cartons.carton_type(session, "P5", today + timedelta(days=1)).length_mm == 300
    with pytest.raises(cartons.CartonExists):
        cartons.add_carton(session, new)
    cartons.end_carton(session, "P12", today - timedelta(days=1))
    with pytest.raises(rules.UnknownCarton):
        cartons.carton_type(session, "P12", today)
    with pytest.raises(rules.UnknownCarton):
        opened(session, yard, "P99")
    with pytest.raises(rules.NotAPackingPlace):
        packing.open_parcel(session, OpenParcel(yard.dock.id, yard.owner.id, "P5"), by())
    assert date(today.year, 1, 1) == shipped[0].valid_from_on


# By scan


@pytest.fixture
def floor(database: Database, scope: Scope) -> Yard:
    with database.unit_of_work(scope) as session:
        return build_yard(session)


def gun(database: Database, scope: Scope, yard: Yard, person_id: int | None = None) -> Gun:
    clerk = Scope(scope.tenant_id, person_id or yard.person.id, "clerk")
    return Gun(database, clerk, yard.site.code, "pack")


def test_scans_pack_an_order_place_first(database: Database, scope: Scope, floor: Yard) -> None:
    with database.unit_of_work(scope) as session:
        order_id, number, tote = floor.picked_order(session, (floor.tea, 2))
    at = gun(database, scope, floor)
    assert at.scan("PACK-1").code == "packing_place"
    assert at.scan(number).code == "order_chosen"
    opened = at.scan("P5")
    assert opened.code == "parcel_opened"
    assert at.scan(sscc_label(tote.sscc)).code == "tote_chosen"
    packed = at.scan(label(floor.tea))
    assert (packed.code, packed.is_undoable) == ("packed", True)
    assert packed.progress is not None
    assert (packed.progress["received_qty"], packed.progress["expected_qty"]) == (1, 2)
    assert at.scan("UNDO").code == "undone"
    assert at.codes("QTY 2", label(floor.tea)) == ["quantity_set", "packed"]
    assert at.scan("DONE").code == "weight_wanted"
    stopped = at.scan("695")
    assert (stopped.code, stopped.outcome.value) == ("parcel_too_light", "stop")
    assert f"1 × {floor.tea.code}" in stopped.values["suspects"]
    assert at.scan("1.195 kg").code == "parcel_closed_now"
    with database.unit_of_work(scope) as session:
        assert state_of(session, order_id) == "packed"


def test_the_number_pad_says_the_grams_once_the_parcel_is_on_the_scale(
    database: Database, scope: Scope, floor: Yard
) -> None:
    with database.unit_of_work(scope) as session:
        _, number, tote = floor.picked_order(session, (floor.tea, 2))
    at = gun(database, scope, floor)
    at.codes("PACK-1", number, "P5", sscc_label(tote.sscc), "QTY 2", label(floor.tea))
    asked = at.scan("CONFIRM")
    assert [one.value for one in asked.expects] == ["weight", "goods"]
    far_off = at.scan("QTY 90000")
    assert (far_off.code, far_off.values["suspects"]) == ("parcel_too_heavy", rules.UNKNOWN)
    assert at.scan("QTY 1195").code == "parcel_closed_now"


def test_scans_pack_goods_first(database: Database, scope: Scope, floor: Yard) -> None:
    with database.unit_of_work(scope) as session:
        tote = floor.tote(session, (floor.tea, 1))
    at = gun(database, scope, floor)
    assert at.scan(label(floor.tea)).code == "tote_wanted"
    assert at.scan(sscc_label(tote.sscc)).code == "carton_wanted"
    assert at.scan("P5").code == "packing_place_first"
    assert at.scan("pack-1").code == "packing_place"
    assert at.scan("p5").code == "packed"
    assert at.scan("WAYBILL SF77").code == "waybill_set"
    assert at.scan("WEIGHT 695").code == "parcel_closed_now"
    with database.unit_of_work(scope) as session:
        parcel = session.scalars(select(Parcel)).one()
        assert (parcel.waybill_no, parcel.weight_g, in_unit(session, parcel.handling_unit_id)) == ("SF77", 695, 1)


def test_each_wrong_scan_at_the_packing_desk_is_told(database: Database, scope: Scope, floor: Yard) -> None:
    at = gun(database, scope, floor)
    assert at.scan("DOCK-1").code == "not_a_packing_place"
    assert at.scan("NOBODY").code == "unknown_label"
    assert at.scan(sscc_label(build.check_digit("19999999000000001")[:18])).code == "unknown_label"
    assert at.scan("]E06901234567891").code in ("unknown_label", "broken_check_digit")
    assert at.scan("DONE").code == "no_parcel"
    assert at.scan("WEIGHT 5").code == "no_parcel"
    assert at.scan("WEIGHT five").code == "bad_weight"
    assert at.scan("UNDO").code == "nothing_to_undo"
    assert at.scan("SHORT").code == "nothing_to_confirm"
    assert at.scan("BACK").code == "place_left"


def test_two_packers_reach_for_the_last_piece_and_one_is_told_who_has_it(
    database: Database, scope: Scope, floor: Yard
) -> None:
    with database.unit_of_work(scope) as session:
        tote = floor.tote(session, (floor.tea, 1))
    guns = [gun(database, scope, floor, who.id) for who in (floor.person, floor.other)]
    for one in guns:
        assert one.codes("PACK-1", sscc_label(tote.sscc), "P5")[-1] == "parcel_opened"
    answers: list[str] = []
    start = threading.Barrier(2)

    def pack(one: Gun) -> None:
        start.wait()
        answers.append(one.scan(label(floor.tea)).code)

    threads = [threading.Thread(target=pack, args=(one,)) for one in guns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["already_packed", "packed"]
    with database.unit_of_work(scope) as session:
        assert len(session.scalars(select(ParcelItem)).all()) == 1
        assert session.execute(text("SELECT count(*) FROM posting WHERE kind = 'pack'")).scalar_one() == 1


def test_the_same_scan_twice_packs_once(database: Database, scope: Scope, floor: Yard) -> None:
    with database.unit_of_work(scope) as session:
        tote = floor.tote(session, (floor.tea, 5))
    at = gun(database, scope, floor)
    at.codes("PACK-1", sscc_label(tote.sscc), "P5")
    scan = at.build(label(floor.tea))
    first, again = at.send(scan), at.send(scan)
    assert (first.answer.code, again.answer, again.replayed) == ("packed", first.answer, True)
    with database.unit_of_work(scope) as session:
        assert in_unit(session, tote.id) == 4
