"""No query that runs all day reads a whole table: the plans of PostgreSQL itself, on a ledger that is large enough.

Each read of the product runs for real, under the scope of the operator and of a firm; every statement it sent is
planned again by EXPLAIN, and no plan may scan one of the large tables from end to end.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from benchmarks.big_ledger import BigLedger, fill
from tests.build import now
from tests.conftest import Server, Urls
from tests.plans import whole_tables
from wms.db import Database, Scope
from wms.floor import inside_queries, queries
from wms.floor.service import suggesting
from wms.stock.ledger import Posting, Reserve, Reserved, moved, post, reserve, reserve_many
from wms.stock.lookups import newest_postings
from wms.stock.queries import Stock, available, on_hand, stock_at, stock_card

LARGE = {"account", "balance", "entry", "posting", "idem", "leaf", "location", "trade_item"}
ENTRIES, ITEMS, BINS = 60_000, 3_000, 6_000


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[tuple[Database, BigLedger]]:
    name = server.clone()
    urls = server.postgres.urls_of(name)
    big = fill(Urls(urls.app, urls.owner, urls.auditor, urls.superuser, name), ENTRIES, items=ITEMS, bins=BINS)  # type: ignore[arg-type]
    database = Database(urls.app, pool_size=2)
    yield database, big
    database.close()
    server.postgres.drop_database(name)


Read = Callable[[Session, BigLedger], object]


def item(big: BigLedger) -> Stock:
    return Stock(owner_id=big.owner_of(big.popular[5]), trade_item_id=big.popular[5])


READS: dict[str, Read] = {
    "on hand of one item": lambda s, big: on_hand(s, item(big)),
    "on hand of an item, whoever owns it": lambda s, big: on_hand(s, Stock(trade_item_id=big.popular[9])),
    "on hand of one owner, first page": lambda s, big: on_hand(s, Stock(owner_id=big.owner_ids[2])),
    "on hand of everything, first page": lambda s, _: on_hand(s, Stock()),
    "on hand of everything, a later page": lambda s, _: on_hand(s, Stock(), after=9_000),
    "on hand in one place": lambda s, big: on_hand(s, Stock(location_id=big.bin_ids[7])),
    "on hand of one lot": lambda s, _: on_hand(s, Stock(lot_id=1)),
    "on hand in one unit": lambda s, _: on_hand(s, Stock(handling_unit_id=1)),
    "free stock of one item": lambda s, big: available(s, item(big)),
    "one item at a past instant": lambda s, big: stock_at(s, big.last_at - timedelta(days=100), item(big)),
    "one place at a past instant": lambda s, big: stock_at(
        s, big.last_at - timedelta(days=100), Stock(location_id=big.bin_ids[3])
    ),
    "stock card of one item": lambda s, big: stock_card(s, item(big), since=big.last_at - timedelta(days=60)),
    "stock card of one place": lambda s, big: stock_card(s, Stock(location_id=big.bin_ids[7])),
    "the newest postings": lambda s, _: newest_postings(s),
    "a place by its code": lambda s, big: queries.location_by_code(s, big.site_ids[1], "A-00042"),
    "a place for goods": lambda s, big: suggesting.suggest(s, big.site_ids[1], big.goods(big.popular[5]), now().date()),
    "what lies in a place": lambda s, big: inside_queries.piles_at(s, [big.bin_ids[7]]),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("who", ["operator", "firm"])
def test_no_hot_read_scans_a_whole_table(filled: tuple[Database, BigLedger], name: str, who: str) -> None:
    database, big = filled
    scope = Scope.system(1)
    if who == "firm":
        owner = big.owner_of(big.popular[5])
        scope = Scope(1, role="clerk", company_id=owner, sees_all=False)
    assert whole_tables(database, scope, lambda session: READS[name](session, big), LARGE) == {}


def test_a_posting_reaches_every_row_through_an_index(filled: tuple[Database, BigLedger]) -> None:
    """The statements inside the routine cannot be seen from outside; the blocks that they read can."""
    database, big = filled
    shelf, customer = big.shelf(big.popular[0], big.bin_ids[0]), big.customer(big.popular[0])
    with database.unit_of_work(Scope.system(1)) as session:
        post(session, Posting("in", "receipt", now(), moved(big.supplier(big.popular[0]), shelf, 10)))
        held = reserve(session, Reserve("r", shelf, 5, now() + timedelta(hours=1)))
    with database.unit_of_work(Scope.system(1)) as session:
        before = _seq_scans(session)
        post(session, Posting("out", "issue", now(), moved(shelf, customer, 5, held.reservation_id)))
        after = _seq_scans(session)
    assert {table: after[table] - count for table, count in before.items() if after[table] != count} == {}


def test_a_list_of_picks_looks_each_promise_up_a_few_times_however_long_it_is(
    filled: tuple[Database, BigLedger],
) -> None:
    database, big = filled
    item_id, many = big.popular[1], 60
    shelves = [big.shelf(item_id, bin_id) for bin_id in big.bin_ids[:many]]
    goods = [line for shelf in shelves for line in moved(big.supplier(item_id), shelf, 5)]
    with database.unit_of_work(Scope.system(1)) as session:
        post(session, Posting("goods", "receipt", now(), tuple(goods)))
        wanted = [Reserve(f"promise-{n}", shelf, 2, now() + timedelta(hours=1)) for n, shelf in enumerate(shelves)]
        held = [one.reservation_id for one in reserve_many(session, wanted) if isinstance(one, Reserved)]
    assert len(held) == many
    with database.unit_of_work(Scope.system(1)) as session:
        before = _lookups(session, "pk_reservation")
        taken = [
            line
            for shelf, promise in zip(shelves, held, strict=True)
            for line in moved(shelf, big.customer(item_id), 2, promise)
        ]
        post(session, Posting("picks", "pick", now(), tuple(taken)))
        assert _lookups(session, "pk_reservation") - before < 10 * many


def _lookups(session: Session, index: str) -> int:
    """How often this transaction has looked something up in ``index``."""
    query = "SELECT pg_stat_get_xact_numscans(%s::regclass)"
    return int(session.connection().exec_driver_sql(query, (index,)).scalar_one())


def _seq_scans(session: Session) -> dict[str, int]:
    rows = session.connection().exec_driver_sql(
        "SELECT relname, coalesce(pg_stat_get_xact_numscans(relid), 0) FROM pg_stat_user_tables"
        " WHERE relname IN ('account', 'balance', 'entry', 'posting', 'idem', 'leaf')"
    )
    return {row[0]: row[1] for row in rows}
