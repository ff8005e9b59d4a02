"""The verification list's way from draft to booked, and who may not take a short cut."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests import build
from wms.customs import accounts, list_queries, rules
from wms.customs import verification_lists as lists
from wms.customs.tables import AccountBook, VerificationLine
from wms.stock import ledger

NOW = datetime.now(UTC)
LIST_NO = "QD490226I000000001"


BOOK_NO = "T4912W000001"  # of make_book_line


def draw_up(session: Session, shelf: build.Shelf, direction: str = "I", qty: int = 10) -> int:
    file_book(session, shelf, BOOK_NO)
    goods = (lists.ListLine(shelf.book_line_id, Decimal(qty), "011", qty),)
    command = lists.DrawUpList(f"I-{build.number()}", BOOK_NO, shelf.owner_id, direction, "1210", goods)
    return lists.draw_up(session, command)


def file_book(session: Session, shelf: build.Shelf, book_no: str) -> None:
    since = date(2026, 1, 1)
    book = AccountBook(book_no=book_no, company_id=shelf.owner_id, site_id=shelf.site_id, valid_from_on=since)
    session.add(book)
    session.flush()


def let_through(session: Session, list_id: int) -> None:
    session.execute(
        update(VerificationLine)
        .where(VerificationLine.verification_list_id == list_id)
        .values(on_passes_qty=VerificationLine.declared_base_qty, passed_qty=VerificationLine.declared_base_qty)
    )


def test_goes_from_draft_to_booked(session: Session) -> None:
    shelf = build.make_shelf(session)
    list_id = draw_up(session, shelf)
    lists.declare(session, list_id, NOW)
    lists.pre_deduct(session, list_id, LIST_NO, NOW)
    build.receive_bonded(session, shelf, 10)
    lists.release_entry(session, list_id, "E1", NOW)
    let_through(session, list_id)
    lists.book(session, list_id, "INV211", build.now())
    assert list_queries.list_row(session, list_id).state == "booked"
    assert list_queries.booked_qty(session, shelf.book_line_id) == 10
    assert list_queries.list_id_of(session, LIST_NO) == list_id


def test_an_outward_list_settles_what_left_through_the_gate(session: Session) -> None:
    shelf = build.make_shelf(session)
    list_id = draw_up(session, shelf, "E", 4)
    build.receive_bonded(session, shelf, 10)
    book = accounts.book(shelf.owner_id, shelf.trade_item_id, shelf.book_line_id, 10)
    ledger.post(session, ledger.Posting(f"b-{build.number()}", "list_booked", build.now(), book))
    out = (
        *ledger.moved(shelf.bonded, shelf.supplier, 4),
        *accounts.deduct_provisionally(shelf.owner_id, shelf.trade_item_id, shelf.book_line_id, 4),
    )
    # Only the gate may let bonded goods out to a customer; for the list only the book's accounts matter.
    ledger.post(session, ledger.Posting(f"o-{build.number()}", "adjustment", build.now(), out))
    lists.declare(session, list_id, NOW)
    lists.pre_deduct(session, list_id, LIST_NO.replace("I", "E"), NOW)
    lists.release_entry(session, list_id, None, NOW)
    let_through(session, list_id)
    lists.book(session, list_id, "INV211-out", build.now())
    assert list_queries.booked_qty(session, shelf.book_line_id) == 6
    assert list_queries.facts(session, list_id).lines[0].awaiting_qty == 0


def test_no_step_can_be_skipped(session: Session) -> None:
    list_id = draw_up(session, build.make_shelf(session))
    with pytest.raises(rules.WrongListState):
        lists.pre_deduct(session, list_id, LIST_NO, NOW)
    with pytest.raises(rules.WrongListState):
        lists.book(session, list_id, "k", NOW)
    with pytest.raises(rules.WrongListState):
        lists.release_entry(session, list_id, "E1", NOW)
    with pytest.raises(rules.WrongListState):
        lists.send_back(session, list_id)


def test_a_returned_list_may_be_declared_again(session: Session) -> None:
    list_id = draw_up(session, build.make_shelf(session))
    lists.declare(session, list_id, NOW)
    lists.send_back(session, list_id)
    lists.declare(session, list_id, NOW)
    assert list_queries.list_row(session, list_id).state == "declared"


def test_refuses_a_number_that_is_none(session: Session) -> None:
    list_id = draw_up(session, build.make_shelf(session))
    lists.declare(session, list_id, NOW)
    with pytest.raises(rules.BadDocumentNumber):
        lists.pre_deduct(session, list_id, "QD1", NOW)


def test_refuses_goods_of_another_book_and_an_empty_list(session: Session) -> None:
    shelf = build.make_shelf(session)
    other_book = "T4902W000077"
    file_book(session, shelf, other_book)
    goods = (lists.ListLine(shelf.book_line_id, Decimal(1), "011", 1),)
    with pytest.raises(rules.LineNotOfBook):
        lists.draw_up(session, lists.DrawUpList("X-1", other_book, shelf.owner_id, "I", "1210", goods))
    with pytest.raises(rules.ListWithoutLines):
        lists.draw_up(session, lists.DrawUpList("X-2", other_book, shelf.owner_id, "I", "1210", ()))
    with pytest.raises(rules.BadDocumentNumber):
        lists.draw_up(session, lists.DrawUpList("X-3", "T4902W999999", shelf.owner_id, "I", "1210", goods))


def test_names_an_unknown_list(session: Session) -> None:
    with pytest.raises(rules.UnknownList):
        list_queries.list_id_of(session, "QD490226I999999999")


@pytest.mark.parametrize(
    ("goods", "refusal"),
    [
        (rules.GoodsFacts("bonded", "hold", 100), rules.OnHold),
        (rules.GoodsFacts("bonded", "good", 9), rules.NotSellable),
        (rules.GoodsFacts("free", "damaged", 0), rules.OnHold),
    ],
)
def test_names_why_goods_may_not_be_sold(goods: rules.GoodsFacts, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rules.may_sell(goods, 10)
    with pytest.raises(refusal):
        rules.may_leave(goods, 10)


def test_booked_and_free_goods_may_be_sold() -> None:
    rules.may_sell(rules.GoodsFacts("bonded", "good", 10), 10)
    rules.may_leave(rules.GoodsFacts("free", "good", 0), 10)
