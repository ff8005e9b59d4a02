"""Which stock a line gets: never more than there is, in the order of the dates, whole pallets and few places first."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.floor.rules.allocation import Policy, Shelf, Stock, Strategy, UnknownStrategy, Wish, may_serve, policy_of

TODAY = date(2026, 6, 1)


def stock(number: int, qty: int, life: int | None = None, **more: object) -> Stock:
    expires_on = None if life is None else TODAY + timedelta(days=life)
    return Stock(number, 100 + number, qty, sequence=number, expires_on=expires_on, **more)  # type: ignore[arg-type]


SHELVES = st.lists(
    st.tuples(st.integers(1, 50), st.one_of(st.none(), st.integers(-5, 60)), st.booleans()), max_size=12
).map(lambda rows: [stock(n, qty, life, is_whole=whole) for n, (qty, life, whole) in enumerate(rows)])
WISHES = st.lists(st.tuples(st.integers(1, 80), st.integers(0, 30)), min_size=1, max_size=8)


@given(SHELVES, WISHES)
def test_nothing_is_shared_out_twice_and_nothing_that_expires_too_soon(
    lying: list[Stock], asked: list[tuple[int, int]]
) -> None:
    before = {one.account_id: one.free_qty for one in lying}
    by_id, shelf = {one.account_id: one for one in lying}, Shelf(lying)
    given_out = dict.fromkeys(before, 0)
    for line_id, (qty, life) in enumerate(asked):
        wish = Wish(line_id, qty, TODAY, min_life_days=life)
        could = shelf.free_for(wish)
        shares = shelf.share(wish)
        assert sum(share.qty for share in shares) == min(qty, could)  # as much as there is, no more
        for share in shares:
            given_out[share.account_id] += share.qty
            assert share.qty > 0
            assert may_serve(wish, by_id[share.account_id])
            assert not share.is_whole_unit or share.qty == before[share.account_id]
    assert all(given_out[account] <= before[account] for account in before)
    assert all(one.free_qty == before[one.account_id] - given_out[one.account_id] for one in lying)


@given(SHELVES, st.integers(1, 200))
def test_a_later_expiry_is_touched_only_when_the_sooner_one_is_used_up(lying: list[Stock], qty: int) -> None:
    shelf, by_id = Shelf(lying), {one.account_id: one for one in lying}
    wish = Wish(1, qty, TODAY)
    touched = [by_id[share.account_id].expires_on or date.max for share in shelf.share(wish)]
    if touched:
        last = max(touched)
        assert all(one.free_qty == 0 for one in lying if may_serve(wish, one) and (one.expires_on or date.max) < last)


@given(SHELVES, st.integers(1, 200))
def test_what_is_given_back_can_be_shared_out_again(lying: list[Stock], qty: int) -> None:
    shelf, wish = Shelf(lying), Wish(1, qty, TODAY)
    free = shelf.free_for(wish)
    shelf.give_back(shelf.share(wish))
    assert shelf.free_for(wish) == free


def test_last_come_goes_first_where_it_is_asked() -> None:
    lying = [stock(1, 5, came=(1, 0)), stock(2, 5, came=(2, 0))]
    (share,) = Shelf(lying).share(Wish(1, 5, TODAY, policy=Policy(Strategy.LIFO)))
    assert share.account_id == 2


def test_the_tightest_place_is_emptied_and_a_pallet_is_not_broken_for_less() -> None:
    lying = [stock(1, 40, is_whole=True), stock(2, 30), stock(3, 12)]
    assert [share.account_id for share in Shelf(lying).share(Wish(1, 12, TODAY))] == [3]
    assert [share.account_id for share in Shelf(lying).share(Wish(2, 20, TODAY))] == [2]


def test_whole_pallets_first_can_be_switched_off() -> None:
    lying = [stock(1, 10, is_whole=True), stock(2, 12)]
    (share,) = Shelf(lying).share(Wish(1, 12, TODAY, policy=Policy(whole_units=False)))
    assert share.account_id == 2


def test_reads_a_policy_and_names_one_that_nobody_wrote() -> None:
    assert policy_of({"strategy": "fifo", "min_life_days": 5}) == Policy(Strategy.FIFO, min_life_days=5)
    assert policy_of("lifo") == Policy(Strategy.LIFO)
    with pytest.raises(UnknownStrategy, match="best is no allocation strategy"):
        policy_of("best")
