"""The check of a living database finds nothing where nothing is wrong, and names each kind of damage."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from tests.build import Shelf, make_shelf, moved, now, receive, receive_bonded
from tests.conftest import Server
from wms.db import Database, Scope, set_scope
from wms.stock.ledger import Line, Posting, Reserve, close_month, post, reserve, reverse
from wms.stock.rules import ShortStock
from wms.stock.verify import Finding, findings, run, snapshot
from wms.stock.verify.findings import MOST

SCOPE = Scope.system(1)
BEIJING = ZoneInfo("Asia/Shanghai")


def last_month() -> datetime:
    """An instant in the month before this one, Beijing time."""
    first = now().astimezone(BEIJING).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first - timedelta(days=3)


def build(database: Database) -> Shelf:
    """A little of everything that the ledger writes; posting ids start at 1."""
    with database.unit_of_work(SCOPE) as session:
        shelf = make_shelf(session)
        receive(session, shelf, 10, at=last_month())
        receive_bonded(session, shelf, 7)
        close_month(session, last_month().date().replace(day=1))
    with database.unit_of_work(SCOPE) as session:
        issue = Posting("issue", "issue", now(), (Line(shelf.free, -4, -2000, -80), Line(shelf.customer, 4, 2000, 80)))
        reverse(session, "undo", post(session, issue).posting_id, reason="wrong item", event_at=now())
        reserve(session, Reserve("promise", shelf.free, 3, now() + timedelta(hours=1)))
    with database.unit_of_work(SCOPE) as session, pytest.raises(ShortStock):
        post(session, Posting("short", "issue", now(), moved(shelf.other, shelf.customer, 1)))
    return shelf


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[str]:
    """A database with a healthy ledger, to be cloned by each test that damages it."""
    name = server.clone()
    database = Database(server.postgres.urls_of(name).app, pool_size=1)
    build(database)
    database.close()
    yield name
    server.postgres.drop_database(name)


@pytest.fixture
def patient(server: Server, world: str) -> Iterator[Database]:
    """A clone of the healthy world as the product sees it."""
    name = server.clone(world)
    database = Database(server.postgres.urls_of(name).app, pool_size=1)
    yield database
    database.close()
    server.postgres.drop_database(name)


def test_a_healthy_ledger_is_clean(patient: Database) -> None:
    assert run(patient, SCOPE) == []


# Name of the damage → what was done by hand, and what must be among the findings: (invariant, place or words).
DAMAGES: dict[str, tuple[str, tuple[str, str]]] = {
    "balance changed": ("UPDATE balance SET qty = qty + 1 WHERE qty = 7", ("I1", "entries sum to 7")),
    "balance row removed": ("DELETE FROM balance WHERE qty = 7", ("I1", "no balance row")),
    "balance row for a virtual account": (
        ("INSERT INTO balance (tenant_id, account_id, owner_id)"
        " SELECT 1, id, owner_id FROM account WHERE kind = 'supplier' LIMIT 1"),
        ("I1", "virtual or does not exist"),
    ),
    "balance of another company": ("UPDATE balance SET owner_id = 999 WHERE qty = 7", ("I1", "company 999")),
    "last movement forgotten": ("UPDATE balance SET last_event_at = 'epoch' WHERE qty = 10", ("I15", "backdating")),
    "entry changed": ("UPDATE entry SET qty = qty + 1 WHERE posting_id = 1 AND qty > 0", ("I2", "posting 1: The")),
    "entry removed": ("DELETE FROM entry WHERE posting_id = 1 AND qty < 0", ("I2", "posting 1: The entries")),
    "entry removed, seen by the balance": ("DELETE FROM entry WHERE posting_id = 1 AND qty > 0", ("I1", "sum to 0")),
    "posting without entries": ("DELETE FROM entry WHERE posting_id = 1", ("I2", "has no entries")),
    "entries without posting": ("DELETE FROM posting WHERE id = 1", ("I2", "without its posting")),
    "entry with other times": (
        "UPDATE entry SET event_at = event_at - interval '1 day' WHERE posting_id = 2 AND qty > 0",
        ("I15", "other times"),
    ),
    "entry of another company": ("UPDATE entry SET owner_id = 999 WHERE posting_id = 1", ("I12", "company 999")),
    "stock below zero in between": (
        ("UPDATE entry SET event_at = event_at + interval '2 month' WHERE posting_id = 1;"
        "UPDATE posting SET event_at = event_at + interval '2 month' WHERE id = 1"),
        ("I3", "more had gone out"),
    ),
    "negative balance": (
        ("ALTER TABLE balance DROP CONSTRAINT ck_balance_qty_not_negative;"
        "ALTER TABLE balance DROP CONSTRAINT ck_balance_reserved_within_qty;"
        "UPDATE balance SET qty = -1 WHERE qty = 7"),
        ("I3", "The stock is -1"),
    ),
    "check constraint dropped": (
        "ALTER TABLE balance DROP CONSTRAINT ck_balance_qty_not_negative",
        ("I1", "constraint ck_balance_qty_not_negative is missing"),
    ),
    "reserved without reservation": (
        "UPDATE reservation SET state = 'void', qty_open = 0", ("I3", "reservations sum to 0"),
    ),
    "reservation without reserve": ("UPDATE balance SET qty_reserved = 0", ("I3", "holds 0 reserved")),
    "book drifts from the shelf": (
        ("WITH a AS (SELECT id FROM account WHERE kind = 'not_yet_booked')"
        " UPDATE entry SET qty = 8 WHERE account_id IN (SELECT id FROM a)"),
        ("I4", "Shelf and book of the line differ by -1"),
    ),
    "posting slipped into a closed month": (
        "UPDATE posting SET event_at = (SELECT event_at FROM posting WHERE id = 1) WHERE id = 3",
        ("I9", "posting 3: The posting was recorded"),
    ),
    "posting taken out of a closed month": (
        ("DELETE FROM entry WHERE posting_id = 1; DELETE FROM leaf WHERE subject_id = 1;"
        "DELETE FROM posting WHERE id = 1"),
        ("I9", "1 postings then, 0 now"),
    ),
    "closing rewritten": ("UPDATE period_close SET totals_hash = sha256('x')", ("I9", "is not as it was")),
    "one byte of a leaf flipped": (
        ("UPDATE leaf SET body = set_byte(body, 60, get_byte(body, 60) # 1),"
        " hash = sha256('\\x00'::bytea || set_byte(body, 60, get_byte(body, 60) # 1)) WHERE subject_id = 2"),
        ("I11", "posting 2: The leaf does not say what the posting says (first at byte 60)"),
    ),
    "hash of a leaf changed": (
        ("ALTER TABLE leaf DROP CONSTRAINT ck_leaf_hash_of_body;"
        "UPDATE leaf SET hash = sha256('x') WHERE subject_id = 2"),
        ("I11", "hash of the leaf"),
    ),
    "posting's document changed": (
        "UPDATE posting SET source_doc = 'another' WHERE id = 2", ("I11", "posting 2: The leaf does not say"),
    ),
    "weight changed": ("UPDATE entry SET weight_g = 1 WHERE posting_id = 3", ("I11", "posting 3")),
    "leaf removed": ("DELETE FROM leaf WHERE subject_id = 2", ("I11", "posting 2: The posting has no leaf")),
    "leaf without posting": (
        "INSERT INTO leaf (tenant_id, kind, subject_id, body, hash) VALUES (1, 'posting', 999, 'x', sha256('\\x0078'))",
        ("I11", "posting 999, which does not exist"),
    ),
    "reversal is no mirror image": (
        "UPDATE entry SET weight_g = weight_g + 1 WHERE posting_id = 4 AND qty > 0", ("I2", "not the mirror image"),
    ),
    "key without answer": ("UPDATE idem SET answer = NULL WHERE key = 'short'", ("I7", "key short: The key was taken")),
    "key forgotten": ("DELETE FROM idem WHERE key = 'issue'", ("I7", "not the answer under its key issue")),
    "answer for no posting": (
        "INSERT INTO idem VALUES (1, 'ghost', NULL, sha256('x'), '{\"posting_id\": 77}', now())",
        ("I7", "key ghost: The answer names posting 77"),
    ),
    "account of another item's lot": (
        ("INSERT INTO lot (tenant_id, trade_item_id, lot_no) VALUES (1, 999, 'L');"
        "UPDATE account SET lot_id = (SELECT id FROM lot WHERE lot_no = 'L') WHERE kind = 'supplier'"),
        ("I12", "does not fit"),
    ),
    "trigger disabled": (
        "ALTER TABLE posting DISABLE TRIGGER posting_balances", ("I1", "posting_balances is missing or disabled"),
    ),
    "trigger dropped": ("DROP TRIGGER entry_append_only ON entry", ("I1", "entry_append_only is missing")),
    "foreign keys switched off": ("ALTER TABLE entry DISABLE TRIGGER ALL", ("I1", "foreign keys are disabled")),
    "routine replaced": (
        ("CREATE OR REPLACE FUNCTION stock_month_is_closed(at timestamptz) RETURNS boolean LANGUAGE sql STABLE"
        " AS $$ SELECT false $$"),
        ("I1", "routine stock_month_is_closed"),
    ),
    "row-level security off": ("ALTER TABLE entry NO FORCE ROW LEVEL SECURITY", ("I12", "table entry: Row-level")),
    "policy for everybody": (
        "CREATE POLICY open_door ON entry FOR SELECT USING (true)", ("I12", "policy open_door lets rows"),
    ),
    "product may edit entries": (
        "GRANT UPDATE (qty) ON entry TO dongting_app", ("I1", "login dongting_app may UPDATE"),
    ),
    "auditor may remove postings": (
        "GRANT DELETE ON posting TO dongting_auditor", ("I1", "login dongting_auditor may DELETE"),
    ),
}  # fmt: skip


@pytest.fixture
def surgeon(server: Server, world: str) -> Iterator[Session]:
    """A superuser's transaction in the healthy world that is undone at the end."""
    engine = create_engine(server.postgres.urls_of(world).superuser, poolclass=NullPool)
    with engine.connect() as connection, Session(connection) as session:
        set_scope(session, SCOPE)
        yield session
        session.rollback()


