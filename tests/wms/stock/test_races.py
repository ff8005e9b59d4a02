"""Many at once for the same goods: exactly what is there is given out, once each, and nobody waits in a circle."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tests.build import Shelf, make_location, make_shelf, moved, now, receive
from tests.wms.stock.writers import run_together, send_keys, take, transfer
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.parties.tables import Site
from wms.stock.ledger import (
    AccountKey,
    Posting,
    Reserve,
    close_month,
    expire_due,
    post,
    post_many,
    reserve,
    reverse,
    void,
)
from wms.stock.rules import AlreadyReversed, NotAvailable, PeriodClosed
from wms.stock.verify import run

PROCESSES = 16
BEIJING = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def shelf(database: Database, scope: Scope) -> Shelf:
    with database.unit_of_work(scope) as session:
        return make_shelf(session)


def on_shelf(database: Database, scope: Scope, *accounts: AccountKey) -> int:
    with database.unit_of_work(scope) as session:
        sql = "SELECT coalesce(sum(b.qty), 0)::bigint FROM balance b JOIN account a ON a.id = b.account_id"
        found = session.execute(
            text(f"{sql} WHERE a.dimensions = ANY (:wanted)"), {"wanted": [one.dimensions for one in accounts]}
        )
        return int(found.scalar_one())


def deadlocks(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        session.execute(text("SELECT pg_stat_clear_snapshot()"))
        sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(session.execute(text(sql)).scalar_one())


def all_at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run each job in a thread with a connection of its own; returns results and refusals in order."""
    barrier, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run_one(i: int) -> None:
        barrier.wait(30)
        try:
            results[i] = jobs[i]()
        except Exception as error:  # noqa: BLE001 - the test asks what it was
            results[i] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run_one, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.slow
def test_sixteen_processes_get_exactly_what_is_there(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 1_000, at=now() - timedelta(minutes=1))
    arguments = [
        (database.url, scope.tenant_id, shelf.free, shelf.customer, f"take{i}", 100, now()) for i in range(PROCESSES)
    ]
    granted = run_together(PROCESSES, take, arguments)
    assert sum(granted) == 1_000
    assert on_shelf(database, scope, shelf.free) == 0
    assert run(database, scope) == []


@pytest.mark.slow
def test_a_key_sent_by_sixteen_processes_is_applied_once(database: Database, scope: Scope, shelf: Shelf) -> None:
    at = now()
    arguments = [
        (database.url, scope.tenant_id, shelf.supplier, shelf.free, 500, i, at, 1 if i < 4 else 25)
        for i in range(PROCESSES)
    ]
    applied = run_together(PROCESSES, send_keys, arguments)
    assert sum(applied) == 500
    assert on_shelf(database, scope, shelf.free) == 500
    assert run(database, scope) == []


@pytest.mark.slow
def test_transfers_both_ways_among_ten_accounts_never_wait_in_a_circle(
    database: Database, scope: Scope, shelf: Shelf
) -> None:
    with database.unit_of_work(scope) as session:
        site = session.get_one(Site, shelf.site_id)
        accounts = [
            AccountKey("location", shelf.owner_id, shelf.trade_item_id, site.id, make_location(session, site).id)
            for _ in range(10)
        ]
        at = now()
        for i, account in enumerate(accounts):
            post(session, Posting(f"fill{i}", "receipt", at, moved(shelf.supplier, account, 100)))
    before = deadlocks(database, scope)
    arguments = [(database.url, scope.tenant_id, accounts, f"w{i}", 40, i, now()) for i in range(PROCESSES)]
    stood = run_together(PROCESSES, transfer, arguments)
    assert sum(stood) > 500
    assert deadlocks(database, scope) == before
    assert on_shelf(database, scope, *accounts) == 1_000
    assert run(database, scope) == []


def test_twenty_clients_reserve_ten_units(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 10)

    def promise(i: int) -> Callable[[], Any]:
        def job() -> Any:
            with database.unit_of_work(scope) as session:
                return reserve(session, Reserve(f"r{i}", shelf.free, 1, now() + timedelta(hours=1)))

        return job

    results = all_at_once([promise(i) for i in range(20)])
    assert sum(isinstance(result, NotAvailable) for result in results) == 10
    assert sum(not isinstance(result, Exception) for result in results) == 10
    assert run(database, scope) == []


