"""Pre-deduction on the book, changes, deletion and reopening of lists: what is allowed, and each refusal's words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests import build
from tests.wms.customs.test_verification_lists import BOOK_NO, LIST_NO, NOW, draw_up, let_through
from wms.customs import accounts, change_rules, list_changes, list_queries, promises, rules
from wms.customs import verification_lists as lists
from wms.customs.tables import VerificationLine
from wms.stock import ledger
from wms.stock.rules import ShortStock

OUT_NO = LIST_NO.replace("I", "E")


def stock(session: Session, qty: int) -> build.Shelf:
    """A shelf with ``qty`` booked bonded units."""
    shelf = build.make_shelf(session)
    build.receive_bonded(session, shelf, qty)
    booked = accounts.book(shelf.owner_id, shelf.trade_item_id, shelf.book_line_id, qty)
    ledger.post(session, ledger.Posting(f"b-{build.number()}", "book", build.now(), booked))
    return shelf


def another(session: Session, shelf: build.Shelf, qty: int, direction: str = "E") -> int:
    goods = (lists.ListLine(shelf.book_line_id, Decimal(qty), "011", qty),)
    command = lists.DrawUpList(f"N-{build.number()}", BOOK_NO, shelf.owner_id, direction, "5000", goods)
    list_id = lists.draw_up(session, command)
    lists.declare(session, list_id, NOW)
    return list_id


def pre_deducted(session: Session, shelf: build.Shelf, qty: int) -> int:
    list_id = draw_up(session, shelf, "E", qty)
    lists.declare(session, list_id, NOW)
    lists.pre_deduct(session, list_id, OUT_NO, NOW)
    return list_id


def quantity(qty: int) -> list_changes.Quantity:
    return list_changes.Quantity(Decimal(qty), qty)


def test_1_2_available_is_book_less_pre_deducted_and_never_below_zero(session: Session) -> None:
    shelf = stock(session, 10)
    pre_deducted(session, shelf, 7)
    assert promises.unpromised(session, shelf.book_line_id) == 3
    rival = another(session, shelf, 4)
    with pytest.raises(promises.BookShort, match="wants 4, the account book line has 3"):
        lists.pre_deduct(session, rival, "QD490226E000000002", NOW)


def test_1_2_pre_increase_is_not_available(session: Session) -> None:
    shelf = build.make_shelf(session)
    list_id = draw_up(session, shelf, "I", 10)
    lists.declare(session, list_id, NOW)
    lists.pre_deduct(session, list_id, LIST_NO, NOW)
    assert promises.unpromised(session, shelf.book_line_id) == 0
    out = another(session, shelf, 1)
    with pytest.raises(promises.BookShort):
        lists.pre_deduct(session, out, OUT_NO, NOW)


def test_1_3_a_number_of_the_other_direction_is_refused(session: Session) -> None:
    list_id = draw_up(session, build.make_shelf(session))
    lists.declare(session, list_id, NOW)
    with pytest.raises(rules.BadDocumentNumber):
        lists.pre_deduct(session, list_id, OUT_NO, NOW)


def test_1_3_formal_deduction_requires_both_release_and_gate(session: Session) -> None:
    shelf = stock(session, 10)
    list_id = pre_deducted(session, shelf, 4)
    with pytest.raises(rules.EntryNotReleased):
        lists.book(session, list_id, "k1", build.now())
    let_through(session, list_id)
    with pytest.raises(rules.EntryNotReleased):  # the gate alone is not enough
        lists.book(session, list_id, "k2", build.now())
    session.execute(update(VerificationLine).values(passed_qty=3))
    lists.release_entry(session, list_id, "E1", NOW)
    with pytest.raises(rules.GoodsNotThroughGate, match="has 1 that did not pass"):  # nor the release
        lists.book(session, list_id, "k3", build.now())


def test_1_2_each_booking_is_idempotent_by_number_line_and_change_count(session: Session) -> None:
    shelf = stock(session, 10)
    list_id = leave(session, shelf, 4)
    assert lists.book(session, list_id, "k1", build.now(), 0) is not None
    assert lists.book(session, list_id, "k2", build.now(), 0) is None
    assert list_queries.booked_qty(session, shelf.book_line_id) == 6
    assert promises.unpromised(session, shelf.book_line_id) == 6


def leave(session: Session, shelf: build.Shelf, qty: int) -> int:
    """An outward list whose goods are gone and whose declaration is released."""
    list_id = pre_deducted(session, shelf, qty)
    (row,) = list_queries.lines(session, list_id)
    book = shelf.of_book("book")
    out = (
        *ledger.moved(shelf.bonded, shelf.supplier, qty),
        ledger.Line(book, -qty, reservation_id=row.promise_id),
        ledger.Line(shelf.of_book("deduction_pending"), qty),
    )
    # Only the gate may let bonded goods out to a customer; for the list only the book's accounts matter.
    ledger.post(session, ledger.Posting(f"o-{build.number()}", "adjustment", build.now(), out))
    lists.release_entry(session, list_id, "E1", NOW)
    let_through(session, list_id)
    return list_id


def test_1_4_a_change_counts_only_when_customs_agrees(session: Session) -> None:
    shelf = stock(session, 10)
    list_id = pre_deducted(session, shelf, 7)
    list_changes.ask_change(session, list_id, {1: quantity(9)}, "counted again", NOW)
    assert promises.unpromised(session, shelf.book_line_id) == 3
    with pytest.raises(change_rules.ChangeOpen):
        list_changes.ask_change(session, list_id, {1: quantity(8)}, "again", NOW)
    with pytest.raises(change_rules.NoChangeAsked):
        list_changes.approve(session, list_id, 2, NOW)
    assert list_changes.approve(session, list_id, 1, NOW)
    assert promises.unpromised(session, shelf.book_line_id) == 1
    assert not list_changes.approve(session, list_id, 1, NOW)  # said twice, done once
    list_changes.ask_change(session, list_id, {1: quantity(2)}, "fewer", NOW)
    assert list_changes.refuse(session, list_id, 2, NOW)
    assert promises.unpromised(session, shelf.book_line_id) == 1


@pytest.mark.parametrize(
    ("line_no", "qty", "reason", "refusal"),
    [
        (1, 3, "fewer", change_rules.BelowOnPasses),
        (1, 0, "none", change_rules.QuantityBelowOne),
        (2, 5, "other line", change_rules.UnknownListLine),
        (1, 5, "  ", change_rules.ReasonMissing),
    ],
)
def test_each_bad_change_is_refused_in_words(
    session: Session, line_no: int, qty: int, reason: str, refusal: type[Exception]
) -> None:
    list_id = pre_deducted(session, stock(session, 10), 7)
    session.execute(update(VerificationLine).values(on_passes_qty=4))
    with pytest.raises(refusal):
        list_changes.ask_change(session, list_id, {line_no: quantity(qty)}, reason, NOW)


def test_a_change_above_the_book_is_refused_when_customs_agrees(session: Session) -> None:
    list_id = pre_deducted(session, stock(session, 10), 7)
    list_changes.ask_change(session, list_id, {1: quantity(11)}, "more", NOW)
    with pytest.raises(promises.BookShort):
        list_changes.approve(session, list_id, 1, NOW)


def test_a_deletion_gives_the_book_back_and_ends_the_list(session: Session) -> None:
    shelf = stock(session, 10)
    list_id = pre_deducted(session, shelf, 7)
    list_changes.ask_deletion(session, list_id, "order cancelled", NOW)
    assert list_changes.approve(session, list_id, 1, NOW)
    assert promises.unpromised(session, shelf.book_line_id) == 10
    assert list_queries.list_row(session, list_id).state == "deleted"
    with pytest.raises(rules.WrongListState):
        lists.declare(session, list_id, NOW)


def test_a_list_with_goods_on_a_pass_is_not_deleted(session: Session) -> None:
    list_id = pre_deducted(session, stock(session, 10), 7)
    session.execute(update(VerificationLine).values(on_passes_qty=1))
    with pytest.raises(change_rules.ListInUse):
        list_changes.ask_deletion(session, list_id, "no longer wanted", NOW)


def test_a_draft_and_a_returned_list_are_deleted_without_asking(session: Session) -> None:
    list_id = draw_up(session, build.make_shelf(session))
    list_changes.delete_unsent(session, list_id)
    assert list_queries.list_row(session, list_id).state == "deleted"
    with pytest.raises(rules.WrongListState):
        list_changes.delete_unsent(session, list_id)


def test_a_booking_is_reversed_and_the_list_booked_again(session: Session) -> None:
    shelf = stock(session, 10)
    list_id = leave(session, shelf, 4)
    lists.book(session, list_id, "k1", build.now(), 0)
    with pytest.raises(change_rules.ReasonMissing):
        list_changes.reopen(session, list_id, "r0", " ", build.now())
    list_changes.reopen(session, list_id, "r1", "海关通知 7", datetime.now(UTC))
    facts = list_queries.facts(session, list_id)
    assert (facts.state, facts.change_count, facts.lines[0].awaiting_qty) == ("pre_deducted", 1, 4)
    with pytest.raises(rules.WrongListState):
        list_changes.reopen(session, list_id, "r2", "again", build.now())
    assert lists.book(session, list_id, "k2", build.now(), 1) is not None
    assert list_queries.facts(session, list_id).lines[0].awaiting_qty == 0


def test_a_booking_whose_goods_were_sold_is_not_reversed(session: Session) -> None:
    shelf = build.make_shelf(session)
    list_id = draw_up(session, shelf, "I", 10)
    lists.declare(session, list_id, NOW)
    lists.pre_deduct(session, list_id, LIST_NO, NOW)
    build.receive_bonded(session, shelf, 10)
    lists.release_entry(session, list_id, "E1", NOW)
    let_through(session, list_id)
    lists.book(session, list_id, "k", build.now())
    out = another(session, shelf, 6)
    lists.pre_deduct(session, out, OUT_NO, NOW)  # promised: no longer to be taken back
    with pytest.raises(ShortStock):
        list_changes.reopen(session, list_id, "r", "海关通知 8", build.now())
