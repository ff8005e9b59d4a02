"""The ledger posts, refuses and answers again."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.build import Shelf, make_shelf, moved, now, receive, receive_bonded
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.record.rules import KeyReused
from wms.stock.ledger import Posting, Reserve, post, post_many, reserve, reverse, void
from wms.stock.rules import BookShelfDiffer, LeavesWithoutPass, NotAvailable, ShortInPast, ShortStock, Unbalanced


@pytest.fixture
def shelf(database: Database, scope: Scope) -> Shelf:
    with database.unit_of_work(scope) as session:
        return make_shelf(session)


def qty(database: Database, scope: Scope, shelf: Shelf, kind: str = "location") -> int:
    with database.unit_of_work(scope) as session:
        found = session.execute(
            text("SELECT coalesce(sum(b.qty), 0)::bigint FROM balance b JOIN account a ON a.id = b.account_id"
                 " WHERE a.owner_id = :owner AND a.kind = :kind"),
            {"owner": shelf.owner_id, "kind": kind},
        )  # fmt: skip
        return int(found.scalar_one())


def test_same_key_and_content_gives_the_first_answer(database: Database, scope: Scope, shelf: Shelf) -> None:
    posting = Posting("k1", "receipt", now(), moved(shelf.supplier, shelf.free, 10))
    with database.unit_of_work(scope) as session:
        first = post(session, posting)
    with database.unit_of_work(scope) as session:
        again = post(session, posting)
    assert (again.posting_id, again.replayed) == (first.posting_id, True)
    assert qty(database, scope, shelf) == 10


def test_same_key_with_other_content_is_refused(database: Database, scope: Scope, shelf: Shelf) -> None:
    at = now()
    with database.unit_of_work(scope) as session:
        post(session, Posting("k1", "receipt", at, moved(shelf.supplier, shelf.free, 10)))
    with database.unit_of_work(scope) as session, pytest.raises(KeyReused):
        post(session, Posting("k1", "receipt", at, moved(shelf.supplier, shelf.free, 11)))
    assert qty(database, scope, shelf) == 10


def test_a_refusal_is_stored_and_given_again_though_stock_has_come(
    database: Database, scope: Scope, shelf: Shelf
) -> None:
    take = Posting("take", "issue", now(), moved(shelf.free, shelf.customer, 5))
    with database.unit_of_work(scope) as session:
        assert isinstance(post_many(session, [take])[0], ShortStock)
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 50)
    with database.unit_of_work(scope) as session:
        assert isinstance(post_many(session, [take])[0], ShortStock)
    assert qty(database, scope, shelf) == 50


def test_refuses_a_posting_that_does_not_sum_to_zero(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session, pytest.raises(Unbalanced):
        post(session, Posting("k", "receipt", now(), moved(shelf.supplier, shelf.free, 10)[1:]))


def test_refuses_bonded_goods_on_the_shelf_without_the_book(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session, pytest.raises(BookShelfDiffer):
        post(session, Posting("k", "receipt", now(), moved(shelf.supplier, shelf.bonded, 10)))


def test_bonded_receipt_waits_to_be_booked(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive_bonded(session, shelf, 7)
    assert qty(database, scope, shelf) == qty(database, scope, shelf, "not_yet_booked") == 7


def test_backdated_withdrawal_before_the_goods_came_is_refused(database: Database, scope: Scope, shelf: Shelf) -> None:
    noon = now()
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 10, at=noon)
        early = Posting("early", "issue", noon - timedelta(minutes=1), moved(shelf.free, shelf.customer, 1))
        with pytest.raises(ShortInPast):
            post(session, early)
        post(session, Posting("late", "issue", noon, moved(shelf.free, shelf.customer, 1)))
    assert qty(database, scope, shelf) == 9


def test_reserved_goods_go_only_to_their_reservation(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 10)
        held = reserve(session, Reserve("r", shelf.free, 8, now() + timedelta(hours=1), "order 1"))
        with pytest.raises(NotAvailable):
            reserve(session, Reserve("r2", shelf.free, 3, now() + timedelta(hours=1)))
        with pytest.raises(ShortStock):
            post(session, Posting("other", "issue", now(), moved(shelf.free, shelf.customer, 3)))
        post(session, Posting("own", "issue", now(), moved(shelf.free, shelf.customer, 5, held.reservation_id)))
        assert void(session, [held.reservation_id]) == [held.reservation_id]
        post(session, Posting("rest", "issue", now(), moved(shelf.free, shelf.customer, 5)))
    assert qty(database, scope, shelf) == 0


def test_a_list_refuses_only_what_falls_short(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 5)
        at = now()
        wanted = [Posting(f"p{i}", "issue", at, moved(shelf.free, shelf.customer, 2)) for i in range(4)]
        results = post_many(session, wanted)
    assert [isinstance(result, WmsError) for result in results] == [False, False, True, True]
    assert qty(database, scope, shelf) == 1


def test_reversal_restores_the_stock_once(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        first = receive_bonded(session, shelf, 7)
        reverse(session, "undo", first.posting_id, reason="counted twice", event_at=now())
        with pytest.raises(WmsError, match="already reversed"):
            reverse(session, "undo2", first.posting_id, reason="again", event_at=now())
    assert qty(database, scope, shelf) == qty(database, scope, shelf, "not_yet_booked") == 0


def test_bonded_goods_reach_a_customer_by_the_gate_alone(database: Database, scope: Scope, shelf: Shelf) -> None:
    with database.unit_of_work(scope) as session:
        receive_bonded(session, shelf, 7)
        out = (
            *moved(shelf.bonded, shelf.customer, 1),
            *moved(shelf.of_book("not_yet_booked"), shelf.of_book("customs_source"), 1),
        )
        with pytest.raises(LeavesWithoutPass):
            post(session, Posting("side door", "issue", now(), out))
    assert qty(database, scope, shelf) == 7
