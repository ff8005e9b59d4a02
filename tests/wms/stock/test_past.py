"""The stock of everything in the past: the same from whatever it is counted, as known at any moment, and fast."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tests.build import Shelf, make_shelf, moved, now, number, receive, receive_bonded
from tests.conftest import Urls, new_tenant
from tests.wms.stock.backdated import LATER, fill_later, history_of
from wms.db import Database, Scope
from wms.postgres import libpq
from wms.stock import jobs, past
from wms.stock.accounts import account_ids
from wms.stock.ledger import Posting, post
from wms.stock.past import everything_at, make_checkpoint, totals_at
from wms.stock.queries import Stock
from wms.stock.rules import ShortInPast
from wms.stock.verify import run as verify

NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
SCOPE = Scope.system(1)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def shelf(database: Database, scope: Scope) -> Shelf:
    with database.unit_of_work(scope) as session:
        return make_shelf(session)


class Scribble:
    """Entries written past the routine, at any times and in any order: also as after a clock that was set back."""

    def __init__(self, urls: Urls, database: Database, seed: int) -> None:
        self.draw = random.Random(seed)
        self.rows: list[tuple[int, int, float, float]] = []
        self._database = database
        self._connection = psycopg.connect(libpq(urls.superuser))
        with database.unit_of_work(SCOPE) as session:
            shelves = [make_shelf(session) for _ in range(3)]
            opened = account_ids(session, {one.free for one in shelves})
            self.accounts = sorted((number, key.owner_id) for key, number in opened.items())
        self._connection.execute("SET session_replication_role = replica")
        self._connection.execute("SELECT set_config('app.tenant', '1', false)")
        self._connection.commit()

    def write(self, count: int) -> None:
        """So many entries, and balances that fit them."""
        for _ in range(count):
            account, owner = self.draw.choice(self.accounts)
            qty, event = self.draw.choice([-3, -1, 1, 2, 5]), self.draw.randint(0, 60)
            recorded = event + self.draw.choice([0, 0, 0, 1, 10, 50]) - self.draw.choice([0, 0, 0, 0, 30])
            made = self._connection.execute(
                "INSERT INTO posting (idem_key, kind, event_at, recorded_at) VALUES (%s, 'x', %s, %s) RETURNING id",
                (f"scribble-{number()}", at(event), at(recorded)),
            ).fetchone()
            assert made is not None
            self._connection.execute(
                "INSERT INTO entry (posting_id, account_id, qty, owner_id, event_at, recorded_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (made[0], account, qty, owner, at(event), at(recorded)),
            )
            self.rows.append((account, qty, event, recorded))
        # What the check on balances forbids is no matter here: the sums are the test.
        self._connection.execute("ALTER TABLE balance DROP CONSTRAINT IF EXISTS ck_balance_qty_not_negative")
        self._connection.execute("ALTER TABLE balance DROP CONSTRAINT IF EXISTS ck_balance_reserved_within_qty")
        self._connection.execute(
            "UPDATE balance b SET qty = (SELECT coalesce(sum(qty), 0) FROM entry e WHERE e.account_id = b.account_id)"
        )
        self._connection.commit()

    def checkpoint(self) -> None:
        """At any instant, knowing what was known at any other."""
        event = self.draw.randint(-1, 61)
        with self._database.unit_of_work(SCOPE) as session:
            make_checkpoint(session, at(event), at(event + self.draw.choice([-20, 0, 1, 15, 70])))

    def expected(self, event: float, recorded: float) -> dict[int, int]:
        sums: dict[int, int] = defaultdict(int)
        for account, qty, happened, written in self.rows:
            if happened <= event and written <= recorded:
                sums[account] += qty
        return {account: qty for account, qty in sums.items() if qty}

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize("seed", range(4))
def test_from_whatever_checkpoint_the_sums_are_those_of_the_entries(
    fresh_urls: Urls, fresh_database: Database, seed: int
) -> None:
    scribble = Scribble(fresh_urls, fresh_database, seed)
    for _ in range(3):
        scribble.write(40)
        for _ in range(3):
            scribble.checkpoint()
        with fresh_database.unit_of_work(SCOPE) as session:
            for event in (-1, 0, 7, 20, 33, 48, 60, 90):
                for recorded in (0, 20, 41, 75, None):
                    known = 10_000 if recorded is None else recorded
                    found = everything_at(session, at(event), known_at=None if recorded is None else at(recorded))
                    assert dict(found) == scribble.expected(event, known), (seed, event, recorded)
    scribble.close()


def test_each_starting_point_is_taken_where_it_is_nearest(database: Database, scope: Scope, shelf: Shelf) -> None:
    day = timedelta(days=1)
    with database.unit_of_work(scope) as session:
        for days in (40, 30, 20, 10):
            receive(session, shelf, days, at=now() - days * day)
    with database.unit_of_work(scope) as session:
        made = make_checkpoint(session, now() - 25 * day, now())

    def start(days: int, *, virtual: bool = False) -> int:
        with database.unit_of_work(scope) as session:
            sql = text("SELECT checkpoint_id FROM stock_nearest(:at, 'infinity', :virtual)")
            return int(session.execute(sql, {"at": now() - days * day, "virtual": virtual}).scalar_one())

    assert [start(days) for days in (50, 39, 27, 23, 2)] == [0, 0, made, made, -1]
    assert start(2, virtual=True) == made


def test_totals_are_summed_by_what_is_asked_for(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 10, at=now() - timedelta(hours=3))
        receive_bonded(session, shelf, 4)
        post(session, Posting("m", "move", now() - timedelta(hours=1), moved(shelf.free, shelf.other, 3)))
    with database.unit_of_work(scope) as session:
        by_status = totals_at(session, now(), by=("customs_status",))
        assert [(one.customs_status, one.qty, one.owner_id) for one in by_status] == [
            ("bonded", 4, None), ("free", 10, None),
        ]  # fmt: skip
        then = totals_at(session, now() - timedelta(hours=2), by=("location_id",))
        assert [(one.location_id, one.qty) for one in then] == [(shelf.location_id, 10)]
        (book,) = totals_at(session, now(), Stock(kinds=("not_yet_booked",)), by=("book_line_id",))
        assert (book.book_line_id, book.qty) == (shelf.book_line_id, 4)
        virtual = totals_at(session, now(), Stock(kinds=("supplier",)), by=("trade_item_id",))
        assert [one.qty for one in virtual] == [-14]
        with pytest.raises(ValueError, match="summed by some of"):
            totals_at(session, now(), by=("qty",))


def test_a_firm_reads_its_own_past_alone(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        other = make_shelf(session)
        receive(session, shelf, 10, at=now() - timedelta(days=9))
        receive(session, other, 20, at=now() - timedelta(days=9))
    with database.unit_of_work(scope) as session:
        assert make_checkpoint(session, now() - timedelta(days=5), now()) is not None
    firm = Scope(scope.tenant_id, role="clerk", company_id=shelf.owner_id, sees_all=False)
    for days in (8, 4, 0):
        with database.unit_of_work(firm) as session:
            found = totals_at(session, now() - timedelta(days=days), by=("owner_id",))
            assert [(one.owner_id, one.qty) for one in found] == [(shelf.owner_id, 10)]
    with database.unit_of_work(firm) as session, pytest.raises(Exception, match="of all companies"):
        make_checkpoint(session, now())


def test_a_backdated_posting_changes_no_row_and_no_earlier_answer(
    database: Database, scope: Scope, shelf: Shelf
) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 10, at=now() - timedelta(days=9))
    with database.unit_of_work(scope) as session:
        assert make_checkpoint(session, now() - timedelta(days=5), now()) is not None
    known_at = now()
    before = _rows(database, scope)
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 7, at=now() - timedelta(days=7))
    then = now() - timedelta(days=5)
    with database.unit_of_work(scope) as session:
        assert [row.qty for row in everything_at(session, then)] == [17]
        assert [row.qty for row in everything_at(session, then, known_at=known_at)] == [10]
    after = _rows(database, scope)
    assert {table: rows & before[table] for table, rows in after.items()} == before
    assert verify(database, scope) == []


def _rows(database: Database, scope: Scope) -> dict[str, set[str]]:
    with database.unit_of_work(scope) as session:
        return {
            table: set(session.execute(text(f"SELECT {table}::text FROM {table}")).scalars())
            for table in ("posting", "entry", "stock_checkpoint", "stock_checkpoint_sum")
        }


def test_a_checkpoint_waits_for_the_postings_under_way(database: Database, scope: Scope, shelf: Shelf) -> None:
    made: list[int | None] = []

    def make() -> None:
        with database.unit_of_work(scope) as session:
            made.append(make_checkpoint(session, now(), now() + timedelta(minutes=1)))

    maker = threading.Thread(target=make)
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 10, at=now() - timedelta(minutes=1))
        maker.start()
        time.sleep(0.3)
        assert maker.is_alive()
    maker.join(10)
    with database.unit_of_work(scope) as session:
        counted = session.execute(text("SELECT qty FROM stock_checkpoint_sum WHERE qty > 0")).scalars().all()
    assert (len(made), counted) == (1, [10])
    assert verify(database, scope) == []


def test_a_checkpoint_gives_up_where_a_posting_does_not_end(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as busy:
        receive(busy, shelf, 10)
        with database.unit_of_work(scope) as session:
            assert make_checkpoint(session, now()) is None


def test_the_job_writes_checkpoints_as_the_ledger_grows_and_not_twice(
    database: Database, owner_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "LEAST_POSTINGS", 5)
    scope = Scope.system(new_tenant(owner_database))
    with database.unit_of_work(scope) as session:
        shelf = make_shelf(session)
        for hours in range(30, 2, -1):
            receive(session, shelf, 1, at=now() - timedelta(hours=hours))

    def count() -> int:
        with database.unit_of_work(scope) as session:
            return int(session.execute(text("SELECT count(*) FROM stock_checkpoint")).scalar_one())

    jobs.make_checkpoints(database)
    first = count()
    jobs.make_checkpoints(database)
    assert (first, count()) == (5, 5)
    assert verify(database, scope) == []


def test_verify_finds_a_checkpoint_that_was_altered(fresh_urls: Urls, fresh_database: Database) -> None:
    with fresh_database.unit_of_work(SCOPE) as session:
        shelf = make_shelf(session)
        for days in (9, 6, 3):
            receive(session, shelf, 10, at=now() - timedelta(days=days))
    for days in (8, 5, 2):
        with fresh_database.unit_of_work(SCOPE) as session:
            assert make_checkpoint(session, now() - timedelta(days=days), now()) is not None
    assert verify(fresh_database, SCOPE) == []
    with psycopg.connect(libpq(fresh_urls.superuser)) as superuser:
        superuser.execute(
            "UPDATE stock_checkpoint_sum SET qty = qty + 1 WHERE qty > 0 AND checkpoint_id ="
            " (SELECT id FROM stock_checkpoint ORDER BY event_before LIMIT 1)"
        )
    found = verify(fresh_database, SCOPE)
    assert {(one.invariant, one.where.split()[0]) for one in found} == {("I15", "checkpoint")}
    assert "says 11" in str(found[0])


# -- ERPNext#53773: one backdated entry ahead of 22,364 later ones kept a repost queue busy for ever.


@pytest.fixture
def long_history(fresh_urls: Urls, fresh_database: Database) -> Shelf:
    with fresh_database.unit_of_work(SCOPE) as session:
        shelf = make_shelf(session)
        receive(session, shelf, 100, at=now() - timedelta(days=20))
    fill_later(fresh_urls, fresh_database, shelf)
    return shelf


def test_erpnext_53773_a_posting_ahead_of_22364_later_ones_takes_its_place(
    fresh_database: Database, long_history: Shelf, record_property: Any
) -> None:
    before = history_of(fresh_database)
    assert len(before) >= 3 * LATER
    took = _timed(
        fresh_database, lambda at: Posting("late in", "receipt", at, moved(long_history.supplier, long_history.free, 5))
    )
    taken = _timed(
        fresh_database, lambda at: Posting("late out", "issue", at, moved(long_history.free, long_history.customer, 5))
    )
    record_property("seconds", max(took, taken))
    after = history_of(fresh_database)
    assert before <= after, "a row that stood was rewritten"
    assert len(after - before) == 6  # two postings of two entries each


def test_erpnext_53773_is_refused_where_a_later_instant_would_go_below_zero(
    fresh_database: Database, long_history: Shelf
) -> None:
    # The stock falls to 3 somewhere among the later postings, though there is plenty both then and now.
    lines = moved(long_history.free, long_history.customer, 4)
    too_much = Posting("too much", "issue", now() - timedelta(days=15), lines)
    with fresh_database.unit_of_work(SCOPE) as session, pytest.raises(ShortInPast) as refused:
        post(session, too_much)
    assert refused.value.values["lowest"] == 3


def _timed(database: Database, made: Callable[[datetime], Posting]) -> float:
    start = time.perf_counter()
    with database.unit_of_work(SCOPE) as session:
        post(session, made(now() - timedelta(days=15)))
    return time.perf_counter() - start
