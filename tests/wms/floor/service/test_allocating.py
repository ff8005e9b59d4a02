"""Stock is promised to orders: the right goods first, exactly what is there, to nobody twice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.outbound import Hall, build_hall, clean, days, now, promise, shares, state_of
from tests.wms.stock.test_races import all_at_once, deadlocks
from wms.db import Database, Scope
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service.allocating import Allocated, allocate
from wms.floor.service.orders import ChangeOrder, cancel_order, change_order
from wms.parties import dated
from wms.stock.ledger import AccountKey, Posting, Reserve, moved, post, reserve, reverse
from wms.stock.rules import NotAvailable


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        return build_hall(session)


def test_first_expired_goes_first_and_never_what_expires_before_it_ships(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        for lot, life, place in (("OLD", -1, 0), ("LATE", 90, 1), ("SOON", 30, 2), ("TODAY", 0, 3)):
            hall.lot(session, hall.beef, lot, life)
            hall.put(session, hall.beef, hall.bins[place], 10, lot)
        order_id, _ = hall.order(session, OrderLineIn(hall.beef.code, 25), ship_by_at=now() + timedelta(days=2))
        done = promise(session, [order_id])
        assert (done.lines, done.lines_met, done.qty) == (1, 0, 20)
        assert shares(session, order_id) == [("B-1-2", "LATE", 10), ("B-1-3", "SOON", 10)]
        assert state_of(session, order_id) == "part_allocated"
    assert clean(database, scope)


def test_enough_life_must_be_left_on_the_day_of_shipping(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        for lot, life, place in (("A", 59, 0), ("B", 62, 1)):
            hall.lot(session, hall.beef, lot, life)
            hall.put(session, hall.beef, hall.bins[place], 10, lot)
        order_id, _ = hall.order(session, OrderLineIn(hall.beef.code, 10, min_life_days=60), ship_by_at=now())
        promise(session, [order_id])
        assert shares(session, order_id) == [("B-1-2", "B", 10)]


@pytest.mark.parametrize(("strategy", "lot"), [("fifo", "FIRST"), ("lifo", "SECOND"), ("fefo", "SECOND")])
def test_first_or_last_come_where_it_is_asked(
    database: Database, scope: Scope, hall: Hall, strategy: str, lot: str
) -> None:
    with database.unit_of_work(scope) as session:
        for number, (name, life) in enumerate((("FIRST", 90), ("SECOND", 30))):
            hall.lot(session, hall.beef, name, life)
            hall.put(session, hall.beef, hall.bins[number], 10, name)
        order_id, _ = hall.order(session, OrderLineIn(hall.beef.code, 5, strategy=strategy))
        promise(session, [order_id])
        assert [share[1] for share in shares(session, order_id)] == [lot]


def came_in(session: Session, hall: Hall, place: int, qty: int, days_ago: int) -> AccountKey:
    """Tea without a lot on a shelf since so many days ago."""
    account, at = hall.account(hall.tea, hall.bins[place]), now() - timedelta(days=days_ago)
    lines = moved(AccountKey("supplier", hall.owner.id, hall.tea.id), account, qty)
    post(session, Posting(f"came-{build.number()}", "receipt", at, lines))
    return account


def brought(session: Session, source: AccountKey, target: AccountKey, qty: int) -> int:
    return post(session, Posting(f"move-{build.number()}", "move", now(), moved(source, target, qty))).posting_id


def test_goods_without_a_lot_grow_no_younger_by_a_move(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        old, _young = came_in(session, hall, 0, 10, 20), came_in(session, hall, 1, 10, 5)
        through, there = (hall.account(hall.tea, hall.bins[n]) for n in (2, 3))
        brought(session, old, through, 10)
        brought(session, through, there, 10)
        first, _ = hall.order(session, OrderLineIn(hall.tea.code, 10, strategy="fifo"))
        promise(session, [first])
        assert [share[0] for share in shares(session, first)] == ["B-2-1"]
        last, _ = hall.order(session, OrderLineIn(hall.tea.code, 5, strategy="lifo"))
        promise(session, [last])
        assert [share[0] for share in shares(session, last)] == ["B-1-2"]
    assert clean(database, scope)


def test_a_place_is_as_old_as_the_oldest_that_was_brought_and_young_again_when_it_ran_empty(
    database: Database, scope: Scope, hall: Hall
) -> None:
    def age(session: Session, account: AccountKey) -> int:
        sql = "SELECT b.since_at FROM balance b JOIN account a ON a.id = b.account_id WHERE a.dimensions = :d"
        return (now() - session.execute(text(sql), {"d": account.dimensions}).scalar_one()).days

    with database.unit_of_work(scope) as session:
        old, face = came_in(session, hall, 0, 10, 20), came_in(session, hall, 1, 3, 5)
        put = brought(session, old, face, 4)
        assert (age(session, old), age(session, face)) == (20, 20)
        reverse(session, "back", put, reason="wrong place", event_at=now())
        out = AccountKey("customer", hall.owner.id, hall.tea.id)
        post(session, Posting("leaves", "ship", now(), moved(face, out, 3)))
        came_in(session, hall, 1, 3, 0)
        assert (age(session, old), age(session, face)) == (20, 0)
    assert clean(database, scope)


def test_the_strategy_of_an_owners_class_is_dated_data(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        for number, (name, life) in enumerate((("FIRST", 90), ("SECOND", 30))):
            hall.lot(session, hall.beef, name, life)
            hall.put(session, hall.beef, hall.bins[number], 10, name)
        subject = f"{hall.owner.code}:{hall.beef.code}"
        for strategy, valid_from_on in (("fifo", days(-1)), ("fefo", days(30))):
            value = {"strategy": strategy}
            dated.set_value(
                session, "allocation.policy", value, valid_from_on=valid_from_on, source="contract", subject=subject
            )
        order_id, _ = hall.order(session, OrderLineIn(hall.beef.code, 5))
        promise(session, [order_id])
        assert shares(session, order_id) == [("B-1-1", "FIRST", 5)]


def test_only_the_lots_and_countries_that_were_asked_for(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.lot(session, hall.beef, "NZ", 90)
        hall.lot(session, hall.beef, "AU", 30, country_of_origin="AU")
        hall.put(session, hall.beef, hall.bins[0], 10, "NZ")
        hall.put(session, hall.beef, hall.bins[1], 10, "AU")
        by_country, _ = hall.order(session, OrderLineIn(hall.beef.code, 4, countries=("NZ",)))
        by_lot, _ = hall.order(session, OrderLineIn(hall.beef.code, 4, lot_nos=("NZ", "XX")))
        promise(session, [by_country, by_lot])
        assert shares(session, by_country) == shares(session, by_lot) == [("B-1-1", "NZ", 4)]


def test_a_pallet_that_fits_goes_whole_and_one_that_does_not_is_left_alone(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        pallet = build.make_handling_unit(session, hall.owner)
        other = build.make_handling_unit(session, hall.owner)
        hall.put(session, hall.tea, hall.bins[0], 50)
        hall.put(session, hall.tea, hall.bins[4], 40, handling_unit_id=pallet.id)
        hall.put(session, hall.tea, hall.bins[5], 60, handling_unit_id=other.id)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 45))
        promise(session, [order_id])
        assert shares(session, order_id) == [("B-1-1", None, 5), ("B-2-2", None, 40)]
        wholes = session.execute(text("SELECT qty FROM allocation WHERE is_whole_unit")).scalars().all()
        assert wholes == [40]


def test_as_few_places_as_can_be_and_the_one_that_is_emptied(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        for number, qty in enumerate((3, 30, 12, 8)):
            hall.put(session, hall.tea, hall.bins[number], qty)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 1, unit="carton"))
        promise(session, [order_id])
        assert shares(session, order_id) == [("B-1-3", None, 12)]


def test_goods_on_hold_elsewhere_or_of_another_status_are_not_promised(
    database: Database, scope: Scope, hall: Hall
) -> None:
    with database.unit_of_work(scope) as session:
        book_line = build.make_book_line(session, hall.tea).id
        bonded = {"customs_status": "bonded", "book_line_id": book_line}
        hall.put(session, hall.tea, hall.bins[0], 10, quality_status="hold", **bonded)
        hall.put(session, hall.tea, hall.packing, 10, **bonded)
        hall.put(session, hall.tea, hall.bins[1], 10)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 5), trade_mode="1210")
        assert promise(session, [order_id]).qty == 0
        hall.put(session, hall.tea, hall.bins[2], 4, **bonded)
        assert promise(session, [order_id]).qty == 4
        assert shares(session, order_id) == [("B-1-3", None, 4)]


def test_ships_complete_or_not_at_all(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 10)
        whole, _ = hall.order(
            session, OrderLineIn(hall.tea.code, 6), OrderLineIn(hall.tea.code, 6), ship_policy="complete", priority=1
        )
        part, _ = hall.order(session, OrderLineIn(hall.tea.code, 12))
        done = promise(session, [whole, part])
        assert (shares(session, whole), shares(session, part)) == ([], [("B-1-1", None, 10)])
        assert (done.lines, done.lines_met, state_of(session, whole)) == (3, 0, "open")


def test_the_urgent_order_is_served_before_the_older_one(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 10)
        older, _ = hall.order(session, OrderLineIn(hall.tea.code, 10))
        urgent, _ = hall.order(session, OrderLineIn(hall.tea.code, 10), priority=0)
        promise(session, [older, urgent])
        assert (state_of(session, older), state_of(session, urgent)) == ("open", "allocated")


def test_a_cancelled_or_changed_order_gives_its_stock_back(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        account = hall.put(session, hall.tea, hall.bins[0], 10)
        one, one_no = hall.order(session, OrderLineIn(hall.tea.code, 6))
        other, other_no = hall.order(session, OrderLineIn(hall.tea.code, 4))
        promise(session, [one, other])
        with pytest.raises(NotAvailable):
            reserve(session, Reserve(f"r-{build.number()}", account, 1, now() + timedelta(hours=1)))
        cancel_order(session, one_no, "customer changed his mind", now())
        change_order(session, other_no, ChangeOrder(lines=(OrderLineIn(hall.tea.code, 9),)), now())
        assert (state_of(session, one), state_of(session, other)) == ("cancelled", "open")
        assert promise(session, [one, other]).qty == 9
        assert shares(session, other) == [("B-1-1", None, 9)]
    assert clean(database, scope)


def test_the_same_deed_twice_promises_once(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 10)
        order_id, _ = hall.order(session, OrderLineIn(hall.tea.code, 6))
        first = allocate(session, "same", [order_id], now())
        assert (first.qty, allocate(session, "same", [order_id], now()).qty) == (6, 0)


def racing(database: Database, scope: Scope, order_ids: list[int]) -> list[Any]:
    def one(order_id: int) -> Callable[[], Allocated]:
        def job() -> Allocated:
            with database.unit_of_work(scope) as session:
                return promise(session, [order_id])

        return job

    return all_at_once([one(order_id) for order_id in order_ids])


def orders_of_one(database: Database, scope: Scope, hall: Hall, stock: list[int], count: int, each: int) -> list[int]:
    with database.unit_of_work(scope) as session:
        for place, qty in zip(hall.bins, stock, strict=False):
            hall.put(session, hall.tea, place, qty)
        return [hall.order(session, OrderLineIn(hall.tea.code, each))[0] for _ in range(count)]


def test_odoo_32857_twenty_orders_for_ten_units_get_exactly_ten(database: Database, scope: Scope, hall: Hall) -> None:
    before = deadlocks(database, scope)
    results = racing(database, scope, orders_of_one(database, scope, hall, [4, 3, 3], 20, 1))
    assert all(isinstance(result, Allocated) for result in results), results
    assert sorted(result.qty for result in results) == [0] * 10 + [1] * 10
    assert deadlocks(database, scope) == before
    assert clean(database, scope)


def test_inventree_12478_two_for_a_full_item_of_five_one_gets_it(database: Database, scope: Scope, hall: Hall) -> None:
    for _ in range(5):
        with database.unit_of_work(scope) as session:
            fresh = build_hall(session)
        results = racing(database, scope, orders_of_one(database, scope, fresh, [5], 2, 5))
        assert sorted(result.qty for result in results) == [0, 5]
    assert clean(database, scope)


def test_openboxes_6061_two_allocations_never_take_five_to_minus_five(
    database: Database, scope: Scope, hall: Hall
) -> None:
    order_ids = orders_of_one(database, scope, hall, [5], 2, 8)
    results = racing(database, scope, order_ids)
    assert sum(result.qty for result in results) == 5
    with database.unit_of_work(scope) as session:
        sql = "SELECT min(b.qty - b.qty_reserved), sum(b.qty_reserved) FROM balance b WHERE owner_id = :owner"
        assert tuple(session.execute(text(sql), {"owner": hall.owner.id}).one()) == (0, 5)
    assert clean(database, scope)


def test_rivals_over_the_same_places_never_wait_in_a_circle(database: Database, scope: Scope, hall: Hall) -> None:
    order_ids = orders_of_one(database, scope, hall, [40] * 6, 12, 25)
    before = deadlocks(database, scope)
    results = racing(database, scope, order_ids)
    assert sum(result.qty for result in results) == 240
    assert deadlocks(database, scope) == before
    assert clean(database, scope)