def test_a_posting_is_reversed_once_however_many_try(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 1_000)
        original = receive(session, shelf, 100).posting_id

    def undo(i: int) -> Callable[[], Any]:
        def job() -> Any:
            with database.unit_of_work(scope) as session:
                return reverse(session, f"undo{i}", original, reason="race", event_at=now())

        return job

    results = all_at_once([undo(i) for i in range(8)])
    assert sum(not isinstance(result, Exception) for result in results) == 1, results
    assert sum(isinstance(result, AlreadyReversed) for result in results) == 7, results
    assert on_shelf(database, scope, shelf.free) == 1_000
    assert run(database, scope) == []


def test_a_promise_is_used_or_given_back_never_both(database: Database, scope: Scope, shelf: Shelf) -> None:
    rounds = 20
    with database.unit_of_work(scope) as session:
        receive(session, shelf, rounds)
    for i in range(rounds):
        with database.unit_of_work(scope) as session:
            wanted = Reserve(f"r{i}", shelf.free, 1, now() - timedelta(hours=1))
            reservation_id = reserve(session, wanted).reservation_id

        def use(i: int = i, reservation_id: int = reservation_id) -> Any:
            with database.unit_of_work(scope) as session:
                lines = moved(shelf.free, shelf.customer, 1, reservation_id)
                return post_many(session, [Posting(f"use{i}", "issue", now(), lines)])[0]

        def give_back(reservation_id: int = reservation_id) -> Any:
            with database.unit_of_work(scope) as session:
                return void(session, [reservation_id])

        def run_out() -> Any:
            with database.unit_of_work(scope) as session:
                return expire_due(session, now())

        used, voided, expired = all_at_once([use, give_back, run_out])
        outcomes = [not isinstance(used, WmsError), bool(voided), bool(expired)]
        assert sum(outcomes) == 1, (used, voided, expired)
    assert run(database, scope) == []


def test_new_accounts_are_opened_once_by_rivals(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        site = session.get_one(Site, shelf.site_id)
        places = [make_location(session, site).id for _ in range(20)]

    def open_all(i: int) -> Callable[[], Any]:
        order = places if i % 2 else places[::-1]
        accounts = [
            AccountKey("location", shelf.owner_id, shelf.trade_item_id, shelf.site_id, place) for place in order
        ]

        def job() -> Any:
            with database.unit_of_work(scope) as session:
                at = now()
                wanted = [
                    Posting(f"open{i}-{j}", "receipt", at, moved(shelf.supplier, account, 1))
                    for j, account in enumerate(accounts)
                ]
                return post_many(session, wanted)

        return job

    results = all_at_once([open_all(i) for i in range(8)])
    assert [len(result) for result in results] == [20] * 8
    assert run(database, scope) == []


def last_month() -> datetime:
    first = now().astimezone(BEIJING).replace(day=1, hour=12)
    return first - timedelta(days=3)


def test_nothing_slips_into_a_month_that_is_being_closed(database: Database, scope: Scope, shelf: Shelf) -> None:
    at, stop = last_month(), threading.Event()

    def keep_posting(i: int) -> Callable[[], Any]:
        def job() -> tuple[int, int]:
            stood = refused = 0
            while refused < 3 and stood < 500:
                posting = Posting(f"late{i}-{stood}-{refused}", "receipt", at, moved(shelf.supplier, shelf.free, 1))
                with database.unit_of_work(scope) as session:
                    result = post_many(session, [posting])[0]
                assert not isinstance(result, WmsError) or isinstance(result, PeriodClosed)
                stood, refused = stood + (not isinstance(result, WmsError)), refused + isinstance(result, WmsError)
                if stood == 10:
                    stop.set()
            return stood, refused

        return job

    def close() -> None:
        assert stop.wait(30)
        with database.unit_of_work(scope) as session:
            close_month(session, at.astimezone(BEIJING).date().replace(day=1))

    *posted, closed = all_at_once([*(keep_posting(i) for i in range(6)), close])
    assert closed is None
    assert all(refused == 3 for _, refused in posted)
    assert on_shelf(database, scope, shelf.free) == sum(stood for stood, _ in posted)
    assert run(database, scope) == []
