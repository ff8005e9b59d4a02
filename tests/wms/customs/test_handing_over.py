"""Bonded goods change owner inside the zone by a pair of released lists of type 6, and in no other way."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.build import Shelf, make_lot, make_shelf, now, number
from tests.wms.customs.test_list_changes import stock
from tests.wms.customs.test_verification_lists import BOOK_NO, file_book
from wms.catalog.tables import TradeItem
from wms.customs import accounts, handing_over, list_queries, reconciling, verify
from wms.customs import verification_lists as lists
from wms.customs.gate_pass_rules import MoreThanDeclared
from wms.customs.handing_over import (
    HandOver,
    HandOverNotReleased,
    HandOverUnweighed,
    HandOverWeight,
    NotIntraZone,
    NotSoManyHere,
)
from wms.customs.rules import GoodsNotCounted, GoodsNotThroughGate
from wms.stock import ledger
from wms.stock.queries import Stock, on_hand
from wms.stock.tables import Account, Balance, BookLine


def a_list(session: Session, shelf: Shelf, direction: str, *, kind: str = "6", release: bool = True) -> str:
    goods = (lists.ListLine(shelf.book_line_id, Decimal(8), "011", 8),)
    command = lists.DrawUpList(f"H{number()}", BOOK_NO, shelf.owner_id, direction, "5034", goods, kind)
    list_id = lists.draw_up(session, command)
    lists.declare(session, list_id, now())
    lists.pre_deduct(session, list_id, f"QD490226{direction}{number():09d}", now())
    if release:
        lists.release_entry(session, list_id, "E", now())
    return command.internal_no


def parties(session: Session) -> tuple[Shelf, Shelf]:
    giver, taker = stock(session, 20), make_shelf(session)
    file_book(session, giver, BOOK_NO)
    return giver, taker


def command(giver: Shelf, out: str, into: str, qty: int = 8) -> HandOver:
    return HandOver(f"ho{number()}", out, into, 1, ((giver.bonded, qty),), now())


def states(session: Session, *shelves: Shelf) -> list[tuple[int, int, int, int, int]]:
    found = []
    for shelf in shelves:
        line = session.get_one(BookLine, shelf.book_line_id)
        told = reconciling.explain(session, line.book_no, line.line_no)
        assert told is not None
        one = told.state
        found.append((one.book, one.pending, one.not_yet_booked, one.shelf, one.unexplained))
    return found


def test_goods_and_both_books_move_together(session: Session) -> None:
    giver, taker = parties(session)
    out, into = a_list(session, giver, "E"), a_list(session, taker, "I")
    handing_over.hand_over(session, command(giver, out, into))
    assert states(session, giver, taker) == [(20, 8, 0, 12, 0), (0, 0, 8, 8, 0)]
    for one in (out, into):
        lists.book(session, list_queries.list_id_of(session, one), f"k{number()}", now())
    assert states(session, giver, taker) == [(12, 0, 0, 12, 0), (8, 0, 0, 8, 0)]
    assert list(verify.findings(session)) == []


def test_goods_are_taken_from_a_place_the_oldest_first(session: Session) -> None:
    giver, taker = parties(session)
    out, into = a_list(session, giver, "E"), a_list(session, taker, "I")
    parts = handing_over.parts_at(session, out, 1, giver.location_id, 8)
    handing_over.hand_over(session, replace(command(giver, out, into), parts=parts))
    assert states(session, giver, taker)[1] == (0, 0, 8, 8, 0)
    with pytest.raises(NotSoManyHere, match="Only 12"):
        handing_over.parts_at(session, out, 1, giver.location_id, 13)


def test_no_more_than_both_lists_declare(session: Session) -> None:
    giver, taker = parties(session)
    out, into = a_list(session, giver, "E"), a_list(session, taker, "I")
    handing_over.hand_over(session, command(giver, out, into, 5))
    with pytest.raises(MoreThanDeclared):
        handing_over.hand_over(session, command(giver, out, into, 4))


def test_not_before_both_lists_are_released(session: Session) -> None:
    giver, taker = parties(session)
    out, into = a_list(session, giver, "E"), a_list(session, taker, "I", release=False)
    with pytest.raises(HandOverNotReleased):
        handing_over.hand_over(session, command(giver, out, into))


def test_each_pair_that_is_none_is_refused_in_words(session: Session) -> None:
    giver, taker = parties(session)
    out, into = a_list(session, giver, "E"), a_list(session, taker, "I")
    plain = a_list(session, taker, "I", kind="0")
    good = command(giver, out, into)
    elsewhere = replace(giver.bonded, book_line_id=taker.book_line_id)
    for wrong, rule in (
        (replace(good, giver_list=into, taker_list=out), "first must deduct"),
        (replace(good, taker_list=plain), "type 6"),
        (replace(good, line_no=2), "no such line"),
        (replace(good, parts=((elsewhere, 1),)), "giver's line"),
    ):
        with pytest.raises(NotIntraZone, match=rule):
            handing_over.hand_over(session, wrong)


def test_a_part_is_handed_over_now_and_the_rest_later(session: Session) -> None:
    giver, taker = parties(session)
    out, into = a_list(session, giver, "E"), a_list(session, taker, "I")
    handing_over.hand_over(session, command(giver, out, into, 3))
    with pytest.raises((GoodsNotThroughGate, GoodsNotCounted)):
        lists.book(session, list_queries.list_id_of(session, out), f"k{number()}", now())
    handing_over.hand_over(session, command(giver, out, into, 5))
    for one in (out, into):
        lists.book(session, list_queries.list_id_of(session, one), f"k{number()}", now())
    assert states(session, giver, taker) == [(12, 0, 0, 12, 0), (8, 0, 0, 8, 0)]
    assert list(verify.findings(session)) == []


def test_lots_keep_their_number_and_days_with_the_taker(session: Session) -> None:
    giver, taker = parties(session)
    item = session.get_one(TradeItem, giver.trade_item_id)
    lot = make_lot(session, item, "L7", expires_on=date(2028, 1, 31))
    in_lot = replace(giver.bonded, lot_id=lot.id)
    ledger.post(session, ledger.Posting(f"l{number()}", "relabel", now(), ledger.moved(giver.bonded, in_lot, 8)))
    out, into = a_list(session, giver, "E"), a_list(session, taker, "I")
    handing_over.hand_over(session, replace(command(giver, out, into), parts=((in_lot, 8),)))
    (row,) = on_hand(session, Stock(trade_item_id=taker.trade_item_id))
    assert (row.lot_no, row.expires_on, row.qty, row.quality_status) == ("L7", date(2028, 1, 31), 8, "hold")


def weighed(session: Session, *, takers: bool = True) -> tuple[HandOver, Shelf, Shelf]:
    """8 of 20 pieces that weigh 40 100 g together are to be handed over."""
    giver, taker = make_shelf(session), make_shelf(session)
    session.get_one(TradeItem, giver.trade_item_id).is_catch_weight = True
    session.get_one(TradeItem, taker.trade_item_id).is_catch_weight = takers
    session.flush()
    lines = (
        *ledger.moved(giver.supplier, giver.bonded, 20, weight_g=40_100),
        *ledger.moved(giver.of_book("customs_source"), giver.of_book("not_yet_booked"), 20),
    )
    ledger.post(session, ledger.Posting(f"w{number()}", "receipt", now(), lines))
    booked = accounts.book(giver.owner_id, giver.trade_item_id, giver.book_line_id, 20)
    ledger.post(session, ledger.Posting(f"b{number()}", "book", now(), booked))
    file_book(session, giver, BOOK_NO)
    return command(giver, a_list(session, giver, "E"), a_list(session, taker, "I")), giver, taker


def grams(session: Session, shelf: Shelf) -> list[tuple[int, int | None]]:
    query = select(Balance.qty, Balance.weight_g).join(Account, Account.id == Balance.account_id)
    of_item = query.where(Account.trade_item_id == shelf.trade_item_id, Account.kind == "location", Balance.qty > 0)
    return [tuple(row) for row in session.execute(of_item)]


def test_a_part_of_weighed_goods_takes_its_grams_along(session: Session) -> None:
    asked, giver, taker = weighed(session)
    handing_over.hand_over(session, replace(asked, weight_g=16_050))
    assert (grams(session, giver), grams(session, taker)) == ([(12, 24_050)], [(8, 16_050)])
    assert states(session, giver, taker) == [(20, 8, 0, 12, 0), (0, 0, 8, 8, 0)]
    assert list(verify.findings(session)) == []


def test_all_weighed_goods_of_an_account_need_no_weighing(session: Session) -> None:
    asked, giver, taker = weighed(session)
    apart = replace(giver.bonded, location_id=giver.other_location_id)
    moved = ledger.moved(giver.bonded, apart, 8, weight_g=15_900)
    ledger.post(session, ledger.Posting(f"m{number()}", "move", now(), moved))
    whole = replace(asked, parts=((apart, 8),), at=now())
    with pytest.raises(HandOverWeight, match="it is 15900 to 15900 g"):
        handing_over.hand_over(session, replace(whole, weight_g=16_000))
    handing_over.hand_over(session, whole)
    assert (grams(session, giver), grams(session, taker)) == ([(12, 24_200)], [(8, 15_900)])


@pytest.mark.parametrize("weight_g", [40_100, 99_999])
def test_grams_that_cannot_be_those_of_the_part_are_refused_in_words(session: Session, weight_g: int) -> None:
    asked, *_ = weighed(session)
    with pytest.raises(HandOverWeight, match=f"cannot weigh {weight_g} g: by the books it is 1 to 40099 g"):
        handing_over.hand_over(session, replace(asked, weight_g=weight_g))


def test_a_part_of_weighed_goods_without_grams_is_refused_in_words(session: Session) -> None:
    asked, *_ = weighed(session)
    with pytest.raises(HandOverUnweighed, match="weigh the 8 pieces and say their grams"):
        handing_over.hand_over(session, asked)


def test_both_owners_keep_the_item_alike(session: Session) -> None:
    asked, *_ = weighed(session, takers=False)
    with pytest.raises(NotIntraZone, match="weight of each piece"):
        handing_over.hand_over(session, replace(asked, weight_g=16_050))