def examine(surgeon: Session, damage: str) -> list[Finding]:
    """Damage the rows with every trigger asleep, then look at them as the product does."""
    surgeon.execute(text("SET LOCAL session_replication_role = replica"))
    surgeon.connection().exec_driver_sql(damage)
    surgeon.execute(text("SET LOCAL session_replication_role = origin"))
    surgeon.execute(text("SET LOCAL ROLE dongting_app"))
    return list(findings(surgeon))


@pytest.mark.parametrize("name", DAMAGES)
def test_names_the_damage(surgeon: Session, name: str) -> None:
    damage, (invariant, words) = DAMAGES[name]
    found = examine(surgeon, damage)
    assert any(one.invariant == invariant and words in str(one) for one in found), [str(one) for one in found]


def test_many_findings_of_a_kind_are_cut_off_and_said(surgeon: Session) -> None:
    damage = f"INSERT INTO idem SELECT 1, 'k' || n, NULL, sha256('x'), NULL, now() FROM generate_series(0, {MOST}) n"
    found = [one for one in examine(surgeon, damage) if one.invariant == "I7"]
    assert len(found) == MOST + 1
    assert "more than 100" in str(found[-1])


def test_a_finding_is_told_in_json(surgeon: Session) -> None:
    account = surgeon.execute(text("SELECT min(account_id) FROM balance WHERE qty = 7")).scalar_one()
    found = examine(surgeon, f"UPDATE balance SET qty = 8 WHERE account_id = {account}")
    told = [one.as_json() for one in found if "sum to" in one.text]
    assert told == [
        {
            "invariant": "I1",
            "where": f"account {account}",
            "text": "The balance says 8, the entries sum to 7.",
            "values": {"balance": 8, "entries": 7},
        }
    ]


def test_a_superuser_as_the_products_login_is_a_finding(server: Server, world: str) -> None:
    database = Database(server.postgres.urls_of(world).superuser, pool_size=1)
    found = [f"{one.invariant} {one.where}" for one in run(database, SCOPE)]
    database.close()
    assert "I12 login postgres" in found


def test_sees_one_instant_while_work_goes_on(patient: Database) -> None:
    with snapshot(patient, SCOPE) as session:
        before = list(findings(session))
        other = Database(patient.url, pool_size=1)
        with other.unit_of_work(SCOPE) as writing:
            receive(writing, make_shelf(writing), 5)
        other.close()
        assert session.execute(text("SELECT count(*) FROM posting")).scalar_one() == 4
        assert before == list(findings(session)) == []
