"""What holds for hand-written SQL: privileges, triggers and row-level security, whoever writes it."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.build import Shelf, make_shelf, moved, now, receive, receive_bonded
from tests.conftest import Urls
from wms.db import Database, Scope
from wms.postgres import libpq
from wms.record.rules import KeyReused
from wms.stock.ledger import Posting, Reserve, close_month, post, post_many, reserve, reserve_many
from wms.stock.rules import UnknownAccount
from wms.stock.verify import run

LEDGER = ("posting", "entry", "balance", "leaf", "reservation", "period_close")
SEEN = ("account", "balance", "entry", "posting", "reservation", "trade_item")


@pytest.fixture
def shelf(database: Database, scope: Scope) -> Shelf:
    with database.unit_of_work(scope) as session:
        shelf = make_shelf(session)
        receive(session, shelf, 10)
        receive_bonded(session, shelf, 7)
        reserve(session, Reserve("r", shelf.free, 1, now() + timedelta(hours=1)))
    return shelf


def refused(database: Database, scope: Scope, sql: str) -> str:
    """The SQLSTATE that forbids ``sql``, at once or at commit."""
    with pytest.raises(DBAPIError) as caught, database.unit_of_work(scope) as session:
        session.connection().exec_driver_sql(sql)
    return str(getattr(caught.value.orig, "sqlstate", None))


@pytest.mark.parametrize("table", LEDGER)
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {0} SELECT * FROM {0} LIMIT 0",
        "UPDATE {0} SET tenant_id = tenant_id",
        "DELETE FROM {0}",
        "TRUNCATE {0}",
    ],
)
def test_the_product_writes_the_ledger_through_its_routines_alone(
    database: Database, scope: Scope, shelf: Shelf, table: str, sql: str
) -> None:
    assert refused(database, scope, sql.format(table)) == errors.InsufficientPrivilege.sqlstate


@pytest.mark.parametrize("sql", ["UPDATE account SET kind = 'customer'", "DELETE FROM account", "DELETE FROM idem"])
def test_the_product_cannot_rename_accounts_or_forget_keys(
    database: Database, scope: Scope, shelf: Shelf, sql: str
) -> None:
    assert refused(database, scope, sql) == errors.InsufficientPrivilege.sqlstate


def test_an_answer_under_a_key_stands(database: Database, scope: Scope, shelf: Shelf) -> None:
    assert refused(database, scope, "UPDATE idem SET answer = '{}' WHERE key = 'r'") == "DT001"


@pytest.mark.parametrize("table", ["posting", "entry", "leaf", "account"])
def test_even_the_owner_edits_nothing_that_was_written(
    owner_database: Database, scope: Scope, shelf: Shelf, table: str
) -> None:
    for sql in (f"UPDATE {table} SET tenant_id = tenant_id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        assert refused(owner_database, scope, sql) == "DT001"


# What the owner may write past the routine, and what then refuses it.
RAW_POSTING = (
    "INSERT INTO idem (key, request_hash) VALUES ('raw', sha256('x'));"
    "INSERT INTO posting (idem_key, kind, event_at) VALUES ('raw', 'receipt', {at});"
)
RAW_ENTRY = (
    "INSERT INTO entry (posting_id, account_id, qty, owner_id, event_at, recorded_at)"
    " SELECT p.id, a.id, {qty}, a.owner_id, p.event_at, p.recorded_at FROM posting p, account a"
    " WHERE p.idem_key = '{key}' AND a.kind = '{kind}' AND a.customs_status = '{status}';"
)


def entry(kind: str, qty: int, *, status: str = "free", key: str = "raw") -> str:
    return RAW_ENTRY.format(kind=kind, qty=qty, status=status, key=key)


RAW = RAW_POSTING.format(at="now()")
UNBALANCED = {
    "no entries": RAW,
    "one entry": RAW + entry("customer", 1) + entry("supplier", 1),
    "book and shelf part": RAW + entry("supplier", -1) + entry("location", 1, status="bonded"),
}


@pytest.mark.parametrize("name", UNBALANCED)
def test_a_raw_posting_that_does_not_balance_is_refused_at_commit(
    owner_database: Database, database: Database, scope: Scope, shelf: Shelf, name: str
) -> None:
    with database.unit_of_work(scope) as session:  # opens the customer's account
        post(session, Posting("one", "issue", now(), moved(shelf.free, shelf.customer, 1)))
    assert refused(owner_database, scope, UNBALANCED[name]) == "DT006"
    assert run(database, scope) == []


def test_entries_are_not_added_to_a_posting_that_is_already_written(
    owner_database: Database, scope: Scope, shelf: Shelf, database: Database
) -> None:
    with database.unit_of_work(scope) as session:
        post(session, Posting("one", "issue", now(), moved(shelf.free, shelf.customer, 1)))
    late = entry("supplier", 1, key="one")
    assert refused(owner_database, scope, late) == "DT005"


def test_raw_sql_posts_nothing_into_a_closed_month(
    owner_database: Database, database: Database, scope: Scope, shelf: Shelf
) -> None:
    with database.unit_of_work(scope) as session:
        month = session.execute(text("SELECT (stock_month(now()) - interval '1 month')::date")).scalar_one()
        close_month(session, month)
    assert refused(owner_database, scope, RAW_POSTING.format(at="now() - interval '32 days'")) == "DT004"


@pytest.mark.parametrize("table", SEEN)
def test_a_firm_sees_its_own_rows_and_no_scope_sees_nothing(
    database: Database, scope: Scope, shelf: Shelf, urls: Urls, table: str
) -> None:
    with database.unit_of_work(scope) as session:
        other = make_shelf(session)
        receive(session, other, 20)
        reserve(session, Reserve("other", other.free, 2, now() + timedelta(hours=1)))
    counts = []
    for seeing in (
        scope,
        Scope(scope.tenant_id, company_id=shelf.owner_id, sees_all=False),
        Scope(scope.tenant_id, company_id=other.owner_id, sees_all=False),
        Scope(scope.tenant_id, company_id=None, sees_all=False),
        Scope.system(scope.tenant_id + 1_000_000),
    ):
        with database.unit_of_work(seeing) as session:
            counts.append(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
    whole, mine, theirs, nobody, elsewhere = counts
    assert mine > 0
    assert theirs > 0
    assert whole == mine + theirs
    assert nobody == elsewhere == 0
    with psycopg.connect(libpq(urls.app)) as bare:
        assert bare.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # type: ignore[arg-type]


def test_a_firm_cannot_post_with_anothers_goods(database: Database, scope: Scope, shelf: Shelf) -> None:
    firm = Scope(scope.tenant_id, company_id=None, sees_all=False)
    with pytest.raises((UnknownAccount, DBAPIError)), database.unit_of_work(firm) as session:
        post(session, Posting("theft", "issue", now(), moved(shelf.free, shelf.customer, 1)))


@pytest.fixture
def auditor(urls: Urls, scope: Scope) -> Iterator["psycopg.Connection[tuple[int, ...]]"]:
    with psycopg.connect(libpq(urls.auditor)) as connection:
        connection.execute("SELECT set_config('app.tenant', %s, false)", (str(scope.tenant_id),))
        connection.execute("SELECT set_config('app.sees_all', 'on', false)")
        connection.commit()
        yield connection


@pytest.mark.parametrize("table", LEDGER)
def test_the_auditor_reads_and_writes_nothing(
    auditor: "psycopg.Connection[tuple[int, ...]]", shelf: Shelf, table: str
) -> None:
    assert auditor.execute(f"SELECT count(*) FROM {table}").fetchone() is not None  # type: ignore[arg-type]
    for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET tenant_id = 1", "SELECT stock_close_month('2020-01-01')"):
        with pytest.raises(errors.InsufficientPrivilege):
            auditor.execute(sql)  # type: ignore[arg-type]
        auditor.rollback()


def test_a_key_that_another_firm_used_is_refused_without_telling_more(
    database: Database, scope: Scope, shelf: Shelf
) -> None:
    with database.unit_of_work(scope) as session:
        other = make_shelf(session)
    firms = [Scope(scope.tenant_id, company_id=one.owner_id, sees_all=False) for one in (shelf, other)]
    for firm, theirs in zip(firms, (shelf, other), strict=True):
        with database.unit_of_work(firm) as session:
            posted = post_many(session, [Posting("same", "receipt", now(), moved(theirs.supplier, theirs.free, 1))])
            held = reserve_many(session, [Reserve("same-r", theirs.free, 1, now() + timedelta(hours=1))])
        refused_too = firm is firms[1]
        assert [isinstance(answer, KeyReused) for answer in (*posted, *held)] == [refused_too, refused_too]
