"""The check of a living gate: nothing where nothing is wrong, and each kind of damage by its name."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from tests.build import now
from tests.conftest import Server, Urls
from tests.wms.gate.test_model import drive
from tests.wms.gate.world import crossing, make_pass, make_world, seen_of
from wms.db import Database, Scope, set_scope
from wms.gate.service import decide_passage
from wms.gate.verify import findings
from wms.postgres import libpq
from wms.stock.ledger import Posting, moved, post

SCOPE = Scope.system(1)


@pytest.fixture(scope="module")
def healthy(server: Server) -> Iterator[str]:
    """A database in which one truck was let out and one was held."""
    name = server.clone()
    database = Database(server.postgres.urls_of(name).app, pool_size=1)
    with database.unit_of_work(SCOPE) as session:
        world = make_world(session)
        good = make_pass(session, world)
        drive(session, decide_passage(session, crossing(world.lane, seen_of(good))).passage_id)
        decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world), weight_g=1)))
    yield name
    database.close()
    server.postgres.drop_database(name)


@pytest.fixture
def damaged(server: Server, healthy: str) -> Iterator[Session]:
    """A superuser's transaction without triggers, undone at the end."""
    engine = create_engine(server.postgres.urls_of(healthy).superuser, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        session = Session(connection)
        set_scope(session, SCOPE)
        session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session
        session.close()
        transaction.rollback()


def test_a_healthy_gate_is_clean(damaged: Session) -> None:
    assert list(findings(damaged)) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM gate_pass_use", "without the use of a gate pass"),
        ("UPDATE gate_pass_use SET posting_id = NULL", "still in the ledger"),
        ("UPDATE gate_pass SET state = 'approved' WHERE state = 'passed'", "passages of its vehicle"),
        ("UPDATE gate_pass SET vehicle_plate = '湘F99999' WHERE state = 'passed'", "without the use of a gate pass"),
        ("UPDATE release SET state = 'refused'", "whose release is refused"),
        (
            "UPDATE decision SET inputs = jsonb_set(inputs, '{seen,weight_g}', '20000000')",
            "inputs of the decision were changed",
        ),
        ("UPDATE decision SET hold_code = 'no_pass' WHERE hold_code = 'weight_low'", "instead of no_pass"),
    ],
)
def test_damage_by_hand_is_named(damaged: Session, damage: str, said: str) -> None:
    damaged.execute(text(damage))
    told = [str(finding) for finding in findings(damaged)]
    assert any(said in one for one in told), told


def test_bonded_goods_given_away_without_a_gate_are_named(fresh_database: Database, fresh_urls: Urls) -> None:
    with fresh_database.unit_of_work(SCOPE) as session:
        shelf = make_world(session).shelf
        customer = replace(shelf.bonded, kind="adjustment", site_id=None, location_id=None)
        book = moved(shelf.of_book("book"), shelf.of_book("deduction_pending"), 3)
        post(session, Posting("astray", "issue", now(), (*moved(shelf.bonded, customer, 3), *book)))
    # The ledger refuses to post this to a customer, so the damage is done behind its back.
    with psycopg.connect(libpq(fresh_urls.superuser)) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE account SET kind = 'customer' WHERE kind = 'adjustment'")
    with fresh_database.unit_of_work(SCOPE) as session:
        assert ["Bonded goods (3) went" in str(finding) for finding in findings(session)] == [True]
