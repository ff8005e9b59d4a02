"""A wave's picks are cut into rounds: each pick once, no round longer than a picker bears, no cart over its slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.floor.rules.picking import current, same_stop
from wms.floor.rules.waves import METHODS, ToPick, rounds

PICKS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 9), st.sampled_from([None, "A", "B"])), min_size=1, max_size=40
).map(
    lambda rows: [
        ToPick(n, n, order, 1 + order % 2, place, place, zone, 7, None, None, is_whole_unit=False, qty=1, priority=5)
        for n, (order, place, zone) in enumerate(rows)
    ]
)


@pytest.mark.parametrize("method", METHODS)
@given(picks=PICKS, most_lines=st.integers(1, 12), totes=st.integers(1, 4))
def test_each_pick_stands_on_one_list(method: str, picks: list[ToPick], most_lines: int, totes: int) -> None:
    made = rounds(method, picks, most_lines=most_lines, cart_totes=totes)
    listed = [pick for one in made for pick in one.picks]
    assert sorted(pick.allocation_id for pick in listed) == [pick.allocation_id for pick in picks]
    for one in made:
        assert [pick.sequence for pick in one.picks] == sorted(pick.sequence for pick in one.picks)
        orders = {pick.order_id for pick in one.picks}
        if method == "discrete":
            assert len(orders) == 1
        if method == "cluster":
            assert len(set(one.slots.values())) == len(orders) <= totes
        else:
            assert len(one.picks) <= most_lines
            assert len({pick.owner_id for pick in one.picks}) == 1
        if method == "zone":
            assert {pick.zone for pick in one.picks} == {one.zone}


def test_the_picker_works_where_he_stands_and_leaves_what_he_skipped_for_last() -> None:
    picks = [
        ToPick(n, n, 1, 1, place, place, None, 7, None, None, is_whole_unit=False, qty=1, priority=5)
        for n, place in enumerate((1, 2, 2))
    ]

    class Line:
        def __init__(self, pick: ToPick) -> None:
            self.id, self.location_id, self.trade_item_id = pick.allocation_id, pick.location_id, pick.trade_item_id
            self.lot_id, self.from_handling_unit_id, self.owner_id, self.slot = None, None, pick.owner_id, 1

    lines = [Line(pick) for pick in picks]
    assert current(lines, None) is lines[0]
    assert current(lines, 2) is lines[1]
    assert current(lines, None, skipped=(0,)) is lines[1]
    assert same_stop(lines, lines[1]) == lines[1:]
    assert current([], None) is None
