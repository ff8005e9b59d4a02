"""One order all the way: promised, waved, picked, packed, sorted, loaded, shipped; and a pallet without packing."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.leaving import by, of_kind
from tests.wms.floor.outbound import Hall, build_hall, now, state_of
from tests.wms.floor.service.test_picking import lines_of, released
from tests.wms.gate.world import new_plate
from wms.db import Database, Scope
from wms.floor import packing_queries
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service import closing_parcels, departing, loading, opening_loads, packing, sorting, unloading
from wms.floor.service.opening_loads import NewLoad
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.service.picking import Take, pick
from wms.floor.tables import Task
from wms.stock.verify import run


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session, "ordinary")
        build.make_location(session, made.site, kind="dock", code="DOCK-1")
        return made


def task(session: Session, kind: str, subject_id: int) -> str | None:
    return session.scalar(select(Task.state).where(Task.kind == kind, Task.subject_id == subject_id))


def test_an_order_is_promised_picked_packed_sorted_loaded_and_shipped(
    database: Database, scope: Scope, hall: Hall
) -> None:
    clerk = Scope(scope.tenant_id, hall.person.id, "clerk")
    with database.unit_of_work(clerk) as session:
        hall.put(session, hall.tea, hall.bins[0], 30)
        chute = build.make_location(session, hall.site, kind="chute")
        sorting.add_rule(session, sorting.NewSortRule(hall.site.id, chute.id, now().date()))
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 3))
        (line,) = lines_of(session, released(session, hall))
        crate = build.make_handling_unit(session, hall.owner, "crate")
        pick(session, f"p-{build.number()}", Take(line.id, 3, crate.id), now())
        assert (state_of(session, order_id), task(session, "pack", order_id)) == ("picked", "open")
        parcel = packing.open_parcel(session, OpenParcel(hall.packing.id, hall.owner.id, "P3"), by())
        packing.put_in(session, PutIn(parcel.id, crate.id, hall.tea.id, 3), by())
        assert task(session, "pack", order_id) == "taken"
        weight_g = 380 + 3 * hall.tea.gross_weight_g
        closing_parcels.close_parcel(session, parcel.id, by(), weight_g=weight_g)
        assert (state_of(session, order_id), task(session, "pack", order_id)) == ("packed", "done")
        assert task(session, "sort", parcel.id) == "open"
        sorting.put_into_chute(session, parcel.id, chute.id, by())
        assert task(session, "sort", parcel.id) == "done"
        load = opening_loads.open_load(session, NewLoad(hall.site.id, new_plate(), "DOCK-1"))
        loading.put_on(session, load.id, packing_queries.sscc_of(session, parcel), by())
        assert (state_of(session, order_id), task(session, "load", load.id)) == ("loaded", "taken")
        departing.close_load(session, load.id, by())
        assert task(session, "load", load.id) == "done"
        departing.depart(session, load.id, by())
        assert (state_of(session, order_id), of_kind(session, "customer", hall.tea)) == ("shipped", 3)
    assert run(database, scope) == []


def test_a_pallet_that_was_picked_whole_is_loaded_as_it_is(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        pallet = build.make_handling_unit(session, hall.owner)
        hall.put(session, hall.tea, hall.bins[0], 40, handling_unit_id=pallet.id)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 40))
        (line,) = lines_of(session, released(session, hall))
        pick(session, f"p-{build.number()}", Take(line.id, 40), now())
        assert (state_of(session, order_id), task(session, "pack", order_id)) == ("picked", None)
        load = opening_loads.open_load(session, NewLoad(hall.site.id, new_plate()))
        loading.put_on(session, load.id, pallet.sscc, by())
        assert state_of(session, order_id) == "loaded"
        unloading.take_off(session, load.id, pallet.sscc, by())
        assert state_of(session, order_id) == "picked"
        loading.put_on(session, load.id, pallet.sscc, by())
        departing.close_load(session, load.id, by())
        departing.depart(session, load.id, by())
        assert (state_of(session, order_id), of_kind(session, "customer", hall.tea)) == ("shipped", 40)
    assert run(database, scope) == []
