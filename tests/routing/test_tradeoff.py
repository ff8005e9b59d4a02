"""Money against time against carbon: two ways between the same places, worked out by hand."""

from __future__ import annotations

from routing.tradeoff import Weights, curve, lines, weighted
from tests.routing.tiny import goods, network_document, problem


def two_ways() -> dict[str, object]:
    """The ship of 10 days at 10,000 and a train of 2 days at 15,000 that makes three times its CO2."""
    document = network_document(loose=False)
    ship = document["services"][0]
    train = {**ship, "code": "TRAIN", "mode": "rail", "transit_h": 48, "freight_minor": {"BOX": 1_500_000}}
    document["services"].append(train)
    document["corridors"].append({**document["corridors"][0], "code": "RAIL", "services": ["TRAIN"]})
    document["rules"]["carbon"]["mg_per_tkm"]["rail"] = 24_000
    document["rules"]["holding"]["rate_permille_year"] = 100
    document["rules"]["carbon"]["minor_per_t"] = 100_000
    return document


POINTS = (Weights("rules", 1, 1), Weights("time", 20, 1), Weights("both", 20, 100))


def test_time_buys_the_train_and_carbon_brings_the_ship_back() -> None:
    # Worth CNY 1 million: 8 days sooner are worth 1,000,000 x 10 % x 8 / 365 = 2,192; twenty times that 43,836. The
    # train costs 5,000 more and makes 0.8 t more: CNY 800 at the rules' price, 80,000 at a hundred times that.
    one = problem([goods("K1", 15, 5, value_minor=100_000_000)], two_ways())
    found = curve(one, seconds=9, points=POINTS)
    assert [point.paid_minor for point in found] == [1_000_000, 1_500_000, 1_000_000]
    assert found[0].mean_h - found[1].mean_h == 192
    assert found[1].co2_g == 3 * found[0].co2_g
    assert not any(point.beaten for point in found)
    assert len(list(lines(found))) == 4


def test_weights_change_prices_and_nothing_else() -> None:
    one = problem([goods("K1", 15, 5)], two_ways())
    changed = weighted(one, POINTS[2])
    assert changed.network.rules.holding.rate_permille_year == 2000
    assert changed.network.rules.carbon.minor_per_t == 10_000_000
    assert changed.network.services == one.network.services
    assert weighted(one, POINTS[0]) == one
