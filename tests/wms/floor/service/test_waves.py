"""Orders are gathered into waves and released as pick lists, cut by the method, walked in a short order."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from tests.wms.floor.outbound import Hall, build_hall, clean, now, promise, state_of
from tests.wms.stock.test_races import all_at_once
from web import waving
from wms.db import Database, Scope
from wms.floor import pick_queries
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.waves import (
    NoOrdersForWave,
    NoPackingPlace,
    NotAPackingPlace,
    NothingToPick,
    WaveNotOpen,
    WaveRule,
)
from wms.floor.service import waves
from wms.floor.service.orders import cancel_order
from wms.floor.tables import Task
from wms.parties.tables import Location


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        for number, place in enumerate(made.bins):
            made.put(session, made.tea, place, 10 + number)
        return made


def test_gathers_by_ship_by_and_carrier_the_urgent_ones_first(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        line, soon, late = OrderLineIn(hall.tea.code, 1), now() + timedelta(hours=1), now() + timedelta(days=2)
        first, _ = hall.order(session, line, ship_by_at=soon, carrier="YTO")
        urgent, _ = hall.order(session, line, ship_by_at=soon, carrier="YTO", priority=1)
        hall.order(session, line, ship_by_at=soon, carrier="SF")
        hall.order(session, line, ship_by_at=late, carrier="YTO")
        rule = WaveRule(ship_by_until=now() + timedelta(hours=2), carrier="YTO", max_orders=1)
        assert waves.gather(session, hall.site.id, "discrete", rule).order_ids == (urgent,)
        assert waves.gather(session, hall.site.id, "discrete", rule).order_ids == (first,)
        with pytest.raises(NoOrdersForWave):
            waves.gather(session, hall.site.id, "discrete", rule)


def test_a_zone_gathers_only_orders_whose_goods_all_lie_there(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        inside, _ = hall.order(session, OrderLineIn(hall.tea.code, 10))
        across, _ = hall.order(session, OrderLineIn(hall.tea.code, 50))
        promise(session, [inside, across])
        made = waves.gather(session, hall.site.id, "zone", WaveRule(zone="Z1"))
        assert made.order_ids == (inside,)


def test_two_who_gather_at_once_share_the_orders(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        ids = {hall.order(session, OrderLineIn(hall.tea.code, 1))[0] for _ in range(6)}

    def gather() -> tuple[int, ...]:
        with database.unit_of_work(scope) as session:
            return waves.gather(session, hall.site.id, "batch", WaveRule()).order_ids

    results = all_at_once([gather, gather])
    got = [one for one in results if not isinstance(one, Exception)]
    assert all(isinstance(one, NoOrdersForWave) for one in results if isinstance(one, Exception)), results
    assert sorted(order for one in got for order in one) == sorted(ids)


def lists_of(session: object, wave_no: str) -> list[pick_queries.ListRow]:
    return pick_queries.pick_lists(session, wave=wave_no)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "lists", "slots"),
    [("discrete", 4, [1]), ("batch", 1, [1]), ("cluster", 1, [1, 2, 3, 4]), ("zone", 2, [1])],
)
def test_a_method_cuts_the_lists_its_own_way(
    database: Database, scope: Scope, hall: Hall, method: str, lists: int, slots: list[int]
) -> None:
    with database.unit_of_work(scope) as session:
        ids = [hall.order(session, OrderLineIn(hall.tea.code, qty))[0] for qty in (10, 11, 12, 13)]
        made = waves.gather(session, hall.site.id, method, WaveRule())
        done = waving.release(session, made.wave_no, f"key-{made.wave_no}", now(), to_place=None)
        assert (len(done.list_ids), done.lines, done.orders, done.left_behind) == (lists, 4, 4, 0)
        first = lists_of(session, made.wave_no)[0]
        assert sorted({line.slot for line in pick_queries.list_lines(session, first.id)}) == slots
        assert (first.to_place, first.lines, first.route_mm is not None) == ("PACK-1", first.lines, True)
        tasks = session.scalars(select(Task).where(Task.kind == "pick", Task.subject_id.in_(done.list_ids))).all()
        assert {task.state for task in tasks} == {"open"}
        assert {state_of(session, one) for one in ids} == {"released"}
    assert clean(database, scope)


def test_a_cart_takes_no_more_orders_than_it_has_slots(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        for _ in range(10):
            hall.order(session, OrderLineIn(hall.tea.code, 1))
        made = waves.gather(session, hall.site.id, "cluster", WaveRule())
        waving.release(session, made.wave_no, "cart", now(), to_place=None)
        assert [row.lines for row in lists_of(session, made.wave_no)] == [8, 2]


def test_the_way_is_shorter_than_the_order_of_the_list(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        # Numbers of the places run against their positions, as they do in halls that grew.
        session.execute(
            text("UPDATE location SET pick_sequence = (pick_sequence * 5) % 7 WHERE site_id = :site AND kind = 'bin'"),
            {"site": hall.site.id},
        )
        for qty in (10, 11, 12, 13, 14, 15):
            hall.order(session, OrderLineIn(hall.tea.code, qty))
        made = waves.gather(session, hall.site.id, "batch", WaveRule())
        waving.release(session, made.wave_no, "way", now(), to_place="pack-1")
        row = lists_of(session, made.wave_no)[0]
        assert row.route_mm is not None
        assert row.item_order_mm is not None
        assert row.route_mm < row.item_order_mm
        places = [line.place for line in pick_queries.list_lines(session, row.id)]
        assert len({place[:3] for place in places[:3]}) == 1  # one aisle after the other


def test_without_positions_the_places_own_numbers_lead(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        session.execute(
            text("UPDATE location SET x_mm = NULL, y_mm = NULL WHERE site_id = :site"), {"site": hall.site.id}
        )
        for qty in (12, 10, 11):
            hall.order(session, OrderLineIn(hall.tea.code, qty))
        made = waves.gather(session, hall.site.id, "batch", WaveRule())
        waving.release(session, made.wave_no, "plain", now(), to_place=None)
        row = lists_of(session, made.wave_no)[0]
        assert row.route_mm is None
        assert [line.place for line in pick_queries.list_lines(session, row.id)] == ["B-1-1", "B-1-2", "B-1-3"]


def test_an_order_without_stock_stays_behind_and_waits(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        good, _ = hall.order(session, OrderLineIn(hall.tea.code, 5))
        empty, _ = hall.order(session, OrderLineIn(hall.beef.code, 5))
        made = waves.gather(session, hall.site.id, "discrete", WaveRule())
        assert waving.release(session, made.wave_no, "left", now(), to_place=None).left_behind == 1
        assert (state_of(session, good), state_of(session, empty)) == ("released", "open")
        assert waves.gather(session, hall.site.id, "discrete", WaveRule()).order_ids == (empty,)


def test_a_wave_is_called_off_and_its_orders_keep_their_stock(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 5))
        made = waves.gather(session, hall.site.id, "discrete", WaveRule())
        done = waving.release(session, made.wave_no, "off", now(), to_place=None)
        waves.call_off(session, made.wave_no, now())
        assert state_of(session, order_id) == "allocated"
        assert lists_of(session, made.wave_no)[0].state == "void"
        assert session.scalar(select(Task.state).where(Task.subject_id == done.list_ids[0])) == "void"
        with pytest.raises(WaveNotOpen):
            waves.call_off(session, made.wave_no, now())
        again = waves.gather(session, hall.site.id, "batch", WaveRule())
        assert waving.release(session, again.wave_no, "on", now(), to_place=None).lines == 1
    assert clean(database, scope)


def test_a_cancelled_order_leaves_its_list(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        _, kept = hall.order(session, OrderLineIn(hall.tea.code, 5))
        _, gone = hall.order(session, OrderLineIn(hall.tea.code, 5))
        made = waves.gather(session, hall.site.id, "batch", WaveRule())
        waving.release(session, made.wave_no, "cancel", now(), to_place=None)
        cancel_order(session, gone, "customer", now())
        row = lists_of(session, made.wave_no)[0]
        assert [line.order_no for line in pick_queries.list_lines(session, row.id)] == [kept]
    assert clean(database, scope)


def test_bonded_goods_are_not_brought_to_a_place_outside_supervision(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        place = session.get_one(Location, hall.packing.id)
        place.is_bonded = False
        from tests import build

        book_line = build.make_book_line(session, hall.tea).id
        hall.put(session, hall.tea, hall.bins[0], 5, customs_status="bonded", book_line_id=book_line)
        hall.order(session, OrderLineIn(hall.tea.code, 5), trade_mode="1210")
        made = waves.gather(session, hall.site.id, "discrete", WaveRule())
        with pytest.raises(NotAPackingPlace):
            waving.release(session, made.wave_no, "a", now(), to_place="PACK-1")
        with pytest.raises(NoPackingPlace):
            waving.release(session, made.wave_no, "b", now(), to_place=None)


def test_nothing_to_pick_is_said(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.order(session, OrderLineIn(hall.beef.code, 5))
        made = waves.gather(session, hall.site.id, "discrete", WaveRule())
        with pytest.raises(NothingToPick):
            waving.release(session, made.wave_no, "none", now(), to_place=None)


def test_a_large_wave_is_released_by_a_job_that_may_run_twice(
    database: Database, scope: Scope, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wms.floor.service import allocating

    monkeypatch.setattr(allocating, "AT_ONCE", 2)
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.beef, hall.bins[1], 1)
        hall.order(session, OrderLineIn(hall.beef.code, 3))
        for _ in range(7):
            hall.order(session, OrderLineIn(hall.tea.code, 2))
        wave_no = waves.gather(session, hall.site.id, "batch", WaveRule()).wave_no
    # The first run died before the wave was released, with too little stock: the second finds what came meanwhile.
    with monkeypatch.context() as broken:
        broken.setattr(waves, "release", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            waving.release_job(
                database, tenant_id=scope.tenant_id, person_id=None, wave_no=wave_no, key="job", to_place=None
            )
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.beef, hall.bins[0], 5)
    for _ in range(2):
        waving.release_job(
            database, tenant_id=scope.tenant_id, person_id=None, wave_no=wave_no, key="job", to_place=None
        )
    with database.unit_of_work(scope) as session:
        row = pick_queries.wave_by_no(session, wave_no)
        assert row is not None
        assert (row.state, row.lines, row.orders, row.qty) == ("released", 9, 8, 17)
    assert clean(database, scope)
