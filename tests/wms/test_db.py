"""Scope and unit of work: who sees what, what is tried again, whom the product refuses to be."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from tests.build import make_company, make_item
from tests.conftest import Urls
from wms.db import Database, Question, Scope, ServedAsOwner, call, first_answer


def items(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return int(session.execute(text("SELECT count(*) FROM trade_item")).scalar_one())


def test_a_firm_sees_its_own_rows_and_nothing_else(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        ours, theirs = make_company(session), make_company(session)
        make_item(session, ours)
        make_item(session, theirs)
        firm = Scope(scope.tenant_id, company_id=ours.id, sees_all=False)
    assert items(database, scope) == 2
    assert items(database, firm) == 1


def test_another_installation_sees_nothing(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        make_item(session, make_company(session))
    assert items(database, Scope.system(scope.tenant_id + 1_000_000)) == 0


def test_without_a_scope_the_tables_are_empty(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        make_item(session, make_company(session))
    with database.engine.connect() as bare:
        assert bare.execute(text("SELECT count(*) FROM trade_item")).scalar_one() == 0


def test_a_pooled_connection_forgets_the_scope(urls: Urls, scope: Scope) -> None:
    single = Database(urls.app, pool_size=1, max_overflow=0)
    with single.unit_of_work(scope):
        pass
    with single.engine.connect() as bare:
        assert bare.execute(text("SELECT app_tenant()")).scalar_one() is None
    single.close()


def test_a_firm_cannot_write_rows_of_another(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        ours, theirs = make_company(session), make_company(session)
    firm = Scope(scope.tenant_id, company_id=ours.id, sees_all=False)
    with pytest.raises(DBAPIError, match="row-level security"), database.unit_of_work(firm) as session:
        make_item(session, theirs)


@pytest.mark.parametrize("login", ["owner", "superuser"])
def test_refuses_to_serve_with_rights_that_switch_the_safeguards_off(urls: Urls, login: str) -> None:
    served = Database(getattr(urls, login), pool_size=1)
    with pytest.raises(ServedAsOwner):
        served.refuse_owner()
    served.close()


def test_serves_as_the_products_own_login(database: Database) -> None:
    database.refuse_owner()


def test_a_deadlock_is_tried_again_until_both_have_done_their_work(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        ids = sorted(make_company(session).id for _ in range(2))
    together, tries = threading.Barrier(2, timeout=10), []

    def rename(first: int, second: int) -> None:
        def work(session: Session) -> None:
            tries.append(first)
            session.execute(text("UPDATE company SET name_en = name_en || '.' WHERE id = :id"), {"id": first})
            if len(tries) <= 2:
                together.wait()
            session.execute(text("UPDATE company SET name_en = name_en || '.' WHERE id = :id"), {"id": second})

        database.run(scope, work)

    threads = [threading.Thread(target=rename, args=pair) for pair in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    with database.unit_of_work(scope) as session:
        names = session.execute(text("SELECT name_en FROM company WHERE id = ANY (:ids)"), {"ids": ids}).scalars()
        assert [name.count(".") for name in names] == [2, 2]
    assert len(tries) == 3


def test_a_refusal_is_not_tried_again(database: Database, scope: Scope) -> None:
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        session.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        database.run(scope, work)
    assert len(tries) == 1


def test_the_driver_alone_answers_as_sqlalchemy_would(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        assert call(session, "SELECT app_tenant(), %s::text", ("湖",)) == [(scope.tenant_id, "湖")]
    with pytest.raises(IntegrityError) as refused, database.unit_of_work(scope) as session:
        call(session, "INSERT INTO company (code) VALUES (%s) RETURNING id", ("X",))
    assert refused.value.orig is not None
    assert refused.value.statement == "INSERT INTO company (code) VALUES (%s) RETURNING id"


def test_a_connection_that_is_lost_in_a_call_is_given_up(urls: Urls, scope: Scope) -> None:
    database = Database(urls.app, pool_size=1, max_overflow=0)
    ended = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(OperationalError) as lost, database.unit_of_work(scope) as session:
        call(session, ended, ())
    assert lost.value.connection_invalidated
    with database.unit_of_work(scope) as session:
        assert call(session, "SELECT 1", ()) == [(1,)]
    database.close()


def test_the_first_question_is_asked_within_the_scope_and_answered_once(database: Database, scope: Scope) -> None:
    asked = Question("SELECT app_tenant() + %s", (1,))
    assert database.run(scope, lambda s: (first_answer(s), first_answer(s)), first=asked) == (scope.tenant_id + 1, None)
    assert database.run(scope, first_answer) is None
