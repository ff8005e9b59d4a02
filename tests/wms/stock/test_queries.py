"""What the ledger answers: now, at an instant, as it was known then, by card and by account book."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.build import Shelf, make_shelf, moved, now, receive, receive_bonded
from wms.db import Database, Scope
from wms.stock.ledger import Posting, Reserve, post, reserve
from wms.stock.queries import PageTooLarge, Stock, available, book_against_shelf, on_hand, stock_at, stock_card
from wms.stock.tables import BookLine


@pytest.fixture
def shelf(session: Session) -> Shelf:
    return make_shelf(session)


def of(shelf: Shelf, **limits: object) -> Stock:
    return Stock(owner_id=shelf.owner_id, **limits)  # type: ignore[arg-type]


def test_on_hand_tells_stock_reserved_and_names(session: Session, shelf: Shelf) -> None:
    receive(session, shelf, 10)
    reserve(session, Reserve("r", shelf.free, 4, now() + timedelta(hours=1)))
    (row,) = on_hand(session, of(shelf))
    assert (row.qty, row.qty_reserved, row.available, row.location_id) == (10, 4, 6, shelf.location_id)
    assert row.item_code.startswith("SKU")
    assert available(session, of(shelf)) == 6


def test_on_hand_pages_by_account(session: Session, shelf: Shelf) -> None:
    receive(session, shelf, 10)
    receive_bonded(session, shelf, 5)
    post(session, Posting("move", "move", now(), moved(shelf.free, shelf.other, 3)))
    whole = on_hand(session, of(shelf))
    assert [row.qty for row in whole] == [7, 5, 3]
    first = on_hand(session, of(shelf), limit=2)
    assert first + on_hand(session, of(shelf), after=first[-1].account_id) == whole
    with pytest.raises(PageTooLarge):
        on_hand(session, of(shelf), limit=0)


def test_on_hand_filters_by_place_and_status(session: Session, shelf: Shelf) -> None:
    receive(session, shelf, 10)
    receive_bonded(session, shelf, 5)
    assert [row.qty for row in on_hand(session, of(shelf, customs_statuses=("bonded",)))] == [5]
    assert on_hand(session, of(shelf, location_id=shelf.other_location_id)) == []
    assert on_hand(session, of(shelf, quality_statuses=("damaged",))) == []
    assert [row.qty for row in on_hand(session, of(shelf, kinds=("not_yet_booked",)))] == [5]


def test_a_backdated_posting_counts_from_its_event_on(database: Database, scope: Scope) -> None:
    noon = now() - timedelta(days=2)
    hour = timedelta(hours=1)
    with database.unit_of_work(scope) as session:
        shelf = make_shelf(session)
        receive(session, shelf, 10, at=noon)
        post(session, Posting("out", "issue", noon + 3 * hour, moved(shelf.free, shelf.customer, 4)))
    known_at = now()
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 5, at=noon + hour)

    def then(hours: int, known_at: object = None) -> list[int]:
        with database.unit_of_work(scope) as session:
            return [row.qty for row in stock_at(session, noon + hours * hour, of(shelf), known_at=known_at)]  # type: ignore[arg-type]

    assert [then(hours) for hours in (-1, 0, 1, 2, 3)] == [[], [10], [15], [15], [11]]
    assert [then(hours, known_at) for hours in (-1, 0, 1, 2, 3)] == [[], [10], [10], [10], [6]]


def test_stock_card_runs_along_event_time(session: Session, shelf: Shelf) -> None:
    noon = now() - timedelta(days=1)
    receive(session, shelf, 10, at=noon)
    post(session, Posting("out", "issue", noon + timedelta(hours=2), moved(shelf.free, shelf.customer, 4)))
    receive(session, shelf, 5, at=noon + timedelta(hours=1))
    card = stock_card(session, of(shelf))
    assert (card.opening_qty, [(row.qty, row.balance) for row in card.rows]) == (0, [(10, 10), (5, 15), (-4, 11)])
    later = stock_card(session, of(shelf), since=noon + timedelta(hours=1))
    assert (later.opening_qty, [row.balance for row in later.rows]) == (10, [15, 11])


def test_stock_card_pages_without_losing_or_repeating(session: Session, shelf: Shelf) -> None:
    noon = now() - timedelta(days=1)
    for hours in (0, 1, 1, 2, 3):
        receive(session, shelf, 1, at=noon + timedelta(hours=hours))
    balances, since = [], None
    while True:
        card = stock_card(session, of(shelf), since=since, limit=2)
        balances += [row.balance for row in card.rows]
        if card.next_since is None:
            break
        since = card.next_since
    assert balances == [1, 2, 3, 4, 5]


def test_book_stands_against_shelf(session: Session, shelf: Shelf) -> None:
    receive_bonded(session, shelf, 10)
    book = moved(shelf.of_book("not_yet_booked"), shelf.of_book("book"), 6)
    post(session, Posting("book", "list_booked", now(), book))
    line = session.get_one(BookLine, shelf.book_line_id)
    (row,) = (row for row in book_against_shelf(session, line.book_no) if row.line_no == line.line_no)
    assert (row.book, row.not_yet_booked, row.shelf, row.difference) == (6, 4, 10, 0)


def test_a_firm_sees_only_its_own_stock(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        mine, theirs = make_shelf(session), make_shelf(session)
        receive(session, mine, 10)
        receive(session, theirs, 20)
    firm = Scope(scope.tenant_id, role="clerk", company_id=mine.owner_id, sees_all=False)
    with database.unit_of_work(firm) as session:
        assert [row.qty for row in on_hand(session, Stock())] == [10]
        assert available(session, Stock(owner_id=theirs.owner_id)) == 0
        assert stock_at(session, now(), Stock(owner_id=theirs.owner_id)) == []
        assert stock_card(session, Stock(owner_id=theirs.owner_id)).rows == ()
