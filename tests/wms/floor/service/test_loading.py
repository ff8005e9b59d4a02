"""Loading on a real database: by scan onto a vehicle, proved against its pass, out by a posting or through the gate."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, func, select, text, update
from sqlalchemy.orm import Session

from tests import build
from tests.conftest import Urls
from tests.wms.floor.leaving import (
    Gun,
    Yard,
    at_place,
    build_yard,
    by,
    in_unit,
    label,
    now,
    of_kind,
    sscc_label,
    state_of,
)
from tests.wms.gate.world import command_of, crossing, make_lane, new_box, new_plate, seen_of
from wms.customs.gate_pass_rules import GoodsNotMoved, NewPass, PassDocument, PassLine
from wms.customs.gate_passes import apply_for_pass, approve_pass, void_pass
from wms.customs.tables import AccountBook, GatePass, GatePassGoods, VerificationLine, VerificationList
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor import loading_queries, packing_queries
from wms.floor.load_verify import findings as floor_findings
from wms.floor.rules import loading as rules
from wms.floor.service import departing, loading, packing, sorting
from wms.floor.service.loading import LooseGoods, NewLoad
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.tables.loading import LoadUnit, VehicleLoad
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel
from wms.gate.service import (
    CommandStep,
    confirm_passage,
    decide_passage,
    expire_or_send,
    record_result,
    register_vehicle,
)
from wms.parties.tables import Location
from wms.record.tables import Leaf
from wms.stock.tables import Account, Balance, Entry, HandlingUnit, Posting
from wms.stock.verify import run as verify
from wms.stock.verify import snapshot

TRUCK_G = 14_000_000


@pytest.fixture
def yard(session: Session) -> Yard:
    return build_yard(session)


@pytest.fixture
def zone(session: Session) -> Yard:
    """A bonded yard."""
    return build_yard(session, "bonded")


def truck(session: Session, yard: Yard, plate: str | None = None, **given: object) -> VehicleLoad:
    new = NewLoad(yard.site.id, plate or new_plate(), "DOCK-1", **given)  # type: ignore[arg-type]
    return loading.open_load(session, new)


def sscc_of(session: Session, parcel: Parcel) -> str:
    return packing_queries.sscc_of(session, parcel)


def packed(session: Session, yard: Yard, qty: int = 1, **head: object) -> tuple[Parcel, int]:
    """A closed parcel of an order of its own."""
    order_id, _, tote = yard.picked_order(session, (yard.tea, qty), **head)
    parcel = packing.open_parcel(session, OpenParcel(yard.packing.id, yard.owner.id, "P5", order_id), by())
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, qty), by())
    packing.close_parcel(session, parcel.id, by(), weight_g=195 + 500 * qty)
    return parcel, order_id


def refused(session: Session, act: Callable[[], object]) -> WmsError:
    with pytest.raises(WmsError) as refusal, session.begin_nested():
        act()
    return refusal.value


def test_a_parcel_is_sorted_loaded_and_shipped_and_its_goods_leave_the_ledger(session: Session, yard: Yard) -> None:
    sorting.add_rule(session, sorting.NewSortRule(yard.site.id, yard.north.id, now().date(), carrier="SF"))
    parcel, order_id = packed(session, yard, 2)
    sorting.put_into_chute(session, parcel.id, yard.north.id, by())
    assert at_place(session, yard.north) == 2
    load = truck(session, yard, carrier="SF")
    loading.put_on(session, load.id, sscc_of(session, parcel), by())
    assert state_of(session, order_id) == "loaded"
    vehicle = session.get_one(Location, load.location_id)
    assert (vehicle.kind, at_place(session, vehicle)) == ("vehicle", 2)
    with pytest.raises(rules.LoadInState):
        departing.depart(session, load.id, by())
    closing = departing.close_load(session, load.id, by(), seal_no="S1")
    assert (closing.is_closed, closing.load.seal_no) == (True, "S1")
    departing.depart(session, load.id, by())
    assert (of_kind(session, "customer", yard.tea), at_place(session, vehicle)) == (2, 0)
    assert state_of(session, order_id) == "shipped"
    session.refresh(parcel)
    assert parcel.state == "shipped"
    kinds = [row[0] for row in session.execute(select(Posting.kind).order_by(Posting.id)) if row[0] != "receipt"]
    assert kinds == ["pack", "sort", "load", "ship"]
    assert session.scalars(select(func.count()).select_from(Leaf).where(Leaf.kind == "load_departed")).one() == 1


def test_the_most_exact_sorting_rule_wins_and_the_wrong_chute_is_refused(session: Session, yard: Yard) -> None:
    today = now().date()
    new = sorting.NewSortRule
    sorting.add_rule(session, new(yard.site.id, yard.north.id, today))
    rule = sorting.add_rule(session, new(yard.site.id, yard.south.id, today, region="HN"))
    assert refused(session, lambda: sorting.add_rule(session, new(yard.site.id, yard.north.id, today))).code == (
        "sort_rule_exists"
    )
    assert refused(session, lambda: sorting.add_rule(session, new(yard.site.id, yard.dock.id, today))).code == (
        "not_a_chute"
    )
    parcel, _ = packed(session, yard, consignee_region="hn")
    other, _ = packed(session, yard, consignee_region="JX")
    named, _ = packed(session, yard, consignee_region="HN", chute="CH-N")
    put = sorting.put_into_chute
    assert sorting.chute_for(session, parcel, today).id == yard.south.id
    assert sorting.chute_for(session, other, today).id == yard.north.id
    assert sorting.chute_for(session, named, today).id == yard.north.id
    wrong = refused(session, lambda: put(session, parcel.id, yard.north.id, by()))
    assert (wrong.code, wrong.values["right"]) == ("wrong_chute", "CH-S")
    put(session, parcel.id, yard.south.id, by())
    again = refused(session, lambda: put(session, parcel.id, yard.south.id, by()))
    assert (again.code, again.values["chute"]) == ("already_sorted", "CH-S")
    sorting.end_rule(session, rule, today)
    assert sorting.chute_for(session, parcel, today + timedelta(days=1)).id == yard.north.id


def test_a_pallet_comes_with_all_that_stands_in_it(session: Session, yard: Yard) -> None:
    pallet = build.make_handling_unit(session, yard.owner)
    cartons = [yard.tote(session, (yard.tea, 3)) for _ in range(2)]
    for carton in cartons:
        carton.parent_id = pallet.id
    session.flush()
    load = truck(session, yard)
    loaded = loading.put_on(session, load.id, pallet.sscc, by())
    assert (loaded.qty, loaded.unit_count) == (6, 3)
    told = refused(session, lambda: loading.put_on(session, load.id, cartons[0].sscc, by()))
    assert (told.code, told.values["plate"]) == ("already_loaded", load.vehicle_plate)
    assert (
        refused(session, lambda: loading.take_off(session, load.id, cartons[0].sscc, by())).code == "goes_with_parent"
    )
    loading.take_off(session, load.id, pallet.sscc, by())
    assert (at_place(session, yard.packing), len(loading_queries.units_on(session, load.id))) == (6, 0)
    loading.put_on(session, load.id, cartons[0].sscc, by())
    session.refresh(cartons[0])
    assert cartons[0].parent_id is None
    loading.take_off(session, load.id, cartons[0].sscc, by(), yard.dock.id)
    assert at_place(session, yard.dock) == 3


def test_each_loading_mistake_has_its_own_message(session: Session, yard: Yard) -> None:
    load = truck(session, yard, carrier="SF", stops=("HN", "HB"))
    other = truck(session, yard)

    def code(sscc: str, where: VehicleLoad = load) -> str:
        return refused(session, lambda: loading.put_on(session, where.id, sscc, by())).code

    assert code("000000000000000000") == "unknown_unit"
    assert code(build.make_handling_unit(session, yard.owner).sscc) == "empty_unit"
    held = yard.tote(session)
    yard.put(session, yard.tea, yard.dock, 1, held, quality_status="hold")
    assert code(held.sscc) == "loaded_unit_on_hold"
    opened = packing.open_parcel(session, OpenParcel(yard.packing.id, yard.owner.id, "P5"), by())
    packing.put_in(session, PutIn(opened.id, yard.tote(session, (yard.tea, 1)).id, yard.tea.id, 1), by())
    assert code(sscc_of(session, opened)) == "not_packed_yet"
    assert code(sscc_of(session, packed(session, yard, carrier="YTO")[0])) == "wrong_vehicle"
    assert code(sscc_of(session, packed(session, yard, consignee_region="GD")[0])) == "wrong_stop"
    cancelled, order_id = packed(session, yard, consignee_region="HN")
    session.execute(
        update(OutboundOrder).where(OutboundOrder.id == order_id).values(state="cancelled", cancelled_at=now())
    )
    assert code(sscc_of(session, cancelled)) == "order_is_cancelled"
    good, _ = packed(session, yard, consignee_region="HN")
    loading.put_on(session, load.id, sscc_of(session, good), by())
    told = refused(session, lambda: loading.put_on(session, other.id, sscc_of(session, good), by()))
    assert (told.code, told.values["load"]) == ("already_loaded", load.load_no)
    assert refused(session, lambda: loading.take_off(session, other.id, sscc_of(session, good), by())).code == (
        "not_on_load"
    )
    departing.close_load(session, load.id, by())
    assert code(sscc_of(session, good)) == "load_not_open"


def test_goods_for_an_early_stop_are_loaded_last(session: Session, yard: Yard) -> None:
    load = truck(session, yard, stops=("HN", "HB"))
    order = [("HB", False), ("HN", False), ("HB", True)]
    for region, in_the_way in order:
        parcel, _ = packed(session, yard, consignee_region=region)
        assert loading.put_on(session, load.id, sscc_of(session, parcel), by()).is_in_the_way is in_the_way


def test_opening_a_load_refuses_what_cannot_be(session: Session, yard: Yard) -> None:
    load = truck(session, yard)

    def code(**given: object) -> str:
        return refused(session, lambda: truck(session, yard, **given)).code

    assert code(plate="TRUCK") == "bad_vehicle"
    assert code(container_no="ABCU1234567") == "bad_vehicle"
    assert code(trailer_plate="?") == "bad_vehicle"
    assert code(plate=load.vehicle_plate) == "second_load"
    assert refused(
        session, lambda: loading.open_load(session, NewLoad(yard.site.id, new_plate(), "PACK-1"))
    ).code == "not_a_dock"  # fmt: skip
    loading.put_on(session, load.id, yard.tote(session, (yard.tea, 1)).sscc, by())
    assert refused(session, lambda: departing.void_load(session, load.id)).code == "load_not_empty"
    assert truck(session, yard, container_no=new_box()).container_no
    empty = truck(session, yard)
    assert refused(session, lambda: departing.close_load(session, empty.id, by())).code == "empty_load"
    departing.void_load(session, empty.id)
    assert truck(session, yard, plate=empty.vehicle_plate).state == "open"
    yard.put(session, yard.tea, session.get_one(Location, empty.location_id), 1)
    departing.void_load(session, session.scalars(select(VehicleLoad.id).order_by(VehicleLoad.id.desc())).first() or 0)
    assert code(plate=empty.vehicle_plate) == "vehicle_not_empty"


def test_loose_goods_are_loaded_by_quantity_and_reversed(session: Session, yard: Yard) -> None:
    yard.put(session, yard.tea, yard.dock, 5)
    load = truck(session, yard)
    loaded = loading.put_on_loose(session, load.id, LooseGoods(yard.dock.id, (yard.tea.id,), 3), by())
    assert at_place(session, yard.dock) == 2
    short = refused(
        session, lambda: loading.put_on_loose(session, load.id, LooseGoods(yard.dock.id, (yard.tea.id,), 3), by())
    )
    assert (short.code, short.values["left"]) == ("not_enough_loose", 2)
    loading.take_off_row(session, load, loaded.row, by())
    assert at_place(session, yard.dock) == 5
    for _ in range(2):
        yard.put(session, yard.cup, yard.dock, 1, lot_id=build.make_lot(session, yard.cup).id)
    mixed = refused(
        session, lambda: loading.put_on_loose(session, load.id, LooseGoods(yard.dock.id, (yard.cup.id,), 1), by())
    )
    assert mixed.code == "lot_wanted"


def test_an_ordinary_load_reopens_and_can_be_changed_before_it_leaves(session: Session, yard: Yard) -> None:
    parcel, order_id = packed(session, yard)
    load = truck(session, yard)
    loading.put_on(session, load.id, sscc_of(session, parcel), by())
    departing.close_load(session, load.id, by(), seal_no="S1")
    departing.reopen_load(session, load.id, by())
    loading.take_off(session, load.id, sscc_of(session, parcel), by())
    assert state_of(session, order_id) == "packed"
    assert refused(session, lambda: departing.reopen_load(session, load.id, by())).code == "load_in_state"


# Bonded goods and their gate pass


def file_pass(
    session: Session, zone: Yard, goods: dict[int, int], plate: str, *, seal_no: str | None = None
) -> GatePass:
    """A pass that is applied for, one line for each item, under a released list."""
    n = build.number()
    book = AccountBook(
        book_no=f"T4912W{n:06d}", company_id=zone.owner.id, site_id=zone.site.id, valid_from_on=now().date()
    )
    session.add(book)
    session.flush()
    listed = VerificationList(
        internal_no=f"QD-{n}", list_no=f"QD491226E{n:09d}", account_book_id=book.id, owner_id=zone.owner.id,
        direction="E", trade_mode="5000", state="pre_deducted", entry_released_at=now(),
    )  # fmt: skip
    session.add(listed)
    session.flush()
    lines = []
    for line_no, (item_id, qty) in enumerate(goods.items(), 1):
        line = VerificationLine(
            verification_list_id=listed.id, line_no=line_no, book_line_id=zone.book_lines[item_id].id,
            trade_item_id=item_id, declared_qty=Decimal(qty), customs_unit="011", declared_base_qty=qty,
        )  # fmt: skip
        session.add(line)
        session.flush()
        lines.append(PassLine(item_id, qty, 500 * qty, line.id))
    register_vehicle(session, plate, tare_g=TRUCK_G)
    return apply_for_pass(
        session,
        NewPass(
            internal_no=f"HF-{n}", owner_id=zone.owner.id, site_id=zone.site.id, direction="E", pass_type="3",
            vehicle_plate=plate, vehicle_weight_g=TRUCK_G, valid_from_at=now() - timedelta(hours=1),
            valid_until_at=now() + timedelta(hours=8), seal_no=seal_no, lines=tuple(lines),
            documents=(PassDocument("1", listed.list_no or "", listed.id),),
        ),
    )  # fmt: skip


def test_bonded_goods_go_out_through_the_gate_on_the_pass_their_load_is_bound_to(session: Session, zone: Yard) -> None:
    lots = [build.make_lot(session, zone.tea).id for _ in range(2)]
    pallets = []
    for lot in lots:
        pallet = build.make_handling_unit(session, zone.owner)
        zone.put(session, zone.tea, zone.dock, 30, pallet, lot_id=lot)
        pallets.append(pallet)
    cups = zone.tote(session, (zone.cup, 5))
    plate = new_plate()
    gate_pass = file_pass(session, zone, {zone.tea.id: 60, zone.cup.id: 5}, plate, seal_no="CN1")
    load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
    for unit in (*pallets, cups):
        loading.put_on(session, load.id, unit.sscc, by())
    with pytest.raises(GoodsNotMoved):
        approve_pass(session, gate_pass.id, at=now())
    assert refused(session, lambda: departing.close_load(session, load.id, by(), seal_no="XX")).code == (
        "load_seal_differs"
    )
    closing = departing.close_load(session, load.id, by(), seal_no="CN1")
    assert closing.is_closed
    assert closing.proof is not None
    assert closing.proof.verdict == "agrees"
    assert of_kind(session, "declared_not_left", zone.tea) == 60
    assert len(session.scalars(select(GatePassGoods)).all()) == 3
    assert refused(session, lambda: departing.depart(session, load.id, by())).code == "leaves_by_gate"
    approve_pass(session, gate_pass.id, at=now())
    after = refused(session, lambda: loading.put_on(session, load.id, cups.sscc, by()))
    assert (after.code, after.values["state"]) == ("loading_after_approval", "approved")
    assert refused(session, lambda: departing.reopen_load(session, load.id, by())).code == "loading_after_approval"
    drive_out(session, zone, gate_pass)
    session.refresh(load)
    assert load.state == "departed"
    assert (of_kind(session, "customer", zone.tea), of_kind(session, "customer", zone.cup)) == (60, 5)
    by_lot = select(Account.lot_id, func.sum(Entry.qty)).join(Entry, Entry.account_id == Account.id)
    left = session.execute(
        by_lot.where(Account.kind == "customer", Account.trade_item_id == zone.tea.id).group_by(Account.lot_id)
    )
    assert {lot: int(qty) for lot, qty in left} == {lots[0]: 30, lots[1]: 30}
    session.commit()  # the constraint triggers agree


def drive_out(session: Session, zone: Yard, gate_pass: GatePass) -> None:
    lane = make_lane(session, zone.site.id)
    session.refresh(gate_pass)
    decided = decide_passage(session, crossing(lane, seen_of(gate_pass)))
    assert decided.verdict == "lift", decided.hold_code
    command = command_of(session, decided.passage_id)
    assert expire_or_send(session, command, now())
    for result in ("accepted", "opened", "passed", "closed"):
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))
    passage = confirm_passage(session, decided.passage_id, passed_at=now())
    assert passage.goods_refusal is None


def test_a_load_that_differs_stays_open_and_its_proof_names_each_line(session: Session, zone: Yard) -> None:
    plate = new_plate()
    gate_pass = file_pass(session, zone, {zone.tea.id: 10, zone.cup.id: 5}, plate)
    load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
    tea = zone.tote(session, (zone.tea, 12))
    loading.put_on(session, load.id, tea.sscc, by())
    closing = departing.close_load(session, load.id, by())
    assert not closing.is_closed
    assert closing.proof is not None
    body = closing.proof.body
    assert [(line["pass_qty"], line["loaded_qty"], line["difference"]) for line in body["lines"]] == [
        (10, 10, 0),
        (5, 0, -5),
    ]
    assert [(extra["qty"], extra["reason"]) for extra in body["extras"]] == [(2, "over")]
    assert body["units"][0]["sscc"] == tea.sscc
    leaf = session.get_one(Leaf, closing.proof.leaf_id)
    assert bytes(leaf.hash) == closing.proof.leaf_hash
    assert (leaf.kind, leaf.subject_id) == ("load_proof", load.id)
    assert load.load_no is not None
    assert load.load_no.encode() in bytes(leaf.body)
    session.refresh(load)
    assert load.state == "open"
    proof = departing.prove(session, load.id, by())
    assert (proof.verdict, proof.id) != ("agrees", closing.proof.id)
    newest = loading_queries.newest_proof(session, load.id)
    assert newest is not None
    assert newest.id == proof.id


def test_goods_of_another_book_line_are_not_those_of_the_pass(session: Session, zone: Yard) -> None:
    plate = new_plate()
    gate_pass = file_pass(session, zone, {zone.tea.id: 3}, plate)
    load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
    other = build.make_book_line(session, zone.tea, "T4902W000002")
    unit = build.make_handling_unit(session, zone.owner)
    zone.put(session, zone.tea, zone.dock, 3, unit, book_line_id=other.id)
    loading.put_on(session, load.id, unit.sscc, by())
    closing = departing.close_load(session, load.id, by())
    assert closing.proof is not None
    assert closing.proof.body["extras"][0]["reason"] == "other_line"
    assert closing.proof.body["lines"][0]["difference"] == -3


def test_bonded_goods_need_a_pass_that_names_them(session: Session, zone: Yard) -> None:
    bare = truck(session, zone)
    tea, cup = zone.tote(session, (zone.tea, 1)), zone.tote(session, (zone.cup, 1))
    assert refused(session, lambda: loading.put_on(session, bare.id, tea.sscc, by())).code == "needs_pass"
    plate = new_plate()
    gate_pass = file_pass(session, zone, {zone.tea.id: 1}, plate)
    load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
    assert refused(session, lambda: loading.put_on(session, load.id, cup.sscc, by())).code == "not_on_pass"
    assert in_unit(session, cup.id) == 1


def test_a_pass_serves_one_load_of_its_own_vehicle(session: Session, zone: Yard) -> None:
    plate = new_plate()
    gate_pass = file_pass(session, zone, {zone.tea.id: 1}, plate)
    other_vehicle = refused(session, lambda: truck(session, zone, gate_pass_no=gate_pass.internal_no))
    assert (other_vehicle.code, other_vehicle.values["wanted"]) == ("pass_of_other_vehicle", plate)
    load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
    second = refused(session, lambda: truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no))
    assert second.code == "second_load"
    with pytest.raises(rules.LoadHasPass):
        loading.bind_pass(session, load.id, gate_pass.internal_no)
    tea = zone.tote(session, (zone.tea, 1))
    loading.put_on(session, load.id, tea.sscc, by())
    departing.close_load(session, load.id, by())
    elsewhere = build_yard(session, "bonded")
    rival = loading.open_load(session, NewLoad(elsewhere.site.id, new_plate()))
    assert refused(session, lambda: loading.bind_pass(session, rival.id, gate_pass.internal_no)).code == (
        "pass_not_for_loading"
    )
    assert refused(session, lambda: loading.bind_pass(session, rival.id, "HF-NONE")).code == "not_found"
    with pytest.raises(rules.LoadInState):
        loading.bind_pass(session, load.id, gate_pass.internal_no)


def test_a_closed_load_comes_back_while_its_pass_is_applied_for_or_void(session: Session, zone: Yard) -> None:
    plate = new_plate()
    gate_pass = file_pass(session, zone, {zone.tea.id: 4}, plate)
    load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
    loading.put_on(session, load.id, zone.tote(session, (zone.tea, 4)).sscc, by())
    vehicle = session.get_one(Location, load.location_id)
    assert departing.close_load(session, load.id, by()).is_closed
    departing.reopen_load(session, load.id, by())
    assert (at_place(session, vehicle), of_kind(session, "declared_not_left", zone.tea)) == (4, 0)
    assert departing.close_load(session, load.id, by()).is_closed
    approve_pass(session, gate_pass.id, at=now())
    void_pass(session, gate_pass.id, reason="wrong truck", at=now())
    assert at_place(session, vehicle) == 4
    assert departing.reopen_load(session, load.id, by()).gate_pass_id is None


# By scan


@pytest.fixture
def floor(database: Database, scope: Scope) -> Yard:
    with database.unit_of_work(scope) as session:
        return build_yard(session)


def gun(database: Database, scope: Scope, yard: Yard, job: str, person_id: int | None = None) -> Gun:
    return Gun(database, Scope(scope.tenant_id, person_id or yard.person.id, "clerk"), yard.site.code, job)


def test_scans_load_a_vehicle_first_or_a_unit_first(database: Database, scope: Scope, floor: Yard) -> None:
    with database.unit_of_work(scope) as session:
        load = truck(session, floor)
        totes = [floor.tote(session, (floor.tea, 2)).sscc for _ in range(2)]
        floor.put(session, floor.cup, floor.dock, 3)
    at = gun(database, scope, floor, "load")
    assert at.scan(sscc_label(totes[0])).code == "vehicle_wanted"
    assert at.scan(load.vehicle_plate).code == "loaded"
    assert at.scan(sscc_label(totes[0])).code == "already_loaded"
    assert at.scan(sscc_label(totes[1])).is_undoable
    assert at.codes("QTY 2", label(floor.cup)) == ["quantity_set", "loaded_loose"]
    assert at.scan("UNDO").code == "undone"
    assert at.codes("UNLOAD", sscc_label(totes[1])) == ["unload_wanted", "unloaded"]
    assert at.codes("UNLOAD", "DOCK-1", sscc_label(totes[0])) == ["unload_wanted", "unload_to", "unloaded"]
    assert at.scan(sscc_label(totes[0])).code == "loaded"
    assert at.codes("DONE", "SEAL-9") == ["seal_wanted", "load_closed"]
    with database.unit_of_work(scope) as session:
        fresh = session.get_one(VehicleLoad, load.id)
        assert (fresh.state, fresh.seal_no, departing.held_on(session, fresh)) == ("closed", "SEAL-9", 2)


def test_each_wrong_scan_at_the_loading_desk_is_told(database: Database, scope: Scope, floor: Yard) -> None:
    at = gun(database, scope, floor, "load")
    assert at.scan("NOBODY").code == "unknown_label"
    assert at.scan(new_plate()).code == "unknown_load"
    assert at.scan("LD99999999").code == "unknown_load"
    assert at.scan(label(floor.tea)).code == "load_first"
    assert at.scan("DONE").code == "load_first"
    assert at.scan("UNDO").code == "nothing_to_undo"
    assert at.scan("DAMAGED").code == "nothing_to_confirm"
    with database.unit_of_work(scope) as session:
        number = truck(session, floor).load_no or ""
    assert at.scan(number).code == "load_chosen"
    assert at.codes("DONE", "CONFIRM") == ["seal_wanted", "empty_load"]


def test_the_scan_of_a_load_that_differs_says_where(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        zone = build_yard(session, "bonded")
        plate = new_plate()
        gate_pass = file_pass(session, zone, {zone.tea.id: 3}, plate)
        truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
        tote = zone.tote(session, (zone.tea, 2))
    at = gun(database, scope, zone, "load")
    at.scan(plate)
    loaded = at.scan(sscc_label(tote.sscc))
    assert loaded.progress is not None
    assert (loaded.progress["received_qty"], loaded.progress["expected_qty"]) == (2, 3)
    told = at.codes("DONE", "CONFIRM")
    assert told == ["seal_wanted", "load_differs"]


def test_scans_sort_a_parcel_whichever_is_scanned_first(database: Database, scope: Scope, floor: Yard) -> None:
    with database.unit_of_work(scope) as session:
        sorting.add_rule(session, sorting.NewSortRule(floor.site.id, floor.north.id, now().date(), carrier="SF"))
        parcels = [sscc_of(session, packed(session, floor)[0]) for _ in range(3)]
        stray = sscc_of(session, packed(session, floor, carrier="ZZ")[0])
    at = gun(database, scope, floor, "sort")
    assert at.scan(sscc_label(parcels[0])).values["chute"] == "CH-N"
    assert at.scan(sscc_label(parcels[1])).code == "parcel_first"
    assert at.scan("CH-S").code == "wrong_chute"
    assert at.scan("CH-N").code == "sorted"
    assert at.codes("CH-N", sscc_label(parcels[1])) == ["chute_chosen", "sorted"]
    assert at.scan(sscc_label(parcels[1])).code == "already_sorted"
    assert at.codes("BACK", sscc_label(stray)) == ["place_left", "no_chute_for"]
    assert at.scan("DOCK-1").code == "not_a_chute"
    assert at.codes("UNDO", "UNDO", "UNDO") == ["undone", "undone", "nothing_to_undo"]
    with database.unit_of_work(scope) as session:
        assert (at_place(session, floor.north), at_place(session, floor.packing)) == (0, 4)
    assert at.codes(sscc_label(parcels[1]), "CH-N") == ["chute_told", "sorted"]
    assert at.scan(sscc_label("000000000000000000")).code == "unknown_parcel"


def test_two_loaders_scan_one_parcel_and_one_is_told_who_has_it(database: Database, scope: Scope, floor: Yard) -> None:
    with database.unit_of_work(scope) as session:
        trucks = [truck(session, floor) for _ in range(2)]
        sscc = sscc_of(session, packed(session, floor)[0])
    guns = [gun(database, scope, floor, "load", who.id) for who in (floor.person, floor.other)]
    for one, load in zip(guns, trucks, strict=True):
        assert one.scan(load.load_no or "").code == "load_chosen"
    answers: list[str] = []
    start = threading.Barrier(2)

    def put(one: Gun) -> None:
        start.wait()
        answers.append(one.scan(sscc_label(sscc)).code)

    threads = [threading.Thread(target=put, args=(one,)) for one in guns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["already_loaded", "loaded"]
    with database.unit_of_work(scope) as session:
        assert len(session.scalars(select(LoadUnit)).all()) == 1


def test_the_ledger_verifies_after_a_day_of_leaving(fresh_database: Database) -> None:
    scope = Scope.system(1)
    with fresh_database.unit_of_work(scope) as session:
        zone = build_yard(session, "bonded")
        plate = new_plate()
        gate_pass = file_pass(session, zone, {zone.tea.id: 6}, plate)
        load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
        loading.put_on(session, load.id, zone.tote(session, (zone.tea, 6)).sscc, by())
        departing.close_load(session, load.id, by())
        approve_pass(session, gate_pass.id, at=now())
        drive_out(session, zone, gate_pass)
    assert verify(fresh_database, scope) == []
    with snapshot(fresh_database, scope) as session:
        assert list(floor_findings(session)) == []
    with fresh_database.unit_of_work(scope) as session:
        assert session.scalars(select(func.sum(Balance.qty)).where(Balance.qty > 0)).one()
        assert session.scalars(select(HandlingUnit.id)).all()


def test_a_proof_that_was_changed_is_found(fresh_urls: Urls, fresh_database: Database) -> None:
    scope = Scope.system(1)
    with fresh_database.unit_of_work(scope) as session:
        zone = build_yard(session, "bonded")
        plate = new_plate()
        gate_pass = file_pass(session, zone, {zone.tea.id: 6}, plate)
        load = truck(session, zone, plate=plate, gate_pass_no=gate_pass.internal_no)
        loading.put_on(session, load.id, zone.tote(session, (zone.tea, 5)).sscc, by())
        departing.close_load(session, load.id, by())
    with snapshot(fresh_database, scope) as session:
        assert list(floor_findings(session)) == []
    superuser = create_engine(fresh_urls.superuser)
    with superuser.begin() as connection:
        connection.execute(text("ALTER TABLE load_proof DISABLE TRIGGER ALL"))
        connection.execute(
            text("UPDATE load_proof SET body = jsonb_set(body, '{lines,0,loaded_qty}', '6'), verdict = 'agrees'")
        )
        connection.execute(text("UPDATE vehicle_load SET state = 'closed'"))
    with snapshot(fresh_database, scope) as session:
        assert [one.invariant for one in floor_findings(session)] == ["I11"]
    with superuser.begin() as connection:
        connection.execute(text("UPDATE load_proof SET verdict = 'differs'"))
    superuser.dispose()
    with snapshot(fresh_database, scope) as session:
        assert sorted(one.invariant for one in floor_findings(session)) == ["I11", "I5"]
