"""Picks from order to ledger: into totes, in lists, whole pallets, short, undone, raced."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.outbound import Hall, build_hall, clean, now, promise, shares, state_of
from tests.wms.stock.test_races import all_at_once, deadlocks
from web import waving
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor import pick_queries
from wms.floor.pick_queries import ListLineRow, ListRow
from wms.floor.rules.mistakes import MovedSince
from wms.floor.rules.orders import GoodsPicked, OrderLineIn, OrderNotShort
from wms.floor.rules.picking import AlreadyPicked, TooManyPicked, ToteFirst
from wms.floor.rules.waves import WavePicked, WaveRule
from wms.floor.service import shortage, unpicking, waves
from wms.floor.service.orders import back_order, cancel_order
from wms.floor.service.picking import Take, Taken, pick, pick_many
from wms.floor.tables import Task
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import HandlingUnit


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        return build_hall(session)


def released(session: Session, hall: Hall, method: str = "discrete") -> ListRow:
    """All waiting orders in one wave, released; its first list."""
    made = waves.gather(session, hall.site.id, method, WaveRule())
    waving.release(session, made.wave_no, f"key-{made.wave_no}", now(), to_place=None)
    return pick_queries.pick_lists(session, wave=made.wave_no)[0]


def lines_of(session: Session, row: ListRow) -> list[ListLineRow]:
    return pick_queries.list_lines(session, row.id)


def open_lines(session: Session, row: ListRow) -> list[ListLineRow]:
    return [line for line in lines_of(session, row) if line.state == "open"]


def tote(session: Session, hall: Hall) -> HandlingUnit:
    return build.make_handling_unit(session, hall.owner, "crate")


def in_unit(session: Session, unit: HandlingUnit) -> list[tuple[str, int]]:
    rows = session.execute(
        text(
            "SELECT p.code, sum(b.qty)::bigint FROM account a JOIN balance b ON b.account_id = a.id"
            " JOIN location p ON p.id = a.location_id WHERE a.handling_unit_id = :unit AND b.qty > 0 GROUP BY p.code"
        ),
        {"unit": unit.id},
    )
    return [(row[0], int(row[1])) for row in rows]


def test_from_order_to_tote_at_the_packing_place(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        account = hall.put(session, hall.tea, hall.bins[0], 30)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 12))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        crate = tote(session, hall)
        first = pick(session, "p1", Take(line.id, 5, crate.id), now())
        assert (state_of(session, order_id), in_unit(session, crate)) == ("picking", [("PACK-1", 5)])
        assert first.pick_line_id == line.id
        pick(session, "p2", Take(line.id, 7, crate.id), now())
        assert (state_of(session, order_id), in_unit(session, crate)) == ("picked", [("PACK-1", 12)])
        told = session.execute(
            text("SELECT order_line_id, handling_unit_id, picked_qty, state FROM pick_line WHERE id = :id"),
            {"id": line.id},
        ).one()
        assert tuple(told) == (line.order_line_id, crate.id, 12, "picked")
        sql = (
            "SELECT b.qty, b.qty_reserved FROM balance b JOIN account a ON a.id = b.account_id WHERE a.dimensions = :d"
        )
        assert tuple(session.execute(text(sql), {"d": account.dimensions}).one()) == (18, 0)
        after = pick_queries.pick_lists(session, list_no=row.list_no)[0]
        assert (after.state, after.picked_qty) == ("done", 12)
        wave = pick_queries.wave_by_no(session, row.wave_no or "")
        assert wave is not None
        assert (wave.state, wave.done_permille) == ("picked", 1000)
        assert session.scalar(select(Task.state).where(Task.subject_id == row.id, Task.kind == "pick")) == "done"
    assert clean(database, scope)


def test_a_list_is_one_posting_and_a_bad_line_does_not_hold_up_the_others(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        for place in hall.bins:
            hall.put(session, hall.tea, place, 10)
        for _ in range(5):
            hall.order(session, OrderLineIn(hall.tea.code, 10))
        row = released(session, hall, "batch")
        lines, crate = lines_of(session, row), tote(session, hall)
        takes = [Take(line.id, 10, crate.id) for line in lines[:3]]
        done = pick_many(session, "list", [*takes, Take(lines[3].id, 11, crate.id), Take(lines[4].id, 1)], now())
        assert [type(one) for one in done] == [Taken, Taken, Taken, TooManyPicked, ToteFirst]
        assert len({one.posting_id for one in done if isinstance(one, Taken)}) == 1
        # The promise of one of two lines is gone: the other is picked all the same.
        session.execute(
            text(
                "SELECT stock_release(array_agg(reservation_id), 'void') FROM allocation"
                " WHERE id = (SELECT allocation_id FROM pick_line WHERE id = :id)"
            ),
            {"id": lines[3].id},
        )
        rest = pick_many(session, "rest", [Take(line.id, 10, crate.id) for line in lines[3:]], now())
        assert [getattr(one, "code", "ok") for one in rest] == ["reservation_not_open", "ok"]
    assert clean(database, scope)


def test_a_whole_pallet_keeps_its_label(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        pallet = build.make_handling_unit(session, hall.owner)
        hall.put(session, hall.tea, hall.bins[0], 40, handling_unit_id=pallet.id)
        hall.order(session, OrderLineIn(hall.tea.code, 40))
        (line,) = lines_of(session, released(session, hall))
        assert line.is_whole_unit
        assert pick(session, "whole", Take(line.id, 40), now()).handling_unit_id == pallet.id
        assert in_unit(session, pallet) == [("PACK-1", 40)]
    assert clean(database, scope)


def test_the_rest_of_a_line_goes_into_another_tote_as_a_line_of_its_own(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 30)
        hall.order(session, OrderLineIn(hall.tea.code, 12))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        one, other = tote(session, hall), tote(session, hall)
        pick(session, "a", Take(line.id, 5, one.id), now())
        rest = pick(session, "b", Take(line.id, 7, other.id), now())
        assert rest.pick_line_id != line.id
        assert [(at.qty, at.picked_qty, at.sscc) for at in lines_of(session, row)] == [
            (5, 5, one.sscc),
            (7, 7, other.sscc),
        ]
    assert clean(database, scope)


def test_short_goods_are_looked_for_elsewhere_and_the_place_is_counted(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 12)
        hall.put(session, hall.tea, hall.bins[3], 30)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 12))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        crate = tote(session, hall)
        pick(session, "some", Take(line.id, 5, crate.id), now())
        found = shortage.report_short(session, "short", [line.id], now())
        assert (found.missing_qty, found.found_qty, found.given_up_qty) == (7, 7, 0)
        (new,) = open_lines(session, row)
        assert (new.place, new.qty, new.id) == ("B-2-1", 7, found.new_line_ids[0])
        counts = session.scalars(select(Task).where(Task.kind == "count", Task.site_id == hall.site.id)).all()
        assert [task.location_id for task in counts] == [hall.bins[0].id]
        with pytest.raises(AlreadyPicked):
            shortage.report_short(session, "again", [line.id], now())
        pick(session, "other", Take(new.id, 7, crate.id), now())
        assert (state_of(session, order_id), in_unit(session, crate)) == ("picked", [("PACK-1", 12)])
    assert clean(database, scope)


def test_what_cannot_be_found_is_short_on_the_order(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 12)
        hall.put(session, hall.tea, hall.bins[1], 2)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 12))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        crate = tote(session, hall)
        found = shortage.report_short(session, "short", [line.id], now())
        assert (found.found_qty, found.given_up) == (2, {line.order_line_id: 10})
        pick(session, "rest", Take(found.new_line_ids[0], 2, crate.id), now())
        assert state_of(session, order_id) == "picked"
        sql = "SELECT ordered_qty, allocated_qty, picked_qty, short_qty FROM order_line WHERE id = :id"
        assert tuple(session.execute(text(sql), {"id": line.order_line_id}).one()) == (12, 2, 2, 10)
    assert clean(database, scope)


def found_short(session: Session, hall: Hall) -> tuple[int, str, ListRow]:
    """An order whose goods were all on one shelf that turned out to be empty."""
    hall.put(session, hall.tea, hall.bins[0], 12)
    order_id, order_no = hall.order(session, OrderLineIn(hall.tea.code, 12))
    row = released(session, hall)
    (line,) = lines_of(session, row)
    assert shortage.report_short(session, f"short-{order_no}", [line.id], now()).given_up_qty == 12
    return order_id, order_no, row


def test_an_order_found_wholly_short_says_so_and_holds_nothing(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        order_id, order_no, row = found_short(session, hall)
        assert (state_of(session, order_id), shares(session, order_id)) == ("short", [])
        wave = pick_queries.wave_by_no(session, row.wave_no or "")
        assert wave is not None
        assert wave.state == "picked"
        held = "SELECT coalesce(sum(b.qty_reserved), 0) FROM balance b JOIN account a ON a.id = b.account_id"
        assert session.scalar(text(f"{held} WHERE a.owner_id = :owner"), {"owner": hall.owner.id}) == 0
        cancel_order(session, order_no, "the buyer does not wait", now())
        assert state_of(session, order_id) == "cancelled"
    assert clean(database, scope)


def test_an_order_found_wholly_short_waits_for_stock_again(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        order_id, order_no, first = found_short(session, hall)
        back_order(session, order_no, now())
        assert state_of(session, order_id) == "open"
        with pytest.raises(OrderNotShort):
            back_order(session, order_no, now())
        hall.put(session, hall.tea, hall.bins[4], 20)
        promise(session, [order_id])
        assert (state_of(session, order_id), shares(session, order_id)[-1]) == ("allocated", ("B-1-1", None, 12))
        row = released(session, hall)
        assert row.wave_no != first.wave_no
        (line,) = open_lines(session, row)
        pick(session, "found", Take(line.id, 12, tote(session, hall).id), now())
        assert state_of(session, order_id) == "picked"
    assert clean(database, scope)


def test_a_wave_called_off_leaves_the_short_order_to_its_own_decision(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 12)
        hall.put(session, hall.tea, hall.bins[1], 5)
        one, _ = hall.order(session, OrderLineIn(hall.tea.code, 12))
        other, _ = hall.order(session, OrderLineIn(hall.tea.code, 5))
        row = released(session, hall, "batch")
        line = next(line for line in lines_of(session, row) if line.qty == 12)
        shortage.report_short(session, "gone", [line.id], now())
        waves.call_off(session, row.wave_no or "", now())
        assert (state_of(session, one), state_of(session, other)) == ("short", "allocated")
    assert clean(database, scope)


def test_undo_brings_goods_back_and_promises_them_again(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        account = hall.put(session, hall.tea, hall.bins[0], 12)
        order_id, order_no = hall.order(session, OrderLineIn(hall.tea.code, 12))
        row = released(session, hall)
        (line,) = lines_of(session, row)
        crate = tote(session, hall)
        pick(session, "a", Take(line.id, 7, crate.id), now())
        with pytest.raises(GoodsPicked):
            cancel_order(session, order_no, "too late", now())
        with pytest.raises(WavePicked):
            waves.call_off(session, row.wave_no or "", now())
        second = pick(session, "b", Take(line.id, 5, crate.id), now())
        assert unpicking.unpick(session, "undo", [second.pick_id], now()) == 5
        assert (state_of(session, order_id), in_unit(session, crate)) == ("picking", [("PACK-1", 7)])
        assert shares(session, order_id) == [("B-1-1", None, 5)]
        after = pick_queries.pick_lists(session, list_no=row.list_no)[0]
        assert (after.state, after.picked_qty, after.qty) == ("picking", 7, 12)
        tasks = session.scalars(select(Task.state).where(Task.subject_id == row.id, Task.kind == "pick")).all()
        assert sorted(tasks) == ["done", "open"]
        (again,) = open_lines(session, row)
        pick(session, "c", Take(again.id, 5, crate.id), now())
        assert state_of(session, order_id) == "picked"
        sql = (
            "SELECT b.qty, b.qty_reserved FROM balance b JOIN account a ON a.id = b.account_id WHERE a.dimensions = :d"
        )
        assert tuple(session.execute(text(sql), {"d": account.dimensions}).one()) == (0, 0)
    assert clean(database, scope)


def test_what_has_left_its_tote_cannot_be_undone(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 12)
        hall.order(session, OrderLineIn(hall.tea.code, 12))
        (line,) = lines_of(session, released(session, hall))
        crate = tote(session, hall)
        done = pick(session, "a", Take(line.id, 12, crate.id), now())
        account = hall.account(hall.tea, hall.packing, handling_unit_id=crate.id)
        out = AccountKey("customer", hall.owner.id, hall.tea.id)
        post(session, Posting("leave", "issue", now() + timedelta(seconds=1), moved(account, out, 1)))
        with pytest.raises(MovedSince):
            unpicking.unpick(session, "undo", [done.pick_id], now())


def test_bonded_goods_are_picked_within_the_zone(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        book_line = build.make_book_line(session, hall.tea).id
        hall.put(session, hall.tea, hall.bins[0], 12, customs_status="bonded", book_line_id=book_line)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 12), trade_mode="1210", kind="parcel")
        (line,) = lines_of(session, released(session, hall))
        pick(session, "a", Take(line.id, 12, tote(session, hall).id), now())
        assert state_of(session, order_id) == "picked"
    assert clean(database, scope)


def test_weighed_goods_carry_their_grams_into_the_tote(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.tea.is_catch_weight = True
        session.merge(hall.tea)
        session.execute(text("UPDATE trade_item SET is_catch_weight = true WHERE id = :id"), {"id": hall.tea.id})
        account = hall.account(hall.tea, hall.bins[0])
        supplier = AccountKey("supplier", hall.owner.id, hall.tea.id)
        from wms.stock.ledger import Line

        lines = (Line(supplier, -3, -3_210), Line(account, 3, 3_210))
        post(session, Posting("weighed", "receipt", now(), lines))
        hall.order(session, OrderLineIn(hall.tea.code, 2))
        (line,) = lines_of(session, released(session, hall))
        crate = tote(session, hall)
        (refused,) = pick_many(session, "w1", [Take(line.id, 1, crate.id)], now())
        assert isinstance(refused, WmsError)
        assert refused.code == "weight_needed"
        pick(session, "w2", Take(line.id, 1, crate.id, 1_070), now())
        pick(session, "w3", Take(line.id, 1, crate.id, 1_100), now())
        assert session.execute(text("SELECT weight_g FROM pick_line WHERE id = :id"), {"id": line.id}).scalar_one() == (
            2_170
        )
    assert clean(database, scope)


def racing(database: Database, scope: Scope, jobs: list[Callable[[Session], Any]]) -> list[Any]:
    def one(job: Callable[[Session], Any]) -> Callable[[], Any]:
        def work() -> Any:
            with database.unit_of_work(scope) as session:
                return job(session)

        return work

    return all_at_once([one(job) for job in jobs])


def test_two_pickers_on_one_line_take_it_once(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 12)
        hall.order(session, OrderLineIn(hall.tea.code, 12))
        (line,) = lines_of(session, released(session, hall))
        crate = tote(session, hall).id
    results = racing(
        database,
        scope,
        [lambda session, i=i: pick_many(session, f"r{i}", [Take(line.id, 12, crate)], now())[0] for i in range(4)],
    )
    assert sum(isinstance(one, Taken) for one in results) == 1, results
    assert sum(isinstance(one, AlreadyPicked) for one in results) == 3
    assert clean(database, scope)


def test_pickers_shorts_and_undos_at_once_never_wait_in_a_circle(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        for place in hall.bins:
            hall.put(session, hall.tea, place, 40)
        for _ in range(20):
            hall.order(session, OrderLineIn(hall.tea.code, 5), OrderLineIn(hall.tea.code, 3))
        row = released(session, hall, "batch")
        lines, crate = lines_of(session, row), tote(session, hall).id
        done = pick_many(session, "first", [Take(line.id, line.qty, crate) for line in lines[:6]], now())
    before = deadlocks(database, scope)
    jobs: list[Callable[[Session], Any]] = []
    for i, line in enumerate(lines[6:30]):
        if i % 3:
            jobs.append(
                lambda session, one=line, i=i: pick_many(session, f"t{i}", [Take(one.id, one.qty, crate)], now())
            )
        else:
            jobs.append(lambda session, one=line, i=i: shortage.report_short(session, f"t{i}", [one.id], now()))
    assert isinstance(done[0], Taken)
    jobs.append(lambda session: unpicking.unpick(session, "u", [done[0].pick_id], now()))
    results = racing(database, scope, jobs)
    assert not [one for one in results if isinstance(one, Exception)], results
    assert deadlocks(database, scope) == before
    assert clean(database, scope)
