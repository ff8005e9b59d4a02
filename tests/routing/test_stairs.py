"""The stair of least prices is never above what a mix of pallets costs, mix by mix."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from routing import stairs
from routing.generate import problem as generated
from routing.paths import PathFinder
from routing.tariff import BOX, ULD, Offer


def air_tables() -> list[tuple[Offer, ...]]:
    groups = PathFinder(generated(80, seed=2)).find().groups
    tables = {id(group.offers): group.offers for group in groups}.values()
    return [one for one in tables if any(each.kind == ULD for each in one) and all(each.kind != BOX for each in one)]


def least(capacity: float, pallets: list[Offer], mix: float, per: float) -> Any:
    """The least fen of a mix that holds this much, the weight beyond its pivots at the lowest rate among them."""
    counts = np.array(list(product(*(range(50) for _ in pallets))), np.float64)
    held = np.array([stairs.size_of(one.volume_cm3, one.weight_g, mix, per) for one in pallets])
    unit = np.array([stairs.size_of(one.extra_cm3, one.extra_g, mix, per) for one in pallets])
    rate = min(
        one.extra_rate_minor / one.per_units / each if each else 0.0 for one, each in zip(pallets, unit, strict=True)
    )
    inside = counts @ held
    wide = inside + counts @ (np.array([one.extra_max for one in pallets]) * unit) >= capacity
    fixed = counts @ np.array([one.fixed_minor for one in pallets], np.float64)
    return (fixed + rate * np.maximum(0.0, capacity - inside))[wide].min()


@pytest.mark.parametrize("mix", [0.0, 0.1, 0.45, 1.0])
def test_the_stair_is_never_above_the_cheapest_mix(mix: float) -> None:
    for table in air_tables()[:2]:
        pallets = [one for one in table if one.kind == ULD]
        per = max(one.extra_g / one.extra_cm3 for one in table if one.extra_cm3)
        largest = max(stairs.size_of(one.volume_cm3, one.weight_g, mix, per) for one in pallets)
        rows, rate = stairs.of(table, mix, per, 40 * largest)
        assert list(rows[0]) == [0.0, 0.0, 0.0]
        assert (np.diff(rows[:, 0]) >= 0).all()
        for capacity in np.linspace(0.01, 14, 40) * largest:
            wide = rows[:, 0] + rows[:, 2] >= capacity
            told = (rows[:, 1] + rate * np.maximum(0.0, capacity - rows[:, 0]))[wide].min()
            true = least(capacity, pallets, mix, per)
            assert told <= true * (1 + 1e-9)
            assert told >= true * (0.95 if capacity > 3 * largest else 1 - 1e-9)  # few pallets are exact
