"""Customs' documents against the ledger: nothing where nothing is wrong, and each kind of damage by its name."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from tests.build import Shelf, make_shelf, now, receive_bonded
from tests.conftest import Server
from wms.customs.tables import AccountBook, GatePass, GatePassLine, VerificationLine
from wms.customs.verification_lists import DrawUpList, ListLine, book, declare, draw_up, pre_deduct, release_entry
from wms.customs.verify import findings
from wms.db import Database, Scope, set_scope
from wms.stock.ledger import reverse
from wms.stock.tables import BookLine

SCOPE = Scope.system(1)
LIST = "QD491226I000000001"


def book_a_list(session: Session) -> tuple[Shelf, int]:
    """Seven bonded units through the gate on a pass, counted, and booked by a list; tells the posting's id."""
    shelf = make_shelf(session)
    receive_bonded(session, shelf, 7)
    book_no = session.get_one(BookLine, shelf.book_line_id).book_no
    session.add(
        AccountBook(book_no=book_no, company_id=shelf.owner_id, site_id=shelf.site_id, valid_from_on=now().date())
    )
    session.flush()
    lines = (ListLine(shelf.book_line_id, Decimal(7), "011", 7),)
    list_id = draw_up(session, DrawUpList("1", book_no, shelf.owner_id, "I", "5000", lines))
    declare(session, list_id, now())
    pre_deduct(session, list_id, LIST, now())
    pass_through_gate(session, shelf, session.query(VerificationLine).one())
    release_entry(session, list_id, None, now())
    posting_id = book(session, list_id, "book", now())
    assert posting_id is not None
    return shelf, posting_id


def pass_through_gate(session: Session, shelf: Shelf, line: VerificationLine) -> None:
    passed = GatePass(
        internal_no="P1", pass_no=f"Z4912I{1:018d}", owner_id=shelf.owner_id, site_id=shelf.site_id, direction="I",
        pass_type="1", bind_type="1", state="passed", vehicle_plate="湘F12345", vehicle_weight_g=1, total_weight_g=1,
        valid_from_at=now(), valid_until_at=now() + timedelta(days=1),
    )  # fmt: skip
    session.add(passed)
    session.flush()
    session.add(
        GatePassLine(
            gate_pass_id=passed.id, line_no=1, trade_item_id=shelf.trade_item_id, verification_line_id=line.id, qty=7,
            passed_qty=7, gross_weight_g=0,
        )
    )  # fmt: skip
    line.on_passes_qty = line.passed_qty = 7
    session.flush()


@pytest.fixture(scope="module")
def healthy(server: Server) -> Iterator[str]:
    name = server.clone()
    database = Database(server.postgres.urls_of(name).app, pool_size=1)
    with database.unit_of_work(SCOPE) as session:
        book_a_list(session)
    database.close()
    yield name
    server.postgres.drop_database(name)


@pytest.fixture
def damaged(server: Server, healthy: str) -> Iterator[Session]:
    """A superuser's transaction without triggers, undone at the end."""
    engine = create_engine(server.postgres.urls_of(healthy).superuser, poolclass=NullPool)
    with engine.connect() as connection, Session(connection) as session:
        set_scope(session, SCOPE)
        session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session
        session.rollback()


def test_documents_that_agree_are_clean(damaged: Session) -> None:
    assert list(findings(damaged)) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE verification_line SET booked_qty = 5", f"I4 list {LIST}: Book line 1: the list says 5 booked"),
        ("UPDATE posting SET source_doc = 'other' WHERE kind = 'list_booked'", "the ledger posted 0"),
        ("UPDATE entry SET qty = qty * 2 WHERE posting_id = 2", "the ledger posted 14"),
        ("UPDATE verification_line SET passed_qty = 3", "7 on passes and 3 passed"),
        ("UPDATE gate_pass SET state = 'void'", "the passes say 0 and 0"),
        (
            (
                "ALTER TABLE verification_line DROP CONSTRAINT ck_verification_line_passes_within_declared;"
                "UPDATE verification_line SET on_passes_qty = 9"
            ),
            "Of 7 declared, 9 are on passes",
        ),
    ],
)
def test_damage_by_hand_is_named(damaged: Session, damage: str, said: str) -> None:
    damaged.connection().exec_driver_sql(damage)
    told = [str(finding) for finding in findings(damaged)]
    assert any(said in one for one in told), told


def test_a_booking_that_was_reversed_leaves_its_list_without_cover(fresh_database: Database) -> None:
    with fresh_database.unit_of_work(SCOPE) as session:
        _, posting_id = book_a_list(session)
        reverse(session, "undo", posting_id, reason="wrong list", event_at=now())
        assert [str(one) for one in findings(session)] == [
            f"I4 list {LIST}: Book line 1: the list says 7 booked, the ledger posted 0."
        ]
