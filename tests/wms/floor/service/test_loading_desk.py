"""Loading and sorting by scan on a real database: whichever is scanned first, each mistake told, two loaders."""

import threading

import pytest
from sqlalchemy import select

from tests.wms.floor.leaving import (
    Gun,
    Yard,
    at_place,
    build_yard,
    label,
    now,
    sscc_label,
)
from tests.wms.floor.loads import file_pass, packed, sscc_of, truck
from tests.wms.gate.world import new_plate
from wms.db import Database, Scope
from wms.floor.service import departing, sorting
from wms.floor.tables.loading import LoadUnit, VehicleLoad


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
