"""Where goods may go and where they are sent."""

from dataclasses import replace

import pytest

from wms.floor.rules import mistakes
from wms.floor.rules.putaway import Goods, Place, check_place, may_take, suggest

MEAT = Goods("meat", 1, 7, 10, 10_000, 10**9, "frozen", is_bonded=True)
COLD = Place(1, "F-01", "bin", "frozen", is_bonded=True, sequence=5)


@pytest.mark.parametrize(
    ("place", "mistake"),
    [
        (replace(COLD, kind="dock"), mistakes.NotAStoragePlace),
        (replace(COLD, temperature_class="ambient"), mistakes.WrongTemperature),
        (replace(COLD, is_bonded=False), mistakes.NotBonded),
        (replace(COLD, max_weight_g=9_999), mistakes.PlaceFull),
        (replace(COLD, max_volume_mm3=10**9 + 1, used_volume_mm3=2), mistakes.PlaceFull),
    ],
)
def test_names_why_goods_may_not_lie_there(place: Place, mistake: type[Exception]) -> None:
    with pytest.raises(mistake):
        check_place(MEAT, place)
    assert not may_take(MEAT, place)


def test_takes_goods_up_to_the_very_limit() -> None:
    check_place(MEAT, replace(COLD, max_weight_g=10_000, max_volume_mm3=10**9))


def test_blocked_goods_go_to_quarantine_and_good_ones_are_not_sent_there() -> None:
    quarantine = replace(COLD, kind="quarantine")
    with pytest.raises(mistakes.NotForBlocked):
        check_place(replace(MEAT, is_blocked=True), COLD)
    check_place(replace(MEAT, is_blocked=True), quarantine)
    assert suggest(MEAT, [quarantine]) is None


def test_puts_a_lot_beside_itself_before_the_nearest_empty_place() -> None:
    near = replace(COLD, id=2, code="F-02", sequence=1)
    same = replace(COLD, item_ids=frozenset({1}), lot_ids=frozenset({7}))
    assert suggest(MEAT, [near, same]) == same


def test_sends_another_lot_to_an_empty_place_rather_than_mix_it() -> None:
    near = replace(COLD, id=2, code="F-02", sequence=1)
    other_lot = replace(COLD, item_ids=frozenset({1}), lot_ids=frozenset({8}), sequence=0)
    assert suggest(MEAT, [other_lot, near]) == near


def test_takes_the_nearest_of_equal_places() -> None:
    places = [replace(COLD, id=number, sequence=number) for number in (3, 1, 2)]
    assert suggest(MEAT, places) == places[1]


def test_leaves_bonded_places_to_bonded_goods() -> None:
    free = replace(COLD, id=2, is_bonded=False, sequence=99)
    assert suggest(replace(MEAT, is_bonded=False), [COLD, free]) == free


def test_suggests_nothing_where_nothing_fits() -> None:
    assert suggest(MEAT, [replace(COLD, max_weight_g=1)]) is None
