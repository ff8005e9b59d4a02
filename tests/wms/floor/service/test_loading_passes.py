"""Bonded goods on a vehicle: proved against their pass, out through the gate on a real database."""


import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from tests import build
from tests.conftest import Urls
from tests.wms.floor.leaving import (
    Yard,
    at_place,
    build_yard,
    by,
    in_unit,
    now,
    of_kind,
)
from tests.wms.floor.loads import drive_out, file_pass, refused, truck
from tests.wms.gate.world import new_plate
from wms.customs.gate_pass_rules import GoodsNotMoved
from wms.customs.gate_passes import approve_pass, void_pass
from wms.customs.tables import GatePassGoods
from wms.db import Database, Scope
from wms.floor import loading_queries
from wms.floor.load_verify import findings as floor_findings
from wms.floor.rules import loading as rules
from wms.floor.service import departing, loading, opening_loads
from wms.floor.service.opening_loads import NewLoad
from wms.parties.tables import Location
from wms.record.tables import Leaf
from wms.stock.tables import Account, Entry
from wms.stock.verify import snapshot


@pytest.fixture
def zone(session: Session) -> Yard:
    """A bonded yard."""
    return build_yard(session, "bonded")


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
        opening_loads.bind_pass(session, load.id, gate_pass.internal_no)
    tea = zone.tote(session, (zone.tea, 1))
    loading.put_on(session, load.id, tea.sscc, by())
    departing.close_load(session, load.id, by())
    elsewhere = build_yard(session, "bonded")
    rival = opening_loads.open_load(session, NewLoad(elsewhere.site.id, new_plate()))
    assert refused(session, lambda: opening_loads.bind_pass(session, rival.id, gate_pass.internal_no)).code == (
        "pass_not_for_loading"
    )
    assert refused(session, lambda: opening_loads.bind_pass(session, rival.id, "HF-NONE")).code == "not_found"
    with pytest.raises(rules.LoadInState):
        opening_loads.bind_pass(session, load.id, gate_pass.internal_no)


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
