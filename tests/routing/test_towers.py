"""The quick way of loading a box: towers on strips. Each load is checked by the loads' checker."""

from __future__ import annotations

import random

import pytest

from routing.generate import problem as generated
from routing.stowage import Stower
from routing.towers import stand
from routing.verify_loads import _load

HQ = (12_032, 2_352, 2_698)


def test_equal_cartons_fill_the_floor_before_they_rise() -> None:
    places = stand(HQ, {(600, 400, 450): 100})
    assert places is not None
    assert len(places) == 100
    assert {z for _, _, z, *_ in places} == {0}


def test_cartons_that_do_not_fit_by_volume_have_no_places() -> None:
    assert stand((1000, 1000, 1000), {(500, 500, 500): 8}) is not None
    assert stand((1000, 1000, 1000), {(500, 500, 500): 9}) is None


def test_what_is_small_stands_on_what_is_large() -> None:
    # the floor holds one large carton only, and there is no room beside it
    places = stand((600, 600, 900), {(600, 600, 500): 1, (300, 300, 300): 2, (200, 200, 100): 1})
    assert places is None or max(z for _, _, z, *_ in places) >= 500
    held = stand((600, 600, 900), {(600, 600, 500): 1, (300, 300, 300): 1})
    assert held is not None
    assert sorted(z for _, _, z, *_ in held) == [0, 500]


def test_a_carton_higher_or_wider_than_the_box_has_no_place() -> None:
    assert stand((1000, 500, 500), {(400, 400, 501): 1}) is None
    assert stand((1000, 500, 500), {(1100, 400, 400): 1}) is None
    assert stand((1000, 500, 500), {(900, 600, 400): 1}) is None


@pytest.mark.parametrize("code", ["40HQ", "20GP", "40RF", "40HQR", "PMC", "AKE"])
def test_every_quick_load_passes_the_checker(code: str) -> None:
    one = generated(400, seed=8)
    unit = next(each for each in one.network.equipment if each.code == code)
    rng = random.Random(code)
    quick = 0
    for share in (400, 800, 950):
        stower = Stower(one, work=1)
        ks, volume, weight = [], 0, 0
        for k in rng.sample(range(400), 400):
            each = one.consignments[k]
            if volume + each.volume_cm3 <= unit.usable_cm3 * share // 1000 and weight + each.weight_g <= unit.payload_g:
                ks.append(k)
                volume, weight = volume + each.volume_cm3, weight + each.weight_g
        load = stower.ask(code, ks).load
        if load is None:
            continue
        quick += not stower._loader.searched
        written = {**load.model_dump(mode="json"), "box": "B0001"}
        assert list(_load(written, [one.consignments[k] for k in ks], unit)) == []
    assert quick or code == "PMC"


def test_towers_are_no_higher_than_the_floor_bears() -> None:
    places = stand((1000, 500, 1000), {(500, 500, 200): 6}, {(500, 500): 700})
    assert places is not None
    assert sorted(z for _, _, z, *_ in places) == [0, 0, 200, 200, 400, 400]
    assert stand((1000, 500, 1000), {(500, 500, 200): 7}, {(500, 500): 700}) is None
    assert stand((1000, 500, 1000), {(500, 500, 200): 1}, {(500, 500): 199}) is None
